"""Exercises of notebook 06."""

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import flags, generator, integer, normal, number, sizes
from trpo_lib.gae import generalized_advantage_estimation


# Exercise 1: rewards (T,), values (T + 1,), gamma, k -> ().
def _discounted(numbers: Tensor, g: float, k: int) -> Tensor:
    return sum(g**step * numbers[step] for step in range(k))


def _k_step(r: Tensor, v: Tensor, g: float, k: int) -> Tensor:
    return _discounted(r, g, k) + g**k * v[k] - v[0]


def _td(r: Tensor, v: Tensor, g: float) -> Tensor:
    return r + g * v[1:] - v[:-1]


def _episode(random: Generator, steps: int, gamma: float, k: int) -> tuple:
    return normal(random, steps), normal(random, steps + 1), gamma, k


k_step_advantage = Exercise(
    name="k_step_advantage",
    right=lambda rewards, values, gamma, k: _k_step(rewards, values, gamma, k),
    inputs={
        "k = 1 of 4 steps": _episode(generator(1), 4, 0.9, 1),
        "k = 2 of 5 steps": _episode(generator(2), 5, 0.7, 2),
        "k = 3 of 6 steps": _episode(generator(3), 6, 0.5, 3),
        "k = 4 of 4 steps": _episode(generator(4), 4, 0.95, 4),
        "one step": _episode(generator(5), 1, 0.8, 1),
    },
    sample=lambda random: _episode(random, integer(random, 4, 7), number(random, 0.3, 0.98), integer(random, 1, 4)),
    wrong={
        "the critic's last value is not discounted: it stands k steps ahead, where is γ^k?": (
            lambda r, v, g, k: _discounted(r, g, k) + v[k] - v[0]
        ),
        "you discount the critic's last value by γ^(k−1): it stands k steps ahead, not k − 1": (
            lambda r, v, g, k: _discounted(r, g, k) + g ** (k - 1) * v[k] - v[0]
        ),
        "you take values[k − 1]: after k steps the state is s_k, and its value is values[k]": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k - 1] - v[0],
            lambda r, v, g, k: _discounted(r, g, k) + g ** (k - 1) * v[k - 1] - v[0],
        ),
        "you take the last of all values: the estimate ends after k steps, at values[k]": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[-1] - v[0]
        ),
        "this is an estimate of the return: an advantage is what comes minus V(s_t)": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k]
        ),
        "V(s_0) is added: an advantage is what comes minus V(s_0)": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k] + v[0]
        ),
        "you stop after k rewards: what stands for all the rewards that come after them?": (
            lambda r, v, g, k: _discounted(r, g, k) - v[0]
        ),
        "your rewards are not discounted: the reward l steps ahead counts γ^l": (
            lambda r, v, g, k: r[:k].sum() + g**k * v[k] - v[0]
        ),
        "your rewards begin at γ¹: the first one comes at once, and counts γ⁰ = 1": (
            lambda r, v, g, k: g * _discounted(r, g, k) + g**k * v[k] - v[0],
            lambda r, v, g, k: g * _discounted(r, g, k) + g ** (k + 1) * v[k] - v[0],
        ),
        "you add up TD errors without discount: the one l steps ahead counts γ^l": (
            lambda r, v, g, k: _td(r, v, g)[:k].sum()
        ),
        "this is the TD error of one step (k = 1), whatever k is": lambda r, v, g, k: _td(r, v, g)[0],
        "this is the estimate over all T steps: after k of them the critic takes over": (
            lambda r, v, g, k: _k_step(r, v, g, len(r))
        ),
        "you take k + 1 rewards: the k-th and last is rewards[k − 1]": (
            lambda r, v, g, k: _discounted(torch.cat([r, r.new_zeros(1)]), g, k + 1) + g**k * v[k] - v[0],
            lambda r, v, g, k: _discounted(torch.cat([r, r.new_zeros(1)]), g, k + 1) + g ** (k + 1) * v[k] - v[0],
        ),
    },
)


# Exercise 2: delta (T, N), done (T, N), gamma, lam -> (T, N).
def _one_pass(delta: Tensor, done: Tensor, g: float, lam: float) -> Tensor:
    zero = torch.zeros_like(delta)
    return generalized_advantage_estimation(delta, zero, zero, done, done, g, lam)


def _forwards(delta: Tensor, done: Tensor, g: float, lam: float, *, shift: int = 0) -> Tensor:
    advantages, advantage = torch.zeros_like(delta), torch.zeros_like(delta[0])
    for t in range(len(delta)):
        goes_on = ~done[t - shift] if t >= shift else torch.ones_like(done[0])
        advantage = delta[t] + g * lam * goes_on.to(delta) * advantage
        advantages[t] = advantage
    return advantages


def _shifted(done: Tensor, by: int) -> Tensor:
    nothing = torch.zeros_like(done[:1])
    return torch.cat([done[1:], nothing]) if by < 0 else torch.cat([nothing, done[:-1]])


def _flattened(delta: Tensor, done: Tensor, g: float, lam: float) -> Tensor:
    return _one_pass(delta.reshape(-1, 1), done.reshape(-1, 1), g, lam).view_as(delta)


def _next_error_only(delta: Tensor, done: Tensor, g: float, lam: float) -> Tensor:
    return delta + g * lam * (~done).to(delta) * torch.cat([delta[1:], torch.zeros_like(delta[:1])])


def _rollout(random: Generator, steps: int, envs: int, gamma: float, lam: float, probability: float = 0.3) -> tuple:
    return normal(random, steps, envs), flags(random, steps, envs, probability=probability), gamma, lam


