"""Answers to notebook 07's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math
import statistics

import numpy as np
import torch
from scipy import stats
from torch.func import functional_call, grad
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from trpo_lib import (
    FisherVectorProduct,
    backtracking_line_search,
    conjugate_gradient,
    importance_ratio,
    mean_kl,
    surrogate_objective,
    trust_region_step,
)
from trpo_lib.classroom.statistics import bootstrap_interval, difference_interval, interquartile_mean


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


# Exercise 1: the textbook's function, mended; and other roads to the same bits.
def _policy_step(agent, batch, keep=lambda theta: theta, **change):
    policy, config = agent.policy, agent.config
    old = policy.distribution(batch.observations)
    log_prob = old.log_prob(batch.actions)
    surrogate = surrogate_objective(log_prob, log_prob.detach(), batch.advantages)
    parameters = list(policy.parameters())
    g = change.get("scale", 1) * parameters_to_vector(torch.autograd.grad(surrogate, parameters))
    fisher = FisherVectorProduct(policy, batch.observations, damping=config.damping)
    x = conjugate_gradient(fisher, g, max_iterations=config.cg_iterations, relative_tolerance=config.cg_tolerance).x
    theta_old = parameters_to_vector(parameters).detach()
    if not (curvature := fisher.quadratic_form(x)) > 0:
        return theta_old
    step = trust_region_step(x, curvature, change.get("max_kl", config.max_kl))

    @torch.no_grad()
    def evaluate(trial):
        new = policy.distribution_from(policy.outputs_at(theta_old + trial, batch.observations))
        gain = surrogate_objective(new.log_prob(batch.actions), log_prob, batch.advantages) - surrogate
        return gain.item(), mean_kl(old, new).item()

    search = backtracking_line_search(
        evaluate,
        step,
        max_kl=change.get("max_kl", config.max_kl),
        shrink=change.get("shrink", config.line_search_shrink),
        max_trials=config.line_search_trials,
        rescale=change.get("rescale", config.rescale_step),
    )
    return keep(theta_old + search.fraction * step if search.accepted else theta_old)


def _moved_and_put_back(agent, batch):
    """Tries each step on the policy itself, and leaves it as it was."""
    theta = parameters_to_vector(agent.policy.parameters()).detach().clone()
    new = _policy_step(agent, batch)
    vector_to_parameters(new.clone(), agent.policy.parameters())
    vector_to_parameters(theta, agent.policy.parameters())
    return new


def _moves_the_policy(agent, batch):
    new = _policy_step(agent, batch)
    vector_to_parameters(new, agent.policy.parameters())
    return new


def _ratio_by_hand(agent, batch):
    """The ratio and the mean written out."""
    policy, config = agent.policy, agent.config
    names = [name for name, _ in policy.named_parameters()]
    old = policy.distribution(batch.observations)
    log_prob_old = old.log_prob(batch.actions).detach()

    def surrogate(theta):
        z = functional_call(policy, theta, (batch.observations,))
        ratio = importance_ratio(policy.distribution_from(z).log_prob(batch.actions), log_prob_old)
        return (ratio * batch.advantages).mean()

    theta = {name: value.detach() for name, value in policy.named_parameters()}
    g = torch.cat([grad(surrogate)(theta)[name].flatten() for name in names])
    fisher = FisherVectorProduct(policy, batch.observations, config.damping)
    x = conjugate_gradient(fisher, g, max_iterations=config.cg_iterations, relative_tolerance=config.cg_tolerance).x
    theta_old = parameters_to_vector(policy.parameters()).detach()
    step = trust_region_step(x, q, config.max_kl) if (q := fisher.quadratic_form(x)) else torch.zeros_like(x)

    def evaluate(trial):
        with torch.no_grad():
            new = policy.distribution_from(policy.outputs_at(theta_old + trial, batch.observations))
            ratio = importance_ratio(new.log_prob(batch.actions), log_prob_old)
            return float((ratio * batch.advantages).mean() - batch.advantages.mean()), float(mean_kl(old, new))

    options = (config.line_search_shrink, config.line_search_trials, config.rescale_step)
    names = ("shrink", "max_trials", "rescale")
    search = backtracking_line_search(evaluate, step, max_kl=config.max_kl, **dict(zip(names, options, strict=True)))
    return search.fraction * step + theta_old


def _own_name(student, lesson):
    """With other names for its arguments."""
    return _policy_step(student, lesson)


# Exercise 3.
def _reach(steps, batch_size, max_kl):
    """Steps as vectors in n dimensions, each with half a square norm of δ."""
    n = steps // batch_size
    length = math.sqrt(2 * max_kl)
    sideways, straight = length * torch.eye(n).double(), length * torch.ones(n, 1).double()
    return tuple(0.5 * float(walk.sum(0).square().sum()) for walk in (sideways, straight))


def _reach_loop(steps, batch_size, max_kl):
    n, orthogonal, line = 0, 0.0, 0.0
    while (n + 1) * batch_size <= steps:
        n, orthogonal, line = n + 1, orthogonal + max_kl, line + (2 * n + 1) * max_kl
    return [orthogonal, line]


# Exercise 4.
def _own_bootstrap(before, after, top):
    if stats.trim_mean(before, 0.25) >= 0.99 * top and stats.trim_mean(after, 0.25) >= 0.99 * top:
        return "ceiling"
    random = np.random.default_rng(7)
    pick = [random.choice(x, (4000, len(x))) for x in (np.array(after), np.array(before))]
    low, high = np.quantile(
        stats.trim_mean(pick[0], 0.25, axis=1) - stats.trim_mean(pick[1], 0.25, axis=1), (0.025, 0.975)
    )
    return "helps" if low > 0 else "harms" if high < 0 else "open"


def _signs(before, after, top):
    if all(interquartile_mean(x) >= 0.99 * top for x in (before, after)):
        return "Ceiling"
    signs = {math.copysign(1, end) if end else 0 for end in difference_interval(after, before)}
    return {(1.0,): "helps", (-1.0,): "harms"}.get(tuple(signs), "open")


def _turned(before, after, top):
    low, high = difference_interval(before, after)
    middles = np.array([interquartile_mean(x) for x in (before, after)])
    names = ("ceiling", "helps", "harms", "open")
    return names[[(middles >= 0.99 * top).all(), high < 0, low > 0, True].index(True)]


def _middle_half(x):
    x = sorted(x)
    k = len(x) // 4
    return sum(x[k : len(x) - k]) / (len(x) - 2 * k)


def _by_hand(before, after, top):
    if min(_middle_half(before), _middle_half(after)) >= 0.99 * top:
        return "ceiling"
    low, high = difference_interval(after, before)
    return "open" if low <= 0 <= high else "helps" if low > 0 else "harms"


def _tensors(before, after, top):
    return _turned(torch.tensor(before).numpy(), torch.tensor(after).numpy(), float(top)).upper()


def _no_ceiling(before, after, top):
    low, high = difference_interval(after, before)
    return "helps" if low > 0 else "harms" if high < 0 else "open"


def _forgets(before, after, top):
    _by_hand(before, after, top)


def _sorts(before, after, top):
    before.sort()
    after.sort()
    return _by_hand(before, after, top)


def _overlap(before, after, top):
    a, b = bootstrap_interval(after), bootstrap_interval(before)
    if min(_middle_half(before), _middle_half(after)) >= 0.99 * top:
        return "ceiling"
    return "helps" if a.low > b.high else "harms" if a.high < b.low else "open"


RIGHT = {
    "policy_step": [
        _policy_step,
        _moved_and_put_back,
        _ratio_by_hand,
        _own_name,
        lambda agent, batch: _policy_step(agent, batch).tolist(),
        lambda agent, batch: _policy_step(agent, batch, keep=lambda theta: theta.numpy()),
    ],
    "explained_variance": [
        _explained,
        _explained_by_moments,
        lambda v, g: 1 - (g - v).var() / g.var(),
        lambda v, g: 1 - np.var((g - v).numpy()) / np.var(g.numpy()),
        lambda v, g: 1 - statistics.pvariance((g - v).tolist()) / statistics.pvariance(g.tolist()),
        lambda v, g: (_explained(v.float(), g.float())).item(),
        lambda v, g: 1 - torch.cov(g - v) / torch.cov(g),
    ],
    "reach": [
        _reach,
        _reach_loop,
        lambda n, b, d: (d * (n // b), d * (n // b) ** 2),
        lambda n, b, d: np.array([1, n // b]) * (n // b) * d,
        lambda n, b, d: torch.tensor([int(n / b), int(n / b) ** 2]).double() * d,
    ],
    "read_rung": [_own_bootstrap, _signs, _turned, _by_hand, _tensors],
}

WRONG = {
    "policy_step": [
        (_moves_the_policy, "in place"),
        (lambda agent, batch: agent.improve_policy(batch), "AttributeError"),
        (lambda agent, batch: _policy_step(agent, batch, max_kl=0.01), "expected"),
        (lambda agent, batch: _policy_step(agent, batch, shrink=0.5, rescale=False), ""),
        (lambda agent, batch: _policy_step(agent, batch, rescale=True), ""),
        (lambda agent, batch: _policy_step(agent, batch, scale=-1), "uphill"),
        (lambda agent, batch: _policy_step(agent, batch).float(), ""),
        (lambda agent, batch: _policy_step(agent, batch)[:-1], "shape"),
        (lambda agent, batch: _policy_step(agent, batch) + 1e-12, ""),
        (lambda agent, batch: _policy_step(agent, batch, keep=lambda theta: None), "return"),
        (lambda agent, batch: parameters_to_vector(agent.policy.parameters()), "always return θ_old"),
        (lambda agent, batch: vars(batch)["returns"], "KeyError"),
    ],
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
    "reach": [
        (lambda n, b, d: (d * n / b, d * (n / b) ** 2), "whole ones"),
        (lambda n, b, d: (n // b * d, n // b * d), "lengths add up"),
        (lambda n, b, d: ((n // b) ** 2 * d, (n // b) ** 2 * d), "Pythagoras"),
        (lambda n, b, d: ((n // b) ** 2 * d, n // b * d), "the other way round"),
        (lambda n, b, d: (2 * d * (n // b), 2 * d * (n // b) ** 2), "not 2δ"),
        (lambda n, b, d: (d, d * (n // b) ** 2), "Pythagoras"),
        (lambda n, b, d: n // b * d, ""),
        (lambda n, b, d: ((n // b) * math.sqrt(2 * d), (n // b) * math.sqrt(2 * d)), ""),
        (lambda n, b, d: (n * d, n**2 * d), "for each environment step"),
        (lambda n, b, d: (b // n * d, (b // n) ** 2 * d), ""),
        (lambda n, b, d: ((n // b - 1) * d, (n // b - 1) ** 2 * d), ""),
        (lambda n, b, d: print(end=""), "return"),
    ],
    "read_rung": [
        (_no_ceiling, "never answer ceiling"),
        (_forgets, "return"),
        (_sorts, "in place"),
        (_overlap, "interval of the difference"),
        (lambda b, a, top: "helps", ""),
        (lambda b, a, top: "open", ""),
        (lambda b, a, top: max(a) > max(b), ""),
        (lambda b, a, top: _by_hand(a, b, top), "other way round"),
        (lambda b, a, top: _by_hand(b, a, 500), ""),
        (lambda b, a, top: "helps" if sum(a) > sum(b) else "harms", ""),
        (lambda b, a, top: "better" if _by_hand(b, a, top) == "helps" else _by_hand(b, a, top), ""),
        (lambda b, a, top: difference_interval(a, b), ""),
    ],
}  # fmt: skip
