"""From an approximate step to a safe one (notebook 05)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from trpo_lib import _validate

NEAR = 0.9  # a step with at least this share of max_kl counts as being on the boundary
AIM = 0.96  # where to aim: the KL is not exactly quadratic, and what overshoots must be tried again
LONGEST = 4.0  # steps of the quadratic model; where even these do not reach the boundary, the KL says nothing


@dataclass(frozen=True)
class LineSearchResult:
    """What the search decided.

    Attributes:
        accepted: whether any trial satisfied both conditions.
        fraction: the factor on `step`; 0 when nothing was accepted.
        gain: surrogate gain at that fraction; 0 when nothing was accepted.
        kl: mean KL at that fraction; 0 when nothing was accepted.
        trials: how often `evaluate` was called.
    """

    accepted: bool
    fraction: float
    gain: float
    kl: float
    trials: int


def backtracking_line_search(
    evaluate: Callable[[Tensor], tuple[float, float]],
    step: Tensor,
    *,
    max_kl: float,
    shrink: float = 0.8,
    max_trials: int = 10,
    rescale: bool = True,
) -> LineSearchResult:
    """Find the smallest i ≥ 0 for which the step α^i Δ gains and stays inside the trust region.

        L(θ + α^i Δ) − L(θ) > 0   and   mean KL(π_old ‖ π_{θ + α^i Δ}) ≤ δ

    With `rescale`, Δ is first brought to the boundary of the true trust region: as the KL grows with the
    square of a short step, Δ ← sqrt(δ/KL(Δ)) Δ lands there after a trial or two, from inside or outside; after a few
    more where the KL is far from quadratic. It never goes beyond 4 Δ, and never returns a step outside the region.

    Args:
        evaluate: maps a step `(P,)` to its (surrogate gain, mean KL), both measured, not modelled.
        step: Δ, `(P,)`.
        max_kl: δ.
        shrink: α in (0, 1).
        max_trials: calls of `evaluate` at most.
        rescale: whether to use the whole trust region; false is the textbook rule.

    Returns:
        A `LineSearchResult`; `fraction` multiplies `step`.

    Raises:
        ValueError: `max_kl`, `shrink` or `max_trials` makes no sense.

    Source: TRPO, appendix C.
    """
    _validate.function("evaluate", evaluate)
    _validate.vector("step", step)
    _validate.positive("max_kl", max_kl)
    _validate.shrink_factor("shrink", shrink)
    _validate.count("max_trials", max_trials)
    _validate.boolean("rescale", rescale)

    best = LineSearchResult(False, 0.0, 0.0, 0.0, 0)
    fraction = 1.0
    for trial in range(1, max_trials + 1):
        gain, kl = evaluate(fraction * step)
        if gain > 0 and kl <= max_kl and (kl >= best.kl or not best.accepted):  # false for NaN, true for -1e-18
            best = LineSearchResult(True, fraction, gain, kl, trial)
            if not rescale or kl >= NEAR * max_kl:
                break
        stretchable = gain > 0 and fraction < LONGEST
        if rescale and (kl > max_kl or stretchable) and 0 < kl < math.inf:
            fraction = min(fraction * math.sqrt(AIM * max_kl / kl), LONGEST)
        elif best.accepted:
            break
        else:  # inside the region and no gain: from here on it is plain backtracking
            rescale = False
            fraction *= shrink
    return LineSearchResult(best.accepted, best.fraction, best.gain, best.kl, trial)
