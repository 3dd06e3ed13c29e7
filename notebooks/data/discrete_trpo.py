"""Regenerate what notebooks 00 and 07 read: python notebooks/data/discrete_trpo.py [PART ...].

The parts are in README.md. The ladder leads from the textbook agent to the preset; every rung keeps the changes of
those above it. Its first rung exchanges one episode a batch for 1,536 steps of eight environments, and keeps the
textbook's update. `order` makes the change to the damping before that of δ; what the preset is without it, 09 shows.
"""

import dataclasses
import math
import sys
import warnings

import gymnasium as gym
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from ladder import Change, changed_agent, prefixes, settings_of
from runs import Part, Row, Table, every_episode, main, stretches

from trpo_lib import TRPO, CategoricalPolicy, Episode, TRPOConfig, importance_ratio, mean_kl
from trpo_lib.agent.agent import Agent
from trpo_lib.agent.presets import PRESETS
from trpo_lib.classroom import habits, setup, textbook
from trpo_lib.classroom.ablations import TimeLimitIsDeath
from trpo_lib.classroom.policy_gradient import PolicyGradient

ENV = "CartPole-v1"
PRESET = PRESETS[ENV].config
STEPS = 40_000
RATES = {"TRPO": None, "η = 1": 1.0, "η = 3": 3.0, "η = 10": 10.0}
REUSE = {"one update per batch": 1, "two updates per batch": 2, "four updates per batch": 4}
FIRST = "batches of 1,536 steps"
TEXTBOOK = TRPOConfig(
    num_envs=PRESET.num_envs,
    rollout_steps=PRESET.rollout_steps,
    max_kl=5e-4,
    gamma=0.98,
    lam=0.95,
    damping=0.0,
    critic_minibatch=PRESET.num_envs * PRESET.rollout_steps,
    **textbook.SETTINGS,
)
CHANGES = {
    "standardised advantages": Change(habit=habits.RawAdvantages),
    "λ-returns as targets": Change(habit=habits.OneStepTargets),
    "critic in units of the returns": Change(habit=habits.PlainCritic),
    "small last layer of the policy": Change(habit=habits.LargeLastLayer),
    "larger trust region": settings_of(PRESET, "max_kl"),
    "critic: 20 epochs of minibatches": settings_of(
        PRESET, "critic_epochs", "critic_minibatch", "critic_learning_rate"
    ),
    "bootstrap at the time limit": Change(habit=TimeLimitIsDeath),
    "normalised observations": settings_of(PRESET, "normalize_observations"),
    "damping in the solve": settings_of(PRESET, "damping"),
    "γ = 0.99, λ = 0.98": settings_of(PRESET, "gamma", "lam"),
    "2 × 64 tanh units": settings_of(PRESET, "hidden_sizes", "activation"),
    "rescaled line search": settings_of(PRESET, "rescale_step", "line_search_shrink", "line_search_trials"),
}
DAMPED_EARLY = ["damping in the solve", *list(CHANGES)[4:8]]  # after the update's own four
ORDER = {label: (*list(CHANGES)[:4], *DAMPED_EARLY[: i + 1]) for i, label in enumerate(DAMPED_EARLY[:-1])}


def make_envs(count: int) -> VectorEnv:
    """CartPole, reset in the step that ends an episode."""
    return gym.make_vec(
        ENV, count, vectorization_mode="sync", vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP}
    )


def textbook_run(time_limit: int, episodes: int, steps: float, seed: int) -> list[Episode]:
    """The textbook agent, for a number of episodes or of steps, whichever ends first."""
    setup(seed)
    env = gym.make(ENV, max_episode_steps=time_limit)
    policy = CategoricalPolicy(4, env.action_space, hidden_sizes=(128,), activation="relu", output_gain=1.0)
    return textbook.learn(env, policy, episodes, seed=seed, steps=steps)


def changed_run(made: tuple[str, ...], seed: int) -> list[Episode]:
    """The agent with these changes."""
    setup(seed)
    agent = changed_agent(make_envs(TEXTBOOK.num_envs), TEXTBOOK, CHANGES, made, seed)
    return agent.learn(STEPS, progress=False).episodes


