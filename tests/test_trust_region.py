import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from trpo_lib import trust_region_step


@given(st.integers(0, 10_000), st.floats(1e-8, 10), st.integers(1, 6))
def test_step_ends_on_the_boundary_of_the_quadratic_model(seed, max_kl, size):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(size, size, generator=generator)
    fisher, direction = root @ root.T + 0.1 * torch.eye(size), torch.randn(size, generator=generator)
    step = trust_region_step(direction, direction @ fisher @ direction, max_kl)
    assert (0.5 * step @ fisher @ step).item() == pytest.approx(max_kl, rel=1e-9)
    assert (step @ direction).item() > 0


def test_natural_step_solves_the_constrained_problem_as_scipy_does():
    root, gradient = torch.randn(4, 4), torch.randn(4)
    fisher, max_kl = root @ root.T + 0.5 * torch.eye(4), 0.3
    direction = torch.linalg.solve(fisher, gradient)
    step = trust_region_step(direction, direction @ fisher @ direction, max_kl)
    g, F = gradient.numpy(), fisher.numpy()
    solution = minimize(
        lambda x: -g @ x,
        np.zeros(4),
        jac=lambda x: -g,
        constraints={"type": "ineq", "fun": lambda x: max_kl - 0.5 * x @ F @ x, "jac": lambda x: -F @ x},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(step.numpy(), solution.x, rtol=1e-4, atol=1e-5)


def test_no_other_step_in_the_region_promises_more():
    root, gradient = torch.randn(5, 5), torch.randn(5)
    fisher = root @ root.T + 0.1 * torch.eye(5)
    direction = torch.linalg.solve(fisher, gradient)
    step = trust_region_step(direction, direction @ fisher @ direction, 0.01)
    others = torch.randn(10_000, 5)
    lengths = (0.02 / torch.einsum("ni,ij,nj->n", others, fisher, others)).sqrt()
    assert (lengths * (others @ gradient)).max() < step @ gradient


@given(st.floats(1e-6, 1e6))
def test_step_does_not_depend_on_the_length_of_the_direction(scale):
    direction = torch.tensor([1.0, -2.0])
    step = trust_region_step(direction, 3.0, 0.1)
    torch.testing.assert_close(trust_region_step(scale * direction, scale**2 * 3.0, 0.1), step)


def test_step_grows_with_the_root_of_max_kl():
    direction = torch.randn(3)
    torch.testing.assert_close(trust_region_step(direction, 2.0, 0.4), 2 * trust_region_step(direction, 2.0, 0.1))


def test_direction_is_left_untouched():
    direction = torch.randn(3)
    before = direction.clone()
    trust_region_step(direction, 2.0, 0.4)
    assert torch.equal(direction, before)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_max_kl_and_curvature_that_make_no_sense_are_refused_by_name(bad):
    with pytest.raises(ValueError, match="max_kl"):
        trust_region_step(torch.ones(2), 1.0, bad)
    with pytest.raises(ValueError, match="curvature"):
        trust_region_step(torch.ones(2), bad, 0.1)


def test_direction_that_is_not_flat_is_refused():
    with pytest.raises(ValueError, match="direction"):
        trust_region_step(torch.ones(2, 2), 1.0, 0.1)
