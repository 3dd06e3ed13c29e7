"""Draw the pipeline of TRPO once for each notebook, with that notebook's boxes lit: python images/draw_pipeline.py."""

from svg import BLUE, GREY, INK, PALE, RULE, SOFT, Picture

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
RIGHT, BOTTOM = LEFT + len(BOXES) * (WIDTH + GAP) - GAP, TOP + HEIGHT
TITLE = "The steps of one TRPO update in order, from a batch of experience to the new policy"


def box(picture: Picture, x: float, lit: bool, number: str, first: str, second: str, formula: str) -> None:
    """One step: which notebook, its name, and what flows out of it."""
    fill, edge, ink, faint = (BLUE, BLUE, "#FFFFFF", "#FFFFFF") if lit else (PALE, RULE, INK, SOFT)
    picture.add("rect", x=x, y=TOP, width=WIDTH, height=HEIGHT, rx=8, fill=fill, stroke=edge)
    middle = x + WIDTH / 2
    picture.text(middle, TOP + 18, number.replace(" ", " · "), size=12, ink=faint)
    picture.text(middle, TOP + 39, first, size=14, ink=ink, font_weight="bold")
    picture.text(middle, TOP + 56, second, size=14, ink=ink, font_weight="bold")
    picture.text(middle, TOP + 79, formula, size=12, ink=faint, font_style="italic")


def draw(notebook: str) -> Picture:
    """The pipeline with one notebook's boxes lit."""
    picture = Picture(RIGHT + LEFT, BOTTOM + 46, TITLE)
    for i, (number, *words) in enumerate(BOXES):
        x = LEFT + i * (WIDTH + GAP)
        box(picture, x, number in LIT[notebook], number, *words)
        if i:
            picture.line([(x - GAP, TOP + HEIGHT / 2), (x - 1, TOP + HEIGHT / 2)], GREY, width=1.5, tip=True)
    first, last, below = LEFT + WIDTH / 2, RIGHT - WIDTH / 2, BOTTOM + 24
    back = [(last, BOTTOM), (last, below), (first, below), (first, BOTTOM + 3)]
    picture.line(back, GREY, width=1.5, tip=True)
    words = "the next batch comes from the new policy: TRPO is on-policy"
    picture.text((LEFT + RIGHT) / 2, BOTTOM + 40, words, ink=SOFT)
    return picture


if __name__ == "__main__":
    for notebook in LIT:
        draw(notebook).save(f"pipeline_{notebook}")
