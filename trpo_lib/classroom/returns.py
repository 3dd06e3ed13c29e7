"""Rewards to come: the crude advantages of notebooks 01 to 04, before notebook 06 estimates better ones."""

import torch
from torch import Tensor

from trpo_lib.experience.rollout import Rollout
from trpo_lib.gae import generalized_advantage_estimation


def rewards_to_come(rollout: Rollout, gamma: float) -> Tensor:
    """The discounted rewards from each step on, as far as the rollout knows them.

        G_t = r_t + γ (1 − done_t) G_{t+1},   computed backwards

    An episode's end cuts the sum, and so does the rollout's last row, whatever would have come after it: this is
    generalized advantage estimation with V = 0 and λ = 1 (notebook 06).

    Args:
        rollout: T steps of N environments.
        gamma: discount factor in [0, 1].

    Returns:
        G, `(T, N)`; `rollout.batch` makes a row of it.

    Raises:
        ValueError: gamma is outside [0, 1].
    """
    nothing = torch.zeros_like(rollout.rewards)  # what a critic that knows nothing says
    return generalized_advantage_estimation(
        rollout.rewards, nothing, nothing, rollout.terminated, rollout.truncated, gamma, 1.0
    )
