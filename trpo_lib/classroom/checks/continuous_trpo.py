"""Exercises of notebook 08."""

import math
from collections.abc import Callable

from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, integer, normal, number, sizes

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


# Exercise 1: actions (B, d), mean (B, d), log_std (d,) -> (B,).
def _terms(actions: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    return -0.5 * ((actions - mean) / log_std.exp()) ** 2 - log_std - HALF_LOG_2PI


def _log_prob(actions: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    return _terms(actions, mean, log_std).sum(-1)


def _gaussian(random: Generator, batch: int, d: int, far: float = 1.5) -> tuple:
    mean, log_std = normal(random, batch, d), 0.8 * normal(random, d) - 0.3
    return mean + far * log_std.exp() * normal(random, batch, d), mean, log_std


gaussian_log_prob = Exercise(
    name="gaussian_log_prob",
    right=lambda actions, mean, log_std: _log_prob(actions, mean, log_std),
    inputs={
        "two actions": _gaussian(generator(1), 2, 3),
        "one dimension": _gaussian(generator(2), 4, 1),
        "one action": _gaussian(generator(3), 1, 5),
        "an action 60 σ away": _gaussian(generator(4), 3, 2, 60.0),
    },
    sample=lambda random: _gaussian(random, *sizes(random, 2), 60.0 if integer(random, 0, 3) == 0 else 1.5),
    axes=("action",),
    wrong={
        "a mean over action dimensions is the log of no density: independent densities multiply": (
            lambda a, m, s: _terms(a, m, s).mean(-1)
        ),
        "one number for each dimension: is the sum over action dimensions missing?": lambda a, m, s: _terms(a, m, s),
        "the sum runs over the batch too: one number for each action is due": lambda a, m, s: _terms(a, m, s).sum(),
        "you sum over the actions (dim 0): the dimensions of an action are axis 1": (
            lambda a, m, s: _terms(a, m, s).sum(0)
        ),
        "where is −log σ? Without it a wider policy would seem to lose nothing": (
            lambda a, m, s: (_terms(a, m, s) + s).sum(-1)
        ),
        "½ log 2π belongs to every dimension, not once to all of them": (
            lambda a, m, s: _log_prob(a, m, s) + (a.shape[-1] - 1) * HALF_LOG_2PI
        ),
        "½ log 2π is missing: the density integrates to more than 1": (
            lambda a, m, s: (_terms(a, m, s) + HALF_LOG_2PI).sum(-1)
        ),
        "log 2π stands whole: the root in the density is a ½ in its logarithm": (
            lambda a, m, s: (_terms(a, m, s) - HALF_LOG_2PI).sum(-1)
        ),
        "what is given is log σ: did you take it for σ?": (
            lambda a, m, s: _log_prob(a, m, s.abs().log()),
            lambda a, m, s: (-0.5 * ((a - m) / s) ** 2 - s.log() - HALF_LOG_2PI).sum(-1),
            lambda a, m, s: (-0.5 * ((a - m) / s) ** 2 - s - HALF_LOG_2PI).sum(-1),
        ),
        "what is given is log σ: did you take it for log σ²?": lambda a, m, s: _log_prob(a, m, s / 2),
        "the square of (a − μ)/σ, or only of a − μ?": (
            lambda a, m, s: (-0.5 * (a - m) ** 2 / s.exp() - s - HALF_LOG_2PI).sum(-1)
        ),
        "the ½ before the square is missing": (
            lambda a, m, s: (_terms(a, m, s) - 0.5 * ((a - m) / s.exp()) ** 2).sum(-1)
        ),
        "this is −log π, a loss: the sign is turned": lambda a, m, s: -_log_prob(a, m, s),
        "this is the density itself: where is the logarithm?": lambda a, m, s: _log_prob(a, m, s).exp(),
    },
)


# Exercise 2: mean (B, d), std (B, d), noise (B, d) -> actions (B, d), log_probs (B,).
def _drawn(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    return (mean + std * noise).clamp(-1, 1), _log_prob(mean + std * noise, mean, std.log())


def _policy(random: Generator, batch: int, d: int, far: float = 1.0) -> tuple:
    mean, std = 1.5 * normal(random, batch, d), (0.4 * normal(random, batch, d) - 0.5).exp()
    return mean, std, far * (1.5 * normal(random, batch, d))


def _with(actions: Callable, remembered: Callable) -> Callable:
    """A wrong answer from what the environment gets, and from the action whose density the batch remembers."""
    return lambda m, s, e: (actions(m, s, e), _log_prob(remembered(m, s, e), m, s.log()))


def _clipped(m: Tensor, s: Tensor, e: Tensor) -> Tensor:
    return (m + s * e).clamp(-1, 1)


def _raw(m: Tensor, s: Tensor, e: Tensor) -> Tensor:
    return m + s * e


def _squashed(m: Tensor, s: Tensor, e: Tensor, *, corrected: bool) -> tuple[Tensor, Tensor]:
    action, log_prob = _raw(m, s, e).tanh(), _drawn(m, s, e)[1]
    return action, log_prob - (1 - action**2).log().sum(-1) if corrected else log_prob


draw_action = Exercise(
    name="draw_action",
    right=lambda mean, std, noise: _drawn(mean, std, noise),
    inputs={
        "two states": _policy(generator(1), 2, 3),
        "one dimension": _policy(generator(2), 5, 1),
        "one state": _policy(generator(3), 1, 4),
        "noise of 60 σ": _policy(generator(4), 3, 2, 60.0),
        "noise of 0": _policy(generator(5), 2, 4, 0.0),
    },
    sample=lambda random: _policy(random, *sizes(random, 2, 3, 8), 60.0 if integer(random, 0, 3) == 0 else 1.0),
    axes=("state", "dimension"),
    parts=("actions", "log_probs"),
    wrong={
        "the density of the clipped action: the policy never drew it, and its scores no longer average to zero": (
            _with(_clipped, _clipped)
        ),
        "the environment gets actions outside its box: clip for it, and for it alone": _with(_raw, _raw),
        "clip the action that was drawn, not the mean: the mean may lie outside the box": (
            lambda m, s, e: _drawn(m.clamp(-1, 1), s, e),
            _with(lambda m, s, e: _raw(m.clamp(-1, 1), s, e), _raw),
        ),
        "clip the action, not the noise: whether it leaves the box depends on the mean and σ too": (
            lambda m, s, e: (_raw(m, s, e.clamp(-1, 1)), _drawn(m, s, e.clamp(-1, 1))[1]),
            _with(lambda m, s, e: _raw(m, s, e.clamp(-1, 1)), _raw),
        ),
        "one log-probability for each dimension: is the sum missing?": (
            lambda m, s, e: (_clipped(m, s, e), _terms(_raw(m, s, e), m, s.log()))
        ),
        "a mean over action dimensions: the logs of independent densities are added": (
            lambda m, s, e: (_clipped(m, s, e), _terms(_raw(m, s, e), m, s.log()).mean(-1))
        ),
        "tanh squashes; the card's box cuts off": (
            lambda m, s, e: _squashed(m, s, e, corrected=False),
            lambda m, s, e: _squashed(m, s, e, corrected=True),
        ),
        "the noise is to be multiplied by σ: this is mean + noise": (
            lambda m, s, e: ((m + e).clamp(-1, 1), _log_prob(m + e, m, s.log())),
            lambda m, s, e: ((m + e).clamp(-1, 1), _drawn(m, s, e)[1]),
        ),
        "what is given is σ: is it taken for the variance, or for log σ?": (
            lambda m, s, e: _drawn(m, s.sqrt(), e),
            lambda m, s, e: _drawn(m, s.exp(), e),
        ),
        "the log-density of the noise, not of the action: where is −log σ?": (
            lambda m, s, e: (_clipped(m, s, e), _terms(e, 0 * m, 0 * s).sum(-1))
        ),
        "the two are exchanged: the actions come first": lambda m, s, e: _drawn(m, s, e)[::-1],
    },
)


# Exercise 3: u (B, d), mean (B, d), log_std (d,) -> (B,).
def _log_slope(u: Tensor) -> Tensor:
    """log(1 − tanh² u), also where tanh u rounds to ±1."""
    return 2 * (math.log(2) - u.abs() - (-2 * u.abs()).exp().log1p())


def _squashed_log_prob(u: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    return _log_prob(u, mean, log_std) - _log_slope(u).sum(-1)


def _wide(random: Generator, batch: int, d: int, size: float = 1.0) -> tuple:
    u, mean, log_std = _gaussian(random, batch, d)
    return size * u, mean, log_std


squashed_log_prob = Exercise(
    name="squashed_log_prob",
    right=lambda u, mean, log_std: _squashed_log_prob(u, mean, log_std),
    inputs={
        "two actions": _wide(generator(1), 2, 3),
        "one dimension": _wide(generator(2), 4, 1),
        "one action": _wide(generator(3), 1, 5),
        "u = ±40": (normal(generator(4), 3, 2).sign() * 40, normal(generator(5), 3, 2), normal(generator(6), 2)),
        "u = 0": _wide(generator(7), 2, 4, 0.0),
    },
    sample=lambda random: _wide(random, *sizes(random, 2), 30.0 if integer(random, 0, 3) == 0 else 1.0),
    axes=("action",),
    wrong={
        "this is the density of u: a = tanh u has one of its own, since tanh squeezes lengths": _log_prob,
        "the slope is added where it should be taken off: where tanh squeezes, the density rises": (
            lambda u, m, s: _log_prob(u, m, s) + _log_slope(u).sum(-1)
        ),
        "one number for each dimension: is the sum missing?": lambda u, m, s: _terms(u, m, s) - _log_slope(u),
        "a slope for each dimension: are those of all dimensions added up?": (
            lambda u, m, s: _log_prob(u, m, s) - _log_slope(u).mean(-1),
            lambda u, m, s: _log_prob(u, m, s) - _log_slope(u)[:, 0],
        ),
        "a mean over action dimensions: the logs of independent densities are added": (
            lambda u, m, s: (_terms(u, m, s) - _log_slope(u)).mean(-1)
        ),
        "da/du = 1 − tanh² u: did you take its root, or tanh itself?": (
            lambda u, m, s: _log_prob(u, m, s) - _log_slope(u).sum(-1) / 2,
            lambda u, m, s: _log_prob(u, m, s) - u.tanh().abs().log().sum(-1),
        ),
        "what is given is u, as it was drawn: did you squash it before (8.1)?": (
            lambda u, m, s: _log_prob(u.tanh(), m, s) - _log_slope(u).sum(-1),
            lambda u, m, s: _log_prob(u.tanh(), m, s),
            lambda u, m, s: _log_prob(u, m, s) - _log_slope(u.tanh()).sum(-1),
        ),
        "the slope itself is taken off: where is its logarithm?": (
            lambda u, m, s: _log_prob(u, m, s) - (1 - u.tanh() ** 2).sum(-1)
        ),
        "a small number was added inside the logarithm: the density is then wrong far out": (
            lambda u, m, s: _log_prob(u, m, s) - (1 - u.tanh() ** 2 + 1e-6).log().sum(-1),
            lambda u, m, s: _log_prob(u, m, s) - (1 - u.tanh() ** 2).clamp(min=1e-6).log().sum(-1),
            lambda u, m, s: _log_prob(u, m, s) - (1 - u.tanh() ** 2 + 1e-8).log().sum(-1),
        ),
        "this is −log π, a loss: the sign is turned": lambda u, m, s: -_squashed_log_prob(u, m, s),
    },
)


# Exercise 4: max_kl, damping, d -> two numbers.
def _scaled(kl: Callable[[int], float], damping: Callable[[int], float]) -> Callable:
    return lambda max_kl, c, d: (max_kl * kl(d), c * damping(d))


averaged_settings = Exercise(
    name="averaged_settings",
    right=lambda max_kl, damping, d: (max_kl / d, damping / d),
    inputs={
        "d = 6": (0.03, 0.1, 6),
        "d = 1": (0.01, 0.2, 1),
        "no damping": (0.05, 0.0, 17),
        "d = 3": (0.02, 1.5, 3),
    },
    sample=lambda random: (number(random, 0.001, 0.1), number(random, 0.01, 2.0), integer(random, 2, 40)),
    parts=("δ", "damping"),
    wrong={
        "the wrong way round: an average is d times smaller than the sum, so its limit is too": (
            _scaled(lambda d: d, lambda d: d)
        ),
        "δ is right. But the average divides F by d as well, and the damping is added to that": (
            _scaled(lambda d: 1 / d, lambda d: 1)
        ),
        "δ is right. The damping stands beside F/d, so it shrinks with F and does not grow": (
            _scaled(lambda d: 1 / d, lambda d: d)
        ),
        "the damping is right. But an averaged KL is d times smaller, so the same limit would allow d times more": (
            _scaled(lambda d: 1, lambda d: 1 / d)
        ),
        "√d is the factor of the step; the KL grows with its square": (
            _scaled(lambda d: d**-0.5, lambda d: 1 / d),
            _scaled(lambda d: d**-0.5, lambda d: d**-0.5),
        ),
        "an average over d dimensions is not the sum: for d > 1 something must change": (
            _scaled(lambda d: 1, lambda d: 1)
        ),
        "d enters once: the KL, and so F, are divided by d, not by its square": (
            _scaled(lambda d: 1 / d**2, lambda d: 1 / d**2),
            _scaled(lambda d: 1 / d, lambda d: 1 / d**2),
        ),
        "the two are exchanged: δ comes first": lambda max_kl, c, d: (c / d, max_kl / d),
    },
)
