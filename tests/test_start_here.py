"""What notebook 00 says of the stored steps, held against a plain reading of the file."""

import csv

import pytest

from trpo_lib.classroom import stored
from trpo_lib.classroom.figures import start_here


def test_trainings_are_read_and_measured_as_a_loop_over_the_file_does():
    with stored("00_steps.csv").open(newline="", encoding="utf8") as file:
        rows = [row for row in csv.DictReader(file) if (row["run"], row["seed"]) == ("η = 10", "3")]
    kls, best, fall = [float(row["kl"]) for row in rows], float("-inf"), 0.0
    for row in rows:
        best = max(best, float(row["mean_return"]))
        fall = max(fall, best - float(row["mean_return"]))
    trainings = start_here.read_steps(stored("00_steps.csv"))
    spread, _, falls = start_here.spread_and_fall(trainings["η = 10"])
    assert {label: len(runs) for label, runs in trainings.items()} == {
        "TRPO": 10,
        "η = 1": 10,
        "η = 3": 10,
        "η = 10": 10,
    }
    assert spread[3].item() == pytest.approx(max(kls) / min(kls))
    assert falls[3].item() == pytest.approx(fall)
