"""Answers to notebook 05's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import torch
from torch.distributions import Bernoulli, kl_divergence
from torch.nn.functional import softplus


# Exercise 1.
def _kl(p, d):
    theta = p.logit()
    return softplus(theta + d) - softplus(theta) - p * d


def _torch_kl(p, d):
    old = Bernoulli(logits=p.logit())
    return kl_divergence(old, Bernoulli(logits=old.logits + d)) > old.variance * d**2 / 2


def _numpy(p, d):
    p, d = p.numpy(), d.numpy()
    theta = np.log(p) - np.log1p(-p)
    return np.logaddexp(0, theta + d) - np.logaddexp(0, theta) - p * d > p * (1 - p) * d**2 / 2


def _nested(p, d):
    if p.ndim > 1:
        return [_nested(a, b) for a, b in zip(p, d, strict=True)]
    pairs = zip(p.tolist(), d.tolist(), strict=True)
    return [math.log1p(a * math.expm1(b)) - a * b > a * (1 - a) * b * b / 2 for a, b in pairs]


def _curved(p, d):
    """KL = ½ F(θ + s d) d² · 2 ∫ (1 − s) …: the remainder in integral form, by Gauss and Legendre in pieces."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    total = torch.zeros_like(p)
    for piece in range(40):
        for node, weight in zip(nodes, weights, strict=True):
            s = (piece + (node + 1) / 2) / 40
            q = (p.logit() + s * d).sigmoid()
            total += weight / 80 * (1 - s) * q * (1 - q)
    return total > p * (1 - p) / 2


def _in_place(p, d):
    d *= 1.0 + 1e-12
    return _kl(p, d) > p * (1 - p) * d**2 / 2


def _forgets(p, d):
    _kl(p, d)


# Exercise 2.
def _loop(measure, predicted, max_kl, shrink, accept_ratio, max_trials):
    fraction, trials = 1.0, 0
    while trials < max_trials:
        gain, kl = measure(fraction)
        if kl <= max_kl and gain / (predicted * fraction) >= accept_ratio:
            return fraction
        fraction, trials = fraction * shrink, trials + 1
    return 0


def _generator(measure, predicted, max_kl, shrink, accept_ratio, max_trials):
    fractions = (shrink**i for i in range(max_trials))
    measured = ((t, *measure(t)) for t in fractions)
    return next((t for t, gain, kl in measured if gain >= accept_ratio * predicted * t and kl <= max_kl), 0.0)


def _arrays(measure, predicted, max_kl, shrink, accept_ratio, max_trials):
    t = shrink ** np.arange(max_trials)
    gains, kls = np.array([measure(s) for s in t]).T
    passes = (gains >= accept_ratio * predicted * t) & (kls <= max_kl)
    return t[passes.argmax()] if passes.any() else np.float64(0)


def _tensors(measure, predicted, max_kl, shrink, accept_ratio, max_trials):
    for t in torch.tensor(shrink, dtype=torch.float64) ** torch.arange(max_trials):
        gain, kl = measure(t)
        if gain >= accept_ratio * predicted * t and kl <= max_kl:
            return t
    return torch.tensor(0.0)


def _recursive(measure, predicted, max_kl, shrink, accept_ratio, max_trials, t=1.0):
    if max_trials == 0:
        return 0.0
    gain, kl = measure(t)
    refused = math.isnan(gain) or math.isnan(kl) or gain < accept_ratio * predicted * t or kl > max_kl
    return _recursive(measure, predicted, max_kl, shrink, accept_ratio, max_trials - 1, t * shrink) if refused else t


def _search(first=0, factor=1.0, last=False, negated=False, power=1, answer=None):
    def search(measure, predicted, max_kl, shrink, accept_ratio, max_trials):
        t = 0.0
        for i in range(first, first + max_trials):
            t = shrink**i
            gain, kl = measure(t)
            least = accept_ratio * predicted * t**power
            good = not (gain < least or kl > factor * max_kl) if negated else gain >= least and kl <= factor * max_kl
            if good:
                return t if answer is None else answer(i)
        return t if last else 0.0

    return search


def _shortest(measure, predicted, max_kl, shrink, accept_ratio, max_trials):
    """The acceptable trial with the smallest fraction."""
    tried = [(measure(shrink**i), shrink**i) for i in range(max_trials + 2)]
    return min((t for (g, kl), t in tried if g >= accept_ratio * predicted * t and kl <= max_kl), default=0.0)


# Exercise 3.
def _secant(fractions, kls, max_kl):
    if len(fractions) == 1:
        return min(4, fractions[0] * (max_kl / kls[0]) ** 0.5)
    x, y = np.log(fractions[-2:]), np.log(kls[-2:])
    return min(4, math.exp(x[1] + (math.log(max_kl) - y[1]) * (x[1] - x[0]) / (y[1] - y[0])))


def _interpolated(fractions, kls, max_kl):
    """From the last but one trial: the same line."""
    if len(fractions) == 1:
        return min(4.0, math.sqrt(max_kl * fractions[0] ** 2 / kls[0]))
    (t1, t2), (d1, d2) = fractions[-2:], kls[-2:]
    share = math.log(max_kl / d1) / math.log(d2 / d1)
    return min(4.0, t1 * (t2 / t1) ** share)


def _polyfit(fractions, kls, max_kl):
    x, y = np.log(np.array(fractions[-2:])), np.log(np.array(kls[-2:]) / max_kl)
    slope, offset = (2, y[0] - 2 * x[0]) if len(x) == 1 else np.polyfit(x, y, 1)
    return np.minimum(np.exp(-offset / slope), 4)


