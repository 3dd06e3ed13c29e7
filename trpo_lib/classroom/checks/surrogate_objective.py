"""The first exercise of notebook 01; the others stand in `walks` and `constructions`."""

import torch
from torch import Generator, Tensor
from torch.distributions import Categorical

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import extreme_logits, generator, indices, integer, normal, sizes
from trpo_lib.surrogate import importance_ratio, surrogate_objective


# logits (N, K), logits_old (N, K), actions (N,), advantages (N,) -> ().
def _batch(random: Generator, n: int, k: int) -> tuple:
    return normal(random, n, k), normal(random, n, k), indices(random, k, n), normal(random, n)


def _extreme(random: Generator) -> tuple:
    old = extreme_logits(random, 5, 3)
    return old + normal(random, 5, 3), old, indices(random, 3, 5), normal(random, 5)


def _log_probs(logits: Tensor, logits_old: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    return Categorical(logits=logits).log_prob(actions), Categorical(logits=logits_old).log_prob(actions)


def _ratio(logits: Tensor, logits_old: Tensor, actions: Tensor) -> Tensor:
    return importance_ratio(*_log_probs(logits, logits_old, actions))


def _surrogate(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    return surrogate_objective(*_log_probs(logits, logits_old, actions), advantages)


def _no_exponential(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    log_prob, log_prob_old = _log_probs(logits, logits_old, actions)
    return ((log_prob - log_prob_old) * advantages).mean()


def _logits_as_log_probs(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    rows = torch.arange(len(actions))
    return surrogate_objective(logits[rows, actions], logits_old[rows, actions], advantages)


def _every_pair(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor, *, column: bool) -> Tensor:
    ratio = (logits.log_softmax(-1) - logits_old.log_softmax(-1)).exp()[:, actions]
    return (ratio * (advantages[:, None] if column else advantages)).mean()


def _over_the_batch(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    rows = torch.arange(len(actions))
    log_ratio = logits.log_softmax(0) - logits_old.log_softmax(0)
    return (log_ratio[rows, actions].exp() * advantages).mean()


def _clipped(logits: Tensor, logits_old: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
    ratio = _ratio(logits, logits_old, actions)
    return torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages).mean()


surrogate_from_logits = Exercise(
    name="surrogate_from_logits",
    right=lambda logits, logits_old, actions, advantages: _surrogate(logits, logits_old, actions, advantages),
    inputs={
        "six samples": _batch(generator(1), 6, 4),
        "two actions": _batch(generator(2), 5, 2),
        "one sample": _batch(generator(3), 1, 3),
        "logits of ±1000": _extreme(generator(4)),
    },
    sample=lambda random: (
        _batch(random, *sizes(random, 2)) if integer(random, 0, 3) else _extreme(random)  # one in four is extreme
    ),
    wrong={
        "your ratio is upside down: which policy drew the actions, and so belongs below?": (
            lambda z, z_old, a, A: _surrogate(z_old, z, a, A)
        ),
        "the difference of logarithms is the logarithm of the ratio: is the exponential missing?": _no_exponential,
        "logits are not log-probabilities: did you skip the normalisation over actions?": _logits_as_log_probs,
        "this is mean(log π · A), without the old policy: where is the ratio?": (
            lambda z, z_old, a, A: (_log_probs(z, z_old, a)[0] * A).mean(),
            lambda z, z_old, a, A: -(_log_probs(z, z_old, a)[0] * A).mean(),
        ),
        "your result is N times too large: a mean, not a sum, over the batch?": (
            lambda z, z_old, a, A: len(a) * _surrogate(z, z_old, a, A)
        ),
        "you return one number for each sample: is the mean missing?": lambda z, z_old, a, A: _ratio(z, z_old, a) * A,
        "this is mean(r) · mean(A): do shapes (N, 1) and (N,) meet, and make (N, N)?": (
            lambda z, z_old, a, A: _ratio(z, z_old, a).mean() * A.mean()
        ),
        "logits[:, actions] has shape (N, N): sample i needs its own action, logits[i, actions[i]]": (
            lambda z, z_old, a, A: _every_pair(z, z_old, a, A, column=False),
            lambda z, z_old, a, A: _every_pair(z, z_old, a, A, column=True),
        ),
        "your softmax runs over the batch (dim 0): the probabilities of one state's actions add up to 1": (
            _over_the_batch
        ),
        "you standardise the advantages: that changes the objective's value, and no sentence of the card asks for it": (
            lambda z, z_old, a, A: (_ratio(z, z_old, a) * (A - A.mean()) / A.std()).mean(),
            lambda z, z_old, a, A: (_ratio(z, z_old, a) * (A - A.mean()) / A.std(correction=0)).mean(),
        ),
        "that is PPO's clipped objective: L lets the ratio be what it is": _clipped,
        "you return a loss, −L: the surrogate itself is what is to become large": (
            lambda z, z_old, a, A: -_surrogate(z, z_old, a, A)
        ),
    },
)
