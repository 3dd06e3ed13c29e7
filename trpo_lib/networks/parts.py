"""The two parts that policy and critic share: a multilayer perceptron and the normaliser before it."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}


def mlp(inputs: int, hidden_sizes: Sequence[int], outputs: int, activation: str, output_gain: float) -> nn.Sequential:
    """A multilayer perceptron with orthogonal weights and zero biases (Saxe et al. 2014).

    Args:
        inputs, hidden_sizes, outputs: layer widths.
        activation: "tanh" or "relu", after every hidden layer.
        output_gain: scale of the last layer's weights.

    Raises:
        ValueError: an unknown activation.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, got {activation!r}.")
    layers: list[nn.Module] = []
    for width_in, width_out in itertools.pairwise([inputs, *hidden_sizes, outputs]):
        layers += [nn.Linear(width_in, width_out), ACTIVATIONS[activation]()]
    layers.pop()  # no activation after the last layer
    for layer in layers[::2]:
        gain = output_gain if layer is layers[-1] else math.sqrt(2)
        nn.init.orthogonal_(layer.weight, gain)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


class Normalizer(nn.Module):
    """Shift and scale to mean 0 and standard deviation 1, with statistics of all that `update` was shown.

    It changes only when `update` is called, never while it is applied: a normaliser that moves between
    acting and learning makes π_old a different policy from the one that acted.

    Args:
        size: numbers in one observation.
        clip: results are limited to ±clip standard deviations.
    """

    def __init__(self, size: int, clip: float = 10.0):
        super().__init__()
        self.clip = clip
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    def forward(self, observations: Tensor) -> Tensor:
        """(observations − mean) / std, clipped; as they are before the first `update`."""
        if not self.count:
            return observations
        return ((observations - self.mean) / self.std).clamp(-self.clip, self.clip)

    @torch.no_grad()
    def update(self, observations: Tensor) -> None:
        """Take a batch `(B, size)` into the statistics (Chan et al. 1979, the parallel variance)."""
        share = len(observations) / (self.count + len(observations))  # of the batch in all that was seen
        batch_mean, batch_variance = observations.mean(0), observations.var(0, correction=0)
        difference = batch_mean - self.mean
        self.variance += share * (batch_variance - self.variance) + share * (1 - share) * difference**2
        self.mean += share * difference
        rounding = 10 * torch.finfo(self.mean.dtype).eps * self.mean.abs()
        std = self.variance.sqrt()
        self.std.copy_(torch.where(std > rounding, std, 1.0))  # a constant has no scale
        self.count += len(observations)
