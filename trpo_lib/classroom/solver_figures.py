"""The figures of notebook 04; what they show is computed in its cells."""

import csv
from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, VERMILLION
from trpo_lib.classroom.stored import stored

WIDE = (9.0, 3.7)  # two or three panels
LINES = ("-", "--", "-.")


def columns(name: str) -> dict[str, Tensor]:
    """A stored table of numbers, column by column; of a column of words, where each row's word comes in the alphabet.

    Args:
        name: of a file of `notebooks/data/`.
    """
    with stored(name).open(newline="", encoding="utf8") as file:
        rows = list(csv.DictReader(file))
    return {key: _numbers([row[key] for row in rows]) for key in rows[0]}


def _numbers(cells: list[str]) -> Tensor:
    try:
        return torch.tensor([float(cell) for cell in cells])
    except ValueError:
        return torch.tensor([sorted(set(cells)).index(cell) for cell in cells])


def residuals(norms: Mapping[str, list[float]], tolerance: float) -> None:
    """The relative residual over the iterations, one line for each system."""
    for (name, norm), line in zip(norms.items(), LINES, strict=False):
        plt.semilogy([value / norm[0] for value in norm], line, label=name)
    plt.axhline(tolerance, color=GREY, linewidth=1, linestyle=":")
    plt.gca().set(xlabel="iteration $k$", ylabel=r"residual $\Vert r_k\Vert\,/\,\Vert b\Vert$")
    plt.legend(loc="upper right")
    plt.show()


def polynomials(spectra: Mapping[str, Tensor], psi: Callable[[Tensor, Tensor, int], Tensor]) -> None:
    """ψ of degree 2 and 5 over each spectrum.

    Args:
        spectra: the eigenvalues of each system, by its name.
        psi: (eigenvalues, points, k) ↦ the polynomial after k iterations, at the points.
    """
    figure, axes = plt.subplots(1, 3, figsize=WIDE, sharey=True)
    points = torch.logspace(-1, 3.1, 2000)
    for ax, (name, eigenvalues) in zip(axes, spectra.items(), strict=True):
        for k, line, color in ((2, "--", VERMILLION), (5, "-", BLUE)):
            ax.semilogx(points, psi(eigenvalues, points, k), line, color=color, label=f"$k$ = {k}")
        ax.plot(eigenvalues, 0 * eigenvalues, "|", color="black", ms=9, label=r"eigenvalues $\lambda_i$")
        ax.set(title=name.replace(", ", ",\n"), xlabel=r"$\lambda$", ylim=(-1.1, 1.25))
        ax.set_xlim(0.1, 1.3 * eigenvalues.max())
    axes[0].set_ylabel(r"$\psi(\lambda)$ after $k$ iterations")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plt.show()


def two_worlds(solve: Mapping[str, Tensor], training: Mapping[str, Tensor]) -> None:
    """How far two worlds of rounding drift apart: left x_k in one solve, right the parameters in a training.

    Args:
        solve: solver → relative difference at each iteration.
        training: solver → relative difference after each update.
    """
    figure, panels = plt.subplots(1, 2, figsize=WIDE, sharey=True)
    for ax, curves in zip(panels, (solve, training), strict=True):
        for (name, apart), line, color in zip(curves.items(), ("--", "-"), (VERMILLION, BLUE), strict=True):
            ax.semilogy(range(1, 1 + len(apart)), apart, line, color=color, label=name)
    left, right = panels
    left.set(xlabel="iteration $k$", ylabel="relative difference", title="one solve: $x_k$", ylim=(1e-17, 10))
    right.set(xlabel="update", title="a whole training: the policy's parameters")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    plt.show()


def spectrum_and_damping(eigenvalues: tuple[Tensor, Tensor], dampings: Tensor, cosines: Tensor, shares: Tensor) -> None:
    """Left the largest eigenvalues of the fresh and the sharpened policy; right what damping does to the latter's step.

    Args:
        eigenvalues: of both policies, ascending.
        dampings: `(n,)`.
        cosines: of the angle between step and gradient, `(n,)`.
        shares: of δ that the step uses when its length is computed with the damping, `(n,)`.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=WIDE)
    for values, name, line in zip(eigenvalues, ("fresh", "sharpened"), ("--", "-"), strict=True):
        left.semilogy(values.flip(0)[:100], line, label=name)
    for c in (0.1, 0.01):
        left.axhline(c, color=GREY, linestyle=":")
        left.text(99, 1.4 * c, f"c = {c}", ha="right", color=GREY)
    left.set(xlabel="number $i$", ylabel=r"eigenvalue $\lambda_i$", ylim=(1e-8, 1e4))
    right.semilogx(dampings, cosines, label="cosine of $x$ and $g$")
    right.semilogx(dampings, shares, "--", color=GREEN, label=r"KL used, in $\delta$")
    right.set(xlabel="damping $c$", ylim=(0, 1.05))
    left.legend(loc="upper right")
    right.legend(loc="center left")
    plt.show()


def other_states(dampings: Tensor, kl: Mapping[int, Tensor]) -> None:
    """The KL on states that a step's batch did not hold: medians, and the range over policies.

    Args:
        dampings: `(n,)`.
        kl: size of the batch → KL/δ, `(policies, n)`.
    """
    for (states, table), line, color in zip(kl.items(), ("o-", "s--"), (VERMILLION, BLUE), strict=True):
        plt.fill_between(dampings, table.min(0).values, table.max(0).values, color=color, alpha=0.15, linewidth=0)
        plt.loglog(dampings, table.quantile(0.5, 0), line, color=color, ms=4, label=f"{states} states")
    plt.axhline(1, color="black", linestyle=":")
    plt.gca().set(xlabel="damping $c$", ylabel=r"KL on other states, in $\delta$")
    plt.legend(loc="upper right", title="step computed on")
    plt.show()


def gains(share: Mapping[tuple[str, float], Tensor]) -> None:
    """The share of the exact solution's gain over the iterations, by policy (colour) and damping (line)."""
    colors = dict(zip(dict.fromkeys(name for name, _ in share), (BLUE, VERMILLION), strict=True))
    lines = dict(zip(dict.fromkeys(c for _, c in share), LINES, strict=False))
    for (name, c), values in share.items():
        plt.plot(range(1, 1 + len(values)), values, lines[c], color=colors[name], label=f"{name}, c = {c}")
    plt.axvline(10, color=GREY, linestyle=":")
    plt.gca().set(xlabel="iterations $k$", ylabel="share of the exact gain", ylim=(0, 1.05))
    plt.legend(loc="lower right")
    plt.show()
