"""Exercises of notebook 06."""

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import FLOAT, flags, generator, integer, normal, number, sizes
from trpo_lib.gae import generalized_advantage_estimation, standardize, td_errors


# Exercise 1: rewards (T,), values (T + 1,), gamma, k -> ().
def _discounted(numbers: Tensor, g: float, k: int) -> Tensor:
    return (g ** torch.arange(k, dtype=FLOAT) * numbers[:k]).sum()


def _k_step(rewards: Tensor, values: Tensor, gamma: float, k: int) -> Tensor:
    delta = td_errors(rewards, values[:-1], values[1:], torch.zeros_like(rewards, dtype=torch.bool), gamma)
    return _discounted(delta, gamma, k)


def _steps(random: Generator, length: int, gamma: float, k: int) -> tuple:
    return 2 * normal(random, length), 3 * normal(random, length + 1), gamma, k


k_step_advantage = Exercise(
    name="k_step_advantage",
    right=lambda rewards, values, gamma, k: _k_step(rewards, values, gamma, k),
    inputs={
        "k = 1": _steps(generator(1), 4, 0.9, 1),
        "k = 2": _steps(generator(2), 5, 0.8, 2),
        "k = T": _steps(generator(3), 4, 0.95, 4),
        "γ = 0": _steps(generator(4), 3, 0.0, 2),
        "60 steps of 75": _steps(generator(5), 75, 0.99, 60),
    },
    sample=lambda random: _steps(random, 8, number(random, 0.3, 0.99), integer(random, 2, 8)),
    wrong={
        "the critic's last value is not discounted: it stands k steps ahead, where is γ^k?": (
            lambda r, v, g, k: _discounted(r, g, k) + v[k] - v[0]
        ),
        "you discount the critic's last value by γ^(k−1): it stands k steps ahead, not k − 1": (
            lambda r, v, g, k: _discounted(r, g, k) + g ** (k - 1) * v[k] - v[0],
            lambda r, v, g, k: _discounted(r, g, k) + g ** max(k - 1, 0) * v[k] - v[0],
        ),
        "you discount the critic's last value by γ^(k+1): after k rewards it stands k steps ahead": (
            lambda r, v, g, k: _discounted(r, g, k) + g ** (k + 1) * v[k] - v[0]
        ),
        "you ask the critic at values[k − 1]: after k rewards the walker stands at s_k": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k - 1] - v[0],
            lambda r, v, g, k: _discounted(r, g, k) + g ** (k - 1) * v[k - 1] - v[0],
        ),
        "you ask the critic at the end of the array, values[-1]: after k rewards the walker stands at s_k": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[-1] - v[0]
        ),
        "your rewards begin with γ¹: the first one comes at once, so it counts γ⁰": (
            lambda r, v, g, k: g * _discounted(r, g, k) + g**k * v[k] - v[0]
        ),
        "your rewards are not discounted: the reward l steps ahead counts γ^l": (
            lambda r, v, g, k: r[:k].sum() + g**k * v[k] - v[0]
        ),
        "you sum the TD errors without discount: the one l steps ahead counts γ^l (6.4)": (
            lambda r, v, g, k: (r + g * v[1:] - v[:-1])[:k].sum()
        ),
        "you count k + 1 rewards: r_0 to r_{k−1} are k of them": (
            lambda r, v, g, k: _discounted(r, g, min(k + 1, len(r))) + g**k * v[k] - v[0]
        ),
        "you count all rewards: only k of them come before the critic's value": (
            lambda r, v, g, k: _discounted(r, g, len(r)) + g**k * v[k] - v[0]
        ),
        "this is an estimate of the return: an advantage is what comes minus V(s_t)": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k]
        ),
        "V(s_0) has the wrong sign: what the critic expected is subtracted from what came": (
            lambda r, v, g, k: _discounted(r, g, k) + g**k * v[k] + v[0]
        ),
        "this is the TD error of one step (k = 1), whatever k is": lambda r, v, g, k: r[0] + g * v[1] - v[0],
        "this is the estimate over all T steps: after k of them the critic takes over": (
            lambda r, v, g, k: _k_step(r, v, g, len(r))
        ),
        "you stop after k rewards: what stands for all the rewards that come after them?": (
            lambda r, v, g, k: _discounted(r, g, k) - v[0]
        ),
    },
)


