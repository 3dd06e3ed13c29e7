"""Exercises of notebook 01 on walks: what a sum over time estimates."""

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, indices, integer, normal, number, sizes


# Exercise 2: states (T, N), actions (T, N), advantages (S, A), gamma -> (); walks of the new policy.
def _walks(random: Generator, steps: int, walks: int, states: int, actions: int, gamma: float) -> tuple:
    places, choices = indices(random, states, steps, walks), indices(random, actions, steps, walks)
    return places, choices, normal(random, states, actions), gamma


def _discounted(terms: Tensor, gamma: float, first: int = 0, dim: int = 0) -> Tensor:
    """The terms, each times γ to the power of its place along an axis."""
    powers = gamma ** torch.arange(first, first + terms.shape[dim], dtype=torch.float64)
    return terms * (powers[:, None] if dim == 0 else powers)


performance_difference = Exercise(
    name="performance_difference",
    right=lambda states, actions, advantages, gamma: _discounted(advantages[states, actions], gamma).sum(0).mean(),
    inputs={
        "seven walks of five steps": _walks(generator(0), 5, 7, 4, 3, 0.9),
        "three walks of six steps": _walks(generator(1), 6, 3, 5, 2, 0.5),
        "one walk": _walks(generator(2), 4, 1, 2, 3, 0.97),
        "γ = 0": _walks(generator(3), 3, 6, 7, 4, 0.0),
    },
    sample=lambda random: _walks(random, *sizes(random, 4), number(random, 0.3, 0.98)),
    wrong={
        "the states of a walk are not drawn from ρ: step t counts γ^t, and 1/(1 − γ) falls away": (
            lambda s, a, A, gamma: A[s, a].mean() / (1 - gamma),
            lambda s, a, A, gamma: A[s, a].mean(),
        ),
        "γ^t is missing: a later step counts less": lambda s, a, A, gamma: A[s, a].sum(0).mean(),
        "1/(1 − γ) belongs to ρ: a sum over the steps of a walk has it inside": (
            lambda s, a, A, gamma: _discounted(A[s, a], gamma).sum(0).mean() / (1 - gamma)
        ),
        "you average over the steps of a walk: (1.8) adds them up": (
            lambda s, a, A, gamma: _discounted(A[s, a], gamma).mean()
        ),
        "you add up the walks: an expectation is their mean": lambda s, a, A, gamma: _discounted(A[s, a], gamma).sum(),
        "one number for each walk: is the mean over walks missing?": (
            lambda s, a, A, gamma: _discounted(A[s, a], gamma).sum(0)
        ),
        "the first step has weight γ^0 = 1": lambda s, a, A, gamma: _discounted(A[s, a], gamma, first=1).sum(0).mean(),
        "you discount along the walks: row t is step t": (
            lambda s, a, A, gamma: _discounted(A[s, a], gamma, dim=1).sum(0).mean(),
            lambda s, a, A, gamma: _discounted(A[s, a], gamma, dim=1).sum(1).mean(),
        ),
        "these are the advantages of the places, whatever was done there: A[s, a] needs the action": (
            lambda s, a, A, gamma: _discounted(A.mean(1)[s], gamma).sum(0).mean(),
            lambda s, a, A, gamma: _discounted(A.sum(1)[s], gamma).sum(0).mean(),
        ),
        "you compute J(π) − J(π′)": lambda s, a, A, gamma: -_discounted(A[s, a], gamma).sum(0).mean(),
    },
)


# Exercise 3: log_ratio (T, N), rewards (T, N), gamma -> (); walks of the old policy.
def _ratios(random: Generator, steps: int, walks: int, gamma: float) -> tuple:
    return 0.6 * normal(random, steps, walks), normal(random, steps, walks), gamma


def _far_apart(random: Generator) -> tuple:
    """Ratios of e^±800, one after the other: their product is an ordinary number, and half of them are not."""
    log_ratio, rewards, gamma = _ratios(random, 6, 4, 0.8)
    return log_ratio + torch.tensor([-800.0, 800.0, 0.0, -800.0, 800.0, 0.0])[:, None], rewards, gamma


def _weighted(weights: Tensor, rewards: Tensor, gamma: float) -> Tensor:
    return _discounted(weights * rewards, gamma).sum(0).mean()


def _before(log_ratio: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(log_ratio[:1]), log_ratio[:-1]]).cumsum(0)


def _self_normalised(log_ratio: Tensor, rewards: Tensor, gamma: float) -> Tensor:
    weights = log_ratio.cumsum(0).exp()
    return _discounted((weights * rewards).sum(1, keepdim=True) / weights.sum(1, keepdim=True), gamma).sum()


per_decision_return = Exercise(
    name="per_decision_return",
    right=lambda log_ratio, rewards, gamma: _weighted(log_ratio.cumsum(0).exp(), rewards, gamma),
    inputs={
        "seven walks of five steps": _ratios(generator(4), 5, 7, 0.9),
        "three walks of six steps": _ratios(generator(5), 6, 3, 0.5),
        "one walk": _ratios(generator(6), 4, 1, 0.97),
        "ratios of e^±800": _far_apart(generator(7)),
    },
    sample=lambda random: (
        _ratios(random, *sizes(random, 2, 3), number(random, 0.3, 0.98))
        if integer(random, 0, 3)
        else _far_apart(random)
    ),
    wrong={
        "each reward is weighed by the ratios of the whole walk: later actions cannot change it": (
            lambda log_ratio, r, gamma: _weighted(log_ratio.sum(0).exp(), r, gamma)
        ),
        "each reward is weighed by its own ratio alone: that corrects the action and not the state": (
            lambda log_ratio, r, gamma: _weighted(log_ratio.exp(), r, gamma)
        ),
        "the reward of step t needs the ratio of its own action too": (
            lambda log_ratio, r, gamma: _weighted(_before(log_ratio).exp(), r, gamma)
        ),
        "you multiply the ratios from step t on: those up to step t are due": (
            lambda log_ratio, r, gamma: _weighted(log_ratio.flip(0).cumsum(0).flip(0).exp(), r, gamma)
        ),
        "a sum of logarithms is the logarithm of the weight: is the exponential missing?": (
            lambda log_ratio, r, gamma: _weighted(log_ratio.cumsum(0), r, gamma),
            lambda log_ratio, r, gamma: _weighted(log_ratio, r, gamma),
        ),
        "you add the ratios up: the weight is their product": (
            lambda log_ratio, r, gamma: _weighted(log_ratio.exp().cumsum(0), r, gamma)
        ),
        "your product runs over the walks: row t is step t": (
            lambda log_ratio, r, gamma: _weighted(log_ratio.cumsum(1).exp(), r, gamma)
        ),
        "γ^t is missing": lambda log_ratio, r, gamma: (log_ratio.cumsum(0).exp() * r).sum(0).mean(),
        "you average over the steps of a walk: a return is their sum": (
            lambda log_ratio, r, gamma: _discounted(log_ratio.cumsum(0).exp() * r, gamma).mean()
        ),
        "the first step has weight γ^0 = 1": (
            lambda log_ratio, r, gamma: gamma * _weighted(log_ratio.cumsum(0).exp(), r, gamma)
        ),
        "you divide by the sum of the weights: that is another estimate, with a bias": _self_normalised,
        "your ratio is upside down: the logarithms are those of new over old already": (
            lambda log_ratio, r, gamma: _weighted((-log_ratio).cumsum(0).exp(), r, gamma)
        ),
    },
)
