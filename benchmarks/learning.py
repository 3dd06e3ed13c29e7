"""How well: returns in training, and how much of the trust region is used.

    python benchmarks/learning.py [--seeds 10] [--quick] [--peer]

CartPole-v1 with its preset for 30,000 steps: the mean return of the episodes that end between steps 20,000 and
30,000, for every seed. The trust region over the same runs and over a Pendulum-v1 run with the continuous default.
With --peer, SB3-contrib at the settings tuned for it in rl-zoo, for 100,000 steps.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from trpo_lib import TRPO, UpdateReport

SB3_CARTPOLE = {
    "n_steps": 512, "batch_size": 512, "cg_damping": 1e-3, "gae_lambda": 0.98, "gamma": 0.99,
    "n_critic_updates": 20, "learning_rate": 1e-3, "target_kl": 0.01, "cg_max_steps": 15,
}  # fmt: skip


def our_run(env_id: str, seed: int, steps: int, begin: int) -> tuple[float, list[UpdateReport]]:
    """Mean return of the episodes that end in (begin, steps], and the reports."""
    torch.set_num_threads(1)
    agent = TRPO(env_id, seed=seed).learn(steps, progress=False)
    returns = [e.episode_return for e in agent.episodes if begin < e.step <= steps]
    return float(np.mean(returns)), agent.history


def peer_run(seed: int, steps: int) -> float:
    """SB3-contrib's mean return over the last tenth of the steps."""
    from sb3_contrib import TRPO as SB3TRPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    envs = make_vec_env("CartPole-v1", 2, seed=seed)
    agent = SB3TRPO("MlpPolicy", envs, seed=seed, device="cpu", **SB3_CARTPOLE)
    returns, end = [], {"step": 0}

    def watch(local_variables, _):
        end["step"] += len(local_variables["infos"])
        if end["step"] > 0.9 * steps:
            returns.extend(info["episode"]["r"] for info in local_variables["infos"] if "episode" in info)
        return True

    agent.learn(steps, callback=watch)
    return float(np.mean(returns))


def region_used(history: list[UpdateReport]) -> str:
    """Mean and largest KL/max_kl of the accepted steps."""
    ratios = [report.kl_ratio for report in history if report.accepted]
    return f"KL/max_kl of accepted steps: mean {np.mean(ratios):.3f}, largest {np.max(ratios):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="two seeds")
    parser.add_argument("--peer", action="store_true", help="SB3-contrib too")
    arguments = parser.parse_args()
    seeds = range(2 if arguments.quick else arguments.seeds)
    with ProcessPoolExecutor(2) as pool:
        ours = [pool.submit(our_run, "CartPole-v1", seed, 30_000, 20_000) for seed in seeds]
        pendulum = [pool.submit(our_run, "Pendulum-v1", seed, 60_000, 54_000) for seed in seeds[:3]]
        peers = [pool.submit(peer_run, seed, 100_000) for seed in seeds] if arguments.peer else []
        print("CartPole-v1, mean training return over steps 20,000 to 30,000, one number a seed:")
        print("  trpo_lib   ", " ".join(f"{run.result()[0]:.0f}" for run in ours))
        print("  " + region_used([report for run in ours for report in run.result()[1]]))
        if peers:
            print("CartPole-v1, mean training return over steps 90,000 to 100,000:")
            print("  SB3-contrib", " ".join(f"{run.result():.0f}" for run in peers))
        print("Pendulum-v1, default settings, mean training return over steps 54,000 to 60,000:")
        print("  trpo_lib   ", " ".join(f"{run.result()[0]:.0f}" for run in pendulum))
        print("  " + region_used([report for run in pendulum for report in run.result()[1]]))


if __name__ == "__main__":
    main()
