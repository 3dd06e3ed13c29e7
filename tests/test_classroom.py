"""The agents that exist to be compared with, and the execution of notebooks."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import nbformat
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from trpo_lib import (
    CategoricalPolicy,
    FisherVectorProduct,
    TRPOConfig,
    collect_rollout,
    generalized_advantage_estimation,
    make_envs,
    make_policy,
    mean_kl,
    start,
)
from trpo_lib.classroom import plotting, rewards_to_come, textbook
from trpo_lib.classroom.policy_gradient import PolicyGradient

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
from execute import execute

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


@pytest.fixture(scope="module")
def two_kinds_of_ends():
    """CartPole with a limit of 12 steps: episodes end by falling, by the limit, and at the rollout's edge."""
    envs = make_envs("CartPole-v1", 4, max_episode_steps=12)
    policy = make_policy(envs.single_observation_space, envs.single_action_space)
    dice = torch.Generator().manual_seed(0)
    rollout = collect_rollout(envs, policy, 40, start(envs, 0), generator=dice)
    assert rollout.terminated.any()
    assert rollout.truncated.any()
    assert not rollout.valid.all(), "steps that only reset should be among them"
    return rollout


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
def test_rewards_to_come_are_the_sum_of_the_rewards_until_the_episode_or_the_rollout_ends(two_kinds_of_ends, gamma):
    rollout = two_kinds_of_ends
    over = rollout.terminated | rollout.truncated
    expected = torch.zeros_like(rollout.rewards)
    for t, i in itertools.product(*map(range, over.shape)):
        ends = over[t:, i].nonzero()
        length = int(ends[0]) + 1 if len(ends) else len(over) - t
        expected[t, i] = sum(gamma**k * rollout.rewards[t + k, i] for k in range(length))
    to_come = rewards_to_come(rollout, gamma)
    torch.testing.assert_close(rollout.batch(to_come), rollout.batch(expected))
    assert to_come.dtype == rollout.rewards.dtype


def test_rewards_to_come_are_the_advantages_of_a_critic_that_expects_nothing(two_kinds_of_ends):
    rollout = two_kinds_of_ends
    nothing = torch.zeros_like(rollout.rewards)
    gae = generalized_advantage_estimation(
        rollout.rewards, nothing, nothing, rollout.terminated, rollout.truncated, 0.9, 1.0
    )
    torch.testing.assert_close(rollout.batch(rewards_to_come(rollout, 0.9)), rollout.batch(gae))


def test_rewards_to_come_refuse_a_discount_above_one(two_kinds_of_ends):
    with pytest.raises(ValueError, match="gamma"):
        rewards_to_come(two_kinds_of_ends, 1.01)


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


@pytest.fixture
def pendulum():
    torch.manual_seed(0)
    env = gym.make("Pendulum-v1")
    return env, textbook.SoftplusGaussianPolicy(3, env.action_space, hidden_sizes=(8,), activation="relu")


def test_softplus_policy_is_the_source_documents_gaussian(pendulum):
    _, policy = pendulum
    observations = 3 * torch.randn(50, 3)
    hidden = torch.relu(policy.network[0](observations))
    mean, width = policy.network[2](hidden).T
    distribution = policy.distribution(observations).base_dist
    torch.testing.assert_close(distribution.mean[:, 0], 2 * torch.tanh(mean))
    torch.testing.assert_close(distribution.stddev[:, 0], torch.log1p(width.exp()))


def test_softplus_policy_acts_in_units_of_torque(pendulum):
    _, policy = pendulum
    actions = policy.to_env(torch.tensor([[-3.0], [-1.5], [0.25], [2.5]]))
    assert actions.ravel().tolist() == [-2, -1.5, 0.25, 2]


def test_softplus_policy_has_the_fisher_matrix_of_its_kl(pendulum):
    _, policy = pendulum
    observations, theta = torch.randn(20, 3), parameters_to_vector(policy.parameters()).detach()
    old = policy.distribution_from(policy(observations).detach())

    def kl(theta):
        return mean_kl(old, policy.distribution_from(policy.outputs_at(theta, observations)))

    hessian = torch.autograd.functional.hessian(kl, theta)
    v = torch.randn_like(theta)
    torch.testing.assert_close(FisherVectorProduct(policy, observations)(v), hessian @ v, rtol=1e-3, atol=1e-5)


def test_textbook_learns_from_reshaped_rewards_and_reports_the_environments(pendulum):
    env, policy = pendulum
    seen = []
    history = textbook.learn(
        env, policy, 2, reward=torch.zeros_like, after_episode=lambda *arguments: seen.append(arguments)
    )
    assert [episode.episode_return for episode in history] == [t.rewards.sum().item() for t, _ in seen]
    assert all(episode.episode_return < 0 for episode in history)
    same = textbook.SoftplusGaussianPolicy(3, env.action_space, hidden_sizes=(8,), activation="relu")
    same.load_state_dict(policy.state_dict())
    torch.manual_seed(1)
    plain = textbook.learn(env, policy, 2)
    torch.manual_seed(1)
    assert textbook.learn(env, same, 2, reward=lambda rewards: 1 * rewards) == plain
    torch.manual_seed(1)
    assert textbook.learn(env, same, 2, reward=lambda rewards: rewards + 8) != plain


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


def test_a_slider_is_stored_as_its_still_picture_and_still_compares_equal(tmp_path):
    sources = [
        "from trpo_lib import classroom\nfrom trpo_lib.classroom import sliders\n\nclassroom.setup()",
        "sliders.gaussian_kl()",
        "import ipywidgets\n\nipywidgets.IntSlider()",
    ]
    tags = [[], [], ["nbval-ignore-output"]]
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{i}", metadata={"tags": tags[i]})
        for i, source in enumerate(sources)
    ]
    path = tmp_path / "slider.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute(path)
    first = path.read_bytes()
    execute(path)
    assert path.read_bytes() == first
    assert b"widget" not in first.replace(b"ipywidgets", b"")
    _, slider, bare = nbformat.read(path, as_version=4).cells
    assert [set(output.data) for output in slider.outputs] == [{"text/plain", "image/png"}]
    assert bare.outputs == []
    strict = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-c", os.devnull]
    run = subprocess.run([sys.executable, "-m", "pytest", *strict, path], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stdout


def test_stored_runs_come_back_by_label_and_seed(tmp_path):
    rows = "run,seed,step,episode_return\na,0,10,1.5\na,1,10,2\nb,0,10,3\na,0,20,4\n"
    (tmp_path / "runs.csv").write_text(rows, encoding="utf8")
    runs = plotting.read_runs(tmp_path / "runs.csv")
    assert {key: rows.tolist() for key, rows in runs.items()} == {
        ("a", 0): [[10, 1.5], [20, 4]],
        ("a", 1): [[10, 2]],
        ("b", 0): [[10, 3]],
    }
