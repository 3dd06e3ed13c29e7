import math

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from trpo_lib import conjugate_gradient


def positive_definite(size, seed=0, shift=0.1):
    root = torch.randn(size, size, generator=torch.Generator().manual_seed(seed))
    return root @ root.T / size + shift * torch.eye(size)


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_n_iterations_solve_an_n_dimensional_system(size, seed):
    A = positive_definite(size, seed)
    b = torch.randn(size, generator=torch.Generator().manual_seed(seed + 1))
    result = conjugate_gradient(A.matmul, b, max_iterations=size, relative_tolerance=0)
    torch.testing.assert_close(result.x, torch.linalg.solve(A, b), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("iterations", [1, 2, 5, 9])
def test_iterates_equal_those_of_scipy(iterations):
    A, b = positive_definite(12), torch.randn(12)
    result = conjugate_gradient(A.matmul, b, max_iterations=iterations, relative_tolerance=0)
    expected, _ = scipy.sparse.linalg.cg(A.numpy(), b.numpy(), maxiter=iterations, rtol=0)
    np.testing.assert_allclose(result.x.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("iterations", [1, 3, 6])
def test_iterate_is_the_best_in_its_krylov_space(iterations):
    A, b = positive_definite(10), torch.randn(10)
    x = conjugate_gradient(A.matmul, b, max_iterations=iterations, relative_tolerance=0).x
    basis = torch.linalg.qr(torch.stack([torch.linalg.matrix_power(A, k) @ b for k in range(iterations)], -1)).Q
    best = basis @ torch.linalg.solve(basis.T @ A @ basis, basis.T @ b)
    torch.testing.assert_close(x, best, rtol=1e-6, atol=1e-8)


def test_residual_norms_are_the_true_residuals():
    A, b = positive_definite(10), torch.randn(10)
    norms = conjugate_gradient(A.matmul, b, max_iterations=8, relative_tolerance=0).residual_norms
    assert len(norms) == 9
    assert norms[0] == pytest.approx(b.norm().item())
    for k in range(1, 9):
        x = conjugate_gradient(A.matmul, b, max_iterations=k, relative_tolerance=0).x
        assert norms[k] == pytest.approx((b - A @ x).norm().item(), rel=1e-6)


def test_right_hand_side_is_left_untouched_and_shares_no_memory():
    A, b = positive_definite(6), torch.randn(6)
    before = b.clone()
    result = conjugate_gradient(A.matmul, b)
    assert torch.equal(b, before)
    result.x.zero_()
    assert torch.equal(b, before)


def test_matrix_vector_product_that_overwrites_its_result_does_no_harm():
    A, b, buffer = positive_definite(6), torch.randn(6), torch.empty(6)

    def matvec(v):
        return torch.matmul(A, v, out=buffer)

    x = conjugate_gradient(matvec, b, max_iterations=6, relative_tolerance=0).x
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=1e-6, atol=1e-8)


def test_zero_right_hand_side_costs_nothing_and_gives_zero():
    result = conjugate_gradient(lambda v: pytest.fail("no product is needed"), torch.zeros(5))
    assert result.stop_reason == "zero right-hand side"
    assert result.iterations == 0
    assert result.residual_norms == [0.0]
    assert torch.equal(result.x, torch.zeros(5))


def test_stops_when_converged_and_counts_the_products():
    A, calls = torch.diag(torch.tensor([1.0, 1.0, 1.0, 5.0, 5.0])), []
    result = conjugate_gradient(lambda v: calls.append(v) or A @ v, torch.randn(5), max_iterations=50)
    assert result.stop_reason == "converged"
    assert result.iterations == len(calls) == len(result.residual_norms) - 1 == 2  # two distinct eigenvalues
    assert result.residual_norms[-1] <= 1e-8 * result.residual_norms[0] < result.residual_norms[-2]


def test_says_when_it_ran_out_of_iterations():
    result = conjugate_gradient(positive_definite(20).matmul, torch.randn(20), max_iterations=3)
    assert (result.stop_reason, result.iterations) == ("max_iterations", 3)


@given(st.floats(1e-12, 1e12), st.integers(1, 8))
def test_tolerance_is_relative_to_the_right_hand_side(scale, seed):
    A, b = positive_definite(8, seed), torch.randn(8, generator=torch.Generator().manual_seed(seed))
    plain, scaled = (conjugate_gradient(A.matmul, c * b, relative_tolerance=1e-3) for c in (1.0, scale))
    assert plain.iterations == scaled.iterations
    torch.testing.assert_close(scaled.x / scale, plain.x)


@given(st.integers(1, 8), st.integers(0, 8), st.integers(0, 10_000), st.sampled_from([-1.0, 0.0]))
def test_singular_and_indefinite_matrices_never_give_nan(size, bad, seed, eigenvalue):
    generator = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(size, size, generator=generator)).Q
    values = torch.rand(size, generator=generator) + 0.1
    values[: min(bad, size)] = eigenvalue
    A, b = Q @ torch.diag(values) @ Q.T, torch.randn(size, generator=generator)
    result = conjugate_gradient(A.matmul, b, max_iterations=30)
    assert torch.isfinite(result.x).all()
    assert all(map(math.isfinite, result.residual_norms))
    assert result.stop_reason in ("converged", "max_iterations", "no positive curvature")
    assert len(result.residual_norms) == result.iterations + 1


