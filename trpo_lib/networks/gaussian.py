"""The policy of continuous actions (notebook 08)."""

import math

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from trpo_lib.networks.policy import Policy


class GaussianPolicy(Policy):
    """Box of d dimensions: a mean from the network, a log standard deviation of its own for each dimension.

        z = (μ, log σ),   M = diag(1/σ², 2),   Rᵀ(d_μ, d_log σ) = (d_μ/σ, √2 d_log σ)

    The policy works in units of the box: where the bounds are finite, ±1 is mapped to them and what
    goes beyond is clipped, and in a box of integers rounded, for the environment alone. The log-probability is that
    of the action as it was drawn.
    """

    def __init__(
        self,
        observation_shape: int | tuple[int, ...],
        action_space: spaces.Box,
        initial_log_std: float = -0.5,
        **network,
    ):
        self.action_shape = action_space.shape
        self.dimensions = math.prod(action_space.shape)
        super().__init__(observation_shape, self.dimensions, **network)
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
