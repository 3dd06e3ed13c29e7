"""Draw three steps of minorise-maximise on an exact problem (notebook 02): python images/draw_minorise_maximise.py."""

import svg
import torch

from trpo_lib import TabularMDP

INKS = svg.BLUE, svg.GREEN, svg.VERMILLION
GAMMA, LEFT, RIGHT = 0.12, -2.2, 2.6  # a short horizon, so that the bounds are wide enough to be seen


def lower_bound(mdp: TabularMDP, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """L − C · max KL, which lies below J (Theorem 1 of TRPO)."""
    C = 4 * mdp.advantages(old).abs().max() * mdp.gamma / (1 - mdp.gamma) ** 2
    return mdp.surrogate(old, new) - C * (old * (old / new).log()).sum(-1).max()


def main() -> None:
    """The return along a family of policies, and a bound for each of three old policies."""
    torch.set_default_dtype(torch.float64)
    mdp = TabularMDP.random(4, 3, gamma=GAMMA, seed=3)
    scores = mdp.advantages(torch.full((4, 3), 1 / 3))
    t = torch.linspace(LEFT, RIGHT, 401)
    family = [(x * scores).softmax(-1) for x in t]
    J = torch.stack([mdp.performance(pi) for pi in family])
    at, steps = int((t - LEFT - 0.3).abs().argmin()), []
    for _ in range(3):
        M = torch.stack([lower_bound(mdp, family[at], pi) for pi in family])
        assert (M <= J + 1e-12).all(), "a bound crosses the return"
        steps.append((at, M))
        at = int(M.argmax())

    picture = svg.Picture(880, 410, "A lower bound touches the return at the old policy; its peak is the next policy")
    panel = svg.Panel(picture, 40, 50, 540, 300, (LEFT, RIGHT), (J[0].item() - 0.3, J.max().item() + 0.15))
    panel.frame("", "discounted return")
    picture.text(310, 392, "one direction in the space of policies", ink=svg.SOFT)
    panel.curve(t, J, svg.INK, width=2.6)
    x, y = panel.at(2.2, J[(t - 2.2).abs().argmin()].item())
    picture.text(x, y - 14, "return J", size=15, font_weight="bold")
    bottom = panel.top + panel.height
    for i, ((here, M), ink) in enumerate(zip(steps, INKS, strict=True)):
        seen = panel.ylim[0] < M
        panel.curve(t[seen], M[seen], ink)
        next_one = int(M.argmax())
        touch, peak, landing = (
            panel.at(t[k].item(), f[k].item()) for k, f in ((here, J), (next_one, M), (next_one, J))
        )
        picture.line([touch, (touch[0], bottom)], ink, width=1, stroke_dasharray="3 3")
        if peak[1] - landing[1] > 20:
            picture.line([peak, (landing[0], landing[1] + 6)], ink, width=2, tip=True)
        picture.add("circle", cx=peak[0], cy=peak[1], r=4, fill="#FFFFFF", stroke=ink, stroke_width=2)
        picture.dot(touch, ink, 5.5)
        picture.text(touch[0], bottom + 17, f"π_{{{i}}}", size=14, ink=ink, font_weight="bold")
        end = int(seen.nonzero()[-1])
        label = panel.at(t[end].item(), M[end].item())
        picture.text(
            label[0] + 5,
            label[1] - (8 if label[0] < 560 else -4),
            f"M_{{{i}}}",
            size=14,
            ink=ink,
            anchor="start",
            font_weight="bold",
        )
    lines = (
        ("1", "M_{i} touches J at π_{i}:", "L = J there, and KL = 0."),
        ("2", "M_{i} lies below J everywhere:", "M_{i} = L − C · max KL  (Theorem 1)."),
        ("3", "π_{i+1} is where M_{i} peaks.", "So J(π_{i+1}) ≥ M_{i}(π_{i+1}) ≥ J(π_{i})."),
    )
    for k, (name, first, second) in enumerate(lines):
        y = 105 + 88 * k
        picture.add("circle", cx=622, cy=y - 5, r=12, fill=svg.PALE, stroke=svg.RULE)
        picture.text(622, y, name, size=14, font_weight="bold")
        picture.text(646, y, first, size=14, anchor="start", font_weight="bold")
        picture.text(646, y + 23, second, size=13.5, anchor="start", ink=svg.SOFT)
    picture.save("minorise_maximise")


if __name__ == "__main__":
    main()
