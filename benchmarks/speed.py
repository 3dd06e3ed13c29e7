"""How fast: Fisher-vector product, policy update, whole training; each as a ratio within this one run.

    python benchmarks/speed.py [--repeats 7]

The contestants take turns, so that a change in the machine's load meets all of them; the median of the turns counts.
"""

import argparse
import contextlib
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from gymnasium import spaces
from peers import sb3_agent, textbook_fisher_vector_product
from stable_baselines3.common.vec_env import DummyVecEnv

from trpo_lib import TRPO, FisherVectorProduct, TRPOConfig, make_policy, surrogate_objective


class FixedEnv:
    """Seventeen observations, six actions, no dynamics: what is timed is the algorithm."""

    def __new__(cls):
        import gymnasium as gym

        class _Env(gym.Env):
            observation_space = spaces.Box(-np.inf, np.inf, (17,), np.float32)
            action_space = spaces.Box(-1, 1, (6,), np.float32)

            def reset(self, *, seed=None, options=None):
                super().reset(seed=seed)
                self.steps = 0
                return self._observe(), {}

            def step(self, action):
                self.steps += 1
                return self._observe(), float(action[0]), False, self.steps >= 200, {}

            def _observe(self):
                return self.np_random.standard_normal(17, dtype=np.float32)

        return _Env()


def take_turns(contestants: dict[str, Callable[[], object]], repeats: int, inner: int = 1) -> dict[str, float]:
    """The median time of each contestant in milliseconds."""
    for contestant in contestants.values():
        contestant()
    times = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, contestant in contestants.items():
            begin = time.perf_counter()
            for _ in range(inner):
                contestant()
            times[name].append((time.perf_counter() - begin) / inner * 1e3)
    return {name: median(values) for name, values in times.items()}


def fisher_vector_product(repeats: int) -> None:
    """One product against one gradient of the surrogate: batch 2048, 17 observations, 6 actions, 64×64."""
    policy = make_policy(spaces.Box(-np.inf, np.inf, (17,)), spaces.Box(-1, 1, (6,)))
    observations = torch.randn(2048, 17)
    actions, advantages = torch.randn(2048, 6), torch.randn(2048)
    with torch.no_grad():
        log_prob_old = policy.distribution(observations).log_prob(actions)
    parameters = list(policy.parameters())
    v = torch.randn(sum(p.numel() for p in parameters))

    def gradient():
        log_prob = policy.distribution(observations).log_prob(actions)
        return torch.autograd.grad(surrogate_objective(log_prob, log_prob_old, advantages), parameters)

    fisher = FisherVectorProduct(policy, observations)
    sb3 = _sb3_fisher_vector_product(observations)
    contestants = {
        "gradient of the surrogate": gradient,
        "trpo_lib": lambda: fisher(v),
        "SB3-contrib (double backpropagation, graph kept)": sb3,
        "textbook (double backpropagation, graph rebuilt)": lambda: textbook_fisher_vector_product(
            policy, observations, v
        ),
    }
    times = take_turns(contestants, repeats * 3, inner=20)
    print("Fisher-vector product, batch 2048, 17 observations, 6 actions, 64×64, one thread")
    for name, milliseconds in times.items():
        print(f"  {name:<50} {milliseconds:6.2f} ms")
    ours, others = times["trpo_lib"], list(times.values())
    print(f"  ratio to one gradient {ours / others[0]:.2f}; faster than SB3-contrib {others[2] / ours:.2f} ×,", end=" ")
    print(f"than the textbook {others[3] / ours:.2f} ×\n")


def _sb3_fisher_vector_product(observations: torch.Tensor) -> Callable[[], torch.Tensor]:
    agent = sb3_agent(DummyVecEnv([FixedEnv]), TRPOConfig(num_envs=1))
    old, new = (agent.policy.get_distribution(observations).distribution for _ in range(2))
    old = torch.distributions.Normal(old.loc.detach(), old.scale.detach())
    kl = torch.distributions.kl_divergence(new, old).mean()
    parameters, _, grad_kl, _ = agent._compute_actor_grad(kl, new.log_prob(torch.zeros(2048, 6)).mean())
    v = torch.randn(len(grad_kl))
    return lambda: agent.hessian_vector_product(parameters, grad_kl, v)


def policy_update(repeats: int) -> None:
    """Gradient, ten conjugate-gradient iterations, line search; no critic on either side."""
    config = TRPOConfig(
        num_envs=1, rollout_steps=2048, critic_epochs=0, cg_iterations=10, cg_tolerance=0.0,
        max_kl=0.01, normalize_observations=False, initial_log_std=0.0,
    )  # fmt: skip
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    ours = TRPO(SyncVectorEnv([FixedEnv], autoreset_mode=AutoresetMode.SAME_STEP), config)
    rollout = ours.collect()
    start = [p.detach().clone() for p in ours.policy.parameters()]

    def our_update():
        for p, value in zip(ours.policy.parameters(), start, strict=True):
            p.data.copy_(value)
        ours.update(rollout)

    theirs = sb3_agent(DummyVecEnv([FixedEnv]), config)
    _, callback = theirs._setup_learn(2048)
    theirs.collect_rollouts(theirs.env, callback, theirs.rollout_buffer, 2048)
    their_start = {k: v.clone() for k, v in theirs.policy.state_dict().items()}

    def their_update():
        theirs.policy.load_state_dict(their_start)
        with contextlib.suppress(RuntimeWarning):
            theirs.train()

    times = take_turns({"trpo_lib": our_update, "SB3-contrib": their_update}, repeats * 3, inner=3)
    print("Policy update without critic, batch 2048, 17 observations, 6 actions, 64×64, ten CG iterations")
    for name, milliseconds in times.items():
        print(f"  {name:<50} {milliseconds:6.1f} ms")
    print(f"  ratio {times['SB3-contrib'] / times['trpo_lib']:.2f} ×\n")


def whole_training(env_id: str, repeats: int, steps: int) -> None:
    """Steps a second with equal batch, networks, critic epochs and minibatches."""
    config = TRPOConfig(num_envs=8, rollout_steps=256, cg_iterations=15, cg_tolerance=0.0)
    ours, theirs = TRPO(env_id, config), sb3_agent(env_id, config)
    theirs.learn(1)

    def their_learn():
        theirs.learn(steps, reset_num_timesteps=False)

    contestants = {"trpo_lib": lambda: ours.learn(steps, progress=False), "SB3-contrib": their_learn}
    times = take_turns(contestants, repeats)
    print(f"Whole training on {env_id}, 8 environments × 256 steps, 10 critic epochs, minibatch 128")
    for name, milliseconds in times.items():
        print(f"  {name:<50} {steps / milliseconds * 1e3:6.0f} steps a second")
    print(f"  ratio {times['SB3-contrib'] / times['trpo_lib']:.2f} ×\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    torch.manual_seed(0)
    fisher_vector_product(repeats)
    policy_update(repeats)
    for env_id in ("CartPole-v1", "Pendulum-v1"):
        whole_training(env_id, repeats, steps=2048 * 5)


if __name__ == "__main__":
    main()
