"""Checkpoints: exact, atomic, and refused when they are not whole."""

import contextlib
import dataclasses
import errno
import hashlib
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path
from unittest import mock

import gymnasium as gym
import numpy as np
import pytest
import torch
from environments import Space, vectorize
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import TransformReward
from gymnasium.wrappers.vector import TransformReward as VectorReward
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPO, TRPOConfig, make_envs
from trpo_lib.agent.checkpoint import FORMAT, VERSION, read_checkpoint, write_checkpoint
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.training.train import load_agent

ENVIRONMENTS = ("CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0")


def updates(agent, number):
    """That many updates more; steps would not do, because a batch may have some less than T·N."""
    goal = len(agent.history) + number
    while len(agent.history) < goal:
        agent.learn(1, progress=False)
    return agent


def bits(agent):
    """All that an agent is and does next, to the last bit."""
    updates(agent, 1)
    networks = [agent.policy.state_dict(), agent.critic.state_dict()]
    tensors = [(name, value.numpy().tobytes()) for network in networks for name, value in network.items()]
    tensors += [value.numpy().tobytes() for moments in agent.optimizer.state.values() for value in moments.values()]
    numbers = repr((agent.history, agent.episodes, agent.step, agent.cursor))
    return hashlib.sha256(repr(tensors).encode() + numbers.encode() + bytes(agent.generator.get_state())).hexdigest()


@pytest.mark.parametrize("env", ENVIRONMENTS)
@pytest.mark.parametrize(("n", "past_rollouts"), [(1, 0), (9, 0), (1, 3), (3, 2)])
def test_twice_n_updates_equal_n_updates_save_load_n_updates(env, n, past_rollouts, make_agent, tmp_path):
    updates(make_agent(env, past_rollouts=past_rollouts), n).save(tmp_path / "half")
    loaded = load_agent(tmp_path / "half")
    assert len(loaded.history) == n
    assert len(getattr(loaded, "past", ())) == min(n, past_rollouts)
    assert bits(updates(loaded, n)) == bits(updates(make_agent(env, past_rollouts=past_rollouts), 2 * n))


IN_A_NEW_PROCESS = """
import sys
from test_checkpoint import bits, updates
from trpo_lib import TRPO
print(bits(updates(TRPO.load(sys.argv[1]), 10)))
"""


@pytest.mark.parametrize(("env", "dtype"), [("CartPole-v1", torch.float64), ("Pendulum-v1", torch.float32)])
def test_a_new_process_goes_on_to_the_last_bit(env, dtype, make_agent, tmp_path):
    torch.set_default_dtype(dtype)
    updates(make_agent(env), 10).save(tmp_path / "half")
    command = [sys.executable, "-c", IN_A_NEW_PROCESS, str(tmp_path / "half")]
    new = subprocess.run(command, capture_output=True, text=True, check=True, cwd=os.path.dirname(__file__))
    assert new.stdout.strip() == bits(updates(make_agent(env), 20))


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
def test_every_autoreset_mode_goes_on_exactly(mode, make_agent, tmp_path):
    def envs():
        return vectorize(*[lambda: gym.make("CartPole-v1")] * 2, mode=mode)

    updates(make_agent(envs(), rollout_steps=33), 9).save(tmp_path / "half")
    loaded = TRPO.load(tmp_path / "half", envs())
    assert bits(updates(loaded, 9)) == bits(updates(make_agent(envs(), rollout_steps=33), 18))


def test_environments_options_come_back(make_agent, tmp_path):
    make_agent(gym.make_vec("CartPole-v1", 2, max_episode_steps=7)).save(tmp_path / "agent")
    assert TRPO.load(tmp_path / "agent").learn(64, progress=False).episodes[0].length <= 7


@pytest.mark.filterwarnings("ignore:the state of these environments")
def test_other_environments_start_fresh_episodes_and_a_warning_says_so(make_agent, tmp_path):
    half = make_agent("FrozenLake-v1").learn(64, progress=False)
    half.save(tmp_path / "half")
    with pytest.warns(UserWarning, match="fresh episodes"):
        loaded = TRPO.load(tmp_path / "half")
    assert (loaded.history, loaded.episodes) == (half.history, half.episodes)
    rollout = loaded.collect()
    assert torch.equal(rollout.observations[0], torch.eye(16)[[0, 0]])  # the lake's start
    loaded.update(rollout)
    assert bits(loaded) == bits(updates(TRPO.load(tmp_path / "half"), 1))  # reproducible all the same


