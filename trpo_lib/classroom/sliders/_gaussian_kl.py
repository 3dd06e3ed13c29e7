"""Notebook 02: σ and the Gaussian KL."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from torch.distributions import Normal

from trpo_lib import mean_kl
from trpo_lib.classroom import plotting
from trpo_lib.classroom.sliders._scene import Scene, show

SIGMAS = (0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2)


def gaussian_kl(shift: float = 0.5, max_kl: float = 0.05) -> None:
    """Move σ; the means of the two policies stay `shift` apart.

    One sees the same distance in parameters become any distance between policies: halve σ and the KL is four times
    as large. The ball KL ≤ δ shrinks in proportion to σ, and at one σ the new policy falls out of it.

    Args:
        shift: the new policy's mean; the old one's is 0.
        max_kl: δ of the ball.
    """
    show(gaussian_kl_scene(shift, max_kl))


def gaussian_kl_scene(shift: float, max_kl: float) -> Scene:
    """What `gaussian_kl` shows."""
    actions = torch.linspace(-2.5, 2.5 + shift, 401)
    ball = unit_ball(max_kl)

    def frame(axes: Sequence[Axes]) -> None:
        bells, balls = axes
        bells.set(xlabel="action a", ylabel="density / its maximum", ylim=(0, 1.05))
        for sigma, label in ((0.1, "at other σ"), (0.3, None), (0.7, None), (1.4, None)):
            balls.add_patch(Polygon(sigma * ball, fill=False, edgecolor=plotting.GREY, linestyle=":", label=label))
        balls.set(xlabel="mean μ", ylabel="standard deviation σ", xlim=(-1, 1), ylim=(0, 2.8))
        balls.set_xticks([-0.5, 0, 0.5])

    def draw(axes: Sequence[Axes], sigma: float) -> None:
        bells, balls = axes
        old, new = (torch.exp(-(((actions - mean) / sigma) ** 2) / 2) for mean in (0.0, shift))
        kl = mean_kl(*(Normal(torch.tensor([mean]), torch.tensor([float(sigma)])) for mean in (0.0, shift))).item()
        bells.fill_between(actions, torch.minimum(old, new), color=plotting.GREY, alpha=0.3, label="in common")
        bells.plot(actions, old, color=plotting.BLUE, label="old policy")
        bells.plot(actions, new, "--", color=plotting.VERMILLION, label="new policy")
        bells.set_title(f"σ = {sigma:g}: KL = {kl:.2g} nats")
        balls.add_patch(Polygon(sigma * ball, color=plotting.BLUE, alpha=0.35, label=f"KL ≤ δ = {max_kl:g}"))
        balls.plot(0, sigma, "o", color=plotting.BLUE)
        balls.plot(shift, sigma, "s", color=plotting.VERMILLION)
        balls.set_title(f"new policy {'inside' if kl <= max_kl else 'outside'}")

    return Scene(f"The KL of two Gaussians, {shift:g} apart", "σ", SIGMAS, (0.1, 0.4, 1.6), frame, draw)


def unit_ball(max_kl: float) -> np.ndarray:
    """The edge of KL(N(0, 1) ‖ N(m, s²)) ≤ δ, `(points, 2)`: m² = 2s² (δ + ½ − log s) − 1. For σ, multiply by σ."""
    s = np.geomspace(0.02, 50, 20_001)
    inside = s[2 * s**2 * (max_kl + 0.5 - np.log(s)) >= 1]
    s = (inside[0] + inside[-1]) / 2 - np.ptp(inside) / 2 * np.cos(np.linspace(0, np.pi, 100))
    m = np.sqrt(np.maximum(2 * s**2 * (max_kl + 0.5 - np.log(s)) - 1, 0))
    return np.stack([np.concatenate([m, -m[::-1]]), np.concatenate([s, s[::-1]])], axis=1)
