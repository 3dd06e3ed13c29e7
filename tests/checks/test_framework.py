"""What a check says of every kind of answer: right in another form, wrong by a factor, unreadable, or none at all."""

import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

from trpo_lib.classroom.checks.compare import agree, numbers, parts
from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import Only

FLOAT = torch.float64
SHORT, LONG = torch.tensor([1.0, -3.0, 0.7], dtype=FLOAT), torch.tensor([0.3, 4.0, 0.0, -1.1, 2.5], dtype=FLOAT)
double = Exercise(
    name="double",
    right=lambda x, gamma: 2 * x,
    inputs=[(SHORT, 0.9), (LONG, 0.8)],
    wrong={"did you square?": lambda x, gamma: x**2},
    axes=("t",),
)
grid = Exercise(
    name="grid",
    right=lambda n: torch.arange(3 * n, dtype=FLOAT).view(3, n) - 0.22,
    inputs={"n = 4": (4,), "n = 2": (2,)},
    wrong={},
    axes=("t", "environment"),
)
total = Exercise(name="total", right=lambda x: x.sum(), inputs=[(SHORT,), (LONG,)], wrong={})
pair = Exercise(
    name="pair", right=lambda x, y: (x + y, x - y), inputs=[(2.0, 5.0), (3.0, 1.5)], wrong={}, parts=("a", "b")
)
root = Exercise(
    name="root",
    right=lambda matrix: torch.linalg.cholesky(matrix),
    inputs=[(torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=FLOAT),)],
    wrong={},
    accepts=lambda R, matrix: R.ndim == 2 and agree([R @ R.T], [matrix], 1e-6),
)
bird = Exercise(
    name="bird", right=lambda: "wren", inputs=[()], wrong={"no, it is small": lambda: "owl"}, choices=("owl", "wren")
)


def empty(x, gamma):
    """A docstring, as the card has it."""
    raise NotImplementedError("your code")


def only_dots(x, gamma): ...


def unfilled(x, gamma):
    result = ...
    return result


def left_standing(x, gamma):
    result = 2 * x  # noqa: F841
    raise NotImplementedError


def forgets_return(x, gamma):
    result = 2 * x  # noqa: F841


def forgets_one_return(x, gamma):
    if len(x) == 3:
        return 2 * x


def recursive(x, gamma):
    return recursive(x, gamma)


def interrupted(x, gamma):
    raise KeyboardInterrupt


def line_three(x, gamma):
    y = x
    return y / (1 // 0)


async def asynchronous(x, gamma):
    return 2 * x


def generator(x, gamma):
    yield 2 * x


class Hostile:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError


def raises_hostile(x, gamma):
    raise HostileError


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, gamma: 2 * x,
        lambda x, gamma: (2 * x).requires_grad_(),
        lambda x, gamma: (2 * x).numpy(),
        lambda x, gamma: (2 * x).numpy()[::-1][::-1],
        lambda x, gamma: (2 * x).tolist(),
        lambda x, gamma: tuple(2 * v for v in x),
        lambda x, gamma: [np.float32(2 * v) for v in x],
        lambda x, gamma: (2 * x.float()).tolist(),
        lambda x, gamma: 2 * x.float(),
        lambda x, gamma: (2 * x).half(),
        lambda x, gamma: (2 * x).to_sparse(),
        lambda x, gamma: (2 * x).to(torch.complex128),
        lambda x, gamma: [Fraction(2 * v) for v in x.tolist()],
        lambda x, gamma: np.array([2 * v for v in x.tolist()], dtype=object),
        lambda *arguments: 2 * arguments[0],
        lambda x, gamma, extra=None: 2 * x,
    ],
)
def test_right_numbers_are_right_in_every_form(answer):
    assert double.verdict(answer).correct


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x.sum(),
        lambda x: x.sum().item(),
        lambda x: x.sum(0, keepdim=True),
        lambda x: np.float64(x.sum()),
        lambda x: [x.sum()],
        lambda x: np.float32(x.sum()),
    ],
)
def test_one_number_is_a_scalar_whatever_its_brackets(answer):
    assert total.verdict(answer).correct


