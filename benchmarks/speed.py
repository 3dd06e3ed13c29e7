"""How fast: Fisher-vector product, policy update, whole training; each as a ratio within this one run.

    python benchmarks/speed.py [--repeats 7] [--quick]

Every contestant has a process of its own, as it has with its users: in a common one, memory that one of them frees is
kept by the allocator and spares the others page faults. They take turns, one thread each, and the median of the turns
counts. Time is processor time, which other work on the machine disturbs less than the clock on the wall.
"""

import argparse
import dataclasses
import math
import multiprocessing
import time
import warnings
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from statistics import median

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from peers import TUNED, sb3_agent, sb3_tuned, textbook_fisher_vector_product
from sb3_contrib import TRPO as SB3TRPO
from stable_baselines3.common.vec_env import DummyVecEnv

from trpo_lib import TRPO, FisherVectorProduct, TRPOConfig, make_policy, surrogate_objective
from trpo_lib.extensions.presets import find_preset
from trpo_lib.training.train import make_agent

Turn = Callable[[], object]
PROCESSES = 7  # of each contestant, where a turn is short
LIGHT = ("CartPole-v1", "Acrobot-v1", "Pendulum-v1")  # environments that need nothing beyond gymnasium


class FixedEnv(gym.Env):
    """Seventeen observations, six actions, no dynamics: what is timed is the algorithm."""

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


def take_turns(
    contestants: dict[str, Callable[[], Turn]], repeats: int, inner: int = 1, processes: int = 1
) -> dict[str, float]:
    """The median time of each contestant's turn in milliseconds; each is made, and runs, in its own process.

    With several `processes`, every contestant starts anew as often, and the median is over the turns of all of them:
    one process of each, for a few seconds, gives ratios that scatter by a tenth and more.
    """
    times = {name: [] for name in contestants}
    for _ in range(processes):
        connections = {name: _start(make, inner) for name, make in contestants.items()}
        for turn in range(1 + repeats):
            for name, connection in connections.items():
                connection.send("go")
                milliseconds = connection.recv()
                if turn > 0:  # the first turn warms up
                    times[name].append(milliseconds)
        for connection in connections.values():
            connection.close()
    return {name: median(values) for name, values in times.items()}


def _start(make: Callable[[], Turn], inner: int) -> Connection:
    """A process for one contestant."""
    spawn = multiprocessing.get_context("spawn")
    connection, remote = spawn.Pipe()
    spawn.Process(target=_compete, args=(remote, make, inner), daemon=True).start()
    remote.close()
    return connection


def _compete(connection: Connection, make: Callable[[], Turn], inner: int) -> None:
    warnings.filterwarnings("ignore", "Mean of empty slice|invalid value")  # SB3-contrib's log without a critic
    torch.set_num_threads(1)
    torch.manual_seed(0)
    turn = make()
    try:
        while connection.recv():
            begin = time.process_time()
            for _ in range(inner):
                turn()
            connection.send((time.process_time() - begin) / inner * 1e3)
    except EOFError:  # no more turns
        pass


def fisher_vector_product(repeats: int, processes: int) -> None:
    """One product against one gradient of the surrogate: batch 2048, 17 observations, 6 actions, 64×64."""
    contestants = {
        "gradient of the surrogate": _surrogate_gradient,
        "trpo_lib": _our_product,
        "SB3-contrib (double backpropagation, graph kept)": _sb3_product,
        "textbook (double backpropagation, graph rebuilt)": _textbook_product,
    }
    times = take_turns(contestants, repeats, inner=20, processes=processes)
    print("Fisher-vector product, batch 2048, 17 observations, 6 actions, 64×64, one thread")
    for name, milliseconds in times.items():
        print(f"  {name:<50} {milliseconds:6.2f} ms")
    ours, others = times["trpo_lib"], list(times.values())
    print(f"  ratio to one gradient {ours / others[0]:.2f}; faster than SB3-contrib {others[2] / ours:.2f} ×,", end=" ")
    print(f"than the textbook {others[3] / ours:.2f} ×\n")


def _policy_and_batch():
    policy = make_policy(spaces.Box(-np.inf, np.inf, (17,)), spaces.Box(-1, 1, (6,)))
    return policy, torch.randn(2048, 17), torch.randn(sum(p.numel() for p in policy.parameters()))


def _surrogate_gradient() -> Turn:
    policy, observations, _ = _policy_and_batch()
    actions, advantages = torch.randn(2048, 6), torch.randn(2048)
    with torch.no_grad():
        log_prob_old = policy.distribution(observations).log_prob(actions)
    parameters = list(policy.parameters())

    def gradient():
        log_prob = policy.distribution(observations).log_prob(actions)
        return torch.autograd.grad(surrogate_objective(log_prob, log_prob_old, advantages), parameters)

    return gradient


def _our_product() -> Turn:
    policy, observations, v = _policy_and_batch()
    return partial(FisherVectorProduct(policy, observations), v)


def _sb3_product() -> Turn:
    agent = sb3_agent(DummyVecEnv([FixedEnv]), TRPOConfig(num_envs=1))
    observations = torch.randn(2048, 17)
    old, new = (agent.policy.get_distribution(observations).distribution for _ in range(2))
    old = torch.distributions.Normal(old.loc.detach(), old.scale.detach())
    kl = torch.distributions.kl_divergence(new, old).mean()
    parameters, _, grad_kl, _ = agent._compute_actor_grad(kl, new.log_prob(torch.zeros(2048, 6)).mean())
    return partial(agent.hessian_vector_product, parameters, grad_kl, torch.randn(len(grad_kl)))


