"""python -m trpo_lib, as a person uses it."""

import csv
import dataclasses
import json
import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kill_test import SETTINGS, kill_often
from PIL import Image
from test_checkpoint import bits

from trpo_lib import TRPO, TRPOConfig, UpdateReport
from trpo_lib.__main__ import main
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.training.train import load_agent


@pytest.fixture
def run(tmp_path, capsys):
    """A finished run of 256 steps and more."""
    assert (
        main(["train", "CartPole-v1", "--steps", "256", "--seed", "3", "--out", str(tmp_path / "run"), *SETTINGS]) == 0
    )
    return tmp_path / "run"


def test_run_folder_holds_settings_versions_progress_checkpoint_and_curve(run):
    agent = TRPO.load(run / "checkpoint")
    config = json.loads((run / "config.json").read_text(encoding="utf8"))
    assert TRPOConfig(**config["settings"]) == agent.config
    assert (config["environment"], config["seed"]) == ("CartPole-v1", agent.seed) == ("CartPole-v1", 3)
    assert json.loads((run / "versions.json").read_text(encoding="utf8"))["torch"] == str(torch.__version__)
    assert Image.open(run / "learning_curve.png").size == (840, 480)
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoint", "config.json", "learning_curve.png", "progress.csv", "versions.json",
    ]  # fmt: skip


def test_progress_has_a_row_for_each_update_with_every_field_of_the_report(run):
    history = TRPO.load(run / "checkpoint").history
    rows = list(csv.DictReader((run / "progress.csv").read_text(encoding="utf8").splitlines()))
    assert history[-2].step < 256 <= history[-1].step
    assert sorted(rows[0]) == sorted(field.name for field in dataclasses.fields(UpdateReport))
    assert list(rows[0])[:2] == ["step", "mean_return"]
    for row, report in zip(rows, history, strict=True):
        assert float(row.pop("cg_residuals")) == report.cg_residuals[-1]
        assert row == {name: str(getattr(report, name)) for name in row}


def test_resume_goes_on_as_if_the_run_had_never_stopped(run, tmp_path):
    steps = TRPO.load(run / "checkpoint").step
    assert main(["resume", str(run), "--steps", str(steps + 200), "--quiet"]) == 0
    whole = ["train", "CartPole-v1", "--seed", "3", "--out", str(tmp_path / "whole"), *SETTINGS]
    assert main([*whole, "--steps", str(steps + 200)]) == 0
    assert bits(TRPO.load(run / "checkpoint")) == bits(TRPO.load(tmp_path / "whole" / "checkpoint"))
    assert (run / "progress.csv").read_bytes() == (tmp_path / "whole" / "progress.csv").read_bytes()


def test_steps_left_out_are_those_of_the_preset(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(TRPO, "learn", lambda self, steps, **_: asked.append(steps))
    main(["train", "CartPole-v1", "--out", str(tmp_path / "run")])
    assert asked == [30_000]


def test_set_overrides_any_field(tmp_path):
    texts = {
        "activation": "relu",
        "hidden_sizes": "[4, 5]",
        "rescale_step": "False",
        "gamma": "0.5",
        "cg_tolerance": "1e-3",
    }
    settings = [word for name, text in texts.items() for word in ("--set", f"{name}={text}")]
    main(["train", "CartPole-v1", "--steps", "1", "--out", str(tmp_path / "run"), *SETTINGS, *settings])
    config = TRPO.load(tmp_path / "run" / "checkpoint").config
    assert (config.activation, config.hidden_sizes, config.rescale_step) == ("relu", (4, 5), False)
    assert (config.gamma, config.cg_tolerance, config.rollout_steps) == (0.5, 1e-3, 16)


@pytest.mark.parametrize(
    ("setting", "kind"), [("critic_first=true", CriticFirstTRPO), ("past_rollouts=1", OffPolicyTRPO)]
)
def test_settings_of_an_extension_make_an_agent_of_it_and_resume_goes_on_with_it(setting, kind, tmp_path):
    out = str(tmp_path / "run")
    assert main(["train", "CartPole-v1", "--steps", "1", "--out", out, *SETTINGS, "--set", setting, "--quiet"]) == 0
    assert main(["resume", out, "--steps", "64", "--quiet"]) == 0
    agent = load_agent(tmp_path / "run" / "checkpoint")
    assert type(agent) is kind
    assert agent.step >= 64


def test_a_log_gets_a_line_for_each_update_and_quiet_gets_none(tmp_path, capsys):
    train = ["train", "Pendulum-v1", "--steps", "64", *SETTINGS]
    main([*train, "--out", str(tmp_path / "plain")])
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()[:-1]] == ["step 32 of 64", "step 64 of 64"]
    assert "everything is in" in out.splitlines()[-1]
    main([*train, "--out", str(tmp_path / "quiet"), "--quiet"])
    assert (err, capsys.readouterr()) == ("", ("", ""))


