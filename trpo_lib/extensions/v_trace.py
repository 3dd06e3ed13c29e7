"""What experience of other policies says about the present one (notebook 09)."""

import torch
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.gae import discounted_sum, td_errors
from trpo_lib.surrogate import importance_ratio


@torch.no_grad()
def trust_in(log_prob: Tensor, log_prob_acted: Tensor) -> Tensor:
    """c = min(1, π(a|s)/π_acted(a|s)): how far an action counts as one that π would have taken, `(B,)`."""
    return importance_ratio(log_prob, log_prob_acted).clamp(max=1.0)


def v_trace_advantages(
    rewards: Tensor,
    values: Tensor,
    next_values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    gamma: float,
    lam: float,
    trust: Tensor,
) -> Tensor:
    """Generalized advantage estimation where another policy acted.

    What followed the action a_t counts as far as π would have done the same:

        A_t = δ_t + γλ (1 − done_t) c_{t+1} A_{t+1}

    Args:
        rewards, values, next_values, terminated, truncated, gamma, lam: as for `generalized_advantage_estimation`.
        trust: c_t, in the shape of `rewards`; 1 everywhere gives that function.

    Returns:
        A, in the shape of `rewards`; V + c A is the target of the critic, v_s in Espeholt et al.

    Source: Retrace (Munos et al. 2016), V-trace (Espeholt et al. 2018, eq. 1).
    """
    _validate.in_unit_interval("lam", lam)
    _validate.same_shape(rewards=rewards, truncated=truncated, trust=trust)
    delta = td_errors(rewards, values, next_values, terminated, gamma)
    decay = (gamma * lam) * (~(terminated.bool() | truncated.bool())).to(delta.dtype)
    decay[:-1] *= trust[1:]
    return discounted_sum(delta, decay)
