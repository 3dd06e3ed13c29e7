"""Policies: a network whose outputs parametrise a torch Distribution, one class per action space (notebooks 07, 08).

Everything that differs between discrete and continuous control is in this file.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.distributions import Bernoulli, Categorical, Distribution, Independent, Normal
from torch.func import functional_call

from trpo_lib import _validate
from trpo_lib.networks import Normalizer, mlp

IMPOSSIBLE = -1e9  # a logit that is exp(…) = 0 in any precision, and finite, so that no NaN can arise from it


class Policy(nn.Module, ABC):
    """A stochastic policy: observations → outputs z `(B, K)` → a distribution over actions with batch shape `(B,)`.

    Args:
        observation_size: numbers in one observation.
        output_size: K, numbers that the network puts out.
        hidden_sizes: width of each hidden layer; `()` is a linear policy.
        activation: "tanh" or "relu".
        output_gain: scale of the last layer's initial weights; small, so that the first policy is near uniform.
    """

    def __init__(
        self,
        observation_size: int,
        output_size: int,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: str = "tanh",
        output_gain: float = 0.01,
    ):
        super().__init__()
        self.normalizer = Normalizer(observation_size)
        self.network = mlp(observation_size, hidden_sizes, output_size, activation, output_gain)

    def forward(self, observations: Tensor) -> Tensor:
        """The outputs z, `(B, K)`, for observations `(B, observation_size)`."""
        _validate.rows("observations", observations, self.normalizer.mean.numel())
        return self.network(self.normalizer(observations))

    def outputs_at(self, theta: Tensor, observations: Tensor) -> Tensor:
        """The outputs that the parameters `theta` `(P,)` would give; the policy itself is not touched."""
        _validate.vector("theta", theta, sum(parameter.numel() for parameter in self.parameters()))
        names, parameters = zip(*self.named_parameters(), strict=True)
        blocks = theta.split([parameter.numel() for parameter in parameters])
        shaped = [block.view_as(parameter) for block, parameter in zip(blocks, parameters, strict=True)]
        return functional_call(self, dict(zip(names, shaped, strict=True)), observations)

    def distribution(self, observations: Tensor) -> Distribution:
        """π_θ(·|s) for each row of `observations`, `(B, observation_size)`."""
        return self.distribution_from(self(observations))

    @abstractmethod
    def distribution_from(self, outputs: Tensor) -> Distribution:
        """The distribution with batch shape `(B,)` that the outputs `(B, K)` parametrise."""

    @abstractmethod
    def whiten(self, outputs: Tensor, directions: Tensor) -> Tensor:
        """Rᵀ·directions, `(B, K)`, where R Rᵀ is the Hessian of the KL in the outputs, taken at `outputs`.

        So KL(z ‖ z + d) ≈ ½ |Rᵀd|², and E[score scoreᵀ] = R Rᵀ. Linear in `directions`.
        """

    @abstractmethod
    def sample(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Actions drawn from the policy, `(B, …)`; reproducible through `generator`."""

    def mode(self, outputs: Tensor) -> Tensor:
        """The most likely actions, `(B, …)`."""
        return self.distribution_from(outputs).mode

    def to_env(self, actions: Tensor) -> np.ndarray:
        """Actions as the environment expects them."""
        return actions.cpu().numpy()


