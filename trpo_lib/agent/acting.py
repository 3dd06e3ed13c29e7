"""An agent that has learned: what it does, and how well."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.experience.environments import remake_envs
from trpo_lib.experience.faults import named_failure
from trpo_lib.networks.policy import Policy


class Acting:
    """Act and evaluate; the part of an `Agent` that needs a policy and no more."""

    policy: Policy
    envs: VectorEnv
    device: torch.device
    generator: torch.Generator

    def act(self, observation: np.ndarray, deterministic: bool = False) -> np.ndarray:
        """The action for one observation, or the actions for a batch `(N, …)` of them.

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
        shape = self.policy.observation_shape
        batch = observations.ndim > len(shape)
        if observations.shape[batch:] != shape:
            one, several = shape, f"(N, {', '.join(map(str, shape))})"
            raise ValueError(f"observation must have shape {one} or {several}, got {tuple(observations.shape)}.")
        _validate.finite(observation=observations)
        actions = self._act(observations.view(-1, *shape), None if deterministic else self.generator)
        return actions if batch else actions[0]

    @torch.no_grad()
    def _act(self, observations: Tensor, generator: torch.Generator | None) -> np.ndarray:
        """Actions for `(N, …)`: drawn with the generator, or the most likely ones without."""
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
        generator = None if deterministic else torch.Generator(self.device).manual_seed(seed)  # not the training's
        for step, (returns, running) in enumerate(self.play(envs, seed=seed, generator=generator)):  # noqa: B007
            if step == max_steps and running.any():
                raise RuntimeError(f"environment {running.argmax()} did not end its episode in {max_steps} steps.")
        envs.close()
        return returns

    def play(
        self, envs: VectorEnv, *, seed: int, generator: torch.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One episode in each environment, from a reset on; the loop's body sees them before each step and at the end.

        Args:
            envs: like the agent's own; see `remake_envs`.
            seed: of the reset.
            generator: of the actions; without one they are the most likely ones.

        Yields:
            The returns so far, and which episodes still run, `(N,)` both, which change with the next step.
        """
        observations, _ = envs.reset(seed=seed)
        dtype = next(self.policy.parameters()).dtype
        returns, running = np.zeros(envs.num_envs), np.ones(envs.num_envs, bool)
        yield returns, running
        for step in itertools.count():
            if not running.any():
                return
            actions = self._act(torch.as_tensor(observations, dtype=dtype), generator)
            with named_failure(envs, f"at step {step} of the evaluation"):
                observations, rewards, terminated, truncated, _ = envs.step(actions)
            returns += np.where(running, rewards, 0.0)
            running &= ~np.logical_or(terminated, truncated)
            yield returns, running
