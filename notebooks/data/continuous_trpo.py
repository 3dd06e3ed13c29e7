"""Regenerate what notebook 08 reads (ten minutes on two cores): python notebooks/data/continuous_trpo.py.

One part of it: add textbook, widths, ladder or preset to the command. Not among the parts that run by themselves:
mujoco (MuJoCo must be installed; three runs of 1,000,000 steps).

Every run of the ladder changes one setting more than the run before it, from the textbook agent to the preset. The
first step also exchanges the textbook's update for `TRPO.update`: standardised advantages, λ-returns, a scaled critic.
"""

import csv
import dataclasses
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TransformReward

from trpo_lib import TRPO, Episode, GaussianPolicy, TRPOConfig
from trpo_lib.agent.presets import find_preset
from trpo_lib.classroom import plotting, setup, textbook
from trpo_lib.classroom.ablations import TimeLimitIsDeath

FOLDER = Path(__file__).parent
ENV = "Pendulum-v1"
LIMIT = 200  # steps of every episode on Pendulum-v1
PRESET = find_preset(ENV).config
STEPS, TEXTBOOK_STEPS, STRETCH = 60_000, 400_000, 2_000
MUJOCO, MUJOCO_STEPS, MUJOCO_STRETCH = "HalfCheetah-v5", 1_000_000, 20_000
HEADER = ["run", "seed", "step", "episode_return"]
Run = tuple[str, int]  # what ran, and its seed
BATCH = PRESET.num_envs * PRESET.rollout_steps
TEXTBOOK = TRPOConfig(
    num_envs=PRESET.num_envs,
    rollout_steps=PRESET.rollout_steps,
    max_kl=5e-5,
    gamma=0.9,
    lam=0.9,
    damping=0.1,
    critic_minibatch=BATCH,
    **textbook.SETTINGS,
)
# Label, and the settings that change with it; what came before stays changed.
LADDER = {
    f"batches of {BATCH:,} steps": {},
    "larger trust region": {"max_kl": PRESET.max_kl},
    "one log σ, no tanh": {"initial_log_std": PRESET.initial_log_std},
    f"critic: {PRESET.critic_epochs} epochs": {
        name: getattr(PRESET, name) for name in ("critic_epochs", "critic_minibatch", "critic_learning_rate")
    },
    "bootstrap at the time limit": {},
    "the environment's rewards": {},
    "normalised observations": {"normalize_observations": PRESET.normalize_observations},
    "the preset": dataclasses.asdict(PRESET),
}
WIDTHS = (5e-5, 5e-4, 5e-3, 3e-2)


def reshaped(reward):
    """The source document's rewards, between -1 and 1."""
    return (reward + 8) / 8


def textbook_policy(env: gym.Env) -> textbook.SoftplusGaussianPolicy:
    """Mean and standard deviation from 128 ReLU units, as in the source document."""
    size = env.observation_space.shape[0]
    return textbook.SoftplusGaussianPolicy(size, env.action_space, hidden_sizes=(128,), activation="relu")


class TextbookPolicy(TimeLimitIsDeath):
    """`TRPO` with the textbook's policy network, and its idea of a time limit."""

    def _build_networks(self):
        super()._build_networks()
        normalizer = self.policy.normalizer
        self.policy = textbook_policy(self.envs.envs[0])
        self.policy.normalizer = normalizer  # the one that the critic uses


def textbook_run(seed: int, episodes: int) -> list[Episode]:
    """The textbook agent, for a number of episodes."""
    setup(seed)
    env = gym.make(ENV)
    settings = {name: getattr(TEXTBOOK, name) for name in ("gamma", "lam", "max_kl", "damping")}
    return textbook.learn(env, textbook_policy(env), episodes, seed=seed, reward=reshaped, **settings)


def width_run(max_kl: float, one_width: bool, seed: int) -> list[tuple]:
    """The textbook agent with another δ; and with one log σ, if wanted. For each episode, how narrow the policy is."""
    setup(seed)
    env = gym.make(ENV)
    policy = GaussianPolicy(3, env.action_space, hidden_sizes=(128,), activation="relu") if one_width else None
    policy = policy or textbook_policy(env)
    rows = []

    @torch.no_grad()
    def measure(trajectory: textbook.Trajectory, _) -> None:
        std = policy(trajectory.observations).chunk(2, dim=-1)[1].exp() * torch.as_tensor(policy.scale)
        rows.append((trajectory.rewards.sum().item(), std.min().item(), std.pow(-2).mean().item()))

    textbook.learn(
        env,
        policy,
        STEPS // LIMIT,
        gamma=TEXTBOOK.gamma,
        lam=TEXTBOOK.lam,
        max_kl=max_kl,
        damping=TEXTBOOK.damping,
        seed=seed,
        reward=reshaped,
        after_episode=measure,
    )
    return rows


