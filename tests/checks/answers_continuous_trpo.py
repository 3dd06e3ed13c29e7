"""Answers to notebook 08's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, TanhTransform
from torch.nn.functional import gaussian_nll_loss, softplus


def _log_prob(actions, mean, log_std):
    z = (actions - mean) * (-log_std).exp()
    return -0.5 * (z @ z.T).diagonal() - log_std.sum() - 0.5 * len(log_std) * math.log(2 * math.pi)


def _log_prob_loop(actions, mean, log_std):
    result = []
    for action, centre in zip(actions.tolist(), mean.tolist(), strict=True):
        total = 0.0
        for a, m, s in zip(action, centre, log_std.tolist(), strict=True):
            total -= 0.5 * ((a - m) / math.exp(s)) ** 2 + s + math.log(math.sqrt(2 * math.pi))
        result.append(total)
    return result


def _log_prob_numpy(actions, mean, log_std):
    a, m, s = actions.numpy(), mean.numpy(), log_std.numpy()
    return -0.5 * np.sum((a - m) ** 2 / np.exp(2 * s) + 2 * s + np.log(2 * np.pi), axis=1)


def _log_of_product(actions, mean, log_std):
    density = (-0.5 * ((actions - mean) / log_std.exp()) ** 2).exp() / (log_std.exp() * math.sqrt(2 * math.pi))
    return density.prod(1).log()


def _draw(mean, std, noise):
    action = mean + std * noise
    return action.clip(-1, 1), Normal(mean, std).log_prob(action).sum(1)


def _draw_loop(mean, std, noise):
    actions, log_probs = [], []
    for row in range(len(mean)):
        action = [float(m + s * e) for m, s, e in zip(mean[row], std[row], noise[row], strict=True)]
        actions.append([max(-1.0, min(1.0, a)) for a in action])
        logs = [
            -0.5 * float(e) ** 2 - math.log(s) - 0.5 * math.log(2 * math.pi)
            for s, e in zip(std[row], noise[row], strict=True)
        ]
        log_probs.append(sum(logs))
    return actions, log_probs


def _draw_numpy(mean, std, noise):
    mean, std, noise = mean.numpy(), std.numpy(), noise.numpy()
    log_prob = (-0.5 * noise**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(1)
    return np.clip(mean + std * noise, -1, 1), log_prob


def _draw_in_place(mean, std, noise):
    action = noise.mul_(std).add_(mean)
    return action.clamp(-1, 1), Normal(mean, std).log_prob(action).sum(1)


def _clamped_in_place(mean, std, noise):
    action = mean + std * noise
    clipped = action.clamp_(-1, 1)
    return clipped, Normal(mean, std).log_prob(action).sum(1)


def _squashed(u, mean, log_std):
    slope = 2 * (math.log(2) - u - softplus(-2 * u))
    return (Normal(mean, log_std.exp()).log_prob(u) - slope).sum(1)


def _squashed_loop(u, mean, log_std):
    result = []
    for row, centre in zip(u.tolist(), mean.tolist(), strict=True):
        total = 0.0
        for x, m, s in zip(row, centre, log_std.tolist(), strict=True):
            total -= 0.5 * ((x - m) / math.exp(s)) ** 2 + s + 0.5 * math.log(2 * math.pi)
            total += 2 * (abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2))
        result.append(total)
    return result


def _squashed_numpy(u, mean, log_std):
    u, mean, log_std = u.numpy(), mean.numpy(), log_std.numpy()
    density = -0.5 * ((u - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)
    return (density - np.log(4) + 2 * np.logaddexp(u, -u)).sum(1)


def _by_cosh(u, mean, log_std):
    return Normal(mean, log_std.exp()).log_prob(u).sum(1) + 2 * u.cosh().log().sum(1)


def _by_tanh(u, mean, log_std):
    return (Normal(mean, log_std.exp()).log_prob(u) - (1 - u.tanh() ** 2).log()).sum(1)


def _by_transforms(u, mean, log_std):
    return Normal(mean, log_std.exp()).log_prob(u).sum(1) - TanhTransform().log_abs_det_jacobian(u, u.tanh()).sum(1)


RIGHT = {
    "gaussian_log_prob": [
        _log_prob,
        _log_prob_loop,
        _log_prob_numpy,
        lambda a, m, s: _log_prob(a.float(), m.float(), s.float()),
        lambda a, m, s: MultivariateNormal(m, torch.diag((2 * s).exp())).log_prob(a),
        lambda a, m, s: Independent(Normal(m, s.exp()), 1).log_prob(a).tolist(),
        lambda a, m, s: -gaussian_nll_loss(m, a, (2 * s).exp().expand_as(m), full=True, eps=0, reduction="none").sum(1),
    ],
    "draw_action": [
        _draw,
        _draw_loop,
        _draw_numpy,
        lambda m, s, e: list(_draw(m, s, e)),
        lambda m, s, e: _draw(m.float(), s.float(), e.float()),
        lambda m, s, e: (torch.minimum(torch.maximum(m + s * e, -torch.ones(())), torch.ones(())), _draw(m, s, e)[1]),
    ],
    "squashed_log_prob": [
        _squashed,
        _squashed_loop,
        _squashed_numpy,
        _by_cosh,
        _by_transforms,
        lambda u, m, s: _squashed(u.float(), m.float(), s.float()),
        lambda u, m, s: _squashed(u, m, s).tolist(),
    ],
    "averaged_settings": [
        lambda kl, c, d: [kl / d, c / d],
        lambda kl, c, d: torch.tensor([kl, c]) / d,
        lambda kl, c, d: np.array([kl, c]) / d,
        lambda kl, c, d: (torch.tensor(kl / d), np.float32(c / d)),
        lambda kl, c, d: (kl * d**-1, sum([c] * d) / d**2),
        lambda kl, c, d: tuple(torch.tensor([kl, c], dtype=torch.float32) / d),
    ],
}

WRONG = {
    "gaussian_log_prob": [
        (_log_of_product, "an action 60 σ away: your result is −inf"),
        (lambda a, m, s: _log_prob(a, m, s)[:, None], "expected shape (2,), got (2, 1)"),
        (lambda a, m, s: _log_prob(a, m, s).mean(), "expected shape (2,), got ()"),
        (lambda a, m, s: -_log_prob(a, m, s), "the sign is turned"),
        (lambda a, m, s: _log_prob(a, m, s) + 0.5 * len(s) * math.log(2 * math.pi), "½ log 2π is missing"),
        (lambda a, m, s: _log_prob(a, m, s) - s.sum(), "two actions: action 0: expected"),
        (lambda a, m, s: _log_prob(a, m, s) + 2 * s.sum(), "two actions: action 0: expected"),
        (lambda a, m, s: _log_prob(a, m, s) / math.log(2), "exactly 1/ln 2 ×"),
        (lambda a, m, s: _log_prob(a, m, s) / len(s), "a mean over action dimensions"),
        (lambda a, m, s: a.sub_(m).div_(s.exp()).square().sum(1) * -0.5 - s.sum() - 1.0, "changes its argument a in"),
        (lambda a, m, s: _log_prob(a, m, s.exp()), "two actions: action 0: expected"),
        (lambda a, m, s: _log_prob(a.clamp(-1, 1), m, s), "action"),
        (lambda a, m, s: Normal(m, s.exp()), "an object of type Normal"),
    ],
    "draw_action": [
        (_clamped_in_place, "the density of the clipped action"),
        (_draw_in_place, "changes its argument noise in place"),
        (lambda m, s, e: _draw(m, s, e)[0], "must return 2 things; it returns 5"),
        (lambda m, s, e: (*_draw(m, s, e), m), "must return 2 things; it returns 3"),
        (lambda m, s, e: {"actions": m, "log_probs": e}, "must return 2 things; it returns a dictionary"),
        (lambda m, s, e: (_draw(m, s, e)[0], -_draw(m, s, e)[1]), "two states: log_probs: state 0: expected"),
        (lambda m, s, e: (_draw(m, s, e)[0], _draw(m, s, e)[1].exp()), "log_probs: state 0: expected"),
        (lambda m, s, e: (_draw(m, s, e)[0], _draw(m, s, e)[1].sum()), "log_probs: expected shape (2,), got ()"),
        (lambda m, s, e: (_draw(m, s, e)[0], None), "your function returns None"),
        (lambda m, s, e: ((m + s * e).clamp(0, 1), _draw(m, s, e)[1]), "actions: state 0, dimension"),
        (lambda m, s, e: ((m + s * e).tanh(), _draw(m, s, e)[1]), "tanh squashes"),
        (lambda m, s, e: _draw(m, s, -e), "actions: state 0, dimension 0: expected"),
        (lambda m, s, e: _draw(m, s, torch.randn_like(e)), "expected"),
        (lambda m, s, e: _draw(m, s**2, e), "expected"),
    ],
    "squashed_log_prob": [
        (_by_tanh, "u = ±40: your result is inf"),
        (lambda u, m, s: Normal(m, s.exp()).log_prob(u).sum(1), "this is the density of u"),
        (lambda u, m, s: _by_tanh(u, m, s)[:, None], "expected shape (2,), got (2, 1)"),
        (lambda u, m, s: _squashed(u, m, s).mean(), "expected shape (2,), got ()"),
        (lambda u, m, s: -_squashed(u, m, s), "the sign is turned"),
        (lambda u, m, s: _squashed(u, m, s).exp(), "action 0: expected"),
        (lambda u, m, s: _squashed(u, m, s) / len(s), "a mean over action dimensions"),
        (lambda u, m, s: _squashed(u.tanh(), m, s), "two actions: action 0: expected"),
        (lambda u, m, s: 2 * Normal(m, s.exp()).log_prob(u).sum(1) - _squashed(u, m, s), "the density rises"),
        (lambda u, m, s: _squashed(u, m, s) + math.log(4) * len(s), "action 0: expected"),
        (lambda u, m, s: _squashed(u, m, s) + s.sum(), "action 0: expected"),
        (lambda u, m, s: _squashed(u.clamp(-10, 10), m, s), "u = ±40: action 0: expected"),
        (lambda u, m, s: _squashed(u.atanh(), m, s), "your function raised ValueError"),
        (lambda u, m, s: _squashed(u.clamp_(-90, 90).mul_(1.0).sub_(m).add_(m).abs_(), m, s), "changes its argument u"),
    ],
    "averaged_settings": [
        (lambda kl, c, d: (kl * d, c * d), "the wrong way round"),
        (lambda kl, c, d: (kl * d, c), "δ: expected"),
        (lambda kl, c, d: (kl / d, c * d), "does not grow"),
        (lambda kl, c, d: (c / d, kl / d), "exchanged"),
        (lambda kl, c, d: kl / d, "must return 2 things; it returns one number"),
        (lambda kl, c, d: (kl / (d + 1), c / (d + 1)), "δ: expected"),
        (lambda kl, c, d: (-kl / d, -c / d), "exactly −1 ×"),
        (lambda kl, c, d: (kl / d, c / d**2), "d enters once"),
        (lambda kl, c, d: (kl // d, c // d), "your result is 0 for every input"),
        (lambda kl, c, d: (kl / d, 0.0), "damping: expected"),
        (lambda kl, c, d: {kl / d, c / d}, "it returns a set"),
        (lambda kl, c: (kl, c), "must take (max_kl, damping, d)"),
    ],
}  # fmt: skip
