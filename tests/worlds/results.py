"""What is known already, in `.worlds/results.jsonl`: so that the table can be put together from several runs."""

import functools
import hashlib
import json
import subprocess
from collections import defaultdict
from importlib.metadata import version

from tests.worlds.catalogue import KEPT, ROOT, World, processor
from tests.worlds.subjects import UNIT

STORE = KEPT / "results.jsonl"


@functools.cache
def content(*folders: str) -> str:
    """A hash of the files of this checkout below some folders, without those that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    names = sorted(
        set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n"))
    )
    digest = hashlib.sha256()
    for name in filter(None, names):
        path = ROOT / name
        digest.update(name.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def key(subject: str, world: World) -> str:
    """The same for as long as the result is: content, world, processor and torch."""
    parts = (".",) if subject == UNIT else (subject, "trpo_lib", "notebooks/data", "tests/worlds/site")
    if world.variation:
        parts += ("tests/worlds/desks.py",)
    known = [subject, content(*parts), world.variables, world.variation, processor(), version("torch")]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def known() -> dict[str, dict]:
    """All results so far, by key; a later one counts."""
    if not STORE.exists():
        return {}
    lines = STORE.read_text(encoding="utf-8").splitlines()
    return {result["key"]: result for result in map(json.loads, lines)}


def keep(result: dict) -> None:
    """Append one result: one line, written at once, so that a run can be cut off anywhere."""
    STORE.parent.mkdir(exist_ok=True)
    with STORE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result, ensure_ascii=False) + "\n")


def table(worlds: list[World], subjects: list[str], found: dict[tuple[str, int], dict]) -> str:
    """Cells against worlds: `.` all hold, a number is how many fell, blank was not run; then each that fell."""
    width = max(len(subject) for subject in subjects)
    lines = [" " * width + " cells" + "".join(f"{world.number:>4}" for world in worlds) + "   s a world"]
    for subject in subjects:
        row = [found.get((subject, world.number)) for world in worlds]
        ran = [result for result in row if result]
        marks = ["" if result is None else str(len(result["fallen"]) or ".") for result in row]
        cells = max([result["cells"] for result in ran], default=0)
        seconds = sum(result["seconds"] for result in ran) / max(len(ran), 1)
        lines.append(f"{subject:<{width}}{cells:>6}" + "".join(f"{mark:>4}" for mark in marks) + f"{seconds:>12.0f}")
    fallen = defaultdict(list)
    for (subject, number), result in sorted(found.items(), key=lambda item: item[0][1]):
        for name, words in result["fallen"]:
            fallen[subject, name].append((number, words))
    for (subject, name), cases in sorted(fallen.items()):
        numbers = " ".join(str(number) for number, _words in cases)
        lines.append(f"\n{subject} {name}, in {numbers}\n    {cases[0][1][:300]}")
    return "\n".join(lines)
