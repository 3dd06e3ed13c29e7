"""Exercises of notebook 01."""

import torch
from torch import Generator, Tensor
from torch.distributions import Categorical

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import (
    Only,
    extreme_logits,
    generator,
    indices,
    integer,
    normal,
    number,
    sizes,
)
from trpo_lib.mdp import TabularMDP
from trpo_lib.surrogate import importance_ratio, surrogate_objective


# Exercise 1: logits (N, K), logits_old (N, K), actions (N,), advantages (N,) -> ().
def _batch(random: Generator, n: int, k: int) -> tuple:
    return normal(random, n, k), normal(random, n, k), indices(random, k, n), normal(random, n)


def _extreme(random: Generator) -> tuple:
    old = extreme_logits(random, 5, 3)
    return old + normal(random, 5, 3), old, indices(random, 3, 5), normal(random, 5)


def _log_probs(logits: Tensor, logits_old: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    return Categorical(logits=logits).log_prob(actions), Categorical(logits=logits_old).log_prob(actions)


def _ratio(logits: Tensor, logits_old: Tensor, actions: Tensor) -> Tensor:
    return importance_ratio(*_log_probs(logits, logits_old, actions))


def _surrogate(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return surrogate_objective(*_log_probs(logits, logits_old, actions), advantages)


def _no_exponential(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    log_prob, log_prob_old = _log_probs(logits, logits_old, actions)
    return ((log_prob - log_prob_old) * advantages).mean()


def _logits_as_log_probs(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    rows = torch.arange(len(actions))
    return surrogate_objective(logits[rows, actions], logits_old[rows, actions], advantages)


def _every_pair(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor, *, column: bool) -> Tensor:
    ratio = (logits.log_softmax(-1) - logits_old.log_softmax(-1)).exp()[:, actions]
    return (ratio * (advantages[:, None] if column else advantages)).mean()


def _over_the_batch(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    rows = torch.arange(len(actions))
    log_ratio = logits.log_softmax(0) - logits_old.log_softmax(0)
    return (log_ratio[rows, actions].exp() * advantages).mean()


def _clipped(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    ratio = _ratio(logits, logits_old, actions)
    return torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages).mean()


surrogate_from_logits = Exercise(
    name="surrogate_from_logits",
    right=lambda logits, logits_old, actions, advantages: _surrogate(logits, logits_old, actions, advantages),
    inputs={
        "six samples": _batch(generator(1), 6, 4),
        "two actions": _batch(generator(2), 5, 2),
        "one sample": _batch(generator(3), 1, 3),
        "logits of ±1000": _extreme(generator(4)),
    },
    sample=lambda random: (
        _batch(random, *sizes(random, 2)) if integer(random, 0, 3) else _extreme(random)  # one in four is extreme
    ),
    wrong={
        "your ratio is upside down: which policy drew the actions, and so belongs below?": (
            lambda z, z_old, a, A: _surrogate(z_old, z, a, A)
        ),
        "the difference of logarithms is the logarithm of the ratio: is the exponential missing?": _no_exponential,
        "logits are not log-probabilities: did you skip the normalisation over actions?": _logits_as_log_probs,
        "this is mean(log π · A), without the old policy: where is the ratio?": (
            lambda z, z_old, a, A: (_log_probs(z, z_old, a)[0] * A).mean(),
            lambda z, z_old, a, A: -(_log_probs(z, z_old, a)[0] * A).mean(),
        ),
        "your result is N times too large: a mean, not a sum, over the batch?": (
            lambda z, z_old, a, A: len(a) * _surrogate(z, z_old, a, A)
        ),
        "you return one number for each sample: is the mean missing?": lambda z, z_old, a, A: _ratio(z, z_old, a) * A,
        "this is mean(r) · mean(A): do shapes (N, 1) and (N,) meet, and make (N, N)?": (
            lambda z, z_old, a, A: _ratio(z, z_old, a).mean() * A.mean()
        ),
        "logits[:, actions] has shape (N, N): sample i needs its own action, logits[i, actions[i]]": (
            lambda z, z_old, a, A: _every_pair(z, z_old, a, A, column=False),
            lambda z, z_old, a, A: _every_pair(z, z_old, a, A, column=True),
        ),
        "your softmax runs over the batch (dim 0): the probabilities of one state's actions add up to 1": (
            _over_the_batch
        ),
        "you standardise the advantages: that changes the objective's value, and no sentence of the card asks for it": (
            lambda z, z_old, a, A: (_ratio(z, z_old, a) * (A - A.mean()) / A.std()).mean(),
            lambda z, z_old, a, A: (_ratio(z, z_old, a) * (A - A.mean()) / A.std(correction=0)).mean(),
        ),
        "that is PPO's clipped objective: L lets the ratio be what it is": _clipped,
        "you return a loss, −L: the surrogate itself is what is to become large": (
            lambda z, z_old, a, A: -_surrogate(z, z_old, a, A)
        ),
    },
)


# Exercise 2: mdp, pi_old (S, A), pi_new (S, A) -> ().
def _case(random: Generator, states: int, actions: int, gamma: float) -> tuple:
    mdp = TabularMDP.random(states, actions, gamma, seed=integer(random, 0, 10**6))
    lent = Only(mdp, "mdp", "occupancy", "advantages", "gamma", "num_states", "num_actions")
    return lent, normal(random, states, actions).softmax(-1), normal(random, states, actions).softmax(-1)


def _gain(mdp: TabularMDP, pi_walks: Tensor, pi_acts: Tensor, pi_judges: Tensor) -> Tensor:
    return mdp.occupancy(pi_walks) @ (pi_acts * mdp.advantages(pi_judges)).sum(-1) / (1 - mdp.gamma)


def _everywhere_alike(mdp: TabularMDP, old: Tensor, new: Tensor) -> Tensor:
    return (new * mdp.advantages(old)).sum(-1).mean() / (1 - mdp.gamma)


performance_difference = Exercise(
    name="performance_difference",
    right=lambda mdp, pi_old, pi_new: _gain(mdp, pi_new, pi_new, pi_old),
    inputs=[
        _case(generator(0), 5, 3, 0.9),
        _case(generator(1), 4, 2, 0.5),
        _case(generator(2), 2, 6, 0.97),
        _case(generator(3), 7, 3, 0.0),
    ],
    sample=lambda random: _case(random, *sizes(random, 2), number(random, 0.3, 0.98)),
    wrong={
        "you used the old occupancy: that is the surrogate's gain L − J(π), not the return's": (
            lambda mdp, old, new: _gain(mdp, old, new, old)
        ),
        "the factor 1/(1 − γ) is missing: ρ is normalised": (
            lambda mdp, old, new: (1 - mdp.gamma) * _gain(mdp, new, new, old)
        ),
        "your result is 0: a policy's own actions have mean advantage 0. Whose actions, whose advantages?": (
            lambda mdp, old, new: torch.zeros((), dtype=torch.float64)
        ),
        "old and new are exchanged: you compute J(π) − J(π′)": lambda mdp, old, new: _gain(mdp, old, old, new),
        "you judge the old policy's actions by the new policy's advantages": (
            lambda mdp, old, new: _gain(mdp, new, old, new)
        ),
        "the states are weighed alike: they are to be weighed by how often they are visited": _everywhere_alike,
        "the actions are weighed alike: how often does the new policy take each of them?": (
            lambda mdp, old, new: mdp.occupancy(new) @ mdp.advantages(old).sum(-1) / (1 - mdp.gamma),
            lambda mdp, old, new: mdp.occupancy(new) @ mdp.advantages(old).mean(-1) / (1 - mdp.gamma),
        ),
        "you take the ratio π′/π as weight: without π beside it, it is no probability": (
            lambda mdp, old, new: mdp.occupancy(new) @ (new / old * mdp.advantages(old)).sum(-1) / (1 - mdp.gamma)
        ),
    },
)


# Exercise 3: ratio (B,), advantages (B,), error -> ().
def _pilot(random: Generator, size: int, mean: float, error: float) -> tuple:
    return normal(random, size).exp(), mean + normal(random, size), error


def _by_effective_size(ratio: Tensor, advantages: Tensor, error: float) -> Tensor:
    return advantages.var() * len(ratio) * ratio.square().sum() / ratio.sum() ** 2 / error**2


samples_needed = Exercise(
    name="samples_needed",
    right=lambda ratio, advantages, error: (ratio * advantages).var() / error**2,
    inputs=[
        _pilot(generator(5), 50, 0.0, 0.05),
        _pilot(generator(6), 30, 2.0, 0.2),
        _pilot(generator(7), 7, -1.0, 3.0),
        _pilot(generator(8), 2, 0.5, 1.5),
    ],
    sample=lambda random: _pilot(
        random, integer(random, 3, 40), number(random, -2, 2), number(random, 0.05, 0.8) * 4 ** integer(random, 0, 1)
    ),
    wrong={
        "the error shrinks as 1/√N, not as 1/N: did you square?": lambda r, A, error: (r * A).std() / error,
        "you divide a variance by the error itself: is the square on the error missing?": (
            lambda r, A, error: (r * A).var() / error
        ),
        "this is the variance of the advantages alone: what do the weights add?": lambda r, A, error: (
            A.var() / error**2
        ),
        "a product's variance is not the product of the variances: take the variance of r·A": (
            lambda r, A, error: r.var() * A.var() / error**2
        ),
        "your variance divides by B, torch.var by B − 1": lambda r, A, error: (r * A).var(correction=0) / error**2,
        "the mean of the squares is no variance: the square of the mean is missing": (
            lambda r, A, error: (r * A).square().mean() / error**2
        ),
        "1.96 standard errors are the half-width of a 95 % interval: one standard error is to equal `error`": (
            lambda r, A, error: (1.96 * (r * A).std() / error) ** 2,
            lambda r, A, error: 1.96 * (r * A).var() / error**2,
            lambda r, A, error: (2 * (r * A).std() / error) ** 2,
        ),
        "you round: return the number as it is": (
            lambda r, A, error: ((r * A).var() / error**2).ceil(),
            lambda r, A, error: ((r * A).var() / error**2).round(),
            lambda r, A, error: ((r * A).var() / error**2).floor(),
        ),
        "N_eff knows nothing of A: the variance of the product r·A is what counts": _by_effective_size,
        "you divide by the pilot's B: that is the pilot's own error, squared; which N is wanted?": (
            lambda r, A, error: (r * A).var() / len(r) / error**2
        ),
    },
)
