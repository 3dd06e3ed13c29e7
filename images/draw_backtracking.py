"""Draw a line search that shrinks a step until both tests pass (notebook 05): python images/draw_backtracking.py."""

import math

import svg
import torch

from trpo_lib import TabularMDP, backtracking_line_search, trust_region_step

SEED, SHARPNESS, DELTA, SHRINK = 81, 3.0, 0.1, 0.8  # one of the sharp problems of notebook 05, section 2


def problem():
    """`measure(step)` -> (gain, KL), both exact, of a softmax policy on a random MDP; and the full step Δ."""
    mdp = TabularMDP.random(6, 3, gamma=0.95, seed=SEED)
    generator = torch.Generator().manual_seed(SEED)
    features = torch.randn(6, 3, 4, generator=generator)
    theta = SHARPNESS * torch.randn(4, generator=generator)
    old = (features @ theta).log_softmax(-1)
    rho, advantages = mdp.occupancy(old.exp()), mdp.advantages(old.exp())

    def measure(step):
        new = (features @ (theta + step)).log_softmax(-1)
        gain = rho @ (new.exp() * advantages).sum(-1) / (1 - mdp.gamma)
        return gain, rho @ (old.exp() * (old - new)).sum(-1)

    zero = torch.zeros(4)
    gradient = torch.func.grad(lambda step: measure(step)[0])(zero)
    fisher = torch.func.hessian(lambda step: measure(step)[1])(zero)
    x = torch.linalg.solve(fisher, gradient)
    return measure, trust_region_step(x, x @ fisher @ x, DELTA), gradient


def main() -> None:
    """KL and gain along the step, and the trials of the search."""
    torch.set_default_dtype(torch.float64)
    measure, step, gradient = problem()
    search = backtracking_line_search(
        lambda trial: tuple(number.item() for number in measure(trial)),
        step,
        max_kl=DELTA,
        shrink=SHRINK,
        rescale=False,
    )
    trials = [SHRINK**i for i in range(search.trials)]
    assert search.accepted
    assert math.isclose(trials[-1], search.fraction)
    t = torch.linspace(0, 1, 161)
    gains, kls = torch.tensor([measure(s * step) for s in t]).T

    picture = svg.Picture(880, 470, "A step is shortened until the surrogate rises and the KL is at most δ")
    top = svg.Panel(picture, 110, 52, 560, 140, (0, 1.06), (0, 5))
    below = svg.Panel(picture, 110, 240, 560, 140, (0, 1.06), (-0.6, 2.9))
    top.frame("", "KL(old ‖ new)", yticks=((0, "0"), (1, "δ"), (3, "3 δ"), (5, "5 δ")))
    below.frame("", "surrogate gain", yticks=((0, "0"), (1, "1"), (2, "2")))
    picture.area([top.at(0, 0), top.at(1.06, 0), top.at(1.06, 1), top.at(0, 1)], svg.BLUE, 0.12)
    picture.area([below.at(0, 0), below.at(1.06, 0), below.at(1.06, 2.9), below.at(0, 2.9)], svg.BLUE, 0.12)
    inside = kls / DELTA <= 5
    top.curve(t, t**2, svg.GREY, width=1.5, stroke_dasharray="4 3")
    slope = (gradient @ step).item()
    seen = slope * t <= 2.9
    below.curve(t[seen], slope * t[seen], svg.GREY, width=1.5, stroke_dasharray="4 3")
    top.curve(t[inside], kls[inside] / DELTA, svg.INK, width=2.4)
    below.curve(t, gains, svg.INK, width=2.4)
    picture.text(690, 130, "blue: the test passes", size=13, ink=svg.BLUE, anchor="start")
    picture.text(690, 150, "dashed: the model", size=13, ink=svg.SOFT, anchor="start")
    for i, fraction in enumerate(trials):
        gain, kl = (number.item() for number in measure(fraction * step))
        last = i == len(trials) - 1
        assert (gain > 0 and kl <= DELTA) == last
        ink = svg.BLUE if last else svg.VERMILLION
        x = below.at(fraction, 0)[0]
        picture.line([(x, top.top), (x, 402)], ink, width=1.2, stroke_dasharray=None if last else "3 3")
        for panel, value, passes in ((top, kl / DELTA, kl <= DELTA), (below, gain, gain > 0)):
            y = panel.at(0, min(value, panel.ylim[1]))[1]
            picture.add("circle", cx=x, cy=y, r=9.5, fill="#FFFFFF", stroke=svg.BLUE if passes else svg.VERMILLION)
            (picture.tick if passes else picture.cross)(x, y, size=4)
            if value > panel.ylim[1]:
                picture.text(x + 14, y + 14, f"{value:.0f} δ", size=12, ink=ink, anchor="start")
        name = "Δ" if i == 0 else "αΔ" if i == 1 else f"α^{{{i}}}Δ"
        picture.text(x, 424, name, size=15, ink=ink, font_weight="bold")
        verdict = "taken" if last else "refused"
        picture.text(x, 442, verdict, size=12, ink=ink)
    x = below.at(0, 0)[0]
    picture.text(x, 424, "θ_{old}", size=15)
    start, end = below.at(trials[0], 0)[0], below.at(trials[-1], 0)[0]
    picture.line([(start, 456), (end, 456)], svg.GREY, width=1.5, tip=True)
    picture.text(690, 436, f"α = {SHRINK:g}: the search", size=13, ink=svg.SOFT, anchor="start")
    picture.text(690, 454, "goes from right to left", size=13, ink=svg.SOFT, anchor="start")
    picture.text(690, 318, "taken: the first step", size=13, anchor="start", font_weight="bold")
    picture.text(690, 338, "that passes both tests", size=13, anchor="start", font_weight="bold")
    picture.save("backtracking")


if __name__ == "__main__":
    main()
