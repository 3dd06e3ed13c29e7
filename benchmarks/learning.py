"""How well: returns over environment steps, beside SB3-contrib's TRPO; how much of the trust region is used; how fast.

    python benchmarks/learning.py [ENV ...] [--plain] [--peer] [--seeds N] [--quick] [--store]

Every environment of the table below, or those named: `trpo_lib` with its preset. With --plain, TRPO itself where the
preset goes beyond it. With --peer, SB3-contrib on the same steps: with the settings tuned for it (rl-baselines3-zoo),
and with these but our true KL. --store: the results replace those of the same environment, contestant and seed in
results/, from which report.py writes its tables. --quick: two seeds and a tenth of the steps, for the environments that
need nothing beyond requirements.txt.
"""

import argparse
import csv
import itertools
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from trpo_lib import Episode
from trpo_lib.extensions.presets import find_preset
from trpo_lib.training.train import make_agent

RESULTS = Path(__file__).parent / "results"
EVALUATION_EPISODES = 20
STRETCHES = 50  # points of a learning curve


class Task(NamedTuple):
    """How long, how many seeds, the share of the run whose training return counts (None: an evaluation does), goals."""

    steps: int
    seeds: int
    tail: float | None
    aim: int
    failed: int  # a run below it counts as failed


TASKS = {
    "CartPole-v1": Task(30_000, 10, 1 / 3, 475, 400),
    "Acrobot-v1": Task(50_000, 10, 0.1, -90, -150),
    "Pendulum-v1": Task(60_000, 10, 0.1, -200, -350),
    "LunarLander-v3": Task(200_000, 5, None, 200, 100),
    "LunarLanderContinuous-v3": Task(100_000, 5, None, 230, 100),
    "Hopper-v5": Task(1_000_000, 3, None, 3400, 1000),
    "HalfCheetah-v5": Task(1_000_000, 3, None, 5000, 1000),
    "Walker2d-v5": Task(1_000_000, 3, None, 4000, 1000),
}
OURS, PLAIN = "trpo_lib", "trpo_lib, TRPO itself"
TUNED, EQUAL_KL = "SB3-contrib, tuned", "SB3-contrib, equal KL"
# Where the preset goes beyond TRPO: it fits the critic first, or uses past rollouts. TRPO itself has neither.
BEYOND = ("LunarLander-v3", "LunarLanderContinuous-v3", "Hopper-v5", "Walker2d-v5")


class Result(NamedTuple):
    """One training run."""

    environment: str
    contestant: str
    seed: int
    steps: int
    training_return: float  # over the task's tail, or the last tenth
    evaluation: float  # deterministic, mean of twenty episodes
    steps_per_second: float  # processor time
    update_milliseconds: float
    mean_kl_ratio: float  # KL/max_kl of the accepted steps; NaN for the peer, which does not tell
    largest_kl_ratio: float


class Stopwatch:
    """Processor time of the calls of the functions it wraps."""

    def __init__(self):
        self.seconds, self.calls = 0.0, 0

    def __call__(self, function: Callable) -> Callable:
        """The function, timed."""

        def timed(*arguments):
            begin = time.process_time()
            result = function(*arguments)
            self.seconds, self.calls = self.seconds + time.process_time() - begin, self.calls + 1
            return result

        return timed


