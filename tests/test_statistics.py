"""Intervals against scipy called directly, against exact enumeration, and against their own promise."""

import itertools

import numpy as np
import pytest
from scipy import stats

from trpo_lib.classroom.statistics import (
    bootstrap_interval,
    difference_interval,
    interquartile_mean,
    permutation_p_value,
    summary,
)

RUNS = np.array([500, 500, 480, 100, 300, 500, 500, 420, 500, 460.0])


def test_interquartile_mean_of_ten_leaves_the_outer_two_at_each_end_out():
    assert interquartile_mean(RUNS) == pytest.approx(np.sort(RUNS)[2:-2].mean())
    assert interquartile_mean([1.0, 2.0, 9.0]) == 4.0, "of three nothing is left out"
    np.testing.assert_allclose(
        interquartile_mean(np.stack([RUNS, 2 * RUNS])), np.array([1, 2]) * interquartile_mean(RUNS)
    )


def test_interval_of_three_runs_is_that_of_all_their_resamples():
    runs = [1.0, 2.0, 6.0]
    means = np.sort([np.mean(draw) for draw in itertools.product(runs, repeat=3)])  # 27; one is 1, three are 4/3
    assert tuple(bootstrap_interval(runs, np.mean, confidence=0.85)) == pytest.approx((means[2], means[-3]))
    assert tuple(bootstrap_interval(runs, np.mean, confidence=0.95)) == (1.0, 6.0)


def test_interval_of_the_mean_is_students_for_many_runs():
    runs = np.random.default_rng(1).normal(10, 3, 400)
    expected = stats.t.interval(0.9, len(runs) - 1, runs.mean(), stats.sem(runs))
    assert tuple(bootstrap_interval(runs, np.mean, confidence=0.9)) == pytest.approx(expected, abs=0.02)


def test_interval_contains_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    hits = [
        low <= 5 <= high for low, high in (bootstrap_interval(rng.normal(5, 1, 10), resamples=400) for _ in range(300))
    ]
    assert 0.85 < np.mean(hits) < 0.98, "a percentile bootstrap of ten runs is somewhat too short"


def test_difference_of_means_has_welchs_interval_for_many_runs():
    rng = np.random.default_rng(3)
    a, b = rng.normal(4, 1, 300), rng.normal(1, 2, 400)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert tuple(difference_interval(a, b, np.mean)) == pytest.approx(tuple(expected), abs=0.03)
    low, high = difference_interval(b, a, np.mean)
    assert (-high, -low) == pytest.approx(tuple(expected), abs=0.03)


def test_same_runs_give_the_same_interval_and_equal_runs_a_point():
    assert bootstrap_interval(RUNS) == bootstrap_interval(list(RUNS))
    assert bootstrap_interval([3.0] * 5) == (3.0, 3.0)
    assert difference_interval([3.0] * 5, [1.0] * 4) == (2.0, 2.0)
    assert bootstrap_interval([7.0]) == (7.0, 7.0)
    assert summary(RUNS) == f"{np.sort(RUNS)[2:-2].mean():.0f} [{bootstrap_interval(RUNS).low:.0f}, 500]"


def test_permutation_p_value_of_few_runs_counts_every_deal():
    a, b = [1.0, 2.0, 3.0], [2.5, 8.0, 9.0]
    pool, distance = a + b, abs(np.mean(a) - np.mean(b))
    deals = [set(deal) for deal in itertools.combinations(range(6), 3)]
    distances = [
        abs(np.mean([pool[i] for i in deal]) - np.mean([pool[i] for i in range(6) if i not in deal])) for deal in deals
    ]
    assert permutation_p_value(a, b, np.mean) == pytest.approx(np.mean(np.array(distances) >= distance - 1e-12))
    assert permutation_p_value(a, a) == 1.0


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [[1.0]], [np.inf]])
def test_what_is_no_list_of_runs_is_refused(bad):
    for call in (bootstrap_interval, lambda x: difference_interval(RUNS, x), lambda x: permutation_p_value(x, RUNS)):
        with pytest.raises(ValueError, match="one finite number for each run"):
            call(bad)


def test_confidence_outside_the_unit_interval_is_refused():
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_interval(RUNS, confidence=95)
