"""Regenerate what notebook 08 reads: python notebooks/data/continuous_trpo.py [PART ...].

The parts are in README.md; `mujoco` needs MuJoCo (benchmarks/requirements.txt). The ladder is discrete_trpo.py's, on
Pendulum: from the textbook's update on batches of 2,048 steps to the preset, in single changes.
"""

import sys
from functools import partial

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TransformReward
from ladder import Change, changed_agent, prefixes, settings_of
from runs import CURVE, STRETCH, Part, Row, Table, main, stretches

from trpo_lib import TRPO, Episode, GaussianPolicy, TRPOConfig
from trpo_lib.agent.presets import find_preset
from trpo_lib.classroom import habits, setup, textbook
from trpo_lib.classroom.ablations import DampedLength, TimeLimitIsDeath

ENV = "Pendulum-v1"
LIMIT = 200  # steps of every episode on Pendulum-v1
PRESET = find_preset(ENV).config
STEPS, TEXTBOOK_STEPS = 60_000, 400_000
MUJOCO, MUJOCO_STEPS, MUJOCO_STRETCH = "HalfCheetah-v5", 1_000_000, 20_000
BATCH = PRESET.num_envs * PRESET.rollout_steps
FIRST, REWARDS = f"batches of {BATCH:,} steps", "the environment's rewards"
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
CHANGES = {
    "standardised advantages": Change(habit=habits.RawAdvantages),
    "λ-returns as targets": Change(habit=habits.OneStepTargets),
    "critic in units of the returns": Change(habit=habits.PlainCritic),
    "step length without damping": Change(habit=DampedLength),
    "larger trust region": settings_of(PRESET, "max_kl"),
    "one log σ, no tanh, small last layer": Change({"initial_log_std": PRESET.initial_log_std}, habits.SoftplusPolicy),
    f"critic: {PRESET.critic_epochs} epochs of minibatches": settings_of(
        PRESET, "critic_epochs", "critic_minibatch", "critic_learning_rate"
    ),
    "bootstrap at the time limit": Change(habit=TimeLimitIsDeath),
    REWARDS: Change(),
    "normalised observations": settings_of(PRESET, "normalize_observations"),
    "γ = 0.99, λ = 0.95": settings_of(PRESET, "gamma", "lam"),
    "2 × 64 tanh units": settings_of(PRESET, "hidden_sizes", "activation"),
    "rescaled line search": settings_of(PRESET, "rescale_step", "line_search_shrink", "line_search_trials"),
}
WIDTHS = (5e-5, 5e-4, 5e-3, 3e-2)


def reshaped(reward):
    """The textbook's rewards, between -1 and 1."""
    return (reward + 8) / 8


def make_env(keeps_reward: bool) -> gym.Env:
    """One Pendulum."""
    env = gym.make(ENV)
    return env if keeps_reward else TransformReward(env, reshaped)


def textbook_policy(env: gym.Env) -> textbook.SoftplusGaussianPolicy:
    """Mean and standard deviation from 128 ReLU units."""
    size = env.observation_space.shape[0]
    return textbook.SoftplusGaussianPolicy(size, env.action_space, hidden_sizes=(128,), activation="relu")


def textbook_run(steps: int, seed: int) -> list[Episode]:
    """The textbook agent."""
    setup(seed)
    env = gym.make(ENV)
    settings = {name: getattr(TEXTBOOK, name) for name in ("gamma", "lam", "max_kl", "damping")}
    return textbook.learn(env, textbook_policy(env), steps // LIMIT, seed=seed, reward=reshaped, **settings)


def width_run(one_width: bool, max_kl: float, seed: int) -> list[tuple]:
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

    settings = {name: getattr(TEXTBOOK, name) for name in ("gamma", "lam", "damping")} | {"max_kl": max_kl}
    textbook.learn(env, policy, STEPS // LIMIT, seed=seed, reward=reshaped, after_episode=measure, **settings)
    return rows


def width_rows(measured: list[tuple]) -> list[Row]:
    """One row for each stretch: mean return, smallest σ, mean of 1/σ²."""
    rows = []
    for i, part in enumerate(np.array(measured).reshape(-1, STRETCH // LIMIT, 3), start=1):
        rows.append((i * STRETCH, f"{part[:, 0].mean():.1f}", f"{part[:, 1].min():.3g}", f"{part[:, 2].mean():.3g}"))
    return rows


def changed_run(made: tuple[str, ...], seed: int) -> list[Episode]:
    """The agent with these changes; its returns in the environment's own rewards."""
    setup(seed)
    keeps_reward = REWARDS in made
    making = [partial(make_env, keeps_reward)] * TEXTBOOK.num_envs
    envs = SyncVectorEnv(making, autoreset_mode=AutoresetMode.SAME_STEP)
    agent = changed_agent(envs, TEXTBOOK, CHANGES, made, seed)
    episodes = agent.learn(STEPS, progress=False).episodes
    return episodes if keeps_reward else [e._replace(episode_return=8 * (e.episode_return - LIMIT)) for e in episodes]


def preset_run(env_id: str, steps: int, seed: int) -> list[Episode]:
    """What a reader gets from TRPO(env_id, seed=seed)."""
    setup(seed)
    return TRPO(env_id, seed=seed).learn(steps, progress=False).episodes


CURVES = stretches(STEPS)
PARTS = {
    "ladder": Part(
        [Table("08_ladder.csv", CURVES)],
        {"the textbook agent": (textbook_run, STEPS)}
        | {label: (changed_run, made) for label, made in prefixes(FIRST, list(CHANGES)).items()},
    ),
    "preset": Part([Table("08_preset.csv", CURVES)], {"preset": (preset_run, ENV, STEPS)}),
    "widths": Part(
        [Table("08_widths.csv", width_rows, (*CURVE, "smallest_std", "mean_precision"))],
        {
            f"{'one log σ' if one else 'softplus'} (δ = {delta:g})": (width_run, one, delta)
            for one in (False, True)
            for delta in WIDTHS
        },
    ),
    "textbook": Part(
        [Table("08_textbook.csv", stretches(TEXTBOOK_STEPS))],
        {"textbook": (textbook_run, TEXTBOOK_STEPS)},
        seeds=range(4),
    ),
    "mujoco": Part(
        [Table("08_mujoco.csv", stretches(MUJOCO_STEPS, MUJOCO_STRETCH))],
        {MUJOCO: (preset_run, MUJOCO, MUJOCO_STEPS)},
        seeds=range(3),
    ),
}

if __name__ == "__main__":
    main(PARTS, sys.argv[1:] or [name for name in PARTS if name != "mujoco"])
