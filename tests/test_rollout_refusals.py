"""What a rollout refuses, and how it says so."""

import gymnasium as gym
import numpy as np
import pytest
from environments import Broken, Counting, Space, vectorize
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

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


class BrokenLater(Space):
    """Episodes of three steps; every reset but the first returns `value`."""

    def __init__(self, value):
        super().__init__(spaces.Discrete(2))
        self.value, self.resets = value, 0

    def reset(self, *, seed=None, options=None):
        observation, _ = super().reset(seed=seed)
        self.resets, self.time = self.resets + 1, 0
        return np.full_like(observation, self.value) if self.resets > 1 else observation, {}

    def step(self, action):
        self.time += 1
        return self.observation_space.sample(), 0.0, self.time == 3, False, {}


WHEN = "at the reset after the episode that ended at step 2 of this rollout"


@pytest.mark.parametrize(
    ("mode", "when"),
    [(AutoresetMode.SAME_STEP, WHEN), (AutoresetMode.DISABLED, WHEN), (AutoresetMode.NEXT_STEP, "at step 3 of this")],
    ids=lambda value: getattr(value, "name", None),
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("steps", [3, 8])  # the episode's end is the rollout's end, or in its midst
def test_broken_observation_of_a_later_reset_is_refused_with_its_environment(steps, value, mode, when):
    envs = vectorize(lambda: BrokenLater(0.0), lambda: BrokenLater(value), mode=mode)
    policy, cursor = make_policy(envs.single_observation_space, envs.single_action_space), start(envs, 0)
    if mode == AutoresetMode.NEXT_STEP and steps == 3:  # there the reset belongs to the next rollout
        collect_rollout(envs, policy, steps, cursor)
        when = "at step 0 of this"
    with pytest.raises(ValueError, match=rf"observation that is NaN or infinite, {when}.* in environment 1"):
        collect_rollout(envs, policy, steps, cursor)


class OfItsOwn(VectorEnv):
    """A vector environment of its own kind: two environments whose episodes end at the third step."""

    num_envs = 2
    single_observation_space, single_action_space = Counting.observation_space, Counting.action_space

    def __init__(self, mode=AutoresetMode.NEXT_STEP, flags=np.array, rewards=(1.0, 2.0), infos=None):
        self.metadata = {"autoreset_mode": mode}
        self.time, self.flags, self.rewards, self.infos = 0, flags, rewards, infos or {}

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return np.zeros((2, 2)), {}

    def step(self, actions):
        self.time += 1
        terminated, truncated = self.flags([self.time == 3] * 2), self.flags([0, 0])
        return np.full((2, 2), self.time), self.rewards, terminated, truncated, self.infos


@pytest.mark.parametrize("flags", [list, tuple, np.int8, np.float32], ids=lambda kind: kind.__name__)
def test_flags_and_rewards_may_be_any_numbers_of_the_right_shape(flags, policy):
    envs = OfItsOwn(flags=flags)
    rollout = collect_rollout(envs, policy, 5, start(envs))
    assert rollout.terminated.tolist() == [[step == 2] * 2 for step in range(5)]
    assert not rollout.truncated.any()
    assert [episode.episode_return for episode in rollout.episodes] == [3.0, 6.0]


@pytest.mark.parametrize(
    ("name", "broken"),
    [("terminated", {"flags": lambda flags: flags[0]}), ("terminated", {"flags": lambda flags: np.array([flags])}),
     ("rewards", {"rewards": 1.0}), ("rewards", {"rewards": np.ones((2, 1))})],
)  # fmt: skip
def test_flags_and_rewards_of_another_shape_are_refused_by_name(name, broken, policy):
    envs = OfItsOwn(**broken)
    with pytest.raises(ValueError, match=rf"^{name} must have shape \(2,\), got .*, at step 0 of this rollout"):
        collect_rollout(envs, policy, 5, start(envs))


def test_reset_within_the_step_without_a_final_observation_is_refused(policy):
    envs = OfItsOwn(AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match=r"^infos must have final_obs .*, got none at step 2 of this rollout"):
        collect_rollout(envs, policy, 5, start(envs))
    envs = OfItsOwn(AutoresetMode.SAME_STEP, infos={"final_obs": np.full((2, 2), 7.0)})
    assert (collect_rollout(envs, policy, 3, start(envs)).next_observations[2] == 7).all()


def test_environments_that_were_not_reset_are_refused(policy):
    with pytest.raises(TypeError, match=r"start\(envs, seed\).*not reset"):
        collect_rollout(vectorize(Counting), policy, 3, None)


def test_what_is_no_vector_environment_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"VectorEnv.*make_vec"):
        start(gym.make("CartPole-v1"))


@pytest.mark.parametrize("space", [spaces.Discrete(3), spaces.Box(0, 1, ()), spaces.Dict(a=spaces.Box(0, 1, (2,)))])
def test_observations_that_are_no_arrays_are_refused_with_advice(space):
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
