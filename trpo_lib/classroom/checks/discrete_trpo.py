"""Exercises 2 to 4 of notebook 07; the first one is in `update_step`."""

import functools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, integer, normal, number
from trpo_lib.classroom.statistics import bootstrap_interval, difference_interval, interquartile_mean


# Exercise 2: values (N,), returns (N,) -> number.
def _explained(v: Tensor, g: Tensor) -> Tensor:
    return 1 - (g - v).var(correction=0) / g.var(correction=0)


def _critic(random: Generator, n: int, noise: float, offset: float = 0.0, sign: float = 1.0) -> tuple:
    returns = 3 * normal(random, n) + 2
    return sign * returns + noise * normal(random, n) + offset, returns


def _mixed(v: Tensor, g: Tensor) -> Tensor:
    return 1 - (g - v).var() / g.var(correction=0)


explained_variance = Exercise(
    name="explained_variance",
    right=lambda values, returns: _explained(values, returns),
    inputs={
        "a good critic": _critic(generator(1), 6, 1.0),
        "a critic with an offset": _critic(generator(2), 9, 1.0, offset=7.0),
        "a critic of zeros": (torch.zeros(5, dtype=torch.float64), _critic(generator(3), 5, 1.0)[1]),
        "a critic that is worse than none": _critic(generator(4), 7, 2.0, sign=-1.0),
        "a perfect critic": _critic(generator(5), 4, 0.0),
    },
    sample=lambda random: _critic(
        random, integer(random, 4, 12), number(random, 1, 4), number(random, -5, 5), (-1.0) ** integer(random, 0, 1)
    ),
    wrong={
        "this is the share that is left unexplained: is the 1 − missing?": lambda v, g: (g - v).var() / g.var(),
        "a constant offset must not count: did you take the mean square instead of the variance?": (
            lambda v, g: 1 - (g - v).square().mean() / g.var(correction=0),
            lambda v, g: 1 - (g - v).square().mean() / g.var(),
            lambda v, g: 1 - (g - v).square().mean() / g.square().mean(),
        ),
        "the mean square is left unexplained, and a constant offset counts in it": (
            lambda v, g: (g - v).square().mean() / g.var(correction=0),
            lambda v, g: (g - v).square().mean() / g.var(),
        ),
        "which of the two is to be explained? The denominator is the variance of the returns": (
            lambda v, g: 1 - (g - v).var() / v.var()
        ),
        "the critic's variance is not what it explains: compare the errors": (
            lambda v, g: v.var() / g.var(),
            lambda v, g: 1 - v.var() / g.var(),
        ),
        "these are standard deviations: the variance is their square": lambda v, g: 1 - (g - v).std() / g.std(),
        "one variance divides by N − 1, the other by N: take the same for both": (
            _mixed,
            lambda v, g: 1 - (g - v).var(correction=0) / g.var(),
        ),
        "this is the squared correlation: it forgives a wrong scale, and a wrong sign": (
            lambda v, g: torch.corrcoef(torch.stack([v, g]))[0, 1].square(),
            lambda v, g: torch.corrcoef(torch.stack([v, g]))[0, 1],
        ),
        "you cut negative values off: a critic that is worse than a constant has a negative one": (
            lambda v, g: _explained(v, g).clamp(min=0)
        ),
        "this is the difference of the variances: it is still to be divided by that of the returns": (
            lambda v, g: g.var(correction=0) - (g - v).var(correction=0),
            lambda v, g: g.var() - (g - v).var(),
        ),
    },
)


# Exercise 3: steps, batch_size, max_kl -> (nats, nats).
def _budget(random: Generator) -> tuple:
    return integer(random, 10_000, 90_000), integer(random, 100, 3_000), number(random, 1e-4, 0.03)


def _reach(count: float, max_kl: float, straight: float = 2.0, sideways: float = 1.0) -> tuple[float, float]:
    return count**sideways * max_kl, count**straight * max_kl


