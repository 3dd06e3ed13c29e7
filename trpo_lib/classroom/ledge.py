"""The mountain path of notebook 01, on which all is known exactly; 02, 03 and 05 come back to it.

Six places, two actions, two policy parameters. The functions take θ of shape `(2,)` and are differentiable in it.
"""

import torch
from torch import Tensor

from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.line_search import LineSearchResult, backtracking_line_search
from trpo_lib.mdp import TabularMDP
from trpo_lib.trust_region import trust_region_step

BACK, FORWARD = 0, 1
PLACES, FALL, GAMMA = 6, 10.0, 0.9
THETA_OLD = torch.tensor([0.0, -2.0], dtype=torch.float64)


def build() -> TabularMDP:
    """The path: a step from place i earns i/5; *back* at place 0 stays there; *forward* at place 5 falls.

    A fall costs 10 and ends at place 0, where every walk starts.
    """
    transitions = torch.zeros(PLACES, 2, PLACES, dtype=torch.float64)
    for i in range(PLACES):
        transitions[i, BACK, max(i - 1, 0)] = 1
        transitions[i, FORWARD, (i + 1) % PLACES] = 1
    rewards = (torch.arange(PLACES, dtype=torch.float64) / (PLACES - 1))[:, None].repeat(1, 2)
    rewards[-1, FORWARD] -= FALL
    return TabularMDP(transitions, rewards, GAMMA, torch.eye(PLACES, dtype=torch.float64)[0])


MDP = build()


def policy(theta: Tensor) -> Tensor:
    """π(forward|i) = σ(θ₀ + θ₁ i/5), as a table `(6, 2)`: two numbers steer the behaviour in six places."""
    return log_policy(theta).exp()


def log_policy(theta: Tensor) -> Tensor:
    """log π_θ, `(6, 2)`: finite even where a probability is too small for a number."""
    logit = theta[0] + theta[1] * torch.arange(PLACES, dtype=theta.dtype) / (PLACES - 1)
    return torch.stack([torch.zeros_like(logit), logit], -1).log_softmax(-1)


def performance(theta: Tensor) -> Tensor:
    """J(π_θ), the expected discounted return; exact."""
    return MDP.performance(policy(theta))


def surrogate(theta: Tensor, theta_old: Tensor = THETA_OLD) -> Tensor:
    """L(θ), the return as the old policy's states and advantages see it; exact (1.9)."""
    return MDP.surrogate(policy(theta_old), policy(theta))


def state_kl(theta: Tensor, theta_old: Tensor = THETA_OLD) -> Tensor:
    """KL(π_old(·|s) ‖ π_θ(·|s)) in each place, `(6,)`."""
    old, new = log_policy(theta_old), log_policy(theta)
    return (old.exp() * (old - new)).sum(-1)


def kl(theta: Tensor, theta_old: Tensor = THETA_OLD) -> Tensor:
    """The mean KL, each place weighted by how often the old policy is there."""
    return MDP.occupancy(policy(theta_old)) @ state_kl(theta, theta_old)


def fisher(theta: Tensor) -> Tensor:
    """F, the Hessian of the mean KL at θ itself, `(2, 2)`."""
    return torch.func.hessian(kl)(theta, theta)


def update(theta: Tensor, max_kl: float = 0.01, **search: object) -> tuple[Tensor, LineSearchResult]:
    """One whole update of TRPO with exact numbers: gradient, solve, length, line search.

    Args:
        theta: θ_old, `(2,)`.
        max_kl: δ.
        search: settings of `backtracking_line_search`.

    Returns:
        The new θ, and what the line search found. Where the policy has become certain of every action, F vanishes and
        θ stays.
    """
    gradient = torch.func.grad(surrogate)(theta, theta)
    matrix = fisher(theta)
    direction = conjugate_gradient(matrix.mv, gradient).x
    curvature = direction @ matrix @ direction
    step = trust_region_step(direction, curvature, max_kl) if curvature > 0 else torch.zeros_like(theta)

    def gain_and_kl(trial: Tensor) -> tuple[float, float]:
        gain = surrogate(theta + trial, theta) - surrogate(theta, theta)
        return gain.item(), kl(theta + trial, theta).item()

    result = backtracking_line_search(gain_and_kl, step, max_kl=max_kl, **search)
    return theta + result.fraction * step, result
