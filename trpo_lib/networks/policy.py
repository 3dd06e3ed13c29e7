"""What every policy is: a network whose outputs parametrise a torch Distribution (notebooks 07, 08)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.func import functional_call

from trpo_lib import _validate
from trpo_lib.networks.own import require_function
from trpo_lib.networks.parts import Normalizer, perceptron


class Policy(nn.Module, ABC):
    """A stochastic policy: observations → outputs z `(B, K)` → a distribution over actions with batch shape `(B,)`.

    Args:
        observation_shape: of one observation, or the number of numbers in it.
        output_size: K, numbers that the network puts out.
        hidden_sizes: width of each hidden layer; `()` is a linear policy.
        activation: "tanh" or "relu".
        output_gain: scale of the last layer's initial weights; small, so that the first policy is near uniform.
        network: one's own in place of the perceptron that these three describe, from observations
            `(B, *observation_shape)` to `(B, output_size)`: any module that is a function of one observation.
            It sees them normalised, unless `normalize_observations` is off.
    """

    def __init__(
        self,
        observation_shape: int | tuple[int, ...],
        output_size: int,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: str = "tanh",
        output_gain: float = 0.01,
        network: nn.Module | None = None,
    ):
        super().__init__()
        observation_shape = _validate.shape("observation_shape", observation_shape)
        self.normalizer, self.output_size = Normalizer(observation_shape), output_size
        if network is None:
            network = perceptron(observation_shape, hidden_sizes, output_size, activation, output_gain)
        else:
            require_function("network", network)
        self.network = network

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Of one observation."""
        return tuple(self.normalizer.mean.shape)

    def forward(self, observations: Tensor) -> Tensor:
        """The outputs z, `(B, K)`, for observations `(B, *observation_shape)`."""
        _validate.rows("observations", observations, self.normalizer.mean.shape)
        outputs = self.network(self.normalizer(observations))
        _validate.rows("outputs of the policy's network", outputs, (self.output_size,))
        return outputs

    def trained_parameters(self) -> list[nn.Parameter]:
        """Those that make up θ `(P,)`: all but the frozen ones, which do not ask for a gradient."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def outputs_at(self, theta: Tensor, observations: Tensor) -> Tensor:
        """The outputs that the parameters `theta` `(P,)` would give; the policy itself is not touched."""
        trained = [(name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad]
        names, parameters = zip(*trained, strict=True)
        _validate.vector("theta", theta, sum(parameter.numel() for parameter in parameters))
        blocks = theta.split([parameter.numel() for parameter in parameters])
        shaped = [block.view_as(parameter) for block, parameter in zip(blocks, parameters, strict=True)]
        return functional_call(self, dict(zip(names, shaped, strict=True)), observations)

    def distribution(self, observations: Tensor) -> Distribution:
        """π_θ(·|s) for each row of `observations`, `(B, *observation_shape)`."""
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
