"""Past rollouts and the new one as one batch, each transition trusted as V-trace says (notebook 09)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trpo_lib.experience.batch import Batch, initial_kl
from trpo_lib.experience.rollout import Rollout
from trpo_lib.extensions.v_trace import trust_in, v_trace_advantages
from trpo_lib.networks.critic import Critic
from trpo_lib.networks.policy import Policy


@dataclass(frozen=True)
class OffPolicyBatch(Batch):
    """The valid transitions of past rollouts and of the new one, put end to end: B in all, the earliest first."""

    trust: Tensor  # (T', N), as `rollout`: how far a transition counts as π_old's, c = min(1, π_old/π_acted)
    fresh: Tensor  # (B,) whether a transition is of the new rollout, where π_acted is π_old


def make_batch(
    rollout: Rollout,
    past: Sequence[Rollout],
    policy: Policy,
    critic: Critic,
    gamma: float,
    lam: float,
    standardize: Callable[[Tensor], Tensor],
) -> OffPolicyBatch:
    """Advantages and returns for the valid transitions of `rollout` and of `past`, the last one first."""
    experience = end_to_end([*reversed(past), rollout])
    fresh = torch.zeros_like(experience.valid)
    fresh[-len(rollout.valid) :] = True
    fresh = experience.batch(fresh)
    observations, actions = experience.batch(experience.observations), experience.batch(experience.actions)
    outputs = policy(observations)
    old = policy.distribution_from(outputs)
    log_prob = old.log_prob(actions)
    log_prob_acted = policy.distribution_from(experience.batch(experience.outputs)).log_prob(actions)
    c = trust_in(log_prob, log_prob_acted).masked_fill(fresh, 1.0)
    trust = torch.ones_like(experience.rewards).masked_scatter(experience.valid, c)
    values, advantages = values_and_advantages(experience, trust, critic, gamma, lam)
    return OffPolicyBatch(
        rollout=experience,
        observations=observations,
        actions=actions,
        advantages=c * standardize(advantages),
        values=values,
        returns=c * advantages + values,
        outputs=outputs,
        old=old,
        log_prob=log_prob,
        initial_kl=initial_kl(rollout, policy, outputs[fresh]),
        trust=trust,
        fresh=fresh,
    )


@torch.no_grad()
def values_and_advantages(
    experience: Rollout, trust: Tensor, critic: Critic, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """V(s) and A of the valid transitions, `(B,)` each."""
    values, next_values = critic(experience.observations), critic(experience.next_observations)
    ends = experience.terminated, experience.truncated
    advantages = v_trace_advantages(experience.rewards, values, next_values, *ends, gamma, lam, trust)
    return experience.batch(values), experience.batch(advantages)


def end_to_end(rollouts: Sequence[Rollout]) -> Rollout:
    """Consecutive rollouts of the same environments as one long rollout, the earliest first.

    An episode that one of them left unfinished goes on in the next. Where it does not, because somebody reset the
    environments in between, the seam counts as truncation. The episodes are those of the last rollout.

    Raises:
        ValueError: they differ in their number of environments.
    """
    widths = {rollout.rewards.shape[1] for rollout in rollouts}
    if len(widths) != 1:
        raise ValueError(f"rollouts must have one number of environments, got {sorted(widths)}.")
    columns = {
        name: torch.cat([getattr(rollout, name) for rollout in rollouts])
        for name in Rollout.__annotations__
        if name != "episodes"
    }
    seams = np.cumsum([len(rollout.rewards) for rollout in rollouts])[:-1]
    reached, seen = columns["next_observations"][seams - 1], columns["observations"][seams]
    columns["truncated"][seams - 1] |= (reached != seen).flatten(2).any(-1)
    return Rollout(**columns, episodes=rollouts[-1].episodes)