def _solved(fractions, kls, max_kl):
    """n and the constant from two linear equations."""
    t, d = torch.tensor(fractions[-2:]).double().log(), torch.tensor(kls[-2:]).double().log()
    if len(t) == 1:
        n, constant = torch.tensor(2.0).double(), d[0] - 2 * t[0]
    else:
        n, constant = torch.linalg.solve(torch.stack([t, torch.ones(2).double()], 1), d)
    return ((math.log(max_kl) - constant) / n).exp().clamp(max=4)


def _as_array(fractions, kls, max_kl):
    return np.array([_secant(fractions, kls, max_kl)])[0].astype(np.float32)


def _sorts(fractions, kls, max_kl):
    fractions.sort()
    return _secant(fractions, kls, max_kl)


# Exercise 4.
def _counted(ratio, shrink, n):
    i = 0
    while ratio * shrink ** (n * i) > 1:
        i += 1
    return i


def _no_return(ratio, shrink, n):
    _counted(ratio, shrink, n)


RIGHT = {
    "overshoots": [
        lambda p, d: _kl(p, d) > p * (1 - p) * d**2 / 2,
        _torch_kl,
        _numpy,
        _nested,
        _curved,
        lambda p, d: (_kl(p, d) > p * (1 - p) * d**2 / 2).int(),
    ],
    "search_with_share": [_loop, _generator, _arrays, _tensors, _recursive],
    "next_fraction": [_secant, _interpolated, _polyfit, _solved, _as_array],
    "refusals": [
        _counted,
        lambda ratio, shrink, n: max(0, math.ceil(-math.log(ratio, shrink) / n)),
        lambda ratio, shrink, n: max(0, math.floor(math.log(1 / ratio) / (n * math.log(shrink))) + 1),
        lambda ratio, shrink, n: np.ceil(np.maximum(np.log2(ratio) / np.log2(1 / shrink) / n, 0)),
        lambda ratio, shrink, n: torch.tensor(ratio).double().log().div(-n * math.log(shrink)).clamp(min=0).ceil(),
    ],
}

WRONG = {
    "overshoots": [
        (lambda p, d: _kl(p, d) <= p * (1 - p) * d**2 / 2, "wrong way round"),
        (lambda p, d: d * (p - 0.5) < 0, "cubic term"),
        (lambda p, d: (p > 0.5) * (d < 0), "p < ½"),
        (lambda p, d: _kl(p, d) > p * (1 - p) * d**2, "½"),
        (lambda p, d: _kl(p, d) > p * d**2 / 2, "factors"),
        (lambda p, d: d < 0, "sign of d"),
        (lambda p, d: (_kl(p, d) > p * (1 - p) * d**2 / 2).any(), ""),
        (lambda p, d: _kl(p, d), ""),
        (lambda p, d: torch.ones_like(p).bool(), ""),
        (lambda p, d: torch.zeros_like(p).bool(), ""),
        (lambda p, d: (_kl(p, d) > p * (1 - p) * d**2 / 2)[..., None], "shape"),
        (_in_place, "in place"),
        (_forgets, "return"),
    ],
    "search_with_share": [
        (_search(first=1), "full step"),
        (_search(factor=1.5), "1.5 δ"),
        (_search(factor=math.inf), "trust region"),
        (_search(last=True), "at 0"),
        (_search(negated=True), "NaN"),
        (_search(power=0), "share of the full step"),
        (_search(answer=lambda i: i), "number i"),
        (_search(first=1, last=True, negated=True), ""),
        (_search(power=2), ""),
        (_shortest, ""),
        (lambda m, p, k, s, a, n: m(1.0)[0], ""),
        (lambda m, p, k, s, a, n: print(end=""), "return"),
    ],
    "next_fraction": [
        (lambda t, d, m: min(4, t[-1] * math.sqrt(m / d[-1])), "exponent 2"),
        (lambda t, d, m: _secant(t[:2], d[:2], m), "first two"),
        (lambda t, d, m: min(1, _secant(t, d, m)), "shorten"),
        (lambda t, d, m: _secant(t, d, 0.96 * m), "aim below"),
        (lambda t, d, m: _secant([t[0], t[-1]], [d[0], d[-1]], m) if len(t) > 1 else _secant(t, d, m), "first and the"),
        (lambda t, d, m: t[-1] * m / d[-1], ""),
        (lambda t, d, m: t[-1], ""),
        (lambda t, d, m: math.sqrt(m / d[-1]), ""),
        (lambda t, d, m: math.inf, ""),
        (lambda t, d, m: -_secant(t, d, m), "−1"),
        (_sorts, ""),
        (lambda t, d, m: print("", end=""), "return"),
    ],
    "refusals": [
        (lambda r, s, n: _counted(r, s, n) + 1, "trials"),
        (lambda r, s, n: max(0, _counted(r, s, n) - 1), "round down"),
        (lambda r, s, n: _counted(r, s, 1), "αⁿ"),
        (lambda r, s, n: _counted(r, s, 2), "n = 2"),
        (lambda r, s, n: math.ceil(math.log(r) / (n * math.log(s))), "sign of log"),
        (lambda r, s, n: max(0, -math.log(r) / (n * math.log(s))), "whole number"),
        (lambda r, s, n: math.ceil(-math.log(r) / (n * math.log(s))), "negative"),
        (lambda r, s, n: s ** _counted(r, s, n), ""),
        (lambda r, s, n: _counted(r, s**2, n), ""),
        (lambda r, s, n: _counted(math.sqrt(r), s, n), ""),
        (_no_return, "return"),
        (lambda r, s, n: 3, ""),
    ],
}
