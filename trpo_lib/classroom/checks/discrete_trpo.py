"""Exercises of notebook 07."""

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import flags, generator, integer, normal, number, sizes


# Exercise 1: values (N,), returns (N,) -> number.
def _explained(v: Tensor, g: Tensor) -> Tensor:
    return 1 - (g - v).var(correction=0) / g.var(correction=0)


def _critic(random: Generator, n: int, noise: float, offset: float = 0.0, sign: float = 1.0) -> tuple:
    returns = 3 * normal(random, n) + 2
    return sign * returns + noise * normal(random, n) + offset, returns


def _mixed(v: Tensor, g: Tensor) -> Tensor:
    return 1 - (g - v).var() / g.var(correction=0)


explained_variance = Exercise(
    name="explained_variance",
    right=lambda values, returns: _explained(values, returns),
    inputs={
        "a good critic": _critic(generator(1), 6, 1.0),
        "a critic with an offset": _critic(generator(2), 9, 1.0, offset=7.0),
        "a critic of zeros": (torch.zeros(5, dtype=torch.float64), _critic(generator(3), 5, 1.0)[1]),
        "a critic that is worse than none": _critic(generator(4), 7, 2.0, sign=-1.0),
        "a perfect critic": _critic(generator(5), 4, 0.0),
    },
    sample=lambda random: _critic(
        random, integer(random, 4, 12), number(random, 1, 4), number(random, -5, 5), (-1.0) ** integer(random, 0, 1)
    ),
    wrong={
        "this is the share that is left unexplained: is the 1 − missing?": lambda v, g: (g - v).var() / g.var(),
        "a constant offset must not count: did you take the mean square instead of the variance?": (
            lambda v, g: 1 - (g - v).square().mean() / g.var(correction=0),
            lambda v, g: 1 - (g - v).square().mean() / g.var(),
            lambda v, g: 1 - (g - v).square().mean() / g.square().mean(),
        ),
        "the mean square is left unexplained, and a constant offset counts in it": (
            lambda v, g: (g - v).square().mean() / g.var(correction=0),
            lambda v, g: (g - v).square().mean() / g.var(),
        ),
        "which of the two is to be explained? The denominator is the variance of the returns": (
            lambda v, g: 1 - (g - v).var() / v.var()
        ),
        "the critic's variance is not what it explains: compare the errors": (
            lambda v, g: v.var() / g.var(),
            lambda v, g: 1 - v.var() / g.var(),
        ),
        "these are standard deviations: the variance is their square": lambda v, g: 1 - (g - v).std() / g.std(),
        "one variance divides by N − 1, the other by N: take the same for both": (
            _mixed,
            lambda v, g: 1 - (g - v).var(correction=0) / g.var(),
        ),
        "this is the squared correlation: it forgives a wrong scale, and a wrong sign": (
            lambda v, g: torch.corrcoef(torch.stack([v, g]))[0, 1].square(),
            lambda v, g: torch.corrcoef(torch.stack([v, g]))[0, 1],
        ),
        "you cut negative values off: a critic that is worse than a constant has a negative one": (
            lambda v, g: _explained(v, g).clamp(min=0)
        ),
        "this is the difference of the variances: it is still to be divided by that of the returns": (
            lambda v, g: g.var(correction=0) - (g - v).var(correction=0),
            lambda v, g: g.var() - (g - v).var(),
        ),
    },
)


# Exercise 3: done (T, N) -> (T, N), bool.
def _valid(done: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(done[:1]), ~done[:-1]])


def _after_first_end(done: Tensor) -> Tensor:
    before = torch.cat([torch.zeros_like(done[:1]), done[:-1]])
    return before.long().cumsum(0) == 0


def _ends(random: Generator, steps: int, envs: int) -> tuple:
    """Ends that no two follow one another: the step after an end is empty, and ends nothing."""
    done = flags(random, steps, envs, probability=0.5)
    for t in range(1, steps):
        done[t] &= ~done[t - 1]
    return (done,)


