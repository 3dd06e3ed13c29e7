"""Draw the README's picture: the cliff of notebook 01, and the runs of notebook 07: python images/draw_hero.py."""

from pathlib import Path

import numpy as np
import svg
import torch
from torch.distributions import Categorical

from trpo_lib import Episode, TabularMDP
from trpo_lib.classroom import plotting

DATA = Path(__file__).resolve().parents[1] / "notebooks/data"
DELTA, TOO_LONG, PLACES = 0.05, 3.2, 6


def mountain_path() -> TabularMDP:
    """Six places on a mountain; the way forward from the last one goes over the edge (notebook 01)."""
    transitions = torch.zeros(PLACES, 2, PLACES)
    for i in range(PLACES):
        transitions[i, 0, max(i - 1, 0)] = 1
        transitions[i, 1, (i + 1) % PLACES] = 1
    rewards = (torch.arange(PLACES) / (PLACES - 1))[:, None].repeat(1, 2)
    rewards[-1, 1] -= 10
    return TabularMDP(transitions, rewards, 0.9, torch.eye(PLACES)[0])


def policy(theta: torch.Tensor) -> torch.Tensor:
    """π(forward | i) = σ(θ_0 + θ_1 i/5)."""
    logit = theta[0] + theta[1] * torch.arange(PLACES) / (PLACES - 1)
    return torch.stack([torch.zeros_like(logit), logit], -1).softmax(-1)


def cliff(panel: svg.Panel) -> None:
    """The return along the gradient as a mountain, the promise above it, and two steps."""
    picture, mdp, theta = panel.picture, mountain_path(), torch.tensor([0.0, -2.0])
    gradient = torch.func.grad(lambda theta: mdp.performance(policy(theta)))(theta)
    direction, old = gradient / gradient.norm(), policy(theta)
    lengths = torch.linspace(panel.xlim[0], panel.xlim[1], 241)
    along = [policy(theta + length * direction) for length in lengths]
    returns = torch.stack([mdp.performance(pi) for pi in along])
    promised = torch.stack([mdp.surrogate(old, pi) for pi in along])
    rho, before = mdp.occupancy(old), Categorical(probs=old)
    kl = torch.stack([rho @ torch.distributions.kl_divergence(before, Categorical(probs=pi)) for pi in along])
    trusted = (kl <= DELTA) & (lengths >= 0)
    edge = int(trusted.nonzero()[-1])
    assert returns[edge] > 1.4 * mdp.performance(old), "the trusted step should gain"
    over = int((lengths - TOO_LONG).abs().argmin())
    assert returns[over] < 0, "the long step should fall"

    left, right = panel.at(0, 0)[0], panel.at(lengths[edge].item(), 0)[0]
    top, bottom = panel.top, panel.top + panel.height
    picture.area([(left, top), (right, top), (right, bottom), (left, bottom)], svg.SKY, 0.22)
    picture.text((left + right) / 2, top + 16, "KL ≤ δ", size=13, ink=svg.BLUE, font_weight="bold")
    ground = panel.points(lengths, returns)
    picture.area([(panel.left, bottom), *ground, (ground[-1][0], bottom)], svg.SOFT, 0.16)
    picture.line(ground, svg.SOFT, width=2.2)
    seen = (promised <= panel.ylim[1]) & (lengths >= 0)
    panel.curve(lengths[seen], promised[seen], svg.VERMILLION, width=1.8, stroke_dasharray="5 4")
    x, y = panel.at(lengths[-1].item(), promised[-1].item())
    picture.text(x - 2, y - 10, "what L promises", size=13, ink=svg.VERMILLION, anchor="end")
    here = panel.at(0, mdp.performance(old).item())
    safe, fallen = panel.at(lengths[edge].item(), returns[edge].item()), panel.at(TOO_LONG, returns[over].item())
    peak = min(here[1], safe[1]) - 38
    hop(picture, here, fallen, peak - 50, svg.VERMILLION)
    hop(picture, here, safe, peak, svg.BLUE)
    picture.dot(here, svg.INK, 6)
    picture.text(here[0] - 8, here[1] - 12, "old policy", size=13, font_weight="bold", anchor="end")
    picture.text(
        fallen[0] + 12,
        fallen[1] - 12,
        "a step too long",
        size=13,
        ink=svg.VERMILLION,
        anchor="start",
        font_weight="bold",
    )
    picture.text(
        (left + right) / 2,
        here[1] + 34,
        "a trust-region step",
        size=13,
        ink=svg.BLUE,
        anchor="middle",
        font_weight="bold",
    )
    picture.text(panel.left + 8, bottom - 10, "what happens: the return J", size=13, ink=svg.SOFT, anchor="start")


