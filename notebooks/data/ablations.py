"""Regenerate what notebook 09 reads (ten minutes on two cores): python notebooks/data/ablations.py.

One environment of it: add CartPole-v1 or Pendulum-v1 to the command.

Every run leaves one ingredient of TRPO out of the environment's preset. 09_levers.csv is kept by hand: it holds what
was found while the presets were tuned.
"""

import csv
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from trpo_lib.classroom import plotting, setup
from trpo_lib.classroom.ablations import ablations, without

FOLDER = Path(__file__).parent
STEPS = {"CartPole-v1": 30_000, "Pendulum-v1": 60_000}
STRETCH = 2_000
SEEDS = range(10)
Row = tuple[str | int, ...]


def ablation_run(missing: str, env_id: str, seed: int) -> tuple[list[Row], Row]:
    """A learning curve, one row a stretch, and what the reports say, in one row."""
    setup(seed)
    agent = without(missing, env_id, seed=seed).learn(STEPS[env_id], progress=False)
    grid = range(0, STEPS[env_id] + 1, STRETCH)
    means = plotting.returns_on_grid(agent.episodes, grid)
    curve = [(missing, seed, end, f"{mean:.1f}") for end, mean in zip(grid[1:], means, strict=True)]
    taken = np.array([report.kl_ratio for report in agent.history if report.accepted])
    refused = np.mean([not report.accepted for report in agent.history])
    residual = np.median([report.cg_residuals[-1] for report in agent.history if report.cg_residuals] or [1.0])
    critic = np.median([report.explained_variance for report in agent.history])
    numbers = (np.median(taken), taken.max(), refused, residual, critic)
    return curve, (env_id, missing, seed, *(f"{number:.3g}" for number in numbers))


def write(name: str, header: str, rows: list[Row]) -> None:
    """One CSV file of this folder."""
    with (FOLDER / name).open("w", newline="", encoding="utf8") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])


def main(env_ids: list[str]) -> None:
    """All ablations on the named environments, two processes at a time."""
    with ProcessPoolExecutor(2) as pool:
        for env_id in env_ids or STEPS:
            jobs = [pool.submit(ablation_run, missing, env_id, s) for missing in ablations(env_id) for s in SEEDS]
            curves, reports = zip(*(job.result() for job in jobs), strict=True)
            name = env_id.split("-")[0].lower()
            write(f"09_{name}.csv", "run,seed,step,episode_return", [row for curve in curves for row in curve])
            header = "environment,run,seed,median_kl_ratio,largest_kl_ratio,refused,cg_residual,explained_variance"
            write(f"09_{name}_reports.csv", header, list(reports))


if __name__ == "__main__":
    main(sys.argv[1:])
