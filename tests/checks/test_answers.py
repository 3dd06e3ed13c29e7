"""Every check accepts right answers in unusual forms and refuses wrong ones, each with the message that it is due.

The answers stand in `answers_….py`, one file for each module of `trpo_lib/classroom/checks/`, in two dictionaries:
RIGHT: exercise → functions; WRONG: exercise → (function, part of the message).
"""

import importlib.util
from pathlib import Path

import pytest
import torch

from trpo_lib.classroom.checks import EXERCISES, MODULE_OF

# Modules whose answers are still to be written: the list only ever becomes shorter.
PENDING: set[str] = set()


def _load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILES = [_load(path) for path in sorted(Path(__file__).parent.glob("answers_*.py"))]
RIGHT = {name: answers for file in FILES for name, answers in file.RIGHT.items()}
WRONG = {name: answers for file in FILES for name, answers in file.WRONG.items()}
EVERY = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items()]
COMPLETE = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items() if MODULE_OF[name] not in PENDING]
MISCONCEPTIONS = [
    pytest.param(EXERCISES[name], message, function, id=f"{name}-{i}-{j}")
    for name, exercise in EXERCISES.items()
    for i, (message, functions) in enumerate(exercise.wrong.items())
    for j, function in enumerate(functions if isinstance(functions, tuple) else (functions,))
]


def _fresh(exercise, seed=0):
    if exercise.choices or MODULE_OF.get(exercise.name) in PENDING:
        return exercise.public_inputs()
    return exercise.fresh(torch.Generator().manual_seed(seed), 8)


@pytest.mark.parametrize(
    ("name", "answer"), [pytest.param(n, a, id=f"{n}-{i}") for n in RIGHT for i, a in enumerate(RIGHT[n])]
)
def test_right_answers_are_accepted_in_every_form(name, answer):
    exercise = EXERCISES[name]
    for verdict in (exercise.verdict(answer), *(exercise.verdict(answer, _fresh(exercise, seed)) for seed in (0, 1))):
        assert verdict.correct, str(verdict)
        assert verdict.passed == verdict.total > 0


@pytest.mark.parametrize(
    ("name", "answer", "fragment"),
    [pytest.param(n, *pair, id=f"{n}-{i}") for n in WRONG for i, pair in enumerate(WRONG[n])],
)
def test_wrong_answers_are_refused_with_their_message(name, answer, fragment):
    exercise = EXERCISES[name]
    verdict = exercise.verdict(answer)
    assert verdict.status == "wrong"
    assert fragment in verdict.message
    assert "\n" not in verdict.message
    assert verdict.message in exercise.wrong or len(f"{name}: {verdict}") <= 120
    assert not exercise.verdict(answer, _fresh(exercise)).correct


@pytest.mark.parametrize(("exercise", "message", "function"), MISCONCEPTIONS)
def test_each_misconception_is_named(exercise, message, function):
    assert exercise.verdict(lambda *arguments: function(*arguments)).message == message
    assert not exercise.verdict(lambda *arguments: function(*arguments), _fresh(exercise)).correct


@pytest.mark.parametrize("exercise", EVERY)
def test_reference_is_right_on_public_and_fresh_inputs(exercise):
    assert exercise.verdict(exercise.right.function).correct
    assert exercise.verdict(exercise.right.function, _fresh(exercise)).correct


@pytest.mark.parametrize("exercise", COMPLETE)
def test_fresh_inputs_differ_from_one_another_and_repeat_with_the_seed(exercise):
    if exercise.choices:
        pytest.skip("a name has no inputs")
    expected = [[str(exercise.right(*arguments)) for arguments in _fresh(exercise, seed)] for seed in (0, 0, 1)]
    assert expected[0] == expected[1] != expected[2]


@pytest.mark.parametrize("exercise", COMPLETE)
def test_each_exercise_has_its_answers_and_misconceptions(exercise):
    assert len(RIGHT.get(exercise.name, ())) >= 5
    assert len(WRONG.get(exercise.name, ())) >= 10
    assert len(exercise.wrong) >= 6


def test_no_answers_are_kept_for_exercises_that_are_gone():
    assert set(RIGHT) | set(WRONG) <= set(EXERCISES)