reach = Exercise(
    name="reach",
    right=lambda steps, batch_size, max_kl: _reach(steps // batch_size, max_kl),
    inputs={
        "the ladder's second rung": (40_000, 1_536, 0.0005),
        "batches of 130 steps": (40_000, 130, 0.0005),
        "a large δ": (50_000, 1_700, 0.02),
        "a run that ends with a full batch": (12_000, 3_000, 0.01),
        "less than one batch": (900, 1_000, 0.05),
    },
    sample=_budget,
    parts=("orthogonal", "one direction"),
    wrong={
        "half a batch makes no update: how many whole ones are there?": (
            lambda n, b, d: _reach(n / b, d),
            lambda n, b, d: _reach(math.ceil(n / b), d),
            lambda n, b, d: _reach(round(n / b), d),
        ),
        "the two are the other way round: steps in one direction lead farther": lambda n, b, d: _reach(n // b, d)[::-1],
        "in one direction lengths add up, and the KL is the square of a length": (
            lambda n, b, d: _reach(n // b, d, straight=1),
            lambda n, b, d: _reach(n // b, d, straight=3),
        ),
        "steps that are orthogonal add up by their squares (Pythagoras), each worth δ": (
            lambda n, b, d: _reach(n // b, d, sideways=2),
            lambda n, b, d: _reach(n // b, d, sideways=0.5),
            lambda n, b, d: _reach(n // b, d, sideways=0),
        ),
        "the ½ is in δ already: each step alone is worth δ, not 2δ or δ/2": (
            lambda n, b, d: _reach(n // b, 2 * d),
            lambda n, b, d: _reach(n // b, d / 2),
        ),
        "you return lengths, √(2 · KL): nats are asked for": (
            lambda n, b, d: tuple(math.sqrt(2 * kl) for kl in _reach(n // b, d)),
            lambda n, b, d: tuple(math.sqrt(kl) for kl in _reach(n // b, d)),
        ),
        "an update needs a whole batch: you count one for each environment step": lambda n, b, d: _reach(n, d),
    },
)


# Exercise 4: before (runs,), after (runs,), top -> a name.
@functools.lru_cache
def _cached(after: tuple[float, ...], before: tuple[float, ...]) -> tuple[float, float]:
    return difference_interval(after, before)


def _interval(after: list[float], before: list[float]) -> tuple[float, float]:
    """Once for each pair of rungs: half a dozen misconceptions ask for it."""
    return _cached(tuple(after), tuple(before))


def _read(
    before: list[float],
    after: list[float],
    top: float,
    middle: Callable = interquartile_mean,
    ends: Callable = _interval,
) -> str:
    if min(middle(before), middle(after)) >= 0.99 * top:
        return "ceiling"
    low, high = ends(after, before)
    return "helps" if low > 0 else "harms" if high < 0 else "open"


def _runs(random: Generator, middle: float, spread: float, count: int, top: float) -> list[float]:
    """Returns that are spread evenly around a middle, and shuffled: no interval ends near 0 by chance."""
    values = np.clip(np.linspace(middle - spread, middle + spread, count), 0, top)
    return [float(values[i]) for i in torch.randperm(count, generator=random)]


def _rung(random: Generator, kind: str, top: float = 500.0) -> tuple[list[float], list[float], float]:
    shifts = {"a clear gain": 0.3, "a clear loss": -0.3, "a small gain": 0.03, "a small loss": -0.03, "none": 0.0}
    start = top * number(random, 0.4, 0.5)
    if kind == "all at the top":
        return [top] * 8 + [0.9 * top, 0.3 * top], [top] * 9 + [0.95 * top], top
    if kind == "every run at the top":
        return [top] * 10, [top] * 10, top
    if kind == "arrives at the top":
        return _runs(random, start, 0.2 * top, 10, top), [top] * 10, top
    if kind == "leaves the top":
        return [top] * 10, _runs(random, start, 0.2 * top, 10, top), top
    if kind == "intervals that overlap":
        return _runs(random, 0.5 * top, 0.25 * top, 10, top), _runs(random, 0.68 * top, 0.25 * top, 10, top), top
    if kind == "one lucky run":
        wide = _runs(random, 0.3 * top, 0.02 * top, 9, top)
        return [*wide, 0.3 * top], [*wide, top], top
    return (
        _runs(random, start, 0.15 * top, 10, top),
        _runs(random, start + shifts[kind] * top, 0.15 * top, 12, top),
        top,
    )


KINDS = ("a clear gain", "a clear loss", "a small gain", "a small loss", "all at the top", "arrives at the top")
KINDS += ("leaves the top", "intervals that overlap", "one lucky run", "every run at the top")


def _apart(after: list[float], before: list[float]) -> tuple[float, float]:
    """Positive low end only where two intervals do not overlap."""
    a, b = bootstrap_interval(after), bootstrap_interval(before)
    return a.low - b.high, a.high - b.low


def _sign(after: list[float], before: list[float], middle: Callable = interquartile_mean) -> tuple[float, float]:
    gain = float(middle(after) - middle(before))
    return gain, gain


def _renamed(**names: str) -> Callable:
    def answer(before: list[float], after: list[float], top: float) -> str:
        found = _read(before, after, top)
        return names.get(found, found)

    return answer


read_rung = Exercise(
    name="read_rung",
    right=lambda before, after, top: _read(before, after, top),
    inputs={kind: _rung(generator(i), kind, top=(200.0, 500.0)[i % 2]) for i, kind in enumerate(KINDS)},
    sample=lambda random: _rung(random, KINDS[integer(random, 0, len(KINDS) - 1)], number(random, 100, 900)),
    choices=("ceiling", "helps", "harms", "open"),
    wrong={
        "you go by the sign of the difference: a small one can be chance": (
            lambda b, a, top: _read(b, a, top, ends=_sign),
            lambda b, a, top: _read(b, a, top, ends=lambda x, y: _sign(x, y, np.mean)),
            lambda b, a, top: _read(b, a, top, ends=lambda x, y: _sign(x, y, np.median)),
        ),
        "two intervals may overlap although their difference is clear: take the interval of the difference": (
            lambda b, a, top: _read(b, a, top, ends=_apart)
        ),
        "your signs are the other way round: is it before − after?": (
            lambda b, a, top: _read(b, a, top, ends=lambda x, y: _interval(y, x)),
            _renamed(helps="harms", harms="helps"),
        ),
        "you never answer ceiling: where both are at the top, no gain could be seen": _renamed(ceiling="open"),
        "you call it a ceiling when one of the two is at the top: a gain up to there was seen": (
            lambda b, a, top: "ceiling" if max(map(interquartile_mean, (b, a))) >= 0.99 * top else _read(b, a, top)
        ),
        "a ceiling needs both: after a loss from the top there was something to see": (
            lambda b, a, top: "ceiling" if interquartile_mean(b) >= 0.99 * top else _read(b, a, top),
            lambda b, a, top: "ceiling" if interquartile_mean(a) >= 0.99 * top else _read(b, a, top),
        ),
        "a ceiling is where the interquartile means are: single runs below the top do not count": (
            lambda b, a, top: "open" if min(*b, *a) < 0.99 * top else _read(b, a, top),
            lambda b, a, top: _read(b, a, top, middle=np.mean),
            lambda b, a, top: _read(b, a, top, middle=min),
        ),
        "you never answer open: an interval that contains 0 decides nothing": _renamed(open="helps"),
        "you never answer harms: a change can make it worse": _renamed(harms="open"),
    },
)
