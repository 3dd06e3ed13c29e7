"""Exercises of notebook 02."""

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import extreme_logits, generator, integer, normal, number, sizes
from trpo_lib.mdp import TabularMDP


# Exercise 1: logits_old (B, n), logits_new (B, n) -> ().
def _coin_kls(old: Tensor, new: Tensor) -> Tensor:
    """KL of each coin, (B, n); a log of 1 + eᶻ nowhere overflows."""
    heads, tails = softplus(-new) - softplus(-old), softplus(new) - softplus(old)
    return old.sigmoid() * heads + (-old).sigmoid() * tails


def _mean_kl(old: Tensor, new: Tensor) -> Tensor:
    return _coin_kls(old, new).sum(-1).mean()


def _cross_entropy(old: Tensor, new: Tensor) -> Tensor:
    return (old.sigmoid() * softplus(-new) + (-old).sigmoid() * softplus(new)).sum(-1).mean()


def _as_categorical(old: Tensor, new: Tensor) -> Tensor:
    p, q = old.log_softmax(-1), new.log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1).mean()


def _quadratic(old: Tensor, new: Tensor) -> Tensor:
    return (0.5 * old.sigmoid() * (-old).sigmoid() * (new - old) ** 2).sum(-1).mean()


def _coins(random: Generator, states: int, coins: int) -> tuple:
    return 1.5 * normal(random, states, coins), 1.5 * normal(random, states, coins)


def _sure_coins(random: Generator) -> tuple:
    """Old logits of ±80: 1 − p is 0 in float64. New ones of ±25, which torch.distributions can still tell from 1."""
    return tuple(extreme_logits(random, 4, 3, size=size) + normal(random, 4, 3) for size in (80.0, 25.0))


mean_kl_coins = Exercise(
    name="mean_kl_coins",
    right=lambda logits_old, logits_new: _mean_kl(logits_old, logits_new),
    inputs={
        "four states": _coins(generator(1), 4, 3),
        "more coins than states": _coins(generator(2), 2, 5),
        "one state": _coins(generator(3), 1, 6),
        "one coin": _coins(generator(4), 7, 1),
        "logits of ±80": _sure_coins(generator(5)),
    },
    sample=lambda random: _coins(random, *sizes(random, 2)) if integer(random, 0, 3) else _sure_coins(random),
    wrong={
        "you counted one side of each coin: a coin that shows 0 has a log-ratio too": (
            lambda old, new: (old.sigmoid() * (softplus(-new) - softplus(-old))).sum(-1).mean(),
            lambda old, new: ((-old).sigmoid() * (softplus(new) - softplus(old))).sum(-1).mean(),
        ),
        "your result is too small by the number of coins: is there a mean over action dimensions where a sum is due?": (
            lambda old, new: _coin_kls(old, new).mean()
        ),
        "this is KL(new‖old): which of the two policies did the actions come from?": (
            lambda old, new: _mean_kl(new, old)
        ),
        "your result is too large by the number of states: sum over coins, but average over states": (
            lambda old, new: _coin_kls(old, new).sum()
        ),
        "this is the largest KL, that of one state: Theorem 1 asks for it, the mean KL does not": (
            lambda old, new: _coin_kls(old, new).sum(-1).max()
        ),
        "one number for each state: is the mean over states missing?": lambda old, new: _coin_kls(old, new).sum(-1),
        "this is the cross-entropy: the old policy's entropy is still to be subtracted": _cross_entropy,
        "this is one categorical over n actions (a softmax): the coins are independent, each with its own logit": (
            _as_categorical
        ),
        "your sign is turned: E[log(π_old/π_new)] under π_old is never negative": lambda old, new: -_mean_kl(old, new),
        "this is the quadratic model ½ΔᵀFΔ: it holds near θ_old, and an exact KL is asked for": _quadratic,
    },
)


# Exercise 2: log_prob (N,), log_prob_old (N,) -> (); actions from the old policy.
def _nonnegative(new: Tensor, old: Tensor) -> Tensor:
    return ((new - old).exp() - 1 - (new - old)).mean()


def _taken(random: Generator, n: int) -> tuple:
    old = -2 * torch.rand(n, generator=random, dtype=torch.float64) - 0.1
    log_ratio = 0.7 * normal(random, n)
    return old + log_ratio * log_ratio.mean().sign(), old  # the mean of −log r is negative


def _mean_positive(random: Generator, n: int) -> tuple:
    new, old = _taken(random, n)
    return 2 * old - new, old


def _one_impossible(random: Generator) -> tuple:
    new, old = _taken(random, 3)
    return torch.cat([new, old[:1] - 800.0]), torch.cat([old, old[:1]])


def _reverse(new: Tensor, old: Tensor) -> Tensor:
    ratio = (new - old).exp()
    return (ratio * (new - old) - ratio + 1).mean()


