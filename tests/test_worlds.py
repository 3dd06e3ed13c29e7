"""The other worlds of rounding reach all that they should and nothing else, and a fragile cell falls in them."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from tests.worlds import catalogue as catalogue_module
from tests.worlds import results
from tests.worlds.catalogue import ROOT, SITE, catalogue, chosen, environment
from tests.worlds.desks import varied
from tests.worlds.subjects import NBVAL, last_words, run

PLAIN, NOISE = catalogue()[0], catalogue()[1]
TWICE, DRAW, SEED = chosen(["desk"])
THREADS = chosen(["threads"])[0]

WEIGHTS = """
import copy, json, torch
from torch import nn
from trpo_lib import GaussianPolicy, make_policy
from gymnasium import spaces

HALVES = torch.full((2,), 0.5, dtype=torch.float64)

class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(HALVES)

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
box = spaces.Box(-1, 1, (2,))
made = {
    "linear": nn.Linear(3, 2), "convolution": nn.Conv2d(1, 2, 3), "norm": nn.LayerNorm(3), "bare": Bare(),
    "bilinear": nn.Bilinear(2, 2, 2), "embedding": nn.Embedding(3, 2), "recurrent": nn.GRU(2, 2),
    "attention": nn.MultiheadAttention(2, 1), "single": nn.Linear(3, 2, dtype=torch.float32),
    "policy": make_policy(box, box, hidden_sizes=(4,)),
}
copied = copy.deepcopy(made["policy"])
with_state = nn.Linear(3, 2)
with_state.load_state_dict(made["linear"].state_dict())
later = nn.Linear(3, 2)
later.weight = nn.Parameter(made["linear"].weight.detach().clone())
torch.manual_seed(0)
again = nn.Linear(3, 2)
weights = {f"{kind}.{name}": value.flatten().tolist() for kind, module in made.items()
           for name, value in module.named_parameters()}
rows = torch.zeros(2, 3)
nn.init.normal_(rows[0])
weights["a row"] = rows[0].tolist()
equal = all([
    HALVES.eq(0.5).all(), rows[1].eq(0).all(),
    all(map(torch.equal, copied.parameters(), made["policy"].parameters())),
    torch.equal(with_state.weight, made["linear"].weight), torch.equal(later.weight, made["linear"].weight),
    torch.equal(again.weight, made["linear"].weight),
])
print(json.dumps([weights, equal, torch.randn(3).tolist()]))
"""
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WEIGHTS!r}], check=True)"


def python(source, variables):
    """What a Python process with these environment variables prints."""
    run = subprocess.run([sys.executable, "-c", source], env=variables, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def plain():
    """Weights, equality of copies, and the next random numbers in a process that knows of no world."""
    return json.loads(python(WEIGHTS, environment(PLAIN) | {"PYTHONPATH": str(ROOT)}))


@pytest.mark.parametrize("source", [WEIGHTS, CHILD], ids=["process", "its child"])
def test_noise_reaches_every_fresh_weight_and_no_generator(source, plain):
    weights, copies_are_equal, random_numbers = json.loads(python(source, environment(NOISE)))
    assert copies_are_equal
    assert random_numbers == plain[2]
    for name, values in plain[0].items():
        moved = [abs(new / old - 1) if old else abs(new) for new, old in zip(weights[name], values, strict=True)]
        lowest, highest = (1e-8, 1e-5) if name.startswith("single") else (1e-16, 1e-14)
        assert max(moved) < highest, name
        assert max(moved) > lowest or not any(values), name  # what is zero stays zero


def test_without_its_variables_a_world_changes_no_bit(plain):
    assert json.loads(python(WEIGHTS, environment(PLAIN))) == plain


def test_worlds_of_noise_differ():
    weights = [python(WEIGHTS, environment(world)) for world in chosen(["1", "2"])]
    assert weights[0] != weights[1]


def test_two_threads_whatever_setup_says():
    source = "import torch; from trpo_lib.classroom import setup; setup(); print(torch.get_num_threads())"
    assert python(source, environment(THREADS)) == "2\n"
    assert python(source, environment(PLAIN)) == "1\n"


def test_a_sitecustomize_of_the_machine_runs_as_well(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('as before')", encoding="utf-8")
    variables = environment(NOISE)
    variables["PYTHONPATH"] += os.pathsep + str(tmp_path)
    assert python("", variables) == "as before\n"


CELLS = {
    "holds": "import torch\nfrom trpo_lib.classroom import setup\nsetup()\nassert 1 + 1 == 2",
    "noise": "bits = str(torch.nn.init.constant_(torch.empty(9), 0.3).tolist())",
    "kernel": "a = torch.linspace(-1, 1, 4096).view(64, 64).sin()\nbits = str((a @ a).log_softmax(1).tolist())",
    "twice": "count = globals().get('count', 0) + 1\nassert count == 1, 'changes what it reads'",
    "seeded": "setup()",
    "seed": "drawn = float(torch.rand(1))\nassert drawn < 0.5, 'rests on a seed'",
    "expected": "known = 1\nraise RuntimeError('on purpose')",
    "after": "assert known == 1, 'an error on purpose does not take back what came before'",
}
PLACES = {name: f"[{number}]" for number, name in enumerate(CELLS, 1)}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A notebook with a cell for each way to fall, green where it was written: on this machine, in no world."""
    sources = dict(CELLS)
    for name in ("noise", "kernel"):
        sources[name] += "\nimport zlib\nbits = zlib.crc32(bits.encode())"
        here = python(f"{CELLS['holds']}\n{sources[name]}\nprint(bits)", environment(PLAIN)).strip()
        sources[name] += f"\nassert bits == {here}, 'not the same bits'"
    # the one number of seed 0, and neither the one after it nor seed 1's, lies within the bounds
    drawn = float(python(f"{CELLS['holds']}\nprint(float(torch.rand(1)))", environment(PLAIN)))
    sources["seed"] = sources["seed"].replace("drawn < 0.5", f"abs(drawn - {drawn}) < 1e-9")
    cells = [nbformat.v4.new_code_cell(source, execution_count=n) for n, source in enumerate(sources.values(), 1)]
    cells[list(CELLS).index("expected")].metadata["tags"] = ["raises-exception", "nbval-ignore-output"]
    path = tmp_path_factory.mktemp("planted") / "planted.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return str(path)


