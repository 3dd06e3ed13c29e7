"""`TRPO` with single habits of the textbook agent put back, each by the smallest change (notebooks 07 and 08).

A rung of the ladders takes one of them away, or changes settings. `agent_with` puts several into one class.
"""

import dataclasses

import torch

from trpo_lib.classroom.ablations import DampedLength, TimeLimitIsDeath
from trpo_lib.classroom.textbook import SoftplusGaussianPolicy
from trpo_lib.experience.batch import Batch
from trpo_lib.experience.rollout import Rollout
from trpo_lib.networks.critic import Critic
from trpo_lib.networks.parts import mlp
from trpo_lib.trpo import TRPO


class OneStepTargets(TRPO):
    """The critic's targets are r + γ V(s') and not λ-returns."""

    def prepare(self, rollout: Rollout) -> Batch:
        """The same batch with other targets."""
        batch = super().prepare(rollout)
        acted = batch.rollout
        with torch.no_grad():
            reached = self.critic(acted.next_observations) * (~acted.terminated)
        return dataclasses.replace(batch, returns=acted.batch(acted.rewards + self.config.gamma * reached))


class RawAdvantages(TRPO):
    """Advantages keep their mean and their unit."""

    def prepare(self, rollout: Rollout) -> Batch:
        """The same batch; a λ-return is the advantage plus the value that was subtracted."""
        batch = super().prepare(rollout)
        return dataclasses.replace(batch, advantages=batch.returns - batch.values)


class UnscaledCritic(Critic):
    """V(s) = network(s): the network itself has to reach the scale of the returns."""

    def rescale(self, targets: torch.Tensor) -> None:
        """Nothing is taken into any statistics."""


class PlainCritic(TRPO):
    """Its critic does not know the scale of the returns, and begins with a last layer of gain 1."""

    def build_networks(self, policy, critic):
        """TRPO's, and then another critic with an optimizer of its own."""
        super().build_networks(policy, critic)
        config, shape = self.config, self.policy.observation_shape
        critic = UnscaledCritic(shape, self.policy.normalizer, config.hidden_sizes, config.activation)
        critic.network = mlp(*shape, config.hidden_sizes, 1, config.activation, output_gain=1.0)
        self.take_networks(self.policy, critic)

    def make_optimizer(self, critic):
        """Plain Adam; the fused one rounds differently, and stored trainings would be others."""
        return torch.optim.Adam(critic.parameters(), lr=self.config.critic_learning_rate)


class LargeLastLayer(TRPO):
    """The policy's last layer begins with a gain of 1 and not of 0.01, so that the first policy is not near uniform."""

    def build_networks(self, policy, critic):
        """TRPO's, with larger weights in one layer."""
        super().build_networks(policy, critic)
        with torch.no_grad():
            self.policy.network[-1].weight.mul_(100)


class SoftplusPolicy(TRPO):
    """The textbook's policy for Pendulum-v1: μ = 2 tanh(…) and σ = softplus(…), both from the state."""

    def build_networks(self, policy, critic):
        """TRPO's, and then another policy."""
        super().build_networks(policy, critic)
        config, space = self.config, self.envs.single_action_space
        policy = SoftplusGaussianPolicy(*self.policy.observation_shape, space, config.hidden_sizes, config.activation)
        self.take_networks(policy, self.critic)


# In the order in which they have to stand in a class: what stands first sees what the later ones made.
HABITS = (OneStepTargets, RawAdvantages, PlainCritic, SoftplusPolicy, LargeLastLayer, TimeLimitIsDeath, DampedLength)


def agent_with(*habits: type[TRPO]) -> type[TRPO]:
    """`TRPO` with all of the given habits.

    Raises:
        ValueError: something else than a class of this module's `HABITS`.
    """
    unknown = set(habits) - set(HABITS)
    if unknown:
        raise ValueError(f"habits must be among {[habit.__name__ for habit in HABITS]}, got {unknown}.")
    return type("TextbookTRPO", (*(habit for habit in HABITS if habit in habits), TRPO), {})
