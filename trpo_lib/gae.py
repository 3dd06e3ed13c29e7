"""TD errors and generalized advantage estimation (notebook 06)."""

import torch
from torch import Tensor

from trpo_lib import _validate


def td_errors(rewards: Tensor, values: Tensor, next_values: Tensor, terminated: Tensor, gamma: float) -> Tensor:
    """The surprise of each step: what came, minus what the critic expected.

        δ_t = r_t + γ (1 − terminated_t) V(s'_t) − V(s_t)

    Args:
        rewards: r_t, `(T, N)` or `(T,)`.
        values: V(s_t), the same shape.
        next_values: V of the observation that step t really reached (the final one at an episode's end).
        terminated: true where the episode ended in a terminal state. A time limit is not one:
            the future goes on after it, and the critic stands for that future.
        gamma: discount factor in [0, 1].

    Returns:
        δ, in the shape of `rewards`.

    Raises:
        ValueError: shapes differ, a number is NaN or infinite, or gamma is outside [0, 1].

    Source: Sutton & Barto, eq. 6.5; GAE, section 3 and eq. 11.
    """
    _validate.in_unit_interval("gamma", gamma)
    _validate.same_shape(rewards=rewards, values=values, next_values=next_values, terminated=terminated)
    _validate.finite(rewards=rewards, values=values, next_values=next_values)
    return rewards + gamma * next_values.masked_fill(terminated.bool(), 0.0) - values


def discounted_sum(terms: Tensor, decay: Tensor) -> Tensor:
    """Each term and all that follow it, discounted step by step.

        S_t = x_t + c_t S_{t+1},   computed backwards; after the last row nothing follows

    Args:
        terms: x_t, `(T, N)` or `(T,)`.
        decay: c_t, in the shape of `terms`: how much of what follows step t counts; 0 where an episode ends.

    Returns:
        S, in the shape of `terms`.
    """
    _validate.same_shape(terms=terms, decay=decay)
    sums, total = [], 0.0
    for term, factor in zip(reversed(terms.unbind()), reversed(decay.unbind()), strict=True):
        total = term + factor * total
        sums.append(total)
    return torch.stack(sums[::-1]) if sums else terms


def generalized_advantage_estimation(
    rewards: Tensor,
    values: Tensor,
    next_values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    gamma: float,
    lam: float,
) -> Tensor:
    """The exponentially weighted average of all k-step advantage estimates (GAE, eq. 16).

        A_t = Σ_l (γλ)^l δ_{t+l},   computed backwards:   A_t = δ_t + γλ (1 − done_t) A_{t+1}

    `done` is termination *or* truncation: nothing that happens after a reset belongs to this episode.
    Only termination removes the bootstrap value inside δ.

    Args:
        rewards, values, next_values, terminated: as for `td_errors`, `(T, N)` or `(T,)`.
        truncated: true where a time limit or another outside hand ended the episode; the same shape.
        gamma: discount factor in [0, 1].
        lam: λ in [0, 1]; 0 trusts the critic after one step, 1 never.

    Returns:
        The advantages, in the shape of `rewards`.

    Raises:
        ValueError: shapes differ, a number is NaN or infinite, or gamma or lam is outside [0, 1].

    Source: GAE, section 3.
    """
    _validate.in_unit_interval("lam", lam)
    _validate.same_shape(rewards=rewards, truncated=truncated)
    if rewards.ndim == 0:
        raise ValueError(f"rewards must have shape (T, N) or (T,), got {tuple(rewards.shape)}.")
    delta = td_errors(rewards, values, next_values, terminated, gamma)
    done = terminated.bool() | truncated.bool()
    return discounted_sum(delta, (gamma * lam) * (~done).to(delta.dtype))


def standardize(advantages: Tensor) -> Tensor:
    """Advantages with mean 0 and standard deviation 1, so that the step does not depend on the rewards' unit.

    Advantages that are all equal say nothing about which action was better: they become zeros.

    Raises:
        ValueError: an advantage is NaN or infinite, or there is none.
    """
    _validate.finite(advantages=advantages)
    _validate.not_empty("advantages", advantages)
    centred = advantages - advantages.mean()
    std = centred.square().mean().sqrt()
    rounding = 10 * torch.finfo(advantages.dtype).eps * advantages.abs().max()
    return centred / std if std > rounding else torch.zeros_like(advantages)
