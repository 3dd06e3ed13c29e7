"""The one visual language of the pictures: a white card, one palette, text that any browser can set.

The card carries its own background, so a picture looks the same on a light and on a dark page. Coordinates are pixels
of a page 880 wide. In texts, `_{…}` is a subscript and `^{…}` a superscript.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from trpo_lib.classroom.plotting import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

__all__ = ["BLUE", "GREEN", "ORANGE", "PURPLE", "SKY", "VERMILLION"]  # the palette of the notebooks' figures
INK, SOFT, GREY, RULE, PALE = "#1B2733", "#4A5560", "#8A939B", "#D3D9DE", "#F2F4F6"
FOLDER = Path(__file__).parent


class Picture:
    """Shapes on a card, in the order in which they are added.

    Args:
        width, height: of the card.
        title: what a screen reader says.
    """

    def __init__(self, width: float, height: float, title: str):
        self.tips: set[str] = set()
        self.head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="Helvetica, Arial, sans-serif" role="img">\n<title>{escape(title)}</title>'
        )
        self.parts = [f'<rect width="{width}" height="{height}" rx="10" fill="#FFFFFF"/>']

    def add(self, tag: str, inside: str = "", **attributes) -> None:
        """An element; `stroke_width=2` becomes `stroke-width="2"`, and what is None is left out."""
        written = "".join(
            f' {name.replace("_", "-")}="{number(value)}"' for name, value in attributes.items() if value is not None
        )
        self.parts.append(f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>")

    def text(self, x: float, y: float, words: str, *, size=13, ink=INK, anchor="middle", **attributes) -> None:
        """One line of text."""
        self.add("text", script(words, size), x=x, y=y, font_size=size, fill=ink, text_anchor=anchor, **attributes)

    def line(self, points: Iterable[Sequence[float]], ink: str, *, width=2.0, fill="none", tip=False, **more) -> None:
        """A line through points; with `tip`, an arrow."""
        path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        if tip:
            self.tips.add(ink)
            more["marker_end"] = f"url(#{tip_id(ink)})"
        self.add("path", d=path, fill=fill, stroke=ink, stroke_width=width, stroke_linejoin="round", **more)

    def area(self, points: Iterable[Sequence[float]], ink: str, opacity: float = 0.25, **more) -> None:
        """A filled shape without an edge."""
        path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points) + " Z"
        self.add("path", d=path, fill=ink, fill_opacity=opacity, **more)

    def dot(self, point: Sequence[float], ink: str, radius: float = 4.5) -> None:
        """A filled circle with a thin white edge, so that it stands out on a line."""
        self.add("circle", cx=point[0], cy=point[1], r=radius, fill=ink, stroke="#FFFFFF", stroke_width=1.2)

    def cross(self, x: float, y: float, ink: str = VERMILLION, size: float = 5) -> None:
        """A cross: refused."""
        self.line([(x - size, y - size), (x + size, y + size)], ink, width=2.4, stroke_linecap="round")
        self.line([(x - size, y + size), (x + size, y - size)], ink, width=2.4, stroke_linecap="round")

    def tick(self, x: float, y: float, ink: str = BLUE, size: float = 5) -> None:
        """A tick: passed."""
        points = [(x - size, y), (x - size / 3, y + size * 0.8), (x + size, y - size)]
        self.line(points, ink, width=2.4, stroke_linecap="round")

    def save(self, name: str) -> None:
        """Write `name`.svg beside this file."""
        tips = "".join(
            f'<marker id="{tip_id(ink)}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="11" markerHeight="11" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{ink}"/></marker>'
            for ink in sorted(self.tips)
        )
        defs = [f"<defs>{tips}</defs>"] if tips else []
        text = "\n".join([self.head, *defs, *self.parts, "</svg>"])
        (FOLDER / f"{name}.svg").write_text(text + "\n", encoding="utf8")


class Panel:
    """A part of a picture with data coordinates: x to the right, y upwards."""

    def __init__(self, picture: Picture, left, top, width, height, xlim: Sequence[float], ylim: Sequence[float]):
        self.picture, self.left, self.top, self.width, self.height = picture, left, top, width, height
        self.xlim, self.ylim = xlim, ylim

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        (x0, x1), (y0, y1) = self.xlim, self.ylim
        return self.left + self.width * (x - x0) / (x1 - x0), self.top + self.height * (y1 - y) / (y1 - y0)

    def points(self, xs, ys) -> list[tuple[float, float]]:
        """Pixels of points, cut off above and below the panel."""
        low, high = self.ylim
        return [self.at(float(x), min(max(float(y), low), high)) for x, y in zip(xs, ys, strict=True)]

    def curve(self, xs, ys, ink: str, **more) -> None:
        """A line through data points."""
        self.picture.line(self.points(xs, ys), ink, **more)

    def frame(self, xlabel: str, ylabel: str = "", xticks: Sequence = (), yticks: Sequence = ()) -> None:
        """Two axes with words; a tick is a number, or a pair of a number and what to write."""
        x0, y0, x1, y1 = self.left, self.top, self.left + self.width, self.top + self.height
        self.picture.line([(x0, y0), (x0, y1), (x1, y1)], GREY, width=1)
        for tick in xticks:
            value, words = tick if isinstance(tick, tuple) else (tick, number(tick))
            x = self.at(value, self.ylim[0])[0]
            self.picture.line([(x, y1), (x, y1 + 4)], GREY, width=1)
            self.picture.text(x, y1 + 18, words, size=12, ink=SOFT)
        for tick in yticks:
            value, words = tick if isinstance(tick, tuple) else (tick, number(tick))
            y = self.at(self.xlim[0], value)[1]
            self.picture.line([(x0, y), (x1, y)], RULE, width=0.7)
            self.picture.text(x0 - 7, y + 4, words, size=12, ink=SOFT, anchor="end")
        self.picture.text((x0 + x1) / 2, y1 + (36 if xticks else 20), xlabel, size=13, ink=SOFT)
        if ylabel:
            self.picture.text(x0, y0 - 9, ylabel, size=13, ink=SOFT, anchor="start")


def number(value) -> str:
    """A number as short as its pixel precision allows; text as it is."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def tip_id(ink: str) -> str:
    """The name of the arrow's tip in that colour."""
    return "tip" + ink.strip("#")


def script(words: str, size: float) -> str:
    """Raised and lowered letters as tspans: the Unicode ones are missing in many fonts."""
    written, now = "", 0.0
    for kind, inside, plain in re.findall(r"([_^])\{([^}]*)\}|([^_^]+)", escape(words, quote=False)):
        wanted = {"_": 0.25, "^": -0.38}.get(kind, 0.0) * size
        small = f' font-size="{0.72 * size:.1f}"' if kind else ""
        written += f'<tspan dy="{wanted - now:.1f}"{small}>{inside or plain}</tspan>' if kind or now else plain
        now = wanted
    return written
