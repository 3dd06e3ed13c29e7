"""Says in one line how a wrong answer differs: a constant factor by name, or the first place that differs."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from trpo_lib.classroom.checks.compare import agree, close, differing, same_shape, slack

# Factors that come from a forgotten constant, in the order in which they are tried.
CONSTANTS = {
    "−1": -1.0, "2": 2.0, "½": 0.5, "√2": math.sqrt(2), "1/√2": math.sqrt(0.5), "4": 4.0, "¼": 0.25, "3": 3.0,
    "⅓": 1 / 3, "π": math.pi, "1/π": 1 / math.pi, "2π": 2 * math.pi, "1/2π": 0.5 / math.pi,
    "√(2π)": math.sqrt(2 * math.pi), "1/√(2π)": 1 / math.sqrt(2 * math.pi), "ln 2": math.log(2),
    "1/ln 2": 1 / math.log(2), "1.96": 1.96, "100": 100.0,
}  # fmt: skip
OFFSETS = {
    "1": 1.0, "½": 0.5, "2": 2.0, "ln 2": math.log(2), "½ ln 2π": 0.5 * math.log(2 * math.pi),
    "ln 2π": math.log(2 * math.pi),
}  # fmt: skip
# What is made of a number n among the arguments.
_MADE_OF = {
    "{}": lambda n: n,
    "1/{}": lambda n: 1 / n,
    "√{}": lambda n: math.sqrt(n),
    "1/√{}": lambda n: 1 / math.sqrt(n),
    "{}²": lambda n: n**2,
    "1/{}²": lambda n: 1 / n**2,
    "(1 − {})": lambda n: 1 - n,
    "1/(1 − {})": lambda n: 1 / (1 - n),
    "({0} − 1)/{0}": lambda n: (n - 1) / n,
    "{0}/({0} − 1)": lambda n: n / (n - 1),
}
_GREEK = {"gamma": "γ", "lam": "λ", "lambda_": "λ", "max_kl": "δ", "delta": "δ", "damping": "c", "epsilon": "ε"}


def named_numbers(names: Sequence[str], arguments: tuple) -> dict[str, float]:
    """The numbers among the arguments, and the sizes of the tensors, by names that the student knows."""
    found = {}
    for name, value in zip(names, arguments, strict=False):
        gamma = getattr(value, "gamma", None)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[_GREEK.get(name, name)] = float(value)
        elif isinstance(gamma, int | float):
            found["γ"] = float(gamma)
        elif isinstance(value, Tensor) and value.ndim == 0:
            found[name] = float(value)
        elif isinstance(value, Tensor | list):
            sizes = value.shape if isinstance(value, Tensor) else (len(value),)
            for axis, size in enumerate(sizes):
                found[f"len({name})" if axis == 0 else f"{name}.shape[{axis}]"] = float(size)
    return found


def factor(
    answers: list[list[Tensor]], expected: list[list[Tensor]], numbers: list[dict[str, float]], tolerance: float
) -> str | None:
    """The name of a c with answer = c × expected for all inputs; None if there is none."""
    ratios = [_ratio(a, b, tolerance) for a, b in zip(answers, expected, strict=True)]
    known = [ratio for ratio in ratios if ratio is not None]
    counted = sum(int((part != 0).sum()) for parts in expected for part in parts)
    if counted < 2 or not known or any(not math.isfinite(ratio) for ratio in known):
        return None
    if all(ratio == 0 for ratio in known):
        return "your result is 0 for every input"
    close_enough = max(tolerance, max(slack(part, tolerance) for parts in answers for part in parts))
    for name, values in _candidates(numbers):
        if all(r is None or math.isclose(r, v, rel_tol=close_enough) for r, v in zip(ratios, values, strict=True)):
            return f"your result is exactly {name} × what it should be"
    if len(known) > 1 and all(math.isclose(ratio, known[0], rel_tol=close_enough) for ratio in known):
        return f"your result is {show(known[0], 5)} × what it should be, for every input"
    return None


def _ratio(answer: list[Tensor], expected: list[Tensor], tolerance: float) -> float | None:
    """c, where all numbers of the answer are c times the expected ones; None if all are 0, NaN if there is no c."""
    if any(part.dtype == torch.bool or same_shape(a, part) is None for a, part in zip(answer, expected, strict=True)):
        return math.nan
    a = torch.cat([part.double().reshape(-1) for part in answer])
    b = torch.cat([part.double().reshape(-1) for part in expected])
    if not a.isfinite().all() or not b.isfinite().all():
        return math.nan
    if not b.any():
        return None if not a.any() else math.nan
    largest = b.abs().argmax()
    c = (a[largest] / b[largest]).item()
    short = max(slack(part, tolerance) for part in answer)
    return c if bool(((a - c * b).abs() <= short * (abs(c) * b.abs() + 1e-6)).all()) else math.nan


def _candidates(numbers: list[dict[str, float]]) -> list[tuple[str, list[float]]]:
    found = [(name, [value] * len(numbers)) for name, value in CONSTANTS.items()]
    for (form, make), sign in itertools.product(_MADE_OF.items(), (1, -1)):
        for name in numbers[0] if numbers else {}:
            values = [sign * _safe(make, given.get(name)) for given in numbers]
            found.append((("" if sign == 1 else "−") + form.format(name), values))
    return found


def _safe(make: Callable[[float], float], number: float | None) -> float:
    try:
        return math.nan if number is None else make(number)
    except (ArithmeticError, ValueError):
        return math.nan


def offset(answers: list[list[Tensor]], expected: list[list[Tensor]], tolerance: float) -> str | None:
    """The name of a c with answer = expected + c for all inputs; None if there is none."""
    for name, value in OFFSETS.items():
        for sign, word in ((1, "large"), (-1, "small")):
            shifted = [[part.double() + sign * value for part in parts] for parts in expected]
            if all(map(agree, answers, shifted, itertools.repeat(tolerance))):
                return f"your result is exactly {name} too {word}, everywhere"
    return None


def place(answer: Tensor | str, expected: Tensor | str, axes: Sequence[str], tolerance: float) -> str:
    """The first place at which a part differs, with both numbers; or both shapes, if these differ."""
    if isinstance(expected, str):
        return f"{answer!r} is not the name"
    shaped = same_shape(answer, expected)
    if shaped is None:
        return _shapes(answer, expected, tolerance)
    index = tuple(differing(shaped, expected, tolerance).nonzero()[0].tolist())
    got, due = shaped[index].item(), expected[index].item()
    where = _where(index, axes)
    if math.isnan(got) and not math.isnan(due):
        return f"your result is NaN{where and ' at ' + where}: did you take the log of 0, or 0/0?"
    if math.isinf(got) and not math.isinf(due):
        return f"your result is {show(got)}{where and ' at ' + where}: does an exp overflow, or the log of 0 come in?"
    shown = _both(due, got)
    return f"{where and where + ': '}expected {shown[0]}, got {shown[1]}"


def _shapes(answer: Tensor, expected: Tensor, tolerance: float) -> str:
    shapes = f"expected {_shape(expected)}, got {tuple(answer.shape)}"
    for order in itertools.permutations(range(answer.ndim)) if answer.ndim <= 4 else ():
        if answer.ndim and close(answer.permute(order), expected, tolerance):
            return f"your result is transposed: {shapes}"
    return shapes


def _shape(value: Tensor) -> str:
    return f"shape {tuple(value.shape)}" if value.ndim else "one number, shape ()"


def _where(index: tuple[int, ...], axes: Sequence[str]) -> str:
    if not index:
        return ""
    if len(axes) < len(index):
        return f"[{', '.join(map(str, index))}]"
    return ", ".join(f"{axis} = {i}" if len(axis) < 3 else f"{axis} {i}" for axis, i in zip(axes, index, strict=False))


def _both(expected: float | bool, got: float | bool) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart."""
    if isinstance(expected, bool) and got in (0, 1):
        return str(expected), str(bool(got))
    for digits in range(3, 18):
        if show(expected, digits) != show(got, digits):
            return show(expected, digits), show(got, digits)
    return show(expected, 17), f"{show(got, 17)} as {type(got).__name__}"


def show(value: float, digits: int = 3) -> str:
    """A number with a true minus sign."""
    return f"{float(value):.{digits}g}".replace("-", "−")
