"""From what a policy draws to what an environment gets."""

import warnings

import numpy as np
import pytest
import torch
from conftest import OBSERVATIONS
from environments import Space, vectorize
from gymnasium import spaces

from trpo_lib import collect_rollout, make_policy, start

BOXES = [
    spaces.Box(np.float32([-2, 0]), np.float32([2, 10])),
    spaces.Box(-1, 3, (2, 3), np.float32),
    spaces.Box(-5, 5, (1,), np.float64),
]


@pytest.mark.parametrize("box", BOXES)
def test_gaussian_maps_plus_minus_one_to_the_bounds_and_clips_beyond(box):
    policy = make_policy(OBSERVATIONS, box)
    size = int(np.prod(box.shape))
    for unit, expected in [(-1, box.low), (1, box.high), (0, (box.low + box.high) / 2), (9, box.high), (-9, box.low)]:
        action = policy.to_env(torch.full((1, size), float(unit)))
        assert action.shape == (1, *box.shape)
        assert action.dtype == box.dtype
        np.testing.assert_allclose(action[0], expected, rtol=1e-6)
        assert box.contains(action[0])


@pytest.mark.parametrize("box", BOXES)
def test_gaussian_actions_between_the_bounds_are_linear_in_what_was_drawn(box):
    policy, size = make_policy(OBSERVATIONS, box), int(np.prod(box.shape))
    for unit in (-0.75, 0.25, 0.5):
        action = policy.to_env(torch.full((1, size), unit))[0]
        np.testing.assert_allclose((action - box.low) / (box.high - box.low), (unit + 1) / 2, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_gaussian_rounds_for_a_box_of_integers(dtype):
    policy = make_policy(OBSERVATIONS, spaces.Box(0, 4, (1,), dtype))
    for unit, expected in [(-0.3, 1), (-0.2, 2), (0.2, 2), (0.3, 3), (0.9, 4), (-0.9, 0), (9.0, 4), (-9.0, 0)]:
        action = policy.to_env(torch.full((1, 1), unit))  # 2 + 2 unit
        assert (action.dtype, action.item()) == (dtype, expected)
    below_zero = make_policy(OBSERVATIONS, spaces.Box(-4, 0, (1,), np.int64))
    assert below_zero.to_env(torch.full((1, 1), -0.3)).item() == -3  # −2.6


def test_gaussian_leaves_unbounded_actions_as_they_are_and_respects_a_single_bound():
    box = spaces.Box(np.float32([-np.inf, 0, -np.inf]), np.float32([np.inf, np.inf, 2]))
    action = make_policy(OBSERVATIONS, box).to_env(torch.tensor([[50.0, -3.0, 7.0], [-50.0, 3.0, -7.0]]))
    np.testing.assert_array_equal(action, np.float32([[50, 0, 2], [-50, 3, -7]]))


def test_unbounded_box_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_policy(OBSERVATIONS, spaces.Box(-np.inf, np.inf, (2,)))


STRICT = [
    spaces.Discrete(3, start=5),
    spaces.MultiDiscrete([2, 3], start=[7, -1]),
    spaces.MultiBinary(4),
    spaces.Box(-2, 5, (2, 3), np.float32),
    spaces.Box(0, np.inf, (2,), np.float32),
    spaces.Box(-np.inf, np.inf, (3,), np.float64),
    spaces.Box(-2, 5, (2,), np.int64),
]


@pytest.mark.parametrize("space", STRICT, ids=str)
def test_every_action_that_reaches_the_environment_lies_in_its_space(space):
    envs = vectorize(*[lambda: Space(space)] * 3)
    policy = make_policy(envs.single_observation_space, space)
    rollout = collect_rollout(envs, policy, 40, start(envs, 0))
    reached = [policy.to_env(row) for row in rollout.actions]
    if not isinstance(space, spaces.Box):  # and every value of a finite space is reached
        seen = {tuple(np.atleast_1d(action)) for row in reached for action in row}
        sizes = (
            np.prod(getattr(space, "nvec", getattr(space, "n", 0))) if not isinstance(space, spaces.MultiBinary) else 16
        )
        assert len(seen) == sizes


@pytest.mark.parametrize(
    "space", [spaces.Dict(a=spaces.Discrete(2)), spaces.Text(3), spaces.Tuple([spaces.Discrete(2)])]
)
def test_unsupported_action_spaces_are_refused_with_those_that_are_not(space):
    with pytest.raises(TypeError, match=r"action_space must be one of Discrete, Box, MultiDiscrete, MultiBinary, got"):
        make_policy(OBSERVATIONS, space)


@pytest.mark.parametrize("space", [spaces.MultiDiscrete([[2, 3], [2, 3]]), spaces.MultiBinary([2, 3])])
def test_action_spaces_of_two_axes_are_refused(space):
    with pytest.raises(ValueError, match="one axis"):
        make_policy(OBSERVATIONS, space)


@pytest.mark.parametrize("space", [spaces.Discrete(3), spaces.Box(0, 1, (2, 2)), spaces.Dict(a=OBSERVATIONS)])
def test_observation_spaces_that_are_not_flat_are_refused_with_advice(space):
    with pytest.raises(TypeError, match=r"observation_space.*FlattenObservation"):
        make_policy(space, spaces.Discrete(2))


def test_hidden_sizes_may_come_from_an_iterator():
    policy = make_policy(OBSERVATIONS, spaces.Discrete(2), hidden_sizes=map(int, "45"))
    assert [parameter.shape[0] for parameter in policy.parameters()] == [4, 4, 5, 5, 2, 2]


def test_hidden_sizes_and_activation_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="hidden_sizes"):
        make_policy(OBSERVATIONS, spaces.Discrete(2), hidden_sizes=(0,))
    with pytest.raises(ValueError, match=r"activation.*relu.*tanh"):
        make_policy(OBSERVATIONS, spaces.Discrete(2), activation="sine")
