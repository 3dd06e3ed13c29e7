"""A policy's surrogate objective and mean KL on a batch, as plain functions of flat parameters."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.utils import parameters_to_vector

from trpo_lib import Policy, collect_rollout, make_envs, mean_kl, standardize, start, surrogate_objective
from trpo_lib.classroom.returns import rewards_to_come


class OnBatch(NamedTuple):
    """θ_old `(P,)`, and as functions of θ `(P,)`: L and D, the mean KL from θ_old."""

    theta_old: Tensor
    surrogate: Callable[[Tensor], Tensor]
    kl: Callable[[Tensor], Tensor]


def first_batch(env_id: str, policy: Policy, *, num_envs: int = 8, steps: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Observations `(B, …)`, actions `(B, …)` and crude advantages `(B,)` of a policy's first steps.

    The advantages are standardised rewards to come (notebook 01). Environments and actions have seeds of their own, so
    that the same policy sees the same batch whenever this is called.
    """
    envs, seeded = make_envs(env_id, num_envs), torch.Generator().manual_seed(0)
    rollout = collect_rollout(envs, policy, steps, start(envs, seed=0), generator=seeded)
    envs.close()
    to_come = rollout.batch(rewards_to_come(rollout, gamma=0.99))
    return rollout.batch(rollout.observations), rollout.batch(rollout.actions), standardize(to_come)


def functions_of(policy: Policy, observations: Tensor, actions: Tensor, advantages: Tensor) -> OnBatch:
    """L and D of a policy on a batch, as functions that autograd differentiates as often as one likes."""
    names, parameters = zip(*policy.named_parameters(), strict=True)
    theta_old = parameters_to_vector(parameters).detach()

    def at(theta: Tensor) -> torch.distributions.Distribution:
        pieces = theta.split([parameter.numel() for parameter in parameters])
        blocks = [piece.view_as(parameter) for piece, parameter in zip(pieces, parameters, strict=True)]
        return policy.distribution_from(functional_call(policy, dict(zip(names, blocks, strict=True)), (observations,)))

    old = at(theta_old)
    log_prob_old = old.log_prob(actions)
    return OnBatch(
        theta_old,
        lambda theta: surrogate_objective(at(theta).log_prob(actions), log_prob_old, advantages),
        lambda theta: mean_kl(old, at(theta)),
    )
