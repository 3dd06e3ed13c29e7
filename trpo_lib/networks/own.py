"""What a network of one's own must be: a function of one observation, the same whenever it is asked (notebook 08)."""

import torch
from torch import Tensor, nn

from trpo_lib import _validate

REMEMBERS = (nn.RNNBase, nn.RNNCellBase)
DROPS = nn.modules.dropout._DropoutNd
MIXES = nn.modules.batchnorm._BatchNorm
# Outputs that are the same but for rounding differ by far less, those of another function by far more.
SHARE, LEAST = 0.05, 1e-5


def require_function(name: str, network: nn.Module) -> None:
    """Refuse a module with a part of which torch says that it is no function of one observation.

    Raises:
        TypeError: not a module, or a recurrent one.
        ValueError: dropout or batch normalisation that is not in evaluation mode, or parameters without a shape.
    """
    _validate.instance(name, network, nn.Module, "a torch module (nn.Module)")
    for place, part in network.named_modules():
        which = f"{name} must be a function of one observation, got {type(part).__name__}" + (place and f" at {place}")
        if isinstance(part, REMEMBERS):
            raise TypeError(
                f"{which}: it remembers, and a batch has lost the order of its steps. Put the last few observations "
                "into one instead: gymnasium.wrappers.FrameStackObservation."
            )
        if isinstance(part, DROPS) and part.training:
            raise ValueError(
                f"{which}: what it drops is drawn anew at each call, so the policy that is improved would not be the "
                "one that acted. Leave it out, or call eval() on it."
            )
        if isinstance(part, MIXES) and part.training:
            raise ValueError(
                f"{which}: what it returns for one observation depends on the others in the batch, so the policy that "
                "is improved would not be the one that acted. Take nn.LayerNorm or nn.GroupNorm, or call eval() on it."
            )
    if any(nn.parameter.is_lazy(parameter) for parameter in network.parameters()):
        raise ValueError(f"{name} must know the shapes of its parameters: call it once before, on a few observations.")


@torch.no_grad()
def require_same_answer(name: str, network: nn.Module, observations: Tensor) -> Tensor:
    """The network's outputs for `(B, …)`, refused where another call, or a call with one observation, gives others.

    Raises:
        ValueError: it draws, remembers, or mixes the observations of a batch, by whatever means.
    """
    with torch.random.fork_rng(devices=[]):
        outputs, again, alone = network(observations), network(observations), network(observations[:1])
    if outputs.shape[:1] != observations.shape[:1]:
        raise ValueError(f"{name} must return a row for each of {len(observations)} observations, got {outputs.shape}.")
    allowed = SHARE * outputs.abs().amax(0) + LEAST
    if not ((outputs - again).abs() <= allowed).all():
        raise ValueError(f"{name} must be a function, but two calls with the same observations gave other outputs.")
    if not ((outputs[:1] - alone).abs() <= allowed).all():
        raise ValueError(
            f"{name} must be a function of one observation, but its outputs for the first of {len(observations)} "
            "change with the others: does it normalise over the batch?"
        )
    return outputs


def on_rows(network: nn.Module, observations: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The outputs for observations `(…, *shape)`; the network sees them as `(B, *shape)`."""
    leading = observations.shape[: observations.ndim - len(shape)]
    outputs = network(observations.reshape(-1, *shape))
    return outputs.reshape(*leading, *outputs.shape[1:])
