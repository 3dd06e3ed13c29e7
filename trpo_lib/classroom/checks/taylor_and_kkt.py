"""Exercises of notebook 03."""

import math

import torch
from torch import Generator, Tensor

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, integer, normal, number, positive_definite, sizes

SLACK = 1e-6  # relative: what counts as equal in `kkt_verdict`


# Exercise 1: gradient (P,), fisher (P, P), max_kl -> (P,).
def _softmax(random: Generator, actions: int) -> tuple[Tensor, Tensor]:
    """g and F of a softmax with all logits free: F maps a common shift to 0."""
    p, advantages = normal(random, actions).softmax(0), 3 * normal(random, actions)
    return p * (advantages - p @ advantages), torch.diag(p) - torch.outer(p, p)


def _problem(random: Generator) -> tuple:
    (size,) = sizes(random, 1)
    singular = integer(random, 0, 1)
    pair = _softmax(random, size) if singular else (normal(random, size), positive_definite(random, size))
    gradient, fisher = pair
    nothing_to_gain = integer(random, 0, 2) == 0
    return gradient * (not nothing_to_gain), fisher, number(random, 0.003, 0.2)


def _scaled(x: Tensor, fisher: Tensor, max_kl: float, factor: float = 2.0) -> Tensor:
    curvature = x @ fisher @ x
    return math.sqrt(factor * max_kl / curvature) * x if curvature > 0 else torch.zeros_like(x)


def _solved(gradient: Tensor, fisher: Tensor) -> Tensor:
    return torch.linalg.pinv(fisher, hermitian=True) @ gradient


def _damped(gradient: Tensor, fisher: Tensor, damping: float) -> Tensor:
    return torch.linalg.solve(fisher + damping * torch.eye(len(gradient), dtype=fisher.dtype), gradient)


def _unguarded(gradient: Tensor, fisher: Tensor, max_kl: float) -> Tensor:
    x = _solved(gradient, fisher)
    return (2 * max_kl / (x @ fisher @ x)).sqrt() * x


def _same_model(answer: Tensor, gradient: Tensor, fisher: Tensor, max_kl: float) -> bool:
    """On a singular F, steps that differ by a direction in which nothing changes solve the problem alike."""
    due = _scaled(_solved(gradient, fisher), fisher, max_kl)
    return answer.shape == due.shape and torch.allclose(fisher @ answer, fisher @ due, rtol=1e-5, atol=1e-8)


safe_natural_step = Exercise(
    name="safe_natural_step",
    right=lambda gradient, fisher, max_kl: _scaled(_solved(gradient, fisher), fisher, max_kl),
    inputs={
        "F positive definite": (normal(generator(1), 3), positive_definite(generator(2), 3), 0.05),
        "F singular": (*_softmax(generator(3), 4), 0.013),
        "F of rank one": (torch.tensor([0.6, -1.2]).double(), torch.tensor([[0.2, -0.4], [-0.4, 0.8]]).double(), 0.02),
        "one parameter": (torch.tensor([-0.3]).double(), torch.tensor([[2.5]]).double(), 0.1),
        "g = 0": (torch.zeros(3).double(), positive_definite(generator(4), 3), 0.03),
    },
    sample=_problem,
    axes=("parameter",),
    accepts=_same_model,
    wrong={
        "your step is √2 too short: the model of the KL is ½ΔᵀFΔ. Is its ½ missing?": lambda g, F, d: _scaled(
            _solved(g, F), F, d, factor=1.0
        ),
        "did you multiply by F where you should divide by it? F x = g is to be solved for x": lambda g, F, d: _scaled(
            F @ g, F, d
        ),
        "that is the gradient step: its length is right, its direction is not. Solve F x = g first": (
            lambda g, F, d: _scaled(g, F, d)
        ),
        "that is x itself: how far along it may one go?": lambda g, F, d: _solved(g, F),
        "you measure the length with ‖x‖, as if F were the identity: it is xᵀFx that must become 2δ": (
            lambda g, F, d: math.sqrt(2 * d) * torch.nn.functional.normalize(_solved(g, F), dim=0)
        ),
        "is a square root missing? The KL grows with the square of the length": lambda g, F, d: torch.nan_to_num(
            2 * d / (_solved(g, F) @ F @ _solved(g, F)) * _solved(g, F), nan=0.0
        ),
        "you go downhill: L is to become larger": lambda g, F, d: -_scaled(_solved(g, F), F, d),
        "you added something to F's diagonal: that makes it invertible, and solves another problem": (
            lambda g, F, d: _scaled(_damped(g, F, 0.1), F, d),
            lambda g, F, d: _scaled(_damped(g, F, 0.01), F, d),
            lambda g, F, d: _scaled(_damped(g, F, 0.001), F, d),
        ),
        "for g = 0 your step is 0/0: what does the card ask for there?": _unguarded,
    },
)


