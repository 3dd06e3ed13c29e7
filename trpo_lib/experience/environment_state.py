"""Where the environments stand, as plain numbers, so that a run goes on exactly where it was saved.

gymnasium has no general way to save an environment. The classic-control environments keep everything in plain
attributes and one random generator, so theirs can be saved; all others start fresh episodes after a load.
"""

import json
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import SyncVectorEnv, VectorEnv
from gymnasium.wrappers import FlattenObservation, OrderEnforcing, PassiveEnvChecker, TimeLimit

from trpo_lib.experience.environments import WithoutInfo

PLAIN = (bool, int, float, str, type(None), np.ndarray, np.generic)
NO_STATE = (gym.Space, EnvSpec, np.random.Generator)  # what an environment has and never changes, and its generator
DRAWING = {"screen", "screens", "surf", "clock"}
WITHOUT_STATE = (OrderEnforcing, PassiveEnvChecker, FlattenObservation, WithoutInfo)


def environment_state(envs: VectorEnv) -> dict[str, Any] | None:
    """The state of classic-control environments in tensors and plain containers; None for any other kind."""
    if _keeps_plain_attributes(envs):
        states = [_attributes(envs)]
    elif type(envs) is SyncVectorEnv and all(_is_known(env) for env in envs.envs):
        states = [_attributes(env.unwrapped) | {"elapsed_steps": _elapsed_steps(env)} for env in envs.envs]
    else:
        return None
    pending = torch.as_tensor(envs._autoreset_envs.copy()) if isinstance(envs, SyncVectorEnv) else None
    return {"kind": _kind(envs), "environments": states, "pending_resets": pending}


def restore_environment_state(envs: VectorEnv, state: dict[str, Any] | None) -> bool:
    """Put environments of the same kind back to where `environment_state` found them.

    Args:
        envs: of the same kind and number, already reset once.
        state: from `environment_state`.

    Returns:
        Whether it was done; False when there is no state, or it is that of another kind of environment.
    """
    if state is None or state["kind"] != _kind(envs):
        return False
    if not isinstance(envs, SyncVectorEnv):
        _set_attributes(envs, state["environments"][0])
        return True
    for env, saved in zip(envs.envs, state["environments"], strict=True):
        _set_attributes(env.unwrapped, saved)
        for limit in _layers(env, TimeLimit):
            limit._elapsed_steps = saved["elapsed_steps"]
    envs._autoreset_envs = state["pending_resets"].numpy().copy()
    return True


def _kind(envs: VectorEnv) -> str:
    """What must agree for a state to fit."""
    inside = [repr(env) for env in envs.envs] if isinstance(envs, SyncVectorEnv) else []
    mode = envs.metadata.get("autoreset_mode")
    return f"{type(envs).__qualname__} of {envs.num_envs}, {mode}, {envs.single_observation_space}, {inside}"


def _keeps_plain_attributes(env: VectorEnv | gym.Env) -> bool:
    ours = type(env).__module__.startswith("gymnasium.envs.classic_control.")
    return ours and all(_is_plain(value) for name, value in _state_attributes(env))


def _is_known(env: gym.Env) -> bool:
    layers = _layers(env, gym.Wrapper)
    stateless = all(type(layer) is TimeLimit or type(layer) in WITHOUT_STATE for layer in layers)
    return stateless and len(_layers(env, TimeLimit)) <= 1 and _keeps_plain_attributes(env.unwrapped)


def _layers(env: gym.Env, kind: type) -> list[gym.Env]:
    """The wrappers of a kind around an environment."""
    found = []
    while isinstance(env, gym.Wrapper):
        if isinstance(env, kind):
            found.append(env)
        env = env.env
    return found


def _elapsed_steps(env: gym.Env) -> int | None:
    return next((limit._elapsed_steps for limit in _layers(env, TimeLimit)), None)


def _state_attributes(env: VectorEnv | gym.Env) -> list[tuple[str, Any]]:
    return [(n, value) for n, value in vars(env).items() if n not in DRAWING and not isinstance(value, NO_STATE)]


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, PLAIN)


def _attributes(env: VectorEnv | gym.Env) -> dict[str, Any]:
    """Plain attributes by name, and the generator's state as JSON: its numbers have 128 bits."""
    attributes = {name: _pack(value) for name, value in _state_attributes(env)}
    return {"attributes": attributes, "generator": json.dumps(env.np_random.bit_generator.state)}


def _set_attributes(env: VectorEnv | gym.Env, saved: dict[str, Any]) -> None:
    for name, value in saved["attributes"].items():
        setattr(env, name, _unpack(value))
    env.np_random.bit_generator.state = json.loads(saved["generator"])


def _pack(value: Any) -> Any:
    """Arrays and NumPy's numbers as tensors, so that their precision is kept."""
    if isinstance(value, tuple):
        return tuple(map(_pack, value))
    return torch.as_tensor(np.array(value)) if isinstance(value, np.ndarray | np.generic) else value


def _unpack(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_unpack, value))
    # [()] makes a number of an array without axes, and leaves other arrays as they are
    return value.numpy().copy()[()] if isinstance(value, torch.Tensor) else value