kl_from_samples = Exercise(
    name="kl_from_samples",
    right=lambda log_prob, log_prob_old: _nonnegative(log_prob, log_prob_old),
    inputs={
        "five samples": _taken(generator(1), 5),
        "eight samples": _mean_positive(generator(2), 8),
        "one sample": _taken(generator(3), 1),
        "equal policies": (_taken(generator(4), 3)[1], _taken(generator(4), 3)[1]),
        "one log r of −800": _one_impossible(generator(5)),
    },
    sample=lambda random: _taken(random, integer(random, 2, 9)) if integer(random, 0, 3) else _one_impossible(random),
    wrong={
        "right on average, but single terms are negative: what has expectation 0 and may be added?": (
            lambda new, old: (old - new).mean()
        ),
        "never negative, but with another expectation: ½(log r)² agrees with the KL only near θ_old": (
            lambda new, old: (new - old).square().mean() / 2
        ),
        "your ratio is upside down: under the old policy the mean of π_new/π_old is 1, that of π_old/π_new is not": (
            lambda new, old: _nonnegative(old, new)
        ),
        "the sign of log r is turned: log r ≤ r − 1, so r − 1 − log r is what is never negative": (
            lambda new, old: ((new - old).exp() - 1 + (new - old)).mean()
        ),
        "what is cut off at 0 or made positive has another expectation: what has expectation 0 and may be added?": (
            lambda new, old: (old - new).clamp(min=0).mean(),
            lambda new, old: (old - new).mean().clamp(min=0),
            lambda new, old: (old - new).mean().abs(),
            lambda new, old: (new - old).abs().mean(),
        ),
        "this estimates KL(new‖old): each term is weighed by r": (
            lambda new, old: ((new - old).exp() * (new - old)).mean(),
            _reverse,
        ),
        "½(r − 1)² agrees with the KL only near θ_old: it is the next term of the series": (
            lambda new, old: ((new - old).exp() - 1).square().mean() / 2
        ),
        "the mean of r − 1 is 0, whatever the policies: it is what may be added, and not the KL": (
            lambda new, old: ((new - old).exp() - 1).mean()
        ),
        "one number for each sample: is the mean missing?": lambda new, old: (new - old).exp() - 1 - (new - old),
        "a sum over the samples, where the mean is due": lambda new, old: len(new) * _nonnegative(new, old),
    },
)


# Exercise 3: slope, curvature, max_kl -> a number.
penalty_weight = Exercise(
    name="penalty_weight",
    right=lambda slope, curvature, max_kl: slope / math.sqrt(2 * max_kl * curvature),
    inputs=[(1.3, 0.25, 0.01), (0.2, 3.0, 0.05), (40.0, 700.0, 0.003), (5.0, 0.02, 1.7)],
    sample=lambda random: (number(random, 0.1, 9), number(random, 0.05, 20), number(random, 0.002, 0.3)),
    wrong={
        "the KL is ½ f x²: is the ½ missing?": lambda g, f, delta: g / math.sqrt(delta * f),
        "g²/(2δf) is c²: is the root missing?": lambda g, f, delta: g**2 / (2 * delta * f),
        "that is 1/c: solve for the weight": lambda g, f, delta: math.sqrt(2 * delta * f) / g,
        "that is the length of the step to KL = δ: which c puts the maximum there?": (
            lambda g, f, delta: math.sqrt(2 * delta / f)
        ),
        "this weight does not know δ: at the maximum x = g/(c f), and ½ f x² is to equal δ": (
            lambda g, f, delta: g / f,
            lambda g, f, delta: g / math.sqrt(f),
            lambda g, f, delta: g,
            lambda g, f, delta: g**2 / (2 * f),
        ),
        "this is the gain at KL = δ: the weight is the slope of the gain in KL, which is half of it over δ": (
            lambda g, f, delta: g * math.sqrt(2 * delta / f)
        ),
        "that is the gain divided by δ: the slope of a root is half of its chord": (
            lambda g, f, delta: g * math.sqrt(2 / (delta * f))
        ),
        "the slope g belongs into the weight: with ten times the rewards, c grows tenfold": (
            lambda g, f, delta: 1 / math.sqrt(2 * delta * f),
            lambda g, f, delta: 1 / delta,
        ),
        "f stands in the wrong place: a sharper policy has a smaller step": (
            lambda g, f, delta: g * math.sqrt(f / (2 * delta)),
            lambda g, f, delta: g * math.sqrt(f * 2 * delta),
        ),
    },
)


# Exercise 4: mdp, pi (S, A), new (S, A) -> ().
def _case(random: Generator, states: int, actions: int, gamma: float) -> tuple:
    mdp = TabularMDP.random(states, actions, gamma, seed=integer(random, 0, 10**6))
    logits, change = normal(random, states, actions), normal(random, states, actions)
    return mdp, logits.softmax(-1), (logits + 0.7 * change).softmax(-1)


def _kl(pi: Tensor, new: Tensor) -> Tensor:
    return (pi * (pi.log() - new.log())).sum(-1)


