"""Answers to notebook 02's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import torch
from torch.distributions import Bernoulli, kl_divergence
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid


def _closed_form(old, new):
    # log(1 + eᶻ′) − log(1 + eᶻ) − σ(z)(z′ − z): a Bregman divergence
    return (torch.logaddexp(new, 0 * new) - torch.logaddexp(old, 0 * old) - old.sigmoid() * (new - old)).sum(1).mean()


def _coin_loop(old, new):
    total = 0.0
    for z, w in zip(old.reshape(-1).tolist(), new.reshape(-1).tolist(), strict=True):
        for sign in (1, -1):
            p = 1 / (1 + math.exp(-sign * z))
            total += p * (math.log1p(math.exp(-sign * w)) - math.log1p(math.exp(-sign * z)))
    return total / len(old)


def _log_sigmoid(old, new):
    heads = logsigmoid(old).exp() * (logsigmoid(old) - logsigmoid(new))
    tails = logsigmoid(-old).exp() * (logsigmoid(-old) - logsigmoid(-new))
    return torch.stack([heads, tails]).sum(dim=(0, 2)).mean(0)


def _as_two_actions(old, new):
    p, q = (torch.stack([z, 0 * z], -1).log_softmax(-1) for z in (old, new))
    return torch.einsum("bna,bna->", p.exp(), p - q) / len(old)


def _numpy_coins(old, new):
    old, new = old.numpy(), new.numpy()
    heads = np.logaddexp(0, -new) - np.logaddexp(0, -old)
    tails = np.logaddexp(0, new) - np.logaddexp(0, old)
    p, not_p = np.exp(-np.logaddexp(0, -old)), np.exp(-np.logaddexp(0, old))
    return (p * heads + not_p * tails).sum(axis=1).mean()


def _naive(old, new):
    p, q = old.sigmoid(), new.sigmoid()
    return (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum(1).mean()


def _clamped(old, new):
    p, q = old.sigmoid().clamp(1e-8, 1 - 1e-8), new.sigmoid().clamp(1e-8, 1 - 1e-8)
    return (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum(1).mean()


def _estimate_loop(log_prob, log_prob_old):
    terms = [math.expm1(new - old) - (new - old) for new, old in zip(log_prob, log_prob_old, strict=True)]
    return sum(terms) / len(terms)


def _ratio_then_log(log_prob, log_prob_old):
    ratio = (log_prob - log_prob_old).exp()
    return (ratio - 1 - ratio.log()).mean()


def _bound(mdp, pi, new):
    mean_kl = mdp.occupancy(pi) @ (pi * (pi / new).log()).sum(1)
    largest = (new * mdp.advantages(pi)).sum(1).abs().max()
    return mdp.surrogate(pi, new) - 2 * mdp.gamma / (1 - mdp.gamma) ** 2 * (mean_kl / 2).sqrt() * largest


def _bound_loop(mdp, pi, new):
    rho, advantages = mdp.occupancy(pi).tolist(), mdp.advantages(pi).tolist()
    mean_kl, largest = 0.0, 0.0
    for share, old_row, new_row, row in zip(rho, pi.tolist(), new.tolist(), advantages, strict=True):
        mean_kl += share * sum(p * math.log(p / q) for p, q in zip(old_row, new_row, strict=True))
        largest = max(largest, abs(sum(q * a for q, a in zip(new_row, row, strict=True))))
    drift = 2 * mdp.gamma / (1 - mdp.gamma) * math.sqrt(mean_kl / 2)
    return float(mdp.surrogate(pi, new)) - drift * largest / (1 - mdp.gamma)


def _bound_by_hand(mdp, pi, new):
    """L as in exercise 2 of 01: J(π) plus the new policy's advantages at the old states."""
    rho, expected = mdp.occupancy(pi), (new * mdp.advantages(pi)).sum(1)
    level = mdp.performance(pi) + rho @ expected / (1 - mdp.gamma)
    drift = mdp.gamma * (2 * (rho[:, None] * pi * (pi.log() - new.log())).sum()).sqrt() / (1 - mdp.gamma)
    return level - drift * expected.abs().max() / (1 - mdp.gamma)


