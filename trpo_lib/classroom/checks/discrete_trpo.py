"""Exercises of notebook 07."""

import torch
from torch import Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.networks.critic import explained_variance as explained_variance_of_the_library

_VALUES = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
_RETURNS = torch.tensor([1.5, 2.5, 3.0, 5.0], dtype=torch.float64)


def _mean_square_error(values: Tensor, returns: Tensor) -> Tensor:
    return 1 - (returns - values).square().mean() / returns.var(correction=0)


explained_variance = Exercise(
    name="explained_variance",
    right=explained_variance_of_the_library,
    inputs=[(_VALUES, _RETURNS), (torch.zeros(4, dtype=torch.float64), _RETURNS), (_RETURNS - 7, _RETURNS)],
    wrong={
        "this is the share that is left unexplained: is the 1 − missing?": lambda v, g: (g - v).var() / g.var(),
        "a constant offset must not count: did you take the mean square instead of the variance?": _mean_square_error,
        "which of the two is to be explained? The denominator is the variance of the returns": lambda v, g: (
            1 - (g - v).var() / v.var()
        ),
        "the critic's variance is not what it explains: compare the errors": lambda v, g: v.var() / g.var(),
    },
)


def _valid(done: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(done[:1]), ~done[:-1]])


_DONE = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 1], [0, 0]], dtype=torch.bool)

valid_steps = Exercise(
    name="valid_steps",
    right=_valid,
    inputs=[(_DONE,), (_DONE.flip(0),), (_DONE[:4],), (torch.zeros(3, 1, dtype=torch.bool),)],
    wrong={
        "you drop the last step of the episode, the one with the final reward; the empty step comes after it": (
            lambda done: ~done
        ),
        "you mark the empty steps themselves: is the ~ missing?": lambda done: ~_valid(done),
        "an end in the last row empties your first row, which follows no end: does roll wrap around?": (
            lambda done: ~done.roll(1, 0)
        ),
        "everything after the first end is dropped: the next episode is experience too": lambda done: (
            torch.cat([torch.zeros_like(done[:1], dtype=torch.long), done[:-1].long()]).cumsum(0) == 0
        ),
    },
)


def _lambda_returns(advantages: Tensor, values: Tensor) -> Tensor:
    return advantages + values


_ADVANTAGES = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)

critic_targets = Exercise(
    name="critic_targets",
    right=_lambda_returns,
    inputs=[(_ADVANTAGES, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))],
    wrong={
        "advantages alone say how much better than V; the critic has to learn V plus that": lambda a, v: a,
        "the sign: A = G − V, so G = …": lambda a, v: v - a,
        "standardised advantages have lost the unit of the rewards; the critic needs it": lambda a, v: (
            (a - a.mean()) / a.std(correction=0) + v
        ),
    },
)
