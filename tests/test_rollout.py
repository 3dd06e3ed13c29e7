import gymnasium as gym
import numpy as np
import pytest
import torch
from conftest import ACTION_SPACES
from environments import SCHEDULE, Counting, Space, vectorize
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from trpo_lib import collect_rollout, make_envs, make_policy, start


def expected_rows(offset, steps, dummies):
    """(seen, reached, reward, terminated, truncated, valid) of one counting environment, written down by hand."""
    rows, episode = [], 0
    while len(rows) < steps:
        length, end = SCHEDULE[(episode + offset) % len(SCHEDULE)]
        for t in range(length):
            last = t + 1 == length
            rows.append(
                (
                    (episode, t),
                    (episode, t + 1),
                    100 * episode + t + 1,
                    last and end != "truncated",
                    last and end != "terminated",
                    True,
                )
            )
        episode += 1
        if dummies:
            rows.append(((episode - 1, length), (episode, 0), 0, False, False, False))
    return rows[:steps]


@pytest.fixture
def policy():
    return make_policy(Counting.observation_space, Counting.action_space, hidden_sizes=(4,))


MODES = list(AutoresetMode)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("offsets", [(0,), (0, 1, 2, 3)], ids=["one", "four"])
@pytest.mark.parametrize("copy", [True, False], ids=["", "reusing its buffer"])
@pytest.mark.parametrize("parts", [(37,), (5, 1, 1, 1, 29), (1,) * 37], ids=["whole", "parts", "steps"])
def test_every_row_is_as_it_must_be_and_cursors_continue_across_rollouts(mode, offsets, parts, copy, policy):
    envs = vectorize(*[lambda offset=offset: Counting(offset) for offset in offsets], mode=mode, copy=copy)
    cursor = start(envs, 0)
    rollouts = [collect_rollout(envs, policy, steps, cursor) for steps in parts]
    rows = [expected_rows(offset, 37, mode == AutoresetMode.NEXT_STEP) for offset in offsets]
    names = ("observations", "next_observations", "rewards", "terminated", "truncated", "valid")
    for i, name in enumerate(names):
        got = torch.cat([getattr(rollout, name) for rollout in rollouts])
        expected = np.stack([np.array([row[i] for row in one]) for one in rows], axis=1)
        np.testing.assert_array_equal(got.numpy(), expected, err_msg=name)
    for flag in (rollouts[0].terminated, rollouts[0].truncated, rollouts[0].valid):
        assert flag.dtype == torch.bool


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_episodes_have_their_step_return_and_length(mode, policy):
    offsets = (0, 2)
    envs = vectorize(*[lambda offset=offset: Counting(offset) for offset in offsets], mode=mode)
    cursor, episodes = start(envs, 0), []
    for steps in (7, 1, 12):
        episodes += collect_rollout(envs, policy, steps, cursor).episodes
    rows = [expected_rows(offset, 20, mode == AutoresetMode.NEXT_STEP) for offset in offsets]
    expected, total, running = [], 0, [[], []]
    for t in range(20):
        total += sum(rows[i][t][5] for i in range(2))
        for i in range(2):
            *_, reward, terminated, truncated, valid = rows[i][t]
            running[i] += [reward] * valid
            if terminated or truncated:
                expected.append((total, sum(running[i]), len(running[i])))
                running[i] = []
    assert [tuple(episode) for episode in episodes] == expected
    assert episodes[0]._fields == ("step", "episode_return", "length")
    assert cursor.step == total


def test_batch_leaves_out_the_steps_that_only_reset(policy):
    envs = vectorize(Counting, lambda: Counting(1), mode=AutoresetMode.NEXT_STEP)
    rollout = collect_rollout(envs, policy, 20, start(envs, 0))
    assert not rollout.valid.all()
    batch = rollout.batch(rollout.rewards)
    assert len(batch) == rollout.valid.sum()
    assert (batch > 0).all()  # a counting environment never pays 0
    assert rollout.batch(rollout.observations).shape == (len(batch), 2)


def test_policy_recomputes_the_probabilities_with_which_it_acted(kind, random_policy):
    policy = random_policy(kind)
    envs = vectorize(*[lambda: Space(ACTION_SPACES[kind])] * 3)
    rollout = collect_rollout(envs, policy, 30, start(envs, 0))
    acted = policy.distribution_from(rollout.outputs.flatten(0, 1))
    now = policy.distribution(rollout.observations.flatten(0, 1))
    actions = rollout.actions.flatten(0, 1)
    torch.testing.assert_close(now.log_prob(actions), acted.log_prob(actions), rtol=1e-12, atol=1e-12)


def test_actions_are_kept_as_drawn_before_clipping():
    envs = vectorize(lambda: Space(spaces.Box(-2, 2, (2,))))
    policy = make_policy(envs.single_observation_space, envs.single_action_space, initial_log_std=0.0)
    rollout = collect_rollout(envs, policy, 300, start(envs, 0))
    assert rollout.actions.abs().max() > 2.5
    torch.testing.assert_close(rollout.actions.std(), torch.tensor(1.0), rtol=0, atol=0.1)


def test_collecting_changes_nothing_in_the_policy(policy):
    envs = vectorize(Counting)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    rollout = collect_rollout(envs, policy, 20, start(envs, 0))
    assert all(torch.equal(value, before[name]) for name, value in policy.state_dict().items())
    assert not rollout.outputs.requires_grad


def test_same_seed_and_generator_give_the_same_rollout():
    rewards = []
    for seed in (0, 0, 1):
        envs = make_envs("Pendulum-v1", 2)
        torch.manual_seed(0)
        policy = make_policy(envs.single_observation_space, envs.single_action_space)
        generator = torch.Generator().manual_seed(seed)
        rewards.append(collect_rollout(envs, policy, 20, start(envs, seed), generator=generator).rewards)
    assert torch.equal(rewards[0], rewards[1])
    assert not torch.equal(rewards[0], rewards[2])


def test_cartpole_transitions_obey_the_physics_of_the_single_environment():
    envs = make_envs("CartPole-v1", 4)
    policy = make_policy(envs.single_observation_space, envs.single_action_space)
    rollout = collect_rollout(envs, policy, 120, start(envs, 0))
    single = gym.make("CartPole-v1").unwrapped
    single.reset()
    rows = [rollout.batch(x).numpy() for x in (rollout.observations, rollout.actions, rollout.next_observations)]
    ended = rollout.batch(rollout.terminated)
    assert ended.sum() > 3
    assert not rollout.valid.all()
    for seen, action, reached, over in zip(*rows, ended, strict=True):
        single.state, single.steps_beyond_terminated = seen, None
        expected, _, terminated, _, _ = single.step(int(action))
        np.testing.assert_allclose(reached, expected, rtol=1e-4, atol=1e-5)
        assert terminated == over


def test_other_environments_reset_within_the_step_and_are_flattened():
    envs = make_envs("FrozenLake-v1", 3)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert envs.single_observation_space.shape == (16,)
    policy = make_policy(envs.single_observation_space, envs.single_action_space)
    rollout = collect_rollout(envs, policy, 30, start(envs, 0))
    assert rollout.valid.all()
    torch.testing.assert_close(rollout.observations.sum(-1), torch.ones(30, 3))


def test_infos_are_left_out_but_for_what_an_episode_end_needs():
    assert "prob" in gym.make("FrozenLake-v1").reset()[1]
    envs = make_envs("FrozenLake-v1", 3)
    start(envs, 0)
    told = set().union(*(envs.step(np.zeros(3, int))[4] for _ in range(100)))
    assert {"final_obs", "_final_obs"} <= told
    assert "prob" not in told
