"""Regenerate the policies and batches of notebooks 04, 05 and 07 (ten seconds): python notebooks/data/snapshots.py.

One file of them: add 04_pendulum, 05_updates or 07_stale to the command.
"""

import copy
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

import trpo_lib
from trpo_lib import TRPO, Policy, TRPOConfig
from trpo_lib.agent.presets import find_preset
from trpo_lib.classroom import rewards_to_come, setup
from trpo_lib.classroom.snapshots import Snapshot, save_snapshots

FOLDER = Path(__file__).parent
SHARPENING = TRPOConfig(hidden_sizes=(16, 16), rollout_steps=128, max_kl=0.05, gamma=0.9)
SEARCHED = TRPOConfig(
    hidden_sizes=(32, 32), rollout_steps=64, max_kl=0.02, damping=0.01, cg_iterations=10, cg_tolerance=1e-8
)
UPDATES = 20


def pendulum_batch(policy: Policy, seed: int) -> Snapshot:
    """1,024 transitions of the policy, with rewards to come as its advantages (notebook 01)."""
    envs, dice = trpo_lib.make_envs("Pendulum-v1", 8), torch.Generator().manual_seed(seed)
    rollout = trpo_lib.collect_rollout(envs, policy, 128, trpo_lib.start(envs, seed), generator=dice)
    advantages = trpo_lib.standardize(rewards_to_come(rollout, gamma=SHARPENING.gamma))
    columns = map(rollout.batch, (rollout.observations, rollout.actions, advantages))
    return Snapshot(copy.deepcopy(policy), *columns)


def sharpened(seed: int) -> dict[str, Snapshot]:
    """A Pendulum policy before and after 30,000 steps of training, and other states of the trained one."""
    setup()
    agent = TRPO("Pendulum-v1", SHARPENING, seed=seed)
    fresh = pendulum_batch(agent.policy, 1)
    agent.learn(30_000, progress=False)
    return {"fresh": fresh, "sharpened": pendulum_batch(agent.policy, 1), "elsewhere": pendulum_batch(agent.policy, 2)}


def searched(seed: int) -> dict[str, Snapshot]:
    """The first updates of an agent on CartPole: policy and batch before each, and what its line search came to."""
    setup()
    agent, moments = TRPO("CartPole-v1", SEARCHED, seed=seed), {}
    for number in range(1, UPDATES + 1):
        rollout = agent.collect()
        batch, policy = agent.prepare(rollout), copy.deepcopy(agent.policy)
        report = agent.update(rollout)
        names = ("fraction", "trials", "kl", "surrogate_gain", "predicted_gain", "mean_return")
        noted = {name: getattr(report, name) for name in names}
        moments[f"update {number}"] = Snapshot(policy, batch.observations, batch.actions, batch.advantages, noted)
    return moments


def stale(seed: int) -> dict[str, Snapshot]:
    """A CartPole policy, the batch it brought, and what sixteen updates on that one batch made of it."""
    setup()
    agent = TRPO("CartPole-v1", seed=seed).learn(6_000, progress=False)
    rollout, moments = agent.collect(), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the agent says that its batch is stale
        for number in range(17):
            if number in (0, 16):
                batch, policy = agent.prepare(rollout), copy.deepcopy(agent.policy)
                moments[f"{number} updates"] = Snapshot(policy, batch.observations, batch.actions, batch.advantages)
            agent.update(rollout)
    return moments


# How each file is made, from which seed, and with which network.
FILES: dict[str, tuple[Callable[[int], dict[str, Snapshot]], int, TRPOConfig]] = {
    "04_pendulum": (sharpened, 1, SHARPENING),
    "05_updates": (searched, 1, SEARCHED),
    "07_stale": (stale, 1, find_preset("CartPole-v1").config),
}


def main(names: list[str]) -> None:
    """Make the named files, or all."""
    for name in names or FILES:
        make, seed, config = FILES[name]
        save_snapshots(FOLDER / f"{name}.npz", make(seed), {"hidden_sizes": config.hidden_sizes})


if __name__ == "__main__":
    main(sys.argv[1:])