# Exercise 2: all arrays (T, N), but last_values (N,), and gamma, lam -> (T, N).
def _reached(values: Tensor, final: Tensor, last: Tensor, done: Tensor) -> Tensor:
    return torch.where(done, final, torch.cat([values[1:], last[None]]))


def _whole(
    r: Tensor, v: Tensor, final: Tensor, last: Tensor, term: Tensor, trunc: Tensor, g: float, lam: float
) -> Tensor:
    return generalized_advantage_estimation(r, v, _reached(v, final, last, term | trunc), term, trunc, g, lam)


def _without_last(rows: Tensor) -> Tensor:
    return torch.cat([rows[:-1], torch.zeros_like(rows[-1:])])


def _by_hand(delta: Tensor, decay: Tensor) -> Tensor:
    """Σ backwards, for the wrong ones that the library does not know."""
    sums, later = torch.zeros_like(delta), torch.zeros_like(delta[0])
    for t in reversed(range(len(delta))):
        sums[t] = later = delta[t] + decay[t] * later
    return sums


def _wrong_whole(bootstrap=None, cut=None, decay=None, reached=_reached, keep=None, shift=0):
    """A whole advantage function with one thing wrong; each argument replaces one piece of (6.13)."""

    def function(r, v, final, last, term, trunc, g, lam):
        done = term | trunc
        nothing = term if bootstrap is None else bootstrap(term, trunc)
        ends = done if cut is None else cut(term, trunc)
        ends = torch.cat([ends[shift:], torch.zeros_like(ends[:shift])]) if shift else ends
        delta = r + g * reached(v, final, last, done) * ~nothing - v
        delta = delta if keep is None else delta * keep(term, trunc)
        return _by_hand(delta, (g * lam if decay is None else decay(g, lam)) * ~ends)

    return function


def _forwards(r: Tensor, v: Tensor, final: Tensor, last: Tensor, term: Tensor, trunc: Tensor, g: float, lam: float):
    done = term | trunc
    delta = r + g * _reached(v, final, last, done) * ~term - v
    sums, before = torch.zeros_like(delta), torch.zeros_like(delta[0])
    for t in range(len(delta)):
        sums[t] = before = delta[t] + g * lam * ~done[t] * before
    return sums


def _next_error_only(r: Tensor, v: Tensor, f: Tensor, w: Tensor, a: Tensor, b: Tensor, g: float, lam: float) -> Tensor:
    delta = _whole(r, v, f, w, a, b, g, 0.0)
    return delta + g * lam * ~(a | b) * torch.cat([delta[1:], torch.zeros_like(delta[:1])])


def _ended(random: Generator, steps: int, envs: int, gamma: float, lam: float, often: float = 0.25) -> tuple:
    term = flags(random, steps, envs, probability=often)
    trunc = flags(random, steps, envs, probability=often) & ~term
    if steps > 3:  # an end of either kind in mid-batch, whatever was drawn
        term[1, 0], trunc[1, 0], term[2, -1], trunc[2, -1] = False, True, True, False
    final = 3 * normal(random, steps, envs) * (term | trunc)
    numbers = 2 * normal(random, steps, envs), 3 * normal(random, steps, envs), final, 3 * normal(random, envs)
    return *numbers, term, trunc, gamma, lam


def _sampled(random: Generator) -> tuple:
    steps, envs = sizes(random, 2, 4, 8)
    return _ended(random, steps, envs, number(random, 0.5, 0.99), number(random, 0.3, 0.95))


