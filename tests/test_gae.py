import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trpo_lib import TabularMDP, generalized_advantage_estimation, standardize, td_errors
from trpo_lib.gae import discounted_sum

UNIT = st.floats(0, 1)


@st.composite
def batches(draw):
    """Random rewards, values, next values, terminated and truncated of shape (T, N) or (T,)."""
    T, N, seed = draw(st.integers(1, 12)), draw(st.integers(0, 3)), draw(st.integers(0, 10_000))
    generator = torch.Generator().manual_seed(seed)
    shape = (T, N) if N else (T,)
    numbers = torch.randn(3, *shape, generator=generator)
    often = draw(st.sampled_from([0.0, 0.2, 0.5, 1.0]))
    return (*numbers, *(torch.rand(2, *shape, generator=generator) < often))


def by_definition(rewards, values, next_values, terminated, truncated, gamma, lam):
    """Σ_l (γλ)^l δ_{t+l} up to the end of the episode: a double loop over numpy numbers."""
    r, v, v_next, term, trunc = (np.asarray(x) for x in (rewards, values, next_values, terminated, truncated))
    advantages = np.zeros_like(r)
    for index in np.ndindex(r.shape):
        t, rest = index[0], index[1:]
        for k in range(t, len(r)):
            here = (k, *rest)
            bootstrap = 0.0 if term[here] else gamma * v_next[here]
            advantages[index] += (gamma * lam) ** (k - t) * (r[here] + bootstrap - v[here])
            if term[here] or trunc[here]:
                break
    return torch.tensor(advantages)


def by_k_step_estimates(rewards, values, next_values, terminated, gamma, lam):
    """(1−λ) Σ_k λ^(k−1) Â^(k), the last one with all the remaining weight; one episode that ends in the last row."""
    advantages = []
    for t in range(len(rewards)):
        estimates, discounted = [], 0.0
        for k in range(t, len(rewards)):
            discounted += gamma ** (k - t) * rewards[k]
            bootstrap = 0.0 if terminated[k] else gamma ** (k - t + 1) * next_values[k]
            estimates.append(discounted + bootstrap - values[t])
        weights = [(1 - lam) * lam**i for i in range(len(estimates) - 1)] + [lam ** (len(estimates) - 1)]
        advantages.append(sum(w * e for w, e in zip(weights, estimates, strict=True)))
    return torch.stack(advantages)


@given(batches(), UNIT, UNIT)
def test_equals_the_quadratic_time_definition(batch, gamma, lam):
    torch.testing.assert_close(
        generalized_advantage_estimation(*batch, gamma, lam), by_definition(*batch, gamma, lam), rtol=1e-9, atol=1e-9
    )


@given(batches(), UNIT)
def test_discounted_sum_is_the_sum_of_products(batch, least):
    """S_t = Σ_l c_t c_{t+1} … c_{t+l−1} x_{t+l}, as a matrix product with every pair of steps written out."""
    terms, decay = batch[0], least + (1 - least) * batch[1].sigmoid()
    expected = torch.zeros_like(terms)
    for t in range(len(terms)):
        for k in range(t, len(terms)):
            expected[t] += decay[t:k].prod(0) * terms[k]
    torch.testing.assert_close(discounted_sum(terms, decay), expected)


@pytest.mark.parametrize("terminal", [True, False])
def test_equals_the_weighted_average_of_k_step_estimates(terminal):
    rewards, values = torch.randn(2, 9)
    next_values = torch.cat([values[1:], torch.randn(1)])
    terminated = torch.zeros(9, dtype=torch.bool)
    terminated[-1] = terminal
    got = generalized_advantage_estimation(rewards, values, next_values, terminated, ~terminated & False, 0.9, 0.7)
    torch.testing.assert_close(got, by_k_step_estimates(rewards, values, next_values, terminated, 0.9, 0.7))


@given(batches(), UNIT)
def test_lambda_zero_is_the_td_error(batch, gamma):
    expected = td_errors(*batch[:4], gamma)
    torch.testing.assert_close(generalized_advantage_estimation(*batch, gamma, 0.0), expected)


def test_lambda_one_is_the_discounted_return_minus_the_value():
    rewards, values = torch.randn(2, 20)
    next_values, ended = torch.cat([values[1:], torch.zeros(1)]), torch.arange(20) == 19
    got = generalized_advantage_estimation(rewards, values, next_values, ended, ended & False, 0.9, 1.0)
    returns = torch.stack([sum(0.9**k * r for k, r in enumerate(rewards[t:])) for t in range(20)])
    torch.testing.assert_close(got, returns - values)