def test_a_batch_of_one_keeps_its_axis():
    exercise = Exercise(name="f", right=lambda x: 2 * x, inputs=[(SHORT[:1],)], wrong={})
    assert "expected shape (1,), got ()" in exercise.verdict(lambda x: 2 * x[0]).message


@pytest.mark.parametrize("stub", [empty, only_dots, unfilled, lambda x, gamma: None, lambda x, gamma: ...])
def test_untouched_stub_is_not_attempted(stub, capsys):
    double(stub)
    assert capsys.readouterr().out == "double: not attempted yet\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (forgets_return, "your function returns nothing: is the `return` missing?"),
        (forgets_one_return, "your function returns nothing: is a `return` missing?"),
        (left_standing, "your function comes to the line `raise NotImplementedError`: delete it"),
        (lambda x, gamma: x.mul_(2), "your function changes its argument x in place: clone it first"),
        (lambda data, g: data.add_(data), "your function changes its argument data in place: clone it first"),
        (lambda x, gamma: x**2, "did you square?"),
        (lambda x, gamma: torch.where(x.abs() < 4, x**2, torch.nan), "did you square?"),
        (lambda x, gamma: -2 * x, "your result is exactly −1 × what it should be"),
        (lambda x, gamma: x, "your result is exactly ½ × what it should be"),
        (lambda x, gamma: x.float() * 2**0.5, "your result is exactly 1/√2 × what it should be"),
        (lambda x, gamma: 2 * x * len(x), "your result is exactly len(x) × what it should be"),
        (lambda x, gamma: 2 * x / (1 - gamma), "your result is exactly 1/(1 − γ) × what it should be"),
        (lambda x, gamma: -2 * x * gamma, "your result is exactly −γ × what it should be"),
        (lambda x, gamma: 2.7 * x, "your result is 1.35 × what it should be, for every input"),
        (lambda x, gamma: 2 * x - 1, "your result is exactly 1 too small, everywhere"),
        (lambda x, gamma: 0 * x, "your result is 0 for every input"),
        (lambda x, gamma: torch.cat([2 * x[:2], x[2:] + 1]), "t = 2: expected 1.4, got 1.7"),
        (lambda x, gamma: 2 * x + 3e-4 * (x == 0.3), "t = 0: expected 0.6, got 0.6003"),
        (lambda x, gamma: (2 * x).round(), "t = 2: expected 1.4, got 1"),
        (lambda x, gamma: 2 * x / (x != 4.0), "t = 1: "),
        (lambda x, gamma: 2 * x * float("nan"), "your result is NaN at t = 0: did you take the log of 0, or 0/0?"),
        (lambda x, gamma: 2 * x[:, None], "expected shape (3,), got (3, 1)"),
        (lambda x, gamma: 5.0, "expected shape (3,), got ()"),
        (lambda x, gamma: "2x", "your function returns a text"),
        (lambda x, gamma: {"x": x}, "your function returns a dictionary"),
        (lambda x, gamma: [1, [2, 3]], "a list whose parts have different shapes"),
        (lambda x, gamma: torch.sin, "your function returns a function: was it to be called?"),
        (lambda x, gamma: 2j * x, "complex numbers"),
        (lambda x, gamma: np.array(["a"]), "an array of str"),
        (lambda x, gamma: Hostile(), "your answer cannot be compared: RuntimeError"),
        (generator, "did you write yield"),
        (asynchronous, "a coroutine: is there an async too many?"),
        (raises_hostile, "your function raised HostileError"),
        (recursive, "your function calls itself without end"),
        (interrupted, "your function was interrupted: does its loop end?"),
        (lambda x, gamma: sys.exit(0), "your function ends the program"),
        (line_three, "your function raised ZeroDivisionError in its line 3: "),
        (lambda x: x, "your function must take (x, gamma), in this order"),
        (lambda x, gamma: [][" \n ".join("ab")], "your function raised TypeError"),
        (7, "hand over the function itself: checks.double(double)"),
        (None, "hand over the function itself"),
        (double.right, "this is the check's own answer: write yours"),
        (lambda x, gamma: double.right(x, gamma), "this is the check's own answer: write yours"),
    ],
)
def test_verdicts_on_wrong_answers(answer, message, capsys):
    verdict = double.verdict(answer)
    assert verdict.status == "wrong"
    assert verdict.message.startswith(message) or message in verdict.message
    double(answer)
    printed = capsys.readouterr().out
    assert printed == f"double: ✗ {verdict.message}\n"
    assert len(printed) <= 121


