"""Each habit of the textbook changes what it names in `TRPO`, and nothing else."""

import dataclasses

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPO, standardize, td_errors
from trpo_lib.classroom import habits, museum
from trpo_lib.classroom.habits import agent_with

SMALL = dataclasses.replace(museum.SMALL, rollout_steps=32, hidden_sizes=(8,), critic_epochs=2)


def pair(habit, env="CartPole-v1", **settings):
    """A complete agent and one with a habit, from the same start."""
    config = dataclasses.replace(SMALL, **settings)
    return TRPO(env, config), agent_with(habit)(env, config)


def prepared(agent):
    rollout = agent.collect()
    return rollout, agent.prepare(rollout)


def changed_fields(ours, theirs):
    names = ("observations", "actions", "advantages", "values", "returns", "log_prob")
    return {name for name in names if not torch.equal(getattr(ours, name), getattr(theirs, name))}


def test_raw_advantages_are_those_that_are_standardised_otherwise():
    complete, agent = pair(habits.RawAdvantages)
    (_, theirs), (_, ours) = prepared(complete), prepared(agent)
    assert changed_fields(ours, theirs) == {"advantages"}
    torch.testing.assert_close(standardize(ours.advantages), theirs.advantages)


@pytest.mark.parametrize("death", [False, True])
def test_one_step_targets_are_the_values_and_td_errors(death):
    kinds = (habits.OneStepTargets, habits.TimeLimitIsDeath) if death else (habits.OneStepTargets,)
    agent = agent_with(*kinds)("Pendulum-v1", dataclasses.replace(SMALL, rollout_steps=210))
    rollout, batch = prepared(agent)
    assert rollout.truncated.any()
    with torch.no_grad():
        values, reached = agent.critic(rollout.observations), agent.critic(rollout.next_observations)
    ends = rollout.terminated | rollout.truncated if death else rollout.terminated
    errors = td_errors(rollout.rewards, values, reached, ends, agent.config.gamma)
    torch.testing.assert_close(batch.returns, rollout.batch(values + errors))


def test_plain_critic_is_its_network():
    complete, agent = pair(habits.PlainCritic)
    assert torch.equal(*(parameters_to_vector(one.policy.parameters()) for one in (complete, agent)))
    _, batch = prepared(agent)
    assert agent.critic.normalizer is agent.policy.normalizer
    for _ in range(2):
        agent.fit_critic(batch)
        network = agent.critic.network(agent.critic.normalizer(batch.observations)).squeeze(-1)
        torch.testing.assert_close(agent.critic(batch.observations), network)
    error = (batch.returns - agent.critic(batch.observations)).square().mean()
    assert error < (batch.returns - batch.values).square().mean(), "it is fitted"


def test_large_last_layer_is_a_hundred_times_as_large():
    complete, agent = pair(habits.LargeLastLayer)
    weights = [one.policy.network[-1].weight for one in (complete, agent)]
    torch.testing.assert_close(100 * weights[0], weights[1])
    assert torch.linalg.matrix_norm(weights[1], 2).item() == pytest.approx(1.0), "gain 1"
    assert torch.equal(complete.policy.network[0].weight, agent.policy.network[0].weight)


def test_softplus_policy_has_its_width_from_the_state_and_shares_its_normaliser():
    _, agent = pair(habits.SoftplusPolicy, "Pendulum-v1")
    assert isinstance(agent.policy, habits.SoftplusGaussianPolicy)
    assert agent.critic.normalizer is agent.policy.normalizer
    for _ in range(2):
        agent.update(agent.collect())
    widths = agent.policy(torch.randn(64, 3)).chunk(2, dim=-1)[1]
    assert widths.std() > 0


def test_several_habits_act_together_and_none_is_trpo():
    everything = agent_with(*habits.HABITS)
    assert set(habits.HABITS) < set(everything.__mro__)
    agent = everything("Pendulum-v1", SMALL)
    agent.update(agent.collect())
    plain, complete = agent_with()("CartPole-v1", SMALL), TRPO("CartPole-v1", SMALL)
    for each in (plain, complete):
        each.update(each.collect())
    assert repr(plain.history) == repr(complete.history)
    with pytest.raises(ValueError, match="habits must be among"):
        agent_with(TRPO)
