"""Full steps on random MDPs, of which gain and KL are known exactly (notebook 05).

Six states, three actions, and a softmax policy whose states share four parameters, as the states of a network share
its weights.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from trpo_lib.mdp import TabularMDP
from trpo_lib.trust_region import trust_region_step

MAX_KL = 0.1


class Problem(NamedTuple):
    """An MDP and a policy on it: π(a|s) ∝ exp(features · θ)."""

    mdp: TabularMDP
    features: Tensor  # (6, 3, 4)
    theta: Tensor  # (4,)

    def log_policy(self, step: Tensor) -> Tensor:
        """log π after a step, `(6, 3)`."""
        return (self.features @ (self.theta + step)).log_softmax(-1)

    def measure(self, step: Tensor) -> tuple[Tensor, Tensor]:
        """The surrogate gain and the mean KL of a step, both exact."""
        old, new = self.log_policy(torch.zeros_like(step)), self.log_policy(step)
        rho, advantages = self.mdp.occupancy(old.exp()), self.mdp.advantages(old.exp())
        gain = rho @ (new.exp() * advantages).sum(-1) / (1 - self.mdp.gamma)
        return gain, rho @ (old.exp() * (old - new)).sum(-1)

    def numbers(self, step: Tensor) -> tuple[float, float]:
        """The same as plain numbers, as a line search wants them."""
        gain, kl = self.measure(step)
        return gain.item(), kl.item()


def random_problem(seed: int, sharpness: float) -> Problem:
    """One of the random problems; large parameters make a sharp policy, which is nearly certain of its actions."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(6, 3, 4, generator=generator)
    theta = sharpness * torch.randn(4, generator=generator)
    return Problem(TabularMDP.random(6, 3, gamma=0.95, seed=seed), features, theta)


def full_step(problem: Problem, max_kl: float = MAX_KL) -> Tensor:
    """Δ, `(4,)`: notebook 03's step with exact gradient and F, so that the model's KL is `max_kl`."""
    zero = torch.zeros_like(problem.theta)
    gradient = torch.func.grad(lambda step: problem.measure(step)[0])(zero)
    fisher = torch.func.hessian(lambda step: problem.measure(step)[1])(zero)
    x = torch.linalg.solve(fisher, gradient)
    return trust_region_step(x, x @ fisher @ x, max_kl)


def full_step_kl(seed: int, sharpness: float) -> float:
    """KL of the full step over δ: 1 if the model were true."""
    problem = random_problem(seed, sharpness)
    return problem.measure(full_step(problem))[1].item() / MAX_KL


def search_problem(seed: int, sharpness: float) -> tuple[partial, Tensor, float]:
    """What a line search needs: a measuring device, the full step, and δ."""
    problem = random_problem(seed, sharpness)
    return problem.numbers, full_step(problem), MAX_KL
