"""Draw policies that are equally far from five others, twice (notebook 02): python images/draw_kl_ball.py."""

import math

import svg
import torch
from torch.distributions import Categorical

from trpo_lib import mean_kl

DELTA, STEP = 0.05, 1.0
CENTRES = [[1, 1, 1], [6, 3, 1], [1, 8, 1], [12, 1, 1], [1, 2, 17]]  # proportions of the three actions
INKS = svg.BLUE, svg.VERMILLION, svg.GREEN, svg.PURPLE, svg.ORANGE


def logits(policy: torch.Tensor) -> torch.Tensor:
    """The two differences of logits that name a policy over three actions."""
    return (policy[..., :2] / policy[..., 2:]).log()


def probabilities(point: torch.Tensor) -> torch.Tensor:
    """The policy that two differences of logits name."""
    return torch.cat([point, torch.zeros_like(point[..., :1])], -1).softmax(-1)


def kl(old: torch.Tensor, new: torch.Tensor) -> float:
    """KL(old ‖ new) of two policies over three actions."""
    return mean_kl(Categorical(probs=old[None]), Categorical(probs=new[None])).item()


def edge(centre: torch.Tensor, corners: int = 72) -> torch.Tensor:
    """The policies at KL = δ from `centre`, as differences of logits: bisection along each ray, `(corners, 2)`."""
    start, rays = logits(centre), []
    for k in range(corners):
        direction = torch.tensor([math.cos(2 * math.pi * k / corners), math.sin(2 * math.pi * k / corners)])
        low, high = 0.0, 20.0
        for _ in range(40):
            middle = (low + high) / 2
            far = kl(centre, probabilities(start + middle * direction)) > DELTA
            low, high = (low, middle) if far else (middle, high)
        rays.append(start + low * direction)
    return torch.stack(rays)


def circle(centre: torch.Tensor, corners: int = 72) -> torch.Tensor:
    """The policies a step of length STEP in logits away."""
    angles = 2 * math.pi * torch.arange(corners) / corners
    return logits(centre) + STEP * torch.stack([angles.cos(), angles.sin()], -1)


def main() -> None:
    """Left in probabilities, right in logits."""
    torch.set_default_dtype(torch.float64)
    picture = svg.Picture(880, 420, "Balls of equal KL around five policies, in probabilities and in logits")
    picture.text(215, 34, "in probabilities", size=16, font_weight="bold")
    picture.text(650, 34, "in parameters (logits)", size=16, font_weight="bold")
    simplex = svg.Panel(picture, 55, 62, 320, 277, (0, 1), (0, math.sqrt(3) / 2))
    plane = svg.Panel(picture, 455, 62, 390, 284, (-5.5, 5.5), (-4, 4))
    corners = [simplex.at(0, 0), simplex.at(1, 0), simplex.at(0.5, math.sqrt(3) / 2)]
    picture.line([*corners, corners[0]], svg.GREY, width=1.2)
    for (x, y), name, anchor in zip(corners, "123", ("start", "end", "start"), strict=True):
        across, down = (-20, 20) if name == "1" else (20, 20) if name == "2" else (10, 4)
        picture.text(x + across, y + down, f"action {name} certain", size=12, ink=svg.SOFT, anchor=anchor)
    plane.frame("logit 1 − logit 3", "logit 2 − logit 3", xticks=(-4, -2, 0, 2, 4))

    def on_simplex(points: torch.Tensor) -> list[tuple[float, float]]:
        _, second, third = probabilities(points).unbind(-1)
        return simplex.points(second + third / 2, third * math.sqrt(3) / 2)

    outside = []  # share of the directions in which the fixed step leaves the ball
    for shares, ink in zip(CENTRES, INKS, strict=True):
        centre = torch.tensor(shares, dtype=torch.float64) / sum(shares)
        ball, ring = edge(centre), circle(centre)
        assert all(abs(kl(centre, probabilities(point)) - DELTA) < 1e-6 for point in ball), "not on the edge"
        outside.append(sum(kl(centre, probabilities(point)) > DELTA for point in ring) / len(ring))
        for place in (on_simplex, lambda points: plane.points(*points.T)):
            picture.area(place(ball), ink, 0.4)
            picture.line([*place(ring), place(ring)[0]], svg.INK, width=1.2, stroke_dasharray="4 3")
            picture.dot(place(logits(centre)[None])[0], ink, 3.5)
    assert outside[0] == 1, "notebook 02: too bold in every direction around the uniform policy"
    assert 0.3 < outside[3] < 0.6, "notebook 02: too bold and too timid at once around the purple one"
    assert outside[4] < 0.2, "notebook 02: inside in most directions around the yellow one"
    picture.area([(190, 396), (212, 396), (212, 408), (190, 408)], svg.GREY, 0.5)
    picture.text(220, 407, f"KL(old ‖ new) ≤ δ = {DELTA}", size=13, anchor="start")
    picture.line([(470, 402), (496, 402)], svg.INK, width=1.2, stroke_dasharray="4 3")
    picture.text(504, 407, "a step of length 1 in logits", size=13, anchor="start")
    picture.save("kl_ball")


if __name__ == "__main__":
    main()