@pytest.mark.parametrize("past_rollouts", [0, 2])
@pytest.mark.parametrize("number", [2, 3])
def test_environments_of_another_kind_than_saved_start_fresh_episodes(number, past_rollouts, make_agent, tmp_path):
    updates(make_agent(past_rollouts=past_rollouts), 2).save(tmp_path / "agent")
    envs = vectorize(*[lambda: gym.make("CartPole-v1")] * number)
    with pytest.warns(UserWarning, match="fresh episodes"):
        loaded = load_agent(tmp_path / "agent", envs)
    assert len(getattr(loaded, "past", ())) == (past_rollouts if number == 2 else 0)
    assert updates(loaded, 3).config.num_envs == number
    assert len(getattr(loaded, "past", ())) == past_rollouts


WRAPPED = {
    "each": lambda: gym.make_vec("Pendulum-v1", 2, wrappers=[lambda env: TransformReward(env, lambda r: 1.0)]),
    "vector": lambda: VectorReward(gym.make_vec("Pendulum-v1", 2), np.ones_like),
    "ours": lambda: VectorReward(make_envs("Pendulum-v1", 2), np.ones_like),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrapped_environments_are_not_made_again_without_their_wrappers(kind, make_agent, tmp_path):
    agent = make_agent(WRAPPED[kind]())
    with pytest.raises(ValueError, match=r"make_vec and has no wrappers"):
        agent.evaluate(1)
    agent.save(tmp_path / "agent")
    with pytest.raises(ValueError, match=r"give load\(path, env\) a VectorEnv"):
        TRPO.load(tmp_path / "agent")
    with pytest.warns(UserWarning, match="fresh episodes"):
        loaded = TRPO.load(tmp_path / "agent", WRAPPED[kind]())
    assert (loaded.collect().rewards == 1).all()


class Options(Space):
    """Its option is to come back as it was."""

    def __init__(self, goals):
        assert isinstance(goals["all"][0], np.ndarray)
        assert goals["all"][0].tolist() == [2.0, 1.0]
        super().__init__(spaces.Discrete(2))


gym.register("Options-v0", Options)


@pytest.mark.filterwarnings("ignore:the state of these environments")
def test_arrays_among_an_environments_options_come_back_as_arrays(make_agent, tmp_path):
    make_agent(gym.make_vec("Options-v0", 2, goals={"all": [np.array([1.0, 2.0])[::-1]]})).save(tmp_path / "agent")
    TRPO.load(tmp_path / "agent")


OTHER_SPACES = [
    (spaces.Discrete(2), spaces.MultiBinary(2)),
    (spaces.Discrete(2), spaces.Discrete(2, start=5)),
    (spaces.Box(-1, 1, (2,)), spaces.Box(-1, 2, (2,))),
    (spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1 + 1e-6, (2,))),
    (spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1, (2,), np.float64)),
]


@pytest.mark.filterwarnings("ignore:the state of these environments")
@pytest.mark.parametrize(("space", "other"), OTHER_SPACES, ids=str)
def test_environments_with_other_spaces_of_the_same_shapes_are_refused(space, other, make_agent, tmp_path):
    make_agent(vectorize(lambda: Space(space))).save(tmp_path / "agent")
    with pytest.raises(ValueError, match=r"env must have the spaces .*agent: actions in .*; got actions in "):
        TRPO.load(tmp_path / "agent", vectorize(lambda: Space(other)))
    with pytest.raises(ValueError, match="env must have the spaces"):
        TRPO.load(tmp_path / "agent", vectorize(lambda: Space(space, spaces.Box(-2, 1, (3,), np.float32))))


