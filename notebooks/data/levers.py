"""Regenerate what notebook 09 draws of the levers: python notebooks/data/levers.py.

09_levers.csv is a record kept by hand: trainings that were made while the presets were tuned, and not kept. Where each
seed's score was written down the spread is known, else it is empty. `chosen` says whether a setting was chosen on these
very seeds: then the winner's score flatters it. This command fits the 204 runs that were kept, in which all settings
were drawn at random around one preset (benchmarks/results/screening.csv), by least squares, and adds the pairs of the
record whose spreads are known: 09_effects.csv.
"""

import csv
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
SCREENING = FOLDER.parents[1] / "benchmarks" / "results" / "screening.csv"
LANDER = "LunarLanderContinuous-v3"
# The preset around which the settings were drawn.
CENTRE = {
    "past rollouts": "1",
    "δ": "0.02",
    "batches": "16 × 96",
    "γ": "0.99",
    "λ": "0.98",
    "λ of the critic": "as λ",
    "damping": "0.1",
    "CG iterations": "15",
    "states in F": "0.25",
    "critic epochs": "10",
    "critic minibatch": "256",
    "critic's rate": "0.003",
    "initial log σ": "-0.5",
    "hidden layers": "64 and 64",
}
HEADER = "environment", "lever", "setting", "against", "runs", "effect", "standard_error", "chosen_on_these_seeds"
# Of the record: environment, lever, setting, and the setting it is compared with, on the same kind of seeds.
PAIRS = (
    ("Hopper-v5", "critic epochs", "5", "10"),
    ("Hopper-v5", "critic epochs, seeds 0 to 2", "5", "10"),
    ("Walker2d-v5", "critic epochs", "5, and 16 environments", "10, and 8 environments"),
    ("Walker2d-v5", "states in F, 5 epochs", "half", "all"),
)


def read(path: Path) -> list[dict[str, str]]:
    """A table with a header."""
    with path.open(newline="", encoding="utf8") as file:
        return list(csv.DictReader(file))


def screened() -> list[tuple]:
    """The effect of each setting against the centre, with its standard error: least squares over all runs."""
    runs = read(SCREENING)
    levels = [(lever, x) for lever, own in CENTRE.items() for x in sorted({run[lever] for run in runs} - {own})]
    drawn = np.array([[run[lever] == level for lever, level in levels] for run in runs], float)
    design, scores = np.column_stack([np.ones(len(runs)), drawn]), np.array([float(run["evaluation"]) for run in runs])
    inverse = np.linalg.inv(design.T @ design)
    effects = inverse @ design.T @ scores
    variance = ((scores - design @ effects) ** 2).sum() / (len(runs) - design.shape[1])
    errors = np.sqrt(variance * inverse.diagonal())
    counts = drawn.sum(0).astype(int)
    return [
        (LANDER, lever, level, CENTRE[lever], count, f"{effect:.1f}", f"{error:.1f}", "no")
        for (lever, level), count, effect, error in zip(levels, counts, effects[1:], errors[1:], strict=True)
    ]


def recorded() -> list[tuple]:
    """The pairs of the record whose spreads are known: difference of means, and its standard error."""
    record = {(row["environment"], row["lever"], row["setting"]): row for row in read(FOLDER / "09_levers.csv")}
    rows = []
    for environment, lever, setting, other in PAIRS:
        new, old = record[environment, lever, setting], record[environment, lever, other]
        effect = float(new["mean"]) - float(old["mean"])
        error = np.hypot(*(float(row["sd"]) / int(row["seeds"]) ** 0.5 for row in (new, old)))
        runs = int(new["seeds"]) + int(old["seeds"])
        rows.append((environment, lever, setting, other, runs, f"{effect:.1f}", f"{error:.1f}", new["chosen"]))
    return rows


def main() -> None:
    """Write the effects."""
    with (FOLDER / "09_effects.csv").open("w", newline="", encoding="utf8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *screened(), *recorded()])


if __name__ == "__main__":
    main()
