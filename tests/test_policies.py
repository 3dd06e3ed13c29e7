import pytest
import torch
from conftest import ACTION_SPACES, OBSERVATIONS
from gymnasium import spaces
from torch.nn.utils import parameters_to_vector

from trpo_lib import (
    BernoulliPolicy,
    CategoricalPolicy,
    GaussianPolicy,
    MultiCategoricalPolicy,
    make_policy,
)

WIDTH = {"categorical": 4, "gaussian": 4, "multi_categorical": 9, "bernoulli": 3}
SHAPE = {"categorical": (), "gaussian": (2,), "multi_categorical": (3,), "bernoulli": (3,)}


def test_every_action_space_has_its_policy(kind):
    expected = {
        "categorical": CategoricalPolicy,
        "gaussian": GaussianPolicy,
        "multi_categorical": MultiCategoricalPolicy,
        "bernoulli": BernoulliPolicy,
    }
    assert type(make_policy(OBSERVATIONS, ACTION_SPACES[kind])) is expected[kind]


def test_shapes_are_as_promised(kind, random_policy, observations):
    policy = random_policy(kind)
    outputs = policy(observations)
    assert outputs.shape == (16, WIDTH[kind])
    distribution = policy.distribution(observations)
    actions = policy.sample(outputs)
    assert distribution.batch_shape == (16,)
    assert actions.shape == policy.mode(outputs).shape == (16, *SHAPE[kind])
    assert distribution.log_prob(actions).shape == distribution.entropy().shape == (16,)


def test_probabilities_sum_to_one(kind, random_policy, observations, quadrature):
    total = sum(weight for weight, _ in quadrature(random_policy(kind), observations))
    torch.testing.assert_close(total, torch.ones(16))


def test_entropy_is_minus_the_expected_log_probability(kind, random_policy, observations, quadrature):
    policy = random_policy(kind)
    distribution = policy.distribution(observations)
    expected = -sum(weight * distribution.log_prob(a) for weight, a in quadrature(policy, observations))
    torch.testing.assert_close(distribution.entropy(), expected)


def test_samples_have_the_distributions_mean(kind, random_policy, quadrature):
    policy, state = random_policy(kind), torch.randn(1, 3)
    samples = policy.sample(policy(state).detach().expand(50_000, -1)).double()
    mean = sum(weight * actions.double().view(1, -1) for weight, actions in quadrature(policy, state)).squeeze(0)
    torch.testing.assert_close(samples.view(50_000, -1).mean(0), mean, rtol=0, atol=0.03)


def test_samples_come_from_the_generator_and_leave_the_global_one_alone(kind, random_policy, observations):
    policy, before = random_policy(kind), torch.get_rng_state()
    draws = [policy.sample(policy(observations).detach(), torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(*draws)
    assert torch.equal(torch.get_rng_state(), before)


def test_mode_is_the_most_likely_action(kind, random_policy, observations, quadrature):
    policy = random_policy(kind)
    distribution = policy.distribution(observations)
    best = distribution.log_prob(policy.mode(policy(observations)))
    for _, actions in quadrature(policy, observations):
        assert (best >= distribution.log_prob(actions) - 1e-12).all()


def test_outputs_at_other_parameters_are_those_of_a_policy_that_has_them(kind, random_policy, observations):
    here, there = random_policy(kind, seed=1), random_policy(kind, seed=2)
    before, theta = here(observations), parameters_to_vector(there.parameters())
    assert torch.equal(here.outputs_at(theta, observations), there(observations))
    assert torch.equal(here(observations), before)


def test_whiten_is_linear_and_its_square_is_the_hessian_of_the_kl(kind, random_policy, observations):
    policy = random_policy(kind)
    z = policy(observations).detach()[:4]
    d, e = torch.randn(2, *z.shape)
    torch.testing.assert_close(policy.whiten(z, 2 * d - 3 * e), 2 * policy.whiten(z, d) - 3 * policy.whiten(z, e))
    for row, direction in zip(z, d, strict=True):
        old = policy.distribution_from(row[None])

        def kl(z, old=old):
            return torch.distributions.kl_divergence(old, policy.distribution_from(z[None])).sum()

        hessian = torch.autograd.functional.hessian(kl, row)
        square = policy.whiten(row[None], direction[None]).square().sum()
        assert square.item() == pytest.approx((direction @ hessian @ direction).item(), rel=1e-8)


@pytest.mark.parametrize("scale", [100.0, 1e4])
def test_saturated_policies_stay_finite(kind, scale, random_policy, observations):
    policy = random_policy(kind, scale=scale)
    outputs = policy(observations).detach()
    distribution = policy.distribution(observations)
    actions = policy.sample(outputs)
    assert torch.isfinite(distribution.log_prob(actions)).all()
    assert torch.isfinite(distribution.entropy()).all()
    assert torch.isfinite(policy.whiten(outputs, torch.randn_like(outputs))).all()


def test_fresh_policy_is_nearly_uniform_or_centred(kind, observations):
    policy = make_policy(OBSERVATIONS, ACTION_SPACES[kind], initial_log_std=-0.3)
    outputs = policy(observations)
    if kind == "gaussian":
        assert outputs[:, :2].abs().max() < 0.1
        torch.testing.assert_close(outputs[:, 2:], torch.full((16, 2), -0.3))
    else:
        assert outputs.abs().max() < 0.1


def test_outputs_that_are_nan_give_nan_and_no_error(kind, random_policy, observations):
    policy = random_policy(kind)  # the line search answers with a shorter step
    outputs = policy(observations).detach()
    lost = policy.distribution_from(torch.full_like(outputs, float("nan")))
    assert lost.log_prob(policy.sample(outputs)).isnan().all()


@pytest.mark.parametrize("dimensions", [1, 3, 6])
def test_gaussian_outputs_are_all_means_and_then_all_log_standard_deviations(dimensions):
    policy = make_policy(OBSERVATIONS, spaces.Box(-1, 1, (dimensions,)))
    mean, log_std, d_mean, d_log_std = torch.randn(4, 5, dimensions)
    outputs, directions = torch.cat([mean, log_std], -1), torch.cat([d_mean, d_log_std], -1)
    expected = torch.distributions.MultivariateNormal(mean, scale_tril=log_std.exp().diag_embed())
    actions = torch.randn(5, dimensions)
    torch.testing.assert_close(policy.distribution_from(outputs).log_prob(actions), expected.log_prob(actions))
    whitened = torch.cat([d_mean / log_std.exp(), 2**0.5 * d_log_std], -1)
    torch.testing.assert_close(policy.whiten(outputs, directions), whitened)


def test_gaussian_samples_are_those_of_torch_normal():
    policy, outputs = make_policy(OBSERVATIONS, spaces.Box(-1, 1, (3,))), torch.randn(20, 6)
    mean, log_std = outputs.chunk(2, dim=-1)
    expected = torch.normal(mean, log_std.exp(), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(policy.sample(outputs, torch.Generator().manual_seed(3)), expected)
