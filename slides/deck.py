"""From a notebook's cells to its slides: which cells are shown, where a slide begins, what appears step by step.

The cells' `slideshow.slide_type` decides: slide, subslide, fragment, skip, notes, or none ("goes on"). Comments inside
a markdown cell, which no reader of the notebook sees, refine it:

    <!-- notes: … -->               what the speaker reads
    <!-- slide: … -->               shown on the slide alone
    <!-- page --> … <!-- /page -->  shown in the notebook alone
    <!-- next -->                   what follows appears one step later

and so do a code cell's tags: `slide-no-code`, `slide-no-output`, `slide-output-next` (the output comes one step later),
`setup` and `exercise` (a preparation, a stub: never on a slide).
"""

import re
from dataclasses import dataclass, field

import nbformat

from slides import render

NOTES = re.compile(r"<!--\s*notes:\s*(.*?)\s*-->", re.DOTALL)
SLIDE_ONLY = re.compile(r"<!--\s*slide:\s*(.*?)\s*-->", re.DOTALL)
PAGE_ONLY = re.compile(r"<!--\s*page\s*-->.*?<!--\s*/page\s*-->", re.DOTALL)
NEXT = re.compile(r"<!--\s*next\s*-->")
NEVER = {"setup", "exercise"}


@dataclass
class Slide:
    """One slide: pieces of HTML in order, each with whether it waits for a key; and what the speaker says."""

    starts_column: bool
    cell: int
    heading: str = ""
    pieces: list[tuple[bool, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, html: str, waits: bool, cell: int) -> None:
        """Append a piece of a cell, or extend the last one when it does not wait."""
        if not html.strip():
            return
        html = f'<div class="cell" data-cell="{cell}">\n{html}\n</div>'
        if waits or not self.pieces:
            self.pieces.append((waits, html))
        else:
            waited, before = self.pieces[-1]
            self.pieces[-1] = (waited, before + html)


def kind_of(cell: nbformat.NotebookNode) -> str:
    """The cell's slide type; exercises and preparations are skipped whatever it says."""
    if NEVER & set(cell.metadata.get("tags", [])):
        return "skip"
    return cell.metadata.get("slideshow", {}).get("slide_type", "-") if cell.cell_type != "raw" else "skip"


def slides_of(notebook: nbformat.NotebookNode, source: render.Source) -> list[Slide]:
    """All slides of a notebook in order."""
    slides: list[Slide] = []
    for number, cell in enumerate(notebook.cells):
        kind = kind_of(cell)
        if kind == "skip":
            continue
        if kind in ("slide", "subslide") or not slides:
            slides.append(Slide(starts_column=kind != "subslide" or not slides, cell=number))
        slide = slides[-1]
        if cell.cell_type == "code":
            add_code(slide, cell, number, kind == "fragment")
        elif kind == "notes":
            slide.notes.append(render.markdown(cell.source, source)[0])
        else:
            add_markdown(slide, cell.source, number, kind == "fragment", source)
    return with_headings(slides)


def add_markdown(slide: Slide, text: str, number: int, waits: bool, source: render.Source) -> None:
    """Put a markdown cell on a slide, and what is folded or meant for the speaker into its notes."""
    notes = NOTES.findall(text)
    text = SLIDE_ONLY.sub(r"\1", PAGE_ONLY.sub("", NOTES.sub("", text)))
    for step, part in enumerate(NEXT.split(text)):
        html, folded = render.markdown(part, source)
        slide.add(html, waits or step > 0, number)
        slide.notes += folded
    slide.notes += [render.markdown(note, source)[0] for note in notes]


def add_code(slide: Slide, cell: nbformat.NotebookNode, number: int, waits: bool) -> None:
    """Put a code cell and its stored outputs on a slide."""
    tags = cell.metadata.get("tags", [])
    shows_code = "slide-no-code" not in tags
    if shows_code:
        slide.add(render.code(cell.source), waits, number)
    if "slide-no-output" not in tags:
        later = "slide-output-next" in tags or (waits and not shows_code)
        slide.add(render.outputs(cell.outputs), later, number)


def with_headings(slides: list[Slide]) -> list[Slide]:
    """Give every slide that goes on with a section that section's heading, for the foot of the slide."""
    section = ""
    for slide in slides:
        found = re.search(r"<h2[^>]*>(.*?)</h2>", "".join(html for _, html in slide.pieces), re.DOTALL)
        section = found[1] if found else section
        slide.heading = "" if found else section
    return slides
