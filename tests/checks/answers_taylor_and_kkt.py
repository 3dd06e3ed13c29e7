"""Answers to notebook 03's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import torch


def _step(gradient, fisher, max_kl):
    x = torch.linalg.solve(fisher, gradient)
    return math.sqrt(2 * max_kl / (gradient @ x)) * x


def _step_by_cholesky(gradient, fisher, max_kl):
    root = torch.linalg.cholesky(fisher)
    whitened = torch.linalg.solve_triangular(root, gradient[:, None], upper=False)
    unit = whitened / whitened.norm()
    return (2 * max_kl) ** 0.5 * torch.linalg.solve_triangular(root.T, unit, upper=True).squeeze(1)


def _step_by_eigenvectors(gradient, fisher, max_kl):
    values, vectors = torch.linalg.eigh(fisher)
    components = vectors.T @ gradient
    return vectors @ (components / values) * torch.sqrt(2 * max_kl / (components**2 / values).sum())


def _step_by_elimination(gradient, fisher, max_kl):
    rows = [[*row, g] for row, g in zip(fisher.tolist(), gradient.tolist(), strict=True)]
    for i, pivot in enumerate(rows):
        for j, row in enumerate(rows):
            if j != i:
                rows[j] = [a - row[i] / pivot[i] * b for a, b in zip(row, pivot, strict=True)]
    x = [row[-1] / row[i] for i, row in enumerate(rows)]
    beta = math.sqrt(2 * max_kl / sum(a * g for a, g in zip(x, gradient.tolist(), strict=True)))
    return [beta * a for a in x]


def _step_single(gradient, fisher, max_kl):
    scale = fisher.diag().rsqrt()  # float32 needs a matrix with a unit diagonal
    return scale * _step((scale * gradient).float(), (scale[:, None] * fisher * scale).float(), max_kl)


def _step_in_place(gradient, fisher, max_kl):
    fisher += 1e-12 * torch.eye(len(gradient))
    return _step(gradient, fisher, max_kl)


def _fisher(scores, probabilities):
    return torch.einsum("bai,ba,baj->ij", scores, probabilities, scores) / len(scores)


def _fisher_loop(scores, probabilities):
    parameters = scores.shape[2]
    total = [[0.0] * parameters for _ in range(parameters)]
    for state, weights in zip(scores.tolist(), probabilities.tolist(), strict=True):
        for score, weight in zip(state, weights, strict=True):
            for i in range(parameters):
                for j in range(parameters):
                    total[i][j] += weight * score[i] * score[j] / len(scores)
    return total


def _fisher_gram(scores, probabilities):
    rows = (scores * probabilities.sqrt()[..., None] / len(scores) ** 0.5).flatten(0, 1)
    return rows.mT @ rows


def _fisher_in_place(scores, probabilities):
    scores *= probabilities.sqrt()[..., None]
    return torch.einsum("bai,baj->ij", scores, scores) / len(scores)


def _gaussian(log_std):
    return torch.block_diag(torch.diag((-2 * log_std).exp()), 2 * torch.eye(len(log_std)))


def _gaussian_loop(log_std):
    d = len(log_std)
    F = [[0.0] * (2 * d) for _ in range(2 * d)]
    for i, s in enumerate(log_std.tolist()):
        F[i][i], F[d + i][d + i] = math.exp(-2 * s), 2
    return F


def _gaussian_by_hessian(log_std):
    d = len(log_std)

    def kl(parameters):
        mean, new = parameters[:d], parameters[d:]
        return (new - log_std + ((2 * log_std).exp() + mean**2) / (2 * (2 * new).exp())).sum()

    return torch.func.hessian(kl)(torch.cat([torch.zeros_like(log_std), log_std]))


RIGHT = {
    "natural_step": [
        _step,
        _step_by_cholesky,
        _step_by_eigenvectors,
        _step_by_elimination,
        _step_single,
        lambda g, F, d: np.linalg.solve(F.numpy(), g.numpy()) * np.sqrt(2 * d / (g @ torch.linalg.solve(F, g)).item()),
        lambda g, F, d: F.inverse() @ g * (g @ F.inverse() @ g / 2 / d) ** -0.5,
    ],
    "fisher_from_scores": [
        _fisher,
        _fisher_loop,
        _fisher_gram,
        lambda u, p: _fisher(u.float(), p.float()),
        lambda u, p: np.einsum("ba,bai,baj->ij", p.numpy(), u.numpy(), u.numpy()) / len(u),
        lambda u, p: torch.vmap(lambda s, w: s.T @ torch.diag(w) @ s)(u, p).mean(0),
        lambda u, p: torch.stack([torch.cov(s.T, correction=0, aweights=w) for s, w in zip(u, p, strict=True)]).mean(0),
    ],
    "gaussian_fisher": [
        _gaussian,
        _gaussian_loop,
        _gaussian_by_hessian,
        lambda s: np.diag(np.concatenate([np.exp(-2 * s.numpy()), 2 * np.ones(len(s))])),
        lambda s: _gaussian(s.float()),
        lambda s: torch.diag_embed(torch.cat([1 / s.exp() ** 2, torch.ones_like(s) + 1])).requires_grad_(),
    ],
}

WRONG = {
    "natural_step": [
        (_step_in_place, "changes its argument fisher in place"),
        (lambda g, F, d: torch.linalg.solve(F, g), "this is x = F⁻¹g alone"),
        (lambda g, F, d: _step(g, F, d) * 2**0.5, "exactly √2 ×"),
        (lambda g, F, d: _step(g, F, d) / 2, "exactly ½ ×"),
        (lambda g, F, d: _step(g, F, d * d), "exactly √d ×"),
        (lambda g, F, d: _step(g, F, d)[:, None], "expected shape (2,), got (2, 1)"),
        (lambda g, F, d: _step(g, F + 0.1 * torch.eye(len(g)), d), "two parameters: parameter 0: expected"),
        (lambda g, F, d: _step(g, F.triu(), d), "two parameters: parameter 0: expected"),
        (lambda g, F, d: _step(g, F @ F, d), "two parameters: parameter 0: expected"),
        (lambda g, F, d: _step(g, torch.eye(len(g)), d), "yours is the ordinary length"),
        (lambda g, F, d: math.sqrt(2 * d / (g @ g)) * torch.linalg.solve(F, g), "two parameters: parameter 0"),
        (lambda g, F, d: _step(g, F, d).abs(), "expected −"),
        (lambda g, F, d: (torch.linalg.solve(F, g), 2 * d), "a list whose parts have different shapes"),
        (lambda g, F, d: math.sqrt(2 * d) * torch.linalg.solve(torch.linalg.cholesky(F), g), "parameter 0: expected"),
    ],
    "fisher_from_scores": [
        (_fisher_in_place, "changes its argument scores in place"),
        (lambda u, p: -_fisher(u, p), "exactly −1 ×"),
        (lambda u, p: _fisher(u, p).trace(), "expected shape (4, 4), got ()"),
        (lambda u, p: _fisher(u, p) / len(u), "exactly 1/len(u) ×"),
        (lambda u, p: _fisher(u, p) * u.shape[2], "exactly u.shape[2] ×"),
        (lambda u, p: _fisher(u, p) + 1e-3 * torch.eye(u.shape[2]), "two states: row 0, column 0: expected"),
        (lambda u, p: torch.einsum("ba,bai,bcj->ij", p, u, u) / len(u), "your F is zero"),
        (lambda u, p: _fisher(u * p[..., None], p), "two states: row 0, column 0: expected"),
        (lambda u, p: _fisher(u, p.sqrt()), "two states: row 0, column 0: expected"),
        (lambda u, p: _fisher(u[:1], p[:1]), "two states: row 0, column 0: expected"),
        (lambda u, p: torch.linalg.inv(_fisher(u, p) + torch.eye(u.shape[2])), "row 0, column 0: expected"),
        (lambda u, p: _fisher(u, p).triu(), "row 1, column 0: expected"),
        (lambda u, p: u.mean((0, 1)).outer(u.mean((0, 1))), "row 0, column 0: expected"),
    ],
    "gaussian_fisher": [
        (lambda s: -_gaussian(s), "exactly −1 ×"),
        (lambda s: 2 * _gaussian(s), "exactly 2 ×"),
        (lambda s: _gaussian(s).diag(), "the diagonal alone"),
        (lambda s: _gaussian(s).inverse(), "the inverse of F"),
        (lambda s: _gaussian(-s), "that is the covariance"),
        (lambda s: _gaussian(s.log()), "your result is NaN at row 0, column 0: did you take the log of 0"),
        (lambda s: _gaussian(s)[: len(s)], "expected shape (2, 2), got (1, 2)"),
        (lambda s: _gaussian(s) + 1, "exactly 1 too large"),
        (lambda s: torch.diag((-2 * s).exp()), "expected shape (2, 2), got (1, 1)"),
        (lambda s: torch.block_diag((-2 * s).exp().diag(), 4 * torch.eye(len(s))), "column 1: expected 2, got 4"),
        (lambda s: torch.block_diag((-2 * s).exp().diag(), torch.diag(2 * s.exp())), "row 1, column 1: expected 2"),
        (lambda s: _gaussian(s - 0.5 * math.log(2)), "row 0, column 0"),
        (lambda s: torch.block_diag(s.exp_().pow(-2).diag(), 2 * torch.eye(len(s))), "its argument s in place"),
    ],
}  # fmt: skip
