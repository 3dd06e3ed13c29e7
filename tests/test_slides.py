"""Notebook cells become slides (what a browser shows of them is looked at in tests/browser)."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from slides import build, deck, render

COURSE = sorted(build.NOTEBOOKS.glob("[0-9]*.ipynb"))
SOURCE = render.Source(build.NOTEBOOKS, frozenset({"04_conjugate_gradient.ipynb"}))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def text(kind, source):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


def code(kind, source, printed="", tags=()):
    outputs = [new_output("stream", name="stdout", text=printed)] if printed else []
    metadata = {"slideshow": {"slide_type": kind}, "tags": list(tags)}
    return new_code_cell(source, metadata=metadata, outputs=outputs)


def slides_of(*cells):
    return deck.slides_of(nbformat.v4.new_notebook(cells=list(cells)), SOURCE)


def shown(slide):
    return "".join(html for _, html in slide.pieces)


def test_skipped_cells_exercises_and_preparations_are_absent():
    stub = "def f(x):\n    raise NotImplementedError"
    cells = text("slide", "# A"), text("skip", "gone")
    cells += code("fragment", stub, tags=["exercise"]), code("slide", "classroom.setup()", tags=["setup"])
    (slide,) = slides_of(*cells, text("fragment", "stays"))
    assert "stays" in shown(slide)
    for word in ("gone", "NotImplementedError", "setup"):
        assert word not in shown(slide)


def test_slides_and_subslides_begin_a_slide_and_slides_a_column():
    slides = slides_of(text("slide", "# A"), text("subslide", "b"), text("fragment", "c"), text("slide", "## D"))
    assert [len(column) for column in build.columns(slides)] == [2, 1]
    assert [slide.cell for slide in slides] == [0, 1, 3]


def test_fragments_wait_and_cells_without_a_type_go_on():
    (slide,) = slides_of(text("slide", "one"), text("fragment", "two"), text("-", "three"), new_markdown_cell("four"))
    assert [waits for waits, _ in slide.pieces] == [False, True]
    assert all(word in slide.pieces[1][1] for word in ("two", "three", "four"))


def test_notes_go_to_the_speaker_and_not_to_the_slide():
    source = "# A\n\n<!-- notes: Ask *why*.\n\nThree minutes. -->\n\nText"
    (slide,) = slides_of(text("slide", source), text("notes", "And this."))
    assert "<em>why</em>" in slide.notes[0]
    assert "Three minutes" in slide.notes[0]
    assert "And this" in slide.notes[1]
    assert "why" not in shown(slide)
    assert "And this" not in shown(slide)


def test_comments_choose_between_slide_and_page():
    source = (
        "# A\n\n<!-- page -->\n\nlong prose\n\n<!-- /page -->\n\n<!-- slide: - **short** -->\n\n<!-- next -->\n\nlater"
    )
    (slide,) = slides_of(text("slide", source))
    assert "long prose" not in shown(slide)
    assert "<strong>short</strong>" in slide.pieces[0][1]
    assert "later" in slide.pieces[1][1]
    assert slide.pieces[1][0]


def test_folded_parts_go_to_the_notes():
    (slide,) = slides_of(text("slide", "# A\n\n<details><summary>Proof</summary>\n\nlong **algebra**\n\n</details>"))
    assert "algebra" not in shown(slide)
    assert "<strong>algebra</strong>" in slide.notes[0]


@pytest.mark.parametrize(
    ("tags", "waits", "words"),
    [
        ([], [False, True], ["A", "x = 1 then 5"]),
        (["slide-no-code"], [False, True], ["A", "5"]),
        (["slide-no-output"], [False, True], ["A", "x = 1"]),
        (["slide-output-next"], [False, True, True], ["A", "x = 1", "5"]),
    ],
)
def test_tags_choose_what_of_a_code_cell_is_shown_and_when(tags, waits, words):
    (slide,) = slides_of(text("slide", "A"), code("fragment", "x = 1", "5", tags))
    assert [waiting for waiting, _ in slide.pieces] == waits
    for (_, html), expected in zip(slide.pieces, words, strict=True):
        plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()
        assert plain == expected.replace(" then", "")


def test_long_outputs_are_cut_and_say_so():
    printed = "\n".join(f"row {i}" for i in range(40))
    (slide,) = slides_of(code("slide", "x", printed))
    assert "row 12" in shown(slide)
    assert "row 13" not in shown(slide)
    assert "… 27 more lines in the notebook" in shown(slide)


def test_what_was_printed_is_text_and_not_html():
    assert "&lt;b&gt;" in render.output(new_output("stream", text="<b>"))


def test_figures_are_embedded_and_progress_bars_are_not_shown():
    figure = new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"})
    html = render.outputs([figure, new_output("stream", name="stderr", text="100%")])
    assert f"data:image/png;base64,{PIXEL}" in html
    assert "100%" not in html
    assert "&lt;Figure" not in html


def test_links_lead_to_decks_or_become_text():
    source = "[next](04_conjugate_gradient.ipynb#x) [paper](https://arxiv.org/abs/1) [file](solutions/04.ipynb)"
    html, _ = render.markdown(source, SOURCE)
    assert 'href="04_conjugate_gradient.html"' in html
    assert 'href="https://arxiv.org/abs/1"' in html
    assert "solutions" not in html
    assert "file" in html


def test_a_slide_that_goes_on_with_a_section_says_with_which():
    slides = slides_of(text("slide", "## 1 · First"), text("subslide", "b"), text("slide", "## 2 · Second"))
    assert [slide.heading for slide in slides] == ["", "1 · First", ""]


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_decks_contain_all_that_they_show(path):
    page = build.page(path, [(build.FOLDER / "theme.css").read_text(encoding="utf8")], [])
    assert "<link" not in page
    assert not re.search(r"""\bsrc=["'](?!data:)|url\((?!data:|#)|@import""", page)
    assert page.count('<use href="#pipeline"') == page.count("data-cell") - page.count('class="cell"') - 1
    for target in re.findall(r'href="([^"#]+)"', page):
        assert target.startswith("https://") or (build.NOTEBOOKS / target).with_suffix(".ipynb").exists(), target


def test_a_deck_needs_a_title(tmp_path):
    path = tmp_path / "03_untitled.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[text("slide", "no heading")]), path)
    with pytest.raises(ValueError, match=r"03_untitled\.ipynb: the first slide needs the notebook's title"):
        build.page(path, [], [])


def test_packages_are_pinned_and_no_registry_is_named():
    lock = (build.FOLDER / "package-lock.json").read_text(encoding="utf8")
    assert "resolved" not in lock
    assert not re.search(r': "[\^~*]', (build.FOLDER / "package.json").read_text(encoding="utf8"))


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_a_deck_is_a_talk_and_not_the_notebook(path):
    slides = deck.slides_of(nbformat.read(path, as_version=4), render.Source(path.parent))
    assert 15 <= len(slides) <= 30
