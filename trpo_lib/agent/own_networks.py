"""Networks that an agent did not make itself: which a checkpoint needs, and whether those given are the same."""

import itertools
import os
from typing import Any

from torch import nn


def own_networks(state: dict[str, Any], path: str | os.PathLike, **given: nn.Module | None) -> dict[str, nn.Module]:
    """Those of the given networks that there are.

    Raises:
        ValueError: one is missing that the saved agent did not make itself.
    """
    for name, text in state.get("own_networks", {}).items():
        if given[name] is None:
            raise ValueError(
                f"{name} must be given: the agent in {path} had its own, which a checkpoint cannot make. "
                f"Give load(path, {name}=…) one like it: {_short(text)}"
            )
    return {name: network for name, network in given.items() if network is not None}


def load_network(name: str, network: nn.Module, state: dict[str, Any]) -> None:
    """Put the saved numbers into a network of the same architecture.

    Raises:
        ValueError: the architecture is another one; the message names the first difference.
    """
    saved, own = state[name], network.state_dict()
    for key in [*saved, *own]:
        there, here = (tuple(side[key].shape) if key in side else "missing" for side in (saved, own))
        if there != here:
            raise ValueError(
                f"{name} must be the one that was saved: {key} is {there} in the checkpoint and {here} here. "
                f"If it had a network of its own, give load(path, {name}=…) one like that."
            )
    lines = state.get("own_networks", {}).get(name, str(network)).splitlines(), str(network).splitlines()
    for there, here in itertools.zip_longest(*lines, fillvalue="nothing"):
        if there != here:
            raise ValueError(
                f"{name} must be the one that was saved, but it has {here.strip()!r} where that had {there.strip()!r}."
            )
    network.load_state_dict(saved)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]} …"
