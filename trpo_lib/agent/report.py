"""What one update did, and whether to believe it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UpdateReport:
    """The diagnostics of one update.

    Attributes:
        step: transitions seen so far, over all environments.
        mean_return: of the episodes that ended in this batch; NaN when none did.
        accepted: whether the line search found a step.
        fraction: of the quadratic model's step that was taken; 0 when none was.
        trials: of the line search.
        kl: mean KL(π_old ‖ π_new) after the step.
        kl_ratio: kl / max_kl; near 1 when the trust region is used, never above.
        predicted_gain: gᵀΔ, what the linear model promised for the step taken.
        surrogate_gain: L(θ_new) − L(θ_old), what the surrogate gives.
        gradient_norm: |g|; the advantages have standard deviation 1.
        cg_iterations: products with the Fisher matrix in the solve.
        cg_residuals: |g − (F + damping·I) x_k| / |g| for k = 0 … cg_iterations.
        cg_stop_reason: why the solve ended.
        entropy: of the new policy, mean over states.
        mean_ratio: mean importance ratio after the step; far from 1, and the surrogate's estimate is noise.
        max_ratio: largest importance ratio after the step.
        initial_kl: KL of the policy from the one that acted, before any step; 0 up to rounding.
        explained_variance: of the critic before it was fitted to this batch: 1 perfect, 0 no better than a constant.
        critic_loss: mean squared error in the critic's last epoch, in units of the returns' variance.
    """

    step: int
    mean_return: float
    accepted: bool
    fraction: float
    trials: int
    kl: float
    kl_ratio: float
    predicted_gain: float
    surrogate_gain: float
    gradient_norm: float
    cg_iterations: int
    cg_residuals: tuple[float, ...]
    cg_stop_reason: str
    entropy: float
    mean_ratio: float
    max_ratio: float
    initial_kl: float
    explained_variance: float
    critic_loss: float