def _writes(mdp, pi, new):
    bound = _bound(mdp, pi, new)
    pi -= new
    return bound


RIGHT = {
    "mean_kl_coins": [
        _closed_form,
        _coin_loop,
        _log_sigmoid,
        _as_two_actions,
        _numpy_coins,
        lambda old, new: _log_sigmoid(old.float(), new.float()).item(),
        lambda old, new: kl_divergence(Bernoulli(logits=old), Bernoulli(logits=new)).sum(-1).mean(),
    ],
    "kl_from_samples": [
        _estimate_loop,
        lambda new, old: (torch.expm1(new - old) + old - new).mean(),
        lambda new, old: np.mean(np.expm1((new - old).numpy()) - (new - old).numpy()),
        lambda new, old: ((new - old).float().exp() - (new - old).float() - 1).mean(),
        lambda new, old: (old - new).mean() + ((new - old).exp() - 1).mean(),
        lambda new, old: [((new.exp() - old.exp()) / old.exp() - new + old).sum().item() / len(new)],
    ],
    "penalty_weight": [
        lambda slope, curvature, max_kl: np.sqrt(slope**2 / (2 * max_kl * curvature)),
        lambda slope, curvature, max_kl: torch.tensor(slope) / (2 * torch.tensor(max_kl) * curvature) ** 0.5,
        lambda g, f, delta: g / (f * math.sqrt(2 * delta / f)),
        lambda g, f, delta: g * math.sqrt(2 * delta / f) / (2 * delta),
        lambda g, f, delta: np.array([g * (2 * delta * f) ** -0.5]),
        lambda g, f, delta: [math.exp(math.log(g) - math.log(2 * delta * f) / 2)],
    ],
    "mean_kl_bound": [
        _bound_loop,
        _bound_by_hand,
        lambda mdp, pi, new: _bound(mdp, pi, new).item(),
        lambda mdp, pi, new: _bound(mdp, pi, new).float(),
        lambda mdp, pi, new: np.array([float(_bound(mdp, pi, new))]),
        lambda mdp, pi, new: [_bound(mdp, pi, new)],
    ],
}

