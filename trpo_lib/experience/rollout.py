"""A batch of experience from a gymnasium vector environment (notebook 07)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.experience.environments import is_flat, require_vector_env
from trpo_lib.experience.faults import ADVICE, named_failure, per_environment, refuse_broken, refuse_other_shape
from trpo_lib.networks.policy import Policy


class Episode(NamedTuple):
    """A finished episode; `step` counts transitions over all environments."""

    step: int
    episode_return: float
    length: int


@dataclass
class Cursor:
    """Where the environments stand between two rollouts; what `start` returns and `collect_rollout` moves on."""

    observations: np.ndarray  # (N, observation_size)
    resetting: np.ndarray  # (N,) the next step only resets (gymnasium's NEXT_STEP mode)
    episode_returns: np.ndarray  # (N,) so far
    episode_lengths: np.ndarray  # (N,) so far
    step: int = 0


@dataclass(frozen=True)
class Rollout:
    """T steps of N environments; time is the first axis, the environment the second.

    Attributes:
        observations: what the policy saw, `(T, N, observation_size)`.
        next_observations: what step t really reached, the final observation at an episode's end, same shape.
        actions: as the policy drew them, before any clipping, `(T, N, …)`.
        outputs: the policy's outputs when it acted, `(T, N, K)`.
        rewards: `(T, N)`.
        terminated: ended in a terminal state, `(T, N)` bool.
        truncated: ended by a time limit or another outside hand, `(T, N)` bool.
        valid: false for steps that only reset an environment (NEXT_STEP mode); no batch contains them, `(T, N)` bool.
        episodes: those that ended in this rollout.
    """

    observations: Tensor
    next_observations: Tensor
    actions: Tensor
    outputs: Tensor
    rewards: Tensor
    terminated: Tensor
    truncated: Tensor
    valid: Tensor
    episodes: list[Episode]

    def batch(self, array: Tensor) -> Tensor:
        """The valid entries of a `(T, N, …)` array in one row, `(B, …)`."""
        return array[self.valid]


def start(envs: VectorEnv, seed: int | None = None) -> Cursor:
    """Reset the environments.

    Args:
        envs: a vector environment in any of gymnasium's autoreset modes.
        seed: environment i is seeded with seed + i.

    Raises:
        TypeError: not a vector environment, or its observations are not flat.
        ValueError, RuntimeError: the first observation is broken, or the reset failed; the environment is named.
    """
    require_vector_env(envs)
    if seed is not None:
        _validate.count("seed", seed, minimum=0)
    space = envs.single_observation_space
    if not is_flat(space):
        raise TypeError(
            f"observations of envs must be flat, got {space}. Wrap each env in gymnasium.wrappers.FlattenObservation."
        )
    with named_failure(envs, "at the reset"):
        observations, _ = envs.reset(seed=seed)
    refuse_broken("observation", observations, "at the reset")
    n = envs.num_envs
    return Cursor(np.array(observations), np.zeros(n, bool), np.zeros(n), np.zeros(n, int))


@torch.no_grad()
def collect_rollout(
    envs: VectorEnv, policy: Policy, steps: int, cursor: Cursor, *, generator: torch.Generator | None = None
) -> Rollout:
    """Let the policy act for `steps` steps in every environment.

    Args:
        envs: the vector environment that `cursor` belongs to.
        policy: not changed; its normaliser stays frozen.
        steps: T.
        cursor: from `start`, or where the previous rollout left it; moved on in place.
        generator: of the actions.

    Raises:
        TypeError: `cursor` is not a `Cursor`: the environments were not reset.
        ValueError: an observation or a reward is NaN or infinite; the message names step and environment. Or the
            vector environment itself does not return what gymnasium asks of it.
        RuntimeError: an environment raised an error, or changed the shape of its observations; likewise.
    """
    require_vector_env(envs)
    _validate.instance("policy", policy, Policy, "a Policy (see make_policy)")
    _validate.count("steps", steps)
    if not isinstance(cursor, Cursor):
        raise TypeError(f"cursor must come from start(envs, seed), got {cursor!r}: the environments were not reset.")
    if len(cursor.observations) != envs.num_envs:
        raise ValueError(f"cursor must stand in {envs.num_envs} environments, got {len(cursor.observations)}.")
    mode = envs.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
    parameter = next(policy.parameters())
    columns: dict[str, list] = {name: [] for name in Rollout.__annotations__ if name != "episodes"}
    episodes: list[Episode] = []

    for step in range(steps):
        outputs = policy(torch.as_tensor(cursor.observations, dtype=parameter.dtype, device=parameter.device))
        actions = policy.sample(outputs, generator)
        when = f"at step {step} of this rollout"
        with named_failure(envs, when):
            reached, rewards, terminated, truncated, infos = envs.step(policy.to_env(actions))
        reached = np.array(reached)  # a copy: some environments write every observation into the same memory
        rewards = per_environment("rewards", rewards, envs, when)
        terminated = per_environment("terminated", terminated, envs, when).astype(bool)
        truncated = per_environment("truncated", truncated, envs, when).astype(bool)
        done = terminated | truncated
        final, upcoming = _split_at_episode_end(envs, mode, reached, done, infos, when)
        refuse_broken("observation", final, when)
        refuse_broken("reward", rewards, when)
        if done.any():
            refuse_broken("observation", upcoming, f"at the reset after the episode that ended {when}")
        valid = ~cursor.resetting
        row = (cursor.observations, final, actions, outputs, rewards, terminated, truncated, valid)
        for column, entry in zip(columns.values(), row, strict=True):
            column.append(entry)
        episodes += _advance(cursor, upcoming, rewards, done, valid, mode)

    to = {"dtype": parameter.dtype, "device": parameter.device}
    for name in ("observations", "next_observations", "rewards"):
        columns[name] = torch.as_tensor(np.stack(columns[name]).copy(order="C"), **to)  # some come column by column
    for name in ("actions", "outputs"):
        columns[name] = torch.stack(columns[name])
    for name in ("terminated", "truncated", "valid"):
        columns[name] = torch.as_tensor(np.stack(columns[name]), device=parameter.device)
    return Rollout(**columns, episodes=episodes)


def _split_at_episode_end(
    envs: VectorEnv, mode: AutoresetMode, reached: np.ndarray, done: np.ndarray, infos: dict, when: str
) -> tuple[np.ndarray, np.ndarray]:
    """The observation that the step reached, and the one from which the next step starts."""
    if mode == AutoresetMode.NEXT_STEP or not done.any():
        return reached, reached
    if mode == AutoresetMode.DISABLED:
        with named_failure(envs, f"at the reset after the episode that ended {when}"):
            upcoming, _ = envs.reset(options={"reset_mask": done})
        return reached, np.array(upcoming)
    if "final_obs" not in infos:
        raise ValueError(f"infos must have final_obs when an episode ends (SAME_STEP mode), got none {when}. {ADVICE}")
    final = reached.copy()
    for i in np.flatnonzero(done):
        refuse_other_shape(infos["final_obs"][i], final[i].shape, i, when)
        final[i] = infos["final_obs"][i]
    return final, reached


def _advance(
    cursor: Cursor, upcoming: np.ndarray, rewards: np.ndarray, done: np.ndarray, valid: np.ndarray, mode: AutoresetMode
) -> list[Episode]:
    """Move the cursor past one step, and return the episodes that ended with it."""
    cursor.episode_returns += np.where(valid, rewards, 0.0)
    cursor.episode_lengths += valid
    cursor.step += int(valid.sum())
    ended = [
        Episode(cursor.step, float(cursor.episode_returns[i]), int(cursor.episode_lengths[i]))
        for i in np.flatnonzero(done)
    ]
    cursor.episode_returns[done] = 0.0
    cursor.episode_lengths[done] = 0
    cursor.resetting = done & (mode == AutoresetMode.NEXT_STEP)
    cursor.observations = upcoming
    return ended
