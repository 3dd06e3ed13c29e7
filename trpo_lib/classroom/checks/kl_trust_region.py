"""Exercises of notebook 02."""

from collections.abc import Callable

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


# Exercise 3: mdp, pi (S, A), new (S, A) -> ().
def _variation(pi: Tensor, new: Tensor) -> Tensor:
    return (pi - new).abs().sum(-1) / 2


def _coefficient(mdp: TabularMDP, pi: Tensor) -> Tensor:
    return 4 * mdp.advantages(pi).abs().max() * mdp.gamma / (1 - mdp.gamma) ** 2


def _bound(mdp: TabularMDP, pi: Tensor, new: Tensor, drift: Tensor | float) -> Tensor:
    return mdp.surrogate(pi, new) - _coefficient(mdp, pi) * drift


def _right(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    change = _variation(pi, new)
    return _bound(mdp, pi, new, mdp.occupancy(pi) @ change * change.max())


def _largest_advantage(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    advantages = mdp.advantages(pi)
    penalty = (mdp.surrogate(pi, new) - _right(mdp, pi, new)) / advantages.abs().max()
    return mdp.surrogate(pi, new) - advantages.max() * penalty


def _new_occupancy(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    change = _variation(pi, new)
    return _bound(mdp, pi, new, mdp.occupancy(new) @ change * change.max())


def _kls(pi: Tensor, new: Tensor) -> Tensor:
    return (pi * (pi / new).log()).sum(-1)


def _penalty_times(factor: Callable[[float], float]) -> Callable:
    def wrong(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
        surrogate = mdp.surrogate(pi, new)
        return surrogate - factor(mdp.gamma) * (surrogate - _right(mdp, pi, new))

    return wrong


def _case(random: Generator, states: int, actions: int, gamma: float) -> tuple:
    """A policy whose largest |A| is that of a bad action, so that max A is not ε."""
    while True:
        mdp = TabularMDP.random(states, actions, gamma, seed=integer(random, 0, 10**6))
        logits = normal(random, states, actions)
        pi, new = logits.softmax(-1), (logits + 0.7 * normal(random, states, actions)).softmax(-1)
        advantages = mdp.advantages(pi)
        if advantages.abs().max() > 1.1 * advantages.max():
            return mdp, pi, new


sharper_bound = Exercise(
    name="sharper_bound",
    right=_right,
    inputs=[
        _case(generator(0), 4, 3, 0.9),
        _case(generator(1), 3, 5, 0.5),
        _case(generator(2), 6, 2, 0.8),
        _case(generator(3), 2, 4, 0.97),
    ],
    sample=lambda random: _case(random, *sizes(random, 2), number(random, 0.3, 0.97)),
    wrong={
        "this is Theorem 1 as it stands, with the largest KL: stop before TV is given away for KL": (
            lambda mdp, pi, new: _bound(mdp, pi, new, _kls(pi, new).max())
        ),
        "this is the penalty with the mean KL: TV is what (2.9) and (2.10) contain, and the theorem has no mean KL": (
            lambda mdp, pi, new: _bound(mdp, pi, new, mdp.occupancy(pi) @ _kls(pi, new))
        ),
        "the largest TV stands twice: (2.9) has a mean, which is smaller": (
            lambda mdp, pi, new: _bound(mdp, pi, new, _variation(pi, new).max() ** 2)
        ),
        "the mean TV stands twice: (2.10) needs the largest, for the strangest state may be visited more often": (
            lambda mdp, pi, new: _bound(mdp, pi, new, (mdp.occupancy(pi) @ _variation(pi, new)) ** 2),
            lambda mdp, pi, new: _bound(mdp, pi, new, mdp.occupancy(pi) @ _variation(pi, new) ** 2),
        ),
        "the mean is over all states alike: (2.9) weighs them by the old occupancy": (
            lambda mdp, pi, new: _bound(mdp, pi, new, _variation(pi, new).mean() * _variation(pi, new).max())
        ),
        "the mean is over the new policy's occupancy, which nobody knows before it has acted": (
            lambda mdp, pi, new: _bound(
                mdp, pi, new, mdp.occupancy(new) @ _variation(pi, new) * _variation(pi, new).max()
            )
        ),
        "your penalty is four times too large: is the ½ of the total variation missing?": _penalty_times(lambda g: 4),
        "your penalty is twice too large: is the ½ missing in one of the two total variations?": (
            _penalty_times(lambda g: 2)
        ),
        "your penalty lacks a factor: 4 = 2 · 2, one 2 from (2.9) and one from (2.10)": (
            _penalty_times(lambda g: 0.5),
            _penalty_times(lambda g: 0.25),
        ),
        "1/(1 − γ) stands once: it is squared, once for the sum over time, once for the drift": (
            _penalty_times(lambda g: 1 - g)
        ),
        "the γ above the fraction is missing: the states of time 0 have not drifted": _penalty_times(lambda g: 1 / g),
        "the penalty is added: a lower bound subtracts it": _penalty_times(lambda g: -1),
        "this is L alone: what is to be subtracted for the drift of the states?": (
            lambda mdp, pi, new: mdp.surrogate(pi, new)
        ),
        "this is J(π′) itself, which nobody knows beforehand; the bound is made of the old policy's quantities": (
            lambda mdp, pi, new: mdp.performance(new)
        ),
        "ε is the largest |A|: did you take the largest A and forget the absolute value?": _largest_advantage,
        "the bound lies below L itself, not below its gain: is J(π) missing?": (
            lambda mdp, pi, new: _right(mdp, pi, new) - mdp.performance(pi)
        ),
    },
)
