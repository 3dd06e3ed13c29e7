"""Solve A x = b knowing only products with A (notebook 04)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from trpo_lib import _validate


@dataclass(frozen=True)
class ConjugateGradientResult:
    """What the solver found.

    Attributes:
        x: the approximate solution, `(P,)`.
        iterations: products with A that were used.
        residual_norms: |b − A x_k| for k = 0 … iterations.
        stop_reason: "converged", "max_iterations", "zero right-hand side" or "no positive curvature".
    """

    x: Tensor
    iterations: int
    residual_norms: list[float]
    stop_reason: str


def conjugate_gradient(
    matvec: Callable[[Tensor], Tensor], b: Tensor, *, max_iterations: int = 10, relative_tolerance: float = 1e-8
) -> ConjugateGradientResult:
    """Approximate x = A⁻¹ b for a symmetric positive definite A.

    Minimises ½ xᵀAx − bᵀx along directions p_k that are conjugate, p_iᵀ A p_j = 0:

        α_k = r_kᵀr_k / p_kᵀAp_k          x_{k+1} = x_k + α_k p_k        r_{k+1} = r_k − α_k A p_k
        β_k = r_{k+1}ᵀr_{k+1} / r_kᵀr_k     p_{k+1} = r_{k+1} + β_k p_k

    In exact arithmetic every residual is orthogonal to all before it. Rounding destroys that, and then a last digit of
    the products decides the leading digits of x. So each new residual is made orthogonal to the earlier ones again,

        r ← r − (uᵀr) u     for the unit residuals u = r_0/|r_0| … r_k/|r_k|

    which costs k inner products, far less than one product with A, and k vectors of memory.

    Args:
        matvec: v ↦ A v, `(P,)` to `(P,)`.
        b: the right-hand side, `(P,)`; left untouched.
        max_iterations: products with A to spend at most.
        relative_tolerance: stop once |r| ≤ relative_tolerance · |b|. Relative, because gradients have no natural scale.

    Returns:
        The last iterate and how it was reached. On a singular or indefinite A the solver stops before it
        would divide by p_kᵀAp_k ≤ 0, with the last good x. For a finite A and b
        it returns no NaN unless one of the inner products or quotients above overflows.

    Raises:
        ValueError: `b` is not a finite vector, or a limit makes no sense.

    Source: Hestenes & Stiefel 1952; Nocedal & Wright, algorithm 5.2. Keeping the residuals orthogonal is what Lanczos'
    method calls complete reorthogonalisation (Paige 1970; Golub & Van Loan, Matrix Computations, chapter 10).
    """
    _validate.function("matvec", matvec)
    _validate.vector("b", b)
    _validate.finite(b=b)
    _validate.count("max_iterations", max_iterations)
    _validate.number("relative_tolerance", relative_tolerance, "a number in [0, 1)")
    if not 0 <= relative_tolerance < 1:
        raise ValueError(f"relative_tolerance must lie in [0, 1), got {relative_tolerance}.")

    x = torch.zeros_like(b)
    r = b.clone()
    p = b.clone()  # its own storage: p and r part company after the first iteration
    r_dot_r = r.dot(r)
    norms = [r_dot_r.sqrt().item()]
    units: list[Tensor] = []  # the residuals so far, each with length 1
    if norms[0] == 0:
        return ConjugateGradientResult(x, 0, norms, "zero right-hand side")
    for iteration in range(1, max_iterations + 1):
        a_p = matvec(p)
        curvature = p.dot(a_p)
        if not curvature > 0:  # also true for NaN
            return ConjugateGradientResult(x, iteration - 1, norms, "no positive curvature")
        alpha = r_dot_r / curvature
        x = x + alpha * p
        units.append(r / r_dot_r.sqrt())
        r = r - alpha * a_p
        for unit in units:
            r = r - unit.dot(r) * unit
        r_dot_r_old, r_dot_r = r_dot_r, r.dot(r)
        norms.append(r_dot_r.sqrt().item())
        if norms[-1] <= relative_tolerance * norms[0]:
            return ConjugateGradientResult(x, iteration, norms, "converged")
        p = r + (r_dot_r / r_dot_r_old) * p
    return ConjugateGradientResult(x, max_iterations, norms, "max_iterations")
