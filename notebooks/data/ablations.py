"""Regenerate what notebook 09 reads of its ablations: python notebooks/data/ablations.py [PART ...].

The parts are in README.md. Every run leaves one ingredient of TRPO out of the environment's preset. `rates` is what the
fixed rates were chosen from, on other seeds.
"""

import sys

import numpy as np
from runs import Part, Row, Table, main, stretches

from trpo_lib import TRPO, Episode
from trpo_lib.classroom import setup
from trpo_lib.classroom.ablations import ablations, without
from trpo_lib.classroom.policy_gradient import NaturalGradient

STEPS = {"CartPole-v1": 30_000, "Pendulum-v1": 60_000}
RATES = (1.0, 2.0, 4.0)  # TRPO's own steps are .8 to 4 times x on CartPole, 1.3 to 6 times on Pendulum
# The checklist's ranges were read off the first three; on the landers they are judged.
HEALTHY = {
    "CartPole-v1": 30_720,
    "Pendulum-v1": 30_720,
    "Acrobot-v1": 50_000,
    "LunarLander-v3": 25_600,
    "LunarLanderContinuous-v3": 25_600,
}
FIELDS = ("accepted", "initial_kl", "gradient_norm", "fraction", "trials", "kl_ratio", "mean_ratio", "max_ratio",
          "entropy", "surrogate_gain", "predicted_gain", "explained_variance")  # fmt: skip
REPORTS = "run", "seed", "median_kl_ratio", "largest_kl_ratio", "refused", "cg_residual", "explained_variance"


def ablation_run(env_id: str, missing: str, seed: int) -> tuple[list[Episode], Row]:
    """The episodes, and what the reports say in one row."""
    setup(seed)
    agent = without(missing, env_id, seed=seed).learn(STEPS[env_id], progress=False)
    taken = np.array([report.kl_ratio for report in agent.history if report.accepted])
    refused = np.mean([not report.accepted for report in agent.history])
    residual = np.median([report.cg_residuals[-1] for report in agent.history if report.cg_residuals] or [1.0])
    critic = np.median([report.explained_variance for report in agent.history])
    numbers = np.median(taken), taken.max(), refused, residual, critic
    return agent.episodes, tuple(f"{number:.3g}" for number in numbers)


def rate_run(env_id: str, rate: float, seed: int) -> list[Episode]:
    """The natural direction with a fixed rate."""
    setup(seed)
    return NaturalGradient(env_id, learning_rate=rate, seed=seed).learn(STEPS[env_id], progress=False).episodes


def healthy_run(env_id: str, seed: int) -> list[Row]:
    """What the checklist reads, one row an update."""
    setup(seed)
    history = TRPO(env_id, seed=seed).learn(HEALTHY[env_id], progress=False).history
    return [
        (*(f"{float(getattr(report, field)):.4g}" for field in FIELDS), f"{report.cg_residuals[-1]:.4g}")
        for report in history
    ]


def ablation_part(env_id: str, name: str) -> Part:
    """All ablations on one environment."""
    curve = stretches(STEPS[env_id])
    return Part(
        [
            Table(f"09_{name}.csv", lambda result: curve(result[0])),
            Table(f"09_{name}_reports.csv", lambda result: [result[1]], REPORTS, "explained_variance"),
        ],
        {missing: (ablation_run, env_id, missing) for missing in ablations(env_id)},
    )


def rates_part(env_id: str, name: str) -> Part:
    """From which the natural direction's rate was chosen."""
    return Part(
        [Table(f"09_{name}_rates.csv", stretches(STEPS[env_id]))],
        {f"η = {rate:g}": (rate_run, env_id, rate) for rate in RATES},
        seeds=range(100, 103),
    )


PARTS = {
    "cartpole": ablation_part("CartPole-v1", "cartpole"),
    "pendulum": ablation_part("Pendulum-v1", "pendulum"),
    "cartpole_rates": rates_part("CartPole-v1", "cartpole"),
    "pendulum_rates": rates_part("Pendulum-v1", "pendulum"),
    "healthy": Part(
        [Table("09_healthy.csv", list, ("run", "seed", *FIELDS, "cg_residuals"), "kl_ratio")],
        {env_id: (healthy_run, env_id) for env_id in HEALTHY},
        seeds=range(1),
    ),
}

if __name__ == "__main__":
    main(PARTS, sys.argv[1:])
