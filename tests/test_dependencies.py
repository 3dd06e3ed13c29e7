"""Every dependency is pinned, has a reason, is installed as pinned, and is used."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf8").splitlines() if line.strip()]
PINS = dict(re.findall(r"^([\w-]+)(?:\[[\w-]+\])?==(\S+)", "\n".join(LINES), re.MULTILINE))
BROUGHT = {"PIL": "matplotlib", "nbformat": "nbval", "nbclient": "nbval"}
COMMANDS = {"jupyterlab": "jupyter lab", "nbval": "--nbval", "ruff": "ruff check", "codespell": "codespell"}


def imported(folder):
    """Top-level names of the modules that the files of a folder import."""
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    local = {"trpo_lib", "slides", "tests", *(path.stem for path in (ROOT / folder).rglob("*.py"))}
    return names - sys.stdlib_module_names - local


def test_every_line_has_a_pin_and_a_reason():
    for line in LINES:
        assert re.fullmatch(r"(\S+==\S+|-e \.) +# \w.+", line), line


@pytest.mark.parametrize("name", PINS)
def test_what_is_installed_is_what_is_pinned(name):
    assert version(name).split("+")[0] == PINS[name]


@pytest.mark.parametrize("name", PINS)
def test_nothing_is_installed_that_nobody_uses(name):
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    kernel = name == "ipykernel" and '"name": "python3"' in (ROOT / "notebooks/07_discrete_trpo.ipynb").read_text(
        encoding="utf8"
    )
    used = name in imported("trpo_lib") | imported("tests")
    assert used or kernel or COMMANDS.get(name, "no command") in makefile


def test_package_declares_what_it_imports_and_no_more():
    declared = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]["dependencies"])
    needed = {BROUGHT.get(name, name) for name in imported("trpo_lib")} - {"nbval"}  # notebooks are executed in a clone
    assert declared == needed


def test_tests_import_only_what_is_pinned():
    optional = {"sb3_contrib", "stable_baselines3", "playwright"}  # benchmarks, tests/browser: requirements.txt
    folders = "benchmarks", "notebooks", "notebooks/data"
    programs = {path.stem for folder in folders for path in (ROOT / folder).glob("*.py")}
    assert {BROUGHT.get(name, name) for name in imported("tests")} - optional - programs <= set(PINS)


def test_pip_finds_no_conflict():
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout
