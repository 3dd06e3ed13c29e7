"""Answers of every kind (tensor, numpy, list, number) become tensors, and are compared as numbers.

What a tolerance means here: two numbers agree when they differ by at most the tolerance times the expected number, or
times the largest number of the array where that is larger, but below 1 (sums over an array carry the rounding of its
largest term). An answer that was computed in float32, which its dtype or its digits tell, is given float32's rounding.
A tolerance of 0 asks for the same numbers, bit for bit.
"""

import inspect
import numbers as numeric_tower
from typing import Any

import numpy as np
import torch
from torch import Tensor

# float32 has 24 bits: 1e-3 is what is left of its 6e-8 after an exp of a logarithm of some 1000. The half precisions
# have 11 and 8 bits.
SHORT_FLOATS = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}


class NotNumbersError(Exception):
    """An answer that cannot be read as numbers; the message says why."""


def numbers(value: Any) -> Tensor:
    """A tensor with the numbers of a tensor, array, scalar or nested list."""
    if isinstance(value, Tensor):
        value = value.detach()
        value = value.to_dense() if value.layout != torch.strided else value
        return _real(value.cpu().resolve_conj().resolve_neg())
    if isinstance(value, list | tuple | range):
        return _stacked(list(value))
    if isinstance(value, np.ndarray | np.generic) or (hasattr(value, "__array__") and not isinstance(value, type)):
        array = np.asarray(value)
        return _stacked(array.tolist()) if array.dtype == object else _from_array(array)
    if isinstance(value, bool | numeric_tower.Number):
        number = complex(value) if isinstance(value, complex) else value
        number = number if isinstance(number, bool | complex) else float(number)
        return _real(torch.tensor(number, dtype=torch.float64 if isinstance(number, float) else None))
    raise NotNumbersError(f"your function returns {describe(value)}")


def _from_array(array: np.ndarray) -> Tensor:
    if array.dtype.kind not in "biufc":
        raise NotNumbersError(f"your function returns an array of {array.dtype.name}")
    wide = array.astype(np.float64) if array.dtype.kind in "iu" or array.dtype.itemsize > 16 else array
    return _real(torch.as_tensor(np.ascontiguousarray(wide).reshape(array.shape).copy()))


def _real(value: Tensor) -> Tensor:
    if value.is_complex():
        if bool((value.imag.abs() > 1e-9 * value.abs().max()).any()):
            raise NotNumbersError("your function returns complex numbers: is there the root of a negative number?")
        return value.real
    return value


def _stacked(values: list) -> Tensor:
    items = [numbers(value) for value in values]
    if not items:
        return torch.zeros(0, dtype=torch.float64)
    if len({item.shape for item in items}) > 1:
        raise NotNumbersError("your function returns a list whose parts have different shapes")
    kinds = {item.dtype for item in items}
    return torch.stack(items if len(kinds) == 1 else [item.double() for item in items])


def describe(value: Any) -> str:
    """The kind of an object, in words."""
    if value is None:
        return "None"
    if inspect.iscoroutine(value):
        return "a coroutine: is there an async too many?"
    if inspect.isgenerator(value):
        return "a generator: did you write yield where return is due?"
    if callable(value) and not isinstance(value, type):
        return "a function: was it to be called?"
    if isinstance(value, type):
        return f"the type {value.__name__} itself"
    words = {"str": "a text", "dict": "a dictionary", "set": "a set"}
    return words.get(type(value).__name__, f"an object of type {type(value).__name__}")


def parts(value: Any, like: Any) -> list[Tensor | str]:
    """The parts of an answer: as many as the expected one has, if it is a tuple, and otherwise one."""
    if isinstance(like, str):
        if not isinstance(value, str):
            raise NotNumbersError(f"a name is due, as a text; your function returns {describe(value)}")
        return [" ".join(value.split()).casefold()]
    if not isinstance(like, tuple):
        return [numbers(value)]
    if not isinstance(value, list | tuple | Tensor | np.ndarray):
        raise NotNumbersError(f"your function must return {len(like)} things; it returns {describe_short(value)}")
    count = len(value) if getattr(value, "ndim", 1) else 0
    if count != len(like):
        raise NotNumbersError(f"your function must return {len(like)} things; it returns {count or 'one'}")
    return [parts(item, part)[0] for item, part in zip(value, like, strict=True)]


def describe_short(value: Any) -> str:
    """Like `describe`, for objects of which one is returned where several are due."""
    return "one number" if isinstance(value, numeric_tower.Number) else describe(value)


def slack(answer: Tensor, tolerance: float) -> float:
    """The tolerance, or that of the short floating-point format in which the answer was computed."""
    if tolerance == 0:
        return 0.0
    if answer.dtype == torch.float64 and answer.numel():
        numbers_with_digits = answer[(answer != answer.round()) & answer.isfinite()]
        if numbers_with_digits.numel() and torch.equal(numbers_with_digits.float().double(), numbers_with_digits):
            return max(tolerance, SHORT_FLOATS[torch.float32])
    return max(tolerance, SHORT_FLOATS.get(answer.dtype, 0.0))


def same_shape(answer: Tensor, expected: Tensor) -> Tensor | None:
    """The answer in the expected shape; None if it has another one. One number is a scalar, whatever its brackets."""
    if answer.shape == expected.shape:
        return answer
    return answer.reshape(()) if expected.ndim == 0 and answer.numel() == 1 else None


def differing(answer: Tensor, expected: Tensor, tolerance: float) -> Tensor:
    """Where two tensors of one shape disagree."""
    floor = 1e-7 if slack(answer, tolerance) > tolerance else 1e-12
    tolerance = slack(answer, tolerance)
    answer, expected = answer.double(), expected.double()
    if tolerance == 0:
        return (answer != expected) & ~(answer.isnan() & expected.isnan())
    finite = expected[expected.isfinite()].abs()
    largest = finite.max().clamp(max=1).item() if finite.numel() else 0.0
    absolute = max(tolerance * largest, floor) if largest else tolerance
    return ~torch.isclose(answer, expected, rtol=tolerance, atol=absolute, equal_nan=True)


def close(answer: Tensor | str, expected: Tensor | str, tolerance: float) -> bool:
    """Whether two parts agree."""
    if isinstance(answer, str) or isinstance(expected, str):
        return isinstance(answer, str) and isinstance(expected, str) and answer == expected
    shaped = same_shape(answer, expected)
    return shaped is not None and not bool(differing(shaped, expected, tolerance).any())


def agree(answer: list, expected: list, tolerance: float) -> bool:
    """Whether all parts agree."""
    return len(answer) == len(expected) and all(map(close, answer, expected, [tolerance] * len(answer)))
