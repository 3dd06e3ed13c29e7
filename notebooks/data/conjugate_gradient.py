"""Regenerate what notebook 04 says of trainings: python notebooks/data/conjugate_gradient.py [PART ...].

The parts are in README.md. `iterations`: what ten iterations reach, on ten policies made as that of 04_pendulum.
`rounding`: one training (Pendulum's preset, seed 0), once with this processor's kernels and once with the plain ones of
PyTorch and MKL; once with the solver of the package, once with one that does not keep its residuals orthogonal.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from runs import Part, Row, Table, main
from snapshots import sharpened
from steps import gradient_and_fisher
from torch import Tensor
from torch.nn.utils import parameters_to_vector

import trpo_lib.trpo
from trpo_lib import TRPO
from trpo_lib.agent.presets import find_preset
from trpo_lib.classroom import setup
from trpo_lib.conjugate_gradient import ConjugateGradientResult, conjugate_gradient

UPDATES, ITERATIONS = 30, 10
PLAIN_KERNELS = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}


def iterations_run(policy: str, seed: int) -> list[Row]:
    """The gain after ten iterations as a share of the exact damped solution's, both scaled to the same KL."""
    g, F = gradient_and_fisher(sharpened(seed)[policy])

    def gain(x: Tensor) -> Tensor:
        return g @ x / (x @ F @ x).sqrt()

    rows = []
    for c in (0.1, 0.01):
        x = conjugate_gradient(lambda v, c=c: F @ v + c * v, g, max_iterations=ITERATIONS).x
        exact = torch.linalg.solve(F + c * torch.eye(len(g)), g)
        rows.append((c, f"{(gain(x) / gain(exact)).item():.4f}"))
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


def training(solver: str, seed: str, path: str) -> None:
    """Store the policy's parameters after each update of one training."""
    setup()
    if solver == "plain":
        trpo_lib.trpo.conjugate_gradient = plain_solver
    agent, thetas = TRPO("Pendulum-v1", find_preset("Pendulum-v1").config, seed=int(seed)), []
    for _ in range(UPDATES):
        agent.update(agent.collect())
        thetas.append(parameters_to_vector(agent.policy.parameters()).detach())
    torch.save(torch.stack(thetas), path)


def rounding_run(solver: str, seed: int) -> list[Row]:
    """The relative difference of the parameters between two kinds of kernels, after each update."""
    thetas = []
    with tempfile.TemporaryDirectory() as folder:
        for kernels in ({}, PLAIN_KERNELS):
            path = Path(folder) / "thetas.pt"
            command = [sys.executable, __file__, "training", solver, str(seed), str(path)]
            subprocess.run(command, check=True, env=os.environ | kernels)
            thetas.append(torch.load(path))
    differences = (thetas[0] - thetas[1]).norm(dim=-1) / thetas[0].norm(dim=-1)
    return [(update, f"{value:.1e}") for update, value in enumerate(differences.tolist(), start=1)]


PARTS = {
    "iterations": Part(
        [Table("04_iterations.csv", list, ("run", "seed", "damping", "share"), "share")],
        {policy: (iterations_run, policy) for policy in ("fresh", "sharpened")},
    ),
    "rounding": Part(
        [Table("04_rounding.csv", list, ("run", "seed", "update", "difference"), "difference")],
        {solver: (rounding_run, solver) for solver in ("orthogonal", "plain")},
        seeds=range(1),
    ),
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["training"]:
        training(*sys.argv[2:])
    else:
        main(PARTS, sys.argv[1:])
