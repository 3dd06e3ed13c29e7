"""Answers to notebook 07's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import statistics

import numpy as np
import torch


def _explained(values, returns):
    error = returns - values
    return 1 - ((error - error.mean()) ** 2).sum() / ((returns - returns.mean()) ** 2).sum()


def _explained_by_moments(values, returns):
    error = (returns - values).tolist()
    square = sum(e * e for e in error) / len(error) - (sum(error) / len(error)) ** 2
    total = sum(g * g for g in returns.tolist()) / len(error) - (sum(returns.tolist()) / len(error)) ** 2
    return 1 - square / total


def _explained_in_place(values, returns):
    values -= returns
    return 1 - values.var() / returns.var()


def _valid(done):
    valid = torch.ones_like(done)
    valid[1:] = ~done[:-1]
    return valid


def _valid_loop(done):
    rows = done.tolist()
    return [[t == 0 or not rows[t - 1][n] for n in range(len(rows[0]))] for t in range(len(rows))]


def _valid_padded(done):
    return ~torch.nn.functional.pad(done, (0, 0, 1, 0))[:-1]


def _valid_numpy(done):
    valid = np.roll(~done.numpy(), 1, axis=0)
    valid[0] = True
    return valid


def _valid_in_place(done):
    done[1:] = done[:-1].clone()
    done[0] = False
    return ~done


RIGHT = {
    "explained_variance": [
        _explained,
        _explained_by_moments,
        lambda v, g: 1 - (g - v).var() / g.var(),
        lambda v, g: 1 - np.var((g - v).numpy()) / np.var(g.numpy()),
        lambda v, g: 1 - statistics.pvariance((g - v).tolist()) / statistics.pvariance(g.tolist()),
        lambda v, g: (_explained(v.float(), g.float())).item(),
        lambda v, g: 1 - torch.cov(g - v) / torch.cov(g),
    ],
    "valid_steps": [
        _valid,
        _valid_loop,
        _valid_padded,
        _valid_numpy,
        lambda done: _valid(done).long(),
        lambda done: 1.0 - (~_valid(done)).float(),
        lambda done: torch.stack([~done[t - 1] if t else ~done[0] | True for t in range(len(done))]),
    ],
    "critic_targets": [
        lambda a, v: torch.add(v, a),
        lambda a, v: (a.numpy() + v.numpy()).tolist(),
        lambda a, v: a.float() + v.float(),
        lambda a, v: np.add(a, v),
        lambda a, v: torch.stack([a, v]).sum(0),
        lambda a, v: [x + y for x, y in zip(a, v, strict=True)],
    ],
}

WRONG = {
    "explained_variance": [
        (_explained_in_place, "changes its argument values in place"),
        (lambda v, g: _explained(g, v), "denominator is the variance of the returns"),
        (lambda v, g: _explained(v, g).clamp(0, 1), "a negative one"),
        (lambda v, g: 1 - _explained(v, g), "is the 1 − missing?"),
        (lambda v, g: 1 - (v - g).square().mean(), "expected"),
        (lambda v, g: 100 * _explained(v, g), "exactly 100 ×"),
        (lambda v, g: (g - v) / g, "expected one number, shape (), got (6,)"),
        (lambda v, g: 1 - (g - v).abs().mean() / (g - g.mean()).abs().mean(), "a good critic: expected"),
        (lambda v, g: 1 - (g - v).std(correction=0) / g.std(correction=0), "standard deviations"),
        (lambda v, g: 1 - (g - v).var() / v.var(correction=0), "expected"),
        (lambda v, g: np.corrcoef(v, g)[0, 1] ** 2, "the squared correlation"),
        (lambda v, g: _explained(v, g) - 1, "exactly 1 too small"),
        (lambda v, g: f"{_explained(v, g):.3f}", "a text"),
    ],
    "valid_steps": [
        (_valid_in_place, "changes its argument done in place"),
        (lambda done: ~done.roll(1, 0), "does roll wrap around?"),
        (lambda done: done.roll(1, 0), "6 steps: t = "),
        (lambda done: ~done.roll(-1, 0), "6 steps: t = "),
        (lambda done: _valid(done).T, "transposed: expected shape (6, 2), got (2, 6)"),
        (lambda done: _valid(done).nonzero(), "expected shape (6, 2), got ("),
        (lambda done: _valid(done)[1:], "the first row is dropped"),
        (lambda done: _valid(done).all(1), "expected shape (6, 2), got (6,)"),
        (lambda done: torch.ones_like(done), "expected False, got True"),
        (lambda done: torch.zeros_like(done), "expected True, got False"),
        (lambda done: _valid(_valid(done)), "6 steps: t = "),
        (lambda done: [not d for d in done.flatten()], "expected shape (6, 2), got (12,)"),
    ],
    "critic_targets": [
        (lambda a, v: a.add_(v), "changes its argument a in place"),
        (lambda a, v: v.add_(a), "changes its argument v in place"),
        (lambda a, v: -(a + v), "exactly −1 ×"),
        (lambda a, v: 2 * (a + v), "exactly 2 ×"),
        (lambda a, v: (a + v).mean(), "expected shape (6,), got ()"),
        (lambda a, v: a[:, None] + v, "expected shape (6,), got (6, 6)"),
        (lambda a, v: a * v, "six steps: t = 0: expected"),
        (lambda a, v: 0.99 * v + a, "six steps: t = 0: expected"),
        (lambda a, v: (a + v).round(), "six steps: t = 0: expected"),
        (lambda a, v: (a + v).cumsum(0), "six steps: t = 1: expected"),
        (lambda a, v: (a + v).mT if a.ndim > 1 else a + v, "transposed: expected shape (4, 3), got (3, 4)"),
        (lambda a, v: (a, v), "expected shape (6,), got (2, 6)"),
    ],
}  # fmt: skip
