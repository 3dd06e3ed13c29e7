"""Fixed rates, for comparison: the plain policy gradient, and the natural one. Neither knows a trust region."""

from torch import Tensor

from trpo_lib.agent.report import PolicyStep
from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.experience.batch import Batch
from trpo_lib.trpo import TRPO


class PolicyGradient(TRPO):
    """The same batches, advantages, networks and critic as `TRPO`, but θ ← θ + learning_rate · g.

    Args:
        env, config, seed: as for `TRPO`.
        learning_rate: step length; nothing else limits the step.
    """

    def __init__(self, env, config=None, *, learning_rate: float, seed: int = 0):
        super().__init__(env, config, seed=seed)
        self.learning_rate = learning_rate

    def improve_policy(self, batch: Batch) -> PolicyStep:
        """One step of gradient ascent on the surrogate objective."""
        gradient = self.surrogate_gradient(batch)
        step = self.learning_rate * self.direction(batch, gradient)
        gain, kl = self.gain_and_kl(batch, step)
        self.move_policy(step)
        return PolicyStep(
            kl=kl,
            surrogate_gain=gain,
            predicted_gain=gradient.dot(step).item(),
            gradient_norm=gradient.norm().item(),
        )

    def direction(self, batch: Batch, gradient: Tensor) -> Tensor:
        """Where the step goes."""
        return gradient


class NaturalGradient(PolicyGradient):
    """The same with TRPO's direction: θ ← θ + learning_rate · x, where x ≈ F⁻¹g is TRPO's own damped solution."""

    def direction(self, batch: Batch, gradient: Tensor) -> Tensor:
        """x ≈ (F + damping·I)⁻¹ g."""
        iterations, tolerance = self.config.cg_iterations, self.config.cg_tolerance
        return conjugate_gradient(
            self.fisher(batch), gradient, max_iterations=iterations, relative_tolerance=tolerance
        ).x