class CategoricalPolicy(Policy):
    """Discrete(n): the outputs are n logits.

    M = diag(p) − p pᵀ,   Rᵀd = √p ⊙ (d − pᵀd)
    """

    def __init__(self, observation_size: int, action_space: spaces.Discrete, **network):
        super().__init__(observation_size, int(action_space.n), **network)
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

    def __init__(self, observation_size: int, action_space: spaces.MultiDiscrete, **network):
        if action_space.nvec.ndim != 1:
            raise ValueError(f"MultiDiscrete must have one axis, got nvec of shape {action_space.nvec.shape}.")
        super().__init__(observation_size, int(action_space.nvec.sum()), **network)
        self.start = action_space.start
        width = torch.arange(int(action_space.nvec.max()))
        self.register_buffer("possible", width < torch.as_tensor(action_space.nvec)[:, None])

    def _table(self, outputs: Tensor, fill: float) -> Tensor:
        table = outputs.new_full((len(outputs), *self.possible.shape), fill)
        return table.masked_scatter(self.possible, outputs)

    def distribution_from(self, outputs: Tensor) -> Distribution:
        logits = self._table(outputs, IMPOSSIBLE)
        return Independent(Categorical(logits=logits, validate_args=False), 1, validate_args=False)

    def whiten(self, outputs: Tensor, directions: Tensor) -> Tensor:
        p, d = self._table(outputs, IMPOSSIBLE).softmax(-1), self._table(directions, 0.0)
        return (p.sqrt() * (d - (p * d).sum(-1, keepdim=True)))[:, self.possible]

    def sample(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        p = self._table(outputs, IMPOSSIBLE).softmax(-1)
        return torch.multinomial(p.flatten(0, 1), 1, generator=generator).view(p.shape[:2])

    def to_env(self, actions: Tensor) -> np.ndarray:
        return actions.cpu().numpy() + self.start


class BernoulliPolicy(Policy):
    """MultiBinary(n): n independent coins, the outputs their logits.

    M = diag(p (1 − p)),   Rᵀd = √(p (1 − p)) ⊙ d
    """

    def __init__(self, observation_size: int, action_space: spaces.MultiBinary, **network):
        if len(action_space.shape) != 1:
            raise ValueError(f"MultiBinary must have one axis, got shape {action_space.shape}.")
        super().__init__(observation_size, int(action_space.n), **network)

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


class GaussianPolicy(Policy):
    """Box of d dimensions: a mean from the network, a log standard deviation of its own for each dimension.

        z = (μ, log σ),   M = diag(1/σ², 2),   Rᵀ(d_μ, d_log σ) = (d_μ/σ, √2 d_log σ)

    The policy works in units of the box: where the bounds are finite, ±1 is mapped to them and what
    goes beyond is clipped, and in a box of integers rounded, for the environment alone. The log-probability is that
    of the action as it was drawn.
    """

    def __init__(self, observation_size: int, action_space: spaces.Box, initial_log_std: float = -0.5, **network):
        self.action_shape = action_space.shape
        self.dimensions = math.prod(action_space.shape)
        super().__init__(observation_size, self.dimensions, **network)
        self.log_std = nn.Parameter(torch.full((self.dimensions,), float(initial_log_std)))
        self.low, self.high = (np.asarray(bound, dtype=np.float64) for bound in (action_space.low, action_space.high))
        bounded = np.isfinite(self.low) & np.isfinite(self.high)
        self.scale, self.shift = np.ones(self.action_shape), np.zeros(self.action_shape)
        self.scale[bounded] = (self.high[bounded] - self.low[bounded]) / 2
        self.shift[bounded] = (self.high[bounded] + self.low[bounded]) / 2
        self.action_dtype = action_space.dtype

    def forward(self, observations: Tensor) -> Tensor:
        mean = super().forward(observations)
        return torch.cat([mean, self.log_std.expand_as(mean)], dim=-1)

    def distribution_from(self, outputs: Tensor) -> Distribution:
        mean, log_std = outputs.chunk(2, dim=-1)
        return Independent(Normal(mean, log_std.exp(), validate_args=False), 1, validate_args=False)

    def whiten(self, outputs: Tensor, directions: Tensor) -> Tensor:
        # Whole rows: to take the halves apart and put them together again would cost 7 % of a product F v.
        log_std = outputs[..., self.dimensions :]
        one = torch.ones_like(log_std)
        return directions / torch.cat([log_std.exp(), one], dim=-1) * torch.cat([one, math.sqrt(2) * one], dim=-1)

    def sample(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        mean, log_std = outputs.chunk(2, dim=-1)
        # torch.normal does the same, and looks first whether any σ is negative: half of its time
        return torch.empty_like(mean).normal_(generator=generator).mul_(log_std.exp()).add_(mean)

    def mode(self, outputs: Tensor) -> Tensor:
        return outputs[..., : self.dimensions]

    def to_env(self, actions: Tensor) -> np.ndarray:
        boxed = actions.cpu().numpy().reshape(-1, *self.action_shape) * self.scale + self.shift
        boxed = boxed.clip(self.low, self.high)
        return (np.rint(boxed) if self.action_dtype.kind in "iu" else boxed).astype(self.action_dtype)


POLICIES: dict[type[spaces.Space], type[Policy]] = {
    spaces.Discrete: CategoricalPolicy,
    spaces.Box: GaussianPolicy,
    spaces.MultiDiscrete: MultiCategoricalPolicy,
    spaces.MultiBinary: BernoulliPolicy,
}


def make_policy(
    observation_space: spaces.Space,
    action_space: spaces.Space,
    *,
    hidden_sizes: Sequence[int] = (64, 64),
    activation: str = "tanh",
    initial_log_std: float = -0.5,
) -> Policy:
    """The policy for an environment's spaces.

    Args:
        observation_space: a `Box` with one axis (`single_observation_space` of a vector environment).
        action_space: `Discrete`, `Box`, `MultiDiscrete` or `MultiBinary`.
        hidden_sizes: width of each hidden layer; `()` is a linear policy.
        activation: "tanh" or "relu".
        initial_log_std: of a Gaussian policy, in units of half the box's width; the other policies have none.

    Raises:
        TypeError: a space of another kind.
    """
    if not (isinstance(observation_space, spaces.Box) and len(observation_space.shape) == 1):
        raise TypeError(
            f"observation_space must be a Box with one axis, got {observation_space}. "
            "Wrap the environment in gymnasium.wrappers.FlattenObservation."
        )
    hidden_sizes = _validate.sizes("hidden_sizes", hidden_sizes)
    _validate.number("initial_log_std", initial_log_std)
    if type(action_space) not in POLICIES:
        names = ", ".join(space.__name__ for space in POLICIES)
        raise TypeError(
            f"action_space must be one of {names}, got {action_space}. "
            "Wrap the environment so that its actions are flat: gymnasium.ActionWrapper."
        )
    options = {"initial_log_std": initial_log_std} if isinstance(action_space, spaces.Box) else {}
    policy = POLICIES[type(action_space)]
    return policy(observation_space.shape[0], action_space, hidden_sizes=hidden_sizes, activation=activation, **options)