def test_an_object_that_raises_at_everything_is_refused():
    assert double.verdict(Hostile()).status == "wrong"


def test_rounding_up_is_told_from_the_number_itself():
    count = Exercise(name="count", right=lambda n: n, inputs=[(1412.6,), (7.5,)], wrong={})
    assert count.verdict(lambda n: int(n) + 1).message == "expected 1412.6, got 1413"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: (torch.arange(3.0 * n).view(3, n) - 0.22).T, "transposed: expected shape (3, 4), got (4, 3)"),
        (
            lambda n: (torch.arange(3.0 * n, dtype=FLOAT).view(3, n) - 0.22).clamp(max=2),
            "n = 4: t = 0, environment 3: expected 2.78, got 2",
        ),
        (lambda n: torch.arange(3.0 * n, dtype=FLOAT).log().view(3, n), "n = 4: your result is −inf at t = 0, env"),
        (lambda n: 1 / (4 - n), "n = 4: your function raised ZeroDivisionError: division by zero"),
    ],
)
def test_places_are_named_by_axes_and_inputs_by_labels(answer, message):
    assert message in grid.verdict(answer).message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x, y: [x + y, x - y], ""),
        (lambda x, y: torch.tensor([x + y, x - y]), ""),
        (lambda x, y: np.array([x + y, x - y]), ""),
        (lambda x, y: (x + y, y - x), "b: expected −3, got 3"),
        (lambda x, y: x + y, "your function must return 2 things; it returns one number"),
        (lambda x, y: (x, y, x), "your function must return 2 things; it returns 3"),
        (lambda x, y: (x + y, None), "your function returns None"),
    ],
)
def test_several_results(answer, message):
    assert pair.verdict(answer).message == message


def test_other_right_answers_are_accepted_by_predicate():
    assert root.verdict(lambda matrix: -torch.linalg.cholesky(matrix)).correct
    assert "exactly 2 ×" in root.verdict(lambda matrix: 2 * torch.linalg.cholesky(matrix)).message
    assert not root.verdict(lambda matrix: 1.0).correct


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: " wren", ""),
        (lambda: "owl", "no, it is small"),
        (lambda: "emu", "'emu' is not one of the names: choose one of the 2 names"),
        (lambda: "Wrens", "'wrens' is not one of the names: do you mean 'wren'?"),
        (lambda: 3, "a name is due, as a text; your function returns an object of type int"),
    ],
)
def test_names(answer, message):
    assert bird.verdict(answer).message == message


def test_a_name_that_is_right_elsewhere_does_not_fit_here():
    exercise = Exercise(
        name="f", right=lambda n: ["owl", "wren"][n], inputs={"a": (0,), "b": (1,)}, wrong={}, choices=("owl", "wren")
    )
    assert exercise.verdict(lambda n: "owl").message == "b: 'owl' is not what fits here"


def test_writing_does_not_hide_a_misconception_and_is_named_before_a_place():
    assert double.verdict(lambda x, gamma: x.pow_(2)).message == "did you square?"
    assert "in place" in double.verdict(lambda x, gamma: x.add_(0.3)).message


def test_a_function_that_returns_a_constant_is_no_stub():
    assert double.verdict(lambda x, gamma: 5).status == "wrong"
    assert double.verdict(lambda x, gamma: "").status == "wrong"


def test_nan_among_the_inputs_is_no_change_and_logits_are_recommended():
    exercise = Exercise(
        name="f", right=lambda logits: logits.nan_to_num(3.0), inputs=[(torch.tensor([1.0, torch.nan]),)], wrong={}
    )
    assert exercise.verdict(lambda logits: logits.nan_to_num(3.0)).correct
    assert exercise.verdict(lambda logits: logits).message.endswith("? work with logits")