def hop(picture: svg.Picture, start, end, peak: float, ink: str) -> None:
    """A curved arrow from one point of the ground to another."""
    x0, y0, x1, y1 = *start, *end
    picture.tips.add(ink)
    control = f"C{x0 + 0.25 * (x1 - x0):.1f} {peak:.1f} {x1 - 0.1 * (x1 - x0):.1f} {peak:.1f} {x1:.1f} {y1 - 5:.1f}"
    picture.add(
        "path", d=f"M{x0:.1f} {y0:.1f} {control}", fill="none", stroke=ink, stroke_width=3,
        marker_end=f"url(#{svg.tip_id(ink)})",
    )  # fmt: skip


def learning_curves(panel: svg.Panel) -> None:
    """Median and range over seeds: the preset and the textbook agent, ten each."""
    grid = np.arange(0, 30_001, 1500)
    preset = plotting.read_runs(DATA / "07_preset.csv").values()
    episodes = [[Episode(int(step), value, 0) for step, value in rows] for rows in preset]
    trpo = np.array([plotting.returns_on_grid(run, grid) for run in episodes])
    ladder = plotting.read_runs(DATA / "07_ladder.csv")
    textbook = np.array([rows[:15] for (label, _), rows in ladder.items() if label == "the textbook agent"])
    assert len(trpo) == len(textbook) == 10
    panel.frame("environment steps on CartPole-v1", xticks=[(k * 10_000, f"{k}0,000") for k in (1, 2, 3)],
                yticks=(0, 100, 200, 300, 400, 500))  # fmt: skip
    for steps, curves, ink in (
        (textbook[0, :, 0], textbook[:, :, 1], svg.VERMILLION),
        (grid[1:], trpo, svg.BLUE),
    ):
        band = panel.points(steps, curves.min(axis=0)) + panel.points(steps, curves.max(axis=0))[::-1]
        panel.picture.area(band, ink, 0.15)
        panel.curve(steps, np.median(curves, axis=0), ink, width=2.6)
    right = panel.left + panel.width - 6
    label = {"size": 13, "anchor": "end", "font_weight": "bold"}
    panel.picture.text(right, panel.at(0, 425)[1], "TRPO, 10 seeds", ink=svg.BLUE, **label)
    panel.picture.text(right, panel.at(0, 278)[1], "the textbook’s TRPO, 10 seeds", ink=svg.VERMILLION, **label)


def main() -> None:
    """Left why, right what it is good for."""
    torch.set_default_dtype(torch.float64)
    title = "A step that is too long falls off a cliff, a trust-region step does not; and TRPO learning CartPole"
    picture = svg.Picture(880, 356, title)
    picture.text(24, 34, "Uphill, but how far?", size=17, anchor="start", font_weight="bold")
    picture.text(484, 34, "Episode return, 500 is perfect", size=17, anchor="start", font_weight="bold")
    cliff(svg.Panel(picture, 24, 54, 400, 278, (-1.2, 4.3), (-10.5, 6.2)))
    learning_curves(svg.Panel(picture, 520, 54, 326, 236, (0, 30_000), (0, 515)))
    picture.save("hero")


if __name__ == "__main__":
    main()
