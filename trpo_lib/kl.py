"""The distance between two policies (notebook 02)."""

from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from trpo_lib import _validate


def mean_kl(old: Distribution, new: Distribution) -> Tensor:
    """Kullback-Leibler divergence of the new policy from the old one, averaged over states.

        mean_s KL(π_old(·|s) ‖ π_θ(·|s)),   KL(p‖q) = Σ_a p(a) log(p(a)/q(a))

    Summed over action dimensions, averaged over the batch (TRPO, eq. 12). An average over action
    dimensions would silently multiply the trust region by their number.

    Args:
        old: the policy that acted; batch shape `(B,)`.
        new: the candidate; batch shape `(B,)`.

    Returns:
        A scalar tensor, at least 0.

    Raises:
        TypeError: not a Distribution.
        ValueError: a batch shape is not `(B,)`, or the two differ.
    """
    for name, value in (("old", old), ("new", new)):
        _validate.instance(name, value, Distribution, "a torch Distribution")
    if type(old) is not type(new) or old.event_shape != new.event_shape:
        raise ValueError(f"old and new must be distributions of one kind over the same actions, got {old} and {new}.")
    if len(old.batch_shape) != 1 or old.batch_shape != new.batch_shape:
        raise ValueError(
            f"old and new must both have batch shape (B,), got {tuple(old.batch_shape)} and {tuple(new.batch_shape)}. "
            "Wrap a distribution over several action dimensions: torch.distributions.Independent(distribution, 1)."
        )
    return kl_divergence(old, new).mean()
