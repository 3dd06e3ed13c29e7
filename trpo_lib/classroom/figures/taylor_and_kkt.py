"""Figures of notebook 03."""

import math
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from trpo_lib.classroom import ledge
from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, VERMILLION

ANGLE = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
CIRCLE = torch.stack([ANGLE.cos(), ANGLE.sin()])  # of radius 1


def bowl_and_walks(bowl: Callable[[Tensor], Tensor], walks: dict[str, Tensor]) -> None:
    """Left, a bowl's level lines with an arrow for each walk; right, the height along each walk."""
    ticks = torch.linspace(-1, 1, 101)
    heights = bowl(torch.stack(torch.meshgrid(ticks, ticks, indexing="xy")))
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
    left.contour(ticks, ticks, heights, levels=[0.25, 0.75, 1.5, 2.5, 4], colors="grey")
    looks = ((VERMILLION, "-"), (GREEN, "--"), (BLUE, "-."))
    for (name, direction), (color, dashes) in zip(walks.items(), looks, strict=True):
        style = {"arrowstyle": "->", "color": color, "lw": 2, "linestyle": dashes}
        left.annotate("", 0.8 * direction, (0, 0), arrowprops=style)
        right.plot(ticks, [bowl(t * direction) for t in ticks], dashes, color=color, label=name)
    left.set(xlabel="$w_1$", ylabel="$w_2$", title="level lines of f", aspect="equal")
    right.set(xlabel="distance t along Δ", ylabel="height f(tΔ)", ylim=(0, 7))
    right.set_xticks([-1, -0.5, 0, 0.5, 1])
    right.legend(loc="upper center")
    plt.show()


def models_beside_the_truth(
    lengths: Tensor, changes: dict[str, tuple[Tensor, Tensor]], short: Tensor, errors: dict[str, Tensor]
) -> None:
    """Left, true changes (solid) and their models (dashed) over the step's length; right, the models' errors."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
    for (name, (model, true)), color in zip(changes.items(), (BLUE, VERMILLION), strict=True):
        left.plot(lengths, true, color=color, label=f"true change of {name}")
        left.plot(lengths, model, "--", color=color, label=f"model of {name}")
    for (name, error), color, marker in zip(errors.items(), (BLUE, VERMILLION), "os", strict=True):
        right.loglog(short, error, marker + "-", color=color, label=name)
    left.set(xlabel="length of the step along g", ylabel="change since θ_old", ylim=(0, 1.1))
    right.set(xlabel="length of the step along g", ylabel="error of the model")
    left.legend(loc="upper left")
    right.legend(loc="upper left")
    plt.show()


def ellipse_and_circle(
    whiten: Tensor, gradient: Tensor, max_kl: float, steps: Sequence[Tensor], true_kl: Callable[[Tensor], Tensor]
) -> None:
    """The trust region, level lines of the predicted gain, and two steps: in parameters, and where the KL is round.

    Args:
        whiten: W `(2, 2)` with WᵀW = F; w = WΔ.
        gradient: g `(2,)`.
        max_kl: δ.
        steps: the gradient step and the natural step, `(2,)` each.
        true_kl: Δ `(…, 2)` ↦ KL `(…)`.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.6))
    circle = math.sqrt(2 * max_kl) * CIRCLE
    for ax, curve, view in zip(axes, (torch.linalg.solve(whiten, circle), circle), (torch.eye(2), whiten), strict=True):
        size = 1.35 * curve.abs().max().item()
        ticks = torch.linspace(-size, size, 121)
        plane = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)
        promised = plane @ torch.linalg.solve(view.T, gradient)
        lines = ax.contour(ticks, ticks, promised, np.arange(-1, 1.1, 0.2), colors="0.45", linewidths=0.8)
        ax.clabel(lines, fmt=lambda gain: f"{round(gain, 1) + 0:+.1f}" if abs(gain) > 0.05 else "0")
        ax.contour(
            ticks, ticks, true_kl(plane @ torch.linalg.inv(view).T), levels=[max_kl], colors=GREEN, linestyles=":"
        )
        ax.plot(*curve, color="black", linewidth=1.2, label="model's KL = δ")
        for step, color, name, dashes in zip(steps, (VERMILLION, BLUE), ("g", "x"), ("--", "-"), strict=True):
            arrow = {"arrowstyle": "->", "color": color, "lw": 2.5, "linestyle": dashes}
            ax.annotate("", view @ step, (0, 0), arrowprops=arrow)
            ax.plot([], [], dashes, color=color, label=f"step along {name}")
        ax.plot([], [], ":", color=GREEN, label="true KL = δ")
        ax.set(xlim=(-size, size), ylim=(-size, size), aspect="equal")
    axes[0].set(xlabel="$Δ_1$", ylabel="$Δ_2$", title="parameters")
    axes[1].set(xlabel="$w_1$", ylabel="$w_2$", title="whitened, and uphill is up")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    plt.show()


