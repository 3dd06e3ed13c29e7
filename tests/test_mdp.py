import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trpo_lib import TabularMDP

CASES = st.tuples(st.integers(1, 5), st.integers(1, 4), st.sampled_from([0.0, 0.5, 0.9, 0.99]), st.integers(0, 10_000))


def random_policy(mdp, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(mdp.num_states, mdp.num_actions, generator=generator).softmax(-1)


def build(case):
    *sizes, gamma, seed = case
    mdp = TabularMDP.random(*sizes, gamma, seed=seed)
    return mdp, random_policy(mdp, seed + 1), random_policy(mdp, seed + 2)


@pytest.fixture
def mdp():
    return TabularMDP.random(4, 3, 0.9, seed=1)


@given(CASES)
def test_values_solve_the_bellman_equation(case):
    mdp, pi, _ = build(case)
    values, P, r = mdp.values(pi), mdp.transitions, mdp.rewards
    for s in range(mdp.num_states):
        backup = sum(
            pi[s, a] * (r[s, a] + mdp.gamma * sum(P[s, a, n] * values[n] for n in range(mdp.num_states)))
            for a in range(mdp.num_actions)
        )
        assert values[s].item() == pytest.approx(backup.item(), rel=1e-9, abs=1e-9)


def test_values_are_the_limit_of_value_iteration_under_the_policy(mdp):
    pi, values = random_policy(mdp, 0), torch.zeros(4)
    for _ in range(500):
        values = (pi * (mdp.rewards + mdp.gamma * mdp.transitions @ values)).sum(-1)
    torch.testing.assert_close(mdp.values(pi), values)


@given(CASES)
def test_occupancy_is_a_distribution_and_equals_the_power_series(case):
    mdp, pi, _ = build(case)
    occupancy, at_t, series = mdp.occupancy(pi), mdp.start.clone(), torch.zeros(mdp.num_states)
    step = torch.einsum("sa,sat->st", pi, mdp.transitions)
    for t in range(3000 if mdp.gamma > 0.9 else 300):
        series += (1 - mdp.gamma) * mdp.gamma**t * at_t
        at_t = at_t @ step
    assert occupancy.sum().item() == pytest.approx(1, abs=1e-10)
    assert (occupancy >= 0).all()
    torch.testing.assert_close(occupancy, series, rtol=1e-6, atol=1e-9)


@given(CASES)
def test_advantages_average_to_zero_under_their_own_policy(case):
    mdp, pi, _ = build(case)
    torch.testing.assert_close((pi * mdp.advantages(pi)).sum(-1), torch.zeros(mdp.num_states), rtol=0, atol=1e-9)


@given(CASES)
def test_performance_is_the_reward_weighted_by_the_occupancy(case):
    mdp, pi, _ = build(case)
    expected = mdp.occupancy(pi) @ (pi * mdp.rewards).sum(-1) / (1 - mdp.gamma)
    torch.testing.assert_close(mdp.performance(pi), expected)


@given(CASES)
def test_performance_difference_lemma_holds_exactly(case):
    mdp, old, new = build(case)
    lemma = mdp.occupancy(new) @ (new * mdp.advantages(old)).sum(-1) / (1 - mdp.gamma)
    torch.testing.assert_close(mdp.performance(new) - mdp.performance(old), lemma, rtol=1e-8, atol=1e-9)


@settings(max_examples=20)
@given(CASES)
def test_surrogate_and_performance_agree_in_value_and_gradient_at_the_old_policy(case):
    mdp, pi, _ = build(case)
    logits = pi.log().requires_grad_()
    surrogate, performance = mdp.surrogate(pi, logits.softmax(-1)), mdp.performance(logits.softmax(-1))
    torch.testing.assert_close(surrogate, performance)
    gradients = [torch.autograd.grad(objective, logits)[0] for objective in (surrogate, performance)]
    torch.testing.assert_close(*gradients, rtol=1e-7, atol=1e-9)


def test_surrogate_differs_from_performance_elsewhere(mdp):
    old, new = random_policy(mdp, 0), random_policy(mdp, 1)
    assert abs(mdp.surrogate(old, new) - mdp.performance(new)) > 1e-3


@given(CASES)
def test_surrogate_with_its_penalty_is_a_lower_bound(case):
    mdp, old, new = build(case)
    epsilon = mdp.advantages(old).abs().max()
    largest_kl = (old * (old.log() - new.log())).sum(-1).max()
    bound = mdp.surrogate(old, new) - 4 * epsilon * mdp.gamma / (1 - mdp.gamma) ** 2 * largest_kl
    assert mdp.performance(new) >= bound - 1e-9


def test_gradient_of_performance_equals_finite_differences(mdp):
    assert torch.autograd.gradcheck(
        lambda logits: mdp.performance(logits.softmax(-1)), torch.randn(4, 3).requires_grad_()
    )


def test_sampled_returns_approach_the_performance(mdp):
    pi = random_policy(mdp, 0)
    states, actions, rewards = mdp.sample(pi, steps=150, num_chains=5000)
    assert (states.shape, actions.shape, rewards.shape) == ((151, 5000), (150, 5000), (150, 5000))
    torch.testing.assert_close(rewards, mdp.rewards[states[:-1], actions])
    returns = (mdp.gamma ** torch.arange(150.0))[:, None].mul(rewards).sum(0)
    assert abs(returns.mean() - mdp.performance(pi)) < 5 * returns.std() / 5000**0.5


def test_sampled_frequencies_are_the_given_probabilities(mdp):
    pi = random_policy(mdp, 0)
    states, actions, _ = mdp.sample(pi, steps=20, num_chains=20_000)
    assert (states[0].bincount(minlength=4) / 20_000 - mdp.start).abs().max() < 0.02
    here = states[:-1] == 2
    assert (actions[here].bincount(minlength=3) / here.sum() - pi[2]).abs().max() < 0.02
    there = here & (actions == 1)
    assert (states[1:][there].bincount(minlength=4) / there.sum() - mdp.transitions[2, 1]).abs().max() < 0.02


def test_same_seed_gives_the_same_mdp_and_chain(mdp):
    again, pi = TabularMDP.random(4, 3, 0.9, seed=1), random_policy(mdp, 0)
    assert torch.equal(again.transitions, mdp.transitions)
    assert torch.equal(again.rewards, mdp.rewards)
    assert torch.equal(mdp.sample(pi, 50, seed=3)[0], again.sample(pi, 50, seed=3)[0])
    assert not torch.equal(TabularMDP.random(4, 3, 0.9, seed=2).rewards, mdp.rewards)


@pytest.mark.parametrize("gamma", [1.0, -0.1, float("nan")])
def test_discount_for_which_the_sums_do_not_exist_is_refused(gamma, mdp):
    with pytest.raises(ValueError, match="gamma"):
        TabularMDP(mdp.transitions, mdp.rewards, gamma, mdp.start)


@pytest.mark.parametrize("name", ["transitions", "rewards", "start"])
def test_wrong_shapes_are_refused_by_name(name, mdp):
    parts = {"transitions": mdp.transitions, "rewards": mdp.rewards, "start": mdp.start}
    parts[name] = parts[name][..., None]
    with pytest.raises(ValueError, match=rf"^{name}"):
        TabularMDP(**parts, gamma=0.9)


@pytest.mark.parametrize("name", ["transitions", "start"])
@pytest.mark.parametrize("spoil", [lambda p: 2 * p, lambda p: p - 0.3, lambda p: p * float("nan")])
def test_rows_that_are_no_distribution_are_refused_by_name(name, spoil, mdp):
    parts = {"transitions": mdp.transitions, "start": mdp.start}
    parts[name] = spoil(parts[name])
    with pytest.raises(ValueError, match=rf"{name} must hold probabilities"):
        TabularMDP(**parts, rewards=mdp.rewards, gamma=0.9)


def test_policy_that_is_none_is_refused(mdp):
    with pytest.raises(ValueError, match=r"pi must have shape \(S, A\) = \(4, 3\)"):
        mdp.values(torch.ones(3, 4) / 4)
    with pytest.raises(ValueError, match="pi must hold probabilities"):
        mdp.values(torch.ones(4, 3))
    with pytest.raises(ValueError, match="pi_new must hold probabilities"):
        mdp.surrogate(random_policy(mdp, 0), torch.ones(4, 3))


def test_probabilities_of_zero_are_probabilities():
    there_and_back = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]])
    mdp = TabularMDP(there_and_back, torch.tensor([[1.0], [0.0]]), 0.5, torch.tensor([1.0, 0.0]))
    pi = torch.ones(2, 1)
    torch.testing.assert_close(mdp.values(pi), torch.tensor([4.0, 2.0]) / 3)  # 1 + 1/4 + 1/16 + …, and half of it
    torch.testing.assert_close(mdp.occupancy(pi), torch.tensor([2.0, 1.0]) / 3)
    assert mdp.sample(pi, 4)[0].flatten().tolist() == [0, 1, 0, 1, 0]


def test_start_of_a_random_mdp_is_drawn_apart_from_its_transitions(mdp):
    assert not (mdp.transitions == mdp.start).all(-1).any()
