"""The end of an update: what it did is measured and kept, and only now the normaliser sees the batch."""

import math

import numpy as np
import torch

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.report import PolicyStep, UpdateReport
from trpo_lib.experience.batch import Batch
from trpo_lib.experience.cursor import Episode
from trpo_lib.experience.rollout import Rollout
from trpo_lib.networks.critic import explained_variance
from trpo_lib.networks.policy import Policy
from trpo_lib.surrogate import importance_ratio


class Recording:
    """Keep the records; the part of an `Agent` that closes an update.

    What `prepare` left in the batch decides: so many steps were seen, and so many observations meet the normaliser.
    """

    policy: Policy
    config: TRPOConfig
    step: int
    episodes: list[Episode]
    history: list[UpdateReport]

    def record(self, rollout: Rollout, batch: Batch, step: PolicyStep, critic_loss: float) -> UpdateReport:
        """Complete the report, and bring statistics, counters and history up to date."""
        report = UpdateReport(
            **vars(step),
            step=self.step + self.transitions(batch),
            kl_ratio=step.kl / self.config.max_kl,
            initial_kl=batch.initial_kl,
            critic_loss=critic_loss,
            **self.measure(rollout, batch),
        )
        if self.config.normalize_observations:
            self.update_normalizer(batch)
        self.step = report.step
        self.episodes += rollout.episodes
        self.history.append(report)
        return report

    def transitions(self, batch: Batch) -> int:
        """How many steps of the environments the batch has brought."""
        return len(batch.observations)

    def update_normalizer(self, batch: Batch) -> None:
        """Take the batch's observations into the statistics of policy and critic."""
        self.policy.normalizer.update(batch.observations)

    @torch.no_grad()
    def measure(self, rollout: Rollout, batch: Batch) -> dict[str, float]:
        """Those fields of the report that are means or extremes over episodes and transitions."""
        new = self.policy.distribution(batch.observations)
        ratio = importance_ratio(new.log_prob(batch.actions), batch.log_prob)
        returns = [episode.episode_return for episode in rollout.episodes]
        return {
            "mean_return": float(np.mean(returns)) if returns else math.nan,
            "entropy": new.entropy().mean().item(),
            "mean_ratio": ratio.mean().item(),
            "max_ratio": ratio.max().item(),
            "explained_variance": explained_variance(batch.values, batch.returns),
        }
