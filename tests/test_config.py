import dataclasses
import math

import pytest

from trpo_lib import TRPOConfig

COUNT = (0, -3, 2.5, math.nan, True)
NUMBER = (-1.0, math.nan, math.inf)
BAD = {
    "num_envs": COUNT,
    "rollout_steps": COUNT,
    "max_kl": (0.0, *NUMBER),
    "gamma": (1.01, *NUMBER),
    "lam": (1.01, *NUMBER),
    "damping": NUMBER,
    "cg_iterations": COUNT,
    "cg_tolerance": (1.0, *NUMBER),
    "fisher_fraction": (0.0, 1.01, *NUMBER),
    "line_search_shrink": (0.0, 1.0, *NUMBER),
    "line_search_trials": COUNT,
    "rescale_step": ("no", 2, None),
    "hidden_sizes": ((64, 0), (2.5,), 64, map(float, "45")),
    "activation": ("sine", None),
    "initial_log_std": (math.nan, math.inf, -math.inf),
    "normalize_observations": ("no", 2, None),
    "critic_epochs": (-1, 2.5, math.nan),
    "critic_minibatch": COUNT,
    "critic_learning_rate": (0.0, *NUMBER),
}
TEXT = [(name, "0.5") for name in BAD if name != "activation"]


@pytest.mark.parametrize(("name", "value"), TEXT + [(name, value) for name, values in BAD.items() for value in values])
def test_value_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises((ValueError, TypeError), match=rf"^{name} must"):
        TRPOConfig(**{name: value})


def test_every_field_has_values_to_refuse():
    assert set(BAD) == set(TRPOConfig.fields()) == {field.name for field in dataclasses.fields(TRPOConfig)}


def test_every_field_is_explained():
    for name in TRPOConfig.fields():
        assert f"\n        {name}: " in TRPOConfig.__doc__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gamma", 0),
        ("gamma", 1),
        ("lam", 0.0),
        ("lam", 1.0),
        ("damping", 0),
        ("cg_tolerance", 0),
        ("fisher_fraction", 1),
        ("critic_epochs", 0),
        ("hidden_sizes", ()),
    ],
)
def test_values_at_the_edge_are_accepted(name, value):
    assert getattr(TRPOConfig(**{name: value}), name) == value


@pytest.mark.parametrize("sizes", [[4, 5], map(int, "45"), (size for size in (4, 5))], ids=lambda s: type(s).__name__)
def test_hidden_sizes_of_any_kind_become_a_tuple(sizes):
    assert TRPOConfig(hidden_sizes=sizes).hidden_sizes == (4, 5)


def test_config_is_frozen_and_can_be_compared_and_hashed():
    config = TRPOConfig(hidden_sizes=[32, 32])
    assert config.hidden_sizes == (32, 32)
    assert config == TRPOConfig(hidden_sizes=(32, 32))
    assert hash(config) == hash(TRPOConfig(hidden_sizes=(32, 32)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.gamma = 0.5


def test_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="max_kll"):
        TRPOConfig(max_kll=0.01)


@dataclasses.dataclass(frozen=True)
class Extended(TRPOConfig):
    extra: int = 0


def test_settings_of_an_extension_are_refused_unless_they_are_switched_off():
    settings = dataclasses.asdict(Extended(gamma=0.5))
    assert TRPOConfig.from_settings(settings) == TRPOConfig(gamma=0.5)
    assert Extended.from_settings({"gamma": 0.5}) == Extended(gamma=0.5)
    with pytest.raises(ValueError, match=r"those of TRPOConfig, got extra=3 besides"):
        TRPOConfig.from_settings({**settings, "extra": 3})