advantages_of_batch = Exercise(
    name="advantages_of_batch",
    right=lambda rewards, values, final_values, last_values, terminated, truncated, gamma, lam: _whole(
        rewards, values, final_values, last_values, terminated, truncated, gamma, lam
    ),
    axes=("t", "environment"),
    inputs={
        "both kinds of ends": _ended(generator(1), 7, 3, 0.9, 0.8),
        "no end": _ended(generator(2), 3, 2, 0.8, 0.7, often=0.0),
        "many ends": _ended(generator(3), 6, 4, 0.95, 0.6, often=0.5),
        "λ = 0": _ended(generator(4), 5, 2, 0.9, 0.0),
        "λ = 1": _ended(generator(5), 5, 3, 0.7, 1.0),
        "one row": _ended(generator(6), 1, 4, 0.9, 0.5, often=0.5),
    },
    sample=_sampled,
    wrong={
        "a time limit counts as termination: only a terminal state is worth 0": _wrong_whole(lambda a, b: a | b),
        "a terminal state keeps the critic's value: no reward can follow it": _wrong_whole(lambda a, b: a & ~a),
        "the two flags are exchanged: a time limit keeps its value, a terminal state is worth 0": (
            _wrong_whole(lambda a, b: b)
        ),
        "after an end you bootstrap from the next episode's first state: where do final_values come in?": (
            _wrong_whole(reached=lambda v, final, last, done: torch.cat([v[1:], last[None]]))
        ),
        "you use final_values everywhere: they hold a value only where an episode ended": (
            _wrong_whole(reached=lambda v, final, last, done: final)
        ),
        "in the last row you forget last_values (or final_values): the future goes on after the batch": (
            _wrong_whole(reached=lambda v, final, last, done: _reached(v, final, 0 * last, done)),
            _wrong_whole(reached=lambda v, final, last, done: _without_last(_reached(v, final, last, done))),
        ),
        "in the last row you use last_values even where the episode ended there: that is the reset": (
            _wrong_whole(
                reached=lambda v, final, last, done: torch.cat([_reached(v, final, last, done)[:-1], last[None]])
            )
        ),
        "a time limit does not cut the recursion: row t + 1 is another episode": _wrong_whole(cut=lambda a, b: a),
        "termination does not cut the recursion: row t + 1 is another episode": _wrong_whole(cut=lambda a, b: b),
        "nothing cuts the recursion: an episode gets credit for what came after its reset": (
            _wrong_whole(cut=lambda a, b: a & ~a)
        ),
        "you cut at done[t + 1]: it is done[t] that says that row t + 1 is another episode": _wrong_whole(shift=1),
        "you cut at done[t − 1]: it is done[t] that says that row t + 1 is another episode": (
            _wrong_whole(cut=lambda a, b: torch.cat([torch.zeros_like(a[:1]), (a | b)[:-1]]))
        ),
        "one environment's end cuts all of them: each has a flag of its own": (
            _wrong_whole(cut=lambda a, b: (a | b).any(1, keepdim=True).expand_as(a))
        ),
        "you add δ_{t+1} where Â_{t+1} is due: what comes later is lost after two steps": _next_error_only,
        "an episode's last step lost its own TD error: done cuts what comes after δ_t, not δ_t": (
            _wrong_whole(keep=lambda a, b: ~(a | b))
        ),
        "you decay by λ alone: from one step to the next the factor is γλ": _wrong_whole(decay=lambda g, lam: lam),
        "you decay by γ alone: from one step to the next the factor is γλ": _wrong_whole(decay=lambda g, lam: g),
        "you run forwards in time: Â_t needs Â_{t+1}, so the loop begins at the last row": _forwards,
        "these are TD errors: where is the recursion, the second line of (6.13)?": (
            _wrong_whole(decay=lambda g, lam: 0.0)
        ),
        "these are λ-returns, Â + V: the critic's targets, not the advantages": (
            lambda r, v, *rest: _whole(r, v, *rest) + v
        ),
        "your advantages are standardised: the agent does that later (6.16)": lambda *a: standardize(_whole(*a)),
        "V(s_t) is not subtracted: a TD error is what came, less what the critic expected": (
            lambda r, v, *rest: _wrong_whole()(r + v, v, *rest)
        ),
        "the next state's value is not discounted: δ_t = r_t + γV(s'_t) − V(s_t)": (
            lambda r, v, f, w, a, b, g, lam: _wrong_whole(decay=lambda *_: g * lam)(r, v, f, w, a, b, 1.0, lam)
        ),
    },
)


