"""Notebook 05: the fraction of the step, its KL and its gain."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from trpo_lib import mean_kl, surrogate_objective
from trpo_lib.classroom import plotting
from trpo_lib.classroom.sliders._scene import Scene, show
from trpo_lib.networks.policy import Policy

FRACTIONS = tuple(round(0.05 * k, 2) for k in range(41))
SHOWN = 300


def step_fraction(policy: Policy, batch: Any, step: Tensor, max_kl: float) -> None:
    """Move the fraction t of a step; the policy is measured on its batch at every t beforehand.

    One sees what the two numbers of the line search are made of. Each point is one transition of the batch, and its
    area is |A|; at t = 0 all lie on the diagonal. The gain comes from large vermilion points that sink and blue ones
    that rise; the KL counts how far all of them have gone, those too that were only dragged along. A value that is off
    the picture is a triangle at its edge.

    Args:
        policy: with discrete actions; it is left as it is.
        batch: has `observations`, `actions` and `advantages`.
        step: Δ, `(P,)`.
        max_kl: δ.
    """
    show(step_fraction_scene(policy, batch, step, max_kl))


def measure(policy: Policy, batch: Any, step: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """At every fraction: KLs, gains and the probabilities of the actions taken; and the predicted gain gᵀΔ."""
    moved, theta = copy.deepcopy(policy), parameters_to_vector(policy.parameters()).detach()
    old = policy.distribution(batch.observations)
    log_old = old.log_prob(batch.actions)
    surrogate = surrogate_objective(log_old, log_old.detach(), batch.advantages)
    gradient = parameters_to_vector(torch.autograd.grad(surrogate, list(policy.parameters()), retain_graph=True))
    kls, gains, probabilities = [], [], []
    with torch.no_grad():
        for t in FRACTIONS:
            vector_to_parameters(theta + t * step, moved.parameters())
            new = moved.distribution(batch.observations)
            log_new = new.log_prob(batch.actions)
            kls.append(mean_kl(old, new).item())
            gains.append((surrogate_objective(log_new, log_old, batch.advantages) - surrogate).item())
            probabilities.append(log_new.exp().numpy())
    return np.array(kls), np.array(gains), np.array(probabilities), (gradient @ step).item()


def step_fraction_scene(policy: Policy, batch: Any, step: Tensor, max_kl: float) -> Scene:
    """What `step_fraction` shows."""
    kls, gains, probabilities, predicted = measure(policy, batch, step)
    refused, t = (kls > max_kl) | (gains <= 0), np.array(FRACTIONS)
    kls, gains = kls / max_kl, gains / predicted
    good = (batch.advantages > 0).numpy()[:SHOWN]

    sizes = 12 * batch.advantages.abs().numpy()[:SHOWN]
    lines = (
        (kls, t**2, plotting.VERMILLION, "-", "KL / δ"),
        (gains, t, plotting.BLUE, "--", "gain / predicted gain of Δ"),
    )
    full = FRACTIONS.index(1.0)
    top = max(3.0, 1.15 * kls[full], 1.15 * gains[full])  # the full step is to be seen, whatever lies beyond it
    bottom = -0.25 if gains.min() < 0 else 0.0

    def frame(axes: Sequence[Axes]) -> None:
        curves, cloud = axes
        curves.fill_between(
            t, bottom, top, where=refused & (t > 0), color=plotting.GREY, alpha=0.15, lw=0, label="refused"
        )
        for values, model, color, dashes, label in lines:
            curves.plot(t, model, ":", color=color, linewidth=1.2)
            curves.plot(t, values, dashes, color=color, label=label)
        curves.plot([], [], ":", color="black", linewidth=1.2, label="model")
        curves.set(
            xlabel="fraction t of the full step", ylabel="KL / δ, gain / predicted", xlim=(0, 2), ylim=(bottom, top)
        )
        cloud.plot([0, 1], [0, 1], color="black", linewidth=0.8)
        cloud.set(xlabel="old probability of the action", ylabel="new probability", xlim=(0, 1), ylim=(0, 1))

    def draw(axes: Sequence[Axes], fraction: float) -> None:
        curves, cloud = axes
        at = int(np.abs(t - fraction).argmin())
        for values, _, color, _, _ in lines:
            marker = "^" if values[at] > top else "v" if values[at] < bottom else "o"
            curves.plot(t[at], np.clip(values[at], bottom, top), marker, color=color, clip_on=False, zorder=3)
        verdict = ("refused" if refused[at] else "accepted") if at else "no step"
        curves.set_title(f"t = {fraction:g}: {verdict}")
        for mask, color, name in ((good, plotting.BLUE, "better"), (~good, plotting.VERMILLION, "worse")):
            points = probabilities[0, :SHOWN][mask], probabilities[at, :SHOWN][mask], sizes[mask]
            cloud.scatter(*points, color=color, alpha=0.5, linewidths=0, label=f"{name} than expected")
        cloud.set_title(f"KL {kls[at]:.2f} δ\ngain {gains[at]:.2f} × predicted")

    return Scene("A step, its KL and its gain", "t", FRACTIONS, (0.5, 1.0, 1.5), frame, draw, "{:.2f}")
