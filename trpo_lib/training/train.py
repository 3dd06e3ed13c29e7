"""From an environment's id to a trained agent."""

import dataclasses

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.presets import find_preset
from trpo_lib.trpo import TRPO


def train(env_id: str, total_steps: int | None = None, *, seed: int = 0, **overrides) -> TRPO:
    """A trained agent, from the environment's preset.

    Args:
        env_id: as registered with gymnasium.
        total_steps: the preset's number when None.
        seed: as for `TRPO`.
        overrides: fields of `TRPOConfig` to set differently.

    Raises:
        TypeError: an override that is no field of `TRPOConfig`; the message lists them.
    """
    unknown = set(overrides) - set(TRPOConfig.fields())
    if unknown:
        raise TypeError(f"settings must be among {', '.join(TRPOConfig.fields())}; got {sorted(unknown)}.")
    preset = find_preset(env_id)
    config = dataclasses.replace(preset.config, **overrides)
    return TRPO(env_id, config, seed=seed).learn(preset.total_steps if total_steps is None else total_steps)
