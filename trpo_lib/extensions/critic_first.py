"""TRPO with the critic fitted first: less noise in the advantages, more bias (notebook 09)."""

import dataclasses

from gymnasium.vector import VectorEnv

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.presets import id_of
from trpo_lib.agent.report import UpdateReport
from trpo_lib.experience.batch import Batch, values_and_advantages
from trpo_lib.experience.rollout import Rollout
from trpo_lib.extensions.presets import PRESETS
from trpo_lib.extensions.settings import CriticFirstConfig
from trpo_lib.trpo import TRPO


class CriticFirstTRPO(TRPO):
    """TRPO, but the critic is fitted to a batch before the advantages are taken with which the policy learns from it.

    Each return then counts in its own baseline, which shortens its surprise. GAE, section 6.1, warns of that; where
    returns are noisy it is a gain all the same.

    Args:
        env, seed, device: as for `TRPO`.
        config: a `CriticFirstConfig`; this class's preset for the environment when None, or else TRPO's.
    """

    Config = CriticFirstConfig

    @classmethod
    def default_config(cls, env: str | VectorEnv) -> TRPOConfig:
        """This class's own preset for the environment, or else TRPO's."""
        preset = PRESETS.get(id_of(env))
        return preset.config if preset and type(preset.config) is cls.Config else super().default_config(env)

    def update(self, rollout: Rollout) -> UpdateReport:
        """The same four steps as TRPO's, with the critic before the policy."""
        batch = self.prepare(rollout)
        if self.config.critic_first:
            critic_loss = self.fit_critic(batch)
            step = self.improve_policy(self.judged_anew(batch))
        else:
            step = self.improve_policy(batch)
            critic_loss = self.fit_critic(batch)
        return self.record(rollout, batch, step, critic_loss)

    def judged_anew(self, batch: Batch) -> Batch:
        """The batch with advantages from the critic as it is now; values and returns stay what they were."""
        _, advantages = values_and_advantages(batch.rollout, self.critic, self.config.gamma, self.config.lam)
        return dataclasses.replace(batch, advantages=self.standardize(advantages))
