"""What one update knows: transitions, their advantages, and the policy as it is before the step (notebook 07)."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from trpo_lib.experience.rollout import Rollout
from trpo_lib.gae import generalized_advantage_estimation, standardize
from trpo_lib.kl import mean_kl
from trpo_lib.networks.critic import Critic
from trpo_lib.networks.policy import Policy

ROUNDING = 1e-4  # nats; float32 rounding stays far below it, a moved normaliser far above


@dataclass(frozen=True)
class Batch:
    """The B valid transitions of a rollout, and what the networks say of them before the update."""

    rollout: Rollout  # (T, N)
    observations: Tensor  # (B, …), as all that follows
    actions: Tensor
    advantages: Tensor  # standardised
    values: Tensor  # the critic's, before it is fitted
    returns: Tensor  # λ-returns, the critic's targets
    outputs: Tensor  # of π_old, with the graph from which gradient and Fisher products are taken
    old: Distribution  # π_old
    log_prob: Tensor  # log π_old(a|s), with the graph
    initial_kl: float  # of π_old from the policy that acted; 0 up to rounding


def make_batch(
    rollout: Rollout,
    policy: Policy,
    critic: Critic,
    gamma: float,
    lam: float,
    standardize: Callable[[Tensor], Tensor] = standardize,
) -> Batch:
    """The valid transitions of a rollout, judged by the present networks.

    Args:
        rollout: collected by the present policy; a warning says so when it was not.
        policy, critic: as they are before the update.
        gamma, lam: γ and λ.
        standardize: what the advantages `(B,)` go through before the policy learns from them.
    """
    observations, actions = rollout.batch(rollout.observations), rollout.batch(rollout.actions)
    outputs = policy(observations)
    old = policy.distribution_from(outputs)
    values, advantages = values_and_advantages(rollout, critic, gamma, lam)
    return Batch(
        rollout=rollout,
        observations=observations,
        actions=actions,
        advantages=standardize(advantages),
        values=values,
        returns=advantages + values,
        outputs=outputs,
        old=old,
        log_prob=old.log_prob(actions),
        initial_kl=initial_kl(rollout, policy, outputs),
    )


@torch.no_grad()
def values_and_advantages(rollout: Rollout, critic: Critic, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """V(s) and A of the valid transitions, `(B,)` each."""
    values, next_values = critic(rollout.observations), critic(rollout.next_observations)
    advantages = generalized_advantage_estimation(
        rollout.rewards, values, next_values, rollout.terminated, rollout.truncated, gamma, lam
    )
    return rollout.batch(values), rollout.batch(advantages)


@torch.no_grad()
def initial_kl(rollout: Rollout, policy: Policy, outputs: Tensor) -> float:
    """KL of the policy, with these outputs `(B, K)`, from the one that acted: not 0 when the rollout is another's."""
    acted = policy.distribution_from(rollout.batch(rollout.outputs))
    kl = mean_kl(acted, policy.distribution_from(outputs)).item()
    if not abs(kl) < ROUNDING:
        warnings.warn(
            f"the rollout was collected by another policy: KL {kl:.2g} before any step, where 0 is due. "
            "TRPO is on-policy: collect a rollout after every update, and leave the normaliser alone in between.",
            stacklevel=6,  # whoever called `update`, which called `prepare`, which made the batch
        )
    return kl