# Exercise 2: gradient (P,), fisher (P, P), step (P,), eta, max_kl -> a name.
def _stationary(gradient: Tensor, slope: Tensor, eta: float) -> bool:
    scale = max(gradient.abs().max().item(), abs(eta) * slope.abs().max().item())
    return (gradient - eta * slope).abs().max().item() <= SLACK * scale


def _verdict(gradient: Tensor, fisher: Tensor, step: Tensor, eta: float, max_kl: float, **bug: float) -> str:
    half, twice, slack = bug.get("half", 0.5), bug.get("twice", 1.0), bug.get("slack", SLACK * max_kl)
    slope = fisher @ step
    kl = half * (step @ slope).item()
    if not _stationary(gradient, twice * slope, eta):
        return "stationarity"
    if kl > max_kl + slack:
        return "feasibility"
    if eta < 0:
        return "sign"
    return "slackness" if eta > 0 and abs(kl - max_kl) > slack else "solution"


def _claim(random: Generator, kind: str, max_kl: float) -> tuple:
    (size,) = sizes(random, 1, low=2, high=4)
    fisher, gradient = positive_definite(random, size), normal(random, size)
    x = torch.linalg.solve(fisher, gradient)
    eta = math.sqrt((x @ fisher @ x).item() / (2 * max_kl))
    length = {"too long": 1.3, "too short": 0.6, "long by rounding": 1 + 1e-9}.get(kind, 1.0)
    step, eta = length * x / eta, eta / length
    if kind == "gradient step":
        step = math.sqrt(2 * max_kl / (gradient @ fisher @ gradient).item()) * gradient
    if kind in ("downhill", "downhill, too long"):
        step, eta = -step * (1.5 if "," in kind else 1.0), -eta / (1.5 if "," in kind else 1.0)
    if kind == "wrong multiplier":
        eta *= 1.7
    if kind == "no gradient":
        gradient, eta, step = torch.zeros_like(gradient), 0.0, 0.5 * step
    return gradient, fisher, step, eta, max_kl


KINDS = ("solution", "long by rounding", "gradient step", "too long", "too short", "downhill", "downhill, too long")
KINDS += ("wrong multiplier", "no gradient")
DELTAS = (0.01, 10.0, 1e-7)


def _direction_alone(gradient: Tensor, fisher: Tensor, step: Tensor, eta: float, max_kl: float) -> str:
    slope = fisher @ step
    if torch.nn.functional.cosine_similarity(gradient, eta * slope, dim=0) < 1 - SLACK and gradient.any():
        return "stationarity"
    return _verdict(eta * slope, fisher, step, eta, max_kl)


def _without(name: str):
    """A judge who does not know one of the conditions."""

    def judge(*claim: object) -> str:
        found = _verdict(*claim)
        return "solution" if found == name else found

    return judge


def _slack_at_zero(gradient: Tensor, fisher: Tensor, step: Tensor, eta: float, max_kl: float) -> str:
    found = _verdict(gradient, fisher, step, eta, max_kl)
    kl = (step @ fisher @ step).item() / 2
    return "slackness" if found == "solution" and abs(kl - max_kl) > SLACK * max_kl else found


def _sign_first(*claim: object) -> str:
    found = _verdict(*claim)
    return "sign" if found == "feasibility" and claim[3] < 0 else found


def _to_the_last_digit(gradient: Tensor, fisher: Tensor, step: Tensor, eta: float, max_kl: float) -> str:
    if not torch.equal(gradient, eta * (fisher @ step)):
        return "stationarity"
    return _verdict(gradient, fisher, step, eta, max_kl, slack=0.0)


