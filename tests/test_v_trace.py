"""V-trace, against its definition and its fixed point."""

import numpy as np
import pytest
import torch
from hypothesis import given
from test_gae import UNIT, batches

from trpo_lib import TabularMDP, generalized_advantage_estimation
from trpo_lib.extensions.v_trace import trust_in, v_trace_advantages


def by_definition(rewards, values, next_values, terminated, truncated, gamma, lam, trust):
    """Σ_l (γλ)^l c_{t+1} … c_{t+l} δ_{t+l} up to the end of the episode: a double loop over numpy numbers."""
    r, v, v_next, term, trunc, c = (np.asarray(x) for x in (rewards, values, next_values, terminated, truncated, trust))
    advantages = np.zeros_like(r)
    for index in np.ndindex(r.shape):
        t, rest = index[0], index[1:]
        for k in range(t, len(r)):
            here = (k, *rest)
            bootstrap = 0.0 if term[here] else gamma * v_next[here]
            trace = c[(slice(t + 1, k + 1), *rest)].prod()
            advantages[index] += (gamma * lam) ** (k - t) * trace * (r[here] + bootstrap - v[here])
            if term[here] or trunc[here]:
                break
    return torch.tensor(advantages)


@given(batches(), UNIT, UNIT)
def test_traces_of_another_policy_equal_the_definition(batch, gamma, lam):
    trust = torch.rand(batch[0].shape)
    got = v_trace_advantages(*batch, gamma, lam, trust)
    torch.testing.assert_close(got, by_definition(*batch, gamma, lam, trust), rtol=1e-9, atol=1e-9)
    ones = v_trace_advantages(*batch, gamma, lam, torch.ones_like(trust))
    assert torch.equal(ones, generalized_advantage_estimation(*batch, gamma, lam))


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_truncated_ratios_evaluate_the_policy_between_the_two(lam):
    """The fixed point of V-trace is the value of π_c ∝ min(μ, π) (Espeholt et al. 2018, appendix A)."""
    mdp = TabularMDP.random(3, 2, 0.8)
    mu, pi = torch.tensor([[0.6, 0.4], [0.2, 0.8], [0.5, 0.5]]), torch.tensor([[0.3, 0.7], [0.5, 0.5], [0.8, 0.2]])
    between = torch.minimum(mu, pi) / torch.minimum(mu, pi).sum(-1, keepdim=True)
    table = mdp.values(between)
    states, actions, rewards = mdp.sample(mu, steps=60, num_chains=4000)
    trust = (pi / mu).clamp(max=1)[states[:-1], actions]
    ended = torch.zeros_like(rewards, dtype=torch.bool)
    advantages = v_trace_advantages(rewards, table[states[:-1]], table[states[1:]], ended, ended, mdp.gamma, lam, trust)
    for s in range(3):
        surprise = (trust * advantages)[:10][states[:10] == s]
        assert abs(surprise.mean()) < 4 * surprise.std() / len(surprise) ** 0.5
    assert (mdp.values(mu) - table).abs().max() > 0.1, "or any policy would do"


def test_trust_is_the_ratio_where_the_action_has_become_rarer_and_one_elsewhere():
    now, then = torch.tensor([0.1, 0.5, 0.9]).log(), torch.tensor([0.4, 0.5, 0.3]).log()
    torch.testing.assert_close(trust_in(now, then), torch.tensor([0.25, 1.0, 1.0]))


@pytest.mark.parametrize("position", range(6))
def test_shapes_that_would_broadcast_are_refused(position):
    flags = torch.zeros(4, 2) > 0
    batch = [torch.zeros(4, 2), torch.zeros(4, 2), torch.zeros(4, 2), flags, flags, torch.ones(4, 2)]
    batch[position] = batch[position][:, :1]
    *batch, trust = batch
    with pytest.raises(ValueError, match="broadcasting is refused"):
        v_trace_advantages(*batch, 0.9, 0.9, trust)


@pytest.mark.parametrize("name", ["gamma", "lam"])
def test_discounts_outside_the_unit_interval_are_refused_by_name(name):
    flags = torch.zeros(2, dtype=torch.bool)
    with pytest.raises(ValueError, match=name):
        v_trace_advantages(
            *torch.zeros(3, 2), flags, flags, trust=torch.ones(2), **{"gamma": 0.9, "lam": 0.9, name: 1.1}
        )
