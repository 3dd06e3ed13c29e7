"""What a reader sees in JupyterLab, after Run > Restart Kernel and Run All Cells, of every notebook."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.browser import lab

NOTEBOOKS = lab.ROOT / "notebooks"
COURSE = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
PATHS = [str(path.relative_to(lab.ROOT)) for path in COURSE + sorted(NOTEBOOKS.glob("solutions/*.ipynb"))]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def markdown(path: str) -> str:
    """The text of a notebook."""
    cells = nbformat.read(lab.ROOT / path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("path", PATHS)
def test_runs_without_an_error_and_shows_all_formulas_and_pictures(path, reader, course):
    reader.open(path)
    try:
        reader.restart_and_run_all()
        seen = reader.look()
    finally:
        reader.close()
    assert not seen["problems"], "\n".join([f"{path}:", *seen["problems"]])
    assert seen["formulas"] or "$" not in markdown(path), path
    assert seen["links"], path
    missing = [link for link in seen["links"] if not (course / link).exists()]
    assert not missing, f"{path}: links that lead nowhere: {missing}"


def test_a_link_opens_the_next_notebook(reader):
    reader.open(PATHS[0])
    reader.follow(COURSE[1].name)
    reader.close()


def test_faults_are_found_and_their_cells_named(reader, course):
    faults = ["5$ a line", r"$\frac{1}$", r"$\nosuchmacro$", "![nothing](nothing.svg)", "[gone](data/gone.csv)"]
    cells = [new_markdown_cell(fault) for fault in faults]
    cells += [new_code_cell("x = 1\nassert x == 2, 'not two'"), new_code_cell("print(x)")]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, course / "notebooks/faulty.ipynb")
    reader.open("notebooks/faulty.ipynb")
    reader.restart_and_run_all()
    seen = reader.look(seconds=3)
    reader.close()
    expected = [
        "cell 0 «5$ a line»: raw TeX: 5$ a line",
        r"cell 1 «$\frac{1}$»: formula that MathJax refuses",
        r"cell 2 «$\nosuchmacro$»: formula that MathJax refuses",
        "cell 3 «![nothing](nothing.svg)»: missing picture: nothing",
        "cell 5 «x = 1»: AssertionError: not two",
        "cell 6 «print(x)»: was not run",
    ]
    assert len(seen["problems"]) == len(expected), seen["problems"]
    for problem, beginning in zip(seen["problems"], expected, strict=True):
        assert problem.startswith(beginning)
    assert seen["links"] == ["notebooks/data/gone.csv"]


def test_a_cell_that_does_not_end_is_named(reader, course, monkeypatch):
    monkeypatch.setattr(lab, "SECONDS_TO_RUN", 3)
    cells = [new_code_cell("import time\ntime.sleep(1000)")]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), course / "notebooks/endless.ipynb")
    reader.open("notebooks/endless.ipynb")
    with pytest.raises(AssertionError, match=r"endless.*did not finish within 3 s .*cell 0 «import time»"):
        reader.restart_and_run_all()
    reader.close()
