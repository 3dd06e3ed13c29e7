"""Exercises of notebook 04."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, integer, normal, number, positive_definite, sizes, uniform
from trpo_lib.conjugate_gradient import conjugate_gradient


# Exercise 1: eigenvalues (n,), components (n,), damping, tolerance -> a whole number.
def _chebyshev(lifted: Tensor, tolerance: float, *, root: bool = True, two: float = 2.0) -> float:
    """The k, not yet a whole number, at which the second line of (4.12) comes down to the tolerance."""
    kappa = (lifted.max() / lifted.min()).item()
    kappa = math.sqrt(kappa) if root else kappa
    return 1.0 if kappa <= 1 else math.log(two / tolerance) / math.log((kappa + 1) / (kappa - 1))


def _enough(eigenvalues: Tensor, components: Tensor, damping: float, tolerance: float) -> int:
    lifted = eigenvalues[components != 0] + damping
    if len(lifted) == 0:
        return 0
    return min(len(eigenvalues[components != 0].unique()), math.ceil(_chebyshev(lifted, tolerance)))


def _variant(
    count: Callable[[Tensor, Tensor], int] = lambda values, components: len(values[components != 0].unique()),
    pick: Callable[..., int] = min,
    *,
    chosen: Callable[[Tensor, Tensor], Tensor] = lambda values, components: components != 0,
    whole: Callable[[float], int] = math.ceil,
    lift: bool = True,
    **bound: object,
) -> Callable:
    """An answer in which one thing differs from the reference."""

    def answer(eigenvalues: Tensor, components: Tensor, damping: float, tolerance: float) -> int:
        kept = eigenvalues[chosen(eigenvalues, components)] + (damping if lift else 1e-300)
        bounded = whole(_chebyshev(kept, tolerance, **bound)) if len(kept) else 0
        return pick(count(eigenvalues, components), bounded)

    return answer


def _everything(values: Tensor, components: Tensor) -> Tensor:
    return torch.ones_like(components, dtype=torch.bool)


def _spectrum(random: Generator) -> tuple:
    """Repeated eigenvalues, zero components at the ends too, and a bound that is not nearly a whole number.

    In one half of the cases the number of different eigenvalues decides, in the other the bound.
    """
    few = integer(random, 0, 1)
    while True:
        count = integer(random, 3, 6) if few else integer(random, 60, 90)
        values = 10 ** uniform(random, -2, 1.0, count)
        values = values[torch.randint(count, (count + 5,), generator=random)]
        lowest, highest = values <= values.quantile(0.15), values >= values.quantile(0.85)
        components = normal(random, count + 5) * ~(lowest | highest | (torch.rand(count + 5, generator=random) < 0.2))
        damping, tolerance = (0.01, 1e-6) if few else (10 ** number(random, -1, 0.3), 10 ** number(random, -3, -1))
        taken = components != 0
        if not taken.any():
            continue
        k = _chebyshev(values[taken] + damping, tolerance)
        if abs(k - round(k)) > 0.01 and (k < len(values[taken].unique())) != few:
            return values, components, damping, tolerance


def _numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


iterations_enough = Exercise(
    name="iterations_enough",
    right=lambda eigenvalues, components, damping, tolerance: _enough(eigenvalues, components, damping, tolerance),
    inputs={
        "equal eigenvalues, zero components": (
            _numbers(5, 1, 5, 2, 2, 7, 1),
            _numbers(2, 1, 3, 1, -1, 0, 0),
            0.3,
            1e-6,
        ),
        "two hundred eigenvalues": (torch.linspace(0.1, 3, 200, dtype=torch.float64), torch.ones(200), 2.0, 1.9e-3),
        "large eigenvalues without a component": (
            torch.logspace(-3, 2, 60, dtype=torch.float64),
            torch.arange(40, -20, -1.0).clamp_min(0),
            20.0,
            1e-3,
        ),
        "flat directions": (_numbers(0, 0, 0, 4, 6, 6, 9), _numbers(0, 0, 0, -1, 2, -2, 0.5), 0.01, 1e-4),
        "one eigenvalue left": (_numbers(3, 8, 3, 3), _numbers(1, 0, 2, -1), 0.5, 1e-3),
        "g = 0": (_numbers(1, 2, 3), _numbers(0, 0, 0), 0.1, 1e-3),
    },
    sample=_spectrum,
    wrong={
        "n is what dimensions alone guarantee: what do equal eigenvalues and zero components save?": (
            _variant(lambda values, components: len(values)),
            lambda eigenvalues, components, damping, tolerance: len(eigenvalues),
        ),
        "does an eigenvector along which g has no component ever enter the sum in (4.11)?": (
            _variant(lambda values, components: len(values.unique()), chosen=_everything),
            _variant(lambda values, components: len(values.unique())),
            lambda eigenvalues, components, damping, tolerance: len(eigenvalues.unique()),
        ),
        "equal eigenvalues share one zero of ψ: do you count each of them?": (
            _variant(lambda values, components: int((components != 0).sum())),
            lambda eigenvalues, components, damping, tolerance: int((components != 0).sum()),
        ),
        "a zero component need not belong to an eigenvalue of its own: choose first, then count the different ones": (
            _variant(lambda values, components: len(values.unique()) - int((components == 0).sum())),
            lambda eigenvalues, components, damping, tolerance: (
                len(eigenvalues.unique()) - int((components == 0).sum())
            ),
        ),
        "equal eigenvalues need not be neighbours: unique_consecutive sees only those that are": (
            _variant(lambda values, components: len(values[components != 0].unique_consecutive())),
            lambda eigenvalues, components, damping, tolerance: len(eigenvalues[components != 0].unique_consecutive()),
        ),
        "your κ counts eigenvalues along which g has no component: they take no part": _variant(chosen=_everything),
        "your κ is that of F: the system has F + cI": _variant(lift=False),
        "(4.12) begins with a factor 2: where is it?": _variant(two=1.0),
        "the bracket of (4.12) holds the root of κ": _variant(root=False),
        "k is too small by one: a guarantee needs the next whole number above": _variant(whole=math.floor),
        "this is the first line of (4.12) alone: is the second ever better?": _variant(pick=lambda count, bound: count),
        "this is the second line of (4.12) alone: is the first ever better?": _variant(pick=lambda count, bound: bound),
        "either line is a guarantee by itself: the smaller k is enough": _variant(pick=max),
    },
)


# Exercise 2: matvec, b (n,), iterations -> (n,).
def _cg(
    matvec: Callable[[Tensor], Tensor],
    b: Tensor,
    iterations: int,
    *,
    shared: bool = False,
    beta: Callable[[Tensor, Tensor], Tensor | float] = lambda new, old: new / old,
    stop: float | None = 0.0,
    epsilon: float = 0.0,
    start: Callable[[Tensor], Tensor] = torch.zeros_like,
) -> Tensor:
    """Conjugate gradient, with the faults of the card and those of its mending as switches."""
    x, r = start(b), b.clone()
    p = r if shared else b.clone()
    for _ in range(iterations):
        old = r @ r
        if stop is not None and old <= stop:
            break
        a_p = matvec(p)
        alpha = old / (p @ a_p + epsilon)
        x = x + alpha * p
        r -= alpha * a_p
        p = r + beta(r @ r, old) * p
    return x


def _linear(A: Tensor) -> Callable[[Tensor], Tensor]:
    def matvec(v: Tensor) -> Tensor:
        return A @ v

    return matvec


def _system(random: Generator, n: int, iterations: int, scale: float = 1.0) -> tuple:
    return _linear(positive_definite(random, n)), scale * normal(random, n), iterations


def _any_system(random: Generator) -> tuple:
    n, kind = integer(random, 3, 8), integer(random, 0, 2)
    if kind == 0:
        return _linear(4.0 * torch.eye(n, dtype=torch.float64)), torch.arange(1.0, n + 1, dtype=torch.float64), n
    return _system(random, n, integer(random, 2, n), 1e-8 if kind == 1 else 1.0)


mended_cg = Exercise(
    name="mended_cg",
    right=lambda matvec, b, iterations: _cg(matvec, b, iterations),
    inputs={
        "n iterations": _system(generator(1), 6, 6),
        "fewer iterations than n": _system(generator(2), 7, 3),
        "a small b": _system(generator(3), 5, 5, 1e-8),
        "there after one iteration": (_linear(4.0 * torch.eye(4, dtype=torch.float64)), _numbers(1, 2, -3, 5), 4),
        "b = 0": (_linear(positive_definite(generator(4), 3)), torch.zeros(3, dtype=torch.float64), 2),
    },
    sample=_any_system,
    wrong={
        "p and r are still one memory: the update of r then changes the direction too": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, shared=True),
            lambda matvec, b, iterations: _cg(matvec, b, iterations, shared=True, stop=None),
        ),
        "your β is always 1: is the old square of r overwritten before it is used?": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, beta=lambda new, old: 1.0),
            lambda matvec, b, iterations: _cg(matvec, b, iterations, beta=lambda new, old: 1.0, stop=None),
        ),
        "it still divides 0 by 0: what is α when r = 0?": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, stop=None)
        ),
        "all three faults are still there": (
            lambda matvec, b, iterations: _cg(
                matvec, b, iterations, shared=True, beta=lambda new, old: new / new, stop=None
            )
        ),
        "your β is upside down: new square over old square": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, beta=lambda new, old: old / new if new > 0 else 0)
        ),
        "the sign of β is wrong: p becomes r + βp": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, beta=lambda new, old: -new / old)
        ),
        "without β this is steepest descent": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, beta=lambda new, old: 0.0)
        ),
        "an absolute threshold stops too early when b is small: test for r = 0, or compare with b": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, stop=1e-10),
            lambda matvec, b, iterations: _cg(matvec, b, iterations, stop=1e-12),
            lambda matvec, b, iterations: _cg(matvec, b, iterations, stop=1e-16),
        ),
        "an ε in the denominator hides 0/0, and changes the answer when b is small": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, stop=None, epsilon=1e-8),
            lambda matvec, b, iterations: _cg(matvec, b, iterations, epsilon=1e-8),
        ),
        "it does not spend the iterations that it is given: `iterations`, not n": (
            lambda matvec, b, iterations: _cg(matvec, b, len(b)),
            lambda matvec, b, iterations: _cg(matvec, b, iterations - 1),
        ),
        "x starts at b, but r = b is the residual of x = 0": (
            lambda matvec, b, iterations: _cg(matvec, b, iterations, start=torch.clone)
        ),
    },
)


# Exercise 3: logits (B, n), jacobians (B, n, P), v (P,) -> (P,).
def _product(logits: Tensor, jacobians: Tensor, v: Tensor, weight: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    pushed = jacobians @ v
    weight = weight or (lambda z: z.sigmoid() * (-z).sigmoid())
    return torch.einsum("bnp,bn->p", jacobians, weight(logits) * pushed) / len(logits)


def _as_categorical(p: Tensor, jacobians: Tensor, v: Tensor) -> Tensor:
    pushed = jacobians @ v
    weighted = p * (pushed - (p * pushed).sum(-1, keepdim=True))
    return torch.einsum("bnp,bn->p", jacobians, weighted) / len(p)


def _of_means(logits: Tensor, jacobians: Tensor, v: Tensor) -> Tensor:
    mean = jacobians.mean(0, keepdim=True)
    return _product(logits, mean.expand_as(jacobians), v)


def _coins(random: Generator, batch: int, coins: int, parameters: int, scale: float = 1.5) -> tuple:
    logits = scale * normal(random, batch, coins)
    return logits, normal(random, batch, coins, parameters), normal(random, parameters)


coin_fisher_product = Exercise(
    name="coin_fisher_product",
    right=lambda logits, jacobians, v: _product(logits, jacobians, v),
    inputs={
        "five states": _coins(generator(1), 5, 3, 4),
        "one state": _coins(generator(2), 1, 2, 6),
        "one coin": _coins(generator(3), 4, 1, 3),
        "coins that are nearly certain": _coins(generator(4), 3, 2, 5, 30.0),
        "logits of ±1000": (torch.tensor([[1000.0, 0.3], [-1000.0, 2.0]]), *_coins(generator(5), 2, 2, 3)[1:]),
    },
    sample=lambda random: _coins(random, *sizes(random, 3), 1.5),
    wrong={
        "your outputs are weighted with the root of M: it enters twice, once on each side": (
            lambda logits, jacobians, v: _product(logits, jacobians, v, lambda z: (z.sigmoid() * (-z).sigmoid()).sqrt())
        ),
        "this weighs with π alone: does tails, with probability 1 − π, not count?": (
            lambda logits, jacobians, v: _product(logits, jacobians, v, torch.sigmoid)
        ),
        "this is Jᵀ J v: M is missing": lambda logits, jacobians, v: _product(logits, jacobians, v, torch.ones_like),
        "M multiplies, its inverse does not: a nearly certain coin hardly moves the KL": (
            lambda logits, jacobians, v: _product(
                logits, jacobians, v, lambda z: 1 / (z.sigmoid() * (-z).sigmoid()).clamp_min(1e-300)
            )
        ),
        "M is taken twice: R stands on each side once, and R Rᵀ = M": (
            lambda logits, jacobians, v: _product(
                logits, jacobians, v, lambda z: (z.sigmoid() * (-z).sigmoid()).square()
            )
        ),
        "this is one categorical over n actions; the coins are independent of each other": (
            lambda logits, jacobians, v: _as_categorical(logits.softmax(-1), jacobians, v),
            lambda logits, jacobians, v: _as_categorical(logits.sigmoid(), jacobians, v),
        ),
        "you sum over the states: F is a mean over them": (
            lambda logits, jacobians, v: len(logits) * _product(logits, jacobians, v)
        ),
        "you average over the coins too: the KL of independent coins is the sum of theirs": (
            lambda logits, jacobians, v: _product(logits, jacobians, v) / logits.shape[-1]
        ),
        "you average the Jacobians first: each state has its own Jᵀ M J": _of_means,
        "the logits are not probabilities: is the sigmoid missing?": (
            lambda logits, jacobians, v: _product(logits, jacobians, v, lambda z: z * (1 - z))
        ),
        "this is the curvature vᵀFv: the product is a vector": lambda logits, jacobians, v: (
            v @ _product(logits, jacobians, v)
        ),
    },
)


# Exercise 4: A (n, n), b (n,), diagonal (n,), iterations -> (n,).
def _preconditioned(A: Tensor, b: Tensor, left: Tensor, right: Tensor, side: Tensor, back: Tensor, k: int) -> Tensor:
    """Solve left·A·right y = side·b with k iterations, and return back·y; all four are diagonals."""
    return back * conjugate_gradient(lambda v: left * (A @ (right * v)), side * b, max_iterations=k).x


def _scaled(A: Tensor, b: Tensor, diagonal: Tensor, iterations: int, powers: tuple[float, ...]) -> Tensor:
    return _preconditioned(A, b, *(diagonal**power for power in powers), iterations)


def _badly_scaled(random: Generator, n: int, iterations: int) -> tuple:
    diagonal = 10 ** uniform(random, -0.5, 1.5, n)
    noise = 0.15 * normal(random, n, n)
    root = diagonal.sqrt()
    matrix = torch.diag(diagonal) + root[:, None] * (noise @ noise.T) * root
    return matrix, normal(random, n), matrix.diag(), iterations


def _half(*powers: float) -> Callable:
    return lambda A, b, diagonal, iterations: _scaled(A, b, diagonal, iterations, powers)


preconditioned_cg = Exercise(
    name="preconditioned_cg",
    right=lambda A, b, diagonal, iterations: _scaled(A, b, diagonal, iterations, (-0.5, -0.5, -0.5, -0.5)),
    inputs={
        "one iteration": _badly_scaled(generator(1), 6, 1),
        "two iterations": _badly_scaled(generator(2), 7, 2),
        "E is not the diagonal of A": (*_badly_scaled(generator(3), 5, 3)[:2], uniform(generator(4), 0.5, 9.0, 5), 2),
        "E = I": (positive_definite(generator(5), 4), normal(generator(6), 4), torch.ones(4, dtype=torch.float64), 2),
    },
    sample=lambda random: _badly_scaled(random, integer(random, 5, 9), integer(random, 1, 3)),
    wrong={
        "this is plain conjugate gradient: where does the preconditioner enter?": _half(0, 0, 0, 0),
        "you return y: x is E^(−1/2) y": _half(-0.5, -0.5, -0.5, 0),
        "the way back from y to x divides by the root of E: do you multiply?": _half(-0.5, -0.5, -0.5, 0.5),
        "the right-hand side is multiplied by E^(−1/2) too": _half(-0.5, -0.5, 0, -0.5),
        "you multiply by the root of the diagonal: E^(−1/2) divides by it": _half(0.5, 0.5, 0.5, 0.5),
        "you take E⁻¹ on both sides: with its root on each side the product is E⁻¹": _half(-1, -1, -1, -1),
        "E⁻¹A is not symmetric, which conjugate gradient needs: E^(−1/2) on both sides": _half(-1, 0, -1, 0),
        "the matrix is scaled, the right-hand side and the answer are not": _half(-0.5, -0.5, 0, 0),
        "this is the exact solution: is max_iterations missing?": (
            lambda A, b, diagonal, iterations: torch.linalg.solve(A, b),
            lambda A, b, diagonal, iterations: _scaled(A, b, diagonal, 50, (-0.5, -0.5, -0.5, -0.5)),
        ),
        "this solves E x = b: E is only a guess of A": lambda A, b, diagonal, iterations: b / diagonal,
        "that is one iteration more than asked for": (
            lambda A, b, diagonal, iterations: _scaled(A, b, diagonal, iterations + 1, (-0.5, -0.5, -0.5, -0.5))
        ),
    },
)
