"""What contributors use: mutants by module name, readable diffs of notebooks, what git ignores."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import mutate
import pytest

ROOT = Path(__file__).parents[1]
SMALL = "extensions.v_trace"


def test_every_module_with_mutants_exists_and_has_tests():
    for name, tests in mutate.MODULES.items():
        assert mutate.file_of(name).is_file(), name
        assert all((ROOT / "tests" / test).is_file() for test in [*tests, *mutate.ALWAYS])
    assert {name for name, _ in mutate.EQUIVALENT} <= set(mutate.MODULES)


IN_A_NEW_PROCESS = f"""
import ast, mutate
tree = ast.parse(mutate.file_of("{SMALL}").read_text(encoding="utf8"))
mutate._leave_alone(tree)
(broken,) = [changed for *_, after, changed in mutate.mutants(tree) if after == "decay[:-1] /= trust[1:]"]
print([mutate.passes("{SMALL}", each, mutate.MODULES["{SMALL}"]) for each in (tree, broken)])
"""


def test_mutant_of_a_module_in_a_folder_is_run_and_noticed():
    """In a process that has not imported the package: a mutant takes the place of a module when that is imported."""
    command = [sys.executable, "-c", IN_A_NEW_PROCESS]
    run = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True)
    assert run.stdout.strip() == "[True, False]", run.stderr


def test_diff_of_a_notebook_shows_what_is_said_and_no_picture():
    path = next(ROOT.glob("notebooks/03_*.ipynb"))
    run = subprocess.run([sys.executable, ROOT / "notebooks/diffable.py", path], capture_output=True, encoding="utf8")
    assert run.returncode == 0, run.stderr
    whole = path.read_text(encoding="utf8")
    assert len(run.stdout) < len(whole) / 3
    assert max(map(len, run.stdout.splitlines())) < 3000
    for cell in json.loads(whole)["cells"]:
        assert "".join(cell["source"]) in run.stdout
    assert "[picture," in run.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no git checkout")
def test_patterns_of_ignored_files_hide_no_file_that_is_kept():
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
    for name, ignored in {"build/x": True, "trpo_lib/build/x.py": False, "trpo_lib/runs/x.py": False}.items():
        answer = subprocess.run(["git", "check-ignore", "-q", "--no-index", name], cwd=ROOT).returncode
        assert (answer == 0) == ignored, name
