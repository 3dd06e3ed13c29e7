"""An agent in its environments: it collects, and it learns.

What it makes of a rollout is its subclass's `update`: `trpo.py`.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from gymnasium.vector import VectorEnv
from torch import nn
from tqdm import tqdm

from trpo_lib import _validate
from trpo_lib.agent.acting import Acting
from trpo_lib.agent.building import Building, wants_rows
from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.contexts import interrupts_wait, one_thread
from trpo_lib.agent.devices import usable_device
from trpo_lib.agent.presets import find_preset
from trpo_lib.agent.recording import Recording
from trpo_lib.agent.report import UpdateReport
from trpo_lib.agent.saving import Saving
from trpo_lib.experience.cursor import Episode, start
from trpo_lib.experience.environments import make_envs, require_vector_env
from trpo_lib.experience.rollout import Rollout, collect_rollout


class Agent(Acting, Building, Recording, Saving, ABC):
    """Policy and critic, the environments they act in, and what they have been through; see `TRPO`."""

    Config = TRPOConfig  # the class of the settings

    def __init__(
        self,
        env: str | VectorEnv,
        config: TRPOConfig | None = None,
        *,
        policy: nn.Module | None = None,
        critic: nn.Module | None = None,
        seed: int = 0,
        device: str = "cpu",
    ):
        _validate.count("seed", seed, minimum=0)
        self.brought = {"policy": policy is not None, "critic": critic is not None}
        if not isinstance(env, str):
            require_vector_env(env, "env")
        self.config = self._own(self.default_config(env) if config is None else config)
        self.seed, self.device = int(seed), usable_device(device)
        self.envs = env
        if isinstance(env, str):
            self.envs = make_envs(env, self.config.num_envs, flatten=wants_rows(policy))
        self.config = dataclasses.replace(self.config, num_envs=self.envs.num_envs)
        self.cursor = start(self.envs, self.environment_seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.network_seed)
            self.build_networks(policy, critic)
        self.generator = torch.Generator(self.device).manual_seed(self.seed)
        self.history: list[UpdateReport] = []
        self.episodes: list[Episode] = []
        self.step = 0

    @classmethod
    def default_config(cls, env: str | VectorEnv) -> TRPOConfig:
        """The settings of an agent that was given none: the environment's preset."""
        return find_preset(env).config

    @classmethod
    def _own(cls, config: TRPOConfig) -> TRPOConfig:
        """The same settings as the class that this agent has."""
        _validate.instance("config", config, TRPOConfig, "a TRPOConfig")
        return config if type(config) is cls.Config else cls.Config.from_settings(dataclasses.asdict(config))

    @property
    def network_seed(self) -> int:
        """From which the networks' first parameters are drawn."""
        return self.seed

    @property
    def environment_seed(self) -> int:
        """Of the first environment; environment i begins with this seed + i."""
        return self.seed

    @abstractmethod
    def update(self, rollout: Rollout) -> UpdateReport:
        """Learn from one rollout of the present policy, and say what happened."""

    def collect(self) -> Rollout:
        """Act for one batch with the present policy."""
        cursor, self.cursor = self.cursor, None  # put back when the rollout is complete
        if cursor is None:  # one that was cut short left the environments in the middle of a step
            cursor = start(self.envs, self.environment_seed + self.step)
        cursor.step = self.step
        rollout = collect_rollout(self.envs, self.policy, self.config.rollout_steps, cursor, generator=self.generator)
        self.cursor = cursor
        return rollout

    def learn(
        self,
        total_steps: int,
        *,
        progress: bool = True,
        after_update: Callable[[UpdateReport], object] | None = None,
    ) -> Self:
        """Collect and update until at least `total_steps` more transitions were seen; batches are not cut.

        Ctrl-C, or the notebook's stop button, ends it early: agent and history stay as they were after
        the last complete update, and a further call goes on from there.

        Args:
            total_steps: transitions over all environments.
            progress: show a bar with episode return, KL and steps a second.
            after_update: called with the report of each update, when the agent may be saved.

        Returns:
            The agent itself.
        """
        _validate.count("total_steps", total_steps)
        _validate.boolean("progress", progress)
        if after_update is not None:
            _validate.function("after_update", after_update)
        goal = self.step + total_steps
        with one_thread(), tqdm(total=total_steps, unit="step", disable=not progress, mininterval=0.5) as bar:
            try:
                while self.step < goal:
                    before = self.step
                    rollout = self.collect()
                    with interrupts_wait():
                        report = self.update(rollout)
                        if after_update is not None:
                            after_update(report)
                    bar.set_postfix(refresh=False, **{"return": f"{report.mean_return:.1f}", "kl": f"{report.kl:.4f}"})
                    bar.update(min(self.step - before, bar.total - bar.n))
            except KeyboardInterrupt:
                self.cursor = None
                tqdm.write(f"Interrupted after {self.step} steps. The agent is intact; learn() goes on from here.")
        return self
