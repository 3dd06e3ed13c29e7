"""Answers to notebook 09's exercises: the name of a bug in unusual forms, the other names, and no names at all."""

import numpy as np

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


RIGHT = {f"patient_{letter.lower()}": _right(letter) for letter in "ABC"}
WRONG = {f"patient_{letter.lower()}": _wrong(letter) for letter in "ABC"}
