"""Where vector environments stand between two steps, and what their episodes have come to so far."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from trpo_lib import _validate
from trpo_lib.experience.environments import is_array, require_vector_env
from trpo_lib.experience.faults import named_failure, refuse_broken


class Episode(NamedTuple):
    """A finished episode; `step` counts transitions over all environments."""

    step: int
    episode_return: float
    length: int


@dataclass
class Cursor:
    """Where the environments stand between two rollouts; what `start` returns and `collect_rollout` moves on."""

    observations: np.ndarray  # (N, …)
    resetting: np.ndarray  # (N,) the next step only resets (gymnasium's NEXT_STEP mode)
    episode_returns: np.ndarray  # (N,) so far
    episode_lengths: np.ndarray  # (N,) so far
    step: int = 0


def start(envs: VectorEnv, seed: int | None = None) -> Cursor:
    """Reset the environments.

    Args:
        envs: a vector environment in any of gymnasium's autoreset modes.
        seed: environment i is seeded with seed + i.

    Raises:
        TypeError: not a vector environment, or its observations are no arrays.
        ValueError, RuntimeError: the first observation is broken, or the reset failed; the environment is named.
    """
    require_vector_env(envs)
    if seed is not None:
        _validate.count("seed", seed, minimum=0)
    space = envs.single_observation_space
    if not is_array(space):
        raise TypeError(
            f"observations of envs must be arrays, got {space}. Wrap each env in gymnasium.wrappers.FlattenObservation."
        )
    with named_failure(envs, "at the reset"):
        observations, _ = envs.reset(seed=seed)
    refuse_broken("observation", observations, "at the reset")
    n = envs.num_envs
    return Cursor(np.array(observations), np.zeros(n, bool), np.zeros(n), np.zeros(n, int))


def advance(
    cursor: Cursor, upcoming: np.ndarray, rewards: np.ndarray, done: np.ndarray, mode: AutoresetMode
) -> list[Episode]:
    """Move the cursor past one step, and return the episodes that ended with it."""
    valid = ~cursor.resetting
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
