"""What one update did, and whether to believe it."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from trpo_lib.conjugate_gradient import ConjugateGradientResult
from trpo_lib.line_search import LineSearchResult


@dataclass(frozen=True, kw_only=True)
class PolicyStep:
    """What the policy's part of an update did.

    A method without a line search accepts every step at its full length; one without conjugate gradient says so.

    Attributes:
        kl: mean KL(π_old ‖ π_new) after the step.
        predicted_gain: gᵀΔ, what the linear model promised for the step taken.
        surrogate_gain: L(θ_new) − L(θ_old), what the surrogate gives.
        gradient_norm: |g|; the advantages have standard deviation 1.
        accepted: whether the line search found a step.
        fraction: of the quadratic model's step that was taken; 0 when none was.
        trials: of the line search.
        cg_iterations: products with the Fisher matrix in the solve.
        cg_residuals: |g − (F + damping·I) x_k| / |g| for k = 0 … cg_iterations.
        cg_stop_reason: why the solve ended.
    """

    kl: float
    predicted_gain: float
    surrogate_gain: float
    gradient_norm: float
    accepted: bool = True
    fraction: float = 1.0
    trials: int = 0
    cg_iterations: int = 0
    cg_residuals: tuple[float, ...] = ()
    cg_stop_reason: str = "not used"

    @classmethod
    def of(cls, gradient: Tensor, solution: ConjugateGradientResult, step: Tensor, search: LineSearchResult, /) -> Self:
        """The numbers of one natural gradient step: g, x, Δ, and what the line search made of them."""
        norms = solution.residual_norms
        return cls(
            kl=search.kl,
            predicted_gain=search.fraction * gradient.dot(step).item(),
            surrogate_gain=search.gain,
            gradient_norm=norms[0],
            accepted=search.accepted,
            fraction=search.fraction,
            trials=search.trials,
            cg_iterations=solution.iterations,
            cg_residuals=tuple(norm / (norms[0] or 1.0) for norm in norms),
            cg_stop_reason=solution.stop_reason,
        )


@dataclass(frozen=True, kw_only=True)
class UpdateReport(PolicyStep):
    """The diagnostics of one update: its `PolicyStep`, and besides

    Attributes:
        step: transitions seen so far, over all environments.
        mean_return: of the episodes that ended in this batch; NaN when none did.
        kl_ratio: kl / max_kl; near 1 when the trust region is used, never above.
        entropy: of the new policy, mean over states.
        mean_ratio: mean importance ratio after the step; far from 1, and the surrogate's estimate is noise.
        max_ratio: largest importance ratio after the step.
        initial_kl: KL of the policy from the one that acted, before any step; 0 up to rounding.
        explained_variance: of the critic before it was fitted to this batch: 1 perfect, 0 no better than a constant.
        critic_loss: mean squared error in the critic's last epoch, in units of the returns' variance.
    """

    step: int
    mean_return: float
    kl_ratio: float
    entropy: float
    mean_ratio: float
    max_ratio: float
    initial_kl: float
    explained_variance: float
    critic_loss: float
