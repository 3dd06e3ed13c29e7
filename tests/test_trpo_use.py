"""The agent from outside: construct, learn, interrupt, act, evaluate."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from environments import Space, vectorize
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPO, TRPOConfig

SPACES = [
    spaces.Discrete(3, start=5),
    spaces.Box(-2, 5, (2, 3), np.float32),
    spaces.Box(-np.inf, np.inf, (3,), np.float64),
    spaces.MultiDiscrete([2, 3], start=[7, -1]),
    spaces.MultiBinary(4),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_act_gives_actions_of_the_space_for_one_observation_and_for_many(space, make_agent):
    agent = make_agent(vectorize(lambda: Space(space))).learn(64, progress=False)
    for deterministic in (False, True):
        assert space.contains(agent.act(np.zeros(3), deterministic))
        many = agent.act(np.random.default_rng(0).normal(size=(5, 3)), deterministic)
        assert len(many) == 5
        assert all(space.contains(action) for action in many)


def test_deterministic_act_is_the_mode_and_draws_nothing(make_agent):
    agent, observation = make_agent("Pendulum-v1"), np.array([0.1, 0.2, 0.3])
    mean = agent.policy.distribution(torch.tensor(observation)[None]).mean.detach()
    np.testing.assert_allclose(agent.act(observation, deterministic=True), 2 * mean[0], rtol=1e-6)  # torque in ±2
    assert np.array_equal(agent.act(observation, True), agent.act(observation, True))
    assert not np.array_equal(agent.act(observation), agent.act(observation))


@pytest.mark.parametrize("observation", [np.zeros(3), np.zeros((2, 3)), np.zeros((2, 2, 4)), np.float64(0.0)])
def test_observation_of_the_wrong_shape_is_refused_with_the_right_one(observation, make_agent):
    with pytest.raises(ValueError, match=r"observation must have shape \(4,\) or \(N, 4\)"):
        make_agent().act(observation)


def test_act_takes_views_of_arrays(make_agent):
    agent, observations = make_agent(), np.random.default_rng(0).normal(size=(5, 4))
    for view in (observations[::-1], observations[:, ::-1], observations[2, ::-1]):
        assert np.array_equal(agent.act(view, True), agent.act(view.copy(), True))


class Owner(gym.vector.VectorEnv):
    """A vector environment of its own, whose flags are integers: environment i ends after i + 1 steps."""

    single_observation_space, single_action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def __init__(self, num_envs):
        self.num_envs, self.metadata = num_envs, {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return np.zeros((self.num_envs, 2)), {}

    def step(self, actions):
        self.time += 1
        over = [int(self.time == i + 1) for i in range(self.num_envs)]
        return np.zeros((self.num_envs, 2)), np.ones(self.num_envs), over, [0] * self.num_envs, {}


gym.register("Owner-v0", vector_entry_point=Owner)


def test_evaluate_understands_flags_that_are_integers():
    assert TRPO("Owner-v0", TRPOConfig(num_envs=2)).evaluate(3).tolist() == [1, 2, 3]


def test_observation_that_is_not_finite_is_refused(make_agent):
    with pytest.raises(ValueError, match="observation must be finite"):
        make_agent().act(np.array([0.0, np.nan, 0.0, 0.0]))


def test_evaluate_plays_the_seeded_episodes_that_a_plain_loop_plays(make_agent):
    agent = make_agent("Pendulum-v1").learn(64, progress=False)
    expected = []
    for seed in (5, 6, 7):
        env, total, over = gym.make("Pendulum-v1"), 0.0, False
        observation, _ = env.reset(seed=seed)
        while not over:
            observation, reward, terminated, truncated, _ = env.step(agent.act(observation, deterministic=True))
            total, over = total + reward, terminated or truncated
        expected.append(total)
    np.testing.assert_allclose(agent.evaluate(3, seed=5), expected, rtol=1e-4)


def test_config_tells_the_true_number_of_environments(make_agent):
    agent = make_agent(vectorize(*[lambda: Space(spaces.Discrete(2))] * 3), num_envs=5)
    assert agent.config.num_envs == agent.envs.num_envs == 3


def test_evaluate_counts_whole_first_episodes_only():
    agent = TRPO("Counting-v0")
    assert agent.evaluate(4).tolist() == [1 + 2 + 3] * 4


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_evaluation_does_not_disturb_training(env, deterministic, make_agent, everything):
    a, b = make_agent(env).learn(128, progress=False), make_agent(env).learn(128, progress=False)
    a.evaluate(2, deterministic=deterministic)
    assert everything(a.learn(128, progress=False)) == everything(b.learn(128, progress=False))


def test_evaluate_uses_the_environments_own_options():
    vector = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": AutoresetMode.SAME_STEP}}
    agent = TRPO(gym.make_vec("Counting-v0", 1, offset=3, **vector))  # the first episode has four steps
    assert agent.evaluate(1).tolist() == [1 + 2 + 3 + 4]


def test_evaluate_refuses_an_environment_that_has_no_id(make_agent):
    with pytest.raises(ValueError, match="no spec"):
        make_agent(vectorize(lambda: Space(spaces.Discrete(2)))).evaluate(1)


@pytest.mark.parametrize("env", ["FrozenLake-v1", "Taxi-v4"])
def test_discrete_observations_are_flattened_and_trained_on(env, make_agent):
    agent = make_agent(env, rollout_steps=64)
    before = parameters_to_vector(agent.policy.parameters()).detach().clone()
    agent.learn(3 * 128, progress=False)
    assert any(report.accepted for report in agent.history)
    assert not torch.equal(parameters_to_vector(agent.policy.parameters()), before)


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
def test_every_action_space_trains_in_every_autoreset_mode(space, mode, make_agent):
    agent = make_agent(vectorize(*[lambda: Space(space)] * 2, mode=mode)).learn(200, progress=False)
    assert all(abs(report.initial_kl) < 1e-12 and report.kl_ratio <= 1 for report in agent.history)
    assert agent.episodes


DICTIONARY = spaces.Dict(position=spaces.Box(-1, 1, (2,)), gear=spaces.Discrete(3))


def test_unsupported_action_space_is_refused(make_agent):
    with pytest.raises(TypeError, match="action_space must be one of Discrete, Box"):
        make_agent(vectorize(lambda: Space(DICTIONARY)))


def test_unsupported_observation_space_is_refused_with_advice(make_agent):
    with pytest.raises(TypeError, match="FlattenObservation"):
        make_agent(vectorize(lambda: Space(spaces.Discrete(2), DICTIONARY)))


@pytest.mark.parametrize(
    "settings",
    [{"num_envs": 1}, None],
)
def test_single_environment_is_refused_with_advice(settings, make_agent):
    env = gym.make("Pendulum-v1")
    with pytest.raises(TypeError, match="make_vec"):
        make_agent(env) if settings else TRPO(env)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_bad_seed_is_refused(seed, make_agent):
    with pytest.raises(ValueError, match="seed"):
        make_agent(seed=seed)


@pytest.mark.parametrize("number", [0, -5, 2.5])
def test_numbers_of_steps_and_episodes_that_make_no_sense_are_refused(number, make_agent):
    with pytest.raises(ValueError, match="total_steps"):
        make_agent().learn(number)
    with pytest.raises(ValueError, match="episodes"):
        make_agent().evaluate(number)
