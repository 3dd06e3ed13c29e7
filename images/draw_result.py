"""Draw the README's picture from the runs that notebook 07 reads: python images/draw_result.py."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from trpo_lib import Episode
from trpo_lib.classroom import plotting

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Median and range over seeds: the preset on ten, the textbook agent on five."""
    plotting.use_style()
    plt.rcParams |= {"svg.hashsalt": "trpo_lib", "figure.facecolor": "white", "font.size": 12}
    ladder = plotting.read_runs(ROOT / "notebooks/data/07_ladder.csv")
    preset = plotting.read_runs(ROOT / "notebooks/data/07_preset.csv")
    grid = np.arange(0, 30_001, 1500)
    episodes = [[Episode(int(step), value, 0) for step, value in rows] for rows in preset.values()]
    trpo = np.array([plotting.returns_on_grid(run, grid) for run in episodes])
    textbook = np.array([rows[:15] for (label, _), rows in ladder.items() if label == "the textbook agent"])

    fig, ax = plt.subplots(figsize=(8.6, 3.4))
    plotting.seeds_curve(ax, grid[1:], trpo, label="TRPO", color=plotting.BLUE)
    plotting.seeds_curve(ax, textbook[0, :, 0], textbook[:, :, 1], label="textbook", color=plotting.VERMILLION)
    ax.text(29_700, 440, 'TRPO("CartPole-v1"), ten seeds', color=plotting.BLUE, va="top", ha="right")
    ax.text(29_700, 268, "the textbook's TRPO, five seeds", color=plotting.VERMILLION, va="bottom", ha="right")
    ax.set(xlabel="environment steps", ylabel="episode return (500 is perfect)", xlim=(1500, 30_000), ylim=(0, 515))
    ax.set_xticks(range(5000, 30_001, 5000), [f"{step:,}" for step in range(5000, 30_001, 5000)])
    fig.savefig(ROOT / "images/result.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
