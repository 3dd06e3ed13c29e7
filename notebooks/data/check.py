"""Are the stored runs still what their commands make? python notebooks/data/check.py [FILE ...] (make data-check).

Of every part the first and the last row are trained again, from six seeds that are not stored, and their scores are
compared with the stored ones by a permutation test. Fresh runs differ from stored ones in any case: their seeds are
others, and on another processor the same seed would be another run too. So distributions are compared. If a file is not
stale, one comparison in 4,000 says that it is: so often all six fresh runs lie on one side of all ten stored ones.

Not compared: 08_mujoco.csv (three runs of a million steps), 04_rounding.csv (it is about processors), the
snapshots (tests/test_snapshots.py), and 08_portraits.npz, whose agents are those of 08_preset.csv.
"""

import csv
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import ablations
import conjugate_gradient
import continuous_trpo
import discrete_trpo
import numpy as np
import steps
from runs import FOLDER, Part, Row, Table

from trpo_lib.classroom.statistics import permutation_p_value

PARTS = {
    f"{module.__name__} {name}": part
    for module in (discrete_trpo, continuous_trpo, ablations, steps, conjugate_gradient)
    for name, part in module.PARTS.items()
}
NOT_COMPARED = ("continuous_trpo mujoco", "conjugate_gradient rounding")
FRESH = range(1000, 1006)
ALARM = 2.6e-4  # just above the least that six and ten runs can have, 2 / C(16, 6)


class Verdict(NamedTuple):
    """One row of a file, stored and fresh."""

    file: str
    label: str
    stored: Sequence[float]
    fresh: Sequence[float]

    @property
    def p_value(self) -> float:
        """How often chance sets two groups of runs of one distribution so far apart."""
        return permutation_p_value(self.stored, self.fresh, np.mean)


def score(table: Table, rows: Iterable[Row]) -> float:
    """The mean of the table's score over a run's rows."""
    column = list(table.header).index(table.score) - 2  # without label and seed
    return float(np.mean([float(row[column]) for row in rows]))


def stored_scores(table: Table) -> dict[tuple[str, int], float]:
    """The score of every stored run of a file, by label and seed."""
    runs: dict[tuple[str, int], list[Row]] = {}
    with (FOLDER / table.file).open(newline="", encoding="utf8") as file:
        for run, seed, *row in list(csv.reader(file))[1:]:
            runs.setdefault((run, int(seed)), []).append(tuple(row))
    return {key: score(table, rows) for key, rows in runs.items()}


def compare(part: Part, label: str, pool: ProcessPoolExecutor, seeds: Sequence[int] = FRESH) -> list[Verdict]:
    """Train a row of a part again; one verdict for each of its files."""
    function, *arguments = part.jobs[label]
    results = [job.result() for job in [pool.submit(function, *arguments, seed) for seed in seeds]]
    verdicts = []
    for table in part.tables:
        stored = [value for (run, _), value in stored_scores(table).items() if run == label]
        verdicts.append(Verdict(table.file, label, stored, [score(table, table.rows(result)) for result in results]))
    return verdicts


def main(files: Sequence[str]) -> int:
    """Compare the wanted files, or all; the number of those that look stale."""
    stale = 0
    with ProcessPoolExecutor(2) as pool:
        for name, part in PARTS.items():
            wanted = not files or {table.file for table in part.tables} & set(files)
            if wanted and name not in NOT_COMPARED:
                for label in dict.fromkeys([next(iter(part.jobs)), list(part.jobs)[-1]]):
                    for verdict in compare(part, label, pool):
                        stale += verdict.p_value < ALARM
                        word = "STALE" if verdict.p_value < ALARM else "ok"
                        means = f"stored {np.mean(verdict.stored):.4g}, fresh {np.mean(verdict.fresh):.4g}"
                        print(f"{word:5} {verdict.file}  {label}: {means}, p = {verdict.p_value:.2g}", flush=True)
    return stale


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
