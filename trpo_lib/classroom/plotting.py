"""Figures that recur in the notebooks, and their one style."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from trpo_lib.experience.cursor import Episode
from trpo_lib.experience.environments import remake_envs

# Okabe & Ito's hues (2008), told apart with any colour vision, in tones that have a contrast of 3 : 1 or more on white.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, GREY = (
    "#0062A3", "#C78500", "#00906A", "#B23A00", "#C46C9F", "#3A9BD9", "#5E5E5E"
)  # fmt: skip


def use_style() -> None:
    """The series' figure style."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=[BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY]),
            "axes.grid": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "axes.labelsize": 11,
            "figure.dpi": 100,
            "figure.figsize": (7.0, 3.6),
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "lines.linewidth": 2,
            "savefig.dpi": 100,
        }
    )


def moving_average(values: Sequence[float], window: int = 9) -> np.ndarray:
    """The mean over a centred window, shorter at the two ends; as long as `values`."""
    half, kernel = window // 2, np.ones(window)
    sums, counts = (
        np.convolve(array, kernel, "full")[half : half + len(values)] for array in (values, np.ones(len(values)))
    )
    return sums / counts


def learning_curve(ax: Axes, episodes: Sequence[Episode], *, label: str, color: str, window: int = 9) -> None:
    """Episode returns over steps: raw in a pale tone, their moving average on top."""
    steps = [episode.step for episode in episodes]
    returns = [episode.episode_return for episode in episodes]
    ax.plot(steps, returns, color=color, alpha=0.25, linewidth=1)
    ax.plot(steps, moving_average(returns, window), color=color, label=label)
    ax.set(xlabel="environment steps", ylabel="episode return")


def seeds_curve(ax: Axes, steps: Sequence[float], curves: np.ndarray, *, label: str, color: str) -> None:
    """The median over seeds as a line, the range from the worst to the best as a band; `curves` is `(seeds, steps)`."""
    ax.plot(steps, np.median(curves, axis=0), color=color, label=label)
    ax.fill_between(steps, curves.min(axis=0), curves.max(axis=0), color=color, alpha=0.15, linewidth=0)


def returns_on_grid(episodes: Iterable[Episode], grid: Sequence[float]) -> np.ndarray:
    """Mean return of the episodes that ended between two grid points; the last one known where none did.

    An episode that ends at a grid point belongs to the stretch that ends there, as its steps do.
    """
    steps, returns = np.array([(episode.step, episode.episode_return) for episode in episodes]).T
    bins = np.digitize(steps, grid, right=True) - 1
    means, last = [], returns[0]
    for i in range(len(grid) - 1):
        if (bins == i).any():
            last = returns[bins == i].mean()
        means.append(last)
    return np.array(means)


def read_runs(path: str | Path) -> dict[tuple[str, int], np.ndarray]:
    """Stored training runs: (run, seed) → its rows (step, episode return), `(rows, 2)`."""
    runs: dict[tuple[str, int], list[tuple[float, float]]] = {}
    with Path(path).open(newline="", encoding="utf8") as file:
        for row in csv.DictReader(file):
            pair = float(row["step"]), float(row["episode_return"])
            runs.setdefault((row["run"], int(row["seed"])), []).append(pair)
    return {run: np.array(rows) for run, rows in runs.items()}


def filmstrip(agent, *, frames: int = 8, every: int = 10, seed: int = 0, title: str = "") -> float:
    """Run one deterministic episode, show some of its frames in a row, and return its return.

    Args:
        agent: a `TRPO`.
        frames: pictures in the strip.
        every: steps from one picture to the next.
        seed: of the environment.
        title: over the strip.
    """
    envs = remake_envs(agent.envs, 1, render_mode="rgb_array")
    pictures = []
    for step, ((total,), (running,)) in enumerate(agent.play(envs, seed=seed)):  # noqa: B007
        if running and step % every == 0 and len(pictures) < frames:
            pictures.append((step, envs.render()[0]))
    envs.close()
    _, axes = plt.subplots(1, len(pictures), figsize=(1.5 * len(pictures), 1.6), squeeze=False)
    for ax, (number, picture) in zip(axes[0], pictures, strict=True):
        ax.imshow(picture)
        ax.set_title(f"step {number}", fontsize=9)
        ax.axis("off")
    plt.suptitle(title)
    plt.show()
    return float(total)
