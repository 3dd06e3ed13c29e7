"""Exercises of notebook 01."""

import torch
from torch import Tensor
from torch.distributions import Categorical

from trpo_lib.classroom.checks.exercise import Exercise, named
from trpo_lib.mdp import TabularMDP
from trpo_lib.surrogate import importance_ratio, surrogate_objective

_generator = torch.Generator().manual_seed(1)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_generator, dtype=torch.float64)


class _WithoutReturns(TabularMDP):
    """An MDP that does not say what the exercise asks for."""

    def performance(self, pi: Tensor) -> Tensor:
        raise RuntimeError("mdp.performance is what the lemma is to give: use occupancy, advantages and gamma")

    def surrogate(self, pi_old: Tensor, pi_new: Tensor) -> Tensor:
        raise RuntimeError("the lemma is exact, mdp.surrogate is not: use occupancy, advantages and gamma")


def _mdp(seed: int) -> TabularMDP:
    return named(_WithoutReturns.random(seed=seed), f"TabularMDP.random(seed={seed})")


def _log_probs(logits: Tensor, logits_old: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    return Categorical(logits=logits).log_prob(actions), Categorical(logits=logits_old).log_prob(actions)


def _surrogate_from_logits(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return surrogate_objective(*_log_probs(logits, logits_old, actions), advantages)


def _ratio_upside_down(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return surrogate_objective(*_log_probs(logits_old, logits, actions), advantages)


def _no_exponential(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    log_prob, log_prob_old = _log_probs(logits, logits_old, actions)
    return ((log_prob - log_prob_old) * advantages).mean()


def _logits_as_log_probs(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    rows = torch.arange(len(actions))
    return surrogate_objective(logits[rows, actions], logits_old[rows, actions], advantages)


def _no_old_policy(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return (_log_probs(logits, logits_old, actions)[0] * advantages).mean()


def _sum_instead_of_mean(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return len(actions) * _surrogate_from_logits(logits, logits_old, actions, advantages)


def _per_term(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return importance_ratio(*_log_probs(logits, logits_old, actions)) * advantages


surrogate_from_logits = Exercise(
    name="surrogate_from_logits",
    right=_surrogate_from_logits,
    inputs=[
        (_normal(6, 3), _normal(6, 3), torch.tensor([0, 1, 2, 2, 1, 0]), _normal(6)),
        (_normal(4, 2), _normal(4, 2), torch.tensor([1, 1, 0, 1]), _normal(4)),
    ],
    wrong={
        "your ratio is upside down: which policy drew the actions, and so belongs below?": _ratio_upside_down,
        "the difference of logarithms is the logarithm of the ratio: is the exponential missing?": _no_exponential,
        "logits are not log-probabilities: did you skip the normalisation over actions?": _logits_as_log_probs,
        "this is mean(log π · A), without the old policy: where is the ratio?": _no_old_policy,
        "your result is N times too large: a mean, not a sum, over the batch?": _sum_instead_of_mean,
        "you return one number for each sample: is the mean missing?": _per_term,
    },
)


def _gain(mdp: TabularMDP, pi_walks: Tensor, pi_acts: Tensor, pi_judges: Tensor) -> Tensor:
    return mdp.occupancy(pi_walks) @ (pi_acts * mdp.advantages(pi_judges)).sum(-1) / (1 - mdp.gamma)


performance_difference = Exercise(
    name="performance_difference",
    right=lambda mdp, old, new: _gain(mdp, new, new, old),
    inputs=[(_mdp(seed), _normal(5, 3).softmax(-1), _normal(5, 3).softmax(-1)) for seed in (0, 1)],
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
        "you let the new policy walk and the old one choose the actions: should not one policy do both?": (
            lambda mdp, old, new: _gain(mdp, new, old, new)
        ),
    },
)

samples_needed = Exercise(
    name="samples_needed",
    right=lambda ratio, advantages, error: (ratio * advantages).var() / error**2,
    inputs=[(_normal(50).exp(), _normal(50), 0.05), (_normal(30).exp(), 2 + _normal(30), 0.2)],
    wrong={
        "the error shrinks as 1/√N, not as 1/N: did you square?": (
            lambda ratio, advantages, error: (ratio * advantages).std() / error
        ),
        "you divide a variance by the error itself: is the square on the error missing?": (
            lambda ratio, advantages, error: (ratio * advantages).var() / error
        ),
        "this is the variance of the advantages alone: what do the weights add?": (
            lambda ratio, advantages, error: advantages.var() / error**2
        ),
        "a product's variance is not the product of the variances: take the variance of r·A": (
            lambda ratio, advantages, error: ratio.var() * advantages.var() / error**2
        ),
        "your variance divides by B, torch.var by B − 1": (
            lambda ratio, advantages, error: (ratio * advantages).var(correction=0) / error**2
        ),
    },
)
