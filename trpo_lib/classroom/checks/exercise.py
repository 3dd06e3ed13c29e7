"""An exercise is the right function and the wrong ones that people write; the check finds out which it sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Exercise:
    """Call it with the student's function: it prints one line, and never raises.

    Attributes:
        name: of the function that the student writes.
        right: the reference.
        inputs: the argument tuples on which functions are compared.
        wrong: message → a typical wrong answer. The message names the misconception, as a question where it can.
        tolerance: relative and absolute.
    """

    name: str
    right: Callable
    inputs: Sequence[tuple]
    wrong: dict[str, Callable]
    tolerance: float = 1e-6

    def __call__(self, student: Callable) -> None:
        """Print whether the student's function is right, and if not, what may have gone wrong."""
        print(f"{self.name}: {self._verdict(student)}")

    def _verdict(self, student: Callable) -> str:
        try:
            answers = [student(*_copy(arguments)) for arguments in self.inputs]
        except NotImplementedError:
            return "not attempted yet"
        except Exception as error:
            return f"✗ your function raised {type(error).__name__}: {error}"
        if all(answer is None or answer is ... for answer in answers):
            return "not attempted yet"
        expected = [self.right(*_copy(arguments)) for arguments in self.inputs]
        if self._agree(answers, expected):
            return "✓ correct"
        for message, wrong in self.wrong.items():
            if self._agree(answers, [wrong(*_copy(arguments)) for arguments in self.inputs]):
                return f"✗ {message}"
        return f"✗ {self._first_difference(answers, expected)}"

    def _agree(self, answers: list, others: list) -> bool:
        return all(_close(a, b, self.tolerance) for a, b in zip(answers, others, strict=True))

    def _first_difference(self, answers: list, expected: list) -> str:
        for arguments, answer, right in zip(self.inputs, answers, expected, strict=True):
            if not _close(answer, right, self.tolerance):
                shapes = [tuple(torch.as_tensor(value).shape) for value in (answer, right) if _is_numeric(value)]
                if len(shapes) == 2 and shapes[0] != shapes[1]:
                    return f"expected shape {shapes[1]}, got {shapes[0]}"
                return f"for {_show(arguments)} expected {_show(right)}, got {_show(answer)}"
        return "something differs"


def named(value: Any, name: str) -> Any:
    """The object, which a check is to show by this name and not by its address."""
    value.__name__ = name
    return value


def _copy(arguments: tuple) -> tuple:
    """Fresh tensors, so that a function which writes into its arguments is seen to do so."""
    return tuple(value.clone() if isinstance(value, Tensor) else value for value in arguments)


def _is_numeric(value: Any) -> bool:
    return isinstance(value, Tensor | float | int | bool)


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(b, tuple | list):
        return (
            isinstance(a, tuple | list)
            and len(a) == len(b)
            and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))
        )
    if not (_is_numeric(a) and _is_numeric(b)):
        return a is b or (isinstance(a, str) and a == b)
    a, b = (torch.as_tensor(value).detach().double() for value in (a, b))
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def _show(value: Any) -> str:
    if isinstance(value, Tensor):
        value = value.detach().tolist()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        shown = ", ".join(_show(item) for item in value[:6]) + (", …" if len(value) > 6 else "")
        return f"({shown})" if isinstance(value, tuple) else f"[{shown}]"
    return getattr(value, "__name__", str(value))
