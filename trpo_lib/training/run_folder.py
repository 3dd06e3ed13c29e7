"""The folder of a run: settings, versions, progress, checkpoint and learning curve."""

import csv
import dataclasses
import json
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from trpo_lib.agent.report import PolicyStep, UpdateReport
from trpo_lib.extensions.settings import OffPolicyConfig
from trpo_lib.training.train import SETTINGS, load_agent
from trpo_lib.trpo import TRPO

OF_THE_STEP = [field.name for field in dataclasses.fields(PolicyStep)]
COLUMNS = [name for name in UpdateReport.__annotations__ if name not in OF_THE_STEP] + OF_THE_STEP
PACKAGES = ("trpo_lib", "torch", "numpy", "gymnasium")


class RunFolder:
    """The files of one run; each is complete at every moment, or replaced in one instant.

    Args:
        path: the folder, made when the first file is written.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.checkpoint, self.progress = self.path / "checkpoint", self.path / "progress.csv"

    def create(self, agent: TRPO, env_id: str) -> None:
        """Write what a run begins with.

        Raises:
            FileExistsError: the folder holds a run already.
        """
        if self.checkpoint.exists():
            raise FileExistsError(f"{self.path} holds a run already: resume it, or choose another folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        settings = {"environment": env_id, "seed": agent.seed, "settings": dataclasses.asdict(agent.config)}
        self._write_json("config.json", settings)
        self.open(agent)
        agent.save(self.checkpoint)

    def open(self, agent: TRPO) -> None:
        """Bring versions and progress to where the agent stands: a killed run may have noted more than it saved."""
        self._write_json("versions.json", {"python": platform.python_version()} | dict(map(_version, PACKAGES)))
        temporary = self.progress.with_name("progress.csv.tmp")
        with open(temporary, "w", newline="", encoding="utf8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            rows.writerows(map(_row, agent.history))
        os.replace(temporary, self.progress)

    def note(self, agent: TRPO, report: UpdateReport) -> None:
        """One more update: a row in the CSV, and a checkpoint."""
        with open(self.progress, "a", newline="", encoding="utf8") as file:
            csv.writer(file).writerow(_row(report))
        agent.save(self.checkpoint)

    def load(self) -> TRPO:
        """The agent as it was saved last.

        Raises:
            FileNotFoundError: the folder holds no run.
            ValueError: its checkpoint cannot be read.
        """
        if not self.checkpoint.exists():
            raise FileNotFoundError(f"{self.path} holds no run: there is no file {self.checkpoint}.")
        return load_agent(self.checkpoint)

    def draw(self, agent: TRPO) -> None:
        """The learning curve as a picture."""
        from matplotlib.figure import Figure  # slow to import, and needed once, at the end

        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.add_subplot()
        points = [(r.step, r.mean_return) for r in agent.history if not math.isnan(r.mean_return)]
        axes.plot(*zip(*points, strict=True) if points else ([], []), color="#0062A3")
        axes.set(xlabel="environment steps", ylabel="mean episode return of a batch")
        axes.grid(alpha=0.3)
        figure.savefig(self.path / "learning_curve.png", dpi=120)

    def _write_json(self, name: str, contents: dict) -> None:
        (self.path / name).write_text(json.dumps(contents, indent=2) + "\n", encoding="utf8")


def parse_setting(text: str) -> tuple[str, object]:
    """`max_kl=0.02` as a setting and its value.

    Raises:
        ValueError: no such field, with the list of those that there are, or a value that cannot be read.
    """
    name, equals, value = text.partition("=")
    if not equals or name not in SETTINGS:
        raise ValueError(f"--set takes name=value, got {text!r}; the names are {', '.join(SETTINGS)}.")
    try:
        return name, value if name == "activation" else json.loads(value.lower())
    except json.JSONDecodeError:
        default = json.dumps(getattr(OffPolicyConfig(), name))
        raise ValueError(f"--set {name}= takes a value like {default}, got {value!r}.") from None


def _row(report: UpdateReport) -> list:
    values = dataclasses.asdict(report) | {"cg_residuals": report.cg_residuals[-1]}
    return [values[name] for name in COLUMNS]


def _version(package: str) -> tuple[str, str]:
    try:
        return package, version(package)
    except PackageNotFoundError:  # run from a folder, not installed
        return package, "unknown"
