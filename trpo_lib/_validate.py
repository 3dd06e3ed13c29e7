"""Checks at the door: each says what was expected, what came, and what to do."""

import math
import os
from collections.abc import Callable, Iterable
from numbers import Integral, Real

import torch
from torch import Tensor


def number(name: str, value: float, wanted: str = "a finite number") -> None:
    """Refuse what is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {wanted}, got {value!r}.")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be {wanted}, got {value}.")


def positive(name: str, value: float) -> None:
    """Refuse what is not a finite number above zero."""
    number(name, value, "a finite number above 0")
    if not value > 0:
        raise ValueError(f"{name} must be a finite number above 0, got {value}.")


def not_negative(name: str, value: float) -> None:
    """Refuse what is not a finite number of at least zero."""
    number(name, value, "a finite number of at least 0")
    if value < 0:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value}.")


def in_unit_interval(name: str, value: float) -> None:
    """Refuse what does not lie in [0, 1]."""
    number(name, value, "a number in [0, 1]")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number in [0, 1], got {value}.")


def share(name: str, value: float) -> None:
    """Refuse what does not lie in (0, 1]."""
    positive(name, value)
    in_unit_interval(name, value)


def one_of(names: Iterable[str]) -> Callable[[str, str], None]:
    """A check that refuses what is not one of these names."""
    known = sorted(names)

    def check(name: str, value: str) -> None:
        instance(name, value, str, f"one of {known}")
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}.")

    return check


def below_one(name: str, value: float) -> None:
    """Refuse what does not lie in [0, 1)."""
    number(name, value, "a number in [0, 1)")
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be a number in [0, 1), got {value}.")


def shrink_factor(name: str, value: float) -> None:
    """Refuse what does not lie strictly between 0 and 1."""
    number(name, value, "a number strictly between 0 and 1")
    if not 0 < value < 1:
        raise ValueError(f"{name} must be a number strictly between 0 and 1, got {value}.")


def boolean(name: str, value: bool) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}.")


def count(name: str, value: int, minimum: int = 1) -> None:
    """Refuse what is not a whole number of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name} must be a whole number of at least {minimum}, got {value!r}.")


def instance(name: str, value: object, kind: type, wanted: str) -> None:
    """Refuse what is not of a kind."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {wanted}, got {value!r:.80}.")


def function(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {value!r:.80}.")


def path(name: str, value: object) -> None:
    """Refuse what names no file."""
    instance(name, value, str | os.PathLike, "the path of a file")


def shape(name: str, value: int | Iterable[int]) -> tuple[int, ...]:
    """Refuse what is neither a whole number above zero nor several of them; return them."""
    return sizes(name, (value,) if isinstance(value, Integral) else value)


def sizes(name: str, value: Iterable[int]) -> tuple[int, ...]:
    """Refuse what are not whole numbers above zero; return them, as an iterator gives them only once."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of whole numbers, got {value!r}.")
    value = tuple(value)
    for size in value:
        count(name, size)
    return value


def rows(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse what is not a tensor whose last axes have this shape."""
    tensor(name, value)
    if value.ndim < len(shape) or value.shape[value.ndim - len(shape) :] != shape:
        raise ValueError(f"{name} must have shape (..., {', '.join(map(str, shape))}), got {tuple(value.shape)}.")


def tensor(name: str, value: Tensor) -> None:
    """Refuse what is not a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch tensor, got {type(value).__name__}.")


def not_empty(name: str, value: Tensor) -> None:
    """Refuse a tensor without numbers: its mean is 0/0."""
    if value.numel() == 0:
        raise ValueError(f"{name} must hold at least one number, got an empty batch.")


def same_shape(**tensors: Tensor) -> None:
    """Refuse tensors of different shapes: broadcasting would hide the mistake."""
    for name, value in tensors.items():
        tensor(name, value)
    (first_name, first), *others = tensors.items()
    for name, other in others:
        if other.shape != first.shape:
            raise ValueError(
                f"{name} must have the shape of {first_name}, {tuple(first.shape)}, got {tuple(other.shape)}. "
                "Reshape one of them: broadcasting is refused because it would average over the wrong pairs."
            )


def finite(**tensors: Tensor) -> None:
    """Refuse NaN and infinity, and name the first place."""
    for name, value in tensors.items():
        tensor(name, value)
        if not torch.isfinite(value).all():
            index = tuple((~torch.isfinite(value)).nonzero()[0].tolist())
            raise ValueError(
                f"{name} must be finite, got {value[index].item()} at index {index}. "
                "Look for a division by zero or an exploding value where it was computed."
            )


def vector(name: str, value: Tensor, length: int | None = None) -> None:
    """Refuse what is not a one-dimensional tensor (of the given length)."""
    tensor(name, value)
    if value.ndim != 1 or (length is not None and len(value) != length):
        wanted = "(P,)" if length is None else f"({length},)"
        raise ValueError(f"{name} must be a flat vector of shape {wanted}, got shape {tuple(value.shape)}.")
