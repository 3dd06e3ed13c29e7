"""Open decks in a headless Chromium, step through them with the keyboard, and say what is wrong on which slide."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf8")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
FLAGS += ("--disable-component-update", "--disable-sync", "--force-device-scale-factor=1")
SIZE = {"width": 1280, "height": 720}
MOST_STEPS = 600


@dataclass
class Report:
    """What was seen of one deck."""

    name: str
    slides: list[dict] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """One sentence for each problem: deck, slide number, heading, notebook cell, what."""
        found = [f"{self.name}: console: {message}" for message in self.console]
        for slide in self.slides:
            place = f"{self.name}: slide {slide['number']} «{slide['heading']}» (cell {slide['cell']}): "
            found += [place + problem for problem in slide["problems"]]
        return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, without a window."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("no Chromium found: install Debian's package chromium, or set CHROMIUM to a browser's path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def open_deck(browser: Browser, deck: Path, query: str = "") -> tuple[Page, list[str]]:
    """A page that shows a deck ready to present, and the list into which its errors are written."""
    page = browser.new_page(viewport=SIZE)
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("request", lambda request: refuse_network(request.url, console))
    page.goto(deck.resolve().as_uri() + query)
    page.wait_for_function("document.documentElement.dataset.ready === 'true'", timeout=120_000)
    return page, console


def refuse_network(address: str, console: list[str]) -> None:
    """A deck is self-contained: whatever it asks for beside its own file is an error."""
    if not address.startswith(("file:", "data:", "about:", "blob:")):
        console.append(f"asks the network for {address}")


def walk(browser: Browser, deck: Path, pictures: Path | None = None) -> Report:
    """Step through a deck from the first slide to the last; measure each slide when all of it is shown."""
    page, console = open_deck(browser, deck)
    report = Report(deck.stem, console=console)
    for _ in range(MOST_STEPS):
        if page.evaluate("!Reveal.availableFragments().next"):
            report.slides.append(page.evaluate(MEASURE))
            if pictures:
                page.screenshot(path=pictures / f"{deck.stem}-{report.slides[-1]['number']:02d}.png")
            if page.evaluate("Reveal.isLastSlide()"):
                break
        before = page.evaluate("JSON.stringify(Reveal.getIndices())")
        page.keyboard.press("Space")
        page.wait_for_function("before => JSON.stringify(Reveal.getIndices()) !== before", arg=before, timeout=10_000)
    else:
        console.append(f"the last slide was not reached after {MOST_STEPS} key presses")
    page.close()
    return report
