"""What is run in a world: the unit tests, or one notebook; and what fell there."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.worlds.catalogue import ROOT, World, environment

UNIT = "unit tests"
# as in `make nbval`; a test holds them together
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
NBVAL += ["--nbval-cell-timeout", "300"]
PATIENCE = ["--nbval-kernel-startup-timeout", "300"]  # where other worlds keep the machine busy
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no"]
COLOURS = re.compile(r"(?:\x1b|#x1B)\[[\d;]*m")
ERROR = re.compile(r"^\w*(?:Error|Exception|Interrupt|Exit)\b.*", re.MULTILINE)


def notebooks() -> list[str]:
    """All notebooks and all solutions, by their path in the repository."""
    paths = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")) + sorted((ROOT / "notebooks/solutions").glob("*.ipynb"))
    return [str(path.relative_to(ROOT)) for path in paths]


def run(subject: str, world: World) -> dict:
    """Run it; how many cells or tests there were, and (name, what it said) of each that fell."""
    if world.variation:
        command = [sys.executable, "-m", "tests.worlds.desks", world.variation, subject]
        done = subprocess.run(command, cwd=ROOT, env=environment(world), capture_output=True, text=True)
        if done.returncode:
            return broken(done)
        cells, fallen = json.loads(done.stdout.splitlines()[-1])
        return {"cells": cells, "fallen": fallen}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        what = ["tests", "--ignore=tests/test_worlds.py"] if subject == UNIT else [*NBVAL, *PATIENCE, subject]
        command = [*PYTEST, f"--junitxml={report}", *what]
        done = subprocess.run(command, cwd=ROOT, env=environment(world), capture_output=True, text=True)
        if done.returncode not in (0, 1) or not report.exists():
            return broken(done)
        return read(report)


def broken(done: subprocess.CompletedProcess) -> dict:
    """Nothing ran: as if a single cell had fallen, with the last that was said."""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    return {"cells": 0, "fallen": [["[?]", f"did not run (exit code {done.returncode}): {''.join(said)}"]]}


def read(report: Path) -> dict:
    """What a junit file of pytest says."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    fallen = []
    for case in cases:
        for problem in [*case.findall("failure"), *case.findall("error")]:
            number = re.fullmatch(r"Cell (\d+)", case.get("name"))  # nbval counts code cells from 0
            name = f"[{int(number[1]) + 1}]" if number else f"{case.get('classname')}::{case.get('name')}"
            fallen.append([name, last_words(COLOURS.sub("", problem.text or ""), problem.get("message", ""))])
    return {"cells": len(cases), "fallen": fallen}


def last_words(text: str, message: str) -> str:
    """An assert or an output in one line: what somebody needs to find it."""
    if "Cell outputs differ" in text:
        new = re.search(r"^ +- (.*)", text, re.MULTILINE)
        old = re.search(r"^ +\+ (.*)", text, re.MULTILINE)
        if new and old:
            return f"prints {new[1].strip()!r}, stored is {old[1].strip()!r}"
        return next((line for line in text.splitlines() if "output" in line and "Cell" not in line), "outputs differ")
    if not text.startswith("Notebook cell"):
        return COLOURS.sub("", message).splitlines()[0] if message else text.strip().splitlines()[-1]
    errors = ERROR.findall(text.split("Traceback:", 1)[-1])
    return errors[-1] if errors else text.strip().splitlines()[-1]
