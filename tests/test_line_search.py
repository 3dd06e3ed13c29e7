import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import kl_divergence
from torch.nn.utils import parameters_to_vector

from trpo_lib import (
    FisherVectorProduct,
    backtracking_line_search,
    conjugate_gradient,
    surrogate_objective,
    trust_region_step,
)


def model(gain=lambda t: t, kl=lambda t: t**2):
    """`evaluate` for a step (t,), and the list of t it was asked for."""
    asked = []

    def evaluate(step):
        asked.append(step.item())
        return gain(step.item()), kl(step.item())

    return evaluate, asked


ONE = torch.ones(1)


@pytest.mark.parametrize(("max_kl", "power"), [(1.0, 0), (0.7, 1), (0.3, 3), (0.15, 5)])
def test_without_rescaling_it_finds_the_smallest_exponent_that_satisfies_both(max_kl, power):
    evaluate, asked = model()
    result = backtracking_line_search(evaluate, ONE, max_kl=max_kl, shrink=0.8, rescale=False)
    assert result.accepted
    assert result.fraction == pytest.approx(0.8**power)
    assert asked == pytest.approx([0.8**i for i in range(power + 1)])
    assert result.trials == len(asked)


def test_step_that_gains_nothing_is_shortened_until_it_gains():
    evaluate, _ = model(gain=lambda t: t * (0.3 - t), kl=lambda t: 1e-3 * t**2)
    result = backtracking_line_search(evaluate, ONE, max_kl=1.0, shrink=0.5, rescale=False)
    assert result.fraction == 0.25
    assert result.gain == pytest.approx(0.25 * 0.05)


@pytest.mark.parametrize("inflation", [0.2, 0.5, 1.0, 3.0, 50.0])
def test_rescaling_lands_near_the_boundary_of_a_quadratic_region(inflation):
    evaluate, asked = model(kl=lambda t: inflation * t**2)
    result = backtracking_line_search(evaluate, ONE, max_kl=1.0)
    assert result.accepted
    assert 0.8 <= result.kl <= 1.0
    assert len(asked) <= 3


@given(st.floats(0.01, 100), st.floats(0.5, 4), st.floats(1e-6, 1), st.booleans(), st.floats(-1, 1))
def test_accepted_step_was_evaluated_gains_and_stays_inside(inflation, exponent, max_kl, rescale, slope):
    evaluate, asked = model(gain=lambda t: slope * t - t**3, kl=lambda t: inflation * t**exponent)
    result = backtracking_line_search(evaluate, ONE, max_kl=max_kl, rescale=rescale)
    assert result.trials == len(asked) <= 10
    if result.accepted:
        assert result.fraction in asked
        assert result.gain == slope * result.fraction - result.fraction**3 > 0
        assert result.kl == inflation * result.fraction**exponent <= max_kl
    else:
        assert (result.fraction, result.gain, result.kl) == (0.0, 0.0, 0.0)
        assert not any(slope * t - t**3 > 0 and inflation * t**exponent <= max_kl for t in asked)


@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize(
    "answer", [(-1.0, 0.0), (0.0, 0.0), (1.0, math.inf), (1.0, math.nan), (math.nan, 0.0), (1.0, 10.0), (-1.0, 10.0)]
)
def test_nothing_is_accepted_when_no_trial_both_gains_and_stays_inside(answer, rescale):
    calls = []
    result = backtracking_line_search(
        lambda step: calls.append(step) or answer, ONE, max_kl=0.1, max_trials=7, rescale=rescale
    )
    assert not result.accepted
    assert result.trials == len(calls) <= 7
    assert (result.fraction, result.gain, result.kl) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_never_asks_more_often_than_allowed(trials):
    evaluate, asked = model(kl=lambda t: 1e9)
    backtracking_line_search(evaluate, ONE, max_kl=0.1, max_trials=trials)
    assert len(asked) == trials


