"""A batch of experience from a gymnasium vector environment (notebook 07)."""

from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.experience.cursor import Cursor, Episode, advance
from trpo_lib.experience.environments import require_vector_env
from trpo_lib.experience.faults import ADVICE, named_failure, per_environment, refuse_broken, refuse_other_shape
from trpo_lib.networks.policy import Policy


@dataclass(frozen=True)
class Rollout:
    """T steps of N environments; time is the first axis, the environment the second.

    Attributes:
        observations: what the policy saw, `(T, N, …)`, in flat environments `(T, N, observation_size)`.
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
    rows, episodes, like = [], [], next(policy.parameters())
    for step in range(steps):
        row, ended = _step(envs, policy, like, cursor, generator, f"at step {step} of this rollout")
        rows.append(row)
        episodes += ended
    return Rollout(**_columns(rows, like), episodes=episodes)


def _step(
    envs: VectorEnv, policy: Policy, like: Tensor, cursor: Cursor, generator: torch.Generator | None, when: str
) -> tuple[tuple, list[Episode]]:
    """One row of a rollout, in the order of its fields, and the episodes that ended with it."""
    mode = envs.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
    outputs = policy(torch.as_tensor(cursor.observations, dtype=like.dtype, device=like.device))
    actions = policy.sample(outputs, generator)
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
    row = (cursor.observations, final, actions, outputs, rewards, terminated, truncated, ~cursor.resetting)
    return row, advance(cursor, upcoming, rewards, done, mode)


def _columns(rows: list[tuple], like: Tensor) -> dict[str, Tensor]:
    """The rows as `(T, N, …)` tensors by name, numbers of the kind of `like`, on its device."""
    names = [name for name in Rollout.__annotations__ if name != "episodes"]
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    to = {"dtype": like.dtype, "device": like.device}
    for name in ("observations", "next_observations", "rewards"):
        columns[name] = torch.as_tensor(np.stack(columns[name]).copy(order="C"), **to)  # some come column by column
    for name in ("actions", "outputs"):
        columns[name] = torch.stack(columns[name])
    for name in ("terminated", "truncated", "valid"):
        columns[name] = torch.as_tensor(np.stack(columns[name]), device=like.device)
    return columns


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
