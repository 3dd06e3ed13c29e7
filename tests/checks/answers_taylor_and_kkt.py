"""Answers to notebook 03's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import scipy.linalg
import torch


# Exercise 1.
def _least_squares(gradient, fisher, max_kl):
    x = torch.linalg.lstsq(fisher, gradient[:, None], driver="gelsd").solution[:, 0]
    return x * math.sqrt(2 * max_kl / max(float(x @ fisher @ x), 1e-300))


def _numpy(gradient, fisher, max_kl):
    x = np.linalg.pinv(fisher.numpy(), rcond=1e-10, hermitian=True) @ gradient.numpy()
    gain = float(x @ gradient.numpy())
    return np.sqrt(2 * max_kl / gain) * x if gain > 0 else np.zeros_like(x)


def _eigenvectors(gradient, fisher, max_kl):
    values, vectors = torch.linalg.eigh(fisher)
    keep = values > 1e-10 * values.max()
    w = (vectors.T @ gradient)[keep] / values[keep].sqrt()
    if not w.any():
        return [0.0] * len(gradient)
    return (vectors[:, keep] @ (w / values[keep].sqrt() * math.sqrt(2 * max_kl) / w.norm())).tolist()


def _shifted(gradient, fisher, max_kl):
    """Another solution: a direction in which nothing changes is added."""
    step = torch.as_tensor(_numpy(gradient, fisher, max_kl))
    nothing = torch.as_tensor(scipy.linalg.null_space(fisher.numpy(), rcond=1e-10))
    return step + (0.3 * nothing.sum(1) if gradient.any() else 0)


def _gram_schmidt_free(gradient, fisher, max_kl):
    """Conjugate gradient, which needs no inverse."""
    if not gradient.any():
        return 0 * gradient
    x, r, p = torch.zeros_like(gradient), gradient.clone(), gradient.clone()
    for _ in range(3 * len(gradient)):
        if r.norm() < 1e-13 * gradient.norm():
            break
        alpha = (r @ r) / (p @ fisher @ p)
        x, old, r = x + alpha * p, r, r - alpha * fisher @ p
        p = r + (r @ r) / (old @ old) * p
    return x * (2 * max_kl / (x @ fisher @ x)).sqrt()


def _half_as_long(gradient, fisher, max_kl):
    return 0.5 * torch.as_tensor(_numpy(gradient, fisher, max_kl))


def _in_place(gradient, fisher, max_kl):
    fisher += 1e-12 * torch.eye(len(gradient))
    return torch.as_tensor(_numpy(gradient, fisher, max_kl))


def _no_return(gradient, fisher, max_kl):
    torch.linalg.pinv(fisher)


# Exercise 2.
def _exact_parts(gradient, fisher, step, max_kl):
    slope = fisher @ step
    return slope, float(step @ slope) / 2 / max_kl


def _close(gradient, fisher, step, eta, max_kl):
    slope, share = _exact_parts(gradient, fisher, step, max_kl)
    if not torch.allclose(gradient, eta * slope, rtol=1e-6, atol=1e-7 * float(gradient.abs().max())):
        return "stationarity"
    if share > 1 + 1e-6:
        return "feasibility"
    if eta < 0:
        return "sign"
    return "solution" if eta == 0 or math.isclose(share, 1, rel_tol=1e-6) else "slackness"


def _table(gradient, fisher, step, eta, max_kl):
    slope, share = _exact_parts(gradient, fisher, step, max_kl)
    error = (gradient - eta * slope).norm() / max(gradient.norm(), 1e-300)
    holds = {
        "stationarity": error < 1e-6,
        "feasibility": share < 1 + 1e-6,
        "sign": eta >= 0,
        "slackness": eta == 0 or abs(share - 1) < 1e-6,
    }
    return next((name for name, fine in holds.items() if not fine), "solution")


def _in_numpy(gradient, fisher, step, eta, max_kl):
    g, F, d = gradient.numpy(), fisher.numpy(), step.numpy()
    kl = d @ F @ d / 2
    failed = [
        np.abs(g - eta * F @ d).max() > 1e-6 * max(np.abs(g).max(), 1e-300),
        kl - max_kl > 1e-6 * max_kl,
        eta < 0,
        abs(eta) * abs(kl - max_kl) > 1e-6 * abs(eta) * max_kl,
    ]
    names = ("stationarity", "feasibility", "sign", "slackness", "solution")
    return names[[*failed, True].index(True)]


def _loops(gradient, fisher, step, eta, max_kl):
    n = len(gradient)
    slope = [sum(float(fisher[i, j]) * float(step[j]) for j in range(n)) for i in range(n)]
    largest = max(abs(float(v)) for v in gradient)
    if any(abs(float(gradient[i]) - eta * slope[i]) > 1e-6 * largest for i in range(n)):
        return "stationarity"
    kl = sum(float(step[i]) * slope[i] for i in range(n)) / 2
    if kl > 1.000001 * max_kl:
        return "feasibility"
    if not eta >= 0:
        return "sign"
    return "slackness" if eta and kl < 0.999999 * max_kl else "solution"


def _einsum(gradient, fisher, step, eta, max_kl):
    kl = torch.einsum("i,ij,j", step, fisher, step) / 2
    gap = torch.einsum("ij,j->i", fisher, step) * eta - gradient
    for name, fails in (
        ("stationarity", gap.square().sum() > 1e-12 * gradient.square().sum()),
        ("feasibility", kl / max_kl - 1 > 1e-6),
        ("sign", eta < 0),
        ("slackness", eta != 0 and (kl / max_kl - 1).abs() > 1e-6),
    ):
        if fails:
            return name
    return "solution"


def _forgets(gradient, fisher, step, eta, max_kl):
    _close(gradient, fisher, step, eta, max_kl)


def _always(name):
    return lambda gradient, fisher, step, eta, max_kl: name


# Exercise 3.
def _fisher(mean, log_std):
    return torch.diag(torch.cat([mean, log_std]))


def _by_hessian(log_std):
    mean = torch.zeros_like(log_std)
    old = torch.distributions.Normal(mean, log_std.exp())

    def kl(parameters):
        mean, log_std = parameters.chunk(2)
        return torch.distributions.kl_divergence(old, torch.distributions.Normal(mean, log_std.exp())).sum()

    return torch.autograd.functional.hessian(kl, torch.cat([mean, log_std]))


def _by_quadrature(log_std):
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    d = len(log_std)
    F = np.zeros((2 * d, 2 * d))
    for i, sigma in enumerate(np.exp(log_std.numpy())):
        F[i, i] = weights @ (nodes / sigma) ** 2
        F[d + i, d + i] = weights @ (nodes**2 - 1) ** 2
    return F


RIGHT = {
    "safe_natural_step": [_least_squares, _numpy, _eigenvectors, _shifted, _gram_schmidt_free],
    "kkt_verdict": [_close, _table, _in_numpy, _loops, _einsum],
    "gaussian_fisher": [
        _by_hessian,
        _by_quadrature,
        lambda s: _fisher(s.exp() ** -2, 0 * s + 2).tolist(),
        lambda s: torch.block_diag(torch.diag(1 / (2 * s).exp()), 2 * torch.eye(len(s))),
        lambda s: np.diag(np.r_[np.exp(-2 * s.numpy()), np.full(len(s), 2)]).astype(np.float32),
    ],
}

WRONG = {
    "safe_natural_step": [
        (lambda g, F, d: torch.linalg.solve(F, g), "raised"),
        (lambda g, F, d: torch.linalg.pinv(F) @ g, "x itself"),
        (lambda g, F, d: math.sqrt(2 * d) * g / max(g.norm(), 1e-9), "expected"),
        (lambda g, F, d: F @ g, "expected"),
        (_half_as_long, "½"),
        (lambda g, F, d: torch.as_tensor(_numpy(g, F, d))[:, None], "shape"),
        (lambda g, F, d: torch.as_tensor(_numpy(g, F, 2 * d)), "√2"),
        (lambda g, F, d: torch.as_tensor(_numpy(g, F + 0.01 * torch.eye(len(g)), d)), "expected"),
        (_in_place, "in place"),
        (_no_return, "return"),
        (lambda g, F, d: -torch.as_tensor(_numpy(g, F, d)), "downhill"),
    ],
    "kkt_verdict": [
        (_always("solution"), "not what fits"),
        (_always("stationarity"), "not what fits"),
        (_always("Slackness"), "slackness"),
        (_always(True), ""),
        (_always(3), ""),
        (_forgets, "return"),
        (lambda g, F, s, eta, d: _close(-g, F, s, eta, d), ""),
        (lambda g, F, s, eta, d: _close(g, F, s, abs(eta), d), ""),
        (lambda g, F, s, eta, d: _close(g, F, s, eta, 2 * d), ""),
        (lambda g, F, s, eta, d: _close(g, F, s, 1 / eta if eta else 0.0, d), ""),
    ],
    "gaussian_fisher": [
        (lambda s: _fisher((-s).exp(), 0 * s + 2), "standard deviation"),
        (lambda s: _fisher((2 * s).exp(), 0 * s + 2), "covariance"),
        (lambda s: _fisher((-2 * s).exp(), 0 * s + 1), "half"),
        (lambda s: _fisher((-2 * s).exp(), 2 * (-2 * s).exp()), "(μ, σ)"),
        (lambda s: _fisher(s**-2, 0 * s + 2), "exp is missing"),
        (lambda s: 0.5 * _by_hessian(s), "½"),
        (lambda s: -_by_hessian(s), "−1"),
        (lambda s: _by_hessian(s).diagonal(), "vector"),
        (lambda s: _by_hessian(s)[: len(s), : len(s)], "shape"),
        (lambda s: torch.linalg.inv(_by_hessian(s)), "expected"),
        (lambda s: _by_hessian(s).flip(0, 1), ""),
    ],
}
