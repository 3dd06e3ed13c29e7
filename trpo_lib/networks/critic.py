"""The critic: a value function V(s), and how it is fitted (notebook 07)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trpo_lib import _validate
from trpo_lib.networks.parts import Normalizer, mlp


class Critic(nn.Module):
    """V(s) = mean + std · network(s), with the mean and standard deviation of the returns seen so far.

    The network then always works at scale one, whatever the environment's rewards. When the statistics move,
    the last layer is rescaled so that V stays the same function (PopArt: van Hasselt et al. 2016).

    Args:
        observation_size: numbers in one observation.
        normalizer: the policy's; shared, so that both see the same numbers.
        hidden_sizes, activation: as for the policy.
    """

    def __init__(
        self,
        observation_size: int,
        normalizer: Normalizer | None = None,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: str = "tanh",
    ):
        _validate.count("observation_size", observation_size)
        hidden_sizes = _validate.sizes("hidden_sizes", hidden_sizes)
        super().__init__()
        self.normalizer = normalizer or Normalizer(observation_size)
        self.returns = Normalizer(1)
        self.network = mlp(observation_size, hidden_sizes, 1, activation, output_gain=0.01)

    def forward(self, observations: Tensor) -> Tensor:
        """V(s), `(...)`, for observations `(..., observation_size)`."""
        _validate.rows("observations", observations, self.normalizer.mean.numel())
        scaled = self.network(self.normalizer(observations)).squeeze(-1)
        return self.returns.mean + self.returns.std * scaled

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
        observations: `(B, observation_size)`.
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
    if observations.shape[:-1] != targets.shape or targets.ndim != 1:
        raise ValueError(
            f"observations (B, n) and targets (B,) must agree in B, got {tuple(observations.shape)} "
            f"and {tuple(targets.shape)}."
        )
    critic.rescale(targets)
    with torch.no_grad():
        inputs = critic.normalizer(observations)
        outputs = (targets[:, None] - critic.returns.mean) / critic.returns.std
    parameters = list(critic.network.parameters())
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(targets), generator=generator, device=targets.device)
        losses = []
        for x, y in zip(inputs[order].split(minibatch_size), outputs[order].split(minibatch_size), strict=True):
            loss = nn.functional.mse_loss(critic.network(x), y)
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
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
