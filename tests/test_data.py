"""Stored runs: each file has one command that makes it, holds the rows that the command makes, and is not stale."""

import csv
import itertools
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from trpo_lib import Episode

DATA = Path(__file__).parents[1] / "notebooks" / "data"
sys.path.insert(0, str(DATA))

import check  # noqa: E402
import continuous_trpo  # noqa: E402
import discrete_trpo  # noqa: E402
import ladder  # noqa: E402
import runs  # noqa: E402
import snapshots as snapshot_files  # noqa: E402
import steps  # noqa: E402

TABLES = {table.file: (name, part, table) for name, part in check.PARTS.items() for table in part.tables}


def read(name):
    with (DATA / name).open(newline="", encoding="utf8") as file:
        return list(csv.reader(file))


def documented():
    """File → command, from the table of README.md."""
    lines = re.findall(
        r"^\| ([^|]+\.(?:csv|npz)) \| `([^`]+)` \|", (DATA / "README.md").read_text("utf8"), re.MULTILINE
    )
    return {file: command for files, command in lines for file in files.split(", ")}


def test_every_stored_file_is_documented_with_the_command_that_makes_it():
    stored = {path.name for path in DATA.iterdir() if path.suffix in (".csv", ".npz")}
    assert set(documented()) == stored - {"09_levers.csv"}, "the one record that is kept by hand"
    for file, command in documented().items():
        script, *parts = command.split()
        assert (DATA / script).exists()
        if file in TABLES:
            module, part = TABLES[file][0].split()
            assert (f"{module}.py", part in parts) == (script, True), file
        elif script == "snapshots.py":
            assert parts == [file.removesuffix(".npz")]
            assert parts[0] in snapshot_files.FILES


def test_portraits_are_ten_on_a_grid_that_its_mirror_maps_to_itself():
    with np.load(DATA / "08_portraits.npz") as file:
        assert file["torque"].shape == file["value"].shape == (10, len(file["speed"]), len(file["angle"]))
        assert file["path"].shape == (10, 200, 3)
        for name in ("angle", "speed"):
            np.testing.assert_allclose(file[name], -file[name][::-1], atol=1e-12)
        assert np.abs(file["torque"]).max() <= 2


@pytest.mark.parametrize("file", TABLES)
def test_stored_table_has_the_rows_and_seeds_that_its_command_makes(file):
    _, part, table = TABLES[file]
    header, *rows = read(file)
    assert header == list(table.header)
    keys = list(dict.fromkeys((row[0], int(row[1])) for row in rows))
    assert keys == [(label, seed) for label in part.jobs for seed in part.seeds]
    assert np.isfinite([float(row[table.header.index(table.score)]) for row in rows]).all() or "search" in file


@pytest.mark.parametrize("script", [discrete_trpo, continuous_trpo])
def test_ladder_ends_at_the_preset_and_each_rung_changes_what_it_says(script):
    names = list(script.CHANGES)
    changed = [{*change.settings} for change in script.CHANGES.values()]
    assert len(set.union(*changed)) == sum(map(len, changed)), "no setting changes twice"
    envs = lambda: discrete_trpo.make_envs(8) if script is discrete_trpo else script.TRPO("Pendulum-v1").envs  # noqa: E731
    first = ladder.changed_agent(envs(), script.TEXTBOOK, script.CHANGES, (), 0)
    last = ladder.changed_agent(envs(), script.TEXTBOOK, script.CHANGES, names, 0)
    assert last.config == script.PRESET
    assert first.config == script.TEXTBOOK
    assert [kind.__name__ for kind in type(last).__mro__[1:2]] == ["TRPO"], "all habits are given up"
    habits = {change.habit for change in script.CHANGES.values() if change.habit}
    assert habits <= set(type(first).__mro__)
    assert list(ladder.prefixes("first", names).values())[3] == tuple(names[:3])


def test_ladder_of_other_order_meets_the_first_where_the_same_changes_are_made():
    made = [set(changes) for changes in discrete_trpo.ORDER.values()]
    assert all(len(b - a) == 1 for a, b in itertools.pairwise(made))
    rungs = [set(changes) for changes in ladder.prefixes("first", list(discrete_trpo.CHANGES)).values()]
    assert made[-1] | {"normalised observations"} in rungs
    assert not any(changes in rungs for changes in made)


def test_stretch_ends_with_the_episode_that_ends_there():
    episodes = [Episode(1000, 4.0, 1), Episode(2000, 2.0, 1), Episode(2001, 10.0, 1)]
    assert runs.stretches(4000)(episodes) == [(2000, "3.0"), (4000, "10.0")]


def test_reuse_counts_the_steps_of_a_batch_once():
    discrete_trpo.STEPS, steps_before = 3_000, discrete_trpo.STEPS
    try:
        once, often = (discrete_trpo.reuse_run(times, 0) for times in (1, 4))
    finally:
        discrete_trpo.STEPS = steps_before
    for episodes in (once, often):
        assert sum(episode.length for episode in episodes) <= episodes[-1].step + 8 * 500
        assert 2_900 < episodes[-1].step <= 3_000 + 1_536, "the batch in which it ends"


def test_stale_row_is_noticed_and_a_fresh_one_is_not():
    """The check itself, on the cheapest part: six fresh runs of a short training against the ten stored ones."""
    part, label = steps.PARTS["search"], "both tests, damping 0.1"
    with ProcessPoolExecutor(1) as pool:
        verdict, _ = check.compare(part, label, pool)
    assert verdict.p_value >= check.ALARM
    undamped = [
        value for (run, _), value in check.stored_scores(part.tables[0]).items() if run == "both tests, damping 0"
    ]
    assert len(undamped) == len(verdict.stored) == 10
    assert verdict._replace(stored=undamped).p_value < check.ALARM, "runs of another setting in the file"