@pytest.mark.parametrize("A", [torch.zeros(3, 3), -torch.eye(3)])
def test_matrix_without_positive_curvature_is_named_and_gives_the_last_good_iterate(A):
    result = conjugate_gradient(A.matmul, torch.ones(3))
    assert result.stop_reason == "no positive curvature"
    assert torch.equal(result.x, torch.zeros(3))


def test_singular_but_consistent_system_is_solved():
    A, b = torch.diag(torch.tensor([2.0, 3.0, 0.0])), torch.tensor([2.0, 6.0, 0.0])
    result = conjugate_gradient(A.matmul, b)
    torch.testing.assert_close(result.x, torch.tensor([1.0, 2.0, 0.0]))


def test_product_that_yields_nan_stops_with_the_last_good_iterate():
    result = conjugate_gradient(lambda v: v * float("nan"), torch.ones(3))
    assert (result.stop_reason, result.iterations) == ("no positive curvature", 0)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"b": torch.zeros(2, 2)}, "b must be"),
        ({"b": torch.tensor([1.0, float("nan")])}, "b must be finite"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"max_iterations": 1.5}, "max_iterations"),
        ({"relative_tolerance": -1e-3}, "relative_tolerance"),
        ({"relative_tolerance": 1.0}, "relative_tolerance"),
        ({"relative_tolerance": float("nan")}, "relative_tolerance"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_by_name(arguments, name):
    arguments = {"b": torch.ones(2), **arguments}
    with pytest.raises(ValueError, match=name):
        conjugate_gradient(torch.eye(2).matmul, arguments.pop("b"), **arguments)


def test_exact_solution_counts_as_converged_even_without_any_tolerance():
    result = conjugate_gradient(lambda v: 2 * v, torch.tensor([1.0, 0.0]), relative_tolerance=0.0)
    assert (result.stop_reason, result.iterations, result.x.tolist()) == ("converged", 1, [0.5, 0.0])


def test_stops_at_the_first_residual_below_the_tolerance_times_the_right_hand_side():
    matrix, b = positive_definite(12), torch.randn(12)
    norms = conjugate_gradient(matrix.matmul, b, max_iterations=8, relative_tolerance=0.0).residual_norms
    assert min(abs(norm / norms[0] - 1) for norm in norms[1:]) > 0.01
    for k in range(1, 9):
        tolerance = 1.0001 * norms[k] / norms[0]
        if tolerance < 1:
            first = next(i for i in range(1, 9) if norms[i] <= tolerance * norms[0])
            assert conjugate_gradient(matrix.matmul, b, relative_tolerance=tolerance).iterations == first