@pytest.mark.filterwarnings("ignore:the state of these environments")
def test_how_numpy_prints_decides_nothing_about_spaces(make_agent, tmp_path):
    def envs(precision):
        with np.printoptions(precision=precision):
            return vectorize(lambda: Space(spaces.Box(np.float32([-1, -1 / 3]), np.float32([1, 2 / 3]))))

    make_agent(envs(8)).save(tmp_path / "agent")
    TRPO.load(tmp_path / "agent", envs(2))


def test_checkpoint_of_before_spaces_were_noted_is_loaded(make_agent, tmp_path):
    make_agent().save(tmp_path / "agent")
    state = read_checkpoint(tmp_path / "agent")
    del state["spaces"]
    write_checkpoint(tmp_path / "agent", state)
    assert bits(TRPO.load(tmp_path / "agent")) == bits(make_agent())


def test_environments_without_an_id_must_be_given(make_agent, tmp_path):
    envs = vectorize(lambda: Space(spaces.Discrete(2)))
    make_agent(envs).save(tmp_path / "agent")
    with pytest.raises(ValueError, match=r"load\(path, env\)"):
        TRPO.load(tmp_path / "agent")
    with pytest.raises(TypeError, match="VectorEnv"):
        TRPO.load(tmp_path / "agent", gym.make("CartPole-v1"))
    with pytest.raises(ValueError, match="env must have the spaces"):
        TRPO.load(tmp_path / "agent", gym.make_vec("CartPole-v1", 1))


def test_saving_disturbs_nothing(make_agent, tmp_path):
    a, b = make_agent("Pendulum-v1"), make_agent("Pendulum-v1")
    for _ in range(3):
        a.learn(64, progress=False).save(tmp_path / "a")
        b.learn(64, progress=False)
    assert bits(a) == bits(b)


def test_agent_saved_after_an_interrupt_goes_on(make_agent, tmp_path):
    agent = make_agent().learn(64, progress=False)
    agent.cursor = None
    agent.save(tmp_path / "agent")
    assert bits(TRPO.load(tmp_path / "agent")) == bits(agent)


def test_numbers_of_numpy_in_the_settings_are_saved(tmp_path):
    config = TRPOConfig(num_envs=np.int64(2), rollout_steps=np.int32(8), max_kl=np.float64(0.02))
    TRPO("CartPole-v1", config, seed=np.int64(3)).learn(16, progress=False).save(tmp_path / "agent")
    loaded = TRPO.load(tmp_path / "agent")
    assert loaded.config == config
    assert loaded.seed == 3


def test_what_could_not_be_loaded_again_is_not_written(tmp_path):
    with pytest.raises(TypeError, match="tensors, numbers, strings"):
        write_checkpoint(tmp_path / "file", {"f": [print]})
    assert not list(tmp_path.iterdir())


@pytest.fixture
def saved(make_agent, tmp_path):
    """A checkpoint and its bytes."""
    make_agent().learn(64, progress=False).save(tmp_path / "checkpoint")
    return tmp_path / "checkpoint", (tmp_path / "checkpoint").read_bytes()


def sealed(payload, version=VERSION):
    return b"%s %d %s\n%s" % (FORMAT, version, hashlib.sha256(payload).hexdigest().encode(), payload)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("executed",)


