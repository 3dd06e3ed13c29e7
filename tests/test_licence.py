"""The licences, and every place that speaks of them, agree."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("LICENSE", "LICENSE-text", "CITATION.cff", "README.md")
TEXTS = {name: (ROOT / name).read_text(encoding="utf8") for name in FILES}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
TITLE = "Trust Region Policy Optimization, step by step"


def cited(field: str) -> list[str]:
    """What CITATION.cff says in a field: one value, or the list under it."""
    found = re.search(rf"^{field}:(.*(?:\n  - .*)*)", TEXTS["CITATION.cff"], re.MULTILINE)[1]
    return [part.strip() for part in found.split("\n  - ") if part.strip()]


def test_code_is_under_mit_and_the_texts_under_cc_by():
    assert TEXTS["LICENSE"].startswith("MIT License")
    assert "Attribution 4.0 International" in TEXTS["LICENSE-text"]
    assert "Section 8" in TEXTS["LICENSE-text"], "the legal text is cut short"
    assert PROJECT["license"] == "MIT"
    assert cited("license") == ["MIT", "CC-BY-4.0"]
    assert "[MIT license](LICENSE)" in TEXTS["README.md"]
    assert "[CC BY 4.0](LICENSE-text)" in TEXTS["README.md"]


def test_every_licence_file_goes_with_the_package():
    assert set(PROJECT["license-files"]) == {"LICENSE", "LICENSE-text"}


def test_title_authors_and_version_are_the_same_everywhere():
    assert TEXTS["README.md"].startswith(f"# {TITLE}")
    assert cited("title") == [TITLE]
    authors = PROJECT["authors"][0]["name"]
    assert f"name: {authors}" in TEXTS["CITATION.cff"]
    assert authors.lower() in TEXTS["LICENSE"].lower()
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf8"), re.MULTILINE)[1]
    assert cited("version") == [PROJECT["version"]] == [newest]
