"""Exercises of notebook 05."""

import math
from collections.abc import Sequence

from trpo_lib.classroom.checks.exercise import Exercise


def _first(passes: Sequence[bool]) -> int:
    """The first place that passes; −1 when none does."""
    return next((i for i, passed in enumerate(passes) if passed), -1)


def _smallest_i(gains: list[float], kls: list[float], max_kl: float) -> int:
    return _first([gain > 0 and kl <= max_kl for gain, kl in zip(gains, kls, strict=True)])


def _last_acceptable(gains: list[float], kls: list[float], max_kl: float) -> int:
    passes = [gain > 0 and kl <= max_kl for gain, kl in zip(gains, kls, strict=True)]
    return max((i for i, passed in enumerate(passes) if passed), default=-1)


def _largest_gain(gains: list[float], kls: list[float], max_kl: float) -> int:
    inside = [i for i, (gain, kl) in enumerate(zip(gains, kls, strict=True)) if gain > 0 and kl <= max_kl]
    return max(inside, key=lambda i: gains[i], default=-1)


def _from_one(gains: list[float], kls: list[float], max_kl: float) -> int:
    i = _smallest_i(gains[1:], kls[1:], max_kl)
    return i + 1 if i >= 0 else -1


smallest_i = Exercise(
    name="smallest_i",
    right=_smallest_i,
    inputs=[
        ([0.30, 0.20, 0.10], [0.030, 0.020, 0.008], 0.01),
        ([-0.10, 0.05, 0.04], [0.009, 0.006, 0.004], 0.01),
        ([0.10, 0.30, 0.20], [0.009, 0.006, 0.004], 0.01),
        ([0.20, 0.15, 0.10], [0.010, 0.006, 0.004], 0.01),
        ([0.30, 0.20, 0.10], [0.014, 0.007, 0.004], 0.01),
        ([-0.10, -0.05], [0.020, 0.009], 0.01),
        ([0.0, 0.05], [0.008, 0.006], 0.01),
        ([math.nan, 0.05], [math.nan, 0.006], 0.01),
    ],
    wrong={
        "you look at the gain alone: which test keeps the step inside the trust region?": lambda gains, kls, max_kl: (
            _first([gain > 0 for gain in gains])
        ),
        "you look at the KL alone: does a step that loses pass, too?": lambda gains, kls, max_kl: _first(
            [kl <= max_kl for kl in kls]
        ),
        "you let the KL go up to 1.5 δ, as some libraries do: the constraint is KL ≤ δ": lambda gains, kls, max_kl: (
            _smallest_i(gains, kls, 1.5 * max_kl)
        ),
        "a KL of exactly δ is inside: the constraint is ≤, not <": lambda gains, kls, max_kl: _first(
            [gain > 0 and kl < max_kl for gain, kl in zip(gains, kls, strict=True)]
        ),
        "a step that gains nothing passes in your search: the test is gain > 0, not ≥": lambda gains, kls, max_kl: (
            _first([gain >= 0 and kl <= max_kl for gain, kl in zip(gains, kls, strict=True)])
        ),
        "a NaN passes in your search: ask what is right, not what is wrong, for every comparison with a NaN is false": (
            lambda gains, kls, max_kl: _first(
                [not (gain <= 0 or kl > max_kl) for gain, kl in zip(gains, kls, strict=True)]
            )
        ),
        "you begin at i = 1: the full step, i = 0, is the first candidate": _from_one,
        "you return the last i that passes, the shortest step: the search stops at the first": _last_acceptable,
        "you return the i with the largest gain: the search stops at the first that passes": _largest_gain,
    },
)

rescale_factor = Exercise(
    name="rescale_factor",
    right=lambda kl, max_kl: math.sqrt(max_kl / kl),
    inputs=[(0.0025, 0.01), (0.04, 0.01), (0.013, 0.01), (0.171, 0.02), (0.0001, 0.03)],
    wrong={
        "you scale with the ratio itself: the KL grows with the square of the step. Is a square root missing?": (
            lambda kl, max_kl: max_kl / kl
        ),
        "your factor is upside down: a step whose KL is too large must become shorter": (
            lambda kl, max_kl: math.sqrt(kl / max_kl)
        ),
        "you only ever shorten the step: a step that ends inside the region may grow": (
            lambda kl, max_kl: min(1.0, math.sqrt(max_kl / kl))
        ),
        "your factor is √2 too large: the 2 in sqrt(2δ / xᵀFx) undoes the ½ of the model, and a measured KL has no ½": (
            lambda kl, max_kl: math.sqrt(2 * max_kl / kl)
        ),
    },
)


def _secant_fraction(t1: float, kl1: float, t2: float, kl2: float, max_kl: float) -> float:
    exponent = math.log(kl2 / kl1) / math.log(t2 / t1)
    return t2 * (max_kl / kl2) ** (1 / exponent)


secant_fraction = Exercise(
    name="secant_fraction",
    right=_secant_fraction,
    inputs=[
        (1.0, 0.16, 0.5, 0.02, 0.01),
        (1.0, 0.005, 1.4, 0.012, 0.01),
        (1.0, 0.171, 0.34, 0.0053, 0.02),
        (0.7, 0.03, 0.4, 0.004, 0.01),
    ],
    wrong={
        "you took the exponent 2 for granted: two measurements tell you the true one": (
            lambda t1, kl1, t2, kl2, max_kl: t2 * math.sqrt(max_kl / kl2)
        ),
        "you raised the ratio to the power n: KL ∝ tⁿ gives t ∝ KL^(1/n)": (
            lambda t1, kl1, t2, kl2, max_kl: t2 * (max_kl / kl2) ** (math.log(kl2 / kl1) / math.log(t2 / t1))
        ),
        "you start from t1 but divide by kl2: fraction and KL must belong to the same trial": (
            lambda t1, kl1, t2, kl2, max_kl: t1 * (max_kl / kl2) ** (math.log(t2 / t1) / math.log(kl2 / kl1))
        ),
        "you drew a straight line through the two trials: the KL is a power of t, so take logarithms first": (
            lambda t1, kl1, t2, kl2, max_kl: t1 + (max_kl - kl1) * (t2 - t1) / (kl2 - kl1)
        ),
    },
)
