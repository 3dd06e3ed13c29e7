"""Draw the pipeline of TRPO once for each notebook, with that notebook's boxes lit: python images/draw_pipeline.py."""

from pathlib import Path

from svg import BLUE, GREY, INK, PALE, RULE, SOFT, script

# notebook, name in two lines, what flows out of the box
BOXES = [
    ("07 08", "collect", "a batch", "s, a, r"),
    ("06", "estimate", "advantages", "A"),
    ("01", "surrogate", "objective", "L,  g = ∇L"),
    ("02", "KL trust", "region", "KL ≤ δ"),
    ("03", "quadratic", "model, KKT", "β = √(2δ / x^{T}Fx)"),
    ("04", "conjugate", "gradient", "x ≈ F^{−1}g"),
    ("05", "line", "search", "θ = θ_{old} + α^{i}Δ"),
    ("07 08", "new policy,", "fit critic", "π, V"),
]
LIT = {name: {name} for name in ("01", "02", "03", "04", "05", "06")}
LIT |= {"07": {"07 08"}, "08": {"07 08"}, "09": {box[0] for box in BOXES}, "00": {box[0] for box in BOXES}}
WIDTH, HEIGHT, GAP, TOP, LEFT = 106, 92, 14, 16, 16


def label(x: float, down: float, size: float, ink: str, text: str, style: str = "") -> str:
    """One centred line of text, `down` below the upper edge of its box."""
    place = f'x="{x}" y="{TOP + down}" font-size="{size}" fill="{ink}" text-anchor="middle"'
    return f"<text {place} {style}>{script(text, size)}</text>"


def draw(notebook: str) -> str:
    """The SVG source for one notebook."""
    total_width = 2 * LEFT + len(BOXES) * WIDTH + (len(BOXES) - 1) * GAP
    total_height = TOP + HEIGHT + 46
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width} {total_height}" '
        f'width="{total_width}" height="{total_height}" font-family="Helvetica, Arial, sans-serif" role="img">',
        "<title>The steps of one TRPO update in order, from a batch of experience to the new policy</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{GREY}"/></marker></defs>',
        f'<rect width="{total_width}" height="{total_height}" rx="10" fill="#FFFFFF"/>',
    ]
    for i, (number, first, second, formula) in enumerate(BOXES):
        x, middle = LEFT + i * (WIDTH + GAP), LEFT + i * (WIDTH + GAP) + WIDTH / 2
        lit = number in LIT[notebook]
        fill, text, faint = (BLUE, "#FFFFFF", "#FFFFFF") if lit else (PALE, INK, SOFT)
        edge, formula_ink = (BLUE, text) if lit else (RULE, SOFT)
        box = f'x="{x}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" rx="8"'
        parts += [
            f'<rect {box} fill="{fill}" stroke="{edge}"/>',
            label(middle, 18, 12, faint, number.replace(" ", " · ")),
            label(middle, 39, 14, text, first, 'font-weight="bold"'),
            label(middle, 56, 14, text, second, 'font-weight="bold"'),
            label(middle, 79, 12, formula_ink, formula, 'font-style="italic"'),
        ]
        if i:
            parts.append(
                f'<line x1="{x - GAP}" y1="{TOP + HEIGHT / 2}" x2="{x - 1}" y2="{TOP + HEIGHT / 2}" '
                f'stroke="{GREY}" stroke-width="1.5" marker-end="url(#tip)"/>'
            )
    left, right, bottom = LEFT + WIDTH / 2, total_width - LEFT - WIDTH / 2, TOP + HEIGHT
    parts += [
        f'<path d="M{right} {bottom} v16 q0 8 -8 8 H{left + 8} q-8 0 -8 -8 V{bottom + 3}" fill="none" '
        f'stroke="{GREY}" stroke-width="1.5" marker-end="url(#tip)"/>',
        f'<text x="{total_width / 2}" y="{bottom + 40}" font-size="13" fill="{SOFT}" text-anchor="middle">'
        "the next batch comes from the new policy: TRPO is on-policy</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    for notebook in LIT:
        (Path(__file__).parent / f"pipeline_{notebook}.svg").write_text(draw(notebook), encoding="utf8")
