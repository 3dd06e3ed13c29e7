"""The ring of notebook 06: twelve rooms in which the mean and the variance of an advantage estimate are known exactly.

An action walks left or right; one time in four the walker slips the other way. Acting in room 0 pays 1, all else
nothing. A critic that sees *wings* knows only in which wing of neighbouring rooms the walker is.
"""

import torch
from torch import Tensor

from trpo_lib.mdp import TabularMDP

LEFT, RIGHT = 0, 1
ROOMS, SLIP, GAMMA = 12, 0.25, 0.95


def build(gamma: float = GAMMA) -> TabularMDP:
    """The rooms; every walk starts in each of them equally often."""
    eye = torch.eye(ROOMS, dtype=torch.float64)
    left, right = eye.roll(-1, 1), eye.roll(1, 1)
    mixture = torch.tensor([[1 - SLIP, SLIP], [SLIP, 1 - SLIP]], dtype=torch.float64)
    transitions = torch.einsum("am,mst->sat", mixture, torch.stack([left, right]))
    rewards = torch.zeros(ROOMS, 2, dtype=torch.float64)
    rewards[0] = 1
    return TabularMDP(transitions, rewards, gamma, torch.full((ROOMS,), 1 / ROOMS, dtype=torch.float64))


MDP = build()
LOGITS = 0.7 * torch.randn(ROOMS, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
PI = LOGITS.softmax(-1)  # an arbitrary policy
VALUES, ADVANTAGES = MDP.values(PI), MDP.advantages(PI)
WEIGHT = PI / ROOMS  # how often each decision (room, action) occurs at the first step


def wings(size: int) -> Tensor:
    """The critic that sees wings of `size` rooms: in each of them the mean of the exact values, `(12,)`."""
    return VALUES.view(-1, size).mean(1).repeat_interleave(size)


def td_errors(values: Tensor) -> Tensor:
    """δ for each room, action and next room, `(12, 2, 12)` (6.1)."""
    return MDP.rewards[:, :, None] + GAMMA * values - values[:, None, None]


def mean_td_errors(values: Tensor) -> Tensor:
    """The mean TD error in each room, over actions and next rooms, `(12,)`: zero for the exact values alone (1.3)."""
    return (PI[:, :, None] * MDP.transitions * td_errors(values)).sum((1, 2))


def right_signs(values: Tensor) -> float:
    """In what share of the steps a TD error has the sign of the action's advantage."""
    agrees = td_errors(values).sign() == ADVANTAGES.sign()[:, :, None]
    return (WEIGHT[:, :, None] * MDP.transitions * agrees).sum().item()


def harm(bias: Tensor) -> Tensor:
    """What a bias `(12, 2)` does to the policy gradient: its root mean square after each room's mean is taken out."""
    return (WEIGHT * (bias - (PI * bias).sum(-1, keepdim=True)) ** 2).sum().sqrt()


def moments(values: Tensor, lam: float) -> tuple[Tensor, Tensor]:
    """Mean and variance of the estimate for each decision, both `(12, 2)`: two linear systems of Bellman's kind (6.12).

    Args:
        values: the critic, `(12,)`.
        lam: λ.
    """
    decay, delta, transitions = GAMMA * lam, td_errors(values), MDP.transitions
    eye, P_pi = torch.eye(ROOMS, dtype=torch.float64), torch.einsum("sa,sat->st", PI, transitions)
    first = (transitions * delta).sum(-1)
    m = torch.linalg.solve(eye - decay * P_pi, (PI * first).sum(-1))
    mean = first + decay * transitions @ m
    second = (transitions * (delta**2 + 2 * decay * delta * m)).sum(-1)
    q = torch.linalg.solve(eye - decay**2 * P_pi, (PI * second).sum(-1))
    return mean, second + decay**2 * transitions @ q - mean**2


def squared_bias_and_variance(mean: Tensor, variance: Tensor) -> Tensor:
    """The two parts of a single estimate's squared error, averaged over decisions, `(2,)`."""
    return torch.stack([harm(mean - ADVANTAGES) ** 2, (WEIGHT * variance).sum()])


def error_over_lambda(values: Tensor, lambdas: Tensor) -> Tensor:
    """Squared bias and variance for each λ, `(n, 2)`."""
    return torch.stack([squared_bias_and_variance(*moments(values, lam)) for lam in lambdas.tolist()])


def mean_by_decision(numbers: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    """The average of sampled numbers over the decisions at which they arose, `(12, 2)`."""
    decision = (2 * states + actions).flatten()
    total = decision.bincount(weights=numbers.flatten(), minlength=2 * ROOMS)
    return (total / decision.bincount(minlength=2 * ROOMS)).view(ROOMS, 2)