def ladder_run(rung: int, seed: int) -> list[Episode]:
    """The agent with the first `rung` + 1 changes of the ladder."""
    setup(seed)
    labels, settings = list(LADDER), {}
    for changes in list(LADDER.values())[: rung + 1]:
        settings |= changes
    config = dataclasses.replace(TEXTBOOK, **settings)
    keeps_reward, bootstraps, one_width = (
        rung >= labels.index(label)
        for label in ("the environment's rewards", "bootstrap at the time limit", "one log σ, no tanh")
    )

    def make_env() -> gym.Env:
        env = gym.make(ENV)
        return env if keeps_reward else TransformReward(env, reshaped)

    envs = SyncVectorEnv([make_env] * config.num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
    kind = TRPO if bootstraps else TimeLimitIsDeath if one_width else TextbookPolicy
    agent = kind(envs, config, seed=seed)
    episodes = agent.learn(STEPS, progress=False).episodes
    return episodes if keeps_reward else [e._replace(episode_return=8 * (e.episode_return - LIMIT)) for e in episodes]


def preset_run(env_id: str, steps: int, seed: int) -> list[Episode]:
    """What a reader gets from TRPO(env_id, seed=seed)."""
    setup(seed)
    return TRPO(env_id, seed=seed).learn(steps, progress=False).episodes


def store_means(name: str, runs: dict[Run, list[Episode]], steps: int = STEPS, stretch: int = STRETCH) -> None:
    """One row for each stretch of the first `steps` steps: the mean return of the episodes that ended in it."""
    rows = []
    for run, episodes in runs.items():
        grid = range(0, steps + 1, stretch)
        edges = np.array(grid) + 0.5  # an episode that ends at the end of a stretch belongs to it
        means = plotting.returns_on_grid(episodes, edges)
        rows += [(*run, end, f"{mean:.1f}") for end, mean in zip(grid[1:], means, strict=True)]
    _write(name, HEADER, rows)


def store_widths(name: str, runs: dict[Run, list[tuple]]) -> None:
    """One row for each stretch of `STRETCH` steps: mean return, smallest σ, mean of 1/σ²."""
    rows, episodes = [], STRETCH // LIMIT
    for run, measured in runs.items():
        for i, part in enumerate(np.array(measured).reshape(-1, episodes, 3), start=1):
            numbers = f"{part[:, 0].mean():.1f}", f"{part[:, 1].min():.3g}", f"{part[:, 2].mean():.3g}"
            rows.append((*run, i * STRETCH, *numbers))
    _write(name, [*HEADER, "smallest_std", "mean_precision"], rows)


def _write(name: str, header: list[str], rows: list[tuple]) -> None:
    with (FOLDER / name).open("w", newline="", encoding="utf8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main(parts: list[str]) -> None:
    """Run the named parts, or all but mujoco, two processes at a time."""
    jobs: dict[str, dict[Run, tuple[Callable, ...]]] = {
        "textbook": {("textbook", s): (textbook_run, s, TEXTBOOK_STEPS // LIMIT) for s in range(4)},
        "widths": {
            (f"{'one log σ' if one else 'softplus'} (δ = {delta:g})", s): (width_run, delta, one, s)
            for one in (False, True)
            for delta in WIDTHS
            for s in range(4)
        },
        "ladder": {("the textbook agent", s): (textbook_run, s, STEPS // LIMIT) for s in range(5)}
        | {(label, s): (ladder_run, i, s) for i, label in enumerate(LADDER) for s in range(5)},
        "preset": {("preset", s): (preset_run, ENV, STEPS, s) for s in range(10)},
        "mujoco": {(MUJOCO, s): (preset_run, MUJOCO, MUJOCO_STEPS, s) for s in range(3)},
    }
    with ProcessPoolExecutor(2) as pool:
        for part in parts or [name for name in jobs if name != "mujoco"]:
            runs = {key: pool.submit(*job) for key, job in jobs[part].items()}
            results = {key: run.result() for key, run in runs.items()}
            if part == "widths":
                store_widths("08_widths.csv", results)
            else:
                lengths = {"textbook": (TEXTBOOK_STEPS, STRETCH), "mujoco": (MUJOCO_STEPS, MUJOCO_STRETCH)}
                store_means(f"08_{part}.csv", results, *lengths.get(part, (STEPS, STRETCH)))


if __name__ == "__main__":
    main(sys.argv[1:])
