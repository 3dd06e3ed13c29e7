"""Whether two checkouts train alike, to the last bit: python benchmarks/same_bits.py OTHER_CHECKOUT [CHECKOUT].

Sixteen short trainings, each with four hashes: of the networks, of the reports' numbers, of the episodes, and of the
generator. For changes that move code and not mathematics. Nothing but a different hash is printed, and a count.

    python benchmarks/same_bits.py --list        the hashes of the trpo_lib that Python finds, as lines
    python benchmarks/same_bits.py FILE          against such lines, kept from before a change
"""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

UPDATES = 6
ON_POLICY = {"num_envs": 4, "rollout_steps": 64, "hidden_sizes": (16, 16), "critic_epochs": 3, "critic_minibatch": 64}
FIRST = {"critic_first": True}
# Environment, dtype, seed, and the settings that are not ON_POLICY's.
TRAININGS = {
    "cartpole": ("CartPole-v1", "float64", 0, {}),
    "cartpole, float32": ("CartPole-v1", "float32", 1, {"normalize_observations": False}),
    "cartpole, part of F": ("CartPole-v1", "float64", 2, {"fisher_fraction": 0.3}),
    "cartpole, critic first": ("CartPole-v1", "float64", 3, FIRST),
    "cartpole, one past rollout": ("CartPole-v1", "float64", 4, {"past_rollouts": 1}),
    "cartpole, textbook step": ("CartPole-v1", "float64", 5, {"rescale_step": False, "activation": "relu"}),
    "pendulum": ("Pendulum-v1", "float64", 0, {}),
    "pendulum, float32, part of F": ("Pendulum-v1", "float32", 1, {"fisher_fraction": 0.5, "damping": 0.01}),
    "pendulum, critic first": ("Pendulum-v1", "float32", 2, FIRST),
    "pendulum, two past rollouts": ("Pendulum-v1", "float64", 3, {"past_rollouts": 2, "fisher_fraction": 0.4}),
    "acrobot": ("Acrobot-v1", "float64", 0, {"lam": 0.9, "max_kl": 0.05}),
    "acrobot, three past rollouts": ("Acrobot-v1", "float32", 1, {"past_rollouts": 3} | FIRST),
    "coins": ("Coins-v0", "float64", 0, {}),
    "coins, two past rollouts": ("Coins-v0", "float32", 1, {"past_rollouts": 2} | FIRST),
    "lander, critic first": ("LunarLander-v3", "float64", 0, {"gamma": 0.999} | FIRST),
    "lander, two past rollouts": (
        "LunarLander-v3",
        "float32",
        1,
        {"past_rollouts": 2, "fisher_fraction": 0.25, "normalize_observations": False} | FIRST,
    ),
}


def make_coins():
    """MultiBinary(3): as many coins as possible are to equal the signs of the observation."""
    import gymnasium as gym
    import numpy as np

    class Coins(gym.Env):
        observation_space, action_space = gym.spaces.Box(-np.inf, np.inf, (3,)), gym.spaces.MultiBinary(3)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.seen = self.np_random.standard_normal(3).astype(np.float32)
            return self.seen, {}

        def step(self, action):
            right = float((np.asarray(action) == (self.seen > 0)).mean())
            self.seen = self.np_random.standard_normal(3).astype(np.float32)
            return self.seen, right, bool(self.np_random.random() < 0.05), False, {}

    gym.register("Coins-v0", Coins, max_episode_steps=30)


def train(env_id: str, dtype: str, seed: int, settings: dict):
    """The agent after a few updates."""
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        from trpo_lib.training.train import agent_class

        kind = agent_class(settings)
        agent = kind(env_id, kind.Config(**settings), seed=seed)
    except ImportError:  # a checkout from before the extensions: one class had all settings
        from trpo_lib import TRPO, TRPOConfig

        agent = TRPO(env_id, TRPOConfig(**settings), seed=seed)
    while len(agent.history) < UPDATES:
        agent.learn(1, progress=False)
    return agent


def fingerprint(agent) -> str:
    """Hashes of networks, reports, episodes and generator."""
    networks = [agent.policy.state_dict(), agent.critic.state_dict()]
    tensors = [(name, value.numpy().tobytes()) for network in networks for name, value in sorted(network.items())]
    tensors += [value.numpy().tobytes() for moments in agent.optimizer.state.values() for value in moments.values()]
    reports = [sorted((name, repr(value)) for name, value in dataclasses.asdict(r).items()) for r in agent.history]
    episodes = [tuple(map(float, episode)) for episode in agent.episodes]
    parts = (tensors, reports, episodes, agent.generator.get_state().tolist())
    return " ".join(hashlib.sha256(repr(part).encode()).hexdigest()[:16] for part in parts)


def lines() -> list[str]:
    """One line a training, of the trpo_lib that this process imports."""
    make_coins()
    trainings = {name: (env, dtype, seed, ON_POLICY | more) for name, (env, dtype, seed, more) in TRAININGS.items()}
    return [f"{name}: {fingerprint(train(*training))}" for name, training in trainings.items()]


def lines_of(where: Path) -> list[str]:
    """The lines of another checkout, or of a file that holds some."""
    if where.is_file():
        return where.read_text(encoding="utf8").splitlines()
    command = [sys.executable, str(Path(__file__).resolve()), "--list"]
    environment = os.environ | {"PYTHONPATH": str(where.resolve())}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


def main(arguments: list[str]) -> int:
    """Compare; returns the number of trainings that differ."""
    if arguments == ["--list"]:
        print(*lines(), sep="\n")
        return 0
    if not 1 <= len(arguments) <= 2:
        sys.exit(__doc__)
    here = Path(__file__).resolve().parents[1]
    two = [lines_of(Path(where)) for where in (*arguments, here)[:2]]
    different = [pair for pair in zip(*two, strict=True) if pair[0] != pair[1]]
    for pair in different:
        print(*pair, sep="\n")
    print(f"{len(two[0]) - len(different)} of {len(two[0])} trainings have the same bits")
    return len(different)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
