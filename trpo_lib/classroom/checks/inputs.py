"""Inputs for exercises: general, extreme, and fresh ones from a generator."""

from typing import Any

import torch
from torch import Tensor

from trpo_lib.classroom.checks.call import NotLentError

FLOAT = torch.float64


def generator(seed: int) -> torch.Generator:
    """A generator of its own, so that an exercise's public inputs are the same on every machine."""
    return torch.Generator().manual_seed(seed)


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=generator, dtype=FLOAT)


def uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    """Numbers between two bounds; without a shape, a 0-d tensor."""
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=FLOAT)


def number(generator: torch.Generator, low: float, high: float) -> float:
    """One number between two bounds."""
    return uniform(generator, low, high).item()


def integer(generator: torch.Generator, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def sizes(generator: torch.Generator, count: int, low: int = 2, high: int = 7) -> list[int]:
    """Sizes that are pairwise different, so that no axis is taken for another."""
    return (low + torch.randperm(high - low + 1, generator=generator)[:count]).tolist()


def indices(generator: torch.Generator, below: int, *shape: int) -> Tensor:
    """Actions: whole numbers from 0, the largest one among them if there is room."""
    drawn = torch.randint(below, shape, generator=generator)
    if drawn.numel():
        drawn.view(-1)[integer(generator, 0, drawn.numel() - 1)] = below - 1
    return drawn


def extreme_logits(generator: torch.Generator, *shape: int, size: float = 1000.0) -> Tensor:
    """Logits of ±1000, with ties and zeros among them: a softmax that is formed first yields 0 and its log −inf."""
    return size * (torch.randint(3, shape, generator=generator) - 1).to(FLOAT)


def flags(generator: torch.Generator, *shape: int, probability: float = 0.3) -> Tensor:
    """Booleans."""
    return torch.rand(shape, generator=generator) < probability


def positive_definite(generator: torch.Generator, size: int) -> Tensor:
    """A symmetric matrix that is not diagonal, with eigenvalues from about 0.3 upwards."""
    root = normal(generator, size, size)
    return root @ root.T / size + 0.3 * torch.eye(size, dtype=FLOAT)


def stretched(arguments: tuple, generator: torch.Generator) -> tuple:
    """The same arguments with other numbers: what an exercise without a `sample` is graded on.

    A float tensor and a float are multiplied by a number between 0.6 and 1.6; one in (0, 1), such as γ, stays there;
    whole numbers, flags and objects stay as they are.
    """
    return tuple(_stretched(value, generator) for value in arguments)


def _stretched(value: Any, generator: torch.Generator) -> Any:
    c = number(generator, 0.6, 1.6)
    if isinstance(value, float):
        return value**c if 0 < value < 1 else value * c
    if isinstance(value, Tensor) and value.is_floating_point():
        return value * c
    if isinstance(value, list) and all(isinstance(item, float) for item in value):
        return [item * c for item in value]
    return value


class Only:
    """An object of which an exercise lends only some attributes: asked for another one, it says which are meant."""

    def __init__(self, lent: Any, name: str, *attributes: str) -> None:
        vars(self).update(_lent=lent, _name=name, _attributes=attributes)

    def __getattr__(self, attribute: str) -> Any:
        if attribute in vars(self).get("_attributes", ()):
            return getattr(vars(self)["_lent"], attribute)
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        lent = ", ".join(f"{self._name}.{name}" for name in self._attributes)
        raise NotLentError(f"{self._name}.{attribute} is not lent for this exercise: use {lent}")
