"""Products with the Fisher information matrix, which is never formed (notebook 04)."""

import torch
from torch import Tensor

from trpo_lib import _validate
from trpo_lib.networks.parts import flat
from trpo_lib.networks.policy import Policy


class FisherVectorProduct:
    """v ↦ (F + damping·I) v, with F the Hessian of the mean KL at the policy's present parameters.

    Let z be the policy's outputs, J = ∂z/∂θ, and M the Hessian of the KL in the outputs alone.
    At θ_old the gradient of the KL in z vanishes, so the Hessian in θ is exactly

        F = mean_s Jᵀ M J = mean_s (RᵀJ)ᵀ (RᵀJ),   M = R Rᵀ

    `policy.whiten` applies Rᵀ, so F is the Gram matrix of the Jacobian of the whitened outputs h = Rᵀz:

        F v = (1/B) J_hᵀ (J_h v)

    J_hᵀw is one backward pass. It is linear in w, so differentiating ⟨v, J_hᵀw⟩ with respect to w
    gives J_h v. Both graphs are built once, here; a product costs about as much as one gradient.

    Args:
        policy: any `Policy`; its parameters are read now and must not change while this object is used. Frozen ones
            are no part of θ; for one that the outputs do not use, F is 0.
        observations: the batch, `(B, …)`.
        damping: added to the diagonal for the solve; `quadratic_form` leaves it out.
        outputs: `policy(observations)` with its graph, where it is at hand already.

    Raises:
        ValueError: `damping` is negative or not finite, or a product is asked for a vector that is not `(P,)`.

    Source: the Gauss-Newton form of TRPO, appendix C.1; the double vector-Jacobian product is J. Townsend's (2017).
    """

    def __init__(self, policy: Policy, observations: Tensor, damping: float = 0.0, *, outputs: Tensor | None = None):
        _validate.instance("policy", policy, Policy, "a Policy (see make_policy)")
        _validate.finite(observations=observations)
        _validate.not_negative("damping", damping)
        self.damping = damping
        self.parameters = policy.trained_parameters()
        self.sizes = [parameter.numel() for parameter in self.parameters]
        if outputs is None:
            outputs = policy(observations)
        self.whitened = policy.whiten(outputs.detach(), outputs)
        self.batch_size = len(outputs)
        self.cotangent = torch.zeros_like(self.whitened, requires_grad=True)
        self.pulled_back = torch.autograd.grad(
            self.whitened, self.parameters, self.cotangent, create_graph=True, materialize_grads=True
        )

    def jacobian_vector_product(self, v: Tensor) -> Tensor:
        """J_h v: how the whitened outputs move when the parameters move along v; `(P,)` to `(B, K)`."""
        _validate.vector("v", v, sum(self.sizes))
        pairs = zip(self.pulled_back, v.split(self.sizes), strict=True)
        pulled, blocks = zip(*[(g, block.view_as(g)) for g, block in pairs if g.requires_grad], strict=True)
        return torch.autograd.grad(pulled, self.cotangent, blocks, retain_graph=True)[0]

    def __call__(self, v: Tensor) -> Tensor:
        """(F + damping·I) v, `(P,)` to `(P,)`."""
        pushed = self.jacobian_vector_product(v) / self.batch_size
        pulled = torch.autograd.grad(self.whitened, self.parameters, pushed, retain_graph=True, materialize_grads=True)
        return flat(pulled).add_(v, alpha=self.damping)

    def quadratic_form(self, v: Tensor) -> float:
        """vᵀFv = mean_s |J_h v|², undamped; a mean of squares, so never negative."""
        return self.jacobian_vector_product(v).square().sum().item() / self.batch_size