# Exercise 3: next_values (T, N), truncated (T, N), gamma, lam -> (T, N).
def _merging(next_values: Tensor, truncated: Tensor, gamma: float, lam: float) -> Tensor:
    """The library's advantages with the flags merged, minus those with the flags apart, for a critic of zeros."""
    zeros, never = torch.zeros_like(next_values), torch.zeros_like(truncated)
    merged = generalized_advantage_estimation(zeros, zeros, next_values, truncated, truncated, gamma, lam)
    return merged - generalized_advantage_estimation(zeros, zeros, next_values, never, truncated, gamma, lam)


def _missing(next_values: Tensor, truncated: Tensor, gamma: float) -> Tensor:
    return -gamma * next_values * truncated


def _limits(random: Generator, steps: int, envs: int, gamma: float, lam: float) -> tuple:
    truncated = flags(random, steps, envs)
    if steps > 4:  # two limits in one column, and steps before and after them
        truncated[:, 0] = False
        truncated[[2, 4], 0] = True
    return 20 * normal(random, steps, envs) - 10, truncated, gamma, lam


merging_error = Exercise(
    name="merging_error",
    right=lambda next_values, truncated, gamma, lam: _merging(next_values, truncated, gamma, lam),
    axes=("t", "environment"),
    inputs={
        "two limits in a column": _limits(generator(1), 7, 3, 0.9, 0.8),
        "two environments": _limits(generator(2), 6, 2, 0.99, 0.7),
        "no limit": (normal(generator(3), 4, 2), torch.zeros(4, 2, dtype=torch.bool), 0.9, 0.5),
        "λ = 0": _limits(generator(4), 5, 4, 0.8, 0.0),
        "γ = λ = 1": _limits(generator(5), 6, 3, 1.0, 1.0),
        "one row": (normal(generator(6), 1, 3) - 5, torch.tensor([[True, False, True]]), 0.7, 0.9),
    },
    sample=lambda random: _limits(
        random, integer(random, 5, 9), integer(random, 2, 4), number(random, 0.5, 0.98), number(random, 0.3, 0.95)
    ),
    wrong={
        "your sign is the wrong way round: the merged code leaves +γV out": lambda v, b, g, lam: (
            -_merging(v, b, g, lam)
        ),
        "your error is V at the limit: the TD error holds γV, where is that γ?": (
            lambda v, b, g, lam: _by_hand(_missing(v, b, 1.0), g * lam * ~b)
        ),
        "your error runs through the end of the episode before: done cuts the recursion there": (
            lambda v, b, g, lam: _by_hand(_missing(v, b, g), g * lam * torch.ones_like(v))
        ),
        "your error stays at the limit: the recursion hands it back to the steps before": (
            lambda v, b, g, lam: _missing(v, b, g)
        ),
        "every step has an error of its own: only at a limit does the merged code leave something out": (
            lambda v, b, g, lam: _by_hand(-g * v, g * lam * ~b),
            lambda v, b, g, lam: -g * v,
        ),
        "your error fades with λ alone: from step to step the recursion multiplies by γλ": (
            lambda v, b, g, lam: _by_hand(_missing(v, b, g), lam * ~b)
        ),
        "your error fades with γ alone: from step to step the recursion multiplies by γλ": (
            lambda v, b, g, lam: _by_hand(_missing(v, b, g), g * ~b)
        ),
        "at the limit itself no factor γλ has come in yet: your exponent is one too large": (
            lambda v, b, g, lam: g * lam * _merging(v, b, g, lam)
        ),
        "your error runs forwards in time: it enters at the limit and fades back to earlier steps": (
            lambda v, b, g, lam: _by_hand(_missing(v, b, g).flip(0), g * lam * ~b.flip(0)).flip(0),
            lambda v, b, g, lam: _merging(v, b, g, lam).flip(0),
        ),
        "one environment's limit cuts all of them: each has a flag of its own": (
            lambda v, b, g, lam: _by_hand(_missing(v, b, g), g * lam * ~b.any(1, keepdim=True).expand_as(b))
        ),
        "the error of the second limit is missing: each limit of a column has its own": (
            lambda v, b, g, lam: _merging(v, b & (b.cumsum(0) == 1), g, lam) * (b.cumsum(0) - b.long() == 0)
        ),
    },
)


