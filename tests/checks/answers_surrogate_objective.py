"""Answers to notebook 01's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import torch
from torch.distributions import Categorical


def _loop(logits, logits_old, actions, advantages):
    total = 0.0
    for new, old, action, advantage in zip(logits.tolist(), logits_old.tolist(), actions.tolist(), advantages.tolist()):  # noqa: B905
        log_new = new[action] - max(new) - math.log(sum(math.exp(z - max(new)) for z in new))
        log_old = old[action] - max(old) - math.log(sum(math.exp(z - max(old)) for z in old))
        total += math.exp(log_new - log_old) * advantage
    return total / len(actions)


def _numpy(logits, logits_old, actions, advantages):
    new, old = (z.numpy() - np.logaddexp.reduce(z.numpy(), axis=1, keepdims=True) for z in (logits, logits_old))
    rows = np.arange(len(actions))
    return np.mean(np.exp(new[rows, actions] - old[rows, actions]) * advantages.numpy())


def _gathered(logits, logits_old, actions, advantages):
    log_ratio = (logits.log_softmax(1) - logits_old.log_softmax(1)).gather(1, actions[:, None]).squeeze(1)
    return log_ratio.exp() @ advantages / len(advantages)


def _vmapped(logits, logits_old, actions, advantages):
    def one(new, old, action, advantage):
        chosen = torch.nn.functional.one_hot(action, new.shape[-1]).to(new)
        return ((new.log_softmax(-1) - old.log_softmax(-1)) @ chosen).exp() * advantage

    return torch.vmap(one)(logits, logits_old, actions, advantages).mean()


def _single_precision(logits, logits_old, actions, advantages):
    return _gathered(logits.float(), logits_old.float(), actions, advantages.float()).item()


def _cross_entropy(logits, logits_old, actions, advantages):
    loss = torch.nn.functional.cross_entropy
    return (
        (loss(logits_old, actions, reduction="none") - loss(logits, actions, reduction="none")).exp() * advantages
    ).mean(0, keepdim=True)


def _writes(logits, logits_old, actions, advantages):
    logits -= logits.logsumexp(1, keepdim=True)
    return _gathered(logits, logits_old, actions, advantages)


def _quotient(logits, logits_old, actions, advantages):
    rows = torch.arange(len(actions))
    return (logits.softmax(1)[rows, actions] / logits_old.softmax(1)[rows, actions] * advantages).mean()


def _pair(logits, logits_old, actions, advantages):
    ratio = (logits.log_softmax(1) - logits_old.log_softmax(1)).gather(1, actions[:, None]).exp()
    return (ratio * advantages).mean()


def _probs_for_logits(logits, logits_old, actions, advantages):
    log_ratio = Categorical(logits).log_prob(actions) - Categorical(logits_old).log_prob(actions)
    return (log_ratio.exp() * advantages).mean()


def _forgotten(logits, logits_old, actions, advantages):
    _gathered(logits, logits_old, actions, advantages)


def _difference(mdp, pi_old, pi_new):
    return mdp.occupancy(pi_new) @ (pi_new * mdp.advantages(pi_old)).sum(1) / (1 - mdp.gamma)


def _difference_loop(mdp, pi_old, pi_new):
    rho, advantages, total = mdp.occupancy(pi_new), mdp.advantages(pi_old), 0.0
    for s in range(mdp.num_states):
        for a in range(mdp.num_actions):
            total += float(rho[s]) * float(pi_new[s, a]) * float(advantages[s, a])
    return total / (1 - mdp.gamma)


RIGHT = {
    "surrogate_from_logits": [_loop, _numpy, _gathered, _vmapped, _single_precision, _cross_entropy],
    "performance_difference": [
        _difference_loop,
        lambda mdp, old, new: float(_difference(mdp, old, new)),
        lambda mdp, old, new: _difference(mdp, old, new).float(),
        lambda mdp, old, new: (
            torch.einsum("s,sa,sa->", mdp.occupancy(new), new - old, mdp.advantages(old)) / (1 - mdp.gamma)
        ),
        lambda mdp, old, new: np.array([float(_difference(mdp, old, new))]),
        lambda mdp, old, new: [_difference(mdp, old, new)],
    ],
    "samples_needed": [
        lambda r, A, e: np.var((r * A).numpy(), ddof=1) / e**2,
        lambda r, A, e: ((r * A).std() / e).square().item(),
        lambda r, A, e: (r.float() * A.float()).var() / e**2,
        lambda r, A, e: ((r * A).square().sum() - (r * A).sum() ** 2 / len(r)) / (len(r) - 1) / e**2,
        lambda r, A, e: torch.cov(r * A) / e**2,
        lambda r, A, e: torch.var(r * A / e, keepdim=True),
    ],
}

WRONG = {
    "surrogate_from_logits": [
        (_writes, "changes its argument logits in place"),
        (_quotient, "logits of ±1000: your result is NaN"),
        (_pair, "(N, N)"),
        (_probs_for_logits, "your function raised ValueError"),
        (_forgotten, "is the `return` missing?"),
        (lambda z, z_old, a, A: _gathered(z_old, z, a, A), "upside down"),
        (lambda z, z_old, a, A: -_gathered(z, z_old, a, A), "a loss, −L"),
        (lambda z, z_old, a, A: 2 * _gathered(z, z_old, a, A), "exactly 2 ×"),
        (lambda z, z_old, a, A: _gathered(z, z_old, a, A) / z.shape[1], "exactly 1/z.shape[1] ×"),
        (lambda z, z_old, a, A: _gathered(z, z_old, a, A).round(decimals=2), "expected"),
        (lambda z, z_old, a, A: _gathered(z, z_old, a, A - A.mean()), "six samples: expected"),
        (lambda z, z_old, a, A: _gathered(z, z_old, a, (A - A.mean()) / (A.std() + 1e-8)), "standardise"),
        (lambda z, z_old, a, A: (z - z_old).log_softmax(1).gather(1, a[:, None])[:, 0].exp() @ A / len(A), "expected"),
        (lambda logits, old: logits, "your function must take (logits, logits_old, actions, advantages)"),
    ],
    "performance_difference": [
        (lambda mdp, old, new: mdp.performance(new) - mdp.performance(old), "mdp.performance is not lent"),
        (lambda mdp, old, new: mdp.start @ (mdp.values(new) - mdp.values(old)), "mdp.start is not lent"),
        (lambda mdp, old, new: mdp.surrogate(old, new), "mdp.surrogate is not lent"),
        (lambda mdp, old, new: -_difference(mdp, old, new), "exchanged"),
        (lambda mdp, old, new: _difference(mdp, new, old), "exchanged"),
        (lambda mdp, old, new: _difference(mdp, old, new) * (1 - mdp.gamma), "ρ is normalised"),
        (lambda mdp, old, new: _difference(mdp, old, new) / (1 - mdp.gamma), "exactly 1/(1 − γ) ×"),
        (lambda mdp, old, new: mdp.occupancy(old) @ ((new - old) * mdp.advantages(old)).sum(1) / (1 - mdp.gamma),
         "old occupancy"),
        (lambda mdp, old, new: _difference(mdp, old, old), "your result is 0"),
        (lambda mdp, old, new: (new * mdp.advantages(old)).sum(1) @ mdp.occupancy(new) / mdp.gamma, "expected"),
        (lambda mdp, old, new: (new * mdp.advantages(old)).sum(1) * mdp.occupancy(new) / (1 - mdp.gamma), "shape"),
        (lambda mdp, old, new: abs(_difference(mdp, old, new)), "expected −"),
    ],
    "samples_needed": [
        (lambda r, A, e: math.ceil((r * A).var() / e**2), "you round"),
        (lambda r, A, e: int((r * A).var() / e**2), "you round"),
        (lambda r, A, e: np.var((r * A).numpy()) / e**2, "divides by B"),
        (lambda r, A, e: (1.96 * (r * A).std() / e) ** 2, "1.96"),
        (lambda r, A, e: (r * A).square().mean() / e**2, "no variance"),
        (lambda r, A, e: A.var() * len(r) * (r**2).sum() / r.sum() ** 2 / e**2, "N_eff"),
        (lambda r, A, e: e**2 / (r * A).var(), "expected"),
        (lambda r, A, e: r.mul_(A).var() / e**2, "changes its argument r in place"),
        (lambda r, A, e: A.mul_(r).var() / e**2, "changes its argument A in place"),
        (lambda r, A, e: (r * A).var() / e**2 / 2, "exactly ½ ×"),
        (lambda r, A, e: (r * A).var(), "exactly e² ×"),
        (lambda r, A, e: f"{(r * A).var() / e**2:.4f}", "a text"),
        (lambda r, A, e: (r * (A - A.mean())).var() / e**2, "expected"),
    ],
}  # fmt: skip
