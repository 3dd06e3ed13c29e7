"""Many updates: reproducible, interruptible, and on record."""

import signal

import numpy as np
import pytest
import torch
from gymnasium.wrappers.vector import TransformReward

from trpo_lib import TRPO, make_envs


@pytest.mark.parametrize("fisher_fraction", [1.0, 0.5])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_same_seed_gives_the_same_bits_and_another_seed_others(env, fisher_fraction, make_agent, everything):
    agents = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(agents))  # the global generator has no say
        agents.append(make_agent(env, seed, fisher_fraction=fisher_fraction).learn(300, progress=False))
    a, b, c = map(everything, agents)
    assert a == b
    assert a != c


DECIDED_BY_THE_SEED = {
    "environments": lambda agent: agent.cursor.observations.tolist(),
    "policy": lambda agent: agent.policy.network[0].weight.tolist(),
    "critic": lambda agent: agent.critic.network[0].weight.tolist(),
    "draws": lambda agent: torch.rand(8, generator=agent.generator).tolist(),
}


@pytest.mark.parametrize("part", DECIDED_BY_THE_SEED)
def test_seed_decides_every_part_of_a_new_agent(part, make_agent):
    a, b, c = (DECIDED_BY_THE_SEED[part](make_agent(seed=seed)) for seed in (3, 3, 4))
    assert a == b
    assert a != c


def test_states_of_the_fisher_matrix_are_drawn_on_as_before_after_save_and_load(make_agent, everything, tmp_path):
    half, whole = (make_agent(fisher_fraction=0.5).learn(128, progress=False) for _ in range(2))
    half.save(tmp_path / "half")
    loaded = TRPO.load(tmp_path / "half")
    assert everything(loaded.learn(128, progress=False)) == everything(whole.learn(128, progress=False))


def test_learning_twice_equals_learning_once(make_agent, everything):
    once, twice = make_agent().learn(4 * 64, progress=False), make_agent()
    while twice.step < once.step:
        twice.learn(1, progress=False)
    assert everything(once) == everything(twice)


def test_global_generators_are_left_alone(make_agent):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    agent = make_agent().learn(200, progress=False)
    agent.act(np.zeros(4))
    agent.evaluate(2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_learn_sees_as_many_steps_as_asked_and_cuts_no_batch(make_agent):
    agent = make_agent("Pendulum-v1").learn(65, progress=False)
    assert agent.step == 128
    assert [report.step for report in agent.history] == [64, 128]
    assert agent.learn(1, progress=False) is agent
    assert agent.step == 192


def test_history_and_episodes_tell_the_same_story(make_agent):
    agent = make_agent().learn(500, progress=False)
    assert [episode.step for episode in agent.episodes] == sorted(episode.step for episode in agent.episodes)
    assert all(episode.episode_return == episode.length for episode in agent.episodes)  # CartPole pays 1 a step
    assert sum(episode.length for episode in agent.episodes) <= agent.step == agent.history[-1].step
    previous = 0
    for report in agent.history:
        returns = [e.episode_return for e in agent.episodes if previous < e.step <= report.step]
        assert report.mean_return == pytest.approx(np.mean(returns)) if returns else np.isnan(report.mean_return)
        previous = report.step


def test_learn_shows_return_kl_and_speed_or_nothing(make_agent, capsys):
    agent = make_agent().learn(200)
    bar = capsys.readouterr().err
    assert all(word in bar for word in ("return=", "kl=", "step/s", "200/200"))
    agent.learn(200, progress=False)
    assert capsys.readouterr().err == ""


def test_what_the_step_that_only_resets_pays_belongs_to_no_episode(make_agent):
    envs = TransformReward(make_envs("CartPole-v1", 2), np.ones_like)  # it resets in the next step: 1 for that too
    agent = make_agent(envs).learn(300, progress=False)
    assert len(agent.episodes) > 5
    assert all(episode.episode_return == episode.length for episode in agent.episodes)


@pytest.fixture
def stop_after(monkeypatch):
    """(owner, name, calls): the stop button is pressed at the end of the given call of owner.name."""

    def arrange(owner, name, calls):
        original, count = getattr(owner, name), []

        def pressed(*args, **kwargs):
            count.append(1)
            result = original(*args, **kwargs)
            if len(count) == calls:
                signal.raise_signal(signal.SIGINT)
            return result

        monkeypatch.setattr(owner, name, pressed)

    return arrange


@pytest.mark.parametrize(("owner", "calls"), [("envs", 71), ("optimizer", 19)], ids=["collect", "update"])
def test_interrupt_keeps_complete_updates_and_learn_goes_on(owner, calls, make_agent, stop_after, capsys, everything):
    agent = make_agent()
    stop_after(getattr(agent, owner), "step", calls)  # in the third rollout; in the second fit of the critic
    agent.learn(5000)
    assert "Interrupted" in capsys.readouterr().out
    assert 2 <= len(agent.history) <= 3
    assert everything(agent) == everything(make_agent().learn(agent.step, progress=False))
    before, rollout = agent.step, agent.collect()
    assert rollout.observations[0].abs().max() <= 0.05  # new episodes: nobody knows where the old ones stand
    assert not np.isin(rollout.observations[0], make_agent().cursor.observations).any()  # and not the first ones again
    agent.update(rollout)
    agent.learn(200, progress=False)
    assert agent.step >= before + 200
    assert all(abs(report.initial_kl) < 1e-12 for report in agent.history)
    assert all(episode.episode_return == episode.length for episode in agent.episodes)


def test_networks_and_environments_have_seeds_of_their_own(make_agent, theta):
    class Elsewhere(TRPO):
        environment_seed = property(lambda self: self.seed + 2)

    class Otherwise(TRPO):
        network_seed = property(lambda self: self.seed + 2)

    config = make_agent("Pendulum-v1").config
    plain, other = make_agent("Pendulum-v1"), make_agent("Pendulum-v1", 2)
    elsewhere, otherwise = (kind("Pendulum-v1", config) for kind in (Elsewhere, Otherwise))
    for agent, networks, environments in ((elsewhere, plain, other), (otherwise, other, plain)):
        assert torch.equal(theta(agent), theta(networks))
        assert (agent.cursor.observations == environments.cursor.observations).all()
    assert not torch.equal(theta(plain), theta(other))
    assert (plain.cursor.observations != other.cursor.observations).any()
