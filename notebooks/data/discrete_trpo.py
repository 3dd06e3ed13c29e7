"""Regenerate the stored results of notebook 07 (some ten minutes on two cores): python notebooks/data/discrete_trpo.py.

Every run of the ladder changes one thing more than the run before it, from the textbook agent to the preset.
"""

import csv
import dataclasses
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gymnasium as gym
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from trpo_lib import TRPO, CategoricalPolicy, Episode, TRPOConfig
from trpo_lib.classroom import setup, textbook
from trpo_lib.presets import PRESETS

FOLDER = Path(__file__).parent
PRESET = PRESETS["CartPole-v1"].config
STEPS = 40_000
TEXTBOOK = TRPOConfig(
    num_envs=PRESET.num_envs,
    rollout_steps=PRESET.rollout_steps,
    max_kl=5e-4,
    gamma=0.98,
    lam=0.95,
    damping=0.0,
    cg_iterations=10,
    line_search_shrink=0.5,
    line_search_trials=15,
    rescale_step=False,
    hidden_sizes=(128,),
    activation="relu",
    normalize_observations=False,
    critic_epochs=1,
    critic_minibatch=PRESET.num_envs * PRESET.rollout_steps,
    critic_learning_rate=1e-2,
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


class TimeLimitIsDeath(gym.Wrapper):
    """Report a time limit as a terminal state: the textbook's mistake, as a wrapper."""

    def step(self, action):
        """One step in which truncation is called termination."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or truncated, False, info


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
    bootstraps = rung >= list(LADDER).index("bootstrap at the time limit")

    def make_env() -> gym.Env:
        env = gym.make("CartPole-v1")
        return env if bootstraps else TimeLimitIsDeath(env)

    envs = SyncVectorEnv([make_env] * config.num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
    return TRPO(envs, config, seed=seed).learn(STEPS, progress=False).episodes


def preset_run(seed: int) -> list[Episode]:
    """What a reader gets from TRPO("CartPole-v1", seed=seed)."""
    setup(seed)
    return TRPO("CartPole-v1", seed=seed).learn(30_000, progress=False).episodes


def store(name: str, runs: dict[tuple[str, int], list[Episode]]) -> None:
    """One row an episode."""
    with (FOLDER / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["run", "seed", "step", "episode_return"])
        for (run, seed), episodes in runs.items():
            writer.writerows([run, seed, e.step, int(e.episode_return)] for e in episodes)


def load(name: str) -> dict[tuple[str, int], list[Episode]]:
    """What `store` wrote: (run, seed) → episodes."""
    runs: dict[tuple[str, int], list[Episode]] = {}
    with (FOLDER / name).open(newline="") as file:
        for row in csv.DictReader(file):
            episode = Episode(int(row["step"]), float(row["episode_return"]), int(row["episode_return"]))
            runs.setdefault((row["run"], int(row["seed"])), []).append(episode)
    return runs


def main() -> None:
    """Run everything, two processes at a time."""
    torch.set_num_threads(1)
    with ProcessPoolExecutor(2) as pool:
        seeds = range(5)
        jobs = {("textbook", s): pool.submit(textbook_run, s, 200, 500) for s in seeds}
        store("07_textbook.csv", {key: job.result() for key, job in jobs.items()})
        jobs = {("the textbook agent", s): pool.submit(textbook_run, s, 500, 500) for s in seeds}
        jobs |= {(label, s): pool.submit(ladder_run, i, s) for i, label in enumerate(LADDER) for s in seeds}
        store("07_ladder.csv", {key: [e for e in job.result() if e.step <= STEPS] for key, job in jobs.items()})
        jobs = {("preset", s): pool.submit(preset_run, s) for s in range(10)}
        store("07_preset.csv", {key: job.result() for key, job in jobs.items()})


if __name__ == "__main__":
    main()