def preset_run(steps: int, seed: int) -> list[Episode]:
    """What a reader gets from TRPO("CartPole-v1", seed=seed)."""
    setup(seed)
    return TRPO(ENV, seed=seed).learn(steps, progress=False).episodes


def rate_run(learning_rate: float | None, seed: int) -> Agent:
    """A policy gradient with a fixed rate, or TRPO where there is none."""
    setup(seed)
    agent = PolicyGradient(ENV, learning_rate=learning_rate, seed=seed) if learning_rate else TRPO(ENV, seed=seed)
    return agent.learn(STEPS, progress=False)


def steps_taken(agent: Agent) -> list[Row]:
    """One row an update: how far its step moved the policy, and the mean return of the batch it was made from."""
    return [(r.step, f"{r.kl:.3g}", f"{r.mean_return:.1f}") for r in agent.history]


def reuse_run(times: int, seed: int) -> list[Episode]:
    """The preset, but each batch is used for `times` updates."""
    setup(seed)
    agent = TRPO(ENV, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the agent says at every second update that its batch is stale
        while agent.step < STEPS:
            rollout = agent.collect()
            for _ in range(times):
                agent.update(rollout)
                rollout = dataclasses.replace(rollout, episodes=[])  # count them once
            agent.step = agent.cursor.step  # and the steps: every update adds its batch's
    return agent.episodes


def stale_run(updates: int, seed: int) -> list[Row]:
    """After 6,000 steps, `updates` updates on one batch; after each, how far the policy is from the one that acted."""
    setup(seed)
    agent, rows = TRPO(ENV, seed=seed).learn(6_000, progress=False), []
    rollout = agent.collect()
    observations, actions = rollout.batch(rollout.observations), rollout.batch(rollout.actions)
    acted = agent.policy.distribution_from(rollout.batch(rollout.outputs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(1, updates + 1):
            agent.update(rollout)
            with torch.no_grad():
                now = agent.policy.distribution(observations)
            ratio = importance_ratio(now.log_prob(actions), acted.log_prob(actions))
            kept = ratio.sum() ** 2 / ratio.square().sum() / len(ratio)
            numbers = mean_kl(acted, now) / PRESET.max_kl, kept, ratio.max(), acted.log_prob(actions).exp().min()
            rows.append((number, *(f"{x:.4g}" for x in numbers)))
    return rows


CURVES = stretches(STEPS)
STALE = "run", "seed", "updates", "kl_ratio", "effective_sample_size", "largest_ratio", "smallest_probability_acted"
PARTS = {
    "ladder": Part(
        [Table("07_ladder.csv", CURVES)],
        {"the textbook agent": (textbook_run, 500, STEPS, STEPS)}
        | {label: (changed_run, made) for label, made in prefixes(FIRST, list(CHANGES)).items()},
    ),
    "reuse": Part([Table("07_reuse.csv", CURVES)], {label: (reuse_run, times) for label, times in REUSE.items()}),
    "stale": Part([Table("07_stale.csv", list, STALE, "effective_sample_size")], {"one batch": (stale_run, 16)}),
    "rates": Part(
        [
            Table("00_rates.csv", lambda agent: CURVES(agent.episodes)),
            Table("00_steps.csv", steps_taken, ("run", "seed", "step", "kl", "mean_return"), "kl"),
        ],
        {label: (rate_run, rate) for label, rate in RATES.items()},
    ),
    "order": Part([Table("07_order.csv", CURVES)], {label: (changed_run, made) for label, made in ORDER.items()}),
    "preset": Part([Table("07_preset.csv", every_episode)], {"preset": (preset_run, 30_000)}),
    "textbook": Part(
        [Table("07_textbook.csv", every_episode)], {"textbook": (textbook_run, 200, 500, math.inf)}, seeds=range(5)
    ),
}

if __name__ == "__main__":
    main(PARTS, sys.argv[1:])