def test_truncation_keeps_the_bootstrap_and_termination_removes_it():
    one, five = torch.ones(1), 5 * torch.ones(1)
    yes, no = torch.tensor([True]), torch.tensor([False])
    assert generalized_advantage_estimation(one, one, five, no, yes, 0.9, 0.95).item() == pytest.approx(1 + 4.5 - 1)
    assert generalized_advantage_estimation(one, one, five, yes, no, 0.9, 0.95).item() == 0.0
    assert generalized_advantage_estimation(one, one, five, yes, yes, 0.9, 0.95).item() == 0.0


@pytest.mark.parametrize("flag", ["terminated", "truncated"])
def test_nothing_after_an_episode_end_changes_what_came_before(flag):
    ended = torch.arange(6) == 2
    flags = {"terminated": ended & False, "truncated": ended & False, flag: ended}
    rewards, values, next_values = torch.randn(3, 6)
    before = generalized_advantage_estimation(rewards, values, next_values, **flags, gamma=0.9, lam=0.9)
    rewards[3:], values[3:], next_values[3:] = 100.0, -50.0, 70.0
    after = generalized_advantage_estimation(rewards, values, next_values, **flags, gamma=0.9, lam=0.9)
    assert torch.equal(before[:3], after[:3])
    assert not torch.equal(before[3:], after[3:])


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("values_are_exact", [True, False])
def test_mean_on_a_tabular_mdp_is_the_exact_advantage(lam, values_are_exact):
    mdp = TabularMDP.random(3, 2, 0.8)
    pi = torch.tensor([[0.3, 0.7], [0.5, 0.5], [0.8, 0.2]])
    states, actions, rewards = mdp.sample(pi, steps=60, num_chains=4000)
    exact = mdp.values(pi)
    table = exact if values_are_exact else torch.zeros(3)
    ended = torch.zeros_like(rewards, dtype=torch.bool)
    advantages = generalized_advantage_estimation(
        rewards, table[states[:-1]], table[states[1:]], ended, ended, mdp.gamma, lam
    )
    early = slice(0, 10)  # 50 steps to go: what is cut off weighs less than 0.8**50
    for s in range(3):
        for a in range(2):
            chosen = advantages[early][(states[:-1][early] == s) & (actions[early] == a)]
            error = chosen.mean() - (mdp.q_values(pi)[s, a] - table[s])
            if values_are_exact or lam == 1.0:
                assert abs(error) < 0.08
    if not values_are_exact and lam < 1:
        assert abs(error) > 0.08  # a wrong critic biases every λ below 1


@given(st.floats(1e-6, 1e6), st.floats(-100, 100), st.integers(2, 50))
def test_standardised_advantages_do_not_depend_on_unit_or_offset(scale, offset, size):
    advantages = torch.randn(size, generator=torch.Generator().manual_seed(size))
    result = standardize(scale * (advantages + offset))
    assert result.mean().item() == pytest.approx(0, abs=1e-9)
    assert result.square().mean().item() == pytest.approx(1, abs=1e-9)
    torch.testing.assert_close(result, standardize(advantages), rtol=1e-6, atol=1e-6)


@given(st.floats(-1e6, 1e6), st.integers(1, 100), st.sampled_from([torch.float32, torch.float64]))
def test_equal_advantages_become_zeros(value, size, dtype):
    assert torch.equal(standardize(torch.full((size,), value, dtype=dtype)), torch.zeros(size, dtype=dtype))


@pytest.mark.parametrize("position", range(5))
def test_shapes_that_would_broadcast_are_refused(position):
    flags = torch.zeros(4, 2) > 0
    batch = [torch.zeros(4, 2), torch.zeros(4, 2), torch.zeros(4, 2), flags, flags]
    batch[position] = batch[position][:, :1]
    with pytest.raises(ValueError, match="broadcasting is refused"):
        generalized_advantage_estimation(*batch, 0.9, 0.9)


@pytest.mark.parametrize("name", ["rewards", "values", "next_values"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused_with_name_and_index(name, bad):
    batch = {key: torch.zeros(4, 2) for key in ("rewards", "values", "next_values", "terminated", "truncated")}
    batch[name][3, 1] = bad
    with pytest.raises(ValueError, match=rf"^{name} must be finite.*\(3, 1\)"):
        generalized_advantage_estimation(**batch, gamma=0.9, lam=0.9)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("name", ["gamma", "lam"])
def test_discounts_outside_the_unit_interval_are_refused_by_name(name, bad):
    flags = torch.zeros(2, dtype=torch.bool)
    with pytest.raises(ValueError, match=name):
        generalized_advantage_estimation(*torch.zeros(3, 2), flags, flags, **{"gamma": 0.9, "lam": 0.9, name: bad})
