"""Finds what a wrong answer is: a misconception that the exercise names, a constant factor, or a first difference."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from trpo_lib.classroom.checks.call import copied
from trpo_lib.classroom.checks.compare import agree, close, parts
from trpo_lib.classroom.checks.explain import factor, named_numbers, offset, place

if TYPE_CHECKING:
    from trpo_lib.classroom.checks.exercise import Exercise


@dataclass
class Answers:
    """What a function returned for each input, beside what is right; all lists are in the order of the inputs."""

    answers: list[list]
    expected: list[list]
    fits: list[bool]
    labels: list[str]
    inputs: list[tuple]
    names: list[str]


def misconception(exercise: Exercise, seen: Answers) -> str:
    """The message of the wrong function that returns the same, or nothing.

    Inputs on which the answer is NaN or infinite do not count, unless all are: a typical mistake, computed in an
    unstable way, is still that mistake.
    """
    usable = [all(_finite(part) for part in answer) for answer in seen.answers]
    telling = [i for i, finite in enumerate(usable) if finite and not seen.fits[i]]
    if not telling or sum(usable) * 2 < len(usable):
        usable = [True] * len(usable)
    for message, functions in exercise.wrong.items():
        for function in functions if isinstance(functions, tuple) else (functions,):
            if _is_it(exercise, function, seen, usable):
                return message
    return ""


def _is_it(exercise: Exercise, function: Callable, seen: Answers, usable: list[bool]) -> bool:
    for answer, expected, arguments, counts in zip(seen.answers, seen.expected, seen.inputs, usable, strict=True):
        if not counts:
            continue
        try:
            wrong = function(*copied(arguments))
            wrong = parts(wrong, tuple(expected) if len(expected) > 1 else wrong)
        except Exception:
            return False
        if not agree(answer, wrong, exercise.tolerance):
            return False
    return True


def _finite(part: Tensor | str) -> bool:
    return isinstance(part, str) or bool(part.isfinite().all())


def what_differs(exercise: Exercise, seen: Answers) -> str:
    """A constant factor or summand by name; otherwise the first place."""
    first = seen.fits.index(False)
    answer, expected = seen.answers[first], seen.expected[first]
    if exercise.choices:
        return seen.labels[first] + _no_choice(answer[0], exercise.choices)
    if not any(isinstance(part, str) for part in expected):
        numbers = [named_numbers(seen.names, arguments) for arguments in seen.inputs]
        found = factor(seen.answers, seen.expected, numbers, exercise.tolerance)
        if found := found or offset(seen.answers, seen.expected, exercise.tolerance):
            return found
    for i, (got, due) in enumerate(zip(answer, expected, strict=True)):
        if not close(got, due, exercise.tolerance):
            part = f"{exercise.parts[i]}: " if exercise.parts else f"part {i + 1}: " if len(expected) > 1 else ""
            text = place(got, due, exercise.axes, exercise.tolerance)
            logits = "NaN" in text and any("logit" in name for name in seen.names)
            return seen.labels[first] + part + text + (" work with logits" if logits else "")
    return "something differs"


def _no_choice(answer: str, choices: tuple[str, ...]) -> str:
    """For a name that is none of those given: the one that it resembles, or how many there are."""
    folded = {choice.casefold(): choice for choice in choices}
    if answer in folded:
        return f"{folded[answer]!r} is not what fits here"
    near = difflib.get_close_matches(answer, folded, 1)
    hint = f"do you mean {folded[near[0]]!r}?" if near else f"choose one of the {len(choices)} names"
    return f"{answer[:40]!r} is not one of the names: {hint}"
