"""Exercises of notebook 09: an interval for an ablation, and three agents to diagnose."""

from collections.abc import Callable

from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, indices, normal, number, sizes
from trpo_lib.classroom.museum import BUGS, diagnosis

RESAMPLES = 401  # so that the quantiles .025, .05, .95 and .975 fall on one resample each


# Exercise 1: two groups of runs, `(n,)` and `(m,)`, and which runs each resample draws, `(R, n)` and `(R, m)`.
def _trimmed(runs: Tensor, share: float = 0.25, *, ordered: bool = True) -> Tensor:
    cut = int(share * runs.shape[-1])
    runs = runs.sort(-1).values if ordered else runs
    return runs[..., cut : runs.shape[-1] - cut].mean(-1)


def _resampled(a: Tensor, b: Tensor, i: Tensor, j: Tensor, middle: Callable[..., Tensor] = _trimmed) -> Tensor:
    return middle(a[i]) - middle(b[j])


def _ends(values: Tensor, outside: float = 0.05) -> tuple[Tensor, Tensor]:
    return values.quantile(outside / 2), values.quantile(1 - outside / 2)


def _interval(ablated: Tensor, complete: Tensor, draws_ablated: Tensor, draws_complete: Tensor) -> tuple:
    return _ends(_resampled(ablated, complete, draws_ablated, draws_complete))


def _with(middle: Callable[..., Tensor]) -> Callable:
    return lambda *groups: _ends(_resampled(*groups, middle=middle))


def _bell(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor]:
    centre, spread = _trimmed(a) - _trimmed(b), 1.96 * _resampled(a, b, i, j).std()
    return centre - spread, centre + spread


def _separate(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor]:
    (low, high), (other_low, other_high) = _ends(_trimmed(a[i])), _ends(_trimmed(b[j]))
    return low - other_low, high - other_high


def _widest(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor]:
    (low, high), (other_low, other_high) = _ends(_trimmed(a[i])), _ends(_trimmed(b[j]))
    return low - other_high, high - other_low


def _two_groups(random: Generator) -> tuple:
    n, m = sizes(random, 2, 8, 15)
    shift, spread = number(random, -30, 30), number(random, 2, 9)
    ablated, complete = shift + spread * normal(random, n), 40 + 3 * normal(random, m) ** 3
    return ablated, complete, indices(random, n, RESAMPLES, n), indices(random, m, RESAMPLES, m)


def _tied(random: Generator) -> tuple:
    """Most runs at the ceiling, as on CartPole."""
    _, _, i, j = _two_groups(random)
    ablated, complete = (500 - 9 * normal(random, draws.shape[1]).clamp(min=0) for draws in (i, j))
    return ablated, complete, i, j


ablation_interval = Exercise(
    name="ablation_interval",
    right=lambda ablated, complete, draws_ablated, draws_complete: _interval(
        ablated, complete, draws_ablated, draws_complete
    ),
    inputs={
        "two groups": _two_groups(generator(1)),
        "other sizes": _two_groups(generator(2)),
        "ties at a ceiling": _tied(generator(3)),
        "negative returns": (lambda a, b, i, j: (a - 900, b - 300, i, j))(*_two_groups(generator(4))),
        "one group more": _two_groups(generator(5)),
    },
    wrong={
        "is that the median? The interquartile mean is the mean of the middle half": _with(
            lambda runs: runs.quantile(0.5, dim=-1)
        ),
        "is that the plain mean? Leave out the lowest and the highest quarter of the runs first": _with(
            lambda runs: runs.mean(-1)
        ),
        "a quarter is to go at each end, not a quarter in all": _with(lambda runs: _trimmed(runs, 0.125)),
        "sort each resample before its ends are cut off: a quarter by rank, not by place": _with(
            lambda runs: _trimmed(runs, ordered=False)
        ),
        "the sign: a loss is negative, so it is ablated minus complete": lambda a, b, i, j: _interval(b, a, j, i),
        "the two ends in the other order: (low, high)": lambda *groups: _interval(*groups)[::-1],
        "are 90 % inside? For 95 % leave out 2.5 % at each end": lambda *groups: _ends(_resampled(*groups), 0.1),
        "that is a bell curve about the estimate; take the quantiles of the resamples themselves": _bell,
        "take the difference in each resample, and only then the two ends": (_separate, _widest),
        "are the runs drawn again? Index them with the draws first": lambda a, b, i, j: (
            _trimmed(a) - _trimmed(b),
            _trimmed(a) - _trimmed(b),
        ),
    },
    parts=("low", "high"),
    sample=_two_groups,
)

# Exercises 2 to 4.

# What the reports of each patient say, field by field.
_ALL = {
    "initial_kl": "it is 0 at every update",
    "kl_ratio": "it never exceeds 1",
    "accepted": "every step is accepted",
    "fraction": "it stays near 1",
    "cg_residuals": "the residual ends below 0.1, and every predicted_gain is positive",
    "critic_loss": "explained_variance climbs above 0.5 and critic_loss keeps falling",
    "step": "every batch has fewer",
    "explained_variance": "it climbs above 0.5",
    "mean_return": "it rises",
}
_FACTS = {
    "A": _ALL | {"critic_loss": "this critic explains nothing, at any update"},
    "B": _ALL | {"initial_kl": "every second report has 0"},
    "C": _ALL | {"mean_return": "it falls"},
}


def _exercise(patient: str) -> Exercise:
    wrong = {
        f"{bug} would show {symptom}; here {_FACTS[patient][field]}": lambda bug=bug: bug
        for bug, (field, symptom) in BUGS.items()
        if bug != diagnosis(patient)
    }
    return Exercise(
        name=f"patient_{patient.lower()}",
        right=lambda: diagnosis(patient),
        inputs=[()],
        wrong=wrong,
        choices=tuple(BUGS),
    )


patient_a, patient_b, patient_c = map(_exercise, "ABC")
