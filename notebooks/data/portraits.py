"""Regenerate 08_portraits.npz (two minutes): python notebooks/data/portraits.py.

Ten agents with Pendulum's preset, trained for 60,000 steps: on a grid of angles and speeds the torque of the mean
action and the critic's value; and one episode that starts hanging, at rest.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch

from trpo_lib import TRPO
from trpo_lib.classroom import setup

FOLDER = Path(__file__).parent
STEPS, SEEDS = 60_000, range(10)
ANGLES, SPEEDS = np.linspace(-np.pi, np.pi, 61), np.linspace(-8, 8, 41)


def portrait(seed: int) -> dict[str, np.ndarray]:
    """Torque and value, `(speeds, angles)`, and the path of one episode, `(200, 2)`."""
    setup(seed)
    agent = TRPO("Pendulum-v1", seed=seed).learn(STEPS, progress=False)
    angle, speed = np.meshgrid(ANGLES, SPEEDS)
    plane = np.stack([np.cos(angle), np.sin(angle), speed], axis=-1).reshape(-1, 3)
    with torch.no_grad():
        value = agent.critic(torch.as_tensor(plane)).numpy()
    torque = agent.act(plane, deterministic=True)
    maps = {"torque": torque.reshape(angle.shape), "value": value.reshape(angle.shape)}
    return maps | {"path": episode(agent)}


def episode(agent: TRPO) -> np.ndarray:
    """Angle, speed and reward at each step from the lowest point, with the mean action."""
    env, rows, truncated = gym.make("Pendulum-v1"), [], False
    env.reset(seed=0)
    env.unwrapped.state = np.array([np.pi, 0.0])
    observation = np.array([-1.0, 0.0, 0.0])
    while not truncated:
        x, y, spin = observation
        observation, reward, _, truncated, _ = env.step(agent.act(observation, deterministic=True))
        rows.append((np.arctan2(y, x), spin, reward))
    return np.array(rows)


def main() -> None:
    """Train ten agents, two at a time, and write the file."""
    with ProcessPoolExecutor(2) as pool:
        made = list(pool.map(portrait, SEEDS))
    arrays = {name: np.stack([one[name] for one in made]).astype(np.float32) for name in made[0]}
    np.savez_compressed(FOLDER / "08_portraits.npz", angle=ANGLES, speed=SPEEDS, **arrays)


if __name__ == "__main__":
    main()
