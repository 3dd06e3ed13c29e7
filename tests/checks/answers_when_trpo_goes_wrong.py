"""Answers to notebook 09's exercises: intervals in many ways, the name of a bug in unusual forms, and other names."""

import numpy as np
import torch
from scipy import stats

from trpo_lib.classroom.museum import BUGS, diagnosis


def _right(patient):
    bug = diagnosis(patient)
    return [
        lambda: bug,
        lambda: f" {bug} ",
        lambda: bug.upper(),
        lambda: np.str_(bug),
        lambda: type("S", (str,), {})(bug),
    ]


def _wrong(patient):
    others = [(lambda bug=bug: bug, f"{bug} would show ") for bug in BUGS if bug != diagnosis(patient)]
    return [
        *others,
        (lambda: "it is ill", "'it is ill' is not one of the names: choose one of the 10 names"),
        (lambda: diagnosis(patient)[:-1], f"do you mean {diagnosis(patient)!r}?"),
        (lambda: 3, "a name is due, as a text"),
        (lambda: [diagnosis(patient)], "a name is due, as a text; your function returns an object of type list"),
        (lambda: print(end=""), "is the `return` missing?"),
        (lambda report: diagnosis(patient), "your function must take no arguments"),
    ]


def _iqm(runs):
    return stats.trim_mean(np.asarray(runs), 0.25, axis=-1)


def with_scipy(a, b, i, j):
    return np.percentile(_iqm(a.numpy()[i.numpy()]) - _iqm(b.numpy()[j.numpy()]), [2.5, 97.5])


def with_loops(ablated, complete, draws_ablated, draws_complete):
    differences = []
    for one, two in zip(draws_ablated.tolist(), draws_complete.tolist(), strict=True):
        middles = []
        for runs, draw in ((ablated.tolist(), one), (complete.tolist(), two)):
            drawn = sorted(runs[k] for k in draw)
            cut = len(drawn) // 4
            middle = drawn[cut : len(drawn) - cut]
            middles.append(sum(middle) / len(middle))
        differences.append(middles[0] - middles[1])
    differences.sort()
    return differences[10], differences[-11]


def as_a_tensor(a, b, i, j):
    return torch.stack([torch.as_tensor(end) for end in with_scipy(a, b, i, j)])


def with_kthvalue(a, b, i, j):
    differences = torch.from_numpy(_iqm(a.numpy()[i]) - _iqm(b.numpy()[j]))
    return differences.kthvalue(11).values, differences.kthvalue(391).values


def as_a_list(a, b, i, j):
    return [float(end) for end in with_scipy(a, b, i, j)]


def _ends(statistic, low=2.5, high=97.5):
    def answer(a, b, i, j):
        return np.percentile(statistic(a.numpy()[i.numpy()]) - statistic(b.numpy()[j.numpy()]), [low, high])

    return answer


def _unsorted(runs):
    cut = runs.shape[-1] // 4
    return runs[..., cut:-cut].mean(-1)


def into_arguments(a, b, i, j):
    ends = with_scipy(a, b, i, j)
    a.copy_(a.sort().values)
    return ends


INTERVALS = [
    (_ends(lambda runs: np.median(runs, -1)), "the median"),
    (_ends(lambda runs: runs.mean(-1)), "the plain mean"),
    (_ends(lambda runs: stats.trim_mean(runs, 0.125, axis=-1)), "not a quarter in all"),
    (_ends(_unsorted), "sort each resample"),
    (_ends(_iqm, 5, 95), "are 90 % inside"),
    (lambda a, b, i, j: with_scipy(b, a, j, i), "a loss is negative"),
    (lambda a, b, i, j: with_scipy(a, b, i, j)[::-1], "(low, high)"),
    (lambda a, b, i, j: with_scipy(a, b, i, j) * 2, "exactly 2 ×"),
    (into_arguments, "changes its argument"),
    (lambda a, b, i, j: print(end=""), "is the `return` missing?"),
    (lambda a, b: (0.0, 1.0), "your function must take (ablated, complete, draws_ablated, draws_complete)"),
    (lambda a, b, i, j: (_iqm(a) - _iqm(b),) * 2, "drawn again"),
]
RIGHT = {"ablation_interval": [with_scipy, with_loops, as_a_tensor, with_kthvalue, as_a_list]}
WRONG = {"ablation_interval": INTERVALS}
RIGHT |= {f"patient_{letter.lower()}": _right(letter) for letter in "ABC"}
WRONG |= {f"patient_{letter.lower()}": _wrong(letter) for letter in "ABC"}
