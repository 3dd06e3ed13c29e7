import pytest
import torch
from torch.distributions import kl_divergence
from torch.nn.utils import parameters_to_vector

from trpo_lib import FisherVectorProduct


@pytest.fixture
def dense_hessian(distribution_at):
    """(policy, observations) -> Hessian of the mean KL in the parameters, by double differentiation."""

    def hessian(policy, observations):
        theta = parameters_to_vector(policy.parameters()).detach()
        old = policy.distribution_from(policy(observations).detach())

        def kl(theta):
            return kl_divergence(old, distribution_at(policy, theta, observations)).mean()

        return torch.autograd.functional.hessian(kl, theta)

    return hessian


def dense(product, size):
    return torch.stack([product(row) for row in torch.eye(size)])


def size_of(policy):
    return sum(parameter.numel() for parameter in policy.parameters())


@pytest.mark.parametrize("hidden_sizes", [(), (4,), (5, 3)])
def test_product_equals_the_dense_hessian_of_the_kl(kind, hidden_sizes, random_policy, observations, dense_hessian):
    policy = random_policy(kind, hidden_sizes=hidden_sizes)
    product = FisherVectorProduct(policy, observations)
    torch.testing.assert_close(dense(product, size_of(policy)), dense_hessian(policy, observations))


def test_product_equals_the_expected_outer_product_of_scores(
    kind, random_policy, observations, quadrature, distribution_at
):
    policy = random_policy(kind)
    theta = parameters_to_vector(policy.parameters()).detach()
    fisher = torch.zeros(len(theta), len(theta))
    for weight, actions in quadrature(policy, observations):
        scores = torch.autograd.functional.jacobian(
            lambda theta, actions=actions: distribution_at(policy, theta, observations).log_prob(actions), theta
        )
        fisher += torch.einsum("b,bi,bj->ij", weight, scores, scores) / len(observations)
    torch.testing.assert_close(dense(FisherVectorProduct(policy, observations), len(theta)), fisher)


def test_product_holds_with_a_normaliser_that_has_seen_data(kind, random_policy, observations, dense_hessian):
    policy = random_policy(kind)
    policy.normalizer.update(3 + 7 * torch.randn(100, 3))
    product = FisherVectorProduct(policy, observations)
    torch.testing.assert_close(dense(product, size_of(policy)), dense_hessian(policy, observations))


def test_product_is_symmetric_and_linear(kind, random_policy, observations):
    policy = random_policy(kind)
    product = FisherVectorProduct(policy, observations, damping=0.1)
    matrix = dense(product, size_of(policy))
    torch.testing.assert_close(matrix, matrix.T)
    v, w = torch.randn(2, size_of(policy))
    torch.testing.assert_close(product(2 * v - 3 * w), matrix @ (2 * v - 3 * w))


@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
def test_quadratic_form_is_never_negative_even_for_saturated_policies(kind, scale, random_policy, observations):
    policy = random_policy(kind, scale=scale)
    product = FisherVectorProduct(policy, observations)
    norms = []
    for v in torch.randn(1000, size_of(policy)):
        form, by_product = product.quadratic_form(v), v.dot(product(v)).item()
        assert 0 <= form < float("inf")
        assert by_product == pytest.approx(form, rel=1e-8, abs=1e-12)
        norms.append(form)
    if scale == 1.0:
        assert min(norms) > 0  # the law is not kept by returning zeros


def test_product_does_not_depend_on_the_order_of_the_batch(kind, random_policy, observations):
    policy, v = random_policy(kind), None
    v = torch.randn(size_of(policy))
    here = FisherVectorProduct(policy, observations)
    there = FisherVectorProduct(policy, observations[torch.randperm(len(observations))])
    torch.testing.assert_close(here(v), there(v))
    assert here.quadratic_form(v) == pytest.approx(there.quadratic_form(v), rel=1e-12)


def test_product_is_a_mean_over_states(kind, random_policy, observations):
    policy = random_policy(kind)
    v = torch.randn(size_of(policy))
    halves = [FisherVectorProduct(policy, half)(v) for half in observations.split([4, 12])]
    torch.testing.assert_close(FisherVectorProduct(policy, observations)(v), (4 * halves[0] + 12 * halves[1]) / 16)


def test_damping_adds_to_the_diagonal_of_the_product_alone(kind, random_policy, observations):
    policy = random_policy(kind)
    v = torch.randn(size_of(policy))
    plain, damped = (FisherVectorProduct(policy, observations, damping) for damping in (0.0, 0.7))
    torch.testing.assert_close(damped(v), plain(v) + 0.7 * v)
    assert damped.quadratic_form(v) == plain.quadratic_form(v)


def test_product_can_be_repeated_and_leaves_vector_policy_and_gradients_alone(kind, random_policy, observations):
    policy = random_policy(kind)
    theta = parameters_to_vector(policy.parameters()).detach().clone()
    v = torch.randn(len(theta))
    before = v.clone()
    product = FisherVectorProduct(policy, observations, damping=0.1)
    first = product(v).clone()
    product.quadratic_form(v)
    assert torch.equal(product(v), first)
    assert torch.equal(v, before)
    assert torch.equal(parameters_to_vector(policy.parameters()), theta)
    assert all(parameter.grad is None for parameter in policy.parameters())


@pytest.mark.parametrize("damping", [-1e-9, float("nan"), float("inf")])
def test_bad_damping_is_refused(damping, random_policy, observations):
    with pytest.raises(ValueError, match="damping"):
        FisherVectorProduct(random_policy("categorical"), observations, damping)


@pytest.mark.parametrize("shape", [(3,), (1, 36), ()])
def test_vector_of_another_shape_is_refused_with_the_expected_one(shape, random_policy, observations):
    policy = random_policy("categorical")
    with pytest.raises(ValueError, match=rf"\({size_of(policy)},\)"):
        FisherVectorProduct(policy, observations)(torch.zeros(shape))
