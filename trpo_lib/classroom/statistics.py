"""What is said of several training runs: a middle, an interval, and whether two groups of runs differ.

One training is one draw: another seed, or another processor, is another run. So a statement about a setting is one
about the distribution of its runs. The resampling is scipy's, with a generator that starts anew at each call: the
same runs give the same interval.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from trpo_lib import _validate

Statistic = Callable[..., np.ndarray]


class Interval(NamedTuple):
    """The two ends of an interval."""

    low: float
    high: float


def interquartile_mean(values: ArrayLike, axis: int = -1) -> np.ndarray:
    """The mean of the middle half: of ten runs the best two and the worst two are left out.

    It resists single failures as the median does, and uses more of the runs (Agarwal et al. 2021). It also hides the
    failures: say beside it how many there were.

    Args:
        values: one for each run, along `axis`.
        axis: of the runs.

    Returns:
        The mean over `axis`; of fewer than four runs the plain mean.
    """
    return stats.trim_mean(np.asarray(values, float), 0.25, axis=axis)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic = interquartile_mean,
    confidence: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """Where the statistic lies if the runs are drawn again: a percentile bootstrap.

    Draw as many runs from the runs, with replacement, and take the statistic; of many such numbers, leave out
    (1 − confidence)/2 at each end. With ten runs or fewer such an interval is somewhat too short.

    Args:
        values: one for each run, `(runs,)`.
        statistic: takes an array and `axis`.
        confidence: of the interval, between 0 and 1.
        resamples: how often.

    Raises:
        ValueError: no value, one that is not finite, or a confidence outside (0, 1).
    """
    return _interval((_runs("values", values),), statistic, confidence, resamples)


def difference_interval(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic = interquartile_mean,
    confidence: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """The same for statistic(a) − statistic(b), of two groups of runs that are resampled independently."""

    def difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return statistic(a, axis=axis) - statistic(b, axis=axis)

    return _interval((_runs("a", a), _runs("b", b)), difference, confidence, resamples)


def permutation_p_value(
    a: ArrayLike, b: ArrayLike, statistic: Statistic = interquartile_mean, resamples: int = 10_000
) -> float:
    """How often chance alone sets two groups of runs so far apart: small means that their labels matter.

    The runs are dealt anew into two groups, in every possible way or in `resamples` random ones, whichever is less;
    the answer is the share of deals whose statistics differ at least as much as those of `a` and `b` (two-sided).

    Args:
        a, b: one value for each run.
        statistic: takes an array and `axis`.
        resamples: how many deals at most.
    """

    def distance(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.abs(statistic(a, axis=axis) - statistic(b, axis=axis))

    groups = _runs("a", a), _runs("b", b)
    test = stats.permutation_test(
        groups, distance, n_resamples=resamples, alternative="greater", rng=np.random.default_rng(0)
    )
    return float(test.pvalue)


def summary(values: ArrayLike, digits: int = 0) -> str:
    """`188 [179, 197]`: the interquartile mean and its 95 % interval."""
    low, high = bootstrap_interval(values)
    return f"{float(interquartile_mean(values)):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _interval(groups: Sequence[np.ndarray], statistic: Statistic, confidence: float, resamples: int) -> Interval:
    _validate.count("resamples", resamples)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}.")
    if all(np.ptp(group) == 0 for group in groups):  # scipy refuses what does not vary
        value = float(statistic(*groups, axis=-1))
        return Interval(value, value)
    drawn = stats.bootstrap(
        groups,
        statistic,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return Interval(*map(float, drawn.confidence_interval))


def _runs(name: str, values: ArrayLike) -> np.ndarray:
    runs = np.asarray(values, float)
    if runs.ndim != 1 or not len(runs) or not np.isfinite(runs).all():
        raise ValueError(f"{name} must be one finite number for each run, got {values!r:.80}.")
    return runs
