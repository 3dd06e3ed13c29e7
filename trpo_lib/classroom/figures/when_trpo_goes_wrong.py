"""Figures and stored tables of notebook 09."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

from trpo_lib.classroom import plotting
from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, VERMILLION
from trpo_lib.classroom.statistics import interquartile_mean


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a stored table, by the names of its columns."""
    with path.open(newline="", encoding="utf8") as file:
        return list(csv.DictReader(file))


def last_fifth(path: Path) -> dict[str, np.ndarray]:
    """What is missing → the score of each run, `(seeds,)`: its mean return over the last fifth of its stretches."""
    scores: dict[str, list[float]] = {}
    for (missing, _), run in plotting.read_runs(path).items():
        scores.setdefault(missing, []).append(run[-len(run) // 5 :, 1].mean())
    return {missing: np.array(values) for missing, values in scores.items()}


def read_reports(path: Path) -> dict[tuple[str, int], list[SimpleNamespace]]:
    """(run, seed) → its stored reports, each with the fields of an `UpdateReport` that were kept."""
    histories: dict[tuple[str, int], list[SimpleNamespace]] = {}
    for row in read_table(path):
        fields = {name: float(text) for name, text in row.items() if name not in ("run", "seed")}
        histories.setdefault((row["run"], int(row["seed"])), []).append(SimpleNamespace(**fields))
    return histories


def on_fresh_seeds(path: Path) -> dict[str, dict[str, tuple[float, int]]]:
    """Two settings of 09_levers.csv → their (mean, seeds) on the seeds on which they were chosen, and on others."""
    record = {(row["environment"], row["lever"], row["setting"]): row for row in read_table(path)}
    discrete, continuous = "LunarLander-v3", "LunarLanderContinuous-v3"
    pairs = {
        "two past\nrollouts": [(discrete, "past rollouts", "2"), (discrete, "two past rollouts", "side by side")],
        "one\npreset": [(continuous, "seeds of one preset", s) for s in ("those it was chosen on", "fresh ones")],
    }
    groups = "chosen on these seeds", "fresh seeds"
    return {
        name: {
            group: (float(record[key]["mean"]), int(record[key]["seeds"]))
            for group, key in zip(groups, keys, strict=True)
        }
        for name, keys in pairs.items()
    }


def ablations(scores: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """A panel for each task, a line for each ablation: its runs as dots, their interquartile mean as a bar."""
    _, axes = plt.subplots(1, len(scores), figsize=(9.5, 5.2), sharey=True)
    for ax, (task, rows) in zip(axes, scores.items(), strict=True):
        for i, row in enumerate(rows.values()):
            ax.plot(row, [i] * len(row), "o", color=BLUE, alpha=0.4)
            ax.plot(interquartile_mean(row), i, "|", color=VERMILLION, markersize=18, markeredgewidth=3)
        ax.axvline(interquartile_mean(next(iter(rows.values()))), color=GREY, linestyle=":")
        ax.set(title=task, xlabel="return over the last fifth")
    names = ["complete agent", *("without " + missing for missing in list(rows)[1:])]
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    plt.show()


def levers(effects: Sequence[Mapping[str, str]], pairs: Mapping[str, Mapping[str, tuple[float, int]]]) -> None:
    """Left, effects with two standard errors each; right, scores on the seeds a setting was chosen on, and on others.

    Args:
        effects: rows of 09_effects.csv, drawn from top to bottom.
        pairs: setting → {"chosen on these": (mean, seeds), "fresh": …}.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), width_ratios=(1.5, 1))
    for i, row in enumerate(effects):
        effect, error = float(row["effect"]), float(row["standard_error"])
        stands = abs(effect) > 3.3 * error  # |t| that forty looks ask for
        color, marker = (VERMILLION, "D") if stands else (BLUE, "o")
        left.errorbar(effect, i, xerr=2 * error, fmt=marker, color=color, capsize=3)
    names = [f"{row['lever']} {row['setting']} (for {row['against']}), {row['runs']} runs" for row in effects]
    left.set_yticks(range(len(names)), names)
    left.axvline(0, color=GREY, linestyle=":")
    left.invert_yaxis()
    left.set(xlabel="change of the evaluation", title="none was chosen on these seeds")
    looks = {"chosen on these seeds": ("o", BLUE, 0.04), "fresh seeds": ("s", GREEN, 0.04)}
    for column, score in enumerate(pairs.values()):
        for group, (marker, color, shift) in looks.items():
            mean, seeds = score[group]
            right.plot(column, mean, marker, color=color, markersize=9, label=group if not column else None)
            right.annotate(f"{mean:.0f} ({seeds} seeds)", (column + 2 * shift, mean), va="center", color=color)
        right.plot([column] * 2, [score[group][0] for group in looks], color=GREY, linewidth=1, zorder=0)
    right.set_xticks(range(len(pairs)), pairs)
    right.set(xlim=(-0.3, len(pairs)), ylim=(150, 310), ylabel="evaluation", title="the winner's curse")
    right.legend(loc="upper right")
    plt.show()