def test_long_messages_are_cut_to_the_line():
    def fails(x, gamma):
        raise ValueError("long\n" * 100)

    assert len(f"double: {double.verdict(fails)}") == 120


def test_verdict_counts_the_inputs_that_pass():
    verdict = double.verdict(lambda x, gamma: 2 * x if len(x) == 3 else x + 1)
    assert (verdict.passed, verdict.total, verdict.correct) == (1, 2, False)


def test_an_answer_table_for_the_public_inputs_fails_on_fresh_ones():
    table = {3: 2 * SHORT, 5: 2 * LONG}
    cheat = lambda x, gamma: table[len(x)]  # noqa: E731
    assert double.verdict(cheat).correct
    assert not double.verdict(cheat, double.fresh(torch.Generator().manual_seed(0))).correct


def test_a_declared_argument_may_be_changed():
    exercise = Exercise(name="f", right=lambda x: 2 * x, inputs=[(SHORT,)], wrong={}, writes=("x",))
    assert exercise.verdict(lambda x: x.mul_(2)).correct


@pytest.mark.parametrize(
    "write",
    [lambda x: x[0].append(1.0), lambda x: x[1].update(a=3), lambda x: x[2].fill(7), lambda x: setattr(x[3], "n", 4)],
)
def test_writing_is_seen_in_every_kind_of_argument(write):
    class Thing:
        n = 3

        def __init__(self):
            self.n = 3

    exercise = Exercise(name="f", right=lambda x: 1.0, inputs=[([[1.0], {"a": 2}, np.zeros(3), Thing()],)], wrong={})
    assert exercise.verdict(lambda x: 1.0).correct
    assert "changes its argument x in place" in exercise.verdict(lambda x: (write(x), 1.0)[1]).message


def test_arguments_that_contain_themselves_or_cannot_be_copied_do_no_harm():
    class Thing:
        def __init__(self):
            self.me, self.numbers, self.generator = self, SHORT.clone(), (n for n in range(3))  # no copy of a generator

    exercise = Exercise(name="f", right=lambda x, g: x.numbers.sum(), inputs=[(Thing(), torch.Generator())], wrong={})
    assert exercise.verdict(lambda x, g: x.numbers.sum()).correct


def test_a_tolerance_of_zero_asks_for_the_same_bits():
    exercise = Exercise(name="f", right=lambda x: 2 * x, inputs=[(SHORT.float(),)], wrong={}, tolerance=0.0)
    assert exercise.verdict(lambda x: x + x).correct
    assert not exercise.verdict(lambda x: 2 * x * (1 + 2e-7)).correct


def test_a_student_cannot_spoil_the_inputs_for_the_next_check():
    double.verdict(lambda x, gamma: x.zero_())
    assert double.verdict(lambda x, gamma: 2 * x).correct


def test_what_is_not_lent_is_refused_with_what_is():
    lent = Only(torch.distributions.Normal(0.0, 1.0), "policy", "mean", "stddev")
    exercise = Exercise(name="f", right=lambda policy: policy.mean + 1.0, inputs=[(lent,)], wrong={})
    assert exercise.verdict(lambda policy: policy.mean + 1).correct
    assert exercise.verdict(lambda policy: policy.variance).message == (
        "policy.variance is not lent for this exercise: use policy.mean, policy.stddev"
    )


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        (1.0000001, 1.0, True),
        (1.00001, 1.0, False),
        (np.float32(1.0003), 1.0, True),
        (np.float32(1.003), 1.0, False),
        (float(np.float32(1.0003)), 1.0, True),
        (1413.0, 1412.6, False),
        (0.0, 1e-9, False),
        (1e-17, 0.0, True),
        (torch.tensor([1000.0, 0.50001], dtype=FLOAT), torch.tensor([1000.0, 0.5], dtype=FLOAT), False),
        (float("inf"), float("inf"), True),
        (float("inf"), -float("inf"), False),
        ([True, 0], torch.tensor([True, False]), True),
    ],
)
def test_tolerance(answer, expected, right):
    assert agree(parts(answer, expected), [numbers(expected)], 1e-6) is right