def _textbook_product() -> Turn:
    return partial(textbook_fisher_vector_product, *_policy_and_batch())


POLICY_ALONE = TRPOConfig(
    num_envs=1, rollout_steps=2048, critic_epochs=0, cg_iterations=10, cg_tolerance=0.0,
    max_kl=0.01, normalize_observations=False, initial_log_std=0.0,
)  # fmt: skip


def policy_update(repeats: int, processes: int) -> None:
    """Gradient, ten conjugate-gradient iterations, line search; advantages are given, and no critic is fitted."""
    times = take_turns({"trpo_lib": _our_update, "SB3-contrib": _sb3_update}, repeats, inner=3, processes=processes)
    print("Policy update without critic, batch 2048, 17 observations, 6 actions, 64×64, ten CG iterations")
    for name, milliseconds in times.items():
        print(f"  {name:<50} {milliseconds:6.1f} ms")
    print(f"  ratio {times['SB3-contrib'] / times['trpo_lib']:.2f} ×\n")


def _our_update() -> Turn:
    agent = TRPO(SyncVectorEnv([FixedEnv], autoreset_mode=AutoresetMode.SAME_STEP), POLICY_ALONE)
    rollout = agent.collect()
    prepared = agent.prepare(rollout)
    start = {name: value.clone() for name, value in agent.policy.state_dict().items()}

    def given_advantages(_):
        outputs = agent.policy(prepared.observations)
        old = agent.policy.distribution_from(outputs)
        return dataclasses.replace(prepared, outputs=outputs, old=old, log_prob=old.log_prob(prepared.actions))

    agent.prepare = given_advantages

    def update():
        agent.policy.load_state_dict(start)
        agent.update(rollout)

    return update


def _sb3_update() -> Turn:
    agent = sb3_agent(DummyVecEnv([FixedEnv]), POLICY_ALONE)
    _, callback = agent._setup_learn(2048)
    agent.collect_rollouts(agent.env, callback, agent.rollout_buffer, 2048)
    start = {name: value.clone() for name, value in agent.policy.state_dict().items()}

    def update():
        agent.policy.load_state_dict(start)
        agent.train()

    return update


def whole_training(env_id: str, repeats: int) -> None:
    """Steps a second with equal batches, networks and critic epochs; then with more and more of the rest equal too.

    SB3-contrib's own are two environments (rl-baselines3-zoo's number), minibatches of 128 and 15 CG iterations.
    """
    config = find_preset(env_id).config
    batch = config.num_envs * config.rollout_steps
    two_envs = dataclasses.replace(config, num_envs=2, rollout_steps=batch // 2)
    own = {"batch_size": 128, "cg_max_steps": 15}
    contestants = {
        "trpo_lib": partial(TRPO, env_id, config),
        "SB3-contrib": partial(sb3_agent, env_id, two_envs, **own),
        "SB3-contrib, our number of environments": partial(sb3_agent, env_id, config, **own),
        "SB3-contrib, our minibatches and CG iterations too": partial(sb3_agent, env_id, config),
    }
    runs = {name: partial(_training, make, 5 * batch) for name, make in contestants.items()}
    times = take_turns(runs, repeats)
    print(f"Whole training on {env_id}: batch {batch}, two hidden layers of 64, {config.critic_epochs} critic epochs")
    print(f"  ours: {config.num_envs} environments, minibatch {config.critic_minibatch}, ", end="")
    print(f"{config.cg_iterations} CG iterations; SB3-contrib's own: 2, 128 and 15")
    for name, milliseconds in times.items():
        ratio = "" if name == "trpo_lib" else f"   ratio {milliseconds / times['trpo_lib']:.2f} ×"
        print(f"  {name:<50} {5 * batch / milliseconds * 1e3:6.0f} steps a second{ratio}")
    print()


def own_settings(env_id: str, repeats: int) -> None:
    """Steps a second of whole training: our preset beside the settings tuned for SB3-contrib."""
    config, theirs = find_preset(env_id).config, TUNED[env_id]
    steps = 2 * math.lcm(config.num_envs * config.rollout_steps, 2 * theirs["n_steps"])
    contestants = {"ours": partial(make_agent, env_id), "theirs": partial(sb3_tuned, env_id, seed=0)}
    times = take_turns({name: partial(_training, make, steps) for name, make in contestants.items()}, repeats)
    speeds = {name: 1e3 * steps / milliseconds for name, milliseconds in times.items()}
    print(f"  {env_id:<26}{speeds['ours']:6.0f} and {speeds['theirs']:5.0f} steps a second", end="")
    print(f"   ratio {speeds['ours'] / speeds['theirs']:.2f} ×", flush=True)


def _training(make: Callable[[], TRPO | SB3TRPO], steps: int) -> Turn:
    agent = make()
    options = {"progress": False} if isinstance(agent, TRPO) else {"reset_num_timesteps": False}
    return partial(agent.learn, steps, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="one process of each contestant, light environments")
    arguments = parser.parse_args()
    repeats, processes = arguments.repeats, 1 if arguments.quick else PROCESSES
    fisher_vector_product(repeats, processes)
    policy_update(repeats, processes)
    for env_id in ("CartPole-v1", "Pendulum-v1"):
        whole_training(env_id, repeats)
    print("Whole training, our preset and the settings tuned for SB3-contrib")
    for env_id in LIGHT if arguments.quick else TUNED:
        own_settings(env_id, repeats)


if __name__ == "__main__":
    main()
