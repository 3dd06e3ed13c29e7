"""Tables and learning curves of the stored results: python benchmarks/report.py

Prints the tables of README.md, and draws results/curves.png.
"""

import csv
from collections import defaultdict

import matplotlib.pyplot as plt
import numpy as np
from learning import EQUAL_KL, OURS, RESULTS, TASKS, TUNED
from scipy import stats

from trpo_lib.classroom import plotting

COLORS = {OURS: plotting.BLUE, TUNED: plotting.VERMILLION, EQUAL_KL: plotting.GREEN}


def interquartile_mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean of the middle half; of so few values that a quarter is less than one, the plain mean."""
    return stats.trim_mean(values, 0.25, axis=axis)


def interval(values: list[float]) -> str:
    """Interquartile mean over seeds with its 95 % bootstrap interval (percentiles); of fewer than five, every seed."""
    if len(values) < 5:
        return " ".join(f"{value:.0f}" for value in values)
    if np.ptp(values) == 0:
        return f"{interquartile_mean(np.array(values)):.0f}"
    bootstrap = stats.bootstrap(
        (np.array(values),), interquartile_mean, method="percentile", rng=np.random.default_rng(0)
    )
    low, high = bootstrap.confidence_interval
    return f"{interquartile_mean(np.array(values)):.0f} [{low:.0f}, {high:.0f}]"


def read(name: str) -> list[dict[str, str]]:
    """The rows of a stored table."""
    with (RESULTS / name).open(newline="", encoding="utf8") as file:
        return list(csv.DictReader(file))


def table() -> None:
    """Returns and speed, one line for each environment and contestant."""
    runs = defaultdict(list)
    for row in read("runs.csv"):
        runs[row["environment"], row["contestant"]].append(row)
    print("| environment | steps | contestant | seeds | training return | evaluation | steps/s | update, ms |")
    print("|---|---|---|---|---|---|---|---|")
    for (environment, contestant), rows in runs.items():

        def column(name: str, rows: list[dict[str, str]] = rows) -> list[float]:
            return [float(row[name]) for row in rows]

        speed = np.median(column("steps_per_second"))
        steps = int(rows[0]["steps"])
        scores = interval(column("training_return")), interval(column("evaluation"))
        update = f"{np.median(column('update_milliseconds')):.0f}"
        cells = [environment, f"{steps:,}", contestant, str(len(rows)), *scores, f"{speed:,.0f}", update]
        print("| " + " | ".join(cells) + " |")


def every_seed() -> None:
    """What each seed of ours reached, in the figure that counts."""
    for environment, task in TASKS.items():
        rows = [row for row in read("runs.csv") if (row["environment"], row["contestant"]) == (environment, OURS)]
        if rows:
            counts = "evaluation" if task.tail is None else "training_return"
            used = [float(row["mean_kl_ratio"]) for row in rows], [float(row["largest_kl_ratio"]) for row in rows]
            values = " ".join(f"{float(row[counts]):.0f}" for row in rows)
            print(f"{environment}: {values}; KL/max_kl mean {np.mean(used[0]):.2f}, largest {np.max(used[1]):.3f}")


def curves() -> None:
    """Median over seeds as a line, worst to best as a band."""
    points = defaultdict(lambda: defaultdict(list))
    for row in read("curves.csv"):
        points[row["environment"], row["contestant"]][int(row["step"])].append(float(row["episode_return"]))
    environments = [name for name in TASKS if (name, OURS) in points]
    rows = -(-len(environments) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(9.5, 2.6 * rows), squeeze=False)
    for ax in axes.flat[len(environments) :]:
        ax.axis("off")
    for ax, environment in zip(axes.flat, environments, strict=False):
        for contestant, color in COLORS.items():
            at = points[environment, contestant]
            if at:
                steps = sorted(at)
                style = "--" if contestant == EQUAL_KL else "-"  # where equal KL is the tuned run, both show
                ax.plot(steps, [np.median(at[step]) for step in steps], style, color=color, label=contestant)
                low, high = [min(at[step]) for step in steps], [max(at[step]) for step in steps]
                ax.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
        ax.set(title=environment, xlabel="environment steps", ylabel="episode return")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    plt.savefig(RESULTS / "curves.png")


if __name__ == "__main__":
    plotting.use_style()
    every_seed()
    print()
    table()
    curves()
