"""Exercises of notebook 06."""

import torch
from torch import Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.gae import generalized_advantage_estimation, td_errors


# Exercise 1: rewards (T,), values (T + 1,), gamma, k -> ().
def _k_step(r: Tensor, v: Tensor, g: float, k: int) -> Tensor:
    delta = td_errors(r, v[:-1], v[1:], torch.zeros_like(r, dtype=torch.bool), g)
    return _discounted(delta, g, k)


def _discounted(numbers: Tensor, g: float, k: int) -> Tensor:
    return sum(g**step * numbers[step] for step in range(k))


_REWARDS = torch.tensor([1.0, 0.5, -2.0, 4.0], dtype=torch.float64)
_VALUES = torch.tensor([2.0, 1.5, 3.0, -1.0, 2.5], dtype=torch.float64)

k_step_advantage = Exercise(
    name="k_step_advantage",
    right=_k_step,
    inputs=[(_REWARDS, _VALUES, 0.9, k) for k in (1, 2, 4)],
    wrong={
        "the critic's last value is not discounted: it stands k steps ahead, where is γ^k?": (
            lambda r, v, g, k: _discounted(r, g, k) + v[k] - v[0]
        ),
        "you discount the critic's last value by γ^(k−1): it stands k steps ahead, not k − 1": (
            lambda r, v, g, k: _discounted(r, g, k) + g ** (k - 1) * v[k] - v[0]
        ),
        "this is an estimate of the return: an advantage is what comes minus V(s_t)": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k]
        ),
        "you stop after k rewards: what stands for all the rewards that come after them?": (
            lambda r, v, g, k: _discounted(r, g, k) - v[0]
        ),
        "your rewards are not discounted: the reward l steps ahead counts γ^l": (
            lambda r, v, g, k: r[:k].sum() + g**k * v[k] - v[0]
        ),
    },
)


# Exercise 2: td_error (T, N), done (T, N), gamma, lam -> (T, N).
def _one_pass(delta: Tensor, done: Tensor, g: float, lam: float) -> Tensor:
    zero = torch.zeros_like(delta)
    return generalized_advantage_estimation(delta, zero, zero, done, done, g, lam)


def _cut_one_step_off(delta: Tensor, done: Tensor, g: float, lam: float) -> Tensor:
    return _one_pass(delta, torch.cat([done[1:], torch.zeros_like(done[:1])]), g, lam)


def _forwards(delta: Tensor, done: Tensor, g: float, lam: float) -> Tensor:
    advantages, advantage = torch.zeros_like(delta), torch.zeros_like(delta[0])
    for t in range(len(delta)):
        advantage = delta[t] + g * lam * (~done[t]).to(delta) * advantage
        advantages[t] = advantage
    return advantages


_TD_ERROR = torch.tensor([[1.0, 0.5], [-2.0, 1.0], [3.0, -1.5], [0.5, 2.0], [-1.0, 4.0]], dtype=torch.float64)
_DONE = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 1], [0, 0]], dtype=torch.bool)

backward_recursion = Exercise(
    name="backward_recursion",
    right=_one_pass,
    inputs=[(_TD_ERROR, _DONE, *settings) for settings in ((0.9, 0.8), (0.99, 1.0), (0.5, 0.0))],
    wrong={
        "an episode gets credit for what came after its reset: where does done[t] cut the recursion?": (
            lambda delta, done, g, lam: _one_pass(delta, torch.zeros_like(done), g, lam)
        ),
        "you cut at done[t + 1]: it is done[t] that says that step t + 1 belongs to another episode": _cut_one_step_off,
        "you run forwards in time: Â_t needs Â_{t+1}, so the loop begins at the last step": _forwards,
        "you decay by λ alone: from one step to the next the factor is γλ": (
            lambda delta, done, g, lam: _one_pass(delta, done, 1.0, lam)
        ),
        "the last step of an episode lost its own TD error: done cuts what comes after δ_t, not δ_t": (
            lambda delta, done, g, lam: _one_pass(delta.masked_fill(done, 0.0), done, g, lam)
        ),
    },
)


# Exercise 3: final_value, steps, gamma, lam -> (steps,).
def _merging_error(final_value: float, steps: int, g: float, lam: float) -> Tensor:
    """The library's advantages with the flags merged, minus those with the flags apart, for a critic of zeros."""
    zeros = torch.zeros(steps, dtype=torch.float64)
    last = torch.arange(steps) == steps - 1
    next_values = zeros.masked_fill(last, final_value)
    merged = generalized_advantage_estimation(zeros, zeros, next_values, last, last, g, lam)
    return merged - generalized_advantage_estimation(zeros, zeros, next_values, last & ~last, last, g, lam)


def _remaining(steps: int) -> Tensor:
    return torch.arange(steps - 1, -1, -1, dtype=torch.float64)


merging_error = Exercise(
    name="merging_error",
    right=_merging_error,
    inputs=[(-60.0, 5, 0.9, 0.8), (10.0, 4, 0.99, 0.95)],
    wrong={
        "your sign is the wrong way round: the merged code leaves +γV(s_T) out": (
            lambda v, n, g, lam: g * v * (g * lam) ** _remaining(n)
        ),
        "your last step is off by V(s_T): the TD error holds γV(s_T), where is that γ?": (
            lambda v, n, g, lam: -v * (g * lam) ** _remaining(n)
        ),
        "your error is largest at the first step: it enters at the episode's end and fades backwards": (
            lambda v, n, g, lam: (-g * v * (g * lam) ** _remaining(n)).flip(0)
        ),
        "your exponent is one too large: at the last step itself no factor γλ has come in yet": (
            lambda v, n, g, lam: -g * v * (g * lam) ** (_remaining(n) + 1)
        ),
        "your error fades with λ alone: from step to step the recursion multiplies by γλ": (
            lambda v, n, g, lam: -g * v * lam ** _remaining(n)
        ),
    },
)
