"""L and D as functions of flat parameters, held against a policy whose parameters have really been moved."""

import pytest
import torch
from torch.nn.utils import vector_to_parameters

from trpo_lib import make_envs, make_policy, mean_kl, surrogate_objective
from trpo_lib.classroom.functions import first_batch, functions_of


@pytest.fixture(params=["CartPole-v1", "Pendulum-v1"])
def case(request):
    torch.manual_seed(0)
    envs = make_envs(request.param, 1)
    policy = make_policy(envs.single_observation_space, envs.single_action_space, hidden_sizes=(5,))
    return request.param, policy


def test_functions_are_those_of_a_policy_whose_parameters_were_moved(case):
    env_id, policy = case
    observations, actions, advantages = first_batch(env_id, policy, steps=16)
    theta_old, surrogate, kl = functions_of(policy, observations, actions, advantages)
    with torch.no_grad():
        old = policy.distribution(observations)
    theta = theta_old + 0.1 * torch.randn(len(theta_old), generator=torch.Generator().manual_seed(1))
    vector_to_parameters(theta, policy.parameters())
    with torch.no_grad():
        new = policy.distribution(observations)
        due = surrogate_objective(new.log_prob(actions), old.log_prob(actions), advantages)
    assert surrogate(theta).item() == pytest.approx(due.item(), rel=1e-12)
    assert kl(theta).item() == pytest.approx(mean_kl(old, new).item(), rel=1e-12)
    assert kl(theta_old).item() == pytest.approx(0, abs=1e-14)


def test_the_first_batch_is_the_same_whenever_it_is_collected(case):
    env_id, policy = case
    once, again = first_batch(env_id, policy, steps=8), first_batch(env_id, policy, steps=8)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    advantages = once[2]
    assert advantages.mean().item() == pytest.approx(0, abs=1e-12)
    assert len(advantages) == 8 * 8
