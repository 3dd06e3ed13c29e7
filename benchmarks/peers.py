"""The other side of every comparison: SB3-contrib's TRPO at its own and at equal settings, and the textbook's Fisher
product."""

from collections.abc import Callable

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import TRPO as SB3TRPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from trpo_lib import Episode, Policy, TRPOConfig, mean_kl

# Tuned for SB3-contrib in rl-baselines3-zoo, two environments each; what is not listed is SB3-contrib's default.
MUJOCO = {"normalize": True, "n_steps": 1024, "batch_size": 128, "cg_max_steps": 25, "cg_damping": 0.1,
          "n_critic_updates": 20, "learning_rate": 1e-3}  # fmt: skip
TUNED = {
    "CartPole-v1": {"n_steps": 512, "batch_size": 512, "cg_damping": 1e-3, "gae_lambda": 0.98, "n_critic_updates": 20},
    "Acrobot-v1": {"normalize": True, "n_steps": 1024},
    "Pendulum-v1": {"n_steps": 1024, "gamma": 0.9, "n_critic_updates": 15, "use_sde": True, "sde_sample_freq": 4},
    "LunarLander-v3": {
        "n_steps": 512,
        "cg_damping": 0.01,
        "gae_lambda": 0.98,
        "learning_rate": 1e-3,
        "n_critic_updates": 15,
    },
    "LunarLanderContinuous-v3": {"normalize": True, "n_steps": 1024, "n_critic_updates": 20},
    "Hopper-v5": MUJOCO,
    "HalfCheetah-v5": MUJOCO | {"target_kl": 0.04},
    "Walker2d-v5": MUJOCO,
}


def sb3_envs(env_id: str, num_envs: int, seed: int) -> VecEnv:
    """Environments for SB3-contrib that are not prepared for drawing.

    By default its `make_vec_env` asks for pictures, and the landers then simulate the particles of their engines too,
    which makes a step several times as dear. That says nothing about an algorithm.
    """
    return make_vec_env(env_id, num_envs, seed=seed, env_kwargs={"render_mode": None})


def sb3_tuned(env_id: str, *, seed: int, **overrides) -> SB3TRPO:
    """SB3-contrib's agent with the settings tuned for it."""
    settings = {"device": "cpu", "seed": seed} | TUNED[env_id] | overrides
    normalize = settings.pop("normalize", False)
    envs = sb3_envs(env_id, 2, seed)
    return SB3TRPO("MlpPolicy", VecNormalize(envs) if normalize else envs, **settings)


def equal_true_kl(env_id: str, max_kl: float) -> float:
    """The `target_kl` with which SB3-contrib, which averages the KL over action dimensions, allows a KL of `max_kl`."""
    with gym.make(env_id) as env:
        return max_kl / int(np.prod(env.action_space.shape or 1))


def sb3_learn(agent: SB3TRPO, steps: int, on_train: Callable[[Callable], Callable]) -> list[Episode]:
    """Train for `steps`; the finished episodes, in the environment's own reward. `on_train` wraps `agent.train`."""
    episodes, seen = [], 0
    agent.train = on_train(agent.train)

    def watch(local_variables, _):
        nonlocal seen
        seen += len(local_variables["infos"])
        ended = [info["episode"] for info in local_variables["infos"] if "episode" in info]
        episodes.extend(Episode(seen, float(episode["r"]), int(episode["l"])) for episode in ended)
        return True

    agent.learn(steps, callback=watch)
    return episodes


def sb3_evaluate(agent: SB3TRPO, env_id: str, episodes: int) -> np.ndarray:
    """Deterministic returns of fresh episodes, `(episodes,)`."""
    envs = sb3_envs(env_id, 1, seed=1_000_000)
    if isinstance(agent.env, VecNormalize):
        normalized = VecNormalize(envs, training=False, norm_reward=False)
        normalized.obs_rms = agent.env.obs_rms
        envs = normalized
    returns, _ = evaluate_policy(agent, envs, episodes, deterministic=True, return_episode_rewards=True)
    return np.array(returns)


def sb3_agent(env: str | gym.Env, config: TRPOConfig, *, seed: int = 0, **overrides) -> SB3TRPO:
    """SB3-contrib's agent with our networks' sizes, batch, critic epochs and conjugate-gradient iterations."""
    envs = sb3_envs(env, config.num_envs, seed) if isinstance(env, str) else env
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
