"""The agents that exist to be compared with, and the execution of notebooks."""

import itertools

import gymnasium as gym
import nbformat
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from trpo_lib import CategoricalPolicy, TRPOConfig, mean_kl
from trpo_lib.classroom import plotting, textbook
from trpo_lib.classroom.execute import execute
from trpo_lib.classroom.policy_gradient import PolicyGradient

SMALL = TRPOConfig(num_envs=2, rollout_steps=32, hidden_sizes=(8,))


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_policy_gradient_steps_by_its_rate_times_the_gradient(rate):
    agent = PolicyGradient("CartPole-v1", SMALL, learning_rate=rate)
    before = parameters_to_vector(agent.policy.parameters()).detach().clone()
    rollout = agent.collect()
    batch = agent.prepare(rollout)
    log_prob = agent.policy.distribution(batch.observations).log_prob(batch.actions)
    score = torch.autograd.grad((log_prob * batch.advantages).mean(), list(agent.policy.parameters()))
    agent.update(rollout)
    after = parameters_to_vector(agent.policy.parameters()).detach()
    torch.testing.assert_close(after - before, rate * parameters_to_vector(score))


def test_policy_gradient_reports_the_kl_that_it_made():
    agent = PolicyGradient("CartPole-v1", SMALL, learning_rate=5.0)
    rollout = agent.collect()
    old = agent.policy.distribution_from(rollout.batch(rollout.outputs))
    observations = rollout.batch(rollout.observations)
    agent.policy.normalizer.update = lambda _: None  # keep the policy as the step left it
    report = agent.update(rollout)
    assert report.kl == pytest.approx(mean_kl(old, agent.policy.distribution(observations)).item())
    assert report.kl > SMALL.max_kl


@pytest.fixture
def trajectory():
    torch.manual_seed(0)
    env = gym.make("CartPole-v1", max_episode_steps=200)
    policy = CategoricalPolicy(4, env.action_space, hidden_sizes=(16,), activation="relu", output_gain=1.0)
    return policy, textbook.run_episode(env, policy, seed=0)


def test_textbook_episode_ends_once_and_each_step_begins_where_the_last_one_ended(trajectory):
    _, episode = trajectory
    assert episode.done.tolist() == [False] * (len(episode.done) - 1) + [True]
    assert torch.equal(episode.observations[1:], episode.next_observations[:-1])
    assert (episode.rewards == 1).all()


@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_textbook_step_stays_inside_the_trust_region_and_gains(trajectory, damping):
    policy, episode = trajectory
    old = policy.distribution(episode.observations)
    advantages = torch.randn(len(episode.rewards))
    search = textbook.improve_policy(policy, episode, advantages, max_kl=5e-4, damping=damping)
    assert search.accepted
    assert search.gain > 0
    kl = mean_kl(old, policy.distribution(episode.observations)).item()
    assert kl == pytest.approx(search.kl, rel=1e-6)
    assert kl <= 5e-4


def test_textbook_step_without_advantages_changes_nothing(trajectory):
    policy, episode = trajectory
    before = parameters_to_vector(policy.parameters()).detach().clone()
    assert not textbook.improve_policy(
        policy, episode, torch.zeros_like(episode.rewards), max_kl=1.0, damping=0
    ).accepted
    assert torch.equal(parameters_to_vector(policy.parameters()), before)


def test_textbook_learns_as_many_episodes_as_asked_for_and_counts_their_steps():
    torch.manual_seed(0)
    env = gym.make("CartPole-v1", max_episode_steps=200)
    policy = CategoricalPolicy(4, env.action_space, hidden_sizes=(16,), activation="relu", output_gain=1.0)
    history = textbook.learn(env, policy, 5)
    lengths = [episode.length for episode in history]
    assert [episode.step for episode in history] == list(itertools.accumulate(lengths))
    assert [episode.episode_return for episode in history] == lengths


NOTEBOOK = {
    "import sys, time, os": [],
    "print(time.perf_counter(), os.urandom(4), file=sys.stderr); print('kept')": ["nbval-ignore-output"],
    "print(time.perf_counter())": ["nbval-ignore-output", "keep-output"],
    "import matplotlib.pyplot as plt; plt.plot([1, 3, 2]); plt.show()": [],
}


def test_executing_a_notebook_again_changes_no_byte(tmp_path):
    notebook = nbformat.v4.new_notebook(metadata={"widgets": {}, "machine": "mine"})
    for i, (source, tags) in enumerate(NOTEBOOK.items()):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{i}", metadata={"tags": tags, "execution": {"now": "then"}})
        notebook.cells.append(cell)
    path = tmp_path / "small.ipynb"
    nbformat.write(notebook, path)
    execute(path)
    first = path.read_bytes()
    execute(path)
    assert path.read_bytes() == first
    executed = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in executed.cells] == [1, 2, 3, 4]
    assert [output.text for output in executed.cells[1].outputs] == ["kept\n"]
    assert set(executed.metadata) == {"kernelspec", "language_info"}


def test_stored_runs_come_back_by_label_and_seed(tmp_path):
    (tmp_path / "runs.csv").write_text("run,seed,step,episode_return\na,0,10,1.5\na,1,10,2\nb,0,10,3\na,0,20,4\n")
    runs = plotting.read_runs(tmp_path / "runs.csv")
    assert {key: rows.tolist() for key, rows in runs.items()} == {
        ("a", 0): [[10, 1.5], [20, 4]],
        ("a", 1): [[10, 2]],
        ("b", 0): [[10, 3]],
    }
