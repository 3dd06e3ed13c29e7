"""Exercises of notebook 02."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.kl import mean_kl
from trpo_lib.mdp import TabularMDP


def _coins(logits: Tensor) -> Independent:
    return Independent(Bernoulli(logits=logits), 1)


def _heads_only(old: Tensor, new: Tensor) -> Tensor:
    p, q = old.sigmoid(), new.sigmoid()
    return (p * (p / q).log()).sum(-1).mean()


def _over_coins(old: Tensor, new: Tensor) -> Tensor:
    return mean_kl(_coins(old), _coins(new)) / old.shape[-1]


_first = torch.tensor([[0.5, -1.0, 2.0], [0.0, 1.5, -0.3], [-2.0, 0.7, 0.1], [1.0, 1.0, -1.0]], dtype=torch.float64)
_second = torch.tensor([[0.2, -0.5, 1.0], [0.9, 1.0, 0.3], [-1.0, 0.2, 0.8], [0.4, 2.0, -1.7]], dtype=torch.float64)

mean_kl_coins = Exercise(
    name="mean_kl_coins",
    right=lambda old, new: mean_kl(_coins(old), _coins(new)),
    inputs=[(_first, _second), (_second, _first[:, [2, 0, 1]]), (_first[:1], _first[1:2])],
    wrong={
        "you counted one side of each coin: a coin that shows 0 has a log-ratio too": _heads_only,
        "your result is too small by the number of coins: is there a mean over action dimensions where a sum is due?": (
            _over_coins
        ),
        "this is KL(new‖old): which of the two policies did the actions come from?": lambda old, new: mean_kl(
            _coins(new), _coins(old)
        ),
        "your result is too large by the number of states: sum over coins, but average over states": lambda old, new: (
            mean_kl(_coins(old), _coins(new)) * len(old)
        ),
    },
)


def _nonnegative(log_prob: Tensor, log_prob_old: Tensor) -> Tensor:
    log_ratio = log_prob - log_prob_old
    return (log_ratio.exp() - 1 - log_ratio).mean()


_log_old = torch.tensor([-0.7, -1.2, -0.3, -2.0, -1.6], dtype=torch.float64)
_log_new = torch.tensor([-0.5, -1.4, -0.2, -1.1, -1.5], dtype=torch.float64)

kl_from_samples = Exercise(
    name="kl_from_samples",
    right=_nonnegative,
    inputs=[(_log_new, _log_old), (_log_old, _log_new), (_log_old - 0.3, _log_old)],
    wrong={
        "right on average, but single terms are negative: what has expectation 0 and may be added?": lambda new, old: (
            old - new
        ).mean(),
        "never negative, but with another expectation: ½(log r)² agrees with the KL only near θ_old": lambda new, old: (
            (new - old).square().mean() / 2
        ),
        "your ratio is upside down: under the old policy the mean of π_new/π_old is 1, that of π_old/π_new is not": (
            lambda new, old: _nonnegative(old, new)
        ),
        "the sign of log r is turned: log r ≤ r − 1, so r − 1 − log r is what is never negative": lambda new, old: (
            (new - old).exp() - 1 + (new - old)
        ).mean(),
    },
)


def _bound(
    mdp: TabularMDP, pi: Tensor, new: Tensor, *, weight: Tensor | None = None, half: float = 0.5, signed: bool = False
) -> Tensor:
    change = half * (pi - new).abs().sum(-1)
    advantages = mdp.advantages(pi)
    epsilon = advantages.max() if signed else advantages.abs().max()
    coefficient = 4 * epsilon * mdp.gamma / (1 - mdp.gamma) ** 2
    weight = mdp.occupancy(pi) if weight is None else weight
    return mdp.surrogate(pi, new) - coefficient * (weight @ change) * change.max()


def _over_all_states(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    return _bound(mdp, pi, new, weight=torch.full_like(mdp.start, 1 / mdp.num_states))


def _theorem(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    coefficient = 4 * mdp.advantages(pi).abs().max() * mdp.gamma / (1 - mdp.gamma) ** 2
    return mdp.surrogate(pi, new) - coefficient * (pi * (pi / new).log()).sum(-1).max()


def _largest_twice(mdp: TabularMDP, pi: Tensor, new: Tensor) -> Tensor:
    far = (pi - new).abs().sum(-1).max() / 2
    return _bound(mdp, pi, new, weight=torch.zeros_like(mdp.start)) - (
        4 * mdp.advantages(pi).abs().max() * mdp.gamma / (1 - mdp.gamma) ** 2 * far**2
    )


def _case(seed: int, gamma: float) -> tuple[TabularMDP, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    pi, new = logits[0].softmax(-1), (logits[0] + 0.5 * logits[1]).softmax(-1)
    return TabularMDP.random(4, 3, gamma, seed=seed), pi, new


sharper_bound = Exercise(
    name="sharper_bound",
    right=_bound,
    inputs=[_case(0, 0.9), _case(1, 0.5), _case(2, 0.8)],
    wrong={
        "this is Theorem 1 as it stands, with the largest KL: stop before TV is given away for KL": _theorem,
        "the largest TV stands twice: (2.9) has a mean, which is smaller": _largest_twice,
        "the mean is over all states alike: (2.9) weighs them by the old occupancy": _over_all_states,
        "the mean is over the new policy's occupancy, which nobody knows before it has acted": lambda mdp, pi, new: (
            _bound(mdp, pi, new, weight=mdp.occupancy(new))
        ),
        "your penalty is four times too large: is the ½ of the total variation missing?": lambda mdp, pi, new: _bound(
            mdp, pi, new, half=1.0
        ),
        "this is L alone: what is to be subtracted for the drift of the states?": lambda mdp, pi, new: mdp.surrogate(
            pi, new
        ),
        "this is J(π′) itself, which nobody knows beforehand; the bound is made of the old policy's quantities": (
            lambda mdp, pi, new: mdp.performance(new)
        ),
        "ε is the largest |A|: did you take the largest A and forget the absolute value?": lambda mdp, pi, new: _bound(
            mdp, pi, new, signed=True
        ),
    },
)
