"""An exercise is the right function and the wrong ones that people write; the check finds out which it sees.

How to write one (`surrogate_objective.py` is the model):

1. `right`: one function with the card's argument names. The reference may call `trpo_lib`.
2. `inputs`: five or so argument tuples, or {what is special about it: tuple}, such as {"logits of ±1000": …}. Make them
   general with `checks.inputs`: no two sizes equal, nothing equal to 1, a batch of one, ties, zeros, negative results,
   extreme numbers, both values of each flag. `sample(generator)` makes one tuple like them: graders use fresh ones.
   A function that builds the inputs will do as well, for objects that cannot be copied.
3. `wrong`: six misconceptions or more, {sentence: function}; the sentence says what was confused, as a question where
   it can. Several functions may share one: {sentence: (function, function)}. A constant factor, a transposed result,
   NaN, a missing return, and writing into arguments are named without them.
4. `axes`: what the axes of the answer are, ("t", "environment"). `parts`: what the things in a tuple are.
   `accepts(answer, *arguments)`: for problems with several right answers. `writes`: arguments that may be changed.
5. Answers to try it on, in `tests/checks/answers_….py`: ten wrong ones, each with a part of the message it is due, and
   five right ones in another form (loops, numpy, lists, float32, einsum).

A program asks `exercise.verdict(student)` for the public inputs, and `exercise.verdict(student, exercise.fresh(g))` for
fresh ones; `Verdict` has a status, the sentence for the student, and how many inputs passed.

What a check cannot do: it does not stop a function that never ends (a grader needs a limit of its own), and it hides
nothing from those who read this folder. `right` refuses to run while an answer is being checked, so that the reference
is not handed back by accident; whoever wants points by a trick meets the grader's fresh inputs, in another process.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from trpo_lib.classroom.checks.call import Outcome, copied, is_stub, run
from trpo_lib.classroom.checks.compare import NotNumbersError, agree, parts
from trpo_lib.classroom.checks.diagnose import Answers, misconception, what_differs
from trpo_lib.classroom.checks.inputs import stretched
from trpo_lib.classroom.checks.reference import Reference
from trpo_lib.classroom.checks.verdict import CORRECT, LINE, NOT_ATTEMPTED, WRONG, Verdict, one_line

Inputs = Sequence[tuple] | Mapping[str, tuple]


@dataclass(frozen=True)
class Exercise:
    """Call it with the student's function: it prints one line, and never raises.

    Attributes:
        name: of the function that the student writes.
        right: the reference.
        inputs: the argument tuples on which functions are compared, with a label each or without, or their maker.
        wrong: message → a typical wrong answer, or several. The message names the misconception.
        tolerance: relative; what it means stands in `compare`.
        axes: names of the axes of an answer, for the place that differs.
        parts: names of the things that the function returns, if these are several.
        accepts: whether another answer than the reference's is right too.
        sample: makes one fresh argument tuple from a generator.
        writes: names of the arguments that the function may change.
        choices: the names from which one is to be chosen, where the answer is a name.
    """

    name: str
    right: Callable
    inputs: Inputs | Callable[[], Inputs]
    wrong: dict[str, Callable | tuple[Callable, ...]]
    tolerance: float = 1e-6
    axes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    accepts: Callable[..., bool] | None = None
    sample: Callable[[torch.Generator], tuple] | None = None
    writes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Guard the reference."""
        object.__setattr__(self, "right", self.right if isinstance(self.right, Reference) else Reference(self.right))

    def __call__(self, student: Callable) -> None:
        """Print whether the student's function is right, and if not, what may have gone wrong."""
        print(f"{self.name}: {self.verdict(student)}")

    def public_inputs(self) -> Inputs:
        """The inputs of the notebook's check."""
        return self.inputs() if callable(self.inputs) else self.inputs

    def fresh(self, generator: torch.Generator, count: int = 5) -> list[tuple]:
        """Inputs that nobody has seen: from `sample`, or else the public ones with other numbers."""
        if self.sample is not None:
            return [self.sample(generator) for _ in range(count)]
        public = self.public_inputs()
        given = list(public.values() if isinstance(public, Mapping) else public)
        return [stretched(arguments, generator) for arguments in given]

    def verdict(self, student: Callable, inputs: Inputs | None = None) -> Verdict:
        """The verdict on a function, on the public inputs or on others; whatever the function does, it returns."""
        inputs = self.public_inputs() if inputs is None else inputs
        labelled = inputs if isinstance(inputs, Mapping) else dict.fromkeys(range(len(inputs)))
        labels = [f"{label}: " if isinstance(label, str) else "" for label in labelled]
        inputs = list(inputs.values() if isinstance(inputs, Mapping) else inputs)
        raw = [self.right(*copied(arguments)) for arguments in inputs]
        expected = [parts(value, value) for value in raw]
        Reference.busy = True
        try:
            status, message, passed = self._judge(student, inputs, labels, raw, expected)
        except BaseException as error:
            status, message, passed = WRONG, f"your answer cannot be compared: {type(error).__name__}", 0
        finally:
            Reference.busy = False
        return Verdict(status, message, passed, len(inputs))

    def _judge(
        self, student: Callable, inputs: list[tuple], labels: list[str], raw: list, expected: list
    ) -> tuple[str, str, int]:
        if complaint := self._not_callable(student, inputs[0]):
            return WRONG, complaint, 0
        outcomes = [run(student, arguments) for arguments in inputs]
        if self._untouched(student, outcomes):
            return NOT_ATTEMPTED, "", 0
        answers, errors = self._read(outcomes, labels, raw)
        fits = [a is not None and self._fits(a, *rest) for a, *rest in zip(answers, raw, expected, inputs, strict=True)]
        if any(errors):
            return WRONG, self._short(next(filter(None, errors))), sum(fits)
        changed = self._changed(student, outcomes)
        if all(fits):
            return (WRONG, changed, 0) if changed else (CORRECT, "", len(inputs))
        seen = Answers(answers, expected, fits, labels, inputs, self._names(student))
        message = misconception(self, seen) or changed or self._short(what_differs(self, seen))
        return WRONG, message, 0 if changed else sum(fits)

    def _not_callable(self, student: Any, arguments: tuple) -> str:
        if not callable(student):
            return f"hand over the function itself: checks.{self.name}({self.name})"
        try:
            signature = inspect.signature(student)
        except (TypeError, ValueError):
            return ""
        try:
            signature.bind(*arguments)
        except TypeError:
            names = ", ".join(self._names(self.right))
            return f"your function must take {f'({names}), in this order' if names else 'no arguments'}"
        return ""

    def _untouched(self, student: Callable, outcomes: list[Outcome]) -> bool:
        values = [outcome.value for outcome in outcomes if not outcome.error]
        nothing = all(value is None for value in values) and is_stub(student)
        unfilled = all(value is ... or value is NotImplemented for value in values)
        return any(outcome.stub for outcome in outcomes) or (len(values) == len(outcomes) and (nothing or unfilled))

    def _read(self, outcomes: list[Outcome], labels: list[str], raw: list) -> tuple[list, list[str]]:
        """Each answer as parts, and what hinders it from being read."""
        answers, errors = [], []
        nothing = [outcome.value is None and not outcome.error for outcome in outcomes]
        for outcome, label, like in zip(outcomes, labels, raw, strict=True):
            answer, error = None, outcome.error and label + outcome.error
            if not error and outcome.value is None:
                error = "your function returns nothing: is the `return` missing?"
                error = error if all(nothing) else f"{label}your function returns nothing: is a `return` missing?"
            elif not error:
                try:
                    answer = parts(outcome.value, like)
                except NotNumbersError as reason:
                    error = str(reason)
            answers.append(answer)
            errors.append(error)
        return answers, errors

    def _fits(self, answer: list, raw: Any, expected: list, arguments: tuple) -> bool:
        if agree(answer, expected, self.tolerance):
            return True
        try:
            value = tuple(answer) if isinstance(raw, tuple) else answer[0]
            return self.accepts is not None and bool(self.accepts(value, *copied(arguments)))
        except Exception:
            return False

    def _changed(self, student: Callable, outcomes: list[Outcome]) -> str:
        official = self._names(self.right)
        places = [i for outcome in outcomes for i in outcome.changed if official[i] not in self.writes]
        if not places:
            return ""
        return f"your function changes its argument {self._names(student)[places[0]]} in place: clone it first"

    def _names(self, function: Callable) -> list[str]:
        """The names of the arguments: the student's own, where these can be told."""
        official = list(inspect.signature(self.right).parameters)
        try:
            own = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            return official
        plain = all(parameter.kind is not inspect.Parameter.VAR_POSITIONAL for parameter in own)
        return [parameter.name for parameter in own] if plain and len(own) >= len(official) else official

    def _short(self, message: str) -> str:
        return one_line(message, LINE - len(self.name) - len(": ✗ "))
