"""One update: what it may do to the policy, and what it reports."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import ACTION_SPACES, OBSERVATIONS
from environments import Probe, Space, vectorize
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import kl_divergence

from trpo_lib import TRPO, FisherVectorProduct, GaussianPolicy, TRPOConfig, backtracking_line_search, make_policy


def constant(*_):
    return 1.0


@pytest.mark.parametrize("fisher_fraction", [1.0, 0.1])
@pytest.mark.parametrize("max_kl", [1e-4, 0.03, 1.0])
def test_true_kl_of_every_update_is_reported_and_never_exceeds_max_kl(kind, max_kl, fisher_fraction, make_agent):
    envs = vectorize(*[lambda: Space(ACTION_SPACES[kind])] * 2)
    settings = {"fisher_fraction": fisher_fraction, "damping": 1e-3, "normalize_observations": False}
    agent = make_agent(envs, max_kl=max_kl, **settings)
    for _ in range(6):
        rollout = agent.collect()
        report = agent.update(rollout)
        old = agent.policy.distribution_from(rollout.batch(rollout.outputs))
        kl = kl_divergence(old, agent.policy.distribution(rollout.batch(rollout.observations))).mean().item()
        assert kl <= max_kl
        assert report.kl == pytest.approx(kl, rel=1e-6, abs=1e-12)
        assert report.kl_ratio == report.kl / max_kl
        assert report.accepted or fisher_fraction < 1  # a model of few states may lead nowhere, but never too far


@pytest.mark.parametrize("past_rollouts", [0, 2])
def test_fisher_matrix_of_a_part_is_the_damped_mean_over_so_many_different_states(past_rollouts, make_agent):
    steps = {"num_envs": 2, "rollout_steps": 6 // (past_rollouts + 1), "past_rollouts": past_rollouts}
    agent = make_agent(damping=0.3, fisher_fraction=0.9, **steps)  # 11 states of 12, whether new or past
    for _ in range(past_rollouts):
        agent.update(agent.collect())
    batch = agent.prepare(agent.collect())
    v = torch.randn(sum(p.numel() for p in agent.policy.parameters()))
    of_each = torch.stack([FisherVectorProduct(agent.policy, state[None])(v) for state in batch.observations])
    without_one = (of_each.sum(0) - of_each) / 11 + 0.3 * v
    left_out = set()
    for _ in range(20):
        distance = (agent.fisher(batch)(v) - without_one).norm(dim=1)
        left_out.add(int(distance.argmin()))
        assert distance.min() < 1e-12
    assert len(left_out) > 5, "another part each time"


def test_fisher_matrix_of_the_whole_batch_draws_nothing(make_agent):
    agent = make_agent()
    batch = agent.prepare(agent.collect())
    before = agent.generator.get_state()
    agent.fisher(batch)
    assert torch.equal(agent.generator.get_state(), before)


def test_accepted_steps_use_the_trust_region(make_agent):
    agent = make_agent(num_envs=4, rollout_steps=128, damping=0.01).learn(15 * 512, progress=False)
    ratios = [report.kl_ratio for report in agent.history if report.accepted]
    assert len(ratios) >= 14
    assert np.mean(ratios) > 0.85
    assert max(ratios) <= 1


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_ratio_is_one_and_kl_zero_before_every_update(env, make_agent):
    agent = make_agent(env)
    for _ in range(8):
        rollout = agent.collect()
        actions = rollout.batch(rollout.actions)
        now = agent.policy.distribution(rollout.batch(rollout.observations)).log_prob(actions)
        then = agent.policy.distribution_from(rollout.batch(rollout.outputs)).log_prob(actions)
        torch.testing.assert_close((now - then).exp(), torch.ones(len(actions)), rtol=0, atol=1e-12)
        assert abs(agent.update(rollout).initial_kl) < 1e-12


def test_failed_search_leaves_the_policy_bit_identical_and_says_so(make_agent, theta):
    agent = make_agent(max_kl=50.0, line_search_trials=1, damping=1e-6)  # the model is no guide that far away
    before = theta(agent)
    report = agent.update(agent.collect())
    assert report.gradient_norm > 0
    assert not report.accepted
    assert (report.fraction, report.kl, report.surrogate_gain, report.trials) == (0.0, 0.0, 0.0, 1)
    assert torch.equal(theta(agent), before)


def test_zero_advantages_give_no_step(make_agent, theta):
    agent = make_agent(vectorize(lambda: Probe(constant)), gamma=0.0)
    for parameter in agent.critic.parameters():
        torch.nn.init.zeros_(parameter)
    before = theta(agent)
    report = agent.update(agent.collect())
    assert not report.accepted
    assert report.gradient_norm == 0
    assert report.cg_stop_reason == "zero right-hand side"
    assert torch.equal(theta(agent), before)
    assert np.isfinite([report.entropy, report.mean_ratio, report.predicted_gain, *report.cg_residuals]).all()


def test_update_of_a_nearly_deterministic_policy_does_not_throw_it_far_away(make_agent):
    for seed in range(3):
        envs = vectorize(*[lambda: Probe(lambda o, a, last: o + a)] * 4)
        agent = make_agent(envs, seed, rollout_steps=64, max_kl=0.02, damping=0.01)
        list(agent.policy.parameters())[-1].data = torch.tensor([-5.0, 5.0])  # action 1 has all but 5e-5
        for _ in range(8):
            agent.update(agent.collect())
            assert agent.policy(torch.tensor([[1.0], [-1.0]])).abs().max() < 50


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_unit_of_the_rewards_does_not_change_the_step(env, scale, make_agent, theta):
    thetas = []
    for factor in (1.0, scale):
        agent = make_agent(env)
        for parameter in agent.critic.parameters():  # V = 0 has no unit
            torch.nn.init.zeros_(parameter)
        rollout = agent.collect()
        rollout.rewards.mul_(factor)
        assert agent.update(rollout).accepted
        thetas.append(theta(agent))
    torch.testing.assert_close(*thetas, rtol=1e-5, atol=1e-8)


def test_rollout_of_another_policy_is_warned_of(make_agent):
    agent = make_agent(max_kl=0.1)
    rollout = agent.collect()
    agent.update(rollout)
    acted = agent.policy.distribution_from(rollout.batch(rollout.outputs))
    present = agent.policy.distribution(rollout.batch(rollout.observations))
    kl, other_way_round = (kl_divergence(*pair).mean().item() for pair in ((acted, present), (present, acted)))
    assert abs(other_way_round / kl - 1) > 0.01, "or the test is no test"
    with pytest.warns(UserWarning, match=r"another policy: KL .* on-policy") as warned:
        report = agent.update(rollout)
    assert report.initial_kl > 1e-4
    assert report.initial_kl == pytest.approx(kl, rel=1e-9)
    assert warned[0].filename == __file__, "it points to whoever called update"


def test_what_prepare_leaves_in_the_batch_decides_steps_normaliser_and_explained_variance(make_agent):
    class Half(TRPO):
        def prepare(self, rollout):
            whole = super().prepare(rollout)
            half = len(whole.observations) // 2
            rows = ("observations", "actions", "advantages", "values", "returns", "outputs", "log_prob")
            cut = {name: getattr(whole, name)[:half] for name in rows}
            return dataclasses.replace(whole, **cut, old=self.policy.distribution_from(cut["outputs"]))

    agent = Half("Pendulum-v1", make_agent("Pendulum-v1").config)
    rollout = agent.collect()
    batch = agent.prepare(rollout)
    report = agent.update(rollout)
    assert report.step == agent.step == len(batch.observations) == 32
    assert agent.policy.normalizer.count == 32
    torch.testing.assert_close(agent.policy.normalizer.mean, batch.observations.mean(0))
    errors = batch.returns - batch.values
    assert report.explained_variance == pytest.approx(1 - errors.numpy().var() / batch.returns.numpy().var())


def test_normaliser_that_moves_between_acting_and_learning_is_warned_of(make_agent):
    agent = make_agent()
    agent.learn(200, progress=False)
    rollout = agent.collect()
    agent.policy.normalizer.update(5 + torch.randn(1000, 4))
    with pytest.warns(UserWarning, match="normaliser"):
        agent.update(rollout)


def test_float32_keeps_the_laws_too(make_agent, theta):
    torch.set_default_dtype(torch.float32)
    for env in ("CartPole-v1", "Pendulum-v1"):
        agent = make_agent(env).learn(10 * 64, progress=False)
        assert theta(agent).dtype == torch.float32
        assert all(abs(report.initial_kl) < 1e-5 and report.kl_ratio <= 1 for report in agent.history)
        assert all(report.accepted for report in agent.history)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 3)), min_size=10, max_size=10))
def test_of_all_trials_that_gain_inside_the_region_the_one_with_the_largest_kl_is_taken(answers):
    remaining = iter(answers)
    result = backtracking_line_search(lambda step: next(remaining), torch.ones(1), max_kl=1.0)
    inside = [kl for gain, kl in answers[: result.trials] if gain > 0 and kl <= 1]
    assert result.kl == max(inside, default=0.0)


@pytest.mark.parametrize("inflation", [0.1, 0.5, 1.1, 50.0])
def test_at_least_95_percent_of_a_quadratic_region_is_used(inflation):
    result = backtracking_line_search(lambda t: (t.item(), inflation * t.item() ** 2), torch.ones(1), max_kl=1.0)
    assert 0.95 <= result.kl <= 1
    assert result.trials == 2


def test_first_policy_is_as_near_to_uniform_as_a_gain_of_a_hundredth_makes_it(kind):
    weight = make_policy(OBSERVATIONS, ACTION_SPACES[kind]).network[-1].weight
    torch.testing.assert_close(torch.linalg.svdvals(weight), torch.full((len(weight),), 0.01))


def test_policies_made_by_hand_start_with_the_spread_of_the_settings():
    for policy in (make_policy(OBSERVATIONS, ACTION_SPACES["gaussian"]), GaussianPolicy(3, ACTION_SPACES["gaussian"])):
        assert policy.log_std.tolist() == pytest.approx([TRPOConfig().initial_log_std] * 2) == [-0.5] * 2
