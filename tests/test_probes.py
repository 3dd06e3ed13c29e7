"""Environments in which the right value, or the right action, is known: a wrong agent fails a particular one."""

import numpy as np
import pytest
import torch
from environments import Probe, vectorize
from gymnasium import spaces


@pytest.fixture
def trained(make_agent):
    """(reward, updates, gamma, lam, cls, **probe) -> an agent after a few updates on that probe."""

    def train(reward, *, updates=12, gamma=0.9, lam=0.95, cls=Probe, **probe):
        envs = vectorize(*[lambda: cls(reward, **probe)] * 4)
        settings = {"rollout_steps": 64, "hidden_sizes": (16,), "critic_epochs": 10, "critic_learning_rate": 1e-2}
        agent = make_agent(envs, gamma=gamma, lam=lam, max_kl=0.1, damping=0.01, **settings)
        for _ in range(updates):
            agent.update(agent.collect())
        return agent

    return train


def values(agent, *observations):
    return agent.critic(torch.tensor(observations, dtype=torch.float64)[:, None]).tolist()


def act(agent, observation):
    return agent.act(np.array([observation]), deterministic=True)


def test_critic_finds_a_constant_reward(trained):
    assert values(trained(lambda o, a, last: 1.0), -1.0, 1.0) == pytest.approx([1, 1], abs=0.05)


def test_critic_finds_a_reward_that_depends_on_the_observation(trained):
    assert values(trained(lambda o, a, last: o), -1.0, 1.0) == pytest.approx([-1, 1], abs=0.05)


def test_critic_discounts_a_reward_that_comes_a_step_later(trained):
    agent = trained(lambda o, a, last: last, length=2, tell_time=True, gamma=0.5)
    assert values(agent, 0.0, 1.0) == pytest.approx([0.5, 1], abs=0.05)


def test_policy_finds_the_action_that_pays_and_the_critic_its_value(trained):
    agent = trained(lambda o, a, last: a, updates=25)
    assert [act(agent, o) for o in (-1.0, 1.0)] == [1, 1]
    assert values(agent, -1.0, 1.0) == pytest.approx([1, 1], abs=0.1)


def test_policy_finds_the_action_that_fits_the_observation(trained):
    agent = trained(lambda o, a, last: float((o > 0) == (a == 1)), updates=25)
    assert [act(agent, o) for o in (-1.0, 1.0)] == [0, 1]
    assert values(agent, -1.0, 1.0) == pytest.approx([1, 1], abs=0.1)


class Patient(Probe):
    """Action 1 costs 0.5 in the first step and pays 1 in the second."""

    def step(self, action):
        first = self.time == 0
        self.invested = action == 1 if first else self.invested
        observation, _, *rest = super().step(action)
        return observation, self.invested * (-0.5 if first else 1.0), *rest


@pytest.mark.parametrize(("gamma", "choice"), [(0.9, 1), (0.3, 0)])
def test_policy_takes_a_loss_for_a_later_gain_exactly_when_the_discount_makes_it_worth_it(gamma, choice, trained):
    agent = trained(lambda *_: 0.0, cls=Patient, updates=12, gamma=gamma, length=2, tell_time=True)
    assert act(agent, 0.0) == choice


@pytest.mark.parametrize(("truncate", "expected"), [(True, 1 / (1 - 0.8)), (False, (1 + 1.8 + 2.44) / 3)])
def test_time_limit_keeps_the_future_and_a_terminal_state_ends_it(truncate, expected, trained):
    """Three steps of reward 1, and nothing tells the time: Σ_t γ^t for ever, or the mean of what is left."""
    agent = trained(lambda o, a, last: 1.0, length=3, truncate=truncate, gamma=0.8, lam=1.0, updates=40)
    assert values(agent, -1.0, 1.0) == pytest.approx([expected] * 2, abs=0.1)


def test_gaussian_policy_finds_its_targets_in_every_dimension(trained):
    target = np.array([1.0, -3.0, 0.5])
    agent = trained(lambda o, a, last: -np.square(a - target * o).sum(), actions=spaces.Box(-4, 4, (3,)), updates=60)
    for sign in (-1.0, 1.0):
        np.testing.assert_allclose(act(agent, sign), sign * target, atol=0.4)


@pytest.mark.parametrize(
    ("space", "best"),
    [(spaces.MultiDiscrete([2, 3, 4], start=[0, 1, -2]), [1, 1, 0]), (spaces.MultiBinary(3), [1, 0, 1])],
)
def test_policies_over_several_choices_find_each_of_them(space, best, trained):
    agent = trained(lambda o, a, last: float((a == np.array(best)).sum()), actions=space, updates=10)
    assert act(agent, 1.0).tolist() == act(agent, -1.0).tolist() == best
