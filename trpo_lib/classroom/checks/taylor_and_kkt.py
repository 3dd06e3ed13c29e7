"""Exercises of notebook 03."""

import math

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import FLOAT, generator, integer, normal, number, positive_definite, sizes
from trpo_lib.trust_region import trust_region_step


# Exercise 1: gradient (P,), fisher (P, P), max_kl -> (P,).
def _natural(g: Tensor, F: Tensor) -> Tensor:
    return torch.linalg.solve(F, g)


def _to_boundary(x: Tensor, F: Tensor, d: float) -> Tensor:
    return trust_region_step(x, x @ F @ x, d)


def _natural_step(g: Tensor, F: Tensor, d: float) -> Tensor:
    return _to_boundary(_natural(g, F), F, d)


def _damped(g: Tensor, F: Tensor, c: float) -> Tensor:
    return torch.linalg.solve(F + c * torch.eye(len(g), dtype=g.dtype), g)


def _problem(random: Generator, size: int, max_kl: float, zero: bool = False) -> tuple:
    gradient = normal(random, size)
    gradient[0] *= not zero
    return gradient, positive_definite(random, size), max_kl


def _stiff(random: Generator) -> tuple:
    scales = torch.tensor([100.0, 1.0, 0.05], dtype=FLOAT)
    return normal(random, 3), scales[:, None] * positive_definite(random, 3) * scales, 0.02


natural_step = Exercise(
    name="natural_step",
    right=lambda gradient, fisher, max_kl: _natural_step(gradient, fisher, max_kl),
    inputs={
        "two parameters": _problem(generator(1), 2, 0.05),
        "three parameters": _problem(generator(2), 3, 0.01),
        "a zero in g": _problem(generator(3), 5, 0.002, zero=True),
        "curvatures from 0.002 to 10,000": _stiff(generator(4)),
    },
    sample=lambda random: _problem(random, integer(random, 2, 7), number(random, 0.001, 0.1)),
    axes=("parameter",),
    wrong={
        "your step is √2 too short: is the ½ of the quadratic model missing?": (
            lambda g, F, d: _natural_step(g, F, d) / math.sqrt(2)
        ),
        "your step ends on the boundary, but along g: did you solve F x = g?": (lambda g, F, d: _to_boundary(g, F, d)),
        "the direction is right, the length is not: is the curvature gᵀFg where xᵀFx is due?": (
            lambda g, F, d: math.sqrt(2 * d / (g @ F @ g)) * _natural(g, F)
        ),
        "the direction is right, the length is β² instead of β: is the square root missing?": (
            lambda g, F, d: 2 * d / (g @ _natural(g, F)) * _natural(g, F)
        ),
        "your direction is F g: did you multiply by F where you should divide by it?": (
            lambda g, F, d: _to_boundary(F @ g, F, d)
        ),
        "your step goes downhill: is L minimised where it should be maximised?": (
            lambda g, F, d: -_natural_step(g, F, d)
        ),
        "this is x = F⁻¹g alone: it is still to be scaled to the boundary": lambda g, F, d: _natural(g, F),
        "√(2δ) is the length in the metric of F; yours is the ordinary length": (
            lambda g, F, d: math.sqrt(2 * d) * _natural(g, F) / _natural(g, F).norm(),
            lambda g, F, d: math.sqrt(2 * d) * g / g.norm(),
        ),
        "F is divided by its diagonal alone: how parameters act together stands beside the diagonal": (
            lambda g, F, d: _to_boundary(g / F.diag(), F, d),
            lambda g, F, d: math.sqrt(2 * d / (g @ (g / F.diag()))) * g / F.diag(),
        ),
        "a damping is added to F: (3.11) has none, and F is positive definite": tuple(
            (lambda g, F, d, c=c: _to_boundary(_damped(g, F, c), F, d)) for c in (0.1, 0.01, 1e-3)
        ),
        "δ is the largest KL, and you take it for the step's length": (
            lambda g, F, d: d * _natural(g, F),
            lambda g, F, d: d * _natural(g, F) / _natural(g, F).norm(),
        ),
    },
)


# Exercise 2: scores (B, A, P), probabilities (B, A) -> (P, P).
def _fisher(u: Tensor, p: Tensor) -> Tensor:
    return torch.einsum("ba,bai,baj->ij", p, u, u) / len(u)


def _scores(random: Generator, states: int, actions: int, parameters: int, never: bool = False) -> tuple:
    logits = normal(random, states, actions)
    logits[:, -1] -= 1000.0 * never
    p, raw = logits.softmax(-1), normal(random, states, actions, parameters)
    return raw - torch.einsum("ba,bai->bi", p, raw)[:, None], p  # as all scores, of mean 0 in each state


def _outer_of_mean(u: Tensor, p: Tensor) -> Tensor:
    mean = torch.einsum("ba,bai->bi", p, u)
    return torch.einsum("bi,bj->ij", mean, mean) / len(u)


