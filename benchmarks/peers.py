"""The other side of every comparison: SB3-contrib's TRPO at equal settings, and the textbook's Fisher product."""

import gymnasium as gym
import torch
from sb3_contrib import TRPO as SB3TRPO
from stable_baselines3.common.env_util import make_vec_env
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from trpo_lib import Policy, TRPOConfig, mean_kl


def sb3_agent(env: str | gym.Env, config: TRPOConfig, *, seed: int = 0, **overrides) -> SB3TRPO:
    """SB3-contrib's agent with our networks' sizes, batch, critic epochs and conjugate-gradient iterations."""
    envs = make_vec_env(env, config.num_envs, seed=seed) if isinstance(env, str) else env
    settings = {
        "n_steps": config.rollout_steps,
        "batch_size": config.critic_minibatch,
        "gamma": config.gamma,
        "gae_lambda": config.lam,
        "learning_rate": config.critic_learning_rate,
        "n_critic_updates": config.critic_epochs,
        "cg_max_steps": config.cg_iterations,
        "cg_damping": config.damping,
        "target_kl": config.max_kl,
        "policy_kwargs": {"net_arch": list(config.hidden_sizes)},
        "seed": seed,
        "device": "cpu",
    }
    return SB3TRPO("MlpPolicy", envs, **(settings | overrides))


def textbook_fisher_vector_product(policy: Policy, observations: Tensor, v: Tensor, damping: float = 0.0) -> Tensor:
    """Double backpropagation with the graph of the KL rebuilt at every product, as the source document does."""
    parameters = list(policy.parameters())
    with torch.no_grad():
        old = policy.distribution(observations)
    kl = mean_kl(old, policy.distribution(observations))
    gradient = parameters_to_vector(torch.autograd.grad(kl, parameters, create_graph=True))
    return parameters_to_vector(torch.autograd.grad(gradient.dot(v), parameters)) + damping * v