@pytest.mark.parametrize(
    ("world", "falls"),
    [(PLAIN, []), (NOISE, ["noise"]), (TWICE, ["twice", "seed"]), (DRAW, ["seed"]), (SEED, ["seed"])],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_fragile_cell_falls_in_its_world_alone(world, falls, planted):
    result = run(planted, world)
    assert [cell for cell, _words in result["fallen"]] == [PLACES[name] for name in falls]
    assert result["cells"] == len(CELLS)


def test_a_cell_that_rests_on_kernels_falls_among_other_kernels(planted):
    other = chosen(["one-kernel"])
    if not other:
        pytest.skip("every world of kernels has the same bits on this machine")
    assert run(planted, other[0])["fallen"] == [[PLACES["kernel"], "AssertionError: not the same bits"]]


def test_notebooks_are_compared_as_by_make_nbval():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nnbval:")[1].splitlines()[1]
    assert recipe.split()[1:-1] == NBVAL


def test_at_least_twenty_worlds_of_rounding_of_which_twelve_are_a_few_roundings():
    noise = [world.variables["WORLD_NOISE"].split(":") for world in chosen(["noise"])]
    assert len({seed for _size, seed in noise}) == len(noise)
    assert sorted(size for size, _seed in noise) == ["1e-10"] * 2 + ["1e-13"] * 2 + ["1e-15"] * 12
    assert len(noise) + len(chosen(["kernel"])) + len(chosen(["threads"])) >= 20
    assert [world.number for world in catalogue()] == list(range(len(catalogue())))


def test_nothing_of_worlds_is_in_the_package():
    for path in (ROOT / "trpo_lib").rglob("*.py"):
        assert "WORLD_" not in path.read_text(encoding="utf-8"), path
    assert SITE.parent.parent == ROOT / "tests"


def test_a_world_that_was_seen_is_not_run_again_until_the_content_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "STORE", tmp_path / "folder" / "results.jsonl")
    assert results.known() == {}
    for fell in ([], [["[3]", "no"]]):
        results.keep({"key": "a", "fallen": fell})
    assert results.known()["a"]["fallen"] == [["[3]", "no"]]
    book = "notebooks/01_surrogate_objective.ipynb"
    keys = {results.key(book, world) for world in (PLAIN, NOISE, TWICE, DRAW)}
    monkeypatch.setattr(results, "content", lambda *parts: "other")
    assert len(keys | {results.key(book, PLAIN)}) == 5


def test_bits_of_a_world_are_computed_once(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue_module, "KEPT", tmp_path)
    first = catalogue_module.bits.__wrapped__(0)
    assert len(first.strip()) == 64
    monkeypatch.setattr(subprocess, "run", None)
    assert catalogue_module.bits.__wrapped__(0) == first


def test_table_marks_what_fell():
    found = {
        ("a", 0): {"cells": 3, "fallen": [], "seconds": 2},
        ("a", 1): {"cells": 3, "fallen": [["[2]", "why"]], "seconds": 4},
    }
    lines = results.table([PLAIN, NOISE, TWICE], ["a"], found).splitlines()
    assert lines[1].split() == ["a", "3", ".", "1", "3"]
    assert lines[-2:] == ["a [2], in 1", "    why"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Notebook cell execution failed\nCell 1: Cell outputs differ\n  '2' == '1'\n  - 1.5\n  + 2\n",
            "prints '1.5', stored is '2'",
        ),
        ("Notebook cell\nTraceback:\n---\nAssertionError: too\n large", "AssertionError: too"),
        ("E assert\ntests/test_a.py:3: AssertionError", "AssertionError: law"),
    ],
)
def test_what_fell_is_said_in_one_line(text, words):
    assert last_words(text, "AssertionError: law\nassert 1 == 2") == words


def test_variations_of_a_cell():
    source = "from trpo_lib.classroom import setup\nsetup()"
    assert varied(source, "seed") == ["from trpo_lib.classroom import setup\nsetup(1)"]
    assert varied("x = 1", "draw") == ["x = 1"]
    assert varied(source, "draw")[0] == source
    assert varied(source, "twice") == [source, source]
