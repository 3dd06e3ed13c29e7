"""An agent in its environments: it collects, learns, acts, is evaluated, saved and loaded.

What it makes of a rollout is its subclass's `update`: `trpo.py`.
"""

import dataclasses
import itertools
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor
from tqdm import tqdm

from trpo_lib import _validate
from trpo_lib._contexts import default_dtype, interrupts_wait, one_thread
from trpo_lib.checkpoint import agent_state, options_of, read_checkpoint, restore_agent, spaces_of, write_checkpoint
from trpo_lib.config import TRPOConfig
from trpo_lib.critic import Critic
from trpo_lib.environments import make_envs, remake_envs, require_vector_env
from trpo_lib.faults import named_failure
from trpo_lib.policies import make_policy
from trpo_lib.presets import find_preset
from trpo_lib.report import UpdateReport
from trpo_lib.rollout import Episode, Rollout, collect_rollout, start


class Agent(ABC):
    """Policy and critic, the environments they act in, and what they have been through; see `TRPO`."""

    def __init__(self, env: str | VectorEnv, config: TRPOConfig | None = None, *, seed: int = 0, device: str = "cpu"):
        _validate.count("seed", seed, minimum=0)
        if not isinstance(env, str):
            require_vector_env(env, "env")
        if config is not None:
            _validate.instance("config", config, TRPOConfig, "a TRPOConfig")
        self.config = config or find_preset(env).config
        self.seed, self.device = int(seed), _device(device)
        self.envs = make_envs(env, self.config.num_envs) if isinstance(env, str) else env
        self.config = dataclasses.replace(self.config, num_envs=self.envs.num_envs)
        self.cursor = start(self.envs, self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._build_networks()
        self.generator = torch.Generator(self.device).manual_seed(self.seed)
        self.history: list[UpdateReport] = []
        self.episodes: list[Episode] = []
        self.past: list[Rollout] = []
        self.step = 0

    @abstractmethod
    def update(self, rollout: Rollout) -> UpdateReport:
        """Learn from one rollout of the present policy, and say what happened."""

    def collect(self) -> Rollout:
        """Act for one batch with the present policy."""
        cursor, self.cursor = self.cursor, None  # put back when the rollout is complete
        if cursor is None:  # one that was cut short left the environments in the middle of a step
            cursor = start(self.envs, self.seed + self.step)
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

    def act(self, observation: np.ndarray, deterministic: bool = False) -> np.ndarray:
        """The action for one observation `(observation_size,)`, or the actions for a batch of them `(N, …)`.

        Args:
            observation: as the environment returned it.
            deterministic: take the most likely action instead of drawing one.

        Raises:
            ValueError: the observation's size does not fit, or it is not finite.
        """
        observation = np.array(observation)  # a copy: torch knows no negative strides
        if observation.dtype.kind not in "buif":
            raise TypeError(f"observation must be an array of numbers, got {observation.dtype}.")
        observations = torch.as_tensor(observation, dtype=next(self.policy.parameters()).dtype)
        size = self.policy.normalizer.mean.numel()
        if observations.ndim not in (1, 2) or observations.shape[-1] != size:
            raise ValueError(f"observation must have shape ({size},) or (N, {size}), got {tuple(observations.shape)}.")
        _validate.finite(observation=observations)
        actions = self._act(observations.view(-1, size), None if deterministic else self.generator)
        return actions if observations.ndim == 2 else actions[0]

    @torch.no_grad()
    def _act(self, observations: Tensor, generator: torch.Generator | None) -> np.ndarray:
        """Actions for `(N, observation_size)`: drawn with the generator, or the most likely ones without."""
        outputs = self.policy(observations.to(self.device))
        actions = self.policy.mode(outputs) if generator is None else self.policy.sample(outputs, generator)
        return self.policy.to_env(actions)

    def evaluate(
        self, episodes: int = 20, *, deterministic: bool = True, seed: int = 1_000_000, max_steps: int = 100_000
    ) -> np.ndarray:
        """The returns of `episodes` fresh episodes, `(episodes,)`, each in an environment of its own.

        Raises:
            ValueError: the agent was made from a vector environment that gymnasium cannot make again, or not with
                its wrappers.
            RuntimeError: an episode does not end within `max_steps`, or an environment raised an error.
        """
        _validate.count("episodes", episodes)
        _validate.count("seed", seed, minimum=0)
        _validate.count("max_steps", max_steps)
        envs = remake_envs(self.envs, episodes)
        observations, _ = envs.reset(seed=seed)
        generator = None if deterministic else torch.Generator(self.device).manual_seed(seed)  # not the training's
        dtype = next(self.policy.parameters()).dtype
        returns, running = np.zeros(episodes), np.ones(episodes, bool)
        for step in itertools.count():
            if not running.any():
                break
            if step == max_steps:
                raise RuntimeError(f"environment {running.argmax()} did not end its episode in {max_steps} steps.")
            actions = self._act(torch.as_tensor(observations, dtype=dtype), generator)
            with named_failure(envs, f"at step {step} of the evaluation"):
                observations, rewards, terminated, truncated, _ = envs.step(actions)
            returns += np.where(running, rewards, 0.0)
            running &= ~np.logical_or(terminated, truncated)
        envs.close()
        return returns

    def save(self, path: str | os.PathLike) -> None:
        """Write a checkpoint from which `load` goes on exactly; an older one at `path` is replaced in one instant.

        Raises:
            OSError: the file cannot be written; an older checkpoint survives.
        """
        write_checkpoint(path, agent_state(self))

    @classmethod
    def load(cls, path: str | os.PathLike, env: VectorEnv | None = None) -> Self:
        """The agent that `save` wrote: 2n steps are n steps, save, load, n steps, bit for bit.

        This holds for gymnasium's classic-control environments. The state of others cannot be saved: after a
        warning, they start fresh episodes.

        Args:
            path: of the checkpoint. Nothing in it is executed.
            env: environments like those that the agent had. When None they are made from their id, and if that is
                "module:id", the module is imported.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no checkpoint, damaged, or of a newer version; or its environments have no id
                or have wrappers, and `env` is None; or `env` has other spaces.
        """
        if env is not None:
            require_vector_env(env, "env")
        state = read_checkpoint(path)
        recipe, config = state["environment"], TRPOConfig(**state["config"])
        if env is None and recipe is None:
            raise ValueError(f"gymnasium cannot make the environments of {path}: give load(path, env) a VectorEnv.")
        envs = env or make_envs(recipe["id"], config.num_envs, **options_of(recipe))
        wanted, own = state.get("spaces"), spaces_of(envs)  # older checkpoints have none
        if wanted not in (None, own):
            raise ValueError(f"env must have the spaces of the environments in {path}: {wanted:.200}; got {own:.200}.")
        with default_dtype(getattr(torch, state["dtype"])):
            agent = cls(envs, config, seed=state["seed"], device=state["device"])
        try:
            exact = restore_agent(agent, state)
        except RuntimeError as error:
            raise ValueError(f"env must have the spaces of the environments in {path}, got {envs}.") from error
        if not exact:
            warnings.warn(
                "the state of these environments cannot be saved: they start fresh episodes, and this run is not "
                "the one that an uninterrupted run would have been.",
                stacklevel=2,
            )
        return agent

    def _build_networks(self) -> None:
        config, envs = self.config, self.envs
        network = {"hidden_sizes": config.hidden_sizes, "activation": config.activation}
        spaces = envs.single_observation_space, envs.single_action_space
        self.policy = make_policy(*spaces, initial_log_std=config.initial_log_std, **network).to(self.device)
        self.critic = Critic(spaces[0].shape[0], self.policy.normalizer, **network).to(self.device)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=config.critic_learning_rate, fused=True)


def _device(device: str) -> torch.device:
    try:
        torch.empty(0, device=torch.device(device))
    except (RuntimeError, AssertionError, ImportError) as error:  # unknown; known, but not to this torch or machine
        raise ValueError(f"device must be one that torch can use here, got {device!r}.") from error
    return torch.device(device)
