"""Exercises in which something is to be built, and any construction is right that does what it should (notebook 01)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from trpo_lib.classroom import ledge
from trpo_lib.classroom.checks.call import run
from trpo_lib.classroom.checks.compare import NotNumbersError, parts
from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import number
from trpo_lib.classroom.checks.verdict import WRONG
from trpo_lib.mdp import TabularMDP


@dataclass(frozen=True)
class Construction(Exercise):
    """An exercise with many right answers: `fault(answer, *arguments)` says what is wrong with one, or nothing.

    The typical wrong answers of `wrong` are there for the tests: the message is the fault's.
    """

    fault: Callable[..., str] = lambda *_: ""

    def __post_init__(self) -> None:
        """What has no fault is right."""
        super().__post_init__()
        object.__setattr__(self, "accepts", lambda answer, *arguments: not self.fault(answer, *arguments))

    def _judge(self, student: Callable, inputs: list, labels: list, raw: list, expected: list) -> tuple[str, str, int]:
        status, message, passed = super()._judge(student, inputs, labels, raw, expected)
        for arguments, like in zip(inputs, raw, strict=True) if status == WRONG else ():
            try:
                found = self.fault(tuple(parts(run(student, arguments).value, like)), *arguments)
            except NotNumbersError:
                break
            if found:
                return status, found, passed
        return status, message, passed


MARGIN = 1e-6
TOO_MANY = "two or three states are asked for: rewards must have shape (2, A) or (3, A)"
SHAPES = "the shapes do not fit: transitions (S, A, S), rewards, pi_old and pi_new (S, A)"
NO_PROBABILITIES = "each row of transitions, pi_old and pi_new must hold probabilities that sum to one"
SAME = "the two policies are the same: then neither L nor J moves"
INFINITE = "pi_new gives up an action that pi_old takes: the KL is infinite"
TOO_FAR = "the policies are too far apart: their mean KL is max_kl or more"
EXCHANGED = "exchange the two policies: the second one is to fall although the first one's L promises a gain"
NO_PROMISE = "L promises no gain: where pi_old often is, must pi_new not seek actions with a positive advantage?"
KEPT = "the promise is kept, the return rises: must pi_new not come more often to where its actions are bad?"


def _broken(mdp: TabularMDP, old: Tensor, new: Tensor, max_kl: float) -> str:
    before, visits = mdp.performance(old), mdp.occupancy(old)
    kl = (torch.special.xlogy(old, old) - torch.special.xlogy(old, new)).sum(-1)
    mean_kl = (visits * kl)[visits > 0].sum()
    if not mean_kl.isfinite():
        return INFINITE
    if mean_kl >= max_kl:
        return TOO_FAR
    if mdp.surrogate(old, new) - before <= MARGIN:
        return NO_PROMISE
    return KEPT if mdp.performance(new) - before >= -MARGIN else ""


def _fault(answer: tuple, gamma: float, max_kl: float) -> str:
    transitions, rewards, old, new = (part.double() for part in answer)
    if rewards.ndim != 2 or len(rewards) not in (2, 3):
        return TOO_MANY
    if not (old.shape == new.shape == rewards.shape and transitions.shape == (*rewards.shape, len(rewards))):
        return SHAPES
    tables = (transitions, old, new)
    if not all((rows >= 0).all() and torch.allclose(rows.sum(-1), torch.ones_like(rows[..., 0])) for rows in tables):
        return NO_PROBABILITIES
    if torch.allclose(old, new, rtol=0, atol=1e-12):
        return SAME
    mdp = TabularMDP(transitions, rewards, gamma, torch.eye(len(rewards))[0])
    found = _broken(mdp, old, new, max_kl)
    return EXCHANGED if found and not _broken(mdp, new, old, max_kl) else found


def _two_places(gamma: float, often: tuple[float, float], jumps: tuple[float, float]) -> tuple:
    """From place 0 one may stay or visit place 1, which pays; from there step back or jump, which costs."""
    transitions = torch.zeros(2, 2, 2, dtype=torch.float64)
    transitions[0, 0, 0] = transitions[0, 1, 1] = transitions[1, :, 0] = 1
    rewards = torch.tensor([[0.0, 1.0], [0.0, -3.0 / gamma]], dtype=torch.float64)
    policies = (torch.tensor([[1 - p, p], [1 - q, q]], dtype=torch.float64) for p, q in zip(often, jumps, strict=True))
    return transitions, rewards, *policies


def _trap(gamma: float, max_kl: float) -> tuple:
    return _two_places(gamma, (max_kl / 10, 4 * max_kl / 10), (0.1, 0.5))


def _with(gamma: float, max_kl: float, change: Callable[[Tensor, Tensor], tuple]) -> tuple:
    transitions, rewards, old, new = _trap(gamma, max_kl)
    return transitions, rewards, *change(old, new)


def _the_ledge(gamma: float, max_kl: float) -> tuple:
    step = torch.tensor([0.85, 0.2], dtype=torch.float64)
    return ledge.MDP.transitions, ledge.MDP.rewards, *map(ledge.policy, (ledge.THETA_OLD, ledge.THETA_OLD + step))


def _limits(random: Generator) -> tuple:
    return number(random, 0.4, 0.98), number(random, 0.002, 0.05)


broken_promise = Construction(
    name="broken_promise",
    right=lambda gamma, max_kl: _trap(gamma, max_kl),
    inputs=[(0.9, 0.01), (0.5, 0.03), (0.97, 0.002)],
    sample=_limits,
    fault=_fault,
    parts=("transitions", "rewards", "pi_old", "pi_new"),
    wrong={
        TOO_MANY: _the_ledge,
        SHAPES: lambda gamma, max_kl: (_trap(gamma, max_kl)[0][:, 0], *_trap(gamma, max_kl)[1:]),
        NO_PROBABILITIES: lambda gamma, max_kl: _with(gamma, max_kl, lambda old, new: (old, 2 * new)),
        SAME: lambda gamma, max_kl: _with(gamma, max_kl, lambda old, _: (old, old)),
        INFINITE: lambda gamma, max_kl: _two_places(gamma, (max_kl / 10, 0.0), (0.1, 0.5)),
        TOO_FAR: lambda gamma, max_kl: _two_places(gamma, (0.1, 0.4), (0.1, 0.5)),
        EXCHANGED: lambda gamma, max_kl: _with(gamma, max_kl, lambda old, new: (new, old)),
        NO_PROMISE: lambda gamma, max_kl: _two_places(gamma, (max_kl / 10, max_kl / 10), (0.1, 0.5)),
        KEPT: lambda gamma, max_kl: _two_places(gamma, (max_kl / 10, 4 * max_kl / 10), (0.1, 0.1)),
    },
)
