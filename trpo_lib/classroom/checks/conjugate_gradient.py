"""Exercises of notebook 04."""

import torch
from torch import Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.networks.discrete import BernoulliPolicy
from trpo_lib.trust_region import trust_region_step

iterations_needed = Exercise(
    name="iterations_needed",
    right=lambda eigenvalues, components: len(eigenvalues[components != 0].unique()),
    inputs=[
        (torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.5, -1.0, 2.0, 0.1])),
        (torch.tensor([1.0, 1.0, 1.0, 7.0, 7.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])),
        (torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 5.0]), torch.tensor([0.0, 1.0, 0.0, -2.0, 3.0, 1.0])),
    ],
    wrong={
        "n is only the guarantee: do equal eigenvalues cost one iteration each, or one together?": (
            lambda eigenvalues, components: len(eigenvalues)
        ),
        "does an eigenvector along which b has no component ever enter the sum in (4.6)?": (
            lambda eigenvalues, components: len(eigenvalues.unique())
        ),
        "you count the components of b that are not zero: one zero of q serves all equal eigenvalues.": (
            lambda eigenvalues, components: int((components != 0).sum())
        ),
    },
)

_x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
_fisher = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.3]], dtype=torch.float64)

undamped_step = Exercise(
    name="undamped_step",
    right=lambda x, product, damping, max_kl: trust_region_step(x, x @ product - damping * x @ x, max_kl),
    inputs=[
        (_x, _fisher @ _x + 0.1 * _x, 0.1, 0.01),
        (3 * _x, _fisher @ (3 * _x) + 0.5 * 3 * _x, 0.5, 0.05),
    ],
    wrong={
        "the curvature still contains the damping: the step ends inside the trust region. Subtract c xᵀx.": (
            lambda x, product, damping, max_kl: trust_region_step(x, x @ product, max_kl)
        ),
        "c is subtracted, but xᵀ(cI)x is c times the squared length of x.": (
            lambda x, product, damping, max_kl: trust_region_step(x, x @ product - damping, max_kl)
        ),
        "the damping is added a second time: what sign has it on the right-hand side of xᵀFx = …?": (
            lambda x, product, damping, max_kl: trust_region_step(x, x @ product + damping * x @ x, max_kl)
        ),
        "your step is √2 too short: is the ½ of the quadratic model missing?": (
            lambda x, product, damping, max_kl: trust_region_step(x, x @ product - damping * x @ x, max_kl / 2)
        ),
    },
)


def _whiten_as_categorical(logits: Tensor, directions: Tensor) -> Tensor:
    p = logits.softmax(-1)
    return p.sqrt() * (directions - (p * directions).sum(-1, keepdim=True))


bernoulli_whitening = Exercise(
    name="bernoulli_whitening",
    right=lambda logits, directions: BernoulliPolicy.whiten(None, logits, directions),
    inputs=[
        (torch.tensor([[0.3, -1.0], [2.0, 0.5]]), torch.tensor([[1.0, 2.0], [-0.5, 0.7]])),
        (torch.tensor([[-3.0, 0.0, 1.5]]), torch.tensor([[1.0, -1.0, 0.25]])),
    ],
    wrong={
        "this is M d, not Rᵀd: R is the square root of M.": lambda logits, directions: (
            logits.sigmoid() * (-logits).sigmoid() * directions
        ),
        "this is √p d: does tails, with probability 1 − p, not count?": lambda logits, directions: (
            logits.sigmoid().sqrt() * directions
        ),
        "this divides by the root of M: Rᵀ multiplies by it.": lambda logits, directions: (
            directions / (logits.sigmoid() * (-logits).sigmoid()).sqrt()
        ),
        "this is the whitening of one categorical over n actions; the coins are independent of each other.": (
            _whiten_as_categorical
        ),
    },
)


def _preconditioned(A: Tensor, b: Tensor, inverse: Tensor, iterations: int, *, plain_products: bool = False) -> Tensor:
    """Preconditioned conjugate gradient (Nocedal & Wright, algorithm 5.3), and its typical mistakes."""
    x, r = torch.zeros_like(b), b.clone()
    z = inverse * r
    p = z.clone()
    product = r @ r if plain_products else r @ z
    for _ in range(iterations):
        a_p = A @ p
        alpha = product / (p @ a_p)
        x, r = x + alpha * p, r - alpha * a_p
        z = inverse * r
        product, before = (r @ r if plain_products else r @ z), product
        p = z + (product / before) * p
    return x


_diagonal = torch.tensor([1.0, 4.0, 20.0, 60.0, 150.0, 400.0], dtype=torch.float64)
_coupling = torch.sin(torch.arange(36, dtype=torch.float64)).view(6, 6)
_matrix = torch.diag(_diagonal) + 0.1 * (_coupling + _coupling.T)
_b = torch.tensor([1.0, -2.0, 3.0, 0.5, -1.0, 2.0], dtype=torch.float64)

preconditioned_cg = Exercise(
    name="preconditioned_cg",
    right=lambda A, b, diagonal, iterations: _preconditioned(A, b, 1 / diagonal, iterations),
    inputs=[
        (_matrix, _b, _matrix.diag(), 1),
        (_matrix, _b, _matrix.diag(), 3),
        (_matrix, _b, torch.ones(6, dtype=torch.float64), 3),
    ],
    wrong={
        "this is plain conjugate gradient: where does the preconditioner enter?": (
            lambda A, b, diagonal, iterations: _preconditioned(A, b, torch.ones_like(b), iterations)
        ),
        "you multiply by the diagonal: z = E⁻¹r divides by it.": (
            lambda A, b, diagonal, iterations: _preconditioned(A, b, diagonal, iterations)
        ),
        "z is used for the direction, but α and β still contain rᵀr: they need rᵀz.": (
            lambda A, b, diagonal, iterations: _preconditioned(A, b, 1 / diagonal, iterations, plain_products=True)
        ),
        "you divide by the square root of the diagonal: E^(−1/2) acts from both sides, so z = E⁻¹r.": (
            lambda A, b, diagonal, iterations: _preconditioned(A, b, diagonal**-0.5, iterations)
        ),
    },
)
