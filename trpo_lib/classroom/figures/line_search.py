"""Figures of notebook 05."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from trpo_lib.classroom.plotting import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION
from trpo_lib.classroom.statistics import interquartile_mean

DASHES = ("-", "--", "-.", (0, (1, 1.2)))
COLORS = (BLUE, GREEN, VERMILLION, PURPLE)


def both_ways(t: np.ndarray, kls: Sequence[float]) -> None:
    """The KL of the two-action policy along its step, in units of δ, beside the parabola."""
    plt.plot(t, t**2, "--", color=GREY, label="model: t² δ")
    plt.plot(t, kls, color=BLUE, label="true KL, p = 0.9")
    plt.axhline(1, color=VERMILLION, linewidth=1)
    plt.text(0, 1.1, "boundary δ", color=VERMILLION, ha="center")
    plt.xlabel("fraction t of the full step   (t < 0: away from certainty)")
    plt.ylabel("KL / δ")
    plt.legend(loc="upper center")
    plt.show()


def where_full_steps_end(soft: Sequence[float], sharp: Sequence[float]) -> None:
    """Two histograms of the full step's KL over δ."""
    bins = np.geomspace(0.25, 200, 40)
    plt.hist(soft, bins, color=BLUE, alpha=0.8, label="soft policies (parameters × 1)")
    plt.hist(sharp, bins, color=ORANGE, alpha=0.6, hatch="//", edgecolor="white", label="sharp policies (× 3)")
    plt.axvline(1, color=VERMILLION, linewidth=1.5)
    plt.text(1.04, 65, "δ", color=VERMILLION)
    plt.xscale("log")
    plt.xticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
    plt.xlabel("true KL of the full step / δ")
    plt.ylabel("problems out of 200")
    plt.legend(loc="upper right")
    plt.show()


def models_and_truth(t: np.ndarray, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Left, KL over δ along some steps; right, their gains over the predicted gain of the full step."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
    left.plot(t, t**2, color=GREY, linewidth=4, alpha=0.4, label="model")
    right.plot(t, t, color=GREY, linewidth=4, alpha=0.4, label="model")
    for (name, (kls, gains)), color, dashes in zip(curves.items(), COLORS, DASHES, strict=True):
        left.plot(t, kls, color=color, linestyle=dashes)
        right.plot(t, gains, color=color, linestyle=dashes, label=name)
    left.axhline(1, color="black", linewidth=1)
    left.text(0.02, 1.06, "boundary δ")
    left.set(xlabel="fraction t of the full step", ylabel="true KL / δ", ylim=(0, 3))
    right.set(xlabel="fraction t of the full step", ylabel="gain / predicted gain of Δ", ylim=(0, 1.6))
    right.legend(loc="upper left")
    plt.show()


def taken_over_full(full: np.ndarray, taken: Mapping[str, np.ndarray]) -> None:
    """KL of the step that a rule took, over that of the full step; one point for each update."""
    looks = ((ORANGE, "s"), (BLUE, "o"))
    for (name, kls), (color, marker) in zip(taken.items(), looks, strict=True):
        plt.plot(full.ravel(), kls.ravel(), marker, color=color, markersize=4, alpha=0.7, label=name)
    plt.axhline(1, color="black", linewidth=1)
    plt.xscale("log")
    plt.xticks([0.3, 0.5, 1, 2, 4, 7], ["0.3", "0.5", "1", "2", "4", "7"])
    plt.minorticks_off()
    plt.xlabel("KL of the full step / δ")
    plt.ylabel("KL of the step taken / δ")
    plt.ylim(0, 1.1)
    plt.legend(loc="lower right")
    plt.show()


def climb(update: Sequence[float], rates: Mapping[float, Sequence[float]], best: float) -> None:
    """The ledge's exact return over iterations: the whole update, and gradient ascent with fixed rates."""
    plt.axhline(best, color=GREY, linestyle=":", linewidth=1.5)
    plt.text(40, best + 0.15, "best of all policies", ha="right", color=GREY)
    plt.plot(update, color=BLUE, marker="o", markersize=4, label="the whole update, δ = 0.01")
    for (rate, returns), color, dashes in zip(rates.items(), (GREEN, ORANGE, VERMILLION), DASHES[1:], strict=True):
        plt.plot(returns, color=color, linestyle=dashes, label=f"fixed rate {rate:g}")
    plt.ylim(-9, 8.3)
    plt.xlabel("iteration")
    plt.ylabel("exact return J")
    plt.legend(loc="lower right", bbox_to_anchor=(1, 0.08))
    plt.show()


def searches(steps: np.ndarray, curves: Mapping[str, np.ndarray]) -> None:
    """Interquartile mean and range of ten runs each, `(runs, steps)`."""
    for (name, runs), color, dashes in zip(curves.items(), (BLUE, VERMILLION, ORANGE), DASHES[:3], strict=True):
        plt.plot(steps, interquartile_mean(runs, axis=0), color=color, linestyle=dashes, label=name)
        plt.fill_between(steps, runs.min(0), runs.max(0), color=color, alpha=0.15, linewidth=0)
    plt.xlabel("environment steps")
    plt.ylabel("episode return")
    plt.ylim(0, None)
    plt.legend(loc="upper left")
    plt.show()
