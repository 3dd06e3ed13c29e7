"""The effects in notebook 09's table of levers are those of the stored runs."""

import csv
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]


def table(path):
    with open(ROOT / path, encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def test_effects_of_settings_drawn_at_random_are_the_least_squares_of_their_runs():
    runs = table("benchmarks/results/screening.csv")
    rows = [row for row in table("notebooks/data/09_levers.csv") if row["environment"].endswith("drawn at random")]
    column = {lever: "batches" if lever.endswith(" batches") else lever for lever in {row["lever"] for row in rows}}
    drawn = np.array([[run[column[row["lever"]]] == row["setting"] for row in rows] for run in runs], float)
    design = np.column_stack([np.ones(len(runs)), drawn])
    evaluations = np.array([float(run["evaluation"]) for run in runs])
    effects, (squares,), _, _ = np.linalg.lstsq(design, evaluations, rcond=None)
    errors = np.sqrt(squares / (len(runs) - design.shape[1]) * np.linalg.inv(design.T @ design).diagonal())
    assert [int(row["seeds"]) for row in rows] == drawn.sum(0).tolist()
    np.testing.assert_allclose([float(row["score"]) for row in rows], effects[1:], atol=0.55)
    assert 11.5 < errors[1:].min() < errors[1:].max() < 22.5
