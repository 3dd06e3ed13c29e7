"""Environments that break: the error names environment and step, and the agent is intact and can be saved."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from environments import Broken, Probe, vectorize
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from trpo_lib import TRPO


class Faulty(gym.Env):
    """Works until step `when` of its life, counted over episodes of five steps; then `fault` happens."""

    observation_space, action_space = spaces.Box(-9, 9, (2,), np.float64), spaces.Discrete(2)

    def __init__(self, fault, when):
        self.fault, self.when, self.life, self.resets = fault, when, 0, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.fault == "raises at a reset" and self.life > self.when:
            raise OSError("the simulator is gone")
        self.time = 0
        return np.zeros(2), {}

    def step(self, action):
        self.life, self.time = self.life + 1, self.time + 1
        observation, reward, now = np.full(2, self.time / 5), float(self.time), self.life == self.when + 1
        if now and self.fault == "raises":
            raise OSError("the simulator is gone")
        if now and self.fault.startswith("shape"):
            observation = np.zeros({"shape (3,)": (3,), "shape (1,)": (1,), "shape (1, 2)": (1, 2)}[self.fault])
        if now and self.fault == "nan reward":
            reward = np.nan
        if now and self.fault == "infinite observation":
            observation[1] = np.inf
        return observation, reward, self.time == 5, False, {}


gym.register("Faulty-v0", Faulty)
FAULTS = {
    "raises": (RuntimeError, r"environment 1 raised OSError \(the simulator is gone\), at step {} of this rollout"),
    "raises at a reset": (RuntimeError, r"environment 1 raised OSError \(the simulator is gone\), .*step {} of this"),
    "shape (3,)": (
        RuntimeError,
        r"environment 1 returned an observation of shape \(3,\) .* \(2,\), at step {} of this",
    ),
    "shape (1,)": (
        RuntimeError,
        r"environment 1 returned an observation of shape \(1,\) .* \(2,\), at step {} of this",
    ),
    "shape (1, 2)": (RuntimeError, r"environment 1 .* of shape \(1, 2\) .* \(2,\), at step {} of this rollout"),
    "nan reward": (ValueError, r"reward that is NaN or infinite, at step {} of this rollout in environment 1"),
    "infinite observation": (ValueError, r"observation that is NaN .*, at step {} of this rollout in environment 1"),
}
LATER = {"raises at a reset": 54 - 32}  # the first episode's end after step 52; the second rollout begins at 32
CASES = [(fault, 52) for fault in FAULTS] + [
    (fault, 54) for fault in FAULTS if fault not in LATER
]  # 54 ends an episode


def faulty(fault, when=52, **vector):
    makers = [lambda f=f: Faulty(f, when) for f in ("none", fault, "none")]
    return vectorize(*makers, **vector)


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED], ids=lambda mode: mode.name)
@pytest.mark.parametrize(("fault", "when"), CASES)
def test_fault_names_environment_and_step_and_leaves_the_agent_intact(
    fault, mode, when, make_agent, everything, tmp_path
):
    agent, healthy = make_agent(faulty(fault, when, mode=mode)), make_agent(faulty("none", mode=mode))
    healthy.learn(32 * 3, progress=False)
    kind, message = FAULTS[fault]
    with pytest.raises(kind, match=message.format(LATER.get(fault, when - 32))):
        agent.learn(1000, progress=False)
    assert everything(agent) == everything(healthy)  # the complete update is there, and nothing of the broken one
    agent.save(tmp_path / "agent")
    loaded = TRPO.load(tmp_path / "agent", faulty("none"))
    assert everything(loaded) == everything(agent)
    agent.envs = faulty("none")  # mended
    agent.learn(200, progress=False)
    assert len(agent.history) == 4


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
def test_episodes_that_end_at_their_first_step_are_trained_on(mode, make_agent):
    envs = vectorize(*[lambda: Probe(lambda o, a, last: o * a)] * 2, mode=mode)
    agent = make_agent(envs).learn(300, progress=False)
    assert {episode.length for episode in agent.episodes} == {1}
    assert len(agent.episodes) == agent.step


def test_episodes_that_never_end_are_trained_on_and_have_no_return(make_agent, tmp_path):
    agent = make_agent(vectorize(*[lambda: Broken("reward", 0.0, None)] * 2)).learn(300, progress=False)
    assert agent.episodes == []
    assert all(np.isnan(report.mean_return) for report in agent.history)
    agent.save(tmp_path / "agent")


def test_evaluation_of_episodes_that_never_end_stops_and_says_which():
    agent = TRPO(gym.make_vec("Broken-v0", 2, vectorization_mode="sync", part="reward", value=0.0, when=None))
    with pytest.raises(RuntimeError, match="environment 0 did not end its episode in 50 steps"):
        agent.evaluate(2, max_steps=50)


def test_evaluation_names_environment_and_step_of_an_error():
    agent = TRPO(gym.make_vec("Faulty-v0", 2, vectorization_mode="sync", fault="raises", when=3))
    with pytest.raises(RuntimeError, match=r"environment 0 raised OSError.*at step 3 of the evaluation"):
        agent.evaluate(2)


def test_failing_first_reset_is_named():
    with pytest.raises(RuntimeError, match=r"environment 2 raised OSError \(the simulator is gone\), at the reset"):
        TRPO(vectorize(*[lambda f=f: Faulty(f, -1) for f in ("none", "none", "raises at a reset")]))


class WithoutIndex(gym.vector.VectorEnv):
    """A vector environment of its own kind that fails."""

    num_envs, single_observation_space, single_action_space = 2, spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return np.zeros((2, 2)), {}

    def step(self, actions):
        raise ArithmeticError("overflow")


def test_error_of_a_vector_environment_that_knows_no_index_names_the_step(make_agent):
    with pytest.raises(RuntimeError, match=r"the environment raised ArithmeticError \(overflow\), at step 0"):
        make_agent(WithoutIndex()).collect()


def test_error_in_the_update_changes_nothing_that_is_recorded(make_agent, everything, monkeypatch):
    agent = make_agent().learn(64, progress=False)
    before = everything(agent)
    with monkeypatch.context() as patched:
        patched.setattr(agent, "surrogate_gradient", lambda batch: torch.full((9,), torch.nan))
        with pytest.raises(ValueError, match="b must be finite"):
            agent.learn(64, progress=False)
    assert everything(agent) == before
    agent.learn(64, progress=False)
    assert [e.step for e in agent.episodes] == sorted(e.step for e in agent.episodes)
    assert agent.episodes[-1].step <= agent.step
