"""Figures of notebook 07."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from trpo_lib.agent.report import UpdateReport
from trpo_lib.classroom import plotting
from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, PURPLE, VERMILLION
from trpo_lib.classroom.statistics import bootstrap_interval, interquartile_mean

LOOKS = ((GREY, ":"), (VERMILLION, "--"), (GREEN, "-."), (BLUE, "-"), (PURPLE, (0, (5, 1, 1, 1, 1, 1))))


def middle_half(ax: Axes, steps: Sequence[float], curves: Mapping[str, np.ndarray], *, lightest: int = 0) -> None:
    """For each label the median over its runs `(seeds, steps)`, and the middle half of them as a band."""
    for (label, runs), (color, dashes) in zip(curves.items(), LOOKS[lightest:], strict=False):
        low, median, high = np.quantile(runs, (0.25, 0.5, 0.75), axis=0)
        ax.plot(steps, median, color=color, linestyle=dashes, label=label)
        ax.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
    ax.set(xlabel="environment steps", ylabel="episode return")


def textbook_agent(one_run: np.ndarray, steps: Sequence[float], curves: np.ndarray) -> None:
    """Left, every episode of one run and their moving average; right, ten runs and their median."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
    left.plot(one_run[:, 1], color=BLUE, alpha=0.35, linewidth=1, label="each episode")
    left.plot(plotting.moving_average(one_run[:, 1]), color=BLUE, label="mean of 9 episodes")
    left.set(title="one run, limit 200", xlabel="episode", ylabel="episode return")
    right.plot(steps, curves.T, color=BLUE, alpha=0.35, linewidth=1)
    right.plot([], [], color=BLUE, alpha=0.35, linewidth=1, label="each of ten runs")
    right.plot(steps, np.median(curves, axis=0), color=VERMILLION, linestyle="--", label="their median")
    right.set(title="ten runs, limit 500", xlabel="environment steps", ylim=(0, 520))
    right.set_xticks(range(0, 40_001, 10_000))
    left.legend(loc="lower right")
    right.legend(loc="center left", bbox_to_anchor=(0.5, 0.65))
    plt.show()


def ladder(labels: Sequence[str], late: np.ndarray) -> None:
    """Each rung's runs as dots, their interquartile mean as a bar, its interval as a line; `(rungs, seeds)`."""
    _, ax = plt.subplots(figsize=(9, 5.2))
    for i, row in enumerate(late):
        low, high = bootstrap_interval(row)
        ax.plot(row, [i] * len(row), "o", color=BLUE, alpha=0.4, markersize=6)
        ax.plot((low, high), (i, i), color=VERMILLION, linewidth=3)
        ax.plot(interquartile_mean(row), i, "|", color=VERMILLION, markersize=18, markeredgewidth=3)
    ax.set_yticks(range(len(labels)), [labels[0], *("+ " + name for name in labels[1:])])
    ax.invert_yaxis()
    ax.set(xlabel="return over the last 4,000 of 40,000 steps", xlim=(0, 515))
    plt.show()


def arrivals(steps: Sequence[float], curves: Mapping[str, np.ndarray]) -> None:
    """When the runs of each label arrive."""
    _, ax = plt.subplots(figsize=(9, 3.8))
    middle_half(ax, steps, curves)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="ladder down to")
    plt.show()


def preset(steps: Sequence[float], curves: np.ndarray) -> None:
    """Median, and the range from the worst run to the best."""
    _, ax = plt.subplots()
    label = f"median of {len(curves)} runs, worst to best"
    plotting.seeds_curve(ax, steps, curves, label=label, color=BLUE)
    ax.axhline(475, color=GREY, linestyle=":", label="475: CartPole-v1 counts as solved")
    ax.set(xlabel="environment steps", ylabel="episode return")
    ax.legend(loc="lower right")
    plt.show()


def diagnostics(history: Sequence[UpdateReport]) -> None:
    """Four panels over a training, from its reports."""

    def column(name: str) -> np.ndarray:
        return np.array([getattr(report, name) for report in history])

    _, ((kl, fraction), (known, gains)) = plt.subplots(2, 2, figsize=(9.5, 5.6), sharex=True)
    step = column("step")
    kl.plot(step, column("kl_ratio"), "o-", markersize=4)
    kl.axhline(1, color=GREY, linestyle=":")
    kl.set(title="KL of the step / δ", ylim=(0, 1.1))
    fraction.plot(step, column("fraction"), "o-", markersize=4)
    fraction.set(title="accepted fraction of the model's step", ylim=(0, 1.1 * column("fraction").max()))
    known.plot(step, column("explained_variance").clip(-1), "o-", markersize=4)
    known.set(title="critic: explained variance (at −1: or less)", ylim=(-1.1, 1.1), xlabel="environment steps")
    gains.plot(step, column("predicted_gain"), "o--", markersize=4, label="predicted, gᵀΔ")
    gains.plot(step, column("surrogate_gain"), "s-", markersize=4, label="measured, L")
    gains.set(title="gain of the surrogate", xlabel="environment steps", ylim=(0, None))
    gains.legend()
    plt.show()


def drift(distance: np.ndarray, sample_size: np.ndarray) -> None:
    """KL from the policy that acted, and effective sample size, over the updates on one batch; `(seeds, updates)`."""
    updates = np.arange(1, distance.shape[1] + 1)
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
    for ax, rows in ((left, distance), (right, sample_size)):
        ax.plot(updates, rows.T, color=BLUE, alpha=0.3, linewidth=1)
        ax.plot(updates, np.median(rows, axis=0), "o-", color=BLUE, label=f"median of {len(rows)} runs")
        ax.set(xlabel="updates on one batch")
    for power, color, dashes in ((1, GREY, ":"), (2, VERMILLION, "--")):
        name = "number of updates" + ("²" if power == 2 else "")
        left.plot(updates, updates**power, linestyle=dashes, color=color, label=name)
    left.set(xscale="log", yscale="log", ylabel="KL from the policy that acted / δ")
    left.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    left.minorticks_off()
    right.set(ylabel="effective sample size / B", ylim=(0, 1.05))
    right.set_xticks([1, 4, 8, 12, 16])
    for ax in (left, right):
        ax.legend()
    plt.show()


def reuse(steps: Sequence[float], curves: Mapping[str, np.ndarray]) -> None:
    """Median and middle half of the runs for each number of updates per batch."""
    _, ax = plt.subplots(figsize=(9, 3.8))
    middle_half(ax, steps, curves, lightest=1)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()
