"""Text is read and written as UTF-8 wherever the course runs, and a terminal that lacks a sign ends no command."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trpo_lib import TRPO, TRPOConfig

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("trpo_lib", "tests", "notebooks", "slides", "images", "benchmarks")
PROGRAMS = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]


def opens_text_without_encoding(call: ast.Call) -> bool:
    """`read_text`, `write_text`, and `open` with a text mode; binary modes and other objects' `open` do not count."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if name == "read_text":
        return not call.args
    if name == "write_text":
        return len(call.args) == 1
    literals = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    modes = [value for value in literals if isinstance(value, str) and set(value) <= set("rwxa+t") and value]
    return name == "open" and (bool(modes) or (isinstance(call.func, ast.Name) and len(call.args) == 1))


def offenders(source: str) -> list[int]:
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if opens_text_without_encoding(call)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("p.read_text()", [1]),
        ("p.write_text(x)", [1]),
        ("open(p)", [1]),
        ("open(p, 'w', newline='')", [1]),
        ("p.open('r')", [1]),
        ("p.read_text(encoding='utf8')", []),
        ("open(p, 'rb')", []),
        ("lab.open(path)", []),
    ],
)
def test_the_search_finds_what_it_should(source, found):
    assert offenders(source) == found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_files_are_opened_with_an_encoding(path):
    assert offenders(path.read_text(encoding="utf8")) == []


def test_cells_open_text_files_with_an_encoding():
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            if cell["cell_type"] == "code":
                assert offenders("".join(cell["source"])) == [], path.name


def test_evaluate_prints_on_a_terminal_that_knows_ascii_alone(tmp_path):
    TRPO("CartPole-v1", TRPOConfig(num_envs=2, rollout_steps=16, hidden_sizes=(4,))).save(tmp_path / "checkpoint")
    command = [sys.executable, "-m", "trpo_lib", "evaluate", str(tmp_path), "--episodes", "2"]
    ascii_alone = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    run = subprocess.run(command, capture_output=True, env=ascii_alone)
    assert run.returncode == 0, run.stderr.decode()
    assert b"?" in run.stdout