kkt_verdict = Exercise(
    name="kkt_verdict",
    right=lambda gradient, fisher, step, eta, max_kl: _verdict(gradient, fisher, step, eta, max_kl),
    inputs={
        f"{kind}, δ = {max_kl:g}": _claim(generator(10 * i + j), kind, max_kl)
        for i, kind in enumerate(KINDS)
        for j, max_kl in enumerate(DELTAS)
    },
    choices=("stationarity", "feasibility", "sign", "slackness", "solution"),
    sample=lambda random: _claim(random, KINDS[integer(random, 0, len(KINDS) - 1)], DELTAS[integer(random, 0, 2)]),
    wrong={
        "your KL is twice what it should be: is the ½ of ½ΔᵀFΔ missing?": (
            lambda g, F, s, eta, d: _verdict(g, F, s, eta, d, half=1.0)
        ),
        "your ∇c is twice what it should be: the derivative of ½ΔᵀFΔ is FΔ, the ½ is used up": (
            lambda g, F, s, eta, d: _verdict(g, F, s, eta, d, twice=2.0)
        ),
        "you compare to the last digit: a solution that a machine computed then fails": _to_the_last_digit,
        "a step that is too long by rounding alone is feasible: leave the comparison a little room": (
            lambda g, F, s, eta, d: _verdict(g, F, s, eta, d, slack=0.0)
        ),
        "your tolerance is absolute: for δ = 1e-7 everything lies within 1e-6 of it. Compare relative to δ": (
            lambda g, F, s, eta, d: _verdict(g, F, s, eta, d, slack=1e-6)
        ),
        "you test that g and FΔ are parallel: stationarity is g = ηFΔ, with this very η": _direction_alone,
        "you never answer sign: a step downhill to the boundary has η < 0": _without("sign"),
        "you never answer feasibility: a step beyond the boundary can be stationary": _without("feasibility"),
        "you never answer slackness: a step that ends inside although η > 0 leaves a gain unused": _without(
            "slackness"
        ),
        "with η = 0 the step need not touch the boundary: slackness asks for η (c − δ) = 0": _slack_at_zero,
        "the order of the card is stationarity, feasibility, sign, slackness: you test the sign earlier": _sign_first,
    },
)


# Exercise 3: log_std (d,) -> (2d, 2d).
def _blocks(mean: Tensor, log_std: Tensor) -> Tensor:
    return torch.diag(torch.cat([mean, log_std]))


def _precision(log_std: Tensor) -> Tensor:
    return (-2 * log_std).exp()


def _twos(log_std: Tensor) -> Tensor:
    return torch.full_like(log_std, 2.0)


gaussian_fisher = Exercise(
    name="gaussian_fisher",
    right=lambda log_std: _blocks(_precision(log_std), _twos(log_std)),
    inputs={
        "one dimension": (torch.tensor([-0.5]).double(),),
        "two dimensions": (torch.tensor([0.7, -1.2]).double(),),
        "three dimensions": (torch.tensor([-2.0, 0.3, 1.1]).double(),),
        "a σ near 0": (torch.tensor([-9.0, 0.4]).double(),),
    },
    sample=lambda random: (normal(random, *sizes(random, 1, low=1, high=5)) - 0.4,),
    axes=("row", "column"),
    wrong={
        "the block of μ is 1/σ: is it the standard deviation where the variance is due?": lambda s: _blocks(
            (-s).exp(), _twos(s)
        ),
        "the block of log σ is half of what it should be: what is the variance of ε² for a standard normal ε?": (
            lambda s: _blocks(_precision(s), torch.ones_like(s))
        ),
        "that is the Fisher matrix in (μ, σ): the parameter here is log σ": lambda s: _blocks(
            _precision(s), 2 * _precision(s)
        ),
        "the block of μ is σ²: that is the covariance, and the Fisher matrix is its inverse": lambda s: _blocks(
            (2 * s).exp(), _twos(s)
        ),
        "you take log σ for σ: exp is missing": lambda s: _blocks(s**-2, _twos(s)),
        "your blocks are in the other order: μ comes first": lambda s: _blocks(_twos(s), _precision(s)),
        "your parameters are interleaved, μ₁, log σ₁, μ₂ …: the card has all of μ first": lambda s: torch.diag(
            torch.stack([_precision(s), _twos(s)], -1).flatten()
        ),
        "the block of log σ is 3: that is 𝔼 ε⁴. The score is ε² − 1, and the mean must be taken off": lambda s: _blocks(
            _precision(s), 3 * torch.ones_like(s)
        ),
        "you return the diagonal as a vector: the matrix has 2d rows and 2d columns": lambda s: torch.cat(
            [_precision(s), _twos(s)]
        ),
    },
)