def steps_on_the_ledge(steps: dict[float, tuple[Tensor, Tensor]]) -> None:
    """A map of the ledge's return over its two parameters, with the ellipse of each δ and its two steps."""
    across, up = torch.linspace(-1, 1.5, 61), torch.linspace(-6, 2.2, 61)
    returns = [[ledge.performance(torch.stack([a, b]).double()) for a in across] for b in up]
    _, ax = plt.subplots(figsize=(8, 4.2))
    heights = [-8, -4, -2, -1, 0, 1, 1.5, 2, 2.5, 3, 3.5]
    colors = ax.contourf(across, up, torch.tensor(returns), heights, cmap="cividis", extend="both")
    plt.colorbar(colors, label="exact return J", ticks=heights[::2])
    dot = {"color": "white", "markeredgecolor": "black", "markersize": 9, "linestyle": ""}
    root = torch.linalg.cholesky(ledge.fisher(ledge.THETA_OLD))
    for (max_kl, both), dashes in zip(steps.items(), ("-", "--"), strict=True):
        ring = torch.linalg.solve(root.T, math.sqrt(2 * max_kl) * CIRCLE)
        ax.plot(*(ledge.THETA_OLD[:, None] + ring), dashes, color="white", label=f"model's KL = {max_kl}")
        for step, mark in zip(both, "os", strict=True):
            ax.plot(*(ledge.THETA_OLD + step), mark, **dot)
    for mark, name in (("o", "gradient step"), ("s", "natural step"), ("*", "$θ_{old}$")):
        ax.plot([], [], mark, label=name, **dot)
    ax.plot(*ledge.THETA_OLD, "*", **dot)
    ax.set(xlabel="$θ_0$", ylabel="$θ_1$")
    ax.legend(loc="lower left", facecolor="0.35", labelcolor="white", frameon=True)
    plt.show()


def policies_after(before: Tensor, after: dict[str, dict[str, Tensor]]) -> None:
    """Probabilities of three actions before and after: one panel for each kind of step, a bar for each coordinates."""
    _, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
    looks = ((BLUE, ""), (VERMILLION, "//"), (GREEN, ".."))
    for ax, (kind, policies) in zip(axes, after.items(), strict=True):
        ax.bar(np.arange(3) - 0.3, before, 0.2, color=GREY, label="before")
        for k, (name, policy) in enumerate(policies.items()):
            look = {"color": looks[k][0], "hatch": looks[k][1], "edgecolor": "white", "label": name}
            ax.bar(np.arange(3) - 0.1 + 0.2 * k, policy, 0.2, **look)
        ax.set(xlabel="action a", title=kind)
        ax.set_xticks(range(3), ["1", "2", "3"])
    axes[0].set_ylabel("probability π(a) after the step")
    axes[1].legend(loc="upper right")
    plt.show()


def true_kl_along(fractions: Tensor, curves: Sequence[Sequence[Tensor]], max_kl: float) -> None:
    """The true KL along the exact steps of several networks, beside the one model that they share."""
    for curve in curves:
        finite = [kl for kl in curve if torch.isfinite(kl)]  # a curve that becomes infinite ends in a cross
        plt.loglog(fractions[: len(finite)], finite, color=VERMILLION, linewidth=1)
        if len(finite) < len(curve):
            plt.loglog(fractions[len(finite) - 1], finite[-1], "x", color=VERMILLION)
    plt.plot([], [], color=VERMILLION, linewidth=1, label=f"true KL, {len(curves)} networks")
    plt.loglog(fractions, max_kl * fractions**2, "--", color="black", label="quadratic model")
    plt.axhline(max_kl, color=GREY, linewidth=1.5, linestyle=":", label="δ")
    plt.gca().set(xlabel="fraction of the step", ylabel="mean KL (nats)", ylim=(1e-12, 1e3))
    plt.legend()
    plt.show()