backward_recursion = Exercise(
    name="backward_recursion",
    right=lambda delta, done, gamma, lam: _one_pass(delta, done, gamma, lam),
    inputs={
        "5 steps": _rollout(generator(1), 5, 3, 0.9, 0.8),
        "more environments than steps": _rollout(generator(2), 4, 6, 0.7, 0.6),
        "one environment": _rollout(generator(3), 7, 1, 0.8, 0.95),
        "λ = 1": _rollout(generator(4), 6, 2, 0.97, 1.0),
        "λ = 0": _rollout(generator(5), 3, 2, 0.5, 0.0),
        "no end": _rollout(generator(6), 4, 2, 0.9, 0.7, 0.0),
        "an end at every step": _rollout(generator(7), 3, 2, 0.9, 0.7, 1.0),
    },
    sample=lambda random: _rollout(
        random, *sizes(random, 2, 3, 8), number(random, 0.5, 0.98), number(random, 0.4, 0.98)
    ),
    axes=("t", "environment"),
    wrong={
        "an episode gets credit for what came after its reset: where does done[t] cut the recursion?": (
            lambda delta, done, g, lam: _one_pass(delta, torch.zeros_like(done), g, lam)
        ),
        "you cut at done[t + 1]: it is done[t] that says that step t + 1 belongs to another episode": (
            lambda delta, done, g, lam: _one_pass(delta, _shifted(done, -1), g, lam)
        ),
        "you cut at done[t − 1]: it is done[t] that says that step t + 1 belongs to another episode": (
            lambda delta, done, g, lam: _one_pass(delta, _shifted(done, 1), g, lam)
        ),
        "you run forwards in time: Â_t needs Â_{t+1}, so the loop begins at the last step": (
            _forwards,
            lambda delta, done, g, lam: _forwards(delta, done, g, lam, shift=1),
        ),
        "you decay by λ alone: from one step to the next the factor is γλ": (
            lambda delta, done, g, lam: _one_pass(delta, done, 1.0, lam)
        ),
        "you decay by γ alone: from one step to the next the factor is γλ": (
            lambda delta, done, g, lam: _one_pass(delta, done, g, 1.0)
        ),
        "the last step of an episode lost its own TD error: done cuts what comes after δ_t, not δ_t": (
            lambda delta, done, g, lam: _one_pass(delta.masked_fill(done, 0.0), done, g, lam)
        ),
        "the flag is turned: the recursion goes on where an episode ended, and stops where it goes on": (
            lambda delta, done, g, lam: _one_pass(delta, ~done, g, lam)
        ),
        "one environment's end cuts all of them: done[t] is one flag for each": (
            lambda delta, done, g, lam: _one_pass(delta, done.any(1, keepdim=True).expand_as(done), g, lam)
        ),
        "you run through the environments too, as if each step followed the one beside it: time is axis 0": _flattened,
        "you add δ_{t+1} where Â_{t+1} is due: what comes later is lost after two steps": _next_error_only,
        "these are the TD errors themselves (λ = 0): where is the recursion?": lambda delta, done, g, lam: (
            delta.clone()
        ),
    },
)


# Exercise 3: final_value, steps, gamma, lam -> (steps,).
def _fading(v: float, n: int, factor: float, first: float) -> Tensor:
    return first * v * factor ** torch.arange(n - 1, -1, -1, dtype=torch.float64)


merging_error = Exercise(
    name="merging_error",
    right=lambda final_value, steps, gamma, lam: _fading(final_value, steps, gamma * lam, -gamma),
    inputs=[(-60.0, 5, 0.9, 0.8), (10.0, 4, 0.99, 0.95), (3.0, 7, 0.6, 1.0), (-2.5, 2, 0.8, 0.0), (7.0, 1, 0.7, 0.9)],
    sample=lambda random: (
        number(random, 1, 50) * (-1) ** integer(random, 0, 1),
        integer(random, 3, 9),
        number(random, 0.4, 0.98),
        number(random, 0.3, 0.98),
    ),
    axes=("t",),
    wrong={
        "your sign is the wrong way round: the merged code leaves +γV(s_T) out": (
            lambda v, n, g, lam: _fading(v, n, g * lam, g)
        ),
        "your last step is off by V(s_T): the TD error holds γV(s_T), where is that γ?": (
            lambda v, n, g, lam: _fading(v, n, g * lam, -1)
        ),
        "your error is largest at the first step: it enters at the episode's end and fades backwards": (
            lambda v, n, g, lam: _fading(v, n, g * lam, -g).flip(0)
        ),
        "your exponent is one too large: at the last step itself no factor γλ has come in yet": (
            lambda v, n, g, lam: _fading(v, n, g * lam, -g * g * lam)
        ),
        "your error fades with λ alone: from step to step the recursion multiplies by γλ": (
            lambda v, n, g, lam: _fading(v, n, lam, -g)
        ),
        "your error fades with γ alone: from step to step the recursion multiplies by γλ": (
            lambda v, n, g, lam: _fading(v, n, g, -g)
        ),
        "the error does not end at the last step: the recursion carries it back to the earlier ones": (
            lambda v, n, g, lam: _fading(v, n, 0.0, -g)
        ),
        "every step gets the same error in your answer: the recursion carries a part of it back, γλ a step": (
            lambda v, n, g, lam: _fading(v, n, 1.0, -g)
        ),
        "the errors add up in your answer: each step has the next one's, times γλ, and no error of its own": (
            lambda v, n, g, lam: _fading(v, n, g * lam, -g).flip(0).cumsum(0).flip(0)
        ),
    },
)
