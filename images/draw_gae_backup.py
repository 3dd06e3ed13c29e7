"""Draw the k-step estimates whose weighted average is GAE (notebook 06): python images/draw_gae_backup.py."""

import svg
import torch

from trpo_lib import generalized_advantage_estimation

GAMMA, LAM, STEPS = 0.9, 0.8, 5
COLUMN, FIRST, TOP, ROW = 150, 148, 92, 46


def weights() -> list[float]:
    """(1 − λ)λ^(k−1) for k = 1 … STEPS − 1; the last column takes what is left, as its episode ends there.

    Checked against the library on made-up numbers: the weighted average of the k-step estimates is its estimate.
    """
    shares = [(1 - LAM) * LAM ** (k - 1) for k in range(1, STEPS)] + [LAM ** (STEPS - 1)]
    rewards, values = torch.tensor([1.0, -2.0, 0.5, 3.0, 1.5]), torch.tensor([0.3, 1.2, -0.7, 2.0, 0.9])
    next_values, never = torch.cat([values[1:], torch.zeros(1)]), torch.zeros(STEPS, dtype=torch.bool)
    terminated = never.clone()
    terminated[-1] = True
    discounts = GAMMA ** torch.arange(float(STEPS))
    estimates = (discounts * rewards).cumsum(0) + GAMMA * discounts * next_values - values[0]
    library = generalized_advantage_estimation(rewards, values, next_values, terminated, never, GAMMA, LAM)[0]
    assert torch.isclose((torch.tensor(shares) * estimates).sum(), library), "not the library's estimate"
    return shares


def main() -> None:
    """One column for each k, its weight as a bar below it."""
    torch.set_default_dtype(torch.float64)
    picture = svg.Picture(880, 592, "The k-step advantage estimates and the weights that GAE gives them")
    picture.text(24, 36, "Look k steps ahead, then ask the critic …", size=16, anchor="start", font_weight="bold")
    bottom, floor = TOP + STEPS * ROW, TOP + STEPS * ROW + 172
    for row in range(STEPS + 1):
        y = TOP + row * ROW
        name = "s_{t}" if row == 0 else f"s_{{t+{row}}}"
        picture.text(62, y + 5, name, size=14, ink=svg.SOFT, anchor="end")
        picture.line([(74, y), (FIRST + (STEPS - 1) * COLUMN + 40, y)], svg.PALE, width=1.5)
    picture.text(
        24, bottom + 50, "… and average with weights that fall by λ:", size=16, anchor="start", font_weight="bold"
    )
    for k, share in enumerate(weights(), start=1):
        x, last = FIRST + (k - 1) * COLUMN, k == STEPS
        head = "TD error" if k == 1 else "all rewards" if last else f"{k} steps"
        picture.text(x, TOP - 26, head, size=14, font_weight="bold")
        for row in range(k):
            y = TOP + row * ROW
            gap = 7 if row < k - 1 else 9 if last else 14
            picture.line([(x, y + 7), (x, y + ROW - gap)], svg.GREY, width=1.8, tip=True)
            reward = "r_{t}" if row == 0 else f"r_{{t+{row}}}"
            picture.text(x + 9, y + ROW / 2 + 4, reward, size=13, anchor="start")
            picture.add("circle", cx=x, cy=y, r=7, fill="#FFFFFF", stroke=svg.INK, stroke_width=1.6)
        y = TOP + k * ROW
        if last:
            picture.add("rect", x=x - 8, y=y - 8, width=16, height=16, fill=svg.INK)
            picture.text(x + 16, y + 5, "end: 0", size=13, anchor="start", ink=svg.SOFT)
        else:
            picture.add("rect", x=x - 32, y=y - 13, width=64, height=26, rx=6, fill=svg.BLUE)
            picture.text(x, y + 5, f"V(s_{{t+{k}}})", size=13, ink="#FFFFFF", font_weight="bold")
        height = 220 * share
        picture.add("rect", x=x - 30, y=floor - height, width=60, height=height, fill=svg.SKY, fill_opacity=0.75)
        picture.text(x, floor - height - 8, f"{share:.2f}", size=14, font_weight="bold")
        formula = "1 − λ" if k == 1 else "(1 − λ) λ" if k == 2 else f"(1 − λ) λ^{{{k - 1}}}"
        picture.text(x, floor + 20, f"λ^{{{STEPS - 1}}}" if last else formula, size=14)
        picture.text(x, floor + 39, "what is left" if last else f"k = {k}", size=12, ink=svg.SOFT)
    picture.line([(FIRST - 50, floor), (FIRST + (STEPS - 1) * COLUMN + 50, floor)], svg.GREY, width=1)
    picture.text(FIRST - 62, floor + 20, f"λ = {LAM:g}:", size=14, ink=svg.SOFT, anchor="end")
    picture.text(FIRST - 30, floor + 74, "more of the critic: bias", size=13, ink=svg.SOFT, anchor="start")
    picture.text(FIRST + 630, floor + 74, "more of the rewards: variance", size=13, ink=svg.SOFT, anchor="end")
    picture.line([(FIRST + 120, floor + 70), (FIRST + 440, floor + 70)], svg.GREY, width=1.5, tip=True)
    picture.save("gae_backup")


if __name__ == "__main__":
    main()
