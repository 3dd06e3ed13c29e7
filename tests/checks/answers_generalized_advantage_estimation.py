"""Answers to notebook 06's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import numpy as np
import torch

from trpo_lib import generalized_advantage_estimation as gae
from trpo_lib import standardize


def _k_loop(rewards, values, gamma, k):
    total, discount = -float(values[0]), 1.0
    for reward in rewards[:k].tolist():
        total += discount * reward
        discount *= gamma
    return total + discount * float(values[k])


def _k_horner(rewards, values, gamma, k):
    ahead = values[k]
    for t in reversed(range(k)):
        ahead = rewards[t] + gamma * ahead
    return ahead - values[0]


def _k_numpy(rewards, values, gamma, k):
    r, v = rewards.numpy(), values.numpy()
    return np.polynomial.polynomial.polyval(gamma, np.append(r[:k], v[k])) - v[0]


def _k_td(rewards, values, gamma, k):
    delta = rewards + gamma * values[1:] - values[:-1]
    return torch.sum(delta[:k] * gamma ** torch.arange(k)).reshape(1)


def _k_by_library(rewards, values, gamma, k):
    never = torch.zeros(k, dtype=torch.bool)
    return gae(rewards[:k], values[:k], values[1 : k + 1], never, never, gamma, 1.0)[0].float()


def _next(values, final, last, done):
    shifted = torch.roll(values, -1, 0)
    shifted[-1] = last
    return torch.where(done, final, shifted)


def _vectorised(r, v, final, last, term, trunc, g, lam):
    done = term | trunc
    delta = r + g * torch.where(term, 0.0, _next(v, final, last, done)) - v
    out, carry = [], torch.zeros_like(last)
    for d, goes_on in zip(delta.flip(0), (~done).flip(0)):  # noqa: B905
        carry = d + g * lam * goes_on * carry
        out.insert(0, carry)
    return torch.stack(out)


def _nested(r, v, final, last, term, trunc, g, lam):
    steps, envs = r.shape
    out = [[0.0] * envs for _ in range(steps)]
    for i in range(envs):
        later = 0.0
        for t in range(steps - 1, -1, -1):
            if term[t, i]:
                ahead, later = 0.0, 0.0
            elif trunc[t, i]:
                ahead, later = final[t, i].item(), 0.0
            else:
                ahead = (last[i] if t == steps - 1 else v[t + 1, i]).item()
            later = r[t, i].item() + g * ahead - v[t, i].item() + g * lam * later
            out[t][i] = later
    return out


def _numpy(r, v, final, last, term, trunc, g, lam):
    r, v, final, last, term, trunc = (x.numpy() for x in (r, v, final, last, term, trunc))
    ahead = np.vstack([v[1:], last[None]])
    ahead[term | trunc] = final[term | trunc]
    delta = r + g * np.where(term, 0, ahead) - v
    for t in range(len(r) - 2, -1, -1):
        delta[t] += g * lam * ~(term | trunc)[t] * delta[t + 1]
    return delta


def _by_matrix(r, v, final, last, term, trunc, g, lam):
    """A = (I − shift · decay)⁻¹ δ, one environment at a time."""
    done = term | trunc
    delta = r + g * _next(v, final, last, done) * ~term - v
    columns = []
    for d, ends in zip(delta.T, done.T, strict=True):
        shift = torch.diag((g * lam * ~ends[:-1]).to(d), 1) if len(d) > 1 else torch.zeros(1, 1, dtype=d.dtype)
        columns.append(torch.linalg.solve(torch.eye(len(d), dtype=d.dtype) - shift, d))
    return torch.stack(columns, 1)


def _returns_first(r, v, final, last, term, trunc, g, lam):
    """The λ-return backwards (Sutton & Barto, eq. 12.18), less V."""
    done, ahead = term | trunc, _next(v, final, last, term | trunc) * ~term
    later, out = last, []
    for t in reversed(range(len(r))):
        tail = ahead[t] if t == len(r) - 1 else torch.where(done[t], ahead[t], (1 - lam) * ahead[t] + lam * later)
        later = r[t] + g * tail
        out.append(later - v[t])
    return torch.stack(out[::-1]).float()


def _changed(r, v, final, last, term, trunc, g, lam):
    v[1:] = v[1:].clone()
    final += 0.0
    r -= v
    return _vectorised(r + v, v, final, last, term, trunc, g, lam)


def _forgotten(*batch):
    _vectorised(*batch)


def _merging(v, b, g, lam):
    out, later = torch.zeros_like(v), torch.zeros(v.shape[1], dtype=v.dtype)
    for t in reversed(range(len(v))):
        later = torch.where(b[t], -g * v[t], g * lam * later)
        out[t] = later
    return out


def _merging_per_limit(v, b, g, lam):
    out = torch.zeros_like(v)
    for t, i in b.nonzero().tolist():
        begin = t
        while begin > 0 and not b[begin - 1, i]:
            begin -= 1
        left = torch.arange(t - begin, -1, -1, dtype=v.dtype)
        out[begin : t + 1, i] = -g * v[t, i] * (g * lam) ** left
    return out


def _merging_numpy(v, b, g, lam):
    out = np.where(b.numpy(), -g * v.numpy(), 0.0)
    for t in range(len(out) - 2, -1, -1):
        out[t] += g * lam * ~b.numpy()[t] * out[t + 1]
    return out


def _merging_by_difference(v, b, g, lam):
    zero = torch.zeros_like(v)
    return gae(zero, zero, v, b, b & ~b, g, lam) - gae(zero, zero, v, b & ~b, b, g, lam)


def _suspects(r, v, next_v, term, trunc, g, lam):
    never = torch.zeros_like(trunc)
    shifted = torch.cat([v[1:], next_v[-1:]])
    return {
        "right": gae(r, v, next_v, term, trunc, g, lam),
        "time limit as termination": gae(r, v, next_v, term | trunc, never, g, lam),
        "values[t + 1] after a reset": gae(r, v, shifted, term, trunc, g, lam),
        "time limit does not cut": gae(r, v, next_v, term, never, g, lam),
    }


def _closest(advantages, *batch):
    distances = {name: (advantages - estimate).abs().max() for name, estimate in _suspects(*batch).items()}
    return min(distances, key=distances.get)


def _reasoned(advantages, r, v, next_v, term, trunc, g, lam):
    """Looks at the last limit alone: what its advantage says stood there."""
    if not trunc.any():
        return "right"
    t = int(trunc.nonzero()[-1])
    came = (advantages[t] - r[t] + v[t]) / g
    shifted = v[t + 1] if t + 1 < len(v) else next_v[-1]
    stood = {"right": next_v[t], "time limit as termination": 0 * came, "values[t + 1] after a reset": shifted}
    for name, value in stood.items():
        if torch.isclose(came, value):
            return name
    return "time limit does not cut"


def _backwards_names(advantages, *batch):
    right, first, second, third = _suspects(*batch)
    return {right: right, first: third, second: second, third: first}[_closest(advantages, *batch)]


RIGHT = {
    "k_step_advantage": [_k_loop, _k_horner, _k_numpy, _k_td, _k_by_library],
    "advantages_of_batch": [_vectorised, _nested, _numpy, _by_matrix, _returns_first],
    "merging_error": [
        _merging,
        _merging_per_limit,
        _merging_numpy,
        _merging_by_difference,
        lambda v, b, g, lam: _merging(v, b, g, lam).tolist(),
    ],
    "which_mistake": [
        _closest,
        _reasoned,
        lambda a, *batch: next(n for n, e in _suspects(*batch).items() if np.allclose(a.numpy(), e.numpy())),
        lambda a, *batch: min(
            _suspects(*batch), key=lambda name: round(float((_suspects(*batch)[name] - a).norm()), 9)
        ),
        lambda a, *batch: sorted(_suspects(*batch).items(), key=lambda pair: (pair[1] - a).norm())[0][0],
    ],
}

WRONG = {
    "k_step_advantage": [
        (lambda r, v, g, k: _k_horner(r, v, g, k) + v[0], "an estimate of the return"),
        (lambda r, v, g, k: _k_horner(r, v, g, k) + 2 * v[0], "wrong sign"),
        (lambda r, v, g, k: _k_horner(r, v, g, k) - g**k * v[k] + v[k], "where is γ^k?"),
        (lambda r, v, g, k: _k_horner(r, v, g, k) - g**k * (v[k] - v[k - 1]), "values[k − 1]"),
        (lambda r, v, g, k: sum(g ** (i + 1) * r[i] for i in range(k)) + g**k * v[k] - v[0], "begin with γ¹"),
        (lambda r, v, g, k: sum(r[i] + g * v[i + 1] - v[i] for i in range(k)), "without discount"),
        (lambda r, v, g, k: r[:k].sum() + g**k * v[k] - v[0], "not discounted"),
        (lambda r, v, g, k: _k_horner(r, v, g, k) - g**k * v[k], "you stop after k rewards"),
        (lambda r, v, g, k: -_k_horner(r, v, g, k), "exactly −1 ×"),
        (lambda r, v, g, k: _k_horner(r, v, g, k) / k, "exactly 1/k ×"),
        (lambda r, v, g, k: r[:k] + g * v[1 : k + 1] - v[:k], "expected one number"),
        (lambda r, v, g, k: setattr(r, "answer", _k_horner(r, v, g, k)), "is the `return` missing?"),
        (lambda r, v, g, k: _k_horner(r, v, g, k) + 0 * r.sub_(v[0])[0], "changes its argument"),
    ],
    "advantages_of_batch": [
        (
            lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, a | b, b, g, lam),
            "only a terminal state is worth 0",
        ),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, b, a, g, lam), "exchanged"),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, a & ~a, a | b, g, lam), "keeps the critic's value"),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, _next(v, f, w, a & ~a), w, a, b, g, lam), "final_values"),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, 0 * w, a, b, g, lam), "last_values"),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, a, b, g, lam) + v, "λ-returns"),
        (lambda *batch: standardize(_vectorised(*batch)), "standardised"),
        (lambda *batch: _vectorised(*batch).T, "transposed"),
        (lambda *batch: -_vectorised(*batch), "exactly −1 ×"),
        (lambda *batch: _vectorised(*batch)[:-1], "shape"),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, a, b, g, 1.0), "by γ alone"),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, a, b, g, lam**2), "t = "),
        (lambda r, v, f, w, a, b, g, lam: _vectorised(r, v, f, w, a, b, 0.99, lam), "environment "),
        (_changed, "changes its argument"),
        (_forgotten, "is the `return` missing?"),
    ],
    "merging_error": [
        (lambda v, b, g, lam: -_merging(v, b, g, lam), "the wrong way round"),
        (lambda v, b, g, lam: _merging(v / g, b, g, lam), "where is that γ?"),
        (lambda v, b, g, lam: _merging(v, b, g, 1.0), "with γ alone"),
        (
            lambda v, b, g, lam: _merging(g * v / lam, b, lam, 1.0) if lam else -g * v * b,
            "with λ alone",
        ),
        (lambda v, b, g, lam: g * lam * _merging(v, b, g, lam), "one too large"),
        (lambda v, b, g, lam: _merging(v, b, g, lam).flip(0), "forwards in time"),
        (lambda v, b, g, lam: -g * v * b, "stays at the limit"),
        (lambda v, b, g, lam: -g * v, "an error of its own"),
        (lambda v, b, g, lam: gae(-g * v * b, 0 * v, 0 * v, b & ~b, b & ~b, g, lam), "the episode before"),
        (lambda v, b, g, lam: 2 * _merging(v, b, g, lam), "exactly 2 ×"),
        (lambda v, b, g, lam: _merging(v, b, g, lam).sum(0), "shape"),
        (lambda v, b, g, lam: _merging(v, b, g, lam).abs(), "t = "),
        (lambda v, b, g, lam: _merging(v.neg_(), b, g, lam), "the wrong way round"),
    ],
    "which_mistake": [
        (lambda *arguments: "right", "nothing wrong anywhere"),
        (lambda *arguments: "wrong", "is not one of the names"),
        (lambda *arguments: "time limit as termination", "t"),
        (lambda a, *batch: "right" if _closest(a, *batch) == "right" else "time limit does not cut", "not what"),
        (lambda a, *batch: 3, "n"),
        (lambda a, *batch: max(_suspects(*batch), key=lambda n: (a - _suspects(*batch)[n]).norm()), "n"),
        (lambda a, *batch: min(_suspects(*batch), key=lambda n: (a - _suspects(*batch)[n])[-1].abs()), "n"),
        (lambda a, *batch: {"right": "right"}.get(_closest(a, *batch)), "return"),
        (lambda a, *batch: next(n for n, e in _suspects(*batch).items() if torch.equal(a + 1, e)), "StopIteration"),
        (_backwards_names, "exchanged"),
    ],
}
