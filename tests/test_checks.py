"""Every check lets the right answer pass and refuses each typical wrong one, with that answer's own message."""

import pytest
import torch

from trpo_lib.classroom.checks import EXERCISES
from trpo_lib.classroom.checks.exercise import Exercise

EVERY = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items()]
WRONG = [
    pytest.param(exercise, message, id=f"{name}-{i}")
    for name, exercise in EXERCISES.items()
    for i, message in enumerate(exercise.wrong)
]
double = Exercise(
    name="double",
    right=lambda x: 2 * x,
    inputs=[(torch.tensor([1.0, 3.0]),)],
    wrong={"did you square?": lambda x: x**2},
)


@pytest.mark.parametrize("exercise", EVERY)
def test_right_answer_passes(exercise, capsys):
    exercise(exercise.right)
    assert capsys.readouterr().out == f"{exercise.name}: ✓ correct\n"


@pytest.mark.parametrize(("exercise", "message"), WRONG)
def test_typical_wrong_answer_is_refused_with_its_own_message(exercise, message, capsys):
    exercise(exercise.wrong[message])
    assert capsys.readouterr().out == f"{exercise.name}: ✗ {message}\n"


@pytest.mark.parametrize("exercise", EVERY)
def test_no_verdict_shows_an_address(exercise, capsys):
    exercise(lambda *arguments: 1234.5)
    assert " at 0x" not in capsys.readouterr().out


@pytest.mark.parametrize("exercise", EVERY)
def test_each_check_knows_at_least_two_misconceptions(exercise):
    assert len(exercise.wrong) >= 2


def untouched(x):
    raise NotImplementedError


@pytest.mark.parametrize("stub", [untouched, lambda x: None, lambda x: ...])
def test_untouched_stub_is_not_attempted(stub, capsys):
    double(stub)
    assert capsys.readouterr().out == "double: not attempted yet\n"


@pytest.mark.parametrize(
    ("student", "expected"),
    [
        (lambda x: 2 * x, "✓ correct"),
        (lambda x: x.mul_(2), "✓ correct"),
        (lambda x: x**2, "✗ did you square?"),
        (lambda x: x, "✗ for ([1, 3]) expected [2, 6], got [1, 3]"),
        (lambda x: 2 * x[:, None], "✗ expected shape (2,), got (2, 1)"),
        (lambda x: 1 / 0, "✗ your function raised ZeroDivisionError: division by zero"),
        (lambda x: "2x", "✗ for ([1, 3]) expected [2, 6], got 2x"),
        (lambda x: x * float("nan"), "✗ for ([1, 3]) expected [2, 6], got [nan, nan]"),
    ],
)
def test_verdicts_on_a_small_exercise(student, expected, capsys):
    double(student)
    assert capsys.readouterr().out == f"double: {expected}\n"
