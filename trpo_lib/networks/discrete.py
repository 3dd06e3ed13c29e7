"""Policies that choose among finitely many actions: one number, several, or coins (notebook 07)."""

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Distribution, Independent

from trpo_lib.networks.policy import Policy

IMPOSSIBLE = -1e9  # a logit that is exp(…) = 0 in any precision, and finite, so that no NaN can arise from it


class CategoricalPolicy(Policy):
    """Discrete(n): the outputs are n logits.

    M = diag(p) − p pᵀ,   Rᵀd = √p ⊙ (d − pᵀd)
    """

    def __init__(self, observation_shape: int | tuple[int, ...], action_space: spaces.Discrete, **network):
        super().__init__(observation_shape, int(action_space.n), **network)
        self.start = int(action_space.start)

    def distribution_from(self, outputs: Tensor) -> Distribution:
        return Categorical(logits=outputs, validate_args=False)

    def whiten(self, outputs: Tensor, directions: Tensor) -> Tensor:
        p = outputs.softmax(-1)
        return p.sqrt() * (directions - (p * directions).sum(-1, keepdim=True))

    def sample(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.multinomial(outputs.softmax(-1), 1, generator=generator).squeeze(-1)

    def to_env(self, actions: Tensor) -> np.ndarray:
        return actions.cpu().numpy() + self.start


class MultiCategoricalPolicy(Policy):
    """MultiDiscrete([n_1 … n_D]): D independent categoricals, the outputs their logits one after the other.

    Inside, the logits stand in a `(B, D, max n)` table whose surplus entries have probability zero.
    """

    def __init__(self, observation_shape: int | tuple[int, ...], action_space: spaces.MultiDiscrete, **network):
        if action_space.nvec.ndim != 1:
            raise ValueError(f"MultiDiscrete must have one axis, got nvec of shape {action_space.nvec.shape}.")
        super().__init__(observation_shape, int(action_space.nvec.sum()), **network)
        self.start = action_space.start
        width = torch.arange(int(action_space.nvec.max()))
        self.register_buffer("possible", width < torch.as_tensor(action_space.nvec)[:, None])
        # As numbers, known beforehand: an accelerator would have to count a mask before it can select with it.
        self.register_buffer("columns", self.possible.flatten().nonzero().squeeze(-1), persistent=False)

    def _table(self, outputs: Tensor, fill: float) -> Tensor:
        table = outputs.new_full((len(outputs), *self.possible.shape), fill)
        return table.masked_scatter(self.possible, outputs)

    def distribution_from(self, outputs: Tensor) -> Distribution:
        logits = self._table(outputs, IMPOSSIBLE)
        return Independent(Categorical(logits=logits, validate_args=False), 1, validate_args=False)

    def whiten(self, outputs: Tensor, directions: Tensor) -> Tensor:
        p, d = self._table(outputs, IMPOSSIBLE).softmax(-1), self._table(directions, 0.0)
        return (p.sqrt() * (d - (p * d).sum(-1, keepdim=True))).flatten(1).index_select(1, self.columns)

    def sample(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        p = self._table(outputs, IMPOSSIBLE).softmax(-1)
        return torch.multinomial(p.flatten(0, 1), 1, generator=generator).view(p.shape[:2])

    def to_env(self, actions: Tensor) -> np.ndarray:
        return actions.cpu().numpy() + self.start


class BernoulliPolicy(Policy):
    """MultiBinary(n): n independent coins, the outputs their logits.

    M = diag(p (1 − p)),   Rᵀd = √(p (1 − p)) ⊙ d
    """

    def __init__(self, observation_shape: int | tuple[int, ...], action_space: spaces.MultiBinary, **network):
        if len(action_space.shape) != 1:
            raise ValueError(f"MultiBinary must have one axis, got shape {action_space.shape}.")
        super().__init__(observation_shape, int(action_space.n), **network)

    def distribution_from(self, outputs: Tensor) -> Distribution:
        return Independent(Bernoulli(logits=outputs, validate_args=False), 1, validate_args=False)

    def whiten(self, outputs: Tensor, directions: Tensor) -> Tensor:
        return (outputs.sigmoid() * (-outputs).sigmoid()).sqrt() * directions

    def sample(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.bernoulli(outputs.sigmoid(), generator=generator)

    def mode(self, outputs: Tensor) -> Tensor:
        return (outputs > 0).to(outputs.dtype)

    def to_env(self, actions: Tensor) -> np.ndarray:
        return actions.cpu().numpy().astype(np.int8)
