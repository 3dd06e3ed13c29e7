"""Figures of notebook 08."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from trpo_lib.classroom import plotting
from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION
from trpo_lib.classroom.statistics import bootstrap_interval, interquartile_mean, summary
from trpo_lib.experience.cursor import Episode

Runs = Mapping[tuple[str, int], np.ndarray]  # (label, seed) → rows (step, return)


def textbook_runs(runs: Runs, good: float) -> None:
    """Every run of the textbook agent as a thin line, their median thick, and what a good policy earns."""
    curves = [(run[:, 0] / 1000, plotting.moving_average(run[:, 1])) for run in runs.values()]
    _, ax = plt.subplots()
    for steps, curve in curves:
        ax.plot(steps, curve, color=SKY, linewidth=0.9)
    ax.plot([], [], color=SKY, linewidth=0.9, label=f"{len(curves)} seeds")
    steps = curves[0][0]
    ax.plot(steps, np.median([curve for _, curve in curves], axis=0), color=BLUE, label="their median", linewidth=2.5)
    ax.axhline(good, color=GREY, linestyle=":", label="a good policy")
    ax.set(xlabel="thousand environment steps", ylabel="episode return", ylim=(-1650, 0))
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.6))
    plt.show()


def narrowest(steps: Sequence[float], widths: Mapping[str, np.ndarray]) -> None:
    """The smallest σ over the states of an episode: medians of the seeds, and a band from the lowest to the highest."""
    looks = zip((SKY, BLUE, ORANGE, VERMILLION, GREEN), ("-", "--", "-.", ":", "-"), ".os^D", strict=True)
    _, ax = plt.subplots(figsize=(8.5, 3.8))
    for (label, curves), (color, dashes, marker) in zip(widths.items(), looks, strict=True):
        plotting.seeds_curve(ax, steps, curves, label=label, color=color)
        ax.lines[-1].set(linestyle=dashes, marker=marker, markevery=5, markersize=5)
    ax.set(xlabel="environment steps", ylabel="smallest σ in any state", yscale="log")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()


def ladder(rungs: Mapping[str, np.ndarray]) -> None:
    """A row for each rung: a dot for each seed, a bar for the interquartile mean, and its interval, also in numbers."""
    _, ax = plt.subplots(figsize=(9.5, 0.28 * len(rungs) + 0.9))
    for i, values in enumerate(rungs.values()):
        ax.plot(values, [i] * len(values), "o", color=SKY, markersize=4)
        ax.plot(bootstrap_interval(values), [i, i], color=VERMILLION, linewidth=2.5)
        ax.plot(interquartile_mean(values), i, "|", color=VERMILLION, markersize=15, markeredgewidth=3)
    first, *others = rungs
    ax.set_yticks(range(len(rungs)), [first, *("+ " + label for label in others)])
    ax.invert_yaxis()
    right = ax.secondary_yaxis("right")
    right.set_yticks(range(len(rungs)), [summary(values).replace("-", "−") for values in rungs.values()])
    ax.set_xticks(range(-1600, 0, 400))
    ax.set(xlabel="return over the last 6,000 of 60,000 steps")
    plt.show()


def seeds(runs: Runs, title: str, level: float | None = None) -> None:
    """Median and range of several runs of one agent."""
    curves = np.array([run[:, 1] for run in runs.values()])
    steps, label = next(iter(runs.values()))[:, 0], f"median of {len(curves)} seeds, worst to best"
    _, ax = plt.subplots()
    plotting.seeds_curve(ax, steps, curves, label=label, color=BLUE)
    if level is not None:
        ax.axhline(level, color=GREY, linestyle=":", label=f"a return of −{-level:g}")
    ax.set(xlabel="environment steps", ylabel="episode return", title=title)
    ax.legend(loc="lower right")
    plt.show()


def every_seed(runs: Runs) -> None:
    """One line for each of a few runs."""
    _, ax = plt.subplots()
    looks = zip((BLUE, VERMILLION, GREEN), ("-", "--", "-."), strict=True)
    for ((label, seed), run), (color, dashes) in zip(runs.items(), looks, strict=True):
        ax.plot(run[:, 0] / 1000, run[:, 1], dashes, color=color, label=f"seed {seed}")
        ax.set(xlabel="thousand environment steps", ylabel="episode return", title=label)
    ax.legend(loc="upper left")
    plt.show()


def phase_portrait(angle: np.ndarray, speed: np.ndarray, maps: Mapping[str, np.ndarray], path: np.ndarray) -> None:
    """Maps over the plane of angle and speed, each with the dots of one episode, which starts at the star.

    Args:
        angle, speed: the grid's two axes.
        maps: title → numbers, `(speeds, angles)`.
        path: angle and speed at each step, `(T, 2)`.
    """
    _, axes = plt.subplots(1, len(maps), figsize=(9.5, 3.8), sharey=True)
    for ax, (title, numbers), colours in zip(axes, maps.items(), ("PuOr", "cividis"), strict=True):
        image = ax.pcolormesh(angle, speed, numbers, cmap=colours, shading="auto")
        plt.colorbar(image, ax=ax)
        ax.plot(*path.T, "o", color="black", markeredgecolor="white", markeredgewidth=0.5, markersize=4)
        ax.plot(*path[0], "*", color="white", markeredgecolor="black", markersize=15)
        ax.set(title=title, xlabel="angle θ (0: upright)")
        ax.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
        ax.grid(visible=False)
    axes[0].set_ylabel("angular speed (rad/s)")
    plt.show()


def live(episodes: Sequence[Episode]) -> None:
    """The learning curve of the training that has just been watched."""
    _, ax = plt.subplots()
    plotting.learning_curve(ax, episodes, label="TRPO, this run", color=BLUE)
    ax.legend(loc="lower right")
    plt.show()