SPOILED = {
    "empty": (lambda whole: b"", "is not a checkpoint"),
    "foreign": (lambda whole: b"\x89PNG\r\n\x1a\n" * 9, "is not a checkpoint"),
    "torch": (lambda whole: whole.partition(b"\n")[2], "is not a checkpoint"),
    "header": (lambda whole: whole[:12], "is not a checkpoint"),
    "no payload": (lambda whole: whole.partition(b"\n")[0], "is damaged"),
    "short by one": (lambda whole: whole[:-1], "is damaged"),
    "half": (lambda whole: whole[: len(whole) // 2], "is damaged"),
    "one bit": (lambda whole: whole[:-900] + bytes([whole[-900] ^ 1]) + whole[-899:], "is damaged"),
    "longer": (lambda whole: whole + b"\0", "is damaged"),
    "newer": (lambda whole: sealed(b"", VERSION + 1), r"newer trpo_lib: it has format 2, and this one reads up to 1"),
    "pickle": (lambda whole: sealed(pickle.dumps(Evil(), 2)), "holds something else"),
    "text": (lambda whole: sealed(b"hello"), "holds something else"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_file_is_refused_in_one_sentence_and_nothing_in_it_is_executed(name, saved, monkeypatch):
    path, whole = saved
    spoil, message = SPOILED[name]
    path.write_bytes(spoil(whole))
    monkeypatch.chdir(path.parent)
    with pytest.raises(ValueError, match=message) as refusal:
        TRPO.load(path)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)
    assert not (path.parent / "executed").exists()


def test_every_length_at_which_a_file_can_be_cut_is_refused(saved):
    path, whole = saved
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"not a checkpoint|damaged"):
            read_checkpoint(path)


def test_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        TRPO.load(tmp_path / "nothing")


@contextlib.contextmanager
def no_room_to_write():
    """The system really refuses files above 2000 bytes; only briefly, because pytest writes its own output too."""
    resource = pytest.importorskip("resource", reason="file sizes can be limited on Unix alone")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def refused(name):
    """The system says that the disk is full when `os.name` is called."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return lambda: mock.patch.object(os, name, refuse)


@pytest.mark.parametrize("full_disk", [no_room_to_write, refused("fsync"), refused("replace")])
def test_old_checkpoint_survives_a_full_disk_and_no_rest_is_left(saved, make_agent, full_disk):
    path, whole = saved
    agent = make_agent().learn(128, progress=False)
    with full_disk(), pytest.raises(OSError, match=r"File too large|No space left"):
        agent.save(path)
    assert path.read_bytes() == whole
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_file_and_folder_are_brought_to_the_disk_in_the_right_order(make_agent, tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(stat.S_ISDIR(os.fstat(fd).st_mode)) or sync(fd))
    monkeypatch.setattr(os, "replace", lambda a, b: done.append("rename") or replace(a, b))
    make_agent().save(tmp_path / "agent")
    assert done == [False, "rename", True]


# Written when one class had all settings, after three updates of so small an agent.
OF_BEFORE = {
    "plain": (TRPO, {}),
    "critic_first": (CriticFirstTRPO, {"critic_first": True}),
    "past_rollouts": (OffPolicyTRPO, {"critic_first": True, "past_rollouts": 2}),
}


@pytest.mark.parametrize("name", OF_BEFORE)
def test_checkpoint_of_before_the_extensions_is_loaded_as_what_it_was_and_goes_on(name):
    torch.set_default_dtype(torch.float32)
    kind, settings = OF_BEFORE[name]
    file = Path(__file__).parent / "data" / f"checkpoint_{name}"
    loaded, state = load_agent(file), read_checkpoint(file)
    assert type(loaded) is kind
    small = {"num_envs": 2, "rollout_steps": 8, "hidden_sizes": (4,), "critic_epochs": 1, "critic_minibatch": 16}
    assert loaded.config == kind.Config(**small, **settings)
    assert (len(loaded.history), loaded.step, loaded.seed) == (3, state["step"], 3)
    for report, stored in zip(loaded.history, state["history"], strict=True):
        assert repr(sorted(dataclasses.asdict(report).items())) == repr(sorted(stored.items()))  # NaN equals no NaN
    for network in ("policy", "critic"):
        for key, value in getattr(loaded, network).state_dict().items():
            assert torch.equal(value, state[network][key])
    again = updates(kind("CartPole-v1", loaded.config, seed=3), 3)  # close, as rounding is the machine's
    now, then = (parameters_to_vector(agent.policy.parameters()) for agent in (again, loaded))
    torch.testing.assert_close(now, then, rtol=1e-2, atol=1e-2)
    assert len(updates(loaded, 2).history) == 5
    assert len(getattr(loaded, "past", ())) == settings.get("past_rollouts", 0)


def test_checkpoint_of_an_extension_is_refused_by_a_class_that_does_not_know_its_settings(make_agent, tmp_path):
    make_agent(past_rollouts=1).save(tmp_path / "agent")
    for kind in (TRPO, CriticFirstTRPO):
        with pytest.raises(ValueError, match=r"got past_rollouts=1 besides.*load_agent"):
            kind.load(tmp_path / "agent")
    assert type(load_agent(tmp_path / "agent")) is OffPolicyTRPO
