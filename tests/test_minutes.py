"""The minutes of reading that a notebook states are those of the map in 00 and of the table in README."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COURSE = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def prose(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def minutes_in_table(text: str, name: str) -> str:
    """The last column of the row that links to a notebook."""
    return re.search(rf"^\|.*\({name}\.ipynb\).*\|\s*(\d+)\s*\|\s*$", text, re.MULTILINE)[1]


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_a_notebook_states_the_minutes_that_the_tables_give(path):
    stated = re.search(r"[Rr]eading takes about (\d+) minutes", prose(path))[1]
    assert minutes_in_table((ROOT / "README.md").read_text(encoding="utf8"), f"notebooks/{path.stem}") == stated
    if path != COURSE[0]:
        assert minutes_in_table(prose(COURSE[0]), path.stem) == stated
