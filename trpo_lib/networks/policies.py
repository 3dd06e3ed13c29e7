"""One policy class per action space: all that differs between discrete and continuous control (notebooks 07, 08)."""

from collections.abc import Sequence

from gymnasium import spaces
from torch import nn

from trpo_lib import _validate
from trpo_lib.networks.discrete import BernoulliPolicy, CategoricalPolicy, MultiCategoricalPolicy
from trpo_lib.networks.gaussian import GaussianPolicy
from trpo_lib.networks.policy import Policy

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
    network: nn.Module | None = None,
) -> Policy:
    """The policy for an environment's spaces.

    Args:
        observation_space: a `Box` with one axis (`single_observation_space` of a vector environment); with any number
            of axes where a network of your own takes them.
        action_space: `Discrete`, `Box`, `MultiDiscrete` or `MultiBinary`.
        hidden_sizes: width of each hidden layer; `()` is a linear policy.
        activation: "tanh" or "relu".
        initial_log_std: of a Gaussian policy, in units of half the box's width; the other policies have none.
        network: your own in place of the perceptron, from observations `(B, …)` to as many outputs `(B, K)` as there
            are logits, or means of a Gaussian policy; see `Policy`.

    Raises:
        TypeError: a space of another kind.
    """
    box = isinstance(observation_space, spaces.Box)
    if not box or (len(observation_space.shape) != 1 and network is None):
        raise TypeError(
            f"observation_space must be a Box with one axis, got {observation_space}. Wrap the environment in "
            "gymnasium.wrappers.FlattenObservation" + ("." if not box else ", or bring a network that takes it.")
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
    options |= {"hidden_sizes": hidden_sizes, "activation": activation, "network": network}
    return POLICIES[type(action_space)](observation_space.shape, action_space, **options)
