"""From an environment's id to a trained agent of the class that its preset names."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from gymnasium.vector import VectorEnv

from trpo_lib.agent.checkpoint import read_checkpoint
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.extensions.presets import find_preset
from trpo_lib.trpo import TRPO

SETTINGS = OffPolicyTRPO.Config.fields()  # all that there are


def train(env_id: str, total_steps: int | None = None, *, seed: int = 0, **overrides) -> TRPO:
    """A trained agent, from the environment's preset; its class says what it is: see `make_agent`.

    Args:
        env_id: as registered with gymnasium.
        total_steps: the preset's number when None.
        seed: as for `TRPO`.
        overrides: settings that are to be different.

    Raises:
        TypeError: an override that is no setting; the message lists them.
    """
    agent = make_agent(env_id, seed=seed, **overrides)
    return agent.learn(find_preset(env_id).total_steps if total_steps is None else total_steps)


def make_agent(env_id: str, *, seed: int = 0, **overrides) -> TRPO:
    """A new agent with the environment's preset: `TRPO`, or an extension where one does better.

    Args:
        env_id, seed, overrides: as for `train`.

    Raises:
        TypeError: an override that is no setting; the message lists them.
    """
    unknown = set(overrides) - set(SETTINGS)
    if unknown:
        raise TypeError(f"settings must be among {', '.join(SETTINGS)}; got {sorted(unknown)}.")
    settings = dataclasses.asdict(find_preset(env_id).config) | overrides
    kind = agent_class(settings)
    return kind(env_id, kind.Config.from_settings(settings), seed=seed)


def load_agent(path: str | os.PathLike, env: VectorEnv | None = None, **options) -> TRPO:
    """The agent that `save` wrote, of the class that its settings need; otherwise as `TRPO.load`."""
    return agent_class(read_checkpoint(path)["config"]).load(path, env, **options)


def agent_class(settings: Mapping[str, Any]) -> type[TRPO]:
    """The class that is named for what these settings make of it."""
    if settings.get("past_rollouts"):
        return OffPolicyTRPO
    return CriticFirstTRPO if settings.get("critic_first") else TRPO
