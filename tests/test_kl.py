import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Independent, Normal, kl_divergence

from trpo_lib import mean_kl


@pytest.fixture
def pair(kind, random_policy, observations):
    old, new = random_policy(kind, seed=1), random_policy(kind, seed=2)
    return old, old.distribution(observations), new.distribution(observations)


def test_kl_is_the_expectation_under_the_old_policy(pair, observations, quadrature):
    policy, old, new = pair
    expectation = sum(
        (weight * (old.log_prob(actions) - new.log_prob(actions))).mean()
        for weight, actions in quadrature(policy, observations)
    )
    assert mean_kl(old, new).item() == pytest.approx(expectation.item(), rel=1e-10)


def test_kl_equals_monte_carlo_in_one_direction_only(pair):
    _, old, new = pair
    actions = old.sample((20_000,))
    samples = (old.log_prob(actions) - new.log_prob(actions)).mean(-1)  # mean over states
    error = 5 * samples.std() / len(samples) ** 0.5
    assert abs(samples.mean() - mean_kl(old, new)) < error
    assert abs(samples.mean() - mean_kl(new, old)) > error


def test_kl_is_the_sum_over_action_dimensions():
    means, stds = torch.randn(2, 16, 6), torch.rand(2, 16, 6) + 0.5
    old, new = (Normal(mean, std) for mean, std in zip(means, stds, strict=True))
    total = sum(  # the closed form of one dimension, added up
        torch.log(stds[1, :, i] / stds[0, :, i])
        + (stds[0, :, i] ** 2 + (means[0, :, i] - means[1, :, i]) ** 2) / (2 * stds[1, :, i] ** 2)
        - 0.5
        for i in range(6)
    )
    torch.testing.assert_close(mean_kl(Independent(old, 1), Independent(new, 1)), total.mean())


REPEATED = {  # n copies of one action dimension
    "normal": lambda z, n: Independent(Normal(z[..., 0].repeat(1, n), 1.0), 1),
    "categorical": lambda z, n: Independent(Categorical(logits=z.repeat(1, n, 1)), 1),
    "bernoulli": lambda z, n: Independent(Bernoulli(logits=z[..., 0].repeat(1, n)), 1),
}


@pytest.mark.parametrize("copies", [2, 5])
@pytest.mark.parametrize("family", REPEATED)
def test_repeating_an_action_dimension_multiplies_the_kl(family, copies):
    make, (a, b) = REPEATED[family], torch.randn(2, 16, 1, 3)
    torch.testing.assert_close(mean_kl(make(a, copies), make(b, copies)), copies * mean_kl(make(a, 1), make(b, 1)))


def test_every_policy_sums_over_its_own_dimensions(pair):
    _, old, new = pair
    if isinstance(old, Independent):
        parts = kl_divergence(old.base_dist, new.base_dist)
        assert parts.shape == (16, *old.event_shape)
        torch.testing.assert_close(mean_kl(old, new), parts.sum(-1).mean())
    else:
        probabilities = old.probs * (old.probs.log() - new.probs.log())
        torch.testing.assert_close(mean_kl(old, new), probabilities.sum(-1).mean())


def test_kl_of_a_policy_from_itself_is_zero_and_positive_otherwise(pair):
    _, old, new = pair
    assert mean_kl(old, old).item() == pytest.approx(0, abs=1e-14)
    assert mean_kl(old, new) > 0


def test_gradient_of_the_kl_vanishes_at_the_old_policy(kind, random_policy, observations):
    policy = random_policy(kind)
    old = policy.distribution_from(policy(observations).detach())
    kl = mean_kl(old, policy.distribution(observations))
    for gradient in torch.autograd.grad(kl, list(policy.parameters())):
        assert gradient.abs().max() < 1e-14


def test_distribution_without_summed_dimensions_is_refused_with_advice():
    unsummed = Normal(torch.zeros(16, 2), torch.ones(16, 2))
    with pytest.raises(ValueError, match=r"batch shape \(B,\).*Independent"):
        mean_kl(unsummed, unsummed)


def test_different_batches_are_refused():
    with pytest.raises(ValueError, match="batch shape"):
        mean_kl(Categorical(logits=torch.zeros(4, 2)), Categorical(logits=torch.zeros(5, 2)))


def test_what_is_no_distribution_is_refused():
    with pytest.raises(TypeError, match=r"old must be a torch Distribution, got tensor"):
        mean_kl(torch.ones(3), torch.ones(3))
