"""Rewards to come: the crude advantages of notebooks 01 to 04, before notebook 06 estimates better ones."""

import torch
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.rollout import Rollout


def rewards_to_come(rollout: Rollout, gamma: float) -> Tensor:
    """The discounted rewards from each step on, as far as the rollout knows them.

        G_t = r_t + γ (1 − done_t) G_{t+1},   computed backwards

    An episode's end cuts the sum, and so does the rollout's last row, whatever would have come after it.

    Args:
        rollout: T steps of N environments.
        gamma: discount factor in [0, 1].

    Returns:
        G, `(T, N)`; `rollout.batch` makes a row of it.

    Raises:
        ValueError: gamma is outside [0, 1].
    """
    _validate.in_unit_interval("gamma", gamma)
    done = rollout.terminated | rollout.truncated
    to_come, later = torch.zeros_like(rollout.rewards), torch.zeros_like(rollout.rewards[0])
    for t in reversed(range(len(to_come))):
        later = rollout.rewards[t] + gamma * later * ~done[t]
        to_come[t] = later
    return to_come