WRONG = {
    "mean_kl_coins": [
        (_naive, "your result is NaN"),
        (_clamped, "logits of ±80: expected"),
        (lambda old, new: _closed_form(new, old), "this is KL(new‖old)"),
        (lambda old, new: (_closed_form(old, new) + _closed_form(new, old)) / 2, "four states: expected"),
        (lambda old, new: _closed_form(old, new) / old.shape[1], "too small by the number of coins"),
        (lambda old, new: _closed_form(old, new) * len(old), "too large by the number of states"),
        (lambda old, new: _closed_form(old, new) / math.log(2), "exactly 1/ln 2 ×"),
        (lambda old, new: binary_cross_entropy_with_logits(new, old.sigmoid(), reduction="sum") / len(old), "entropy"),
        (lambda old, new: (old.sigmoid() - new.sigmoid()).abs().sum(1).mean(), "four states: expected"),
        (lambda old, new: (logsigmoid(old) - logsigmoid(new)).sum(1).mean(), "four states: expected"),
        (lambda old, new: old.sub_(new).sum(), "your function changes its argument old in place"),
        (lambda old, new: _log_sigmoid(old[:, 0:1], new[:, 0:1]), "four states: expected"),
        (lambda old, new: _log_sigmoid(old[None], new[None]), "expected one number, shape (), got (3,)"),
    ],
    "kl_from_samples": [
        (_ratio_then_log, "one log r of −800: your result is inf"),
        (lambda new, old: (old - new).mean(), "right on average"),
        (lambda new, old: (old - new).mean().abs(), "made positive"),
        (lambda new, old: (old - new).clamp(min=0).mean(), "cut off at 0"),
        (lambda new, old: ((new - old).exp() - (new - old)).mean(), "exactly 1 too large"),
        (lambda new, old: -((new - old).exp() - 1 - (new - old)).mean(), "exactly −1 ×"),
        (lambda new, old: ((new - old).exp() - 1 - (new - old)).sum(), "a sum over the samples"),
        (lambda new, old: ((old - new).exp() - 1 - (old - new)).mean(), "upside down"),
        (lambda new, old: ((new - old) ** 2).mean(), "expected"),
        (lambda new, old: (new.exp() * (new - old)).mean(), "expected"),
        (lambda new, old: (old.exp() * (old - new)).sum(), "expected"),
        (lambda new, old: new.sub_(old).expm1().sub(new).mean(), "changes its argument new in place"),
        (lambda new, old: ((new - old).exp() - 1 - (new - old)).median(), "expected"),
        (lambda new, old: torch.nn.functional.kl_div(new, old, log_target=True, reduction="batchmean"), "expected"),
    ],
    "penalty_weight": [
        (lambda slope, curvature, max_kl: slope / math.sqrt(max_kl * curvature), "½"),
        (lambda slope, curvature, max_kl: slope**2 / (2 * max_kl * curvature), "root"),
        (lambda slope, curvature, max_kl: math.sqrt(2 * max_kl / curvature), "length of the step"),
        (lambda slope, curvature, max_kl: slope / curvature, "does not know δ"),
        (lambda slope, curvature, max_kl: slope * math.sqrt(2 * max_kl / curvature), "gain at KL = δ"),
        (lambda slope, curvature, max_kl: 1 / math.sqrt(2 * max_kl * curvature), "slope g belongs"),
        (lambda slope, curvature, max_kl: slope * math.sqrt(curvature / (2 * max_kl)), "wrong place"),
        (lambda slope, curvature, max_kl: slope / math.sqrt(2 * max_kl), "exactly √curvature ×"),
        (lambda slope, curvature, max_kl: slope / (2 * max_kl * curvature), "expected"),
        (lambda slope, curvature, max_kl: -slope / math.sqrt(2 * max_kl * curvature), "exactly −1 ×"),
        (lambda slope, curvature, max_kl: round(slope / math.sqrt(2 * max_kl * curvature)), "expected"),
        (lambda slope, curvature, max_kl: max_kl, "expected"),
    ],
    "mean_kl_bound": [
        (lambda mdp, pi, new: mdp.performance(new), "J(π′) itself"),
        (lambda mdp, pi, new: mdp.surrogate(pi, new), "L alone"),
        (lambda mdp, pi, new: 2 * mdp.surrogate(pi, new) - _bound(mdp, pi, new), "upper bound"),
        (lambda mdp, pi, new: _bound(mdp, new, pi), "expected"),
        (lambda mdp, pi, new: mdp.surrogate(pi, new) - _bound(mdp, pi, new), "penalty alone"),
        (lambda mdp, pi, new: 2 * _bound(mdp, pi, new), "exactly 2 ×"),
        (lambda mdp, pi, new: _bound(mdp, pi, new) * (1 - mdp.gamma), "exactly (1 − γ) ×"),
        (_writes, "changes its argument pi in place"),
        (
            lambda mdp, pi, new: mdp.surrogate(pi, new) + (_bound(mdp, pi, new) - mdp.surrogate(pi, new)) / mdp.gamma,
            "factor γ",
        ),
        (
            lambda mdp, pi, new: (
                mdp.surrogate(pi, new) + (1 - mdp.gamma) ** 2 * (_bound(mdp, pi, new) - mdp.surrogate(pi, new))
            ),
            "expected",
        ),
        (lambda mdp, pi, new: (_bound(mdp, pi, new) + mdp.surrogate(pi, new)) / 2, "factor 2"),
        (lambda mdp, pi, new: _bound(mdp, pi, new).expand(2), "shape"),
    ],
}  # fmt: skip
