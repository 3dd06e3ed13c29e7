"""Kill a training run at random moments, again and again: python tests/kill_test.py [kills]

After each kill -9 the checkpoint must load and never lie behind the one before; the run goes on from it. In the
end the run that was killed so often must be, to the last bit, the run that never was.
"""

import csv
import multiprocessing
import random
import sys
import tempfile
import time
from pathlib import Path

import torch
from test_checkpoint import bits, updates

from trpo_lib import TRPO
from trpo_lib.__main__ import main
from trpo_lib.training.run_folder import RunFolder

SMALL = ("num_envs=2", "rollout_steps=16", "hidden_sizes=[8]", "critic_epochs=2", "critic_minibatch=16")
SETTINGS = [word for setting in SMALL for word in ("--set", setting)]
UNREACHABLE = "1000000000"


def kill_often(kills: int, folder: Path, env: str = "CartPole-v1", longest: float = 0.4) -> dict[str, int]:
    """Train in processes of which each is killed after a random time; returns what was seen on the way."""
    chance = random.Random(0)
    torch.set_num_threads(1)  # a forked process must not inherit other threads' locks
    run, whole = RunFolder(folder / "run"), RunFolder(folder / "whole")
    # The run that is not killed begins here, so that the forked processes find everything imported.
    assert main(["train", env, "--out", str(whole.path), "--steps", "1", "--quiet", *SETTINGS]) == 0
    seen = {"kills": 0, "updates": 0, "kills while a file was written": 0}
    train = ["train", env, "--out", str(run.path), "--steps", UNREACHABLE, "--quiet", *SETTINGS]
    resume = ["resume", str(run.path), "--steps", UNREACHABLE, "--quiet"]
    while seen["kills"] < kills:
        arguments = resume if run.checkpoint.exists() else train
        process = multiprocessing.get_context("fork").Process(target=main, args=(arguments,))
        process.start()
        time.sleep(chance.uniform(0, longest))
        assert process.is_alive(), "the run ended by itself"
        process.kill()
        process.join()
        seen["kills"] += 1
        seen["kills while a file was written"] += bool(list(run.path.glob("*.tmp")))
        if run.checkpoint.exists():
            agent = run.load()
            assert len(agent.history) >= seen["updates"], "the checkpoint went back"
            seen["updates"] = len(agent.history)
    _check(run, whole.load())
    return seen


def _check(run: RunFolder, whole: TRPO) -> None:
    """The run goes on, its CSV has a row for each update, and it equals a run that was never killed."""
    goal = run.load().step + 100
    assert main(["resume", str(run.path), "--steps", str(goal), "--quiet"]) == 0
    killed = run.load()
    rows = list(csv.DictReader(run.progress.read_text(encoding="utf8").splitlines()))
    assert [int(row["step"]) for row in rows] == [report.step for report in killed.history]
    assert bits(updates(whole, len(killed.history) - len(whole.history))) == bits(killed)


if __name__ == "__main__":
    for env_id in ("CartPole-v1", "Pendulum-v1"):
        with tempfile.TemporaryDirectory() as temporary:
            print(env_id, kill_often(int(sys.argv[1]) if len(sys.argv) > 1 else 50, Path(temporary), env_id))