def test_a_terminal_gets_a_bar_and_no_lines(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    main(["train", "Pendulum-v1", "--steps", "64", "--out", str(tmp_path / "run"), *SETTINGS])
    out, err = capsys.readouterr()
    assert "64/64" in err
    assert len(out.splitlines()) == 1


def test_evaluate_prints_the_returns_that_the_agent_reaches(run, capsys):
    capsys.readouterr()
    assert main(["evaluate", str(run), "--episodes", "3", "--seed", "5"]) == 0
    returns = TRPO.load(run / "checkpoint").evaluate(3, seed=5)
    assert capsys.readouterr().out.startswith(
        f"return {returns.mean():.1f} ±{returns.std():.1f}, from {returns.min():.1f}"
    )


def test_gif_shows_an_episode_as_long_as_the_agent_plays_it(run, tmp_path):
    assert main(["evaluate", str(run), "--episodes", "1", "--seed", "5", "--gif", str(tmp_path / "film.gif")]) == 0
    length = TRPO.load(run / "checkpoint").evaluate(1, seed=5)[0]
    assert Image.open(tmp_path / "film.gif").n_frames == math.ceil(length / 2)


def test_gif_of_flattened_observations_can_be_made(tmp_path):
    main(["train", "FrozenLake-v1", "--steps", "1", "--out", str(tmp_path / "run"), *SETTINGS])
    assert main(["evaluate", str(tmp_path / "run"), "--episodes", "1", "--gif", str(tmp_path / "film.gif")]) == 0
    assert Image.open(tmp_path / "film.gif").n_frames > 1


NEW = ["train", "CartPole-v1", "--out", "new"]
MISTAKES = {
    "environment": (["train", "NoSuch-v1", "--out", "new"], r"NoSuch"),
    "field": ([*NEW, "--set", "max_kll=1"], r"max_kll.*num_envs.*critic_learning_rate"),
    "no value": ([*NEW, "--set", "max_kl"], r"name=value, got 'max_kl'"),
    "value": ([*NEW, "--set", "max_kl=-1"], r"max_kl must be .* above 0, got -1"),
    "text": ([*NEW, "--set", "max_kl=much"], r"max_kl= takes a value like 0.03.*'much'"),
    "steps": ([*NEW, "--steps", "0"], r"--steps must be a whole number.*got 0"),
    "seed": ([*NEW, "--seed", "-1"], r"seed must be .*got -1"),
    "used": (["train", "CartPole-v1", "--out", "run"], r"holds a run already: resume it"),
    "file": (["train", "CartPole-v1", "--out", "run/config.json"], r"config.json"),
    "missing": (["resume", "new", "--steps", "9"], r"new holds no run"),
    "reached": (["resume", "run", "--steps", "9"], r"--steps must be above the \d+ .* got 9"),
    "episodes": (["evaluate", "run", "--episodes", "0"], r"episodes must be a whole number.*got 0"),
    "nowhere": (["evaluate", "run", "--episodes", "1", "--gif", "no/folder.gif"], r"No such file.*no/folder.gif"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_of_a_user_ends_in_one_sentence_and_exit_code_2(name, run, capsys, monkeypatch):
    monkeypatch.chdir(run.parent)
    before = {path: path.read_bytes() for path in run.iterdir()}
    capsys.readouterr()
    arguments, message = MISTAKES[name]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.startswith("trpo_lib: ")
    assert re.search(message, err)
    assert "Traceback" not in out + err
    assert before == {path: path.read_bytes() for path in run.iterdir()}
    assert not (run.parent / "new").exists()


def test_damaged_checkpoint_is_one_sentence_too(run, capsys):
    whole = (run / "checkpoint").read_bytes()
    (run / "checkpoint").write_bytes(whole[:-10])
    assert main(["resume", str(run), "--steps", "9000"]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_real_process_needs_no_more_than_the_module_and_shows_no_traceback():
    wrong = subprocess.run([sys.executable, "-m", "trpo_lib", "resume", "nowhere", "--steps", "9"],
                           capture_output=True, text=True, cwd=Path(__file__).parents[1])  # fmt: skip
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "trpo_lib: nowhere holds no run: there is no file nowhere/checkpoint.\n"


def test_interrupt_says_how_to_go_on_and_the_run_can(tmp_path, capsys, monkeypatch):
    update = TRPO.update

    def interrupted(self, rollout):
        if len(self.history) == 2:
            signal.raise_signal(signal.SIGINT)
        return update(self, rollout)

    monkeypatch.setattr(TRPO, "update", interrupted)
    folder = str(tmp_path / "run")
    assert main(["train", "Pendulum-v1", "--steps", "320", "--out", folder, *SETTINGS]) == 130
    assert f"resume {folder} --steps 320" in capsys.readouterr().err
    monkeypatch.setattr(TRPO, "update", update)
    assert len(TRPO.load(tmp_path / "run" / "checkpoint").history) == 3
    assert main(["resume", folder, "--steps", "320", "--quiet"]) == 0
    assert len(TRPO.load(tmp_path / "run" / "checkpoint").history) == 10


def test_kill_at_any_moment_leaves_the_last_good_checkpoint_and_an_exact_run(tmp_path):
    assert kill_often(3, tmp_path)["updates"] > 0
