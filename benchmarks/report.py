"""Tables and learning curves of the stored results: python benchmarks/report.py

Writes the tables of README.md here, and the results in the README.md above, between their markers, and draws
results/curves.png.
"""

import csv
import re
import textwrap
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from learning import EQUAL_KL, OURS, PLAIN, RESULTS, TASKS, TUNED

from trpo_lib.classroom import plotting
from trpo_lib.classroom.statistics import interquartile_mean, summary

HERE = Path(__file__).parent
COLORS = {OURS: plotting.BLUE, PLAIN: plotting.PURPLE, TUNED: plotting.VERMILLION, EQUAL_KL: plotting.GREEN}
Runs = dict[tuple[str, str], list[dict[str, str]]]


def read(name: str) -> list[dict[str, str]]:
    """The rows of a stored table."""
    with (RESULTS / name).open(newline="", encoding="utf8") as file:
        return list(csv.DictReader(file))


def runs() -> Runs:
    """The stored runs, by environment and contestant."""
    grouped: Runs = defaultdict(list)
    for row in read("runs.csv"):
        grouped[row["environment"], row["contestant"]].append(row)
    return grouped


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """One number of each run."""
    return np.array([float(row[name]) for row in rows])


def counts(environment: str) -> str:
    """Which return is the one that counts."""
    return "evaluation" if TASKS[environment].tail is None else "training_return"


def minus(text: str) -> str:
    """A hyphen before a number becomes a minus sign."""
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return minus("\n".join("| " + " | ".join(line) + " |" for line in lines))


def scores(values: np.ndarray) -> str:
    """Interquartile mean and 95 % bootstrap interval over seeds; of fewer than five seeds, every one."""
    return summary(values) if len(values) >= 5 else " ".join(f"{value:.0f}" for value in values)


def result_table(grouped: Runs) -> str:
    """One line for each environment and each of our agents: mean, failures and interquartile mean side by side."""
    head = ["environment, steps", "figure, aim", "agent", "seeds", "mean", "failed", "IQM", "worst", TUNED, EQUAL_KL]
    lines = []
    for environment, task in TASKS.items():
        figure = f"{'evaluation' if task.tail is None else 'training'} ≥ {task.aim}"
        peers = []
        for peer in (TUNED, EQUAL_KL):
            values = column(grouped.get((environment, peer), []), counts(environment))
            peers.append(f"{values.mean():.0f} ({len(values)})" if len(values) else "")
        for contestant in (OURS, PLAIN):
            rows = grouped.get((environment, contestant))
            if rows:
                values = column(rows, counts(environment))
                failed = f"{(values < task.failed).sum()} below {task.failed}"
                numbers = f"{values.mean():.0f}", failed, f"{interquartile_mean(values):.0f}", f"{values.min():.0f}"
                lines.append([f"{environment}, {task.steps:,}", figure, contestant, str(len(values)), *numbers, *peers])
    return table(head, lines)


def seeds_table(grouped: Runs) -> str:
    """What each seed of ours reached, in the figure that counts, and how much of the trust region was used."""
    lines = []
    for (environment, contestant), rows in grouped.items():
        if contestant in (OURS, PLAIN):
            values = " ".join(f"{value:.0f}" for value in column(rows, counts(environment)))
            used = column(rows, "mean_kl_ratio").mean(), column(rows, "largest_kl_ratio").max()
            lines.append([environment, contestant, values, f"{used[0]:.2f}", f"{used[1]:.4f}"])
    head = ["environment", "agent", "every seed, in the figure that counts", "KL/max_kl, mean", "largest"]
    return table(head, lines)


def beside_table(grouped: Runs) -> str:
    """Returns and speed, one line for each environment and contestant."""
    lines = []
    for (environment, contestant), rows in grouped.items():
        both = scores(column(rows, "training_return")), scores(column(rows, "evaluation"))
        speed = f"{np.median(column(rows, 'steps_per_second')):,.0f}"
        update = f"{np.median(column(rows, 'update_milliseconds')):.0f}"
        steps = f"{int(rows[0]['steps']):,}"
        lines.append([environment, steps, contestant, str(len(rows)), *both, speed, update])
    head = ["environment", "steps", "contestant", "seeds", "training return", "evaluation", "steps/s", "update, ms"]
    return table(head, lines)


def sentence(grouped: Runs) -> str:
    """The results in the README of the project: training and evaluation apart, mean beside interquartile mean."""
    parts: dict[str, list[str]] = {"training_return": [], "evaluation": []}
    for environment, task in TASKS.items():
        rows = grouped[environment, OURS]
        values = column(rows, counts(environment))
        failed = int((values < task.failed).sum())
        failures = f", {failed} of {len(values)} below {task.failed}" if failed else ""
        middle = f", IQM {interquartile_mean(values):.0f}" if len(values) >= 5 else ""
        text = f"{environment} {values.mean():.0f} ({len(values)} seeds{middle}{failures})"
        parts[counts(environment)].append(f"{text} after {task.steps:,} steps")
    training, evaluation = ("; ".join(part) for part in parts.values())
    sentences = (
        f"Mean return while training, at the end of the run: {training}.",
        f"Mean of twenty evaluation episodes with the most likely actions: {evaluation}.",
    )
    return "\n".join(f"- {minus(textwrap.fill(text, 116, subsequent_indent='  '))}" for text in sentences)


def written() -> dict[Path, dict[str, str]]:
    """What stands between the markers of each file, by the marker's name."""
    grouped = runs()
    tables = {"results": result_table(grouped), "seeds": seeds_table(grouped), "beside": beside_table(grouped)}
    return {HERE / "README.md": tables, HERE.parent / "README.md": {"results": sentence(grouped)}}


def filled(text: str, parts: dict[str, str]) -> str:
    """A text with its marked parts exchanged.

    Raises:
        ValueError: a part has no markers, or more than one pair.
    """
    for name, part in parts.items():
        begin, end = f"<!-- report: {name} -->\n", f"\n<!-- /report: {name} -->"
        if (text.count(begin), text.count(end)) != (1, 1):
            raise ValueError(f"the markers of {name} must be there once.")
        head, _, rest = text.partition(begin)
        text = head + begin + part + end + rest.partition(end)[2]
    return text


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
                style = {EQUAL_KL: "--", PLAIN: ":"}.get(contestant, "-")  # where equal KL is the tuned run, both show
                ax.plot(steps, [np.median(at[step]) for step in steps], style, color=color, label=contestant)
                low, high = [min(at[step]) for step in steps], [max(at[step]) for step in steps]
                ax.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
        ax.set(title=environment, xlabel="environment steps", ylabel="episode return")
    handles = {label: line for ax in axes.flat for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles))
    plt.savefig(RESULTS / "curves.png")


def main() -> None:
    """Write the tables, and draw the curves."""
    for path, parts in written().items():
        path.write_text(filled(path.read_text(encoding="utf8"), parts), encoding="utf8")
    curves()


if __name__ == "__main__":
    plotting.use_style()
    main()
