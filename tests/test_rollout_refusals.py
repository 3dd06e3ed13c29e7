"""What a rollout refuses, and how it says so."""

import gymnasium as gym
import numpy as np
import pytest
from environments import Broken, Counting, Space, vectorize
from gymnasium import spaces

from trpo_lib import collect_rollout, make_envs, make_policy, start


@pytest.fixture
def policy():
    return make_policy(Counting.observation_space, Counting.action_space, hidden_sizes=(4,))


ACTIONS = (spaces.Discrete(2), spaces.Box(-1, 1, (1,)), spaces.MultiBinary(2))


@pytest.mark.parametrize(
    ("part", "when"), [("reward", 0), ("reward", 7), ("observation", 0), ("observation", 4), ("observation", 7)]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_broken_environment_is_refused_with_part_step_and_environment(part, when, value):
    for space in ACTIONS:
        makers = [lambda w=w, space=space: Broken(part, value, w, space) for w in (None, when, None)]
        envs = vectorize(*makers)
        policy = make_policy(Broken.observation_space, space)
        with pytest.raises(ValueError, match=rf"{part}.*step {when} of this rollout in environment 1"):
            collect_rollout(envs, policy, 8, start(envs))


def test_broken_first_observation_is_refused_with_its_environment():
    envs = vectorize(*[lambda i=i: Broken("observation", np.nan, "reset" if i == 1 else None) for i in range(3)])
    policy = make_policy(Broken.observation_space, envs.single_action_space)
    with pytest.raises(ValueError, match=r"observation.*environment 1"):
        collect_rollout(envs, policy, 8, start(envs))


def test_environments_that_were_not_reset_are_refused(policy):
    with pytest.raises(TypeError, match=r"start\(envs, seed\).*not reset"):
        collect_rollout(vectorize(Counting), policy, 3, None)


def test_what_is_no_vector_environment_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"VectorEnv.*make_vec"):
        start(gym.make("CartPole-v1"))


@pytest.mark.parametrize("space", [spaces.Discrete(3), spaces.Box(0, 1, (2, 2))])
def test_observations_that_are_not_flat_are_refused_with_advice(space):
    with pytest.raises(TypeError, match="FlattenObservation"):
        start(vectorize(lambda: Space(spaces.Discrete(2), space)))


@pytest.mark.parametrize("steps", [0, -1, 2.5])
def test_number_of_steps_that_makes_no_sense_is_refused(steps, policy):
    envs = vectorize(Counting)
    with pytest.raises(ValueError, match="steps"):
        collect_rollout(envs, policy, steps, start(envs))


def test_number_of_environments_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="num_envs"):
        make_envs("CartPole-v1", 0)
