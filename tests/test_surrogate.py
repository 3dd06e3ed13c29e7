import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import parameters_to_vector

from trpo_lib import importance_ratio, surrogate_objective


def test_ratio_is_the_quotient_of_probabilities():
    p_new, p_old = torch.rand(50), torch.rand(50)
    torch.testing.assert_close(importance_ratio(p_new.log(), p_old.log()), p_new / p_old)


def test_ratio_has_mean_one_under_the_old_policy():
    p_new, p_old = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.6, 0.3, 0.1])
    assert (p_old * importance_ratio(p_new.log(), p_old.log())).sum() == pytest.approx(1, abs=1e-14)


def test_surrogate_is_the_exact_expectation_under_the_new_policy():
    p_new, p_old = torch.tensor([0.25, 0.5, 0.25]), torch.tensor([0.5, 0.25, 0.25])
    advantages = torch.tensor([1.0, -2.0, 5.0])
    actions = torch.tensor([0, 0, 1, 2])  # in the proportions of p_old
    surrogate = surrogate_objective(p_new.log()[actions], p_old.log()[actions], advantages[actions])
    assert surrogate.item() == pytest.approx((p_new @ advantages).item(), abs=1e-14)


@given(st.lists(st.tuples(st.floats(-5, 0), st.floats(-5, 0), st.floats(-100, 100)), min_size=1, max_size=30))
def test_surrogate_equals_numpy(rows):
    new, old, advantages = map(np.array, zip(*rows, strict=True))
    expected = np.mean(np.exp(new) / np.exp(old) * advantages)
    got = surrogate_objective(*map(torch.tensor, (new, old, advantages)))
    assert got.item() == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_gradient_at_the_old_policy_is_the_policy_gradient(kind, random_policy, observations):
    policy = random_policy(kind)
    actions = policy.sample(policy(observations)).detach()
    advantages = torch.randn(len(observations))
    log_prob = policy.distribution(observations).log_prob(actions)
    surrogate = surrogate_objective(log_prob, log_prob.detach(), advantages)
    parameters = list(policy.parameters())
    gradient = parameters_to_vector(torch.autograd.grad(surrogate, parameters, retain_graph=True))
    policy_gradient = torch.stack(
        [
            a * parameters_to_vector(torch.autograd.grad(row, parameters, retain_graph=True))
            for a, row in zip(advantages, log_prob, strict=True)
        ]
    ).mean(0)
    torch.testing.assert_close(gradient, policy_gradient)


def test_gradient_equals_finite_differences(kind, random_policy, distribution_at, observations):
    policy = random_policy(kind)
    actions = policy.sample(policy(observations)).detach()
    advantages = torch.randn(len(observations))
    old = policy.distribution(observations).log_prob(actions).detach()
    theta = parameters_to_vector(policy.parameters()).detach()
    theta = (theta + 0.1 * torch.randn_like(theta)).requires_grad_()  # away from the old policy

    def surrogate(theta):
        return surrogate_objective(distribution_at(policy, theta, observations).log_prob(actions), old, advantages)

    assert torch.autograd.gradcheck(surrogate, theta)


def test_no_gradient_flows_through_the_old_policy_or_the_advantages_unasked():
    log_prob = torch.zeros(3, requires_grad=True)
    surrogate_objective(log_prob, log_prob.detach(), torch.tensor([1.0, 2.0, 3.0])).backward()
    torch.testing.assert_close(log_prob.grad, torch.tensor([1.0, 2.0, 3.0]) / 3)


@pytest.mark.parametrize(
    ("shapes", "name"),
    [
        (((3,), (3, 1), (3,)), "log_prob_old"),
        (((3,), (3,), (3, 1)), "advantages"),
        (((3, 2), (3, 2), (3,)), "advantages"),
    ],
)
def test_shapes_that_would_broadcast_are_refused(shapes, name):
    with pytest.raises(ValueError, match=rf"{name}.*broadcasting"):
        surrogate_objective(*map(torch.zeros, shapes))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_advantages_that_are_not_finite_are_refused_with_their_index(bad):
    with pytest.raises(ValueError, match=r"advantages must be finite.*index \(2,\)"):
        surrogate_objective(torch.zeros(4), torch.zeros(4), torch.tensor([0.0, 0.0, bad, 0.0]))


def test_empty_batch_is_refused():
    with pytest.raises(ValueError, match="empty batch"):
        surrogate_objective(torch.zeros(0), torch.zeros(0), torch.zeros(0))
