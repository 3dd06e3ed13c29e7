"""What the commands of this folder share: a stored file is a table of runs, trained two at a time and written once.

The commands themselves, and the files they make, are in README.md.
"""

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from trpo_lib import Episode
from trpo_lib.classroom import plotting

FOLDER = Path(__file__).parent
CURVE = ("run", "seed", "step", "episode_return")
STRETCH = 2_000
Row = tuple[str | int, ...]


class Table(NamedTuple):
    """One stored file: what is kept of each run."""

    file: str
    rows: Callable[[Any], Sequence[Row]]  # of a run's result, without label and seed
    header: Sequence[str] = CURVE
    score: str = "episode_return"  # the column whose mean over a run's rows check.py compares


class Part(NamedTuple):
    """Runs that belong together, and the files that they fill."""

    tables: Sequence[Table]
    jobs: Mapping[str, tuple]  # by the run's label: a function, and its arguments before the seed
    seeds: Sequence[int] = range(10)


def every_episode(episodes: Sequence[Episode]) -> list[Row]:
    """One row an episode."""
    return [(episode.step, int(episode.episode_return)) for episode in episodes]


def stretches(steps: int, stretch: int = STRETCH) -> Callable[[Sequence[Episode]], list[Row]]:
    """One row for each stretch of the first `steps` steps: the mean return of the episodes that ended in it."""
    grid = range(0, steps + 1, stretch)

    def rows(episodes: Sequence[Episode]) -> list[Row]:
        means = plotting.returns_on_grid(episodes, grid)
        return [(end, f"{mean:.1f}") for end, mean in zip(grid[1:], means, strict=True)]

    return rows


def make(part: Part, pool: ProcessPoolExecutor) -> None:
    """Train all runs of a part, and write its files."""
    jobs = {
        (label, seed): pool.submit(function, *arguments, seed)
        for label, (function, *arguments) in part.jobs.items()
        for seed in part.seeds
    }
    results = {key: job.result() for key, job in jobs.items()}
    for table in part.tables:
        rows = [(*key, *row) for key, result in results.items() for row in table.rows(result)]
        with (FOLDER / table.file).open("w", newline="", encoding="utf8") as file:
            csv.writer(file, lineterminator="\n").writerows([table.header, *rows])
        print(table.file, "written", flush=True)


def main(parts: Mapping[str, Part], wanted: Sequence[str]) -> None:
    """Make the wanted parts, or all, two processes at a time."""
    unknown = set(wanted) - set(parts)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    with ProcessPoolExecutor(2) as pool:
        for name in wanted or parts:
            make(parts[name], pool)
