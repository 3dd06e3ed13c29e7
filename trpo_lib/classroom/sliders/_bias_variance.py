"""Notebook 06: λ, and the bias and variance of generalized advantage estimation."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from trpo_lib import TabularMDP
from trpo_lib.classroom import plotting
from trpo_lib.classroom.sliders._scene import Scene, show


def bias_variance(
    mdp: TabularMDP, pi: Tensor, lambdas: Tensor, moments: Sequence[tuple[Tensor, Tensor]], visits: int = 10
) -> None:
    """Move λ; the ring of rooms and its coarse critic stay.

    One sees where bias and variance live. At λ = 0 the bars are short and stand in the wrong place, in some rooms on
    the wrong side of zero. As λ grows they move onto the truth, and get longer. The title says how
    often a mean of ten estimates would put the two actions in the right order, if it were normally distributed; that
    is best in between.

    Args:
        mdp: with two actions.
        pi: the policy, `(S, 2)`.
        lambdas: the slider's positions, `(n,)`.
        moments: for each λ the exact mean and variance of one estimate, both `(S, 2)`.
        visits: estimates that are averaged for each decision.
    """
    show(bias_variance_scene(mdp, pi, lambdas, moments, visits))


def squared_errors(mdp: TabularMDP, pi: Tensor, moments: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Squared bias after removing its mean over actions (6.6), and variance, both averaged over decisions; `(n,)`."""
    weight, truth = mdp.start[:, None] * pi, mdp.advantages(pi)
    biases, variances = [], []
    for mean, variance in moments:
        bias = mean - truth
        bias = bias - (pi * bias).sum(-1, keepdim=True)
        biases.append((weight * bias**2).sum())
        variances.append((weight * variance).sum())
    return torch.stack(biases), torch.stack(variances)


def bias_variance_scene(
    mdp: TabularMDP, pi: Tensor, lambdas: Tensor, moments: Sequence[tuple[Tensor, Tensor]], visits: int
) -> Scene:
    """What `bias_variance` shows."""
    if mdp.num_actions != 2:
        raise ValueError(f"this picture compares two actions, got {mdp.num_actions}.")
    truth = mdp.advantages(pi).diff()[:, 0]
    squared_bias, variance = squared_errors(mdp, pi, moments)
    curves = {"bias²": squared_bias, "variance / n": variance / visits}
    total = squared_bias + variance / visits
    spread = max((v.sum(-1) / visits).sqrt().max().item() for _, v in moments)
    edge = 1.1 * (truth.abs().max().item() + spread)
    numbers, positions = torch.arange(mdp.num_states), [round(value, 4) for value in lambdas.tolist()]
    normal = torch.distributions.Normal(0.0, 1.0)

    def frame(axes: Sequence[Axes]) -> None:
        rooms, dial = axes
        rooms.axhline(0, color=plotting.GREY, linewidth=1)
        rooms.plot(numbers, truth, "_", color="black", ms=14, mew=2, label="exact")
        rooms.set_xticks(numbers[:: max(1, mdp.num_states // 6)])
        rooms.set(xlabel="room s", ylim=(-edge, edge), ylabel="A(s, right) − A(s, left)")
        styles = ((plotting.VERMILLION, "-"), (plotting.GREEN, "--"))
        for (label, curve), (color, style) in zip(curves.items(), styles, strict=True):
            dial.plot(positions, curve, style, color=color, label=label)
        dial.plot(positions, total, color="black", label="sum")
        dial.set(xlabel="λ", ylabel="squared error", yscale="log")
        dial.set(ylim=(total.min().item() / 20, 3 * total.max().item()))

    def draw(axes: Sequence[Axes], lam: float) -> None:
        rooms, dial = axes
        at = min(range(len(positions)), key=lambda i: abs(positions[i] - lam))
        mean, width = moments[at][0].diff()[:, 0], (moments[at][1].sum(-1) / visits).sqrt()
        ordered = normal.cdf(truth.sign() * mean / width.clamp_min(1e-12)).mean().item()
        label = f"mean of n = {visits}, ± its luck"
        rooms.vlines(numbers, mean - width, mean + width, color=plotting.BLUE)
        rooms.plot(numbers, mean, "o", color=plotting.BLUE, ms=5, label=label)
        rooms.set_title(f"λ = {lam:g}: order right in {ordered:.0%}")
        dial.plot(positions[at], total[at], "o", color="black")
        dial.set_title(f"squared error {total[at]:.2g}")

    wanted = [min(positions, key=lambda position, share=share: abs(position - share)) for share in (0.0, 0.6, 1.0)]
    return Scene("Bias and variance over λ", "λ", positions, tuple(wanted), frame, draw, "{:.2f}")