def run(env_id: str, contestant: str, seed: int, steps: int) -> tuple[Result, list[Episode]]:
    """Train one contestant once; the result and the episodes it finished."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")  # deprecations of other libraries
    watch, begin = Stopwatch(), time.process_time()
    ratios = [np.nan]
    if contestant in (OURS, PLAIN):
        plainly = {"critic_first": False, "past_rollouts": 0} if contestant == PLAIN else {}
        agent = make_agent(env_id, seed=seed, **plainly)
        agent.update = watch(agent.update)
        episodes = agent.learn(steps, progress=False).episodes
        seconds = time.process_time() - begin
        evaluation = agent.evaluate(EVALUATION_EPISODES)
        ratios = [report.kl_ratio for report in agent.history if report.accepted]
    else:
        from peers import equal_true_kl, sb3_evaluate, sb3_learn, sb3_tuned

        equal = {"target_kl": equal_true_kl(env_id, find_preset(env_id).config.max_kl)}
        agent = sb3_tuned(env_id, seed=seed, **(equal if contestant == EQUAL_KL else {}))
        episodes = sb3_learn(agent, steps, watch)
        seconds = time.process_time() - begin
        evaluation = sb3_evaluate(agent, env_id, EVALUATION_EPISODES)
    tail = TASKS[env_id].tail or 0.1
    returns = [e.episode_return for e in episodes if (1 - tail) * steps < e.step <= steps]
    speed = steps / seconds, 1e3 * watch.seconds / watch.calls
    scores = float(np.mean(returns)) if returns else np.nan, float(np.mean(evaluation))
    used = float(np.mean(ratios)), float(np.max(ratios))
    return Result(env_id, contestant, seed, steps, *scores, *speed, *used), episodes


def curve(episodes: list[Episode], steps: int) -> list[tuple[int, float]]:
    """Mean return of the episodes that ended in each fiftieth of the run, where one did."""
    edges = np.linspace(0, steps, STRETCHES + 1)
    points = []
    for low, high in itertools.pairwise(edges):
        returns = [e.episode_return for e in episodes if low < e.step <= high]
        if returns:
            points.append((int(high), float(np.mean(returns))))
    return points


def store(results: list[tuple[Result, list[Episode]]]) -> None:
    """Put the results in the place of those of the same environment, contestant and seed."""
    RESULTS.mkdir(exist_ok=True)
    runs = [[str(entry) for entry in _rounded(result)] for result, _ in results]
    curves = [
        [result.environment, result.contestant, str(result.seed), str(step), f"{value:.1f}"]
        for result, episodes in results
        for step, value in curve(episodes, result.steps)
    ]
    _merge(RESULTS / "runs.csv", list(Result._fields), runs)
    _merge(RESULTS / "curves.csv", ["environment", "contestant", "seed", "step", "episode_return"], curves)


def _rounded(result: Result) -> list:
    return [f"{entry:.4g}" if isinstance(entry, float) else entry for entry in result]


def _merge(path: Path, header: list[str], rows: list[list[str]]) -> None:
    replaced = {tuple(row[:3]) for row in rows}
    kept = []
    if path.exists():
        with path.open(newline="", encoding="utf8") as file:
            kept = [row for row in list(csv.reader(file))[1:] if tuple(row[:3]) not in replaced]
    order = {name: i for i, name in enumerate([*TASKS, OURS, PLAIN, TUNED, EQUAL_KL])}
    everything = sorted(kept + rows, key=lambda row: (order[row[0]], order[row[1]], int(row[2])))  # stable in the step
    with path.open("w", newline="", encoding="utf8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *everything])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="*", metavar="ENV", help=", ".join(TASKS))
    parser.add_argument("--plain", action="store_true", help="TRPO itself, where the preset goes beyond it")
    parser.add_argument("--peer", action="store_true", help="SB3-contrib too")
    parser.add_argument("--seeds", type=int, help="instead of the table's number")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, two seeds, three environments")
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    light = ["CartPole-v1", "Acrobot-v1", "Pendulum-v1"]
    names = arguments.environments or (light if arguments.quick else list(TASKS))
    contestants = [PLAIN] if arguments.plain else [OURS, TUNED, EQUAL_KL] if arguments.peer else [OURS]
    names = [name for name in names if not arguments.plain or name in BEYOND]
    shorter, first = 10 if arguments.quick else 1, arguments.first_seed
    with ProcessPoolExecutor(2) as pool:
        jobs = [
            pool.submit(run, name, contestant, seed, TASKS[name].steps // shorter)
            for name in names
            for seed in range(first, first + (arguments.seeds or (2 if arguments.quick else TASKS[name].seeds)))
            for contestant in contestants
        ]
        print(" ".join(f"{field:>18}" for field in Result._fields))
        for job in jobs:
            result, episodes = job.result()
            print(" ".join(f"{entry!s:>18}" for entry in _rounded(result)), flush=True)
            if arguments.store:
                store([(result, episodes)])


if __name__ == "__main__":
    main()
