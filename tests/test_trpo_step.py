"""One update, against a dense natural gradient step; and every setting of it matters."""

import copy

import numpy as np
import pytest
import torch
from torch.distributions import kl_divergence
from torch.nn.utils import parameters_to_vector

from trpo_lib import Rollout, standardize
from trpo_lib.extensions.v_trace import v_trace_advantages
from trpo_lib.training.train import SETTINGS


def one_after_the_other(rollouts):
    columns = {
        name: torch.cat([getattr(r, name) for r in rollouts]) for name in Rollout.__annotations__ if name != "episodes"
    }
    return Rollout(**columns, episodes=[])


@torch.no_grad()
def advantages_and_values(critic, rollout, trust):
    values, next_values = critic(rollout.observations), critic(rollout.next_observations)
    advantages = v_trace_advantages(
        rollout.rewards, values, next_values, rollout.terminated, rollout.truncated, 0.99, 0.95, trust
    )
    return rollout.batch(advantages), rollout.batch(values)


@torch.no_grad()
def ratio_to_the_policy_that_acted(policy, rollout):
    now = policy(rollout.observations.flatten(0, 1)).log_softmax(-1)
    then, actions = rollout.outputs.flatten(0, 1).log_softmax(-1), rollout.actions.flatten()[:, None]
    return (now - then).gather(-1, actions).exp().view_as(rollout.rewards)


@pytest.mark.parametrize("past_rollouts", [0, 2])
@pytest.mark.parametrize("critic_first", [False, True])
def test_step_is_the_dense_natural_gradient_of_the_right_length(
    make_agent, distribution_at, theta, critic_first, past_rollouts
):
    damping, max_kl = 0.01, 1e-6
    solve = {"damping": damping, "cg_iterations": 30, "cg_tolerance": 0.0}
    order = {"critic_first": critic_first, "past_rollouts": past_rollouts}
    agent = make_agent(hidden_sizes=(), max_kl=max_kl, rescale_step=False, **order, **solve)
    rollouts = []
    for _ in range(past_rollouts + 1):  # one more than it may remember
        rollouts.insert(0, agent.collect())
        agent.update(rollouts[0])
        for parameter in agent.policy.parameters():  # far enough for ratios on both sides of 1
            parameter.data += 0.3 * torch.randn_like(parameter)
    before = copy.deepcopy(agent)
    rollouts = [agent.collect(), *rollouts[:past_rollouts]]
    agent.update(rollouts[0])

    long, fresh = one_after_the_other(rollouts[::-1]), rollouts[0].valid.sum()
    observations, actions = long.batch(long.observations), long.batch(long.actions)
    trust = ratio_to_the_policy_that_acted(before.policy, long).clamp(max=1)
    error, values = advantages, _ = advantages_and_values(before.critic, long, trust)
    if critic_first:
        fitted = copy.deepcopy(agent.critic)  # the update fits it once; later only the normaliser moves
        fitted.normalizer = before.policy.normalizer
        advantages, _ = advantages_and_values(fitted, long, trust)
    advantages = long.batch(trust) * standardize(advantages)
    old = before.policy.distribution(observations)
    old = type(old)(logits=old.logits.detach())

    scores = torch.autograd.functional.jacobian(
        lambda theta: distribution_at(before.policy, theta, observations).log_prob(actions), theta(before)
    )
    fisher = torch.autograd.functional.hessian(
        lambda theta: kl_divergence(old, distribution_at(before.policy, theta, observations)).mean(), theta(before)
    )
    gradient = (advantages[:, None] * scores).mean(0)
    natural = torch.linalg.solve(fisher + damping * torch.eye(len(gradient)), gradient)
    step = (2 * max_kl / (natural @ fisher @ natural)).sqrt() * natural
    report = agent.history[-1]
    assert report.accepted
    torch.testing.assert_close(theta(agent) - theta(before), report.fraction * step, rtol=1e-5, atol=1e-9)
    assert report.predicted_gain == pytest.approx((report.fraction * gradient @ step).item(), rel=1e-6)
    assert report.gradient_norm == pytest.approx(gradient.norm().item())
    image = fisher @ gradient + damping * gradient  # the first iteration goes along the gradient
    residual = gradient - gradient.square().sum() / (gradient @ image) * image
    assert report.cg_residuals[:2] == pytest.approx((1, (residual.norm() / gradient.norm()).item()))

    new = distribution_at(before.policy, theta(agent), observations)  # the normaliser has seen the batch by now
    ratio = (new.log_prob(actions) - old.log_prob(actions)).exp().detach()
    assert report.surrogate_gain == pytest.approx(((ratio - 1) * advantages).mean().item(), rel=1e-6)
    assert report.surrogate_gain == pytest.approx(report.predicted_gain, rel=0.01)  # as the step is short
    assert (report.mean_ratio, report.max_ratio) == pytest.approx((ratio.mean().item(), ratio.max().item()))
    assert report.entropy == pytest.approx(new.entropy().mean().item())
    assert report.explained_variance == pytest.approx(
        1 - np.var(error[-fresh:].numpy()) / np.var((error + values)[-fresh:].numpy())
    )
    assert report.step - before.step == rollouts[0].valid.sum()
    assert agent.policy.normalizer.count == report.step


def test_predicted_gain_is_that_of_the_step_taken(make_agent):
    agent = make_agent(max_kl=1e-6, fisher_fraction=0.05, critic_epochs=0)  # few states misjudge the step's length
    report = agent.update(agent.collect())
    assert abs(report.fraction - 1) > 0.1, "or the test is no test"
    assert report.surrogate_gain == pytest.approx(report.predicted_gain, rel=0.01)  # as the step is short


CHANGED = {
    "num_envs": 3, "rollout_steps": 40, "max_kl": 0.05, "gamma": 0.5, "lam": 0.3, "damping": 1.0, "cg_iterations": 2,
    "cg_tolerance": 0.5, "fisher_fraction": 0.5, "line_search_shrink": 0.5, "line_search_trials": 1,
    "rescale_step": False, "hidden_sizes": (4,), "activation": "relu", "initial_log_std": -1.0,
    "normalize_observations": False, "critic_first": True, "past_rollouts": 1, "critic_epochs": 5,
    "critic_minibatch": 8, "critic_learning_rate": 0.1,
}  # fmt: skip


def test_every_setting_has_its_effect_tested():
    assert set(CHANGED) == set(SETTINGS)


@pytest.mark.parametrize("name", CHANGED)
def test_every_setting_makes_a_difference(name, make_agent):
    base = {"rescale_step": False, "max_kl": 20.0} if name == "line_search_shrink" else {}
    networks = []
    for settings in (base, {**base, name: CHANGED[name]}):
        agent = make_agent("Pendulum-v1", **settings)
        for _ in range(3):
            agent.update(agent.collect())
        networks.append(parameters_to_vector([*agent.policy.parameters(), *agent.critic.parameters()]).tolist())
    assert networks[0] != networks[1]
