"""Answers to notebook 06's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import numpy as np
import torch


def _k_step(rewards, values, gamma, k):
    discounts = gamma ** torch.arange(k).to(rewards)
    return discounts @ rewards[:k] + gamma**k * values[k] - values[0]


def _backwards(rewards, values, gamma, k):
    result = values[k].item()
    for reward in reversed(rewards[:k].tolist()):
        result = reward + gamma * result
    return result - values[0].item()


def _from_td_errors(rewards, values, gamma, k):
    delta = rewards + gamma * values[1:] - values[:-1]
    return sum(gamma**step * delta[step] for step in range(k))


def _recursive(rewards, values, gamma, k):
    if k == 0:
        return 0.0 * values[0]
    td_error = rewards[0] + gamma * values[1] - values[0]
    return td_error + gamma * _recursive(rewards[1:], values[1:], gamma, k - 1)


def _numpy_polynomial(rewards, values, gamma, k):
    return np.polynomial.polynomial.polyval(gamma, [*rewards[:k].tolist(), values[k].item()]) - values[0].numpy()


def _pass(delta, done, gamma, lam):
    advantages, carried = torch.zeros_like(delta), torch.zeros_like(delta[0])
    for t in reversed(range(len(delta))):
        carried = delta[t] + gamma * lam * carried * ~done[t]
        advantages[t] = carried
    return advantages


def _double_loop(delta, done, gamma, lam):
    rows = delta.tolist()
    for t in range(len(rows) - 2, -1, -1):
        for n in range(len(rows[0])):
            if not done[t, n]:
                rows[t][n] += gamma * lam * rows[t + 1][n]
    return rows


def _quadratic(delta, done, gamma, lam):
    advantages, alive = delta.clone(), torch.ones_like(delta)
    for step in range(1, len(delta)):
        alive = alive[:-1] * ~done[step - 1 : -1] if step > 1 else (~done[:-1]).to(delta)
        advantages[: len(delta) - step] += (gamma * lam) ** step * alive * delta[step:]
    return advantages


def _as_linear_system(delta, done, gamma, lam):
    columns = []
    for column, ends in zip(delta.T, done.T, strict=True):
        links = torch.diag(gamma * lam * (~ends[:-1]).to(delta), 1)
        columns.append(torch.linalg.solve(torch.eye(len(column), dtype=delta.dtype) - links, column))
    return torch.stack(columns, 1)


def _numpy_pass(delta, done, gamma, lam):
    advantages = delta.numpy().copy()
    for t in range(len(advantages) - 2, -1, -1):
        advantages[t] += np.where(done.numpy()[t], 0, gamma * lam * advantages[t + 1])
    return advantages


def _in_place(delta, done, gamma, lam):
    for t in reversed(range(len(delta) - 1)):
        delta[t] += gamma * lam * delta[t + 1] * ~done[t]
    return delta


def _error(final_value, steps, gamma, lam):
    return -gamma * final_value * (gamma * lam) ** torch.arange(steps - 1, -1, -1)


def _error_by_recursion(final_value, steps, gamma, lam):
    errors = [-gamma * final_value]
    while len(errors) < steps:
        errors.insert(0, gamma * lam * errors[0])
    return errors


RIGHT = {
    "k_step_advantage": [
        _k_step,
        _backwards,
        _from_td_errors,
        _recursive,
        _numpy_polynomial,
        lambda r, v, g, k: _k_step(r.float(), v.float(), g, k),
        lambda r, v, g, k: (
            torch.linalg.vecdot(g ** torch.arange(k + 1.0).double(), torch.cat([r[:k], v[k : k + 1]])) - v[0]
        ),
    ],
    "backward_recursion": [
        _pass,
        _double_loop,
        _quadratic,
        _as_linear_system,
        _numpy_pass,
        lambda delta, done, g, lam: _pass(delta.float(), done, g, lam),
        lambda delta, done, g, lam: torch.vmap(_pass, (1, 1, None, None), 1)(delta, done, g, lam),
    ],
    "merging_error": [
        _error,
        _error_by_recursion,
        lambda v, n, g, lam: tuple(-v * g ** (n - t) * lam ** (n - 1 - t) for t in range(n)),
        lambda v, n, g, lam: np.float32(-g * v) * np.flip((g * lam) ** np.arange(n, dtype=np.float32)),
        lambda v, n, g, lam: _pass(torch.tensor([0.0] * (n - 1) + [-g * v])[:, None], torch.zeros(n, 1).bool(), g, lam)[
            :, 0
        ],
        lambda v, n, g, lam: torch.full((n,), g * lam, dtype=torch.float64).pow(torch.arange(n).flip(0)) * v * -g,
    ],
}

WRONG = {
    "k_step_advantage": [
        (lambda r, v, g, k: _k_step(r, v, g, k - 1), "expected"),
        (lambda r, v, g, k: _k_step(r, v, g, len(r)), "over all T steps"),
        (lambda r, v, g, k: _k_step(r, v.flip(0), g, k), "expected"),
        (lambda r, v, g, k: _k_step(r, v, g, k) + 2 * v[0], "V(s_0) is added"),
        (lambda r, v, g, k: -_k_step(r, v, g, k), "exactly −1 ×"),
        (lambda r, v, g, k: _k_step(r, v, g, k) / k, "exactly 1/k ×"),
        (lambda r, v, g, k: g * _k_step(r, v, g, k), "exactly g ×"),
        (lambda r, v, g, k: r.mul_(g ** torch.arange(len(r)))[:k].sum() + g**k * v[k] - v[0], "argument r in place"),
        (lambda r, v, g, k: _k_step(r, v, g, k) + g**k * v[k], "expected"),
        (lambda r, v, g, k: (g ** torch.arange(k)) * r[:k] + g**k * v[k] - v[0], "one number, shape (), got (2,)"),
        (lambda r, v, g, k: sum(_k_step(r, v, g, j) for j in range(1, k + 1)) / k, "k = 2 of 5 steps: expected"),
        (lambda r, v, g: r, "must take (rewards, values, gamma, k)"),
        (lambda r, v, g, k: (r + g * v[1:] - v[:-1])[:k].sum(), "TD errors without discount"),
    ],
    "backward_recursion": [
        (_in_place, "changes its argument delta in place"),
        (lambda delta, done, g, lam: _pass(delta, done, g, lam).T, "transposed: expected shape (5, 3), got (3, 5)"),
        (lambda delta, done, g, lam: _pass(delta.T, done.T, g, lam).T, "expected"),
        (lambda delta, done, g, lam: _pass(delta, done & False, g, lam), "after its reset"),
        (lambda delta, done, g, lam: _pass(delta, done, g, lam).mean(1), "expected shape (5, 3), got (5,)"),
        (lambda delta, done, g, lam: _pass(delta, done, g, lam) - _pass(delta, done, g, lam).mean(), "5 steps: t = "),
        (lambda delta, done, g, lam: _pass(delta * ~done, done, g, lam), "lost its own TD error"),
        (lambda delta, done, g, lam: _pass(delta, done, g * g, lam), "5 steps: t = "),
        (lambda delta, done, g, lam: (1 - lam) * _pass(delta, done, g, lam), "exactly (1 − λ) ×"),
        (lambda delta, done, g, lam: g * lam * _pass(delta, done, g, lam), "expected"),
        (lambda delta, done, g, lam: _pass(delta, done.roll(1, 0), g, lam), "expected"),
        (lambda delta, done, g, lam: delta.flip(0).cumsum(0).flip(0), "expected"),
        (lambda delta, done, g, lam: [_pass(delta, done, g, lam)[0]], "expected shape (5, 3), got (1, 3)"),
    ],
    "merging_error": [
        (lambda v, n, g, lam: _error(v, n, g, lam) / g, "where is that γ?"),
        (lambda v, n, g, lam: _error(v, n, g, lam) * g, "exactly g ×"),
        (lambda v, n, g, lam: _error(v, n, g, lam).abs(), "expected −"),
        (lambda v, n, g, lam: _error(v, n + 1, g, lam), "expected shape (5,), got (6,)"),
        (lambda v, n, g, lam: _error(v, n, g, lam).sum(), "expected shape (5,), got ()"),
        (lambda v, n, g, lam: _error(v, n, g, lam)[:, None], "expected shape (5,), got (5, 1)"),
        (lambda v, n, g, lam: _error(v, n, g, lam).flip(0), "largest at the first step"),
        (lambda v, n, g, lam: -g * v * lam ** torch.arange(n - 1, -1, -1), "λ alone"),
        (lambda v, n, g, lam: _error(v, n, g, lam) + v, "t = 0: expected"),
        (lambda v, n, g, lam: _error(v, n, g, lam).long(), "expected"),
        (lambda v, n, g, lam: (x for x in _error(v, n, g, lam)), "did you write yield"),
        (lambda v, n, g, lam: str(_error(v, n, g, lam)), "a text"),
    ],
}  # fmt: skip