# Exercise 4: advantages, rewards, values, next_values, terminated, truncated (T,), gamma, lam -> one of four names.
NAMES = ("right", "time limit as termination", "values[t + 1] after a reset", "time limit does not cut")


def _as_in(
    name: str, r: Tensor, v: Tensor, next_v: Tensor, term: Tensor, trunc: Tensor, g: float, lam: float
) -> Tensor:
    never = torch.zeros_like(term)
    if name == NAMES[1]:
        return generalized_advantage_estimation(r, v, next_v, term | trunc, never, g, lam)
    if name == NAMES[2]:
        return generalized_advantage_estimation(r, v, torch.cat([v[1:], next_v[-1:]]), term, trunc, g, lam)
    return generalized_advantage_estimation(r, v, next_v, term, never if name == NAMES[3] else trunc, g, lam)


def _mistake(advantages: Tensor, *batch) -> str:
    return next(name for name in NAMES if torch.allclose(advantages, _as_in(name, *batch)))


def _foreign(random: Generator, name: str, steps: int = 8, limits: int = 2) -> tuple:
    """A batch and what the mistake makes of it; the value of every step in mid-episode is that of the next row."""
    r, v, next_v = normal(random, steps), 3 * normal(random, steps), 3 * normal(random, steps)
    term, trunc = torch.zeros(2, steps, dtype=torch.bool)
    term[4] = True
    trunc[[1, steps - 2][:limits]] = True
    inside = ~(term | trunc)
    inside[-1] = False
    next_v[:-1] = torch.where(inside[:-1], v[1:], next_v[:-1])
    batch = r, v, next_v, term, trunc, number(random, 0.7, 0.98), number(random, 0.5, 0.95)
    return _as_in(name, *batch), *batch


def _exchanged(first: int, second: int):
    other = {NAMES[first]: NAMES[second], NAMES[second]: NAMES[first]}
    return lambda *arguments: other.get(_mistake(*arguments), _mistake(*arguments))


def _only_if_different(name: str):
    return lambda *arguments: "right" if _mistake(*arguments) == "right" else name


which_mistake = Exercise(
    name="which_mistake",
    right=lambda advantages, rewards, values, next_values, terminated, truncated, gamma, lam: _mistake(
        advantages, rewards, values, next_values, terminated, truncated, gamma, lam
    ),
    choices=NAMES,
    inputs={
        **{f"case {i + 1}": _foreign(generator(i), name) for i, name in enumerate((*NAMES[1:], NAMES[0]))},
        "one time limit": _foreign(generator(5), NAMES[3], limits=1),
        "no time limit": _foreign(generator(6), NAMES[0], limits=0),
    },
    sample=lambda random: _foreign(random, NAMES[integer(random, 0, 3)], integer(random, 8, 12)),
    wrong={
        "you find nothing wrong anywhere: does your code compare with the right estimate, or with itself?": (
            lambda *arguments: "right"
        ),
        "two names are exchanged: merging makes the limit's value 0, an uncut recursion adds the next episode": (
            _exchanged(1, 3)
        ),
        "two names are exchanged: merging takes 0, the shifted code the next episode's first value": _exchanged(1, 2),
        "two names are exchanged: the shifted code errs in δ, the uncut one in the recursion": _exchanged(2, 3),
        "you see that something is wrong, not what: compute what each mistake would have given": (
            _only_if_different(NAMES[1]),
            _only_if_different(NAMES[2]),
            _only_if_different(NAMES[3]),
        ),
        "you take every batch for a wrong one: try “right” first, without a limit all four agree": (
            lambda *arguments: next(name for name in NAMES[1:] if _mistake(*arguments) in (name, "right"))
        ),
    },
)
