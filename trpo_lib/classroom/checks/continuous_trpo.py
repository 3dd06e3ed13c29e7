"""Exercises of notebook 08."""

import math

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from trpo_lib.classroom.checks.exercise import Exercise

_ACTIONS = torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.3, -0.4]], dtype=torch.float64)
_MEAN = torch.tensor([[0.0, -0.5, 1.0], [0.2, 0.1, -0.3]], dtype=torch.float64)
_LOG_STD = torch.tensor([-0.5, 0.2, -1.0], dtype=torch.float64)


def _terms(actions: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    return -0.5 * ((actions - mean) / log_std.exp()) ** 2 - log_std - 0.5 * math.log(2 * math.pi)


gaussian_log_prob = Exercise(
    name="gaussian_log_prob",
    right=lambda a, mean, log_std: Independent(Normal(mean, log_std.exp().expand_as(mean)), 1).log_prob(a),
    inputs=[(_ACTIONS, _MEAN, _LOG_STD), (_ACTIONS[:, :1], _MEAN[:, :1], _LOG_STD[:1])],
    wrong={
        "a mean over action dimensions is the log of no density: independent densities multiply": (
            lambda a, m, s: _terms(a, m, s).mean(-1)
        ),
        "one number for each dimension: is the sum over action dimensions missing?": lambda a, m, s: _terms(a, m, s),
        "the sum runs over the batch too: one number for each action is due": lambda a, m, s: _terms(a, m, s).sum(),
        "where is −log σ? Without it a wider policy would seem to lose nothing": (
            lambda a, m, s: (_terms(a, m, s) + s).sum(-1)
        ),
        "½ log 2π belongs to every dimension, not once to all of them": (
            lambda a, m, s: _terms(a, m, s).sum(-1) + (a.shape[-1] - 1) * 0.5 * math.log(2 * math.pi)
        ),
        "what is given is log σ: did you take it for σ?": lambda a, m, s: _terms(a, m, s.abs().log()).sum(-1),
        "the square of (a − μ)/σ, or only of a − μ?": (
            lambda a, m, s: (-0.5 * (a - m) ** 2 / s.exp() - s - 0.5 * math.log(2 * math.pi)).sum(-1)
        ),
    },
)


def _model_kl(log_std: Tensor, d_mean: Tensor, d_log_std: Tensor) -> Tensor:
    return (0.5 * (d_mean / log_std.exp()) ** 2 + d_log_std**2).sum(-1)


_D_MEAN = torch.tensor([[0.1, -0.2, 0.05], [0.0, 0.3, 0.1]], dtype=torch.float64)
_D_LOG_STD = torch.tensor([[0.02, 0.1, -0.05], [0.2, 0.0, -0.1]], dtype=torch.float64)

gaussian_move = Exercise(
    name="gaussian_move",
    right=_model_kl,
    inputs=[(_LOG_STD, _D_MEAN, _D_LOG_STD), (_LOG_STD, _D_MEAN, 0 * _D_LOG_STD)],
    wrong={
        "a mean over action dimensions: the KL of independent dimensions is a sum": (
            lambda s, m, ds: _model_kl(s, m, ds) / m.shape[-1]
        ),
        "log σ counts twice as much as that: is the √2 of the whitening missing?": (
            lambda s, m, ds: 0.5 * ((m / s.exp()) ** 2 + ds**2).sum(-1)
        ),
        "this is |Rᵀd|²: is the ½ of the quadratic model missing?": lambda s, m, ds: 2 * _model_kl(s, m, ds),
        "a shift counts in units of σ, squared: did you divide by σ once?": (
            lambda s, m, ds: (0.5 * m**2 / s.exp() + ds**2).sum(-1)
        ),
        "a shift counts in units of σ: a narrow policy moves far with a short step": (
            lambda s, m, ds: (0.5 * m**2 + ds**2).sum(-1)
        ),
    },
)


def _draw(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    action = mean + std * noise
    return action.clamp(-1, 1), Independent(Normal(mean, std), 1).log_prob(action)


def _clipped_first(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    action = (mean + std * noise).clamp(-1, 1)
    return action, Independent(Normal(mean, std), 1).log_prob(action)


def _never_clipped(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    return mean + std * noise, _draw(mean, std, noise)[1]


def _clipped_mean(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    return _draw(mean.clamp(-1, 1), std, noise)


def _per_dimension(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    action = mean + std * noise
    return action.clamp(-1, 1), Normal(mean, std).log_prob(action)


_STD = torch.full_like(_MEAN, 0.6)
_NOISE = torch.tensor([[2.5, -2.0, 0.3], [-0.5, 0.1, 1.5]], dtype=torch.float64)

draw_action = Exercise(
    name="draw_action",
    right=_draw,
    inputs=[(_MEAN, _STD, _NOISE), (3 * _MEAN, _STD, -_NOISE)],
    wrong={
        "the density of the clipped action: the policy never drew it, and its scores no longer average to zero": (
            _clipped_first
        ),
        "the environment gets actions outside its box: clip for it, and for it alone": _never_clipped,
        "clip the action that was drawn, not the mean: the mean may lie outside the box": _clipped_mean,
        "one log-probability for each dimension: is the sum missing?": _per_dimension,
    },
)


def _settings(max_kl: float, damping: float, dimensions: int) -> tuple[float, float]:
    return max_kl / dimensions, damping / dimensions


averaged_settings = Exercise(
    name="averaged_settings",
    right=_settings,
    inputs=[(0.03, 0.1, 6), (0.01, 0.1, 1), (0.05, 0.0, 17)],
    wrong={
        "the wrong way round: an average is d times smaller than the sum, so its limit is too": (
            lambda max_kl, damping, d: (max_kl * d, damping * d)
        ),
        "δ is right. But the average divides F by d as well, and the damping is added to that": (
            lambda max_kl, damping, d: (max_kl / d, damping)
        ),
        "δ is right. The damping stands beside F/d, so it shrinks with F and does not grow": (
            lambda max_kl, damping, d: (max_kl / d, damping * d)
        ),
        "√d is the factor of the step; the KL grows with its square": (
            lambda max_kl, damping, d: (max_kl / math.sqrt(d), damping / d)
        ),
        "an average over d dimensions is not the sum: for d > 1 something must change": (
            lambda max_kl, damping, d: (max_kl, damping)
        ),
    },
)
