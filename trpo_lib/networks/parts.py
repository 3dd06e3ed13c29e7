"""The two parts that policy and critic share: a multilayer perceptron and the normaliser before it."""

import itertools
import math
from collections.abc import Iterable, Sequence

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


def perceptron(shape: tuple[int, ...], *arguments) -> nn.Sequential:
    """`mlp` for observations of any shape: what is not flat is laid out in one row first."""
    layers = mlp(math.prod(shape), *arguments)
    return layers if len(shape) == 1 else nn.Sequential(nn.Flatten(), *layers)


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """Tensors of any shape end to end, `(P,)`."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


class Normalizer(nn.Module):
    """Shift and scale to mean 0 and standard deviation 1, with statistics of all that `update` was shown.

    It changes only when `update` is called, never while it is applied: a normaliser that moves between
    acting and learning makes π_old a different policy from the one that acted.

    Args:
        shape: of one observation, or their number where they are in one row.
        clip: results are limited to ±clip standard deviations.
    """

    def __init__(self, shape: int | tuple[int, ...], clip: float = 10.0):
        super().__init__()
        self.clip = clip
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    def _apply(self, function, *arguments, **keywords):
        """Whatever moves or converts the module leaves `count` on the host, in float64.

        Python asks it for a decision at every step, which would have to wait for an accelerator, and some accelerators
        have no float64.
        """
        count = self._buffers.pop("count")
        super()._apply(function, *arguments, **keywords)
        self._buffers["count"] = count
        return self

    def forward(self, observations: Tensor) -> Tensor:
        """(observations − mean) / std, clipped; as they are before the first `update`."""
        if not self.count:
            return observations
        return ((observations - self.mean) / self.std).clamp(-self.clip, self.clip)

    @torch.no_grad()
    def update(self, observations: Tensor) -> None:
        """Take a batch `(B, *shape)` into the statistics (Chan et al. 1979, the parallel variance)."""
        one = 1 / (self.count.item() + len(observations))  # the share of one observation in all that was seen
        share = len(observations) * one
        batch_mean, batch_variance = observations.mean(0), observations.var(0, correction=0)
        difference = batch_mean - self.mean
        self.variance += share * (batch_variance - self.variance) + share * (1 - share) * difference**2
        self.mean += share * difference
        rounding = 10 * torch.finfo(self.mean.dtype).eps * self.mean.abs()
        std = self.variance.sqrt()
        self.std.copy_(torch.where(std > rounding, std, 1.0))  # a constant has no scale
        self.count += len(observations)
