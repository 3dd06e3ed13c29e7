"""Exercises of notebook 03."""

import math

import torch
from torch import Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.trust_region import trust_region_step


def _tensor(*rows: list | float) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _natural(gradient: Tensor, fisher: Tensor) -> Tensor:
    return torch.linalg.solve(fisher, gradient)


def _natural_step(gradient: Tensor, fisher: Tensor, max_kl: float) -> Tensor:
    x = _natural(gradient, fisher)
    return trust_region_step(x, x @ fisher @ x, max_kl)


def _multiplied_not_solved(gradient: Tensor, fisher: Tensor, max_kl: float) -> Tensor:
    x = fisher @ gradient
    return math.sqrt(2 * max_kl / (x @ fisher @ x)) * x


def _squared_gain(gradient: Tensor, fisher: Tensor) -> float:
    return (gradient @ _natural(gradient, fisher)).item()


_problems = [
    (_tensor(-0.6, 0.3), _tensor([0.24, -0.18], [-0.18, 0.21]), 0.05),
    (_tensor(1.0, 2.0, -1.0), _tensor([2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 0.5]), 0.01),
]

natural_step = Exercise(
    name="natural_step",
    right=_natural_step,
    inputs=_problems,
    wrong={
        "your step is √2 too short: is the ½ of the quadratic model missing?": lambda g, F, d: (
            _natural_step(g, F, d) / math.sqrt(2)
        ),
        "your step ends on the boundary, but along g: did you solve F x = g?": lambda g, F, d: (
            math.sqrt(2 * d / (g @ F @ g)) * g
        ),
        "the direction is right, the length is not: is the curvature gᵀFg where xᵀFx is due?": lambda g, F, d: (
            math.sqrt(2 * d / (g @ F @ g)) * _natural(g, F)
        ),
        "the direction is right, the length is β² instead of β: is the square root missing?": lambda g, F, d: (
            2 * d / _squared_gain(g, F) * _natural(g, F)
        ),
        "your direction is F g: did you multiply by F where you should divide by it?": _multiplied_not_solved,
        "your step goes downhill: is L minimised where it should be maximised?": lambda g, F, d: (
            -_natural_step(g, F, d)
        ),
    },
)


def _fisher_from_scores(scores: Tensor, probabilities: Tensor) -> Tensor:
    return torch.einsum("ba,bai,baj->ij", probabilities, scores, scores) / len(scores)


def _linear_softmax(features: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Scores `(B, A, A·n)` and probabilities `(B, A)` of a policy whose logits are linear in n features."""
    p = logits.softmax(-1)
    residuals = torch.eye(p.shape[-1], dtype=p.dtype) - p[:, None, :]
    return torch.einsum("bai,bn->bain", residuals, features).flatten(2), p


def _outer_of_mean(scores: Tensor, probabilities: Tensor) -> Tensor:
    mean = torch.einsum("ba,bai->bi", probabilities, scores)
    return torch.einsum("bi,bj->ij", mean, mean) / len(scores)


fisher_from_scores = Exercise(
    name="fisher_from_scores",
    right=_fisher_from_scores,
    inputs=[
        _linear_softmax(_tensor([1.0, 0.5], [1.0, -2.0]), _tensor([1.8, 1.1, 0.0], [0.2, -0.4, 0.9])),
        _linear_softmax(_tensor([1.0], [2.0], [-1.0]), _tensor([0.0, 1.0], [2.0, 0.0], [-1.0, 0.5])),
    ],
    wrong={
        "your F is B times too large: did you sum over the states where the mean is due?": lambda u, p: (
            _fisher_from_scores(u, p) * len(u)
        ),
        "you counted all actions alike: where is the weight π(a|s)?": lambda u, p: (
            torch.einsum("bai,baj->ij", u, u) / len(u)
        ),
        "you counted all actions alike, with weight 1/A: where is the weight π(a|s)?": lambda u, p: (
            torch.einsum("bai,baj->ij", u, u) / len(u) / p.shape[-1]
        ),
        "your F is zero: did you average the scores before taking the outer product? The mean score is always 0": (
            _outer_of_mean
        ),
    },
)

gaussian_fisher = Exercise(
    name="gaussian_fisher",
    right=lambda log_std: torch.diag(torch.cat([(-2 * log_std).exp(), torch.full_like(log_std, 2.0)])),
    inputs=[(_tensor(-0.5),), (_tensor(0.7, -1.2),)],
    wrong={
        "the block of μ is 1/σ: is it the standard deviation where the variance is due?": lambda log_std: torch.diag(
            torch.cat([(-log_std).exp(), torch.full_like(log_std, 2.0)])
        ),
        "the block of log σ is half of what it should be: what is the variance of ε² for a standard normal ε?": (
            lambda log_std: torch.diag(torch.cat([(-2 * log_std).exp(), torch.ones_like(log_std)]))
        ),
        "that is the Fisher matrix in (μ, σ): the parameter here is log σ": lambda log_std: torch.diag(
            torch.cat([(-2 * log_std).exp(), 2 * (-2 * log_std).exp()])
        ),
        "the block of μ is σ²: that is the covariance, and the Fisher matrix is its inverse": lambda log_std: (
            torch.diag(torch.cat([(2 * log_std).exp(), torch.full_like(log_std, 2.0)]))
        ),
    },
)