fisher_from_scores = Exercise(
    name="fisher_from_scores",
    right=lambda scores, probabilities: _fisher(scores, probabilities),
    inputs={
        "two states": _scores(generator(1), 2, 3, 4),
        "five states": _scores(generator(2), 5, 4, 2),
        "one state": _scores(generator(3), 1, 2, 3),
        "an action that is never taken": _scores(generator(4), 3, 4, 5, never=True),
    },
    sample=lambda random: _scores(random, *sizes(random, 3)),
    axes=("row", "column"),
    wrong={
        "your F is B times too large: did you sum over the states where the mean is due?": (
            lambda u, p: _fisher(u, p) * len(u)
        ),
        "you counted all actions alike: where is the weight π(a|s)?": (
            lambda u, p: torch.einsum("bai,baj->ij", u, u) / len(u)
        ),
        "you counted all actions alike, with weight 1/A: where is the weight π(a|s)?": (
            lambda u, p: torch.einsum("bai,baj->ij", u, u) / len(u) / p.shape[-1]
        ),
        "your F is zero: did you average the scores before taking the outer product? The mean score is always 0": (
            _outer_of_mean
        ),
        "you divide by A as well: the probabilities already add up to 1": lambda u, p: _fisher(u, p) / p.shape[-1],
        "π(a|s) enters squared: it weighs the outer product, not each of the two scores": (
            lambda u, p: _fisher(u, p**2),
            lambda u, p: _fisher(u, p**2) * len(u),
        ),
        "this is ½F: the ½ belongs to the quadratic model, not to its matrix": lambda u, p: _fisher(u, p) / 2,
        "one matrix for each state: is the mean over states missing?": (
            lambda u, p: torch.einsum("ba,bai,baj->bij", p, u, u)
        ),
        "only the diagonal is there: F holds the product of every pair of components": (
            lambda u, p: _fisher(u, p).diag().diag(),
            lambda u, p: _fisher(u, p).diag(),
        ),
        "the weights enter as log π: an expectation weighs by π": lambda u, p: _fisher(u, p.log()),
    },
)


# Exercise 3: log_std (d,) -> (2d, 2d).
def _blocks(mean: Tensor, log_std: Tensor) -> Tensor:
    return torch.diag(torch.cat([mean, log_std]))


def _precision(s: Tensor) -> Tensor:
    return (-2 * s).exp()


def _two(s: Tensor) -> Tensor:
    return torch.full_like(s, 2.0)


gaussian_fisher = Exercise(
    name="gaussian_fisher",
    right=lambda log_std: _blocks(_precision(log_std), _two(log_std)),
    inputs={
        "one dimension": (torch.tensor([-0.5], dtype=FLOAT),),
        "two dimensions": (torch.tensor([0.7, -1.2], dtype=FLOAT),),
        "σ = 1 beside others": (torch.tensor([0.0, 0.4, -0.9], dtype=FLOAT),),
        "narrow and wide": (torch.tensor([-4.0, 3.0, 0.3, -0.2], dtype=FLOAT),),
    },
    sample=lambda random: (0.8 * normal(random, integer(random, 2, 6)) - 0.3,),
    axes=("row", "column"),
    wrong={
        "the block of μ is 1/σ: is it the standard deviation where the variance is due?": (
            lambda s: _blocks((-s).exp(), _two(s))
        ),
        "the block of log σ is half of what it should be: what is the variance of ε² for a standard normal ε?": (
            lambda s: _blocks(_precision(s), torch.ones_like(s))
        ),
        "the block of log σ is ½: that is a variance turned upside down": (
            lambda s: _blocks(_precision(s), 0.5 * torch.ones_like(s))
        ),
        "that is the Fisher matrix in (μ, σ): the parameter here is log σ": (
            lambda s: _blocks(_precision(s), 2 * _precision(s))
        ),
        "that is the Fisher matrix in (μ, σ²): the parameter here is log σ": (
            lambda s: _blocks(_precision(s), 0.5 * _precision(s) ** 2)
        ),
        "the block of μ is σ²: that is the covariance, and the Fisher matrix is its inverse": (
            lambda s: _blocks((2 * s).exp(), _two(s))
        ),
        "this is the inverse of F": lambda s: _blocks((2 * s).exp(), 1 / _two(s)),
        "the blocks are exchanged: that of μ comes first": lambda s: _blocks(_two(s), _precision(s)),
        "what is given is log σ: did you take it for σ?": lambda s: _blocks(s**-2, _two(s)),
        "this is the diagonal alone: the matrix itself, (2d, 2d), is due": (
            lambda s: torch.cat([_precision(s), _two(s)])
        ),
        "the parameters alternate: all of μ come first, then all of log σ": (
            lambda s: torch.stack([_precision(s), _two(s)], 1).flatten().diag()
        ),
        "this is ½F, the matrix of the KL with its ½ multiplied in": (
            lambda s: _blocks(_precision(s) / 2, _two(s) / 2)
        ),
    },
)
