"""Every deck, stepped through with the keyboard and printed; and the faults that the look at it must find."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from slides import browser, build

COURSE = sorted(build.NOTEBOOKS.glob("[0-9]*.ipynb"))
DERIVATION = (
    r"$$\begin{aligned} a &= b && \text{(first)} \\ &= c && \text{(second)} \\ &= d && \text{(third)} \end{aligned}"
)
PAIR = r"$$\begin{aligned} a &= b \\ &= c \end{aligned}$$ $$\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}$$"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """All decks side by side, since they link to each other."""
    folder = tmp_path_factory.mktemp("decks")
    for path in COURSE:
        build.build(path, folder)
    return folder


@pytest.fixture
def look(chromium, tmp_path):
    """Sources of markdown cells, each a slide -> what is seen of the deck of a notebook that consists of them."""

    def look(*sources, outputs=()):
        cells = [new_markdown_cell(source, metadata={"slideshow": {"slide_type": "slide"}}) for source in sources]
        if outputs:
            cells.append(new_code_cell("x", metadata={"slideshow": {"slide_type": "slide"}}, outputs=list(outputs)))
        nbformat.write(new_notebook(cells=cells), tmp_path / "03_faulty.ipynb")
        return browser.walk(chromium, build.build(tmp_path / "03_faulty.ipynb", tmp_path))

    return look


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_a_deck_steps_to_its_end_without_overflow_raw_tex_or_error(path, chromium, folder):
    report = browser.walk(chromium, folder / f"{path.stem}.html")
    assert not report.problems(), "\n".join(["", *report.problems()])


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_a_deck_prints_one_page_a_slide_with_every_line_shown(path, chromium, folder):
    page, console = browser.open_deck(chromium, folder / f"{path.stem}.html", "?print-pdf")
    page.emulate_media(media="print")
    hidden = "e => !e.checkVisibility({opacityProperty: true, visibilityProperty: true})"
    assert page.evaluate(f"[...document.querySelectorAll('.fragment')].filter({hidden}).length") == 0
    slides = page.evaluate("Reveal.getTotalSlides()")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == slides
    assert not console


def test_links_on_slides_lead_to_decks_that_open(chromium, folder):
    page, console = browser.open_deck(chromium, folder / f"{COURSE[0].stem}.html")
    page.locator(f"section.present a[href='{COURSE[1].stem}.html']").first.click()
    page.wait_for_function("document.documentElement.dataset.ready === 'true'")
    assert page.url.endswith(f"{COURSE[1].stem}.html")
    page.close()
    assert not console


def test_the_speaker_sees_the_notes_from_disk(chromium, look, tmp_path):
    look("# A\n\n<!-- notes: Ask for $x$, *twice*. -->")
    page, _ = browser.open_deck(chromium, tmp_path / "03_faulty.html")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    notes = popup.value.locator(".speaker-controls-notes .value")
    notes.locator("em", has_text="twice").wait_for()
    assert notes.locator("mjx-container svg").count() == 1
    popup.value.close()
    page.close()


def test_derivations_of_three_lines_or_more_unfold_line_by_line(look):
    report = look("# A", DERIVATION + "$$", DERIVATION + r" \tag{3.1}$$", PAIR)
    assert [slide["steps"] for slide in report.slides] == [0, 2, 2, 0]
    assert not report.problems()


def test_what_follows_a_derivation_appears_with_its_last_line(chromium, look, tmp_path):
    note = f"<!-- notes: {DERIVATION}$$ -->"
    look(f"# A\n\n{DERIVATION}$$\n\nHence.\n\n{DERIVATION}$$\n\nThus. {note}")
    page, _ = browser.open_deck(chromium, tmp_path / "03_faulty.html")
    seen = []
    for _ in range(5):
        seen.append([page.locator("p", has_text=word).is_visible() for word in ("Hence", "Thus")])
        page.keyboard.press("Space")
    page.close()
    assert seen == [[False, False], [False, False], [True, False], [True, False], [True, True]]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("long\n\n" * 30, r"slide 2 .*\(cell 1\): overflow: \d+ px too far down: <p> \"long\" \[heights: cell 1: \d+"),
        ("$" + "x + " * 120 + "x$", "overflow: [0-9]+ px too far right: formula x"),
        ("<pre>" + "wide " * 50 + "</pre>", "overflow: [0-9]+ px too far right: <pre>"),
        ("Price: 5$ a line", r"raw TeX: Price: 5\$"),
        (r"half is \frac{1}{2}", r"raw TeX: half is \\frac"),
        (r"$\undefinedmacro$", "formula that MathJax refuses: Undefined control sequence"),
        (r"$\frac{1}$", "formula that MathJax refuses: Missing argument"),
        ("<script>console.error('broken')</script>", "console: broken"),
        ('<iframe src="http://127.0.0.1:9/x"></iframe>', "asks the network for http"),
    ],
)
def test_a_fault_is_found_and_its_place_named(source, complaint, look):
    problems = look("# A", source).problems()
    assert any(re.search(complaint, problem) for problem in problems), problems
    assert all(problem.startswith("03_faulty: ") for problem in problems)


def test_a_picture_that_cannot_be_shown_is_found(look):
    report = look("# A", outputs=[new_output("display_data", data={"image/png": "iVBORw0KGgo="})])
    assert report.problems() == ["03_faulty: slide 2 «A» (cell 1): missing picture: Figure"]
