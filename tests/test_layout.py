"""The package as a tower: whoever imports, imports from below. It is read from the files, nothing is executed."""

import ast
import graphlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "trpo_lib"
EQUATIONS = ["surrogate", "kl", "trust_region", "fisher", "conjugate_gradient", "line_search", "gae", "mdp"]
TOWER = [  # the highest last; names of one floor do not import each other, files of one folder may
    {"_validate"},
    {"networks"},
    set(EQUATIONS),
    {"experience"},
    {"agent"},
    {"trpo"},
    {"extensions"},
    {"training"},
    {"", "__main__"},  # "" is the face: from trpo_lib import ...
    {"classroom"},
]
FLOOR = {name: floor for floor, names in enumerate(TOWER) for name in names}


def modules():
    """Dotted name below trpo_lib -> file; the face is ""."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").strip("."): path
            for path in paths}  # fmt: skip


def imports(source, known):
    """The modules of the package that a source text imports, also inside of functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            of_modules = {name for name in inside if name.removeprefix("trpo_lib.") in known}
            found |= of_modules | ({node.module} if of_modules != inside else set())
    ours = {name for name in found if name.split(".")[0] == "trpo_lib"}
    return {name.removeprefix("trpo_lib").removeprefix(".") for name in ours}


def edges():
    known = modules()
    return {(name, used) for name, path in known.items() for used in imports(path.read_text(encoding="utf8"), known)}


def group(name):
    """`agent.report` stands on the floor of `agent`."""
    return name.split(".")[0]


def not_downwards(pairs):
    return {(a, b) for a, b in pairs if group(a) != group(b) and FLOOR[group(a)] <= FLOOR[group(b)]}


def circle(pairs):
    graph = {}
    for a, b in pairs:
        graph.setdefault(a, set()).add(b)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def test_every_file_has_its_floor():
    assert {group(name) for name in modules()} == set(FLOOR)
    assert len(edges()) > 60


def test_nothing_is_imported_upwards():
    assert not not_downwards(edges())


def test_no_module_imports_itself_by_way_of_others():
    below = {(a, b) for a, b in edges() if group(a) != "classroom"}  # whose parts may name each other's types
    assert circle(below) is None


def test_classroom_is_imported_by_nobody_below():
    assert {group(name) for name, used in edges() if group(used) == "classroom"} == {"classroom"}


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("from trpo_lib import _validate, TRPO", {"_validate", ""}),
        ("def f():\n    import trpo_lib.agent.report", {"agent.report"}),
        ("from trpo_lib.agent import report", {"agent.report"}),
        ("import torch, trpo_lib_other", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source, used):
    assert imports(source, modules()) == used


def test_an_import_upwards_and_a_circle_would_be_noticed():
    assert not_downwards({("gae", "experience.batch"), ("trpo", "gae"), ("kl", "gae")}) == {
        ("gae", "experience.batch"),
        ("kl", "gae"),
    }
    assert circle({("agent.agent", "agent.saving"), ("agent.saving", "agent.agent")})
