"""The networks of an agent: made as its settings say, or brought along."""

import torch
from gymnasium.vector import VectorEnv
from torch import nn

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.experience.cursor import Cursor
from trpo_lib.networks.critic import Critic
from trpo_lib.networks.own import require_function, require_same_answer
from trpo_lib.networks.policies import make_policy
from trpo_lib.networks.policy import Policy


class Building:
    """Make and take networks; the part of an `Agent` that knows what it asks of them."""

    policy: Policy
    critic: Critic
    config: TRPOConfig
    envs: VectorEnv
    cursor: Cursor
    device: torch.device

    def build_networks(self, policy: nn.Module | None, critic: nn.Module | None) -> None:
        """Make what was not brought along of policy and critic; torch's generator has been seeded.

        Args:
            policy, critic: a `Policy` and a `Critic`, or a network for one, or None.
        """
        config, envs = self.config, self.envs
        settings = {"hidden_sizes": config.hidden_sizes, "activation": config.activation}
        spaces = envs.single_observation_space, envs.single_action_space
        if not isinstance(policy, Policy):
            policy = make_policy(*spaces, initial_log_std=config.initial_log_std, network=policy, **settings)
        if not isinstance(critic, Critic):
            critic = Critic(spaces[0].shape, policy.normalizer, network=critic, **settings)
        self.take_networks(policy, critic)

    def take_networks(self, policy: Policy, critic: Critic) -> None:
        """Act and learn with these two from now on, with one normaliser and a new optimizer.

        Both are brought to the agent's device and to torch's default dtype.

        Raises:
            TypeError, ValueError: they do not fit the environments, or are no functions of one observation, or share
                parameters: the critic's fit would move the policy, and no trust region would limit that.
        """
        critic.normalizer = policy.normalizer
        for name, network in (("policy", policy), ("critic", critic)):
            require_function(name, network)
            self._require_fit(name, network.to(self.device, torch.get_default_dtype()))
        if not policy.trained_parameters():
            raise ValueError("policy must have a parameter that asks for a gradient, got none: it could not learn.")
        if set(map(id, policy.parameters())) & set(map(id, critic.parameters())):
            raise ValueError(
                "policy and critic must not share parameters: fitting the critic would move the policy, outside of "
                "its trust region. Give each a network of its own: copy.deepcopy."
            )
        self.policy, self.critic, self.optimizer = policy, critic, self.make_optimizer(critic)

    def make_optimizer(self, critic: Critic) -> torch.optim.Optimizer:
        """Of the critic."""
        return torch.optim.Adam(critic.parameters(), lr=self.config.critic_learning_rate, fused=True)

    def _require_fit(self, name: str, network: Policy | Critic) -> None:
        shape, own = tuple(network.normalizer.mean.shape), self.envs.single_observation_space.shape
        if shape != own:
            raise ValueError(f"{name} must take the environments' observations, of shape {own}, but it takes {shape}.")
        like = network.normalizer.mean
        observations = torch.as_tensor(self.cursor.observations, dtype=like.dtype, device=like.device)
        outputs = require_same_answer(name, network, observations)
        if name == "policy":
            actions, wanted = network.to_env(network.mode(outputs)), self.envs.single_action_space.shape
            if actions.shape[1:] != wanted:
                raise ValueError(f"policy must give actions of shape {wanted}, but its have {actions.shape[1:]}.")


def wants_rows(policy: nn.Module | None) -> bool:
    """Whether observations are to be laid out in one row; a network of one's own sees them as they are."""
    return policy is None or (isinstance(policy, Policy) and len(policy.observation_shape) == 1)
