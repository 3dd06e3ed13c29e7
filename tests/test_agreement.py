"""Agreement with SB3-contrib's TRPO on the same inputs; skipped where it is not installed.

pip install -r benchmarks/requirements.txt && pytest tests/test_agreement.py
"""

import copy
import math

import numpy as np
import pytest
import torch
from environments import Space, vectorize
from gymnasium import spaces
from torch.distributions import Independent, Normal
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from trpo_lib import (
    TRPO,
    FisherVectorProduct,
    TRPOConfig,
    backtracking_line_search,
    conjugate_gradient,
    generalized_advantage_estimation,
    mean_kl,
)

pytest.importorskip("sb3_contrib", reason="SB3-contrib is not installed: pip install -r benchmarks/requirements.txt")

import sb3_contrib
from sb3_contrib.common.utils import conjugate_gradient_solver
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.distributions import kl_divergence as peer_kl
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv


@pytest.mark.parametrize(("gamma", "lam"), [(0.99, 0.95), (0.9, 0.0), (1.0, 1.0), (0.5, 0.3)])
@pytest.mark.parametrize("seed", range(5))
def test_advantages_equal_those_of_their_buffer_with_truncations_and_terminations(gamma, lam, seed):
    rng, T, N = np.random.default_rng(seed), 40, 3
    rewards, values, reached = (rng.normal(size=(T, N)) for _ in range(3))
    terminated, truncated = rng.random((T, N)) < 0.1, rng.random((T, N)) < 0.1
    done = terminated | truncated
    next_values = np.where(done, reached, np.vstack([values[1:], reached[-1:]]))  # V of what a step really reached
    ours = generalized_advantage_estimation(
        *map(torch.as_tensor, (rewards, values, next_values, terminated, truncated)), gamma, lam
    )
    buffer = RolloutBuffer(T, spaces.Box(-1, 1, (1,)), spaces.Discrete(2), gamma=gamma, gae_lambda=lam, n_envs=N)
    starts = np.vstack([np.ones((1, N), bool), done[:-1]])
    for t in range(T):
        # Their collect_rollouts adds γ V(final observation) to the reward of a step that was truncated alone.
        reward = rewards[t] + gamma * reached[t] * (truncated[t] & ~terminated[t])
        blank = np.zeros((N, 1), np.float32)
        buffer.add(blank, blank, reward, starts[t], torch.as_tensor(values[t]), torch.zeros(N))
    buffer.compute_returns_and_advantage(torch.as_tensor(next_values[-1]), done[-1])
    np.testing.assert_allclose(ours.numpy(), buffer.advantages, rtol=1e-4, atol=2e-5)  # their buffer is float32
    np.testing.assert_allclose((ours.numpy() + values), buffer.returns, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("iterations", [1, 2, 5, 15])
def test_conjugate_gradient_equals_theirs(iterations):
    root, b = torch.randn(15, 15), torch.randn(15)
    matrix = root @ root.T + torch.eye(15)
    theirs = conjugate_gradient_solver(lambda v: matrix @ v, b.clone(), max_iter=iterations, residual_tol=0.0)
    ours = conjugate_gradient(lambda v: matrix @ v, b, max_iterations=iterations, relative_tolerance=0.0).x
    # They start from noise of 1e-4 and not from 0, which moves every early iterate by as much.
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=2e-3 if iterations < 15 else 1e-6)


ACTIONS = {
    "categorical": spaces.Discrete(4),
    "one dimension": spaces.Box(-1, 1, (1,), np.float32),
    "three dimensions": spaces.Box(-1, 1, (3,), np.float32),
}
SETTINGS = {"rollout_steps": 64, "hidden_sizes": (8, 8), "cg_tolerance": 0.0, "damping": 0.1}


def dimensions(space):
    return 1 if isinstance(space, spaces.Discrete) else math.prod(space.shape)


