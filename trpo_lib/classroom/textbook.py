"""The textbook agent of notebooks 07 and 08: the functions of `trpo_lib` with the settings of the source document.

It is kept for what it cannot do. One episode is one batch, a time limit counts as the end of the world, the
critic takes one gradient step, nothing is normalised; `TRPO` is what remains when that is mended.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.experience.cursor import Episode
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.gae import generalized_advantage_estimation
from trpo_lib.kl import mean_kl
from trpo_lib.line_search import LineSearchResult, backtracking_line_search
from trpo_lib.networks.gaussian import GaussianPolicy
from trpo_lib.networks.parts import mlp
from trpo_lib.networks.policy import Policy
from trpo_lib.surrogate import surrogate_objective
from trpo_lib.trust_region import trust_region_step

# What both of the textbook's agents have in common, as fields of `TRPOConfig`.
SETTINGS = {
    "cg_iterations": 10,
    "line_search_shrink": 0.5,
    "line_search_trials": 15,
    "rescale_step": False,
    "hidden_sizes": (128,),
    "activation": "relu",
    "normalize_observations": False,
    "critic_epochs": 1,
    "critic_learning_rate": 1e-2,
}


class Trajectory(NamedTuple):
    """One episode; every tensor begins with the axis T."""

    observations: Tensor
    next_observations: Tensor
    actions: Tensor
    rewards: Tensor
    done: Tensor  # terminated or truncated: the textbook makes no difference


class SoftplusGaussianPolicy(GaussianPolicy):
    """The textbook's policy for Pendulum-v1: mean and standard deviation are both functions of the state.

        μ(s) = 2 tanh(…),   σ(s) = softplus(…),   in units of torque and not of the box

    σ has no floor, and the initial weights are torch's own. The outputs are (μ, log σ) again, so that all that TRPO
    asks of a policy is inherited.
    """

    def __init__(
        self,
        observation_size: int,
        action_space: spaces.Box,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: str = "tanh",
    ):
        dimensions = math.prod(action_space.shape)
        *hidden, last = mlp(observation_size, hidden_sizes, dimensions, activation, output_gain=1.0)
        network = nn.Sequential(*hidden, nn.Linear(last.in_features, 2 * dimensions))
        for layer in network[::2]:
            layer.reset_parameters()
        super().__init__(observation_size, action_space, network=network)
        del self.log_std
        self.scale, self.shift = np.ones(self.action_shape), np.zeros(self.action_shape)

    def forward(self, observations: Tensor) -> Tensor:
        """The outputs (μ, log σ), `(B, 2d)`, for observations `(B, observation_size)`."""
        mean, width = self.network(self.normalizer(observations)).chunk(2, dim=-1)
        return torch.cat([2 * mean.tanh(), nn.functional.softplus(width).log()], dim=-1)


def run_episode(env: gym.Env, policy: Policy, seed: int | None = None) -> Trajectory:
    """Act until the environment says that the episode is over."""
    observation, _ = env.reset(seed=seed)
    rows, done = [], False
    while not done:
        state = torch.as_tensor(observation, dtype=torch.get_default_dtype())
        with torch.no_grad():
            action = policy.sample(policy(state[None]))
        observation, reward, terminated, truncated, _ = env.step(policy.to_env(action)[0])
        done = terminated or truncated
        reached = torch.as_tensor(observation, dtype=state.dtype)
        rows.append((state, reached, action[0], torch.tensor(float(reward)), torch.tensor(done)))
    return Trajectory(*(torch.stack(column) for column in zip(*rows, strict=True)))


def improve_policy(
    policy: Policy, trajectory: Trajectory, advantages: Tensor, *, max_kl: float, damping: float
) -> LineSearchResult:
    """Gradient, conjugate gradient, step length, line search, commit."""
    parameters = list(policy.parameters())
    old = policy.distribution(trajectory.observations)
    log_prob = old.log_prob(trajectory.actions)
    surrogate = surrogate_objective(log_prob, log_prob.detach(), advantages)
    gradient = parameters_to_vector(torch.autograd.grad(surrogate, parameters))

    fisher = FisherVectorProduct(policy, trajectory.observations, damping)
    x = conjugate_gradient(fisher, gradient, max_iterations=10).x
    curvature = x.dot(fisher(x)).item()  # damped: one of the things that hold the textbook agent back
    if not curvature > 0:
        return LineSearchResult(False, 0.0, 0.0, 0.0, 0)
    step = trust_region_step(x, curvature, max_kl)
    theta_old = parameters_to_vector(parameters).detach()

    @torch.no_grad()
    def evaluate(trial: Tensor) -> tuple[float, float]:
        new = policy.distribution_from(policy.outputs_at(theta_old + trial, trajectory.observations))
        gain = surrogate_objective(new.log_prob(trajectory.actions), log_prob, advantages) - surrogate
        return gain.item(), mean_kl(old, new).item()

    search = backtracking_line_search(evaluate, step, max_kl=max_kl, shrink=0.5, max_trials=15, rescale=False)
    if search.accepted:
        vector_to_parameters(theta_old + search.fraction * step, parameters)
    return search


def learn(
    env: gym.Env,
    policy: Policy,
    episodes: int,
    *,
    gamma: float = 0.98,
    lam: float = 0.95,
    max_kl: float = 5e-4,
    damping: float = 0.0,
    seed: int = 0,
    steps: float = math.inf,
    reward: Callable[[Tensor], Tensor] = lambda rewards: rewards,
    after_episode: Callable[[Trajectory, LineSearchResult], object] = lambda trajectory, search: None,
) -> list[Episode]:
    """Alternate one episode, one critic step and one policy step.

    Actions and the critic's first weights are drawn from torch's global generator; `seed` is the environment's.

    Args:
        env: one environment, not a vector of them.
        policy: changed in place.
        episodes: how many.
        gamma, lam, max_kl, damping: γ, λ, δ and what is added to the Fisher matrix's diagonal.
        seed: of the environment.
        steps: begin no further episode after so many.
        reward: what the agent learns from, given the environment's rewards `(T,)`.
        after_episode: called with each trajectory and what its policy step came to.

    Returns:
        One `Episode` (step, episode_return, length) for each episode, in the environment's own rewards.
    """
    size = env.observation_space.shape[0]
    critic = mlp(size, (128,), 1, "relu", output_gain=1.0)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2)
    history, step = [], 0
    for episode in range(episodes):
        if step >= steps:
            break
        trajectory = run_episode(env, policy, seed if episode == 0 else None)
        rewards = reward(trajectory.rewards)
        values = critic(trajectory.observations).squeeze(-1)
        with torch.no_grad():
            next_values = critic(trajectory.next_observations).squeeze(-1)
            targets = rewards + gamma * next_values * (~trajectory.done)
            advantages = generalized_advantage_estimation(
                rewards, values, next_values, trajectory.done, trajectory.done, gamma, lam
            )
        optimizer.zero_grad()
        nn.functional.mse_loss(values, targets).backward()
        optimizer.step()
        search = improve_policy(policy, trajectory, advantages, max_kl=max_kl, damping=damping)
        after_episode(trajectory, search)
        step += len(trajectory.rewards)
        history.append(Episode(step, trajectory.rewards.sum().item(), len(trajectory.rewards)))
    return history
