"""TRPO that uses rollouts of earlier policies again, weighted as V-trace does (notebook 09)."""

import dataclasses
from typing import Any

import torch

from trpo_lib import _validate
from trpo_lib.agent.report import UpdateReport
from trpo_lib.experience.cursor import Episode
from trpo_lib.experience.rollout import Rollout
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.past_experience import OffPolicyBatch, make_batch, values_and_advantages
from trpo_lib.extensions.settings import OffPolicyConfig
from trpo_lib.networks.critic import explained_variance


class OffPolicyTRPO(CriticFirstTRPO):
    """TRPO whose batches hold the newest rollouts of earlier policies besides the present one's.

    A transition that another policy brought counts as far as the present one would have acted in the same way,
    c = min(1, π_old/π_acted): in the surrogate, in the advantages and in the critic's targets. That is V-trace
    (Espeholt et al. 2018); where π_old itself acted, c = 1. Queeney et al. 2021 give the theory of trust regions
    with past experience. With no past rollouts, and the critic last, it is TRPO, bit for bit.

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

    def prepare(self, rollout: Rollout) -> OffPolicyBatch:
        """What the update is to know: past rollouts and the new one, judged by the present networks."""
        _validate.instance("rollout", rollout, Rollout, "a Rollout (see collect_rollout)")
        config = self.config
        return make_batch(rollout, self.past, self.policy, self.critic, config.gamma, config.lam, self.standardize)

    def judged_anew(self, batch: OffPolicyBatch) -> OffPolicyBatch:
        """The batch with advantages from the critic as it is now; values and returns stay what they were."""
        discounts = self.config.gamma, self.config.lam
        _, advantages = values_and_advantages(batch.rollout, batch.trust, self.critic, *discounts)
        weights = batch.rollout.batch(batch.trust)
        return dataclasses.replace(batch, advantages=weights * self.standardize(advantages))

    def record(self, rollout: Rollout, *parts) -> UpdateReport:
        """Remember the rollout besides."""
        report = super().record(rollout, *parts)
        self.past = [rollout, *self.past][: self.config.past_rollouts]
        return report

    def transitions(self, batch: OffPolicyBatch) -> int:
        """Those of the new rollout; the others were counted when they were new."""
        return int(batch.fresh.sum())

    def update_normalizer(self, batch: OffPolicyBatch) -> None:
        """It has seen the past observations when they were new."""
        self.policy.normalizer.update(batch.observations[batch.fresh])

    def measure(self, rollout: Rollout, batch: OffPolicyBatch) -> dict[str, float]:
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


def _rollout(columns: dict[str, Any], device: torch.device) -> Rollout:
    tensors = {name: column.to(device) for name, column in columns.items() if name != "episodes"}
    return Rollout(**tensors, episodes=[Episode(*episode) for episode in columns["episodes"]])
