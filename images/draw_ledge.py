"""Draw the mountain path of notebooks 01, 02, 03 and 05: python images/draw_ledge.py."""

import svg

from trpo_lib.classroom import ledge

LEFT, WIDTH, FLOOR, RISE = 176, 96, 268, 34  # of the stairs, in pixels
ROWS = 348  # where the table begins


def middle(place: int) -> float:
    """The middle of a place's step."""
    return LEFT + (place + 0.5) * WIDTH


def top(place: int) -> float:
    """The height of a place's step."""
    return FLOOR - 28 - place * RISE


def stairs(picture: svg.Picture) -> None:
    """Six steps, each with its number, and the walker on the lowest one."""
    for place in range(ledge.PLACES):
        x, y = LEFT + place * WIDTH, top(place)
        picture.add("rect", x=x, y=y, width=WIDTH, height=FLOOR - y, fill=svg.PALE, stroke=svg.RULE)
        picture.line([(x, y), (x + WIDTH, y)], svg.INK, width=2.4)
        picture.text(middle(place), y + 20, f"place {place}", size=14, font_weight="bold")
    x, y = LEFT + 20, top(0)
    picture.add("circle", cx=x, cy=y - 38, r=7, fill=svg.INK)
    picture.line([(x, y - 31), (x, y - 14), (x - 6, y)], svg.INK, width=2.4)
    picture.line([(x - 8, y - 22), (x + 8, y - 24)], svg.INK, width=2.4)
    picture.line([(x, y - 14), (x + 6, y)], svg.INK, width=2.4)


def curve(picture: svg.Picture, path: str, ink: str, **more) -> None:
    """A curved arrow."""
    picture.tips.add(ink)
    tip = f"url(#{svg.tip_id(ink)})"
    picture.add("path", d=path, fill="none", stroke=ink, stroke_width=2.2, marker_end=tip, **more)


def arrows(picture: svg.Picture) -> None:
    """Where the two actions lead from each place."""
    for place in range(ledge.PLACES - 1):
        x, y, up = LEFT + (place + 1) * WIDTH, top(place), top(place + 1)
        curve(picture, f"M{x - 26} {y - 6} Q{x - 22} {up - 22} {x + 10} {up - 6}", svg.BLUE)
        curve(picture, f"M{x + 30} {up - 6} Q{x - 6} {up - 46} {x - 42} {y - 6}", svg.SOFT, stroke_dasharray="5 4")
    x, y = LEFT, top(0)
    curve(
        picture,
        f"M{x + 6} {y - 8} C{x - 46} {y - 50} {x - 46} {y + 30} {x - 2} {y + 8}",
        svg.SOFT,
        stroke_dasharray="5 4",
    )
    x, y = LEFT + ledge.PLACES * WIDTH, top(ledge.PLACES - 1)
    fall = f"M{x - 22} {y - 6} C{x + 44} {y - 40} {x + 44} {y + 60} {x + 44} {FLOOR} "
    curve(
        picture,
        fall + f"Q{x + 44} {FLOOR + 34} {x} {FLOOR + 34} L{LEFT + 50} {FLOOR + 34} L{LEFT + 50} {FLOOR + 4}",
        svg.VERMILLION,
    )
    words = f"forward at place 5: over the edge, 1 − {ledge.FALL:g} = −9, and back to place 0"
    picture.text(LEFT + ledge.PLACES * WIDTH / 2 + 30, FLOOR + 25, words, size=14)
    picture.text(LEFT - 42, top(0) - 26, "back at place 0", size=14, anchor="end", ink=svg.SOFT)
    picture.text(LEFT - 42, top(0) - 8, "stays there", size=14, anchor="end", ink=svg.SOFT)


def table(picture: svg.Picture) -> None:
    """What a step earns, what the old policy does, and where it is."""
    pi = ledge.policy(ledge.THETA_OLD)
    rows = {
        "a step earns": [f"{place / (ledge.PLACES - 1):g}" for place in range(ledge.PLACES)],
        "π_{old}(forward)": [f"{p:.2f}" for p in pi[:, ledge.FORWARD].tolist()],
        "share of its time": [f"{p:.1%}" for p in ledge.MDP.occupancy(pi).tolist()],
    }
    for row, (name, cells) in enumerate(rows.items()):
        y = ROWS + 26 * row
        picture.text(LEFT - 18, y, name, size=14, ink=svg.SOFT, anchor="end")
        for place, cell in enumerate(cells):
            picture.text(middle(place), y, cell, size=14)
        picture.line([(40, y + 8), (LEFT + ledge.PLACES * WIDTH, y + 8)], svg.RULE, width=0.8)


def main() -> None:
    """Stairs, arrows, numbers."""
    picture = svg.Picture(880, 418, "A path of six places that ends at an edge: forward at place 5 falls to place 0")
    picture.line([(30, 44), (66, 44)], svg.BLUE, width=2.2, tip=True)
    picture.text(76, 49, "forward", size=14, anchor="start", ink=svg.BLUE, font_weight="bold")
    picture.line([(30, 70), (66, 70)], svg.SOFT, width=2.2, tip=True, stroke_dasharray="5 4")
    picture.text(76, 75, "back", size=14, anchor="start", ink=svg.SOFT, font_weight="bold")
    stairs(picture)
    arrows(picture)
    table(picture)
    picture.save("ledge")


if __name__ == "__main__":
    main()
