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


def _lemma(states, actions, advantages, gamma):
    met = advantages[states, actions]
    return gamma ** torch.arange(len(met)) @ met.mean(1)


def _lemma_loop(states, actions, advantages, gamma):
    total = 0.0
    for t in range(states.shape[0]):
        for n in range(states.shape[1]):
            total += gamma**t * float(advantages[states[t, n], actions[t, n]])
    return total / states.shape[1]


def _lemma_backwards(states, actions, advantages, gamma):
    to_come = torch.zeros(states.shape[1], dtype=advantages.dtype)
    for t in reversed(range(len(states))):
        to_come = advantages[states[t], actions[t]] + gamma * to_come
    return to_come.mean()


def _lemma_writes(states, actions, advantages, gamma):
    states.mul_(advantages.shape[1]).add_(actions)
    return gamma ** torch.arange(len(states)) @ advantages.flatten()[states].mean(1)


def _weigh(log_ratio, rewards, gamma):
    return gamma ** torch.arange(len(rewards)) @ (log_ratio.cumsum(0).exp() * rewards).mean(1)


def _weigh_loop(log_ratio, rewards, gamma):
    total = 0.0
    for n in range(rewards.shape[1]):
        log_weight = 0.0
        for t in range(rewards.shape[0]):
            log_weight += log_ratio[t, n].item()
            total += gamma**t * math.exp(log_weight) * rewards[t, n].item()
    return total / rewards.shape[1]


def _weigh_matrix(log_ratio, rewards, gamma):
    lower = torch.ones(len(rewards), len(rewards), dtype=rewards.dtype).tril()
    return (gamma ** torch.arange(len(rewards))[:, None] * (lower @ log_ratio).exp() * rewards).sum(0).mean()


def _weigh_products(log_ratio, rewards, gamma):
    return gamma ** torch.arange(len(rewards)) @ (log_ratio.exp().cumprod(0) * rewards).mean(1)


def _weigh_writes(log_ratio, rewards, gamma):
    for t in range(1, len(rewards)):
        log_ratio[t] += log_ratio[t - 1]
    return gamma ** torch.arange(len(rewards)) @ (log_ratio.exp() * rewards).mean(1)


RIGHT = {
    "surrogate_from_logits": [_loop, _numpy, _gathered, _vmapped, _single_precision, _cross_entropy],
    "performance_difference": [
        _lemma,
        _lemma_loop,
        _lemma_backwards,
        lambda s, a, A, gamma: np.mean(np.sum(gamma ** np.arange(len(s))[:, None] * A.numpy()[s, a], axis=0)),
        lambda s, a, A, gamma: _lemma(s, a, A.float().double(), gamma).float(),
        lambda s, a, A, gamma: [_lemma(s, a, A, gamma)],
    ],
    "per_decision_return": [
        _weigh,
        _weigh_loop,
        _weigh_matrix,
        lambda z, r, gamma: np.dot(gamma ** np.arange(len(r)), (np.exp(np.cumsum(z.numpy(), 0)) * r.numpy()).mean(1)),
        lambda z, r, gamma: _weigh(z, r, gamma).item(),
        lambda z, r, gamma: _weigh(z, r, gamma)[None],
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
        (_lemma_writes, "changes its argument states in place"),
        (lambda s, a, A, gamma: A[s, a].mean() / (1 - gamma), "not drawn from ρ"),
        (lambda s, a, A, gamma: A[s, a].sum(0).mean(), "γ^t is missing"),
        (lambda s, a, A, gamma: _lemma(s, a, A, gamma) / (1 - gamma), "1/(1 − γ) belongs to ρ"),
        (lambda s, a, A, gamma: _lemma(s, a, A, gamma) / len(s), "average over the steps"),
        (lambda s, a, A, gamma: _lemma(s, a, A, gamma) * s.shape[1], "their mean"),
        (lambda s, a, A, gamma: gamma * _lemma(s, a, A, gamma), "γ^0 = 1"),
        (lambda s, a, A, gamma: -_lemma(s, a, A, gamma), "J(π) − J(π′)"),
        (lambda s, a, A, gamma: _lemma(s.T, a.T, A, gamma), "along the walks"),
        (lambda s, a, A, gamma: (1 - gamma) * _lemma(s, a, A, gamma), "exactly (1 − γ) ×"),
        (lambda s, a, A, gamma: _lemma(s, a, A - A.mean(1, keepdim=True), gamma), "expected"),
        (lambda s, a, A, gamma: _lemma(s[1:], a[1:], A, gamma), "expected"),
        (lambda s, a, A, gamma: _lemma(s, a, A.T, gamma), "your function raised IndexError"),
        (lambda s, a, A, gamma: abs(_lemma(s, a, A, gamma)), "expected −"),
    ],
    "per_decision_return": [
        (_weigh_writes, "changes its argument log_ratio in place"),
        (_weigh_products, "ratios of e^±800: your result is NaN"),
        (lambda z, r, gamma: _weigh(z, r, gamma) / len(r), "average over the steps"),
        (lambda z, r, gamma: _weigh(z, r, 1.0), "γ^t is missing"),
        (lambda z, r, gamma: gamma * _weigh(z, r, gamma), "γ^0 = 1"),
        (lambda z, r, gamma: _weigh(-z, r, gamma), "upside down"),
        (lambda z, r, gamma: _weigh(torch.zeros_like(z), r, gamma), "expected"),
        (lambda z, r, gamma: _weigh(z, r, gamma) * r.shape[1], "exactly z.shape[1] ×"),
        (lambda z, r, gamma: -_weigh(z, r, gamma), "exactly −1 ×"),
        (lambda z, r, gamma: (gamma ** torch.arange(len(r))[:, None] * z.exp() * r).sum(0).mean(), "own ratio alone"),
        (lambda z, r, gamma: (gamma ** torch.arange(len(r))[:, None] * z.sum(0).exp() * r).sum(0).mean(), "whole walk"),
        (lambda z, r, gamma: gamma ** torch.arange(len(r)) @ (z.cumsum(0).exp() * r), "shape"),
        (lambda z, r, gamma: _weigh(z.clamp(-1, 1), r, gamma), "expected"),
    ],
}  # fmt: skip