def _end_in_last_row(random: Generator, steps: int, envs: int) -> tuple:
    (done,) = _ends(random, steps, envs)
    done[-2, 0], done[-1, 0], done[0, 0] = False, True, True
    return (done,)


valid_steps = Exercise(
    name="valid_steps",
    right=lambda done: _valid(done),
    inputs={
        "6 steps": _ends(generator(1), 6, 2),
        "more environments than steps": _ends(generator(2), 3, 5),
        "an end in the last row": _end_in_last_row(generator(3), 7, 4),
        "one environment": _ends(generator(4), 8, 1),
        "no end": (torch.zeros(4, 3, dtype=torch.bool),),
        "one step": (torch.ones(1, 2, dtype=torch.bool),),
    },
    sample=lambda random: _end_in_last_row(random, *sizes(random, 2, 4, 9)),
    axes=("t", "environment"),
    wrong={
        "you drop the last step of the episode, the one with the final reward; the empty step comes after it": (
            lambda done: ~done
        ),
        "you mark the empty steps themselves: is the ~ missing?": lambda done: ~_valid(done),
        "you mark the ends themselves: the empty step comes after each of them, and is to be false": (
            lambda done: done.clone()
        ),
        "an end in the last row empties your first row, which follows no end: does roll wrap around?": (
            lambda done: ~done.roll(1, 0)
        ),
        "everything after the first end is dropped: the next episode is experience too": _after_first_end,
        "you drop the end and the empty step after it: the end has the final reward": lambda done: _valid(done) & ~done,
        "you drop the step before each end: the empty step comes after it": (
            lambda done: torch.cat([~done[1:], torch.ones_like(done[:1])])
        ),
        "you shift along the environments: time is axis 0": (
            lambda done: torch.cat([torch.ones_like(done[:, :1]), ~done[:, :-1]], 1)
        ),
        "one environment's end empties the step of all: each has its own": (
            lambda done: _valid(done.any(1, keepdim=True)).expand_as(done)
        ),
        "the first row is dropped: it follows no end": (
            lambda done: torch.cat([torch.zeros_like(done[:1]), ~done[:-1]]),
            lambda done: ~done[:-1],
        ),
    },
)


# Exercise 2: advantages (T, N), values (T, N) -> (T, N).
def _batch(random: Generator, *shape: int) -> tuple:
    return 2 * normal(random, *shape) + 0.5, 3 * normal(random, *shape) - 1


def _standardised(a: Tensor) -> Tensor:
    return (a - a.mean()) / a.std(correction=0)


critic_targets = Exercise(
    name="critic_targets",
    right=lambda advantages, values: advantages + values,
    inputs={
        "six steps": _batch(generator(1), 6),
        "4 steps, 3 environments": _batch(generator(2), 4, 3),
        "one step": _batch(generator(3), 1),
        "2 steps, 5 environments": _batch(generator(4), 2, 5),
    },
    sample=lambda random: _batch(random, *sizes(random, 2)),
    axes=("t", "environment"),
    wrong={
        "advantages alone say how much better than V; the critic has to learn V plus that": lambda a, v: a.clone(),
        "these are the old values: a critic that is fitted to its own values learns nothing": lambda a, v: v.clone(),
        "the sign: A = G − V, so G = …": (lambda a, v: v - a, lambda a, v: a - v),
        "standardised advantages have lost the unit of the rewards; the critic needs it": (
            lambda a, v: _standardised(a) + v,
            lambda a, v: (a - a.mean()) / a.std() + v,
            lambda a, v: a - a.mean() + v,
        ),
        "a mean of the two is no return: A = G − V": lambda a, v: (a + v) / 2,
        "you standardise the targets: the critic is to learn returns in the unit of the rewards": (
            lambda a, v: _standardised(a + v),
            lambda a, v: ((a + v) - (a + v).mean()) / (a + v).std(),
        ),
        "the target of step t has step t's own value, not that of the next step": (
            lambda a, v: a + torch.cat([v[1:], v[-1:]]),
            lambda a, v: a + v.roll(-1, 0),
        ),
        "negative targets are cut off: a return may be negative": lambda a, v: (a + v).clamp(min=0),
    },
)
