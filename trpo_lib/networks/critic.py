"""The critic: a value function V(s), and how it is fitted (notebook 07)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trpo_lib import _validate
from trpo_lib.networks.own import on_rows, require_function
from trpo_lib.networks.parts import Normalizer, perceptron


class Critic(nn.Module):
    """V(s) = mean + std · network(s), with the mean and standard deviation of the returns seen so far.

    The network then always works at scale one, whatever the environment's rewards. When the statistics move,
    the last layer is rescaled so that V stays the same function (PopArt: van Hasselt et al. 2016).

    Args:
        observation_shape: of one observation, or the number of numbers in it.
        normalizer: the policy's; shared, so that both see the same numbers.
        hidden_sizes, activation: as for the policy.
        network: one's own, from observations `(B, *observation_shape)` to `(B, 1)`. If it is no `nn.Sequential` that
            ends in an `nn.Linear` with a bias, a linear layer from one number to one is put behind it to be rescaled.
    """

    def __init__(
        self,
        observation_shape: int | tuple[int, ...],
        normalizer: Normalizer | None = None,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: str = "tanh",
        network: nn.Module | None = None,
    ):
        observation_shape = _validate.shape("observation_shape", observation_shape)
        hidden_sizes = _validate.sizes("hidden_sizes", hidden_sizes)
        super().__init__()
        self.normalizer = normalizer or Normalizer(observation_shape)
        self.returns = Normalizer(1)
        if network is None:
            self.network = perceptron(observation_shape, hidden_sizes, 1, activation, 0.01)
        else:
            require_function("network", network)
            self.network = with_last_layer(network)

    def forward(self, observations: Tensor) -> Tensor:
        """V(s), `(...)`, for observations `(..., *observation_shape)`."""
        shape = self.normalizer.mean.shape
        _validate.rows("observations", observations, shape)
        scaled = on_rows(self.network, self.normalizer(observations), shape)
        _validate.rows("outputs of the critic's network", scaled, (1,))
        return self.returns.mean + self.returns.std * scaled.squeeze(-1)

    @torch.no_grad()
    def rescale(self, targets: Tensor) -> None:
        """Take `targets` `(B,)` into the statistics of the returns, and leave V as it is.

        The first targets alone move V: the new network knows nothing that is worth keeping, only its own scale.
        """
        knows_nothing = self.returns.count == 0
        old_mean, old_std = self.returns.mean.clone(), self.returns.std.clone()
        self.returns.update(targets[:, None])
        if knows_nothing:
            return
        last = self.network[-1]
        last.weight.mul_(old_std / self.returns.std)
        last.bias.mul_(old_std).add_(old_mean - self.returns.mean).div_(self.returns.std)


def with_last_layer(network: nn.Module) -> nn.Sequential:
    """The network as one that ends in a linear layer with a bias, which can be rescaled exactly."""
    last = network[-1] if isinstance(network, nn.Sequential) and len(network) else None
    if isinstance(last, nn.Linear) and last.bias is not None:
        return network
    identity = nn.Linear(1, 1)
    nn.init.ones_(identity.weight)
    nn.init.zeros_(identity.bias)
    return nn.Sequential(network, identity)


def fit_critic(
    critic: Critic,
    optimizer: torch.optim.Optimizer,
    observations: Tensor,
    targets: Tensor,
    *,
    epochs: int,
    minibatch_size: int,
    generator: torch.Generator | None = None,
) -> float:
    """Regress V on the targets by minibatch gradient descent.

        minimise  mean_t ((V(s_t) − target_t) / std)²

    Args:
        critic: fitted in place.
        optimizer: over the critic's parameters.
        observations: `(B, …)`.
        targets: advantage + V(s_t) as it was before the fit: the λ-return, `(B,)`.
        epochs: passes over the batch.
        minibatch_size: transitions in one gradient step.
        generator: of the shuffling.

    Returns:
        The mean loss of the last epoch, in units of the returns' variance.

    Raises:
        ValueError: shapes do not fit, a number is not finite, or a setting makes no sense.
    """
    _validate.instance("critic", critic, Critic, "a Critic")
    _validate.finite(observations=observations, targets=targets)
    _validate.not_empty("targets", targets)
    _validate.count("epochs", epochs, minimum=0)
    _validate.count("minibatch_size", minibatch_size)
    if targets.ndim != 1 or observations.ndim != 1 + critic.normalizer.mean.ndim or len(observations) != len(targets):
        raise ValueError(
            f"observations (B, …) and targets (B,) must agree in B, got {tuple(observations.shape)} "
            f"and {tuple(targets.shape)}."
        )
    critic.rescale(targets)
    with torch.no_grad():
        inputs = critic.normalizer(observations)
        outputs = (targets[:, None] - critic.returns.mean) / critic.returns.std
    parameters = [parameter for parameter in critic.network.parameters() if parameter.requires_grad]
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(targets), generator=generator, device=targets.device)
        losses = []
        for x, y in zip(inputs[order].split(minibatch_size), outputs[order].split(minibatch_size), strict=True):
            loss = nn.functional.mse_loss(critic.network(x), y)
            for parameter, gradient in zip(
                parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True
            ):
                parameter.grad = gradient  # as zero_grad and backward would, 5 % faster
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses).mean().item() if losses else 0.0


def explained_variance(values: Tensor, targets: Tensor) -> float:
    """1 − Var[targets − values] / Var[targets]: 1 is a perfect critic, 0 no better than a constant, below 0 worse."""
    _validate.same_shape(values=values, targets=targets)
    _validate.finite(values=values, targets=targets)
    _validate.not_empty("values", values)
    variance = targets.var(correction=0)
    return (1 - (targets - values).var(correction=0) / variance).item() if variance > 0 else 0.0
