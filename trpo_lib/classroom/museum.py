"""The bug museum of notebook 09: agents with one wrong line, and what their reports say beside a healthy agent's."""

import copy
import dataclasses
import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.report import UpdateReport
from trpo_lib.experience.batch import Batch
from trpo_lib.experience.rollout import Rollout
from trpo_lib.networks.critic import Critic
from trpo_lib.trpo import TRPO

# Small batches, and everything said: what the museum shows must not change with the defaults.
SMALL = TRPOConfig(
    num_envs=4,
    rollout_steps=128,
    max_kl=0.03,
    gamma=0.99,
    lam=0.95,
    damping=0.1,
    cg_iterations=15,
    initial_log_std=-0.5,
    critic_epochs=10,
    critic_minibatch=128,
    critic_learning_rate=1e-3,
)


def with_part(**parts: Any) -> type[TRPO]:
    """A TRPO with other parts than the library's, by name, for example `conjugate_gradient`.

    Raises:
        AttributeError: the update calls no part of that name.
    """
    for name in parts:
        if not isinstance(vars(TRPO).get(name), staticmethod | type):
            raise AttributeError(f"parts must be among those that the class TRPO names, got {name!r}.")
    return type("Broken", (TRPO,), {name: staticmethod(part) for name, part in parts.items()})


def reports(
    kind: type[TRPO], env: str | VectorEnv, config: TRPOConfig = SMALL, *, updates: int = 1, seed: int = 0
) -> list[UpdateReport]:
    """The reports of the first updates of such an agent."""
    return treat(kind(env, config, seed=seed), updates)


def treat(agent: TRPO, updates: int) -> list[UpdateReport]:
    """Train for a number of updates, without the agent's warnings, and return all of its reports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(updates):
            agent.update(agent.collect())
    return agent.history


def compare(
    broken: type[TRPO], env: str | Callable[[], VectorEnv], *fields: str, config: TRPOConfig = SMALL, updates: int = 1
) -> tuple[list[UpdateReport], list[UpdateReport]]:
    """Print fields of the reports of the healthy and of the broken agent side by side, and return all reports.

    Args:
        broken: the agent with the wrong line.
        env: an id, or a function that makes vector environments.
        fields: of `UpdateReport`.
        config: the settings of both.
        updates: of both, from the same seed.
    """
    healthy, sick = (reports(kind, env() if callable(env) else env, config, updates=updates) for kind in (TRPO, broken))
    show({"healthy": healthy, "broken": sick}, *fields)
    return healthy, sick


def show(histories: Mapping[str, Sequence[UpdateReport]], *fields: str) -> None:
    """Print fields of the reports, agents side by side; of a list such as `cg_residuals`, the last entry."""
    table = [
        ["", *histories],
        *([field, *(_row(each, field, fields) for each in histories.values())] for field in fields),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _row(history: Sequence[UpdateReport], field: str, fields: Sequence[str]) -> str:
    """One field of all reports; each report's column is as wide as the widest of its fields."""
    widths = [max(len(_text(getattr(report, each))) for each in fields) for report in history]
    return " ".join(_text(getattr(report, field)).rjust(width) for report, width in zip(history, widths, strict=True))


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        value = value[-1]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and abs(value) < 1e-9:
        return "0"  # what is smaller is rounding
    if isinstance(value, float):
        return f"{value:.0e}" if abs(value) < 1e-3 else f"{value:.2g}"
    return str(value)


class Joints(gym.Env):
    """Several joints, each of which is to be pushed towards zero: as many action dimensions as joints.

    Args:
        joints: their number.
    """

    def __init__(self, joints: int = 6):
        self.observation_space = spaces.Box(-np.inf, np.inf, (joints,))
        self.action_space = spaces.Box(-1, 1, (joints,))

    def reset(self, *, seed=None, options=None):
        """Joints at random angles, 20 steps to go."""
        super().reset(seed=seed)
        self.angles, self.time = self.np_random.standard_normal(self.action_space.shape), 0
        return self.angles.astype(np.float32), {}

    def step(self, action):
        """Each angle moves by a third of its action; the reward is minus their mean square."""
        self.angles, self.time = self.angles + action / 3, self.time + 1
        return self.angles.astype(np.float32), -float(np.square(self.angles).mean()), False, self.time == 20, {}


def six_joints(num_envs: int = 4) -> VectorEnv:
    """A vector environment with six action dimensions; it resets on the step after an episode's end."""
    return SyncVectorEnv([Joints] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)


# The patients' settings: a critic that sees five steps ahead learns fast.
WARD = dataclasses.replace(SMALL, num_envs=8, gamma=0.8, critic_learning_rate=3e-3)

# What a patient may have: the name of the bug, the field that speaks for it or against it, and what it would show.
BUGS = {
    "moving statistics": ("initial_kl", "an initial_kl above 0 at every update"),
    "stale batches": ("initial_kl", "an initial_kl near δ whenever a batch is used again"),
    "no KL test": ("kl_ratio", "a kl_ratio above 1"),
    "failed steps kept": ("accepted", "updates without an accepted step, and a max_ratio other than 1 in them"),
    "KL averaged over dimensions": ("fraction", "a fraction above 2, near the root of the number of joints"),
    "shared storage": ("cg_residuals", "a solve that ends with a residual near 1, or a negative predicted_gain"),
    "time limit as termination": ("critic_loss", "a critic that explains a part of the returns and no more"),
    "resets in the batch": ("step", "1024 transitions in every batch, as many as it has rows"),
    "critic not fitted": ("explained_variance", "an explained_variance that stays at 0"),
    "wrong sign": ("mean_return", "a mean_return that falls from batch to batch"),
}


class _One(TRPO):
    def update(self, rollout: Rollout) -> UpdateReport:
        super().update(rollout)
        return super().update(dataclasses.replace(rollout, episodes=[]))


class _Two(TRPO):
    def make_optimizer(self, critic: Critic) -> torch.optim.Optimizer:
        return super().make_optimizer(copy.deepcopy(critic))


class _Three(TRPO):
    def prepare(self, rollout: Rollout) -> Batch:
        batch = super().prepare(rollout)
        return dataclasses.replace(batch, advantages=-batch.advantages)


_CHARTS = {
    "A": (_Two, "ed37b38d"),
    "B": (_One, "3aa904b8"),
    "C": (_Three, "765bc58b"),
}  # no names: you are to find them


def patient(name: str, *, seed: int = 0) -> TRPO:
    """One of three agents with a hidden bug, "A", "B" or "C"; its environments are `six_joints(8)`."""
    kind, _ = _CHARTS[name]
    return kind(six_joints(WARD.num_envs), WARD, seed=seed)


def diagnosis(name: str) -> str:
    """The name of that patient's bug."""
    _, sealed = _CHARTS[name]
    return next(bug for bug in BUGS if hashlib.sha256(f"{name}: {bug}".encode()).hexdigest()[:8] == sealed)
