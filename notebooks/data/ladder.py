"""From the textbook agent to the preset in single changes: a ladder makes them one after the other.

The first rung is `TRPO` with all the textbook's habits, on batches of many steps; each change takes one habit away, or
changes the settings that its label names.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gymnasium.vector import VectorEnv

from trpo_lib import TRPO, TRPOConfig
from trpo_lib.classroom.habits import agent_with


class Change(NamedTuple):
    """What one rung changes: settings, or a habit that is given up."""

    settings: Mapping[str, object] = {}
    habit: type[TRPO] | None = None


def settings_of(config: TRPOConfig, *names: str) -> Change:
    """The change that sets these fields to what they are in `config`."""
    return Change({name: getattr(config, name) for name in names})


def changed_agent(
    envs: VectorEnv, textbook: TRPOConfig, changes: Mapping[str, Change], made: Sequence[str], seed: int
) -> TRPO:
    """The textbook's update on batches of many steps, with the changes `made`, by their labels."""
    habits = [change.habit for label, change in changes.items() if change.habit and label not in made]
    settings = {name: value for label in made for name, value in changes[label].settings.items()}
    return agent_with(*habits)(envs, dataclasses.replace(textbook, **settings), seed=seed)


def prefixes(first: str, labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each rung the changes made so far: none at the first one."""
    return {first: (), **{label: tuple(labels[: i + 1]) for i, label in enumerate(labels)}}
