"""The random problems of notebook 05 by a second route."""

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from trpo_lib.classroom import exact_steps


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_gain_and_kl_are_those_of_the_mdp_and_of_torch(sharpness):
    problem = exact_steps.random_problem(7, sharpness)
    step = exact_steps.full_step(problem)
    old, new = (problem.log_policy(s).exp() for s in (torch.zeros_like(step), step))
    gain, kl = problem.measure(step)
    mdp = problem.mdp
    assert gain.item() == pytest.approx((mdp.surrogate(old, new) - mdp.surrogate(old, old)).item())
    expected = mdp.occupancy(old) @ kl_divergence(Categorical(old), Categorical(new))
    assert kl.item() == pytest.approx(expected.item())


def test_step_ends_where_the_models_kl_is_delta():
    """A hundredth of the step, by the true KL: there the parabola holds."""
    problem = exact_steps.random_problem(3, 1.0)
    kl = problem.measure(0.01 * exact_steps.full_step(problem))[1].item()
    assert kl == pytest.approx(1e-4 * exact_steps.MAX_KL, rel=0.02)
    evaluate, step, max_kl = exact_steps.search_problem(3, 1.0)
    assert evaluate(step)[1] == pytest.approx(exact_steps.full_step_kl(3, 1.0) * max_kl)
