"""From one cell to HTML that needs no other file: markdown, code, stored outputs, and pictures as data."""

import base64
import html
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

OUTPUT_LINES = 14


@dataclass(frozen=True)
class Source:
    """Where a notebook lies, for its pictures, and the names of the notebooks that have decks, for its links."""

    folder: Path
    decks: frozenset[str] = frozenset()


def markdown(text: str, source: Source) -> tuple[str, list[str]]:
    """Markdown -> HTML for a slide, and the `<details>` in it, which go to the speaker's notes."""
    page = MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(text)
    soup = BeautifulSoup(page, "html.parser")
    for link in soup.find_all("a", href=True):
        rewrite_link(link, source)
    for image in soup.find_all("img"):
        image["src"] = as_data(source.folder / image["src"])
    folded = [details.extract() for details in soup.find_all("details")]
    return str(soup), [details.decode_contents() for details in folded]


def rewrite_link(link, source: Source) -> None:
    """Notebooks with a deck -> the deck; addresses stay; files beside the notebook -> plain text."""
    target = link["href"].split("#")[0]
    if target in source.decks:
        link["href"] = target.removesuffix(".ipynb") + ".html"
    elif link["href"].startswith("http"):
        link["target"] = "_blank"
    else:
        link.unwrap()


def as_data(path: Path) -> str:
    """A picture's file -> an address that contains the picture."""
    return data_address(mimetypes.guess_type(path.name)[0], path.read_bytes())


def data_address(kind: str, content: bytes) -> str:
    """Bytes -> a data: address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def code(text: str) -> str:
    """Python -> highlighted HTML; two empty lines become one, which saves room."""
    return highlight(re.sub(r"\n{3,}", "\n\n", text), PythonLexer(), HtmlFormatter(cssclass="code"))


def outputs(stored: list) -> str:
    """What a cell printed and drew; a long text is cut after `OUTPUT_LINES` lines, and says so."""
    return "".join(output(one) for one in stored if one.get("name") != "stderr")


def output(one) -> str:
    """One stored output."""
    data = one.get("data", {})
    if "image/png" in data:
        return f'<img class="figure" alt="Figure" src="data:image/png;base64,{data["image/png"].replace(chr(10), "")}">'
    text = one.get("text") or data.get("text/plain") or f"{one.get('ename')}: {one.get('evalue')}"
    lines = text.rstrip("\n").split("\n")
    if len(lines) > OUTPUT_LINES:
        left = len(lines) - OUTPUT_LINES + 1
        lines = [*lines[: OUTPUT_LINES - 1], f"… {left} more lines in the notebook"]
    return f'<pre class="output">{html.escape(chr(10).join(lines))}</pre>'