@pytest.fixture(scope="session")
def natural_step(random_policy, distribution_at):
    """The textbook's steps one after the other, for a random policy and random advantages times `scale`."""

    def search(kind, seed, max_kl, scale=1.0, rescale=True):
        policy = random_policy(kind, seed)
        generator = torch.Generator().manual_seed(seed)
        observations = torch.randn(32, 3, generator=generator)
        old = policy.distribution_from(policy(observations).detach())
        actions = policy.sample(policy(observations).detach(), generator)
        advantages = scale * torch.randn(32, generator=generator)
        theta = parameters_to_vector(policy.parameters()).detach().requires_grad_()

        def surrogate(theta):
            log_prob = distribution_at(policy, theta, observations).log_prob(actions)
            return surrogate_objective(log_prob, old.log_prob(actions), advantages)

        def kl(theta):
            return kl_divergence(old, distribution_at(policy, theta, observations)).mean().item()

        (gradient,) = torch.autograd.grad(surrogate(theta), theta)
        fisher = FisherVectorProduct(policy, observations, damping=1e-3)
        x = conjugate_gradient(fisher, gradient).x
        step = trust_region_step(x, fisher.quadratic_form(x), max_kl)
        start = surrogate(theta).item()
        result = backtracking_line_search(
            lambda s: (surrogate(theta + s).item() - start, kl(theta + s)),
            step,
            max_kl=max_kl,
            rescale=rescale,
        )
        taken = (result.fraction * step).detach()
        return result, taken, kl(theta + taken), surrogate(theta + taken).item() - start

    return search


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(1e-4, 2.0), st.booleans())
@pytest.mark.parametrize("kind", ["categorical", "gaussian", "multi_categorical", "bernoulli"])
def test_step_never_exceeds_max_kl(kind, natural_step, seed, max_kl, rescale):
    result, _, kl, gain = natural_step(kind, seed, max_kl, rescale=rescale)
    assert kl <= max_kl
    assert result.kl == pytest.approx(kl, rel=1e-9, abs=1e-12)
    assert gain > 0 if result.accepted else gain == 0


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_of_the_advantages_does_not_change_the_step(kind, scale, natural_step):
    for seed in range(5):
        _, plain, _, _ = natural_step(kind, seed, 0.02)
        _, scaled, _, _ = natural_step(kind, seed, 0.02, scale)
        assert plain.norm() > 0
        torch.testing.assert_close(scaled, plain, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "bad"),
    [("max_kl", 0.0), ("max_kl", math.nan), ("shrink", 0.0), ("shrink", 1.0), ("max_trials", 0), ("max_trials", 2.5)],
)
def test_settings_that_make_no_sense_are_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=name):
        backtracking_line_search(model()[0], ONE, **{"max_kl": 0.1, name: bad})


def test_rescaling_never_goes_beyond_four_steps():
    result = backtracking_line_search(lambda step: (1.0, 1e-9), torch.ones(1), max_kl=1.0)
    assert (result.accepted, result.fraction, result.trials) == (True, 4.0, 2)


def test_infinite_kl_is_answered_by_plain_backtracking():
    evaluate = lambda step: (1.0, float("inf") if step.item() > 0.9 else 0.95)  # noqa: E731
    assert backtracking_line_search(evaluate, torch.ones(1), max_kl=1.0).fraction == 0.8


def test_gain_that_moves_the_policy_by_nothing_measurable_is_accepted():
    assert backtracking_line_search(lambda step: (1.0, 0.0), torch.ones(1), max_kl=1.0).accepted


@pytest.mark.parametrize("share", [0.9, 0.95, 1.0])
@pytest.mark.parametrize("max_kl", [0.02, 1.0, 30.0])
def test_first_step_that_gains_near_the_boundary_is_taken_at_once(share, max_kl):
    result = backtracking_line_search(lambda step: (1.0, share * max_kl), ONE, max_kl=max_kl)
    assert (result.fraction, result.trials) == (1.0, 1)


@pytest.mark.parametrize("kl", [0.0, 0.1, 1.0])  # the last lies on the boundary, and so still inside
def test_step_inside_that_gains_nothing_is_shortened_by_the_plain_factor(kl):
    evaluate, asked = model(gain=lambda t: float(t < 1), kl=lambda t: kl * t**2)
    backtracking_line_search(evaluate, ONE, max_kl=1.0, shrink=0.5)
    assert asked == [1.0, 0.5]


@pytest.mark.parametrize("kl", [-1e-17, -0.0])
@pytest.mark.parametrize("rescale", [True, False])
def test_kl_that_rounding_makes_negative_refuses_no_step(rescale, kl):
    result = backtracking_line_search(lambda step: (1.0, kl), ONE, max_kl=1.0, rescale=rescale)
    assert (result.accepted, result.fraction, result.kl, result.trials) == (True, 1.0, kl, 1)


def test_rescaling_keeps_the_longest_of_the_steps_that_gain_inside():
    evaluate, asked = model(gain=lambda t: 1.0, kl=lambda t: 0.5 if t == 1 else 0.2)
    result = backtracking_line_search(evaluate, ONE, max_kl=1.0)
    assert (result.fraction, result.kl) == (1.0, 0.5)
    assert len(asked) > 1
