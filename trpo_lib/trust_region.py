"""The quadratic model of the trust region and the longest step inside it (notebook 03)."""

import math

from torch import Tensor

from trpo_lib import _validate


def trust_region_step(direction: Tensor, curvature: float | Tensor, max_kl: float) -> Tensor:
    """The step along `direction` that ends on the boundary of the quadratic trust region.

    The Karush-Kuhn-Tucker conditions of  max gᵀΔ  subject to  ½ ΔᵀFΔ ≤ δ  give

        Δ = β x,   x = F⁻¹ g,   β = sqrt(2 δ / xᵀFx)

    Args:
        direction: x, `(P,)`.
        curvature: xᵀFx of the *undamped* Fisher matrix; the damped one would waste part of the region.
        max_kl: δ, the size of the trust region in nats.

    Returns:
        Δ, `(P,)`, with ½ ΔᵀFΔ = δ.

    Raises:
        ValueError: `max_kl` or `curvature` is not a finite number above zero.

    Source: TRPO, appendix C.
    """
    _validate.vector("direction", direction)
    _validate.finite(direction=direction)
    _validate.positive("max_kl", max_kl)
    if isinstance(curvature, Tensor) and curvature.numel() == 1:
        curvature = curvature.item()
    _validate.positive("curvature", curvature)
    return math.sqrt(2 * max_kl / curvature) * direction
