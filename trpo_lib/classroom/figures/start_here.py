"""Figures and measures of notebook 00: what each step of a training does to the policy."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, VERMILLION


class Training(NamedTuple):
    """The updates of one training, each `(updates,)`: steps seen so far, KL of the step, mean return of the batch."""

    step: Tensor
    kl: Tensor
    mean_return: Tensor


def read_steps(path: Path) -> dict[str, list[Training]]:
    """The stored trainings: label → one `Training` for each seed."""
    rows: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    with path.open(newline="", encoding="utf8") as file:
        for row in csv.DictReader(file):
            numbers = tuple(float(row[name]) for name in Training._fields)
            rows.setdefault((row["run"], int(row["seed"])), []).append(numbers)
    trainings: dict[str, list[Training]] = {}
    for (label, _), updates in rows.items():
        trainings.setdefault(label, []).append(Training(*torch.tensor(updates, dtype=torch.float64).T))
    return trainings


def spread_and_fall(trainings: Sequence[Training]) -> tuple[Tensor, float, Tensor]:
    """For each seed, longest step / shortest step and the deepest fall of the mean return; and the median KL of all."""
    kls = [one.kl[one.kl > 0] for one in trainings]  # a refused step has none
    spread = torch.stack([kl.max() / kl.min() for kl in kls])
    returns = [one.mean_return[~one.mean_return.isnan()] for one in trainings]
    fall = torch.stack([(y.cummax(0).values - y).max() for y in returns])
    return spread, torch.cat(kls).median().item(), fall


def returns_and_steps(trainings: Mapping[str, Sequence[Training]], labels: Sequence[str], max_kl: float = 0.01) -> None:
    """A column for each label: returns above, the KL of each step below, on one axis of environment steps."""
    figure, axes = plt.subplots(2, len(labels), figsize=(9.5, 5), sharex=True, sharey="row")
    for (above, below), label, color in zip(axes.T, labels, (BLUE, GREEN, VERMILLION), strict=True):
        for one in trainings[label]:
            above.plot(one.step / 1000, one.mean_return, color=color, linewidth=0.9, alpha=0.8)
            below.semilogy(one.step / 1000, one.kl, ".", color=color, markersize=3.5)
        below.axhline(max_kl, color=GREY, linestyle="--", linewidth=1.2)
        above.set_title(label if label == "TRPO" else f"policy gradient, {label}")
        below.set_xlabel("1,000 environment steps")
    axes[0, 0].set_ylabel("mean return\nof the batch")
    axes[1, 0].set_ylabel("KL of the step\n(nats)")
    axes[1, 0].annotate(f"δ = {max_kl}", (0, max_kl), xytext=(0, 6), textcoords="offset points", color=GREY)
    figure.align_ylabels()
    plt.show()
