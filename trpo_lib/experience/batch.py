"""What one update knows: transitions, their advantages, and the policy as it is before the step (notebook 07)."""

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from trpo_lib.experience.rollout import Rollout, end_to_end
from trpo_lib.gae import generalized_advantage_estimation, standardize
from trpo_lib.kl import mean_kl
from trpo_lib.networks.critic import Critic
from trpo_lib.networks.policy import Policy
from trpo_lib.surrogate import importance_ratio

ROUNDING = 1e-4  # nats; float32 rounding stays far below it, a moved normaliser far above


@dataclass(frozen=True)
class Batch:
    """The valid transitions of past rollouts and of the new one: B of them in all, the earliest first."""

    rollout: Rollout  # (T', N), the past ones and the new one, end to end
    trust: Tensor  # (T', N) how far a transition counts as π_old's: c = min(1, π_old/π_acted)
    fresh: Tensor  # (B,) whether a transition is of the new rollout, where π_acted is π_old
    observations: Tensor  # (B, …), as all that follows
    actions: Tensor
    advantages: Tensor  # standardised, times c
    values: Tensor  # the critic's, before it is fitted
    returns: Tensor  # λ-returns, the critic's targets
    outputs: Tensor  # of π_old, with the graph from which gradient and Fisher products are taken
    old: Distribution  # π_old
    log_prob: Tensor  # log π_old(a|s), with the graph
    initial_kl: float  # of π_old from the policy that acted in the new rollout; 0 up to rounding


def make_batch(
    rollout: Rollout, past: Sequence[Rollout], policy: Policy, critic: Critic, gamma: float, lam: float
) -> Batch:
    """Advantages and returns for the valid transitions of `rollout` and of `past`, judged by the present networks.

    A transition that another policy brought counts as far as the present one would have acted in the same way,
    c = min(1, π_old/π_acted): in the surrogate, in the advantages and in the critic's targets. That is V-trace
    (Espeholt et al. 2018); where π_old itself acted, c = 1.

    Args:
        rollout: collected by the present policy; a warning says so when it was not.
        past: the rollouts before it, by earlier policies, the last one first; may be empty.
        policy, critic: as they are before the update.
        gamma, lam: γ and λ.
    """
    experience = end_to_end([*reversed(past), rollout])
    fresh = torch.zeros_like(experience.valid)
    fresh[-len(rollout.valid) :] = True
    fresh = experience.batch(fresh)
    observations, actions = experience.batch(experience.observations), experience.batch(experience.actions)
    outputs = policy(observations)
    old = policy.distribution_from(outputs)
    log_prob = old.log_prob(actions)
    log_prob_acted = policy.distribution_from(experience.batch(experience.outputs)).log_prob(actions)
    c = importance_ratio(log_prob.detach(), log_prob_acted).clamp(max=1.0).masked_fill(fresh, 1.0)
    trust = torch.ones_like(experience.rewards).masked_scatter(experience.valid, c)
    values, advantages = _values_and_advantages(experience, trust, critic, gamma, lam)
    return Batch(
        rollout=experience,
        trust=trust,
        fresh=fresh,
        observations=observations,
        actions=actions,
        advantages=c * standardize(advantages),
        values=values,
        returns=c * advantages + values,
        outputs=outputs,
        old=old,
        log_prob=log_prob,
        initial_kl=_initial_kl(rollout, policy, outputs[fresh]),
    )


def with_advantages_of(batch: Batch, critic: Critic, gamma: float, lam: float) -> Batch:
    """The batch with advantages from the critic as it is now; values and returns stay what they were."""
    _, advantages = _values_and_advantages(batch.rollout, batch.trust, critic, gamma, lam)
    return dataclasses.replace(batch, advantages=batch.rollout.batch(batch.trust) * standardize(advantages))


@torch.no_grad()
def _values_and_advantages(
    rollout: Rollout, trust: Tensor, critic: Critic, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """V(s) and A of the valid transitions, `(B,)` each."""
    values, next_values = critic(rollout.observations), critic(rollout.next_observations)
    advantages = generalized_advantage_estimation(
        rollout.rewards, values, next_values, rollout.terminated, rollout.truncated, gamma, lam, trust
    )
    return rollout.batch(values), rollout.batch(advantages)


@torch.no_grad()
def _initial_kl(rollout: Rollout, policy: Policy, outputs: Tensor) -> float:
    """KL of the policy from the one that acted: not 0 when the rollout is another policy's."""
    acted = policy.distribution_from(rollout.batch(rollout.outputs))
    kl = mean_kl(acted, policy.distribution_from(outputs)).item()
    if not abs(kl) < ROUNDING:
        warnings.warn(
            f"the rollout was collected by another policy: KL {kl:.2g} before any step, where 0 is due. "
            "TRPO is on-policy: collect a rollout after every update, and leave the normaliser alone in between.",
            stacklevel=6,
        )
    return kl
