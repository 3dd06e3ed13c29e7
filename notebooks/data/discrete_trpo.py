"""Regenerate what notebooks 00 and 07 read (ten minutes on two cores): python notebooks/data/discrete_trpo.py.

One part of it: add rates, textbook, ladder, preset or reuse to the command.

Every run of the ladder changes one setting more than the run before it, from the textbook agent to the preset. The
first step also exchanges the textbook's update for `TRPO.update`: standardised advantages, λ-returns, a scaled critic.
"""

import csv
import dataclasses
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gymnasium as gym
from gymnasium.vector import AutoresetMode

from trpo_lib import TRPO, CategoricalPolicy, Episode, TRPOConfig
from trpo_lib.agent.presets import PRESETS
from trpo_lib.classroom import plotting, setup, textbook
from trpo_lib.classroom.ablations import TimeLimitIsDeath
from trpo_lib.classroom.policy_gradient import PolicyGradient

FOLDER = Path(__file__).parent
PRESET = PRESETS["CartPole-v1"].config
STEPS = 40_000
STRETCH = 2_000
RATES = {"TRPO": None, "η = 1": 1.0, "η = 3": 3.0, "η = 10": 10.0}
REUSE = {"one update": 1, "two updates": 2, "four updates": 4}
Run = tuple[str, int]  # what ran, and its seed
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
# Label, and the settings that change with it; what came before stays changed.
LADDER = {
    "batches of 1,536 steps": {},
    "larger trust region": {"max_kl": PRESET.max_kl},
    "critic: 20 epochs": {
        name: getattr(PRESET, name) for name in ("critic_epochs", "critic_minibatch", "critic_learning_rate")
    },
    "bootstrap at the time limit": {},
    "normalised observations": {"normalize_observations": True},
    "damping in the solve": {"damping": PRESET.damping},
    "the preset": dataclasses.asdict(PRESET),
}


def textbook_run(seed: int, time_limit: int, episodes: int) -> list[Episode]:
    """The textbook agent, for a number of episodes."""
    setup(seed)
    env = gym.make("CartPole-v1", max_episode_steps=time_limit)
    policy = CategoricalPolicy(4, env.action_space, hidden_sizes=(128,), activation="relu", output_gain=1.0)
    return textbook.learn(env, policy, episodes, seed=seed)


def ladder_run(rung: int, seed: int) -> list[Episode]:
    """The agent with the first `rung` + 1 changes of the ladder."""
    setup(seed)
    settings = {}
    for changes in list(LADDER.values())[: rung + 1]:
        settings |= changes
    config = dataclasses.replace(TEXTBOOK, **settings)
    agent = TRPO if rung >= list(LADDER).index("bootstrap at the time limit") else TimeLimitIsDeath
    envs = gym.make_vec(
        "CartPole-v1",
        config.num_envs,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
    )
    return agent(envs, config, seed=seed).learn(STEPS, progress=False).episodes


def preset_run(seed: int) -> list[Episode]:
    """What a reader gets from TRPO("CartPole-v1", seed=seed)."""
    setup(seed)
    return TRPO("CartPole-v1", seed=seed).learn(30_000, progress=False).episodes


def rate_run(learning_rate: float | None, seed: int) -> list[Episode]:
    """A policy gradient with a fixed rate, or TRPO where there is none."""
    setup(seed)
    agent = PolicyGradient("CartPole-v1", learning_rate=learning_rate, seed=seed) if learning_rate else None
    return (agent or TRPO("CartPole-v1", seed=seed)).learn(STEPS, progress=False).episodes


def reuse_run(times: int, seed: int) -> list[Episode]:
    """The preset, but each batch is used for `times` updates."""
    setup(seed)
    agent = TRPO("CartPole-v1", seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the agent says at every second update that its batch is stale
        while agent.cursor.step < STEPS:
            rollout = agent.collect()
            for _ in range(times):
                agent.update(rollout)
                rollout = dataclasses.replace(rollout, episodes=[])  # count them once
    return agent.episodes


def store(name: str, runs: dict[Run, list[Episode]]) -> None:
    """One row an episode."""
    rows = [(*run, e.step, int(e.episode_return)) for run, episodes in runs.items() for e in episodes]
    _write(name, ["run", "seed", "step", "episode_return"], rows)


def store_means(name: str, runs: dict[Run, list[Episode]]) -> None:
    """One row for each stretch of `STRETCH` steps: the mean return of the episodes that ended in it."""
    rows = []
    for run, episodes in runs.items():
        grid = range(0, STEPS + 1, STRETCH)
        means = plotting.returns_on_grid(episodes, grid)
        rows += [(*run, end, f"{mean:.1f}") for end, mean in zip(grid[1:], means, strict=True)]
    _write(name, ["run", "seed", "step", "episode_return"], rows)


def _write(name: str, header: list[str], rows: list[tuple]) -> None:
    with (FOLDER / name).open("w", newline="", encoding="utf8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main(parts: list[str]) -> None:
    """Run the named parts, or all of them, two processes at a time."""
    seeds = range(5)
    jobs = {
        "rates": {(name, s): (rate_run, rate, s) for name, rate in RATES.items() for s in range(10)},
        "textbook": {("textbook", s): (textbook_run, s, 200, 500) for s in seeds},
        "ladder": {("the textbook agent", s): (textbook_run, s, 500, 500) for s in seeds}
        | {(label, s): (ladder_run, i, s) for i, label in enumerate(LADDER) for s in seeds},
        "preset": {("preset", s): (preset_run, s) for s in range(10)},
        "reuse": {(f"{name} per batch", s): (reuse_run, times, s) for name, times in REUSE.items() for s in seeds},
    }
    with ProcessPoolExecutor(2) as pool:
        for part in parts or jobs:
            runs = {key: pool.submit(*job) for key, job in jobs[part].items()}
            keep = store if part in ("textbook", "preset") else store_means
            keep(
                "00_rates.csv" if part == "rates" else f"07_{part}.csv",
                {key: run.result() for key, run in runs.items()},
            )


if __name__ == "__main__":
    main(sys.argv[1:])
