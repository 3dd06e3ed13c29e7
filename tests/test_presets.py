import dataclasses
import os
import subprocess
import sys

import gymnasium as gym
import pytest
from environments import Space, vectorize
from gymnasium import spaces

import trpo_lib.trpo
from trpo_lib import TRPO, TRPOConfig, train
from trpo_lib.agent.presets import PRESETS, find_preset
from trpo_lib.extensions import presets as extensions
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.training.train import agent_class, make_agent

TINY = {"num_envs": 2, "rollout_steps": 16, "hidden_sizes": (4,), "critic_epochs": 1}


@pytest.mark.parametrize("env_id", sorted(PRESETS))
def test_every_preset_is_of_a_registered_environment_and_says_how_long_to_train(env_id):
    assert gym.spec(env_id).id == env_id
    preset = find_preset(env_id)
    assert preset is PRESETS[env_id]
    assert preset.total_steps >= preset.config.num_envs * preset.config.rollout_steps


def test_vector_environment_finds_the_preset_of_its_id():
    assert find_preset(gym.make_vec("CartPole-v1", 2)) is PRESETS["CartPole-v1"]


def test_any_other_environment_has_a_default_for_its_kind_of_actions():
    discrete, continuous = (
        find_preset("CliffWalking-v1"),
        find_preset(vectorize(lambda: Space(spaces.Box(-1, 1, (2,))))),
    )
    assert discrete != continuous
    for space in (spaces.MultiBinary(2), spaces.MultiDiscrete([2, 2])):
        assert find_preset(vectorize(lambda space=space: Space(space))) == discrete


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """The folder of a package that registers an environment."""
    (tmp_path / "other_package.py").write_text(
        "import gymnasium as gym\n"
        "gym.register('Other-v0', 'gymnasium.envs.classic_control:PendulumEnv', max_episode_steps=20)\n",
        encoding="utf8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


IN_A_NEW_PROCESS = """
import sys
from trpo_lib import TRPO
agent = TRPO.load(sys.argv[1])
print(len(agent.evaluate(2)), agent.learn(32, progress=False).step)
"""


@pytest.mark.usefixtures("other_package")
def test_environment_of_another_package_is_imported_and_trained_like_any_other():
    agent = train("other_package:Other-v0", 64, **TINY)
    assert agent.step >= 64
    assert len(agent.evaluate(2)) == 2
    assert find_preset("Other-v0") == find_preset("other_package:Other-v0") == trpo_lib.agent.presets.CONTINUOUS


def test_a_new_process_imports_the_package_again(other_package):
    agent = train("other_package:Other-v0", 64, **TINY)
    agent.save(other_package / "agent")
    command = [sys.executable, "-c", IN_A_NEW_PROCESS, str(other_package / "agent")]
    path = os.pathsep.join([str(other_package), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    new = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert new.stdout.split() == ["2", str(agent.step + 32)], new.stderr


def test_unknown_environment_is_refused_by_gymnasium():
    with pytest.raises(gym.error.Error, match="NoSuch"):
        find_preset("NoSuch-v0")


def test_agent_without_settings_takes_those_of_the_preset():
    assert TRPO("CartPole-v1").config == PRESETS["CartPole-v1"].config


def test_train_takes_overrides_and_leaves_the_rest_of_the_preset(capsys):
    agent = train("CartPole-v1", 64, seed=3, **TINY)
    assert agent.config == dataclasses.replace(PRESETS["CartPole-v1"].config, **TINY)
    assert agent.seed == 3
    assert agent.step >= 64 > agent.history[-2].step


def test_train_without_a_number_of_steps_takes_that_of_the_preset(monkeypatch):
    asked = []
    monkeypatch.setattr(trpo_lib.trpo.TRPO, "learn", lambda agent, steps, **_: asked.append(steps) or agent)
    train("CartPole-v1")
    assert asked == [PRESETS["CartPole-v1"].total_steps]


def test_train_for_no_steps_is_refused(monkeypatch):
    monkeypatch.setattr(trpo_lib.trpo.TRPO, "collect", lambda agent: pytest.fail("it trains"))
    with pytest.raises(ValueError, match="total_steps"):
        train("CartPole-v1", 0, **TINY)


def test_unknown_override_is_refused_with_all_that_are_known():
    with pytest.raises(TypeError, match="max_kll") as refusal:
        train("CartPole-v1", 64, max_kll=0.01)
    assert all(name in str(refusal.value) for name in TRPOConfig.fields())


def test_trpo_is_trpo_on_every_environment():
    for env_id, preset in PRESETS.items():
        assert type(preset.config) is TRPOConfig, env_id


@pytest.mark.parametrize("env_id", sorted(extensions.PRESETS))
def test_preset_of_an_extension_stands_beside_trpos_own_and_train_names_what_it_takes(env_id):
    preset = extensions.find_preset(env_id)
    assert preset is extensions.PRESETS[env_id]
    assert preset.total_steps == PRESETS[env_id].total_steps, "or they cannot be compared"
    assert type(preset.config) is not TRPOConfig
    kind = agent_class(dataclasses.asdict(preset.config))
    assert kind.Config is type(preset.config)
    assert kind is not TRPO
    assert kind.default_config(env_id) is preset.config


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "CliffWalking-v1"])
def test_where_no_extension_has_a_preset_it_is_trpos(env_id):
    assert extensions.find_preset(env_id) == find_preset(env_id)
    assert type(make_agent(env_id)) is TRPO
    assert CriticFirstTRPO(env_id).config == CriticFirstTRPO.Config.from_settings(
        dataclasses.asdict(TRPO(env_id).config)
    )


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, TRPO),
        ({"critic_first": False, "past_rollouts": 0}, TRPO),
        ({"critic_first": True}, CriticFirstTRPO),
        ({"past_rollouts": 2}, OffPolicyTRPO),
        ({"critic_first": True, "past_rollouts": 1}, OffPolicyTRPO),
    ],
    ids=str,
)
def test_an_agent_is_named_for_what_its_settings_make_of_it(settings, kind):
    agent = make_agent("CartPole-v1", seed=3, **TINY, **settings)
    assert type(agent) is kind
    assert agent.seed == 3
    assert {name: getattr(agent.config, name) for name in TINY} == TINY
    assert all(getattr(agent.config, name, False) == value for name, value in settings.items())


def test_setting_of_an_extension_that_makes_no_sense_is_refused_by_name():
    for wrong in ({"past_rollouts": -1}, {"critic_first": "yes"}):
        with pytest.raises((ValueError, TypeError), match=rf"^{next(iter(wrong))} must"):
            make_agent("CartPole-v1", **TINY, **wrong)
