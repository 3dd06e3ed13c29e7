"""TRPO that uses rollouts of earlier policies again, weighted as V-trace does (notebook 09)."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.experience.batch import Batch, initial_kl
from trpo_lib.experience.rollout import Episode, Rollout
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.settings import OffPolicyConfig
from trpo_lib.extensions.v_trace import trust_in, v_trace_advantages
from trpo_lib.networks.critic import Critic, explained_variance
from trpo_lib.networks.policy import Policy


class OffPolicyTRPO(CriticFirstTRPO):
    """TRPO whose batches hold the newest rollouts of earlier policies besides the present one's.

    A transition that another policy brought counts as far as the present one would have acted in the same way,
    c = min(1, π_old/π_acted): in the surrogate, in the advantages and in the critic's targets. That is V-trace
    (Espeholt et al. 2018); where π_old itself acted, c = 1. Queeney et al. 2021 give the theory of trust regions
    with past experience. With no past rollouts it is TRPO, bit for bit.

    Args:
        env, seed, device: as for `TRPO`.
        config: an `OffPolicyConfig`; this class's preset for the environment when None, or else TRPO's.

    Attributes:
        past: the newest `past_rollouts` rollouts that were used, the last one first.
    """

    Config = OffPolicyConfig

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.past: list[Rollout] = []

    def prepare(self, rollout: Rollout) -> "OffPolicyBatch":
        """What the update is to know: past rollouts and the new one, judged by the present networks."""
        _validate.instance("rollout", rollout, Rollout, "a Rollout (see collect_rollout)")
        config = self.config
        return make_batch(rollout, self.past, self.policy, self.critic, config.gamma, config.lam, self.standardize)

    def judged_anew(self, rollout: Rollout, batch: "OffPolicyBatch") -> "OffPolicyBatch":
        """The batch with advantages from the critic as it is now; values and returns stay what they were."""
        _, advantages = values_and_advantages(
            batch.experience, batch.trust, self.critic, self.config.gamma, self.config.lam
        )
        weights = batch.experience.batch(batch.trust)
        return dataclasses.replace(batch, advantages=weights * self.standardize(advantages))

    def record(self, rollout: Rollout, *parts):
        """Remember the rollout besides."""
        report = super().record(rollout, *parts)
        self.past = [rollout, *self.past][: self.config.past_rollouts]
        return report

    def transitions(self, batch: "OffPolicyBatch") -> int:
        """Those of the new rollout; the others were counted when they were new."""
        return int(batch.fresh.sum())

    def update_normalizer(self, batch: "OffPolicyBatch") -> None:
        """It has seen the past observations when they were new."""
        self.policy.normalizer.update(batch.observations[batch.fresh])

    def measure(self, rollout: Rollout, batch: "OffPolicyBatch") -> dict[str, float]:
        """The critic is judged by what it has not been fitted to yet."""
        unseen = explained_variance(batch.values[batch.fresh], batch.returns[batch.fresh])
        return super().measure(rollout, batch) | {"explained_variance": unseen}

    def state(self) -> dict[str, Any]:
        """With the past rollouts."""
        return super().state() | {"past": [dataclasses.asdict(rollout) for rollout in self.past]}

    def restore(self, state: dict[str, Any]) -> bool:
        """With the past rollouts, if they fit the number of environments."""
        exact = super().restore(state)
        past = [_rollout(columns, self.device) for columns in state.get("past", ())]
        self.past = [rollout for rollout in past if rollout.rewards.shape[1] == self.envs.num_envs]
        return exact


@dataclass(frozen=True)
class OffPolicyBatch(Batch):
    """The valid transitions of past rollouts and of the new one: B of them in all, the earliest first."""

    experience: Rollout  # (T', N), the past rollouts and the new one, end to end
    trust: Tensor  # (T', N) how far a transition counts as π_old's: c = min(1, π_old/π_acted)
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
        observations=observations,
        actions=actions,
        advantages=c * standardize(advantages),
        values=values,
        returns=c * advantages + values,
        outputs=outputs,
        old=old,
        log_prob=log_prob,
        initial_kl=initial_kl(rollout, policy, outputs[fresh]),
        experience=experience,
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
    columns["truncated"][seams - 1] |= (reached != seen).any(-1)
    return Rollout(**columns, episodes=rollouts[-1].episodes)


def _rollout(columns: dict[str, Any], device: torch.device) -> Rollout:
    tensors = {name: column.to(device) for name, column in columns.items() if name != "episodes"}
    return Rollout(**tensors, episodes=[Episode(*episode) for episode in columns["episodes"]])
