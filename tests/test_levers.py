"""The effects that notebook 09 draws are those of the kept runs, by another route; the record says what it must."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).parents[1]
DATA = ROOT / "notebooks" / "data"


def table(path):
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def test_effects_of_settings_drawn_at_random_are_the_least_squares_of_their_runs():
    runs = table(ROOT / "benchmarks/results/screening.csv")
    rows = [row for row in table(DATA / "09_effects.csv") if int(row["runs"]) > 9]
    drawn = np.array([[run[row["lever"]] == row["setting"] for row in rows] for run in runs], float)
    design = np.column_stack([np.ones(len(runs)), drawn])
    evaluations = np.array([float(run["evaluation"]) for run in runs])
    effects, (squares,), rank, _ = np.linalg.lstsq(design, evaluations, rcond=None)
    assert rank == design.shape[1] == len(rows) + 1
    assert [int(row["runs"]) for row in rows] == drawn.sum(0).tolist()
    np.testing.assert_allclose([float(row["effect"]) for row in rows], effects[1:], atol=0.051)
    _, triangle = np.linalg.qr(design)
    errors = np.sqrt(squares / (len(runs) - rank)) * np.linalg.norm(np.linalg.inv(triangle), axis=1)
    np.testing.assert_allclose([float(row["standard_error"]) for row in rows], errors[1:], atol=0.051)


def test_effects_of_the_record_have_welchs_standard_error():
    record = {(row["environment"], row["lever"], row["setting"]): row for row in table(DATA / "09_levers.csv")}
    pairs = [row for row in table(DATA / "09_effects.csv") if int(row["runs"]) <= 9]
    assert len(pairs) >= 3
    for row in pairs:
        new, old = (record[row["environment"], row["lever"], row[which]] for which in ("setting", "against"))
        numbers = [float(part[name]) for part in (new, old) for name in ("mean", "sd", "seeds")]
        t = stats.ttest_ind_from_stats(*numbers, equal_var=False).statistic
        effect = float(row["effect"])
        assert effect == pytest.approx(numbers[0] - numbers[3])
        assert float(row["standard_error"]) == pytest.approx(effect / t, abs=0.06)


def test_record_says_of_each_row_how_many_seeds_and_whether_it_was_chosen_on_them():
    rows = table(DATA / "09_levers.csv")
    assert all(int(row["seeds"]) >= 3 for row in rows)
    assert {row["chosen"] for row in rows} == {"yes", "no"}
    assert all(not row["sd"] or float(row["sd"]) > 0 for row in rows)
    assert len({(row["environment"], row["lever"], row["setting"], row["figure"]) for row in rows}) == len(rows)


def test_command_writes_the_stored_effects(tmp_path):
    for part in ("notebooks/data", "benchmarks/results"):
        (tmp_path / part).mkdir(parents=True)
    for name in ("notebooks/data/levers.py", "notebooks/data/09_levers.csv", "benchmarks/results/screening.csv"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([sys.executable, tmp_path / "notebooks/data/levers.py"], check=True)
    assert table(tmp_path / "notebooks/data/09_effects.csv") == table(DATA / "09_effects.csv")
