"""Notebook 03: δ, the ellipse, and two steps to its edge."""

import math
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from trpo_lib import trust_region_step
from trpo_lib.classroom import plotting
from trpo_lib.classroom.sliders._scene import Scene, show

DELTAS = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.014, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3)
EDGE, WIDE = 3.0, 4.0  # about the shape of a panel, so that right angles stay right
COLORS = {"gradient": plotting.VERMILLION, "natural": plotting.BLUE}


def trust_region(probabilities: Tensor, advantages: Tensor) -> None:
    """Move δ; the softmax policy over three actions stays the same.

    One sees the ellipse grow with √δ. While it is small, it is the true region and both steps gain what they promise.
    As it grows, the true region bends away from it, the natural step ends further and further outside, and both gains
    part from their promises. At every δ the natural step gains more.

    Args:
        probabilities: of the three actions under the old policy, `(3,)`.
        advantages: of the three actions, `(3,)`.
    """
    show(trust_region_scene(probabilities, advantages))


def trust_region_scene(p: Tensor, advantages: Tensor) -> Scene:
    """What `trust_region` shows."""
    theta, fisher = (p[:2] / p[2]).log(), torch.diag(p[:2]) - torch.outer(p[:2], p[:2])
    gradient = (p * (advantages - p @ advantages))[:2]
    directions = {"natural": torch.linalg.solve(fisher, gradient), "gradient": gradient}
    ticks = torch.linspace(-WIDE, WIDE, 121), torch.linspace(-EDGE, EDGE, 121)
    plane = torch.stack(torch.meshgrid(*ticks, indexing="xy"), -1)
    angle = torch.linspace(0, 2 * math.pi, 200)
    circle = torch.linalg.solve(torch.linalg.cholesky(fisher).T, torch.stack([angle.cos(), angle.sin()]))

    def policy(step: Tensor) -> Categorical:
        return Categorical(logits=torch.cat([theta + step, torch.zeros_like(step[..., :1])], -1))

    def kl(step: Tensor) -> Tensor:
        return kl_divergence(Categorical(probs=p), policy(step))

    def step_along(name: str, max_kl: float) -> Tensor:
        return trust_region_step(directions[name], directions[name] @ fisher @ directions[name], max_kl)

    def gain(name: str, max_kl: float) -> float:
        return ((policy(step_along(name, max_kl)).probs - p) @ advantages).item()

    true_kl = kl(plane)
    gains = {name: [gain(name, delta) for delta in DELTAS] for name in directions}
    promised = {name: [(gradient @ step_along(name, delta)).item() for delta in DELTAS] for name in directions}

    def frame(axes: Sequence[Axes]) -> None:
        region, curves = axes
        region.plot([], [], "--", color=plotting.GREY, label="true KL = δ")
        region.set(xlabel="$Δ_1$", ylabel="$Δ_2$", xlim=(-WIDE, WIDE), ylim=(-EDGE, EDGE))
        for name, color in COLORS.items():
            curves.plot(DELTAS, promised[name], ":", color=color, linewidth=1.2)
            curves.plot(DELTAS, gains[name], color=color, label=f"{name} step")
        curves.plot([], [], ":", color="black", linewidth=1.2, label="promised gain")
        curves.set(xlabel="δ", ylabel="gain of L", xscale="log", ylim=(0, 1.05 * max(gains["natural"])))

    def draw(axes: Sequence[Axes], max_kl: float) -> None:
        region, curves = axes
        region.contour(*ticks, true_kl, levels=[max_kl], colors=plotting.GREY, linestyles="--")
        region.plot(*(math.sqrt(2 * max_kl) * circle), color="black", linewidth=1.2, label="model = δ")
        for name, color in COLORS.items():
            arrow = {"arrowstyle": "->", "color": color, "lw": 2.5, "shrinkA": 0, "shrinkB": 0}
            region.annotate("", step_along(name, max_kl).tolist(), (0, 0), arrowprops=arrow)
            curves.plot(max_kl, gain(name, max_kl), "o", color=color)
        ratio = kl(step_along("natural", max_kl)).item() / max_kl
        region.set_title(f"δ = {max_kl:g}: true KL {ratio:.2f} δ")
        curves.set_title(f"natural gains {gain('natural', max_kl) / gain('gradient', max_kl):.2f} × as much")

    return Scene("The trust region, its model and two steps", "δ", DELTAS, (0.005, 0.05, 0.3), frame, draw)
