"""The tables of the benchmarks are those of the stored results, and say beside each mean what it hides."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import report  # noqa: E402


def test_written_tables_are_those_of_the_stored_results():
    for path, parts in report.written().items():
        text = path.read_text(encoding="utf8")
        assert report.filled(text, parts) == text, f"{path.name}: python benchmarks/report.py writes it anew"


def test_result_table_has_mean_failures_and_iqm_of_every_run_of_ours():
    with (ROOT / "benchmarks/results/runs.csv").open(newline="", encoding="utf8") as file:
        rows = [row for row in csv.DictReader(file) if row["contestant"].startswith("trpo_lib")]
    table = report.result_table(report.runs()).replace("−", "-")
    for environment, contestant in {(row["environment"], row["contestant"]) for row in rows}:
        task = report.TASKS[environment]
        name = "evaluation" if task.tail is None else "training_return"
        mine = [row for row in rows if (row["environment"], row["contestant"]) == (environment, contestant)]
        values = np.sort([float(row[name]) for row in mine])
        cut = len(values) // 4
        expected = [len(values), f"{values.mean():.0f}", f"{sum(values < task.failed)} below {task.failed}"]
        expected += [f"{values[cut : len(values) - cut].mean():.0f}", f"{values[0]:.0f}"]
        assert f"| {contestant} | " + " | ".join(map(str, expected)) + " |" in table, environment


def test_training_and_evaluation_returns_stand_in_sentences_of_their_own():
    training, evaluation = report.sentence(report.runs()).split("\n- ")
    assert "evaluation" not in training
    assert "training" not in evaluation
    for environment, task in report.TASKS.items():
        assert (environment in training, environment in evaluation) == (task.tail is not None, task.tail is None)


def test_text_without_markers_or_with_two_is_refused():
    marked = "a\n<!-- report: seeds -->\nold\n<!-- /report: seeds -->\nb"
    assert report.filled(marked, {"seeds": "new"}) == marked.replace("old", "new")
    for text in ("none", marked + marked):
        with pytest.raises(ValueError, match="markers of seeds"):
            report.filled(text, {"seeds": "new"})


def test_hyphens_of_names_stay_and_minus_signs_are_minus_signs():
    assert report.minus("CartPole-v1 -3 [-4, 2] LunarLander-v3") == "CartPole-v1 −3 [−4, 2] LunarLander-v3"
