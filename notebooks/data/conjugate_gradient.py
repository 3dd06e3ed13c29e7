"""Regenerate the tables that notebook 04 reads (three minutes): python notebooks/data/conjugate_gradient.py.

One of them: add other_states, iterations or rounding to the command.

other_states, iterations: ten Pendulum policies, made as that of `04_pendulum.npz`, from seeds 0 to 9.
rounding: one training (Pendulum's preset, seed 0), once with this processor's kernels and once with the plain ones of
PyTorch and MKL; once with the solver of the package, once with one that does not keep its residuals orthogonal.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from snapshots import sharpened
from torch import Tensor
from torch.nn.utils import parameters_to_vector

import trpo_lib.trpo
from trpo_lib import TRPO, FisherVectorProduct, conjugate_gradient, surrogate_objective
from trpo_lib.agent.presets import find_preset
from trpo_lib.classroom import setup
from trpo_lib.classroom.snapshots import Snapshot
from trpo_lib.conjugate_gradient import ConjugateGradientResult

FOLDER = Path(__file__).parent
SEEDS, FEW, UPDATES = range(10), 128, 30
DAMPINGS = [10.0 ** (k / 2) for k in range(-14, 3)]
PLAIN_KERNELS = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}


def gradient_and_fisher(snapshot: Snapshot, rows: Tensor) -> tuple[Tensor, Tensor]:
    """g and the dense F of some rows of a batch."""
    policy, observations = snapshot.policy, snapshot.observations[rows]
    log_prob = policy.distribution(observations).log_prob(snapshot.actions[rows])
    surrogate = surrogate_objective(log_prob, log_prob.detach(), snapshot.advantages[rows])
    g = parameters_to_vector(torch.autograd.grad(surrogate, list(policy.parameters())))
    product = FisherVectorProduct(policy, observations)
    return g, torch.stack([product(e) for e in torch.eye(len(g))])


def damped(F: Tensor, g: Tensor, c: float) -> Tensor:
    """The exact solution of (F + cI) x = g."""
    return torch.linalg.solve(F + c * torch.eye(len(g)), g)


def other_states() -> list[list]:
    """The KL of the step on states that the batch did not hold, in δ: seed, states of the batch, damping, KL/δ."""
    rows = []
    for seed in SEEDS:
        moments, everything = sharpened(seed), torch.arange(1024)
        few = torch.randperm(1024, generator=torch.Generator().manual_seed(seed))[:FEW]
        _, elsewhere = gradient_and_fisher(moments["elsewhere"], everything)
        for chosen in (few, everything):
            g, F = gradient_and_fisher(moments["sharpened"], chosen)
            for c in DAMPINGS:
                x = damped(F, g, c)
                rows.append([seed, len(chosen), f"{c:.3g}", f"{(x @ elsewhere @ x / (x @ F @ x)).item():.4g}"])
    return rows


def iterations() -> list[list]:
    """What ten iterations reach: seed, policy, damping, share of the exact solution's gain at equal KL."""

    def gain(x: Tensor, g: Tensor, F: Tensor) -> Tensor:
        return g @ x / (x @ F @ x).sqrt()

    rows = []
    for seed in SEEDS:
        for name, moment in list(sharpened(seed).items())[:2]:
            g, F = gradient_and_fisher(moment, torch.arange(1024))
            for c in (0.1, 0.01):
                x = conjugate_gradient(lambda v, F=F, c=c: F @ v + c * v, g, max_iterations=10).x
                rows.append([seed, name, c, f"{(gain(x, g, F) / gain(damped(F, g, c), g, F)).item():.4f}"])
    return rows


def plain_solver(
    matvec: Callable[[Tensor], Tensor], b: Tensor, *, max_iterations: int, relative_tolerance: float
) -> ConjugateGradientResult:
    """Conjugate gradient as in the textbook: nothing keeps its residuals orthogonal."""
    x, r, p = torch.zeros_like(b), b.clone(), b.clone()
    norms = [b.norm().item()]
    for _ in range(max_iterations):
        a_p, r_dot_r = matvec(p), r @ r
        alpha = r_dot_r / (p @ a_p)
        x, r = x + alpha * p, r - alpha * a_p
        norms.append(r.norm().item())
        if norms[-1] <= relative_tolerance * norms[0]:
            break
        p = r + r @ r / r_dot_r * p
    return ConjugateGradientResult(x, len(norms) - 1, norms, "")


def training(solver: str, path: str) -> None:
    """Store the policy's parameters after each update of one training."""
    setup()
    if solver == "plain":
        trpo_lib.trpo.conjugate_gradient = plain_solver
    agent, path_of_theta = TRPO("Pendulum-v1", find_preset("Pendulum-v1").config, seed=0), []
    for _ in range(UPDATES):
        agent.update(agent.collect())
        path_of_theta.append(parameters_to_vector(agent.policy.parameters()).detach())
    torch.save(torch.stack(path_of_theta), path)


def rounding() -> list[list]:
    """The relative difference of the parameters between two kinds of kernels: update, orthogonal, plain."""
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        for solver in ("orthogonal", "plain"):
            thetas = []
            for number, kernels in enumerate(({}, PLAIN_KERNELS)):
                path = f"{folder}/{solver}{number}.pt"
                command = [sys.executable, __file__, "training", solver, path]
                subprocess.run(command, check=True, env=os.environ | kernels)
                thetas.append(torch.load(path))
            differences.append((thetas[0] - thetas[1]).norm(dim=-1) / thetas[0].norm(dim=-1))
    pairs = zip(*(difference.tolist() for difference in differences), strict=True)
    return [[update, *(f"{value:.1e}" for value in pair)] for update, pair in enumerate(pairs, start=1)]


TABLES: dict[str, tuple[Callable[[], list[list]], list[str]]] = {
    "other_states": (other_states, ["seed", "states", "damping", "kl_over_delta"]),
    "iterations": (iterations, ["seed", "policy", "damping", "share"]),
    "rounding": (rounding, ["update", "orthogonal", "plain"]),
}


def main(names: list[str]) -> None:
    """Make the named tables, or all."""
    setup()
    for name in names or TABLES:
        make, header = TABLES[name]
        with (FOLDER / f"04_{name}.csv").open("w", newline="", encoding="utf8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *make()])


if __name__ == "__main__":
    if sys.argv[1:2] == ["training"]:
        training(*sys.argv[2:])
    else:
        main(sys.argv[1:])
