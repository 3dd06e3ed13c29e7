"""One update, against a dense natural gradient step; and every setting of it matters."""

import copy

import numpy as np
import pytest
import torch
from torch.distributions import kl_divergence
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPOConfig, generalized_advantage_estimation, standardize


@torch.no_grad()
def advantages_and_values(critic, rollout):
    values, next_values = critic(rollout.observations), critic(rollout.next_observations)
    advantages = generalized_advantage_estimation(
        rollout.rewards, values, next_values, rollout.terminated, rollout.truncated, 0.99, 0.95
    )
    return rollout.batch(advantages), rollout.batch(values)


@pytest.mark.parametrize("critic_first", [False, True])
def test_step_is_the_dense_natural_gradient_of_the_right_length(make_agent, distribution_at, theta, critic_first):
    damping, max_kl = 0.01, 1e-6
    solve = {"damping": damping, "cg_iterations": 30, "cg_tolerance": 0.0}
    agent = make_agent(hidden_sizes=(), max_kl=max_kl, rescale_step=False, critic_first=critic_first, **solve)
    before = copy.deepcopy(agent)
    rollout = agent.collect()
    agent.update(rollout)
    observations, actions = rollout.batch(rollout.observations), rollout.batch(rollout.actions)
    advantages, values = advantages_and_values(before.critic, rollout)
    targets, error = (advantages + values).numpy(), advantages.numpy()
    if critic_first:
        fitted = copy.deepcopy(agent.critic)  # the update fits it once; later only the normaliser moves
        fitted.normalizer = before.policy.normalizer
        advantages, _ = advantages_and_values(fitted, rollout)
    advantages = standardize(advantages)
    old = before.policy.distribution_from(rollout.batch(rollout.outputs))

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

    new = agent.policy.network(observations).log_softmax(-1)  # the normaliser has seen the batch by now
    ratio = (new.gather(-1, actions[:, None]).squeeze(-1) - old.log_prob(actions)).exp().detach()
    assert report.surrogate_gain == pytest.approx(((ratio - 1) * advantages).mean().item(), rel=1e-6)
    assert report.surrogate_gain == pytest.approx(report.predicted_gain, rel=0.01)  # as the step is short
    assert (report.mean_ratio, report.max_ratio) == pytest.approx((ratio.mean().item(), ratio.max().item()))
    assert report.entropy == pytest.approx(-(new.exp() * new).sum(-1).mean().item())
    assert report.explained_variance == pytest.approx(1 - np.var(error) / np.var(targets))


CHANGED = {
    "num_envs": 3, "rollout_steps": 40, "max_kl": 0.05, "gamma": 0.5, "lam": 0.3, "damping": 1.0, "cg_iterations": 2,
    "cg_tolerance": 0.5, "line_search_shrink": 0.5, "line_search_trials": 1, "rescale_step": False,
    "hidden_sizes": (4,), "activation": "relu", "initial_log_std": -1.0, "normalize_observations": False,
    "critic_first": True, "critic_epochs": 5, "critic_minibatch": 8, "critic_learning_rate": 0.1,
}  # fmt: skip


def test_every_setting_has_its_effect_tested():
    assert set(CHANGED) == set(TRPOConfig.fields())


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
