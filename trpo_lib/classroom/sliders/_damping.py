"""Notebook 04: damping, the path of conjugate gradient, and what ten iterations find."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from trpo_lib import conjugate_gradient
from trpo_lib.classroom import plotting
from trpo_lib.classroom.sliders._scene import Scene, show

DAMPINGS = tuple(round(10 ** (k / 4), 6) for k in range(-16, 5))
ITERATIONS = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30)


def damping(A: Tensor, b: Tensor, fisher: Tensor, gradient: Tensor, other: Tensor) -> None:
    """Move the damping c; left a bowl in two dimensions, right a policy.

    One sees the valley become rounder, so that steepest descent zigzags less; and its bottom leave the solution
    without damping (the star) and turn towards the gradient. Right the price and what it buys: fewer iterations are
    enough, what they find promises less on this batch, and it keeps its word on states that the batch did not hold.

    Args:
        A: the bowl ½xᵀAx − bᵀx, `(2, 2)`.
        b: its right-hand side, `(2,)`.
        fisher: F of a policy on a batch, `(P, P)`.
        gradient: g, `(P,)`.
        other: F of the same policy on other states, `(P, P)`.
    """
    show(damping_scene(A, b, fisher, gradient, other))


def paths(A: Tensor, b: Tensor, c: float, steps: int = 12) -> tuple[Tensor, Tensor]:
    """The corners of conjugate gradient's path and of steepest descent's on (A + cI) x = b."""
    A = A + c * torch.eye(len(b), dtype=b.dtype)
    straight = [conjugate_gradient(A.mv, b, max_iterations=k).x for k in range(1, len(b) + 1)]
    zigzag = [torch.zeros_like(b)]
    for _ in range(steps):
        r = b - A @ zigzag[-1]
        curvature = r @ A @ r
        zigzag.append(zigzag[-1] + (r @ r / curvature * r if curvature > 0 else 0))
    return torch.stack([torch.zeros_like(b), *straight]), torch.stack(zigzag)


def damping_scene(A: Tensor, b: Tensor, fisher: Tensor, gradient: Tensor, other: Tensor) -> Scene:
    """What `damping` shows. Right in the eigenvectors of F, where a product costs P operations."""
    solution = torch.linalg.solve(A, b)
    reach = 1.25 * solution.abs().max().item()
    centre = solution / 2
    spans = [torch.linspace(-reach / 2, reach / 2, 60) * 1.3 + middle for middle in centre]
    points = torch.cartesian_prod(*spans).view(60, 60, 2)
    eigenvalues, vectors = torch.linalg.eigh(fisher)
    eigenvalues, g, elsewhere = eigenvalues.clamp_min(0), vectors.T @ gradient, vectors.T @ other @ vectors

    def promise(x: Tensor) -> float:
        """gᵀx / sqrt(xᵀFx): the predicted gain of the step along x, up to sqrt(2δ)."""
        return (g @ x / (eigenvalues @ x**2).sqrt()).item()

    def overshoot(x: Tensor) -> float:
        return (x @ elsewhere @ x / (eigenvalues @ x**2)).item()

    def exact(c: float) -> Tensor:
        return g / (eigenvalues + c)

    def in_delta(ratio: float) -> str:
        return f"{ratio:.0f} δ" if ratio >= 10 else f"{ratio:.1f} δ"

    most = promise(exact(DAMPINGS[0]))

    def frame(axes: Sequence[Axes]) -> None:
        bowl, policy = axes
        bowl.plot(*solution, "*", color="black", ms=12, label="without damping", zorder=3)
        bowl.set(xlabel="$x_1$", ylabel="$x_2$")
        bowl.set(xlim=spans[0][[0, -1]].tolist(), ylim=spans[1][[0, -1]].tolist())
        policy.set(xlabel="iterations $k$", ylim=(0, 1.05), ylabel=r"promised gain (1: exact, $c$ = 0.0001)")

    def draw(axes: Sequence[Axes], c: float) -> None:
        bowl, policy = axes
        straight, zigzag = paths(A, b, c)
        B, bottom = A + c * torch.eye(2, dtype=A.dtype), straight[-1]
        heights = (((points - bottom) @ B) * (points - bottom)).sum(-1) / (bottom @ B @ bottom)
        bowl.contour(*spans, heights.T, levels=[0.02, 0.1, 0.3, 0.6, 1.0, 1.6], colors=plotting.GREY, linewidths=0.6)
        bowl.plot(*zigzag.T, "o-", color=plotting.VERMILLION, ms=3.5, label="steepest descent")
        bowl.plot(*straight.T, "s-", color=plotting.BLUE, ms=5, label="conjugate gradient")
        low, high = torch.linalg.eigvalsh(B).tolist()
        bowl.set_title(f"c = {c:.2g}: κ = {high / low:.1f}")
        found = [conjugate_gradient((eigenvalues + c).mul, g, max_iterations=k).x for k in ITERATIONS]
        policy.plot(ITERATIONS, [promise(x) / most for x in found], "s-", color=plotting.BLUE, ms=4)
        policy.axhline(promise(exact(c)) / most, color=plotting.GREEN, ls="--", label="exact, with damping")
        policy.set_title(f"KL on other states: {in_delta(overshoot(exact(c)))}")

    return Scene("Damping, the path and the price", "c", DAMPINGS, (0.001, 0.1, 1.0), frame, draw, "{:.2g}")
