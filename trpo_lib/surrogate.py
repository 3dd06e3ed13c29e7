"""The surrogate objective: what a new policy promises, judged with the old policy's data (notebook 01)."""

import torch
from torch import Tensor

from trpo_lib import _validate


def importance_ratio(log_prob: Tensor, log_prob_old: Tensor) -> Tensor:
    """How much more likely the new policy makes each action than the old one did.

        r_t(θ) = π_θ(a_t|s_t) / π_old(a_t|s_t) = exp(log π_θ(a_t|s_t) − log π_old(a_t|s_t))

    Args:
        log_prob: log-probabilities under the new policy, summed over action dimensions, `(B,)`.
        log_prob_old: the same under the policy that acted, `(B,)`.

    Returns:
        The ratio, `(B,)`; 1 everywhere when the two policies are equal.

    Raises:
        ValueError: the shapes differ.
    """
    _validate.same_shape(log_prob=log_prob, log_prob_old=log_prob_old)
    return torch.exp(log_prob - log_prob_old)


def surrogate_objective(log_prob: Tensor, log_prob_old: Tensor, advantages: Tensor) -> Tensor:
    """The sampled surrogate objective, to be maximised (the mean of TRPO, eq. 14, with A in place of Q; GAE, eq. 31).

        L(θ) = mean_t [ r_t(θ) A_t ]

    Its gradient at θ_old is the policy gradient.

    Args:
        log_prob: log-probabilities under the new policy, `(B,)`; gradients flow through it.
        log_prob_old: the same under the policy that acted, `(B,)`.
        advantages: A_t, `(B,)`.

    Returns:
        A scalar tensor.

    Raises:
        ValueError: the shapes differ, the batch is empty, or an advantage is NaN or infinite.
    """
    _validate.same_shape(log_prob=log_prob, advantages=advantages)
    _validate.finite(advantages=advantages)
    _validate.not_empty("advantages", advantages)
    return (importance_ratio(log_prob, log_prob_old) * advantages).mean()
