"""Exercises of notebook 05."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, integer, normal, number, sizes, uniform


# Exercise 1: p, d (…) -> booleans (…).
def _true_kl(p: Tensor, d: Tensor) -> Tensor:
    theta = p.logit()
    return softplus(theta + d) - softplus(theta) - p * d


def _model(p: Tensor, d: Tensor) -> Tensor:
    return 0.5 * p * (1 - p) * d**2


def _moved(p: Tensor, d: Tensor) -> Tensor:
    return (p.logit() + d).sigmoid()


def _steps(random: Generator) -> tuple[Tensor, Tensor]:
    """Steps of both signs, short and long, none of which is nearly on the parabola."""
    rows, columns = sizes(random, 2)
    shape = (rows, columns) if integer(random, 0, 1) else (rows,)
    while True:
        p = (3 * normal(random, *shape)).sigmoid()
        signs = 2 * torch.randint(2, shape, generator=random) - 1
        d = signs * uniform(random, 0.3, 2.0, *shape) * 10 ** torch.randint(2, shape, generator=random)
        if ((_true_kl(p, d) / _model(p, d) - 1).abs() > 1e-3).all():
            return p, d


def _table(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


overshoots = Exercise(
    name="overshoots",
    right=lambda p, d: _true_kl(p, d) > _model(p, d),
    inputs={
        "the card's three": (_table(0.9, 0.2, 0.6), _table(-0.5, -0.5, -3.0)),
        "p < ½": (_table(0.1, 0.1, 0.3, 0.02), _table(0.7, -0.7, 1.3, 0.4)),
        "p = ½": (_table(0.5, 0.5), _table(0.6, -3.0)),
        "nearly certain": (_table(1 - 1e-6, 1 - 1e-6, 1e-6), _table(-0.5, 0.5, 0.5)),
        "±20 logits": (_table(1 - 1e-6, 1 - 1e-6, 0.6, 0.6), _table(-20.0, 20.0, -20.0, 20.0)),
        "a table": _steps(generator(1)),
        "another": _steps(generator(2)),
    },
    sample=_steps,
    axes=("step",),
    wrong={
        "your judge is the wrong way round: a step away from certainty overshoots": (
            lambda p, d: _true_kl(p, d) < _model(p, d),
            lambda p, d: (1 - 2 * p) * d < 0,
        ),
        "you judge by the cubic term: it rules near 0, and what of (0.6, −3)? Use a line without a remainder": (
            lambda p, d: (1 - 2 * p) * d > 0
        ),
        "you think of p > ½ alone: for which action does a policy with p < ½ come near certainty?": lambda p, d: (
            (p > 0.5) & (d < 0)
        ),
        "that is KL(new ‖ old): the expectation is over the old policy's actions": lambda p, d: (
            softplus(p.logit()) - softplus(p.logit() + d) + _moved(p, d) * d > _model(p, d)
        ),
        "is the ½ of the parabola missing?": lambda p, d: _true_kl(p, d) > 2 * _model(p, d),
        "your parabola has the curvature at the end of the step: the model was made at its beginning": lambda p, d: (
            _true_kl(p, d) > _model(_moved(p, d), d)
        ),
        "you took d for the new logit: the step adds d to the old one": lambda p, d: (
            _true_kl(p, d - p.logit()) > _model(p, d)
        ),
        "F is p(1 − p): is one of its factors missing?": (
            lambda p, d: _true_kl(p, d) > 0.5 * p * d**2,
            lambda p, d: _true_kl(p, d) > 0.5 * (1 - p) * d**2,
        ),
        "do you judge by the sign of d alone? It depends on p as well": (lambda p, d: d < 0, lambda p, d: d > 0),
    },
)


# Exercise 2: measure, predicted, max_kl, shrink, accept_ratio, max_trials -> a fraction.
@dataclass(frozen=True)
class _Step:
    """A measured step: the gain is `predicted` · t · (level − bend · t), the KL `kl` · tⁿ, both NaN beyond `broken`."""

    predicted: float
    kl: float
    n: float = 2.0
    level: float = 1.0
    bend: float = 0.1
    broken: float = math.inf

    def __call__(self, t: float) -> tuple[float, float]:
        t = float(t)
        if t > self.broken:
            return math.nan, math.nan
        return self.predicted * t * (self.level - self.bend * t), self.kl * t**self.n


def _shared(
    measure: Callable,
    predicted: float,
    max_kl: float,
    shrink: float,
    accept_ratio: float,
    max_trials: int,
    *,
    first: int = 0,
    more: int = 0,
    required: Callable = lambda ratio, predicted, t, i, shrink: ratio * predicted * t,
    passes: Callable = lambda gain, least, kl, max_kl: gain >= least and kl <= max_kl,
    answer: Callable = lambda t, i: t,
    none: Callable = lambda t, shrink: 0.0,
) -> float:
    t = shrink**first
    for i in range(max_trials + more):
        t = shrink ** (i + first)
        gain, kl = measure(t)
        if passes(gain, required(accept_ratio, predicted, t, i, shrink), kl, max_kl):
            return answer(t, i)
    return none(t, shrink)


def _variant(**bug: object) -> Callable:
    """The search with one thing changed."""
    return lambda measure, predicted, max_kl, shrink, accept_ratio, max_trials: _shared(
        measure, predicted, max_kl, shrink, accept_ratio, max_trials, **bug
    )


def _as_printed(
    measure: Callable, predicted: float, max_kl: float, shrink: float, accept_ratio: float, max_trials: int
) -> float:
    fraction = shrink
    for _ in range(max_trials):
        gain, kl = measure(fraction)
        predicted = predicted * fraction
        if gain < accept_ratio * predicted or kl > 1.5 * max_kl:
            fraction = fraction * shrink
        else:
            return fraction
    return fraction


SEARCHES = {
    "the full step passes": (_Step(0.3, 0.007), 0.3, 0.01, 0.8, 0.1, 10),
    "a KL of exactly δ": (_Step(0.3, 0.01), 0.3, 0.01, 0.8, 0.1, 10),
    "1.3 δ": (_Step(0.3, 0.013), 0.3, 0.01, 0.8, 0.1, 10),
    "33 δ": (_Step(0.05, 0.66, n=2.6), 0.05, 0.02, 0.7, 0.4, 12),
    "small gains first": (_Step(0.2, 0.004, bend=0.95), 0.2, 0.01, 0.8, 0.3, 10),
    "a constant small share": (_Step(0.2, 0.013, level=0.05, bend=0.0), 0.2, 0.01, 0.6, 0.1, 9),
    "no gain": (_Step(0.2, 0.003, level=-0.1), 0.2, 0.01, 0.5, 0.1, 6),
    "NaN first": (_Step(0.4, 0.02, broken=0.5), 0.4, 0.03, 0.6, 0.2, 8),
    "NaN always": (_Step(0.4, 0.02, broken=0.0), 0.4, 0.03, 0.6, 0.2, 4),
    "the last trial passes": (_Step(0.1, 0.05), 0.1, 0.01, 0.6, 0.1, 3),
    "one trial more would pass": (_Step(0.1, 0.05), 0.1, 0.01, 0.6, 0.1, 2),
}


def _search(random: Generator) -> tuple:
    """A KL of exactly δ, small gains, none, or NaN; and just enough trials, or one less."""
    predicted, max_kl, shrink = number(random, 0.02, 2), number(random, 0.003, 0.1), number(random, 0.4, 0.85)
    accept_ratio, kind, n = number(random, 0.08, 0.5), integer(random, 0, 5), number(random, 1.5, 3)
    last_refused = number(random, 1.02, min(1.4, 0.98 / shrink**n))  # its KL over δ
    ratio = last_refused / shrink ** (n * integer(random, 0, 5)) if 0 < kind < 4 else 1.0
    level = accept_ratio * number(random, 0.3, 0.8) if kind == 3 else -0.2 if kind == 4 else 1.0
    bend = 1 - 0.5 * accept_ratio if kind == 5 else 0.1 * (level == 1)
    broken = shrink ** integer(random, 0, 3) * 0.99 if kind == 2 else math.inf
    step = _Step(predicted, ratio * max_kl, n, level, bend, broken)
    taken = _shared(step, predicted, max_kl, shrink, accept_ratio, 40)
    enough = round(math.log(taken) / math.log(shrink)) + 1 if taken else 4
    return step, predicted, max_kl, shrink, accept_ratio, max(1, enough - integer(random, 0, 1))


search_with_share = Exercise(
    name="search_with_share",
    right=lambda measure, predicted, max_kl, shrink, accept_ratio, max_trials: _shared(
        measure, predicted, max_kl, shrink, accept_ratio, max_trials
    ),
    inputs=SEARCHES,
    sample=_search,
    wrong={
        "that is the card's code as it stands: it has five faults": _as_printed,
        "you begin at α: the full step is the first candidate": _variant(first=1),
        "you multiply the prediction by the fraction again at each trial: the tangent predicts predicted · t": (
            _variant(required=lambda ratio, predicted, t, i, shrink: ratio * predicted * shrink ** (i * (i + 1) / 2))
        ),
        "you let the KL go up to 1.5 δ: the constraint is KL ≤ δ": _variant(
            passes=lambda gain, least, kl, max_kl: gain >= least and kl <= 1.5 * max_kl
        ),
        "a NaN passes in your search: ask what is right, not what is wrong, for every comparison with NaN is false": (
            _variant(passes=lambda gain, least, kl, max_kl: not (gain < least or kl > max_kl))
        ),
        "when nothing passes you return the last trial: the policy must stay where it was, at 0": (
            _variant(none=lambda t, shrink: t),
            _variant(none=lambda t, shrink: t * shrink),
        ),
        "you ask each trial for a share of the full step's gain: the tangent predicts t times as much for tΔ": (
            _variant(required=lambda ratio, predicted, t, i, shrink: ratio * predicted)
        ),
        "you look at the gain's sign alone: where is accept_ratio?": _variant(
            required=lambda ratio, predicted, t, i, shrink: 1e-300
        ),
        "you look at the gain alone: which test keeps the step inside the trust region?": _variant(
            passes=lambda gain, least, kl, max_kl: gain >= least
        ),
        "you look at the KL alone: does a step that loses pass, too?": _variant(
            passes=lambda gain, least, kl, max_kl: kl <= max_kl
        ),
        "a KL of exactly δ is inside: the constraint is ≤, not <": _variant(
            passes=lambda gain, least, kl, max_kl: gain >= least and kl < max_kl
        ),
        "you make a trial more, or one less, than max_trials": (_variant(more=1), _variant(more=-1)),
        "you return the number i of the trial: the fraction is due": _variant(answer=lambda t, i: i),
        "you return −1 when nothing passes: the fraction 0 is due": _variant(none=lambda t, shrink: -1.0),
    },
)


# Exercise 3: fractions, kls (lists), max_kl -> a fraction.
def _power(t1: float, kl1: float, t2: float, kl2: float) -> float:
    return math.log(kl2 / kl1) / math.log(t2 / t1)


def _next(fractions: list[float], kls: list[float], max_kl: float, **bug: object) -> float:
    """The reference, and with `bug` a variant of it: which pair tells n, from which trial one goes, caps and aims."""
    at, pair = bug.get("start", -1), bug.get("pair", (-2, -1))
    n = bug.get("lonely", 2.0)
    if len(fractions) > 1:
        i, j = pair
        n = bug.get("exponent", lambda n: n)(_power(fractions[i], kls[i], fractions[j], kls[j]))
        at = bug.get("from", at)
    t, kl = fractions[at], kls[bug.get("measured", at) if len(fractions) > 1 else at]
    return min(t * (bug.get("aim", 1.0) * max_kl / kl) ** (1 / n), bug.get("cap", 4.0))


def _next_variant(**bug: object) -> Callable:
    return lambda fractions, kls, max_kl: _next(fractions, kls, max_kl, **bug)


def _straight(fractions: list[float], kls: list[float], max_kl: float) -> float:
    if len(fractions) == 1:
        return _next(fractions, kls, max_kl)
    (t1, t2), (kl1, kl2) = fractions[-2:], kls[-2:]
    return min(t2 + (max_kl - kl2) * (t2 - t1) / (kl2 - kl1), 4.0)


def _trials(random: Generator) -> tuple:
    """One to four trials on a curve that is a power only roughly; no KL near δ."""
    max_kl, n = number(random, 0.003, 0.1), number(random, 1.3, 5.0)
    fractions = [number(random, 0.2, 1.6)]
    for _ in range(integer(random, 0, 3)):
        fractions.append(fractions[-1] * number(random, 0.55, 0.9) ** (2 * integer(random, 0, 1) - 1))
    scale = max_kl * 10 ** number(random, -1.5, 1.0)
    return fractions, [scale * t**n * (1 + 0.1 * t) for t in fractions], max_kl


next_fraction = Exercise(
    name="next_fraction",
    right=lambda fractions, kls, max_kl: _next(fractions, kls, max_kl),
    inputs={
        "one trial, outside": ([1.0], [0.04], 0.01),
        "one trial, inside": ([0.7], [0.0025], 0.01),
        "one trial, far inside": ([0.8], [0.00002], 0.01),
        "two trials": ([0.9, 0.5], [0.16, 0.02], 0.01),
        "two trials, the second one longer": ([0.8, 1.4], [0.005, 0.012], 0.02),
        "three trials": ([1.3, 0.34, 0.6], [0.171, 0.0053, 0.031], 0.02),
        "four trials": ([1.3, 0.3, 0.9, 0.7], [0.5, 0.001, 0.12, 0.03], 0.013),
        "two trials, far inside": ([0.5, 1.1], [0.00001, 0.00003], 0.01),
        "n below 1": ([0.5, 0.9], [0.05, 0.06], 0.04),
    },
    sample=_trials,
    wrong={
        "you took the exponent 2 for granted: from the second trial on, two measurements tell the true one": (
            _next_variant(exponent=lambda n: 2.0)
        ),
        "is a root missing after the first trial? The KL grows with the square of the step": _next_variant(lonely=1.0),
        "your factor is upside down: a step whose KL is too large must become shorter": (
            _next_variant(lonely=-2.0),
            _next_variant(lonely=-2.0, exponent=lambda n: -n),
            _next_variant(exponent=lambda n: -n),
        ),
        "you raised the ratio to the power n: KL ∝ tⁿ gives t ∝ KL^(1/n)": _next_variant(exponent=lambda n: 1 / n),
        "you go from one trial and divide by the KL of another: they must belong together": (
            _next_variant(**{"from": -2, "measured": -1}),
            _next_variant(**{"from": -1, "measured": -2}),
            _next_variant(**{"from": 0, "measured": -1}),
        ),
        "you drew a straight line through the two trials: the KL is a power of t, so take logarithms first": _straight,
        "where is the limit of 4?": _next_variant(cap=math.inf),
        "you only ever shorten the step: one that ended inside the region may grow": (
            _next_variant(cap=1.0),
            lambda fractions, kls, max_kl: min(_next(fractions, kls, max_kl), fractions[-1]),
        ),
        "you take the first two trials: the last two are nearer to the boundary": (
            _next_variant(pair=(0, 1)),
            _next_variant(pair=(0, 1), **{"from": 1}),
        ),
        "you take the first and the last trial: the card asks for the last two": _next_variant(pair=(0, -1)),
        "you aim below δ, as the library does: here the KL is to be δ itself": (
            _next_variant(aim=0.96),
            _next_variant(aim=0.9),
        ),
        "you halve the exponent once more: only (5.6) has a square root, because its n is 2": _next_variant(
            exponent=lambda n: 2 * n
        ),
    },
)


# Exercise 4: ratio, shrink, n -> a whole number.
def _exact_refusals(ratio: float, shrink: float, n: float) -> float:
    return math.log(ratio) / (-n * math.log(shrink))


def _refusals(ratio: float, shrink: float, n: float, whole: Callable[[float], int] = math.ceil, more: int = 0) -> int:
    return max(0, whole(_exact_refusals(ratio, shrink, n))) + more


def _overshoot(random: Generator) -> tuple:
    """Never nearly a tie."""
    while True:
        ratio = 10 ** number(random, -1.5, 2.0)
        arguments = ratio, number(random, 0.3, 0.9), number(random, 1.2, 4.5)
        distance = _exact_refusals(*arguments) % 1
        if 0.03 < distance < 0.97:
            return arguments


refusals = Exercise(
    name="refusals",
    right=lambda ratio, shrink, n: _refusals(ratio, shrink, n),
    inputs={
        "inside": (0.6, 0.8, 2.0),
        "far inside": (0.01, 0.7, 3.0),
        "outside by a hair": (1.02, 0.5, 2.0),
        "3.3 δ": (3.3, 0.8, 2.0),
        "8 δ, n = 4.5": (8.0, 0.85, 4.5),
        "494 δ": (494.0, 0.8, 1.6),
        "494 δ, halved": (494.0, 0.5, 2.4),
        "150 δ": (150.0, 0.9, 3.0),
    },
    sample=_overshoot,
    wrong={
        "you round down: the candidate before the smallest i is still outside": (
            lambda ratio, shrink, n: _refusals(ratio, shrink, n, math.floor)
        ),
        "you round to the nearest whole number: what if that candidate is still outside?": (
            lambda ratio, shrink, n: _refusals(ratio, shrink, n, round)
        ),
        "you shrink the KL by α at each refusal: it shrinks by αⁿ": lambda ratio, shrink, n: _refusals(
            ratio, shrink, 1.0
        ),
        "you take n = 2 for granted": lambda ratio, shrink, n: _refusals(ratio, shrink, 2.0),
        "you count the trials: the last one passes, and is not refused": lambda ratio, shrink, n: _refusals(
            ratio, shrink, n, more=1
        ),
        "a full step inside the region is not refused: your number becomes negative": lambda ratio, shrink, n: (
            math.ceil(_exact_refusals(ratio, shrink, n))
        ),
        "mind the sign of log α: it is negative": (
            lambda ratio, shrink, n: math.ceil(-_exact_refusals(ratio, shrink, n)),
            lambda ratio, shrink, n: -_refusals(ratio, shrink, n),
        ),
        "you return the exact solution: i is a whole number": lambda ratio, shrink, n: max(
            0.0, _exact_refusals(ratio, shrink, n)
        ),
        "your logarithms have different bases": (
            lambda ratio, shrink, n: max(0, math.ceil(math.log10(ratio) / (-n * math.log(shrink)))),
            lambda ratio, shrink, n: max(0, math.ceil(math.log2(ratio) / (-n * math.log(shrink)))),
        ),
    },
)
