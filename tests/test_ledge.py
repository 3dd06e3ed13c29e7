"""The mountain path of the notebooks, held against plain simulation, loops and torch's own distributions."""

import itertools

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from trpo_lib.classroom import ledge

THETAS = [torch.tensor(pair, dtype=torch.float64) for pair in ((0.0, -2.0), (0.7, -1.0), (3.0, -4.5))]
every_theta = pytest.mark.parametrize("theta", THETAS)


def walk(theta, walkers=4000, steps=150):
    """Discounted returns of walkers, from the rules of the path in words and not from its tables."""
    generator = torch.Generator().manual_seed(0)
    place, total = torch.zeros(walkers, dtype=torch.long), torch.zeros(walkers, dtype=torch.float64)
    forward_chance = torch.sigmoid(theta[0] + theta[1] * torch.arange(6) / 5)
    for t in range(steps):
        forward = torch.rand(walkers, generator=generator) < forward_chance[place]
        falls = forward & (place == 5)
        total += 0.9**t * (place / 5 - 10.0 * falls)
        place = torch.where(falls, 0, torch.where(forward, place + 1, (place - 1).clamp(min=0)))
    return total


@every_theta
def test_performance_is_the_mean_return_of_walkers(theta):
    returns = walk(theta)
    assert abs(returns.mean() - ledge.performance(theta)) < 4 * returns.std() / len(returns) ** 0.5


@every_theta
def test_kl_is_torchs_own_weighted_by_where_the_old_policy_is(theta):
    old, new = Categorical(ledge.policy(ledge.THETA_OLD)), Categorical(ledge.policy(theta))
    torch.testing.assert_close(ledge.state_kl(theta), kl_divergence(old, new))
    weights = ledge.MDP.occupancy(old.probs)
    torch.testing.assert_close(ledge.kl(theta), (weights * kl_divergence(old, new)).sum())


@every_theta
def test_surrogate_agrees_with_the_return_in_value_and_gradient_where_it_is_taken(theta):
    torch.testing.assert_close(ledge.surrogate(theta, theta), ledge.performance(theta))
    gradients = (torch.func.grad(f)(theta, *rest) for f, rest in ((ledge.performance, ()), (ledge.surrogate, (theta,))))
    torch.testing.assert_close(*gradients)


@every_theta
def test_fisher_is_the_variance_of_the_score(theta):
    """F = Σ ρ(s) π(1 − π) x xᵀ with x = (1, i/5): a logistic policy's closed form."""
    pi, x = ledge.policy(theta), torch.stack([torch.ones(6), torch.arange(6) / 5], -1).double()
    weights = ledge.MDP.occupancy(pi) * pi.prod(-1)
    torch.testing.assert_close(ledge.fisher(theta), torch.einsum("s,si,sj->ij", weights, x, x))


def test_exact_updates_climb_without_ever_falling_and_end_at_the_best_policy():
    theta, returns = ledge.THETA_OLD, []
    for _ in range(30):
        before, (theta, _) = theta, ledge.update(theta, max_kl=0.01)
        assert ledge.kl(theta, before) <= 0.01
        returns.append(ledge.performance(theta).item())
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(returns))
    best = sum(0.9**t * min(t, 5) / 5 for t in range(5))  # four steps up …
    at_the_top = (0.9**5 * 1.0 + 0.9**6 * 0.8) / (1 - 0.9**2)  # … then back and forth between places 5 and 4
    assert returns[-1] == pytest.approx(best + at_the_top, abs=0.01)


def test_where_every_action_is_certain_theta_stays():
    theta, _ = ledge.update(torch.tensor([1e4, -1.1e4], dtype=torch.float64))
    assert torch.equal(theta, torch.tensor([1e4, -1.1e4], dtype=torch.float64))