def peer_agent(space, config, policy):
    """Their agent with our policy's parameters, our settings, and no critic: it does not matter to the step.

    Their KL is a mean over the d action dimensions and ours a sum. Theirs is ours divided by d, and so is its
    Hessian: damping and trust region are translated alike.
    """
    d = dimensions(space)
    peer = sb3_contrib.TRPO(
        "MlpPolicy", DummyVecEnv([lambda: Space(space)] * config.num_envs), n_critic_updates=0, device="cpu",
        n_steps=config.rollout_steps, batch_size=config.rollout_steps * config.num_envs,
        cg_max_steps=config.cg_iterations, cg_damping=config.damping / d, target_kl=config.max_kl / d,
        line_search_shrinking_factor=config.line_search_shrink, line_search_max_iter=config.line_search_trials,
        policy_kwargs={"net_arch": list(config.hidden_sizes)},
    )  # fmt: skip
    vector_to_parameters(parameters_to_vector(policy.parameters()).detach(), actors_parameters(peer))
    peer.set_logger(configure(None, []))
    return peer


def actors_parameters(peer):
    """Those of the policy, in their order, which is ours: log_std if there is one, hidden layers, last layer."""
    return [parameter for name, parameter in peer.policy.named_parameters() if "value" not in name]


def give(peer, rollout, batch):
    """Fill their buffer with our rollout and our advantages."""
    buffer, shape = peer.rollout_buffer, rollout.rewards.shape
    buffer.observations[:] = rollout.observations.numpy()
    buffer.actions[:] = rollout.actions.numpy().reshape(buffer.actions.shape)
    buffer.log_probs[:] = batch.log_prob.detach().numpy().reshape(shape)
    buffer.advantages[:] = batch.advantages.numpy().reshape(shape)
    buffer.full, buffer.pos = True, len(rollout.rewards)


def shortened(agent, batch, step):
    """Our full step as it would be with their step length, which comes from the damped curvature."""
    fisher = FisherVectorProduct(agent.policy, batch.observations)
    undamped = fisher.quadratic_form(step)
    step = math.sqrt(undamped / (undamped + agent.config.damping * step.dot(step).item())) * step
    search = backtracking_line_search(
        lambda trial: agent.gain_and_kl(batch, trial), step, max_kl=agent.config.max_kl, rescale=False
    )
    assert search.accepted
    return search.fraction * step


@pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy")  # theirs logs the loss of the critic, which is not fitted
@pytest.mark.parametrize("kind", ACTIONS)
@pytest.mark.parametrize("max_kl", [0.003, 0.03])
@pytest.mark.parametrize("cg_iterations", [3, 15])
def test_a_whole_policy_step_equals_theirs_at_equal_settings(kind, max_kl, cg_iterations):
    torch.set_default_dtype(torch.float32)  # theirs knows no other
    space = ACTIONS[kind]
    config = TRPOConfig(
        max_kl=max_kl, cg_iterations=cg_iterations, normalize_observations=False, rescale_step=False, **SETTINGS
    )
    agent = TRPO(vectorize(*[lambda: Space(space)] * 2), config)
    theta_old = parameters_to_vector(agent.policy.parameters()).detach()
    peer = peer_agent(space, agent.config, agent.policy)
    rollout, before = agent.collect(), copy.deepcopy(agent.policy)
    give(peer, rollout, agent.prepare(rollout))
    peer.train()
    theirs = parameters_to_vector(actors_parameters(peer)).detach() - theta_old

    report = agent.update(rollout)
    full_step = (parameters_to_vector(agent.policy.parameters()).detach() - theta_old) / report.fraction
    agent.policy = before
    expected = shortened(agent, agent.prepare(rollout), full_step)
    assert theirs.norm() > 0
    torch.testing.assert_close(expected, theirs, rtol=0, atol=0.01 * theirs.norm().item())


def test_their_kl_is_a_mean_over_action_dimensions_and_ours_the_sum():
    ours, theirs = [], []
    for mean in torch.randn(2, 7, 3):
        theirs.append(DiagGaussianDistribution(3).proba_distribution(mean, torch.zeros(3)))
        ours.append(Independent(Normal(mean, torch.ones(3)), 1))
    assert mean_kl(*ours).item() == pytest.approx(3 * peer_kl(*theirs).mean().item())
