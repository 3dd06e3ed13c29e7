"""The agents that exist to be compared with: plain policy gradient and textbook TRPO."""

import gymnasium as gym
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from trpo_lib import CategoricalPolicy, TRPOConfig, mean_kl
from trpo_lib.classroom import textbook
from trpo_lib.classroom.policy_gradient import PolicyGradient

SMALL = TRPOConfig(num_envs=2, rollout_steps=32, hidden_sizes=(8,))


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_policy_gradient_steps_by_its_rate_times_the_gradient(rate):
    agent = PolicyGradient("CartPole-v1", SMALL, learning_rate=rate)
    before = parameters_to_vector(agent.policy.parameters()).detach().clone()
    rollout = agent.collect()
    batch = agent.prepare(rollout)
    log_prob = agent.policy.distribution(batch.observations).log_prob(batch.actions)
    score = torch.autograd.grad((log_prob * batch.advantages).mean(), list(agent.policy.parameters()))
    agent.update(rollout)
    after = parameters_to_vector(agent.policy.parameters()).detach()
    torch.testing.assert_close(after - before, rate * parameters_to_vector(score))


def test_policy_gradient_reports_the_kl_that_it_made():
    agent = PolicyGradient("CartPole-v1", SMALL, learning_rate=5.0)
    rollout = agent.collect()
    old = agent.policy.distribution_from(rollout.batch(rollout.outputs))
    observations = rollout.batch(rollout.observations)
    agent.policy.normalizer.update = lambda _: None  # keep the policy as the step left it
    report = agent.update(rollout)
    assert report.kl == pytest.approx(mean_kl(old, agent.policy.distribution(observations)).item())
    assert report.kl > SMALL.max_kl


@pytest.fixture
def trajectory():
    torch.manual_seed(0)
    env = gym.make("CartPole-v1", max_episode_steps=200)
    policy = CategoricalPolicy(4, env.action_space, hidden_sizes=(16,), activation="relu", output_gain=1.0)
    return policy, textbook.run_episode(env, policy, seed=0)


def test_textbook_episode_ends_once_and_each_step_begins_where_the_last_one_ended(trajectory):
    _, episode = trajectory
    assert episode.done.tolist() == [False] * (len(episode.done) - 1) + [True]
    assert torch.equal(episode.observations[1:], episode.next_observations[:-1])
    assert (episode.rewards == 1).all()


@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_textbook_step_stays_inside_the_trust_region_and_gains(trajectory, damping):
    policy, episode = trajectory
    old = policy.distribution(episode.observations)
    advantages = torch.randn(len(episode.rewards))
    search = textbook.improve_policy(policy, episode, advantages, max_kl=5e-4, damping=damping)
    assert search.accepted
    assert search.gain > 0
    kl = mean_kl(old, policy.distribution(episode.observations)).item()
    assert kl == pytest.approx(search.kl, rel=1e-6)
    assert kl <= 5e-4


def test_textbook_step_without_advantages_changes_nothing(trajectory):
    policy, episode = trajectory
    before = parameters_to_vector(policy.parameters()).detach().clone()
    assert not textbook.improve_policy(
        policy, episode, torch.zeros_like(episode.rewards), max_kl=1.0, damping=0
    ).accepted
    assert torch.equal(parameters_to_vector(policy.parameters()), before)
