"""Runs a student's function: on copies of the arguments, and with every ending it may take."""

import contextlib
import copy
import dis
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trpo_lib.classroom.checks.verdict import one_line


class NotLentError(Exception):
    """Raised by an input that is asked for what the exercise wants to be computed; its text is shown as it is."""


@dataclass
class Outcome:
    """What one call led to: a value, or the sentence for what it raised; and the places of changed arguments."""

    value: Any = None
    error: str = ""
    stub: bool = False
    changed: list[int] = field(default_factory=list)


def run(function: Callable, arguments: tuple) -> Outcome:
    """Call a student's function on copies of the arguments, whatever it does."""
    given = copied(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # extreme inputs make libraries warn, which tells a student nothing
            value = function(*given)
    except BaseException as error:
        return _raised(function, error)
    changed = [i for i, (a, b) in enumerate(zip(given, arguments, strict=True)) if not unchanged(a, b)]
    with contextlib.suppress(Exception):
        if inspect.iscoroutine(value):
            value.close()
    return Outcome(value, changed=changed)


def _raised(function: Callable, error: BaseException) -> Outcome:
    if isinstance(error, NotLentError):
        return Outcome(error=one_line(str(error)))
    if isinstance(error, SystemExit):
        return Outcome(error="your function ends the program (sys.exit): it is to return its result")
    if isinstance(error, KeyboardInterrupt):
        return Outcome(error="your function was interrupted: does its loop end?")
    if isinstance(error, RecursionError):
        return Outcome(error="your function calls itself without end")
    if type(error) is NotImplementedError and is_stub(function):
        return Outcome(stub=True)
    if type(error) is NotImplementedError and not str(error):
        return Outcome(error="your function comes to the line `raise NotImplementedError`: delete it")
    try:
        text = str(error)
    except BaseException:
        text = ""
    return Outcome(error=f"your function raised {type(error).__name__}{_line(function, error)}: {text}".rstrip(": "))


def _line(function: Callable, error: BaseException) -> str:
    """The line of the student's function at which it happened, where it can be told."""
    code, trace = getattr(inspect.unwrap(function), "__code__", None), error.__traceback__
    lines = []
    while trace is not None:
        if trace.tb_frame.f_code is code:
            lines.append(trace.tb_lineno - code.co_firstlineno + 1)
        trace = trace.tb_next
    return f" in its line {lines[-1]}" if lines and lines[-1] > 1 else ""


# All that the bytecode of a body of docstring, `...`, `pass` and `raise NotImplementedError("…")` consists of.
_IDLE = {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL", "POP_TOP", "PUSH_NULL", "PRECALL", "CALL"}
_STUB = _IDLE | {"LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "LOAD_GLOBAL", "LOAD_COMMON_CONSTANT", "RAISE_VARARGS"}


def is_stub(function: Callable) -> bool:
    """Whether a function's body is still empty: nothing but `...`, `pass` or `raise NotImplementedError`."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or inspect.isgeneratorfunction(function):
        return False
    steps = list(dis.get_instructions(code))
    raises = any(step.opname == "RAISE_VARARGS" for step in steps)
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    names = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_COMMON_CONSTANT")}
    return (
        {step.opname for step in steps} <= _STUB
        and {getattr(name, "__name__", name) for name in names} <= {"NotImplementedError", "NotImplemented"}
        and (raises or all(constant is None or constant is ... for constant in constants))
    )


def copied(value: Any) -> Any:
    """A copy that shares no memory with the original, down through lists and objects where that can be done."""
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, torch.Generator):
        return torch.Generator(value.device).set_state(value.get_state())
    if type(value) in (tuple, list):
        return type(value)(copied(item) for item in value)
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def unchanged(after: Any, before: Any, depth: int = 6) -> bool:
    """Whether an argument still has the numbers that it had before the call; what cannot be compared counts as such."""
    try:
        return depth == 0 or _unchanged(after, before, depth - 1)
    except Exception:
        return True


def _unchanged(after: Any, before: Any, depth: int) -> bool:
    if after is before or isinstance(before, torch.Generator):
        return True
    if isinstance(before, Tensor):
        same = isinstance(after, Tensor) and after.shape == before.shape and after.dtype == before.dtype
        return same and bool(((after == before) | (after.isnan() & before.isnan())).all())
    if isinstance(before, np.ndarray):
        return np.array_equal(after, before, equal_nan=before.dtype.kind in "fc")
    if isinstance(before, list | tuple):
        return len(after) == len(before) and all(unchanged(a, b, depth) for a, b in zip(after, before, strict=True))
    if isinstance(before, dict):
        return after.keys() == before.keys() and all(unchanged(after[key], before[key], depth) for key in before)
    if isinstance(before, float | int | str):
        return after == before or after != after
    return not hasattr(before, "__dict__") or unchanged(vars(after), vars(before), depth)