def _old_mean(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    return mdp.occupancy(pi) @ _kl(pi, new)


def _largest(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    return (new * mdp.advantages(pi)).sum(-1).abs().max()


def _bound(mdp: TabularMDP, pi: Tensor, new: Tensor, drift: Tensor, largest: Tensor | None = None) -> Tensor:
    """L − (1/(1−γ)) · (2γ/(1−γ)) · drift · max |Ā|."""
    largest = _largest(mdp, pi, new) if largest is None else largest
    return mdp.surrogate(pi, new) - 2 * mdp.gamma / (1 - mdp.gamma) ** 2 * drift * largest


def _right(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    return _bound(mdp, pi, new, (_old_mean(mdp, pi, new) / 2).sqrt())


def _by_tv(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    return _bound(mdp, pi, new, mdp.occupancy(pi) @ (pi - new).abs().sum(-1) / 2)


def _penalty_times(mdp: TabularMDP, pi: Tensor, new: Tensor, c: float) -> Tensor:
    level = mdp.surrogate(pi, new)
    return level + c * (_right(mdp, pi, new) - level)


mean_kl_bound = Exercise(
    name="mean_kl_bound",
    right=lambda mdp, pi, new: _right(mdp, pi, new),
    inputs=[
        _case(generator(11), 4, 3, 0.9),
        _case(generator(10), 5, 2, 0.5),
        _case(generator(12), 2, 6, 0.97),
        _case(generator(14), 7, 4, 0.8),
    ],
    sample=lambda random: _case(random, *sizes(random, 2), number(random, 0.3, 0.98)),
    wrong={
        "the largest KL over all states is what no batch shows: take the mean (2.5)": (
            lambda mdp, pi, new: _bound(mdp, pi, new, (_kl(pi, new).max() / 2).sqrt())
        ),
        "the mean is over all states alike: (2.9) weighs them by the old occupancy": (
            lambda mdp, pi, new: _bound(mdp, pi, new, (_kl(pi, new).mean() / 2).sqrt())
        ),
        "the mean is over the new policy's occupancy, which nobody knows before it has acted": (
            lambda mdp, pi, new: _bound(mdp, pi, new, (mdp.occupancy(new) @ _kl(pi, new) / 2).sqrt())
        ),
        "this is KL(new‖old): also a bound, but TRPO's mean KL (2.5) has the old policy first": (
            lambda mdp, pi, new: _bound(mdp, pi, new, (mdp.occupancy(pi) @ _kl(new, pi) / 2).sqrt())
        ),
        "the ½ of Pinsker's inequality (2.7) is missing": (
            lambda mdp, pi, new: _bound(mdp, pi, new, _old_mean(mdp, pi, new).sqrt())
        ),
        "the root is missing: the mean TV is at most √(mean KL / 2)": (
            lambda mdp, pi, new: _bound(mdp, pi, new, _old_mean(mdp, pi, new) / 2),
            lambda mdp, pi, new: _bound(mdp, pi, new, _old_mean(mdp, pi, new)),
        ),
        "the root of each state's KL, then the mean, is sharper, but needs more than the mean KL": (
            lambda mdp, pi, new: _bound(mdp, pi, new, mdp.occupancy(pi) @ (_kl(pi, new) / 2).sqrt())
        ),
        "this is the bound with the mean TV: the card asks for the mean KL": _by_tv,
        "you took max |A| over states and actions: the card keeps max |Ā(s)|, the advantage that π′ expects": (
            lambda mdp, pi, new: _bound(
                mdp, pi, new, (_old_mean(mdp, pi, new) / 2).sqrt(), mdp.advantages(pi).abs().max()
            )
        ),
        "the largest Ā without the absolute value: a negative Ā(s) counts too": (
            lambda mdp, pi, new: _bound(
                mdp, pi, new, (_old_mean(mdp, pi, new) / 2).sqrt(), (new * mdp.advantages(pi)).sum(-1).max()
            )
        ),
        "one factor 1/(1 − γ) is missing: (2.8) has one, and (2.9) another": (
            lambda mdp, pi, new: _penalty_times(mdp, pi, new, 1 - mdp.gamma)
        ),
        "the factor γ is missing: see (2.9)": lambda mdp, pi, new: _penalty_times(mdp, pi, new, 1 / mdp.gamma),
        "the factor 2 of (2.9) is missing": lambda mdp, pi, new: _penalty_times(mdp, pi, new, 0.5),
        "this is L alone: what is to be subtracted for the drift of the states?": (
            lambda mdp, pi, new: mdp.surrogate(pi, new)
        ),
        "this is J(π′) itself, which nobody knows beforehand; the bound is made of the old policy's quantities": (
            lambda mdp, pi, new: mdp.performance(new)
        ),
        "this is an upper bound: is the sign of the penalty turned?": (
            lambda mdp, pi, new: _penalty_times(mdp, pi, new, -1.0)
        ),
        "this is the penalty alone: where is L?": (
            lambda mdp, pi, new: mdp.surrogate(pi, new) - _right(mdp, pi, new),
            lambda mdp, pi, new: _right(mdp, pi, new) - mdp.surrogate(pi, new),
        ),
        "this is Theorem 1: it needs the largest KL": lambda mdp, pi, new: _bound(
            mdp, pi, new, 2 * mdp.advantages(pi).abs().max() * _kl(pi, new).max(), torch.ones(())
        ),
    },
)
