"""Write one self-contained HTML file for a notebook."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import jinja2
import nbformat

from slides import deck, render

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
NOTEBOOKS = ROOT / "notebooks"
MODULES = FOLDER / "node_modules"
SCRIPTS = ("reveal.js/dist/reveal.js", "reveal.js/plugin/notes/notes.js", "mathjax/es5/tex-svg-full.js")
STYLES = ("reveal.js/dist/reset.css", "reveal.js/dist/reveal.css")
SANS = "@fontsource-variable/source-sans-3/files/source-sans-3-{}-wght-{}.woff2"
MONO = "@fontsource/dejavu-mono/files/dejavu-mono-latin-{}-normal.woff2"
LATIN, GREEK = "U+0000-024F, U+2000-206F, U+20AC, U+2122", "U+0370-03FF"
FONTS = (
    ("Slide Sans", "200 900", "normal", LATIN, SANS.format("latin", "normal")),
    ("Slide Sans", "200 900", "italic", LATIN, SANS.format("latin", "italic")),
    ("Slide Sans", "200 900", "normal", GREEK, SANS.format("greek", "normal")),
    ("Slide Mono", "400", "normal", "U+0000-1FFFF", MONO.format(400)),
)


def build(notebook: Path, folder: Path = FOLDER) -> Path:
    """Build the deck of one notebook of the course; returns the file."""
    target = folder / f"{notebook.stem}.html"
    styles = [*map(asset, STYLES), fonts(), (FOLDER / "theme.css").read_text(encoding="utf8")]
    scripts = [*map(asset, SCRIPTS), (FOLDER / "present.js").read_text(encoding="utf8")]
    target.write_text(page(notebook, styles, scripts), encoding="utf-8")
    return target


def page(notebook: Path, styles: list[str], scripts: list[str]) -> str:
    """The HTML of a deck, with the given style sheets and scripts in it."""
    decks = frozenset(path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
    source = render.Source(notebook.resolve().parent, decks)
    slides = deck.slides_of(nbformat.read(notebook, as_version=4), source)
    title = re.search(r"<h1[^>]*>(.*?)</h1>", slides[0].pieces[0][1])
    if title is None:
        raise ValueError(f"{notebook}: the first slide needs the notebook's title, a heading that begins with one #")
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        (FOLDER / "deck.html.j2").read_text(encoding="utf8")
    )
    return template.render(
        title=re.sub(r"<[^>]+>", "", title[1]),
        columns=columns(slides),
        drawing=drawing(notebook.stem[:2]),
        styles=styles,
        configuration=(FOLDER / "mathjax.js").read_text(encoding="utf8"),
        scripts=scripts,
    )


def columns(slides: list[deck.Slide]) -> list[list[deck.Slide]]:
    """Group slides: each `slide` starts a column, its `subslide`s stand below it."""
    grouped: list[list[deck.Slide]] = []
    for slide in slides:
        if slide.starts_column:
            grouped.append([])
        grouped[-1].append(slide)
    return grouped


def drawing(number: str) -> str:
    """The pipeline with this notebook's box lit, as a symbol that every slide shows in its corner."""
    svg = (ROOT / f"images/pipeline_{number}.svg").read_text(encoding="utf8")
    svg = re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL)
    return re.sub(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", r'<symbol id="pipeline" \1>', svg).replace(
        "</svg>", "</symbol>"
    )


@cache
def asset(name: str) -> str:
    """A script or style sheet of an npm package, safe inside an HTML element."""
    install()
    text = (MODULES / name).read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=\S+", "", text).replace("</script", r"<\/script")


@cache
def fonts() -> str:
    """The typefaces, so that a deck has the same line breaks on every machine."""
    install()
    faces = []
    for family, weight, style, characters, name in FONTS:
        address = render.data_address("font/woff2", (MODULES / name).read_bytes())
        faces.append(
            f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-style: {style}; '
            f"unicode-range: {characters}; src: url({address}) format('woff2'); }}"
        )
    return "\n".join(faces)


@cache
def install() -> None:
    """Fetch the packages of package-lock.json unless they are there already."""
    stamp, wanted = MODULES / ".package-lock.json", FOLDER / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= wanted.stat().st_mtime:
        return
    beside = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    npm = shutil.which("npm", path=beside)
    if npm is None:
        raise RuntimeError("npm is needed once: install Node.js, or pip install -r slides/requirements.txt")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=FOLDER, env={**os.environ, "PATH": beside}, check=True)
