"""Save, load, and go on exactly where a run was saved.

A checkpoint is one line of text (format, version, checksum) and then tensors and plain containers as torch
writes them. Nothing in it is executed on loading, and a file that was cut short or altered is refused. Only a module
that the environments' id names ("module:id") is imported, from where Python finds it, when they are made from their id.
"""

import dataclasses
import hashlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from trpo_lib import _validate
from trpo_lib.environment_state import environment_state, restore_environment_state
from trpo_lib.environments import env_recipe
from trpo_lib.report import UpdateReport
from trpo_lib.rollout import Cursor, Episode, Rollout

if TYPE_CHECKING:
    from trpo_lib.agent import Agent

FORMAT = b"trpo_lib checkpoint"
VERSION = 1


def write_checkpoint(path: str | os.PathLike, contents: dict[str, Any]) -> None:
    """Write atomically: whatever happens meanwhile, `path` holds the old checkpoint or the new one, whole.

    Args:
        path: the file; its folder must exist.
        contents: tensors, numbers, strings, and dicts, lists and tuples of them.

    Raises:
        OSError: the file cannot be written; an old checkpoint at `path` is left as it was.
        TypeError: `contents` holds something that could not be loaded again.
    """
    _validate.path("path", path)
    path = Path(path)
    buffer = io.BytesIO()
    torch.save(_plain(contents), buffer)
    payload = buffer.getvalue()
    header = b"%s %d %s\n" % (FORMAT, VERSION, hashlib.sha256(payload).hexdigest().encode())
    temporary = path.with_name(path.name + ".tmp")  # in the same folder: a rename is atomic in one file system only
    try:
        with open(temporary, "wb") as file:
            file.write(header + payload)
            file.flush()
            os.fsync(file.fileno())  # the contents must be on the disk before the name points to them
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read_checkpoint(path: str | os.PathLike) -> dict[str, Any]:
    """The contents that `write_checkpoint` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no checkpoint, one of a newer version, cut short or altered.
    """
    _validate.path("path", path)
    header, _, payload = Path(path).read_bytes().partition(b"\n")
    version, _, checksum = header.removeprefix(FORMAT + b" ").partition(b" ")
    if not header.startswith(FORMAT + b" ") or not version.isdigit():
        raise ValueError(f"{path} is not a checkpoint of trpo_lib.")
    if int(version) > VERSION:
        raise ValueError(
            f"{path} was written by a newer trpo_lib: it has format {int(version)}, and this one reads up to {VERSION}."
        )
    if hashlib.sha256(payload).hexdigest().encode() != checksum:
        raise ValueError(f"{path} is damaged: cut short or altered since it was written (its checksum does not match).")
    try:
        return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # whoever made this file made its checksum too
        raise ValueError(
            f"{path} holds something else than tensors and plain containers; it was not loaded."
        ) from error


def options_of(recipe: dict[str, Any]) -> dict[str, Any]:
    """The environment's options as they were: arrays where the file has tensors."""
    return _with_arrays(recipe["options"])


def spaces_of(envs: VectorEnv) -> str:
    """A text that two environments share when their spaces are the same."""
    return f"actions in {_text(envs.single_action_space)}, observations in {_text(envs.single_observation_space)}"


def agent_state(agent: "Agent") -> dict[str, Any]:
    """All that an agent is: settings, networks, generators, statistics, history, and where its environments stand."""
    return {
        "environment": _loadable(env_recipe(agent.envs)),
        "spaces": spaces_of(agent.envs),
        "config": dataclasses.asdict(agent.config),
        "seed": agent.seed,
        "device": str(agent.device),
        "dtype": str(next(agent.policy.parameters()).dtype).removeprefix("torch."),
        "policy": agent.policy.state_dict(),
        "critic": agent.critic.state_dict(),
        "optimizer": agent.optimizer.state_dict(),
        "generator": agent.generator.get_state(),
        "step": agent.step,
        "past": [dataclasses.asdict(rollout) for rollout in agent.past],
        "history": [dataclasses.asdict(report) for report in agent.history],
        "episodes": torch.tensor(agent.episodes, dtype=torch.float64).view(-1, 3),
        "cursor": agent.cursor and dataclasses.asdict(agent.cursor),
        "environment_state": agent.cursor and environment_state(agent.envs),
    }


def restore_agent(agent: "Agent", state: dict[str, Any]) -> bool:
    """Bring a new agent with the same settings to `state`.

    Returns:
        Whether its environments stand where they stood; if not, they start fresh episodes.
    """
    agent.policy.load_state_dict(state["policy"])
    agent.critic.load_state_dict(state["critic"])
    agent.optimizer.load_state_dict(state["optimizer"])
    agent.generator.set_state(state["generator"])
    agent.step = state["step"]
    past = [_rollout(columns, agent.device) for columns in state.get("past", ())]
    agent.past = [rollout for rollout in past if rollout.rewards.shape[1] == agent.envs.num_envs]
    agent.history = [UpdateReport(**report) for report in state["history"]]
    agent.episodes = [Episode(int(step), total, int(length)) for step, total, length in state["episodes"].tolist()]
    agent.cursor = None
    if state["cursor"] is None:  # saved after an interrupt: the next rollout starts fresh episodes in any case
        return True
    if not restore_environment_state(agent.envs, state["environment_state"]):
        return False
    agent.cursor = Cursor(**{n: v.numpy() if isinstance(v, torch.Tensor) else v for n, v in state["cursor"].items()})
    return True


def _rollout(columns: dict[str, Any], device: torch.device) -> Rollout:
    episodes = [Episode(*episode) for episode in columns.pop("episodes")]
    return Rollout(**{name: column.to(device) for name, column in columns.items()}, episodes=episodes)


def _plain(value: Any) -> Any:
    """The same value in tensors and plain containers: what a restricted loader reads."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value] if isinstance(value, list) else tuple(map(_plain, value))
    if isinstance(value, np.ndarray):
        return torch.as_tensor(np.array(value))  # torch knows no negative strides
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str | torch.Tensor):
        return value
    raise TypeError(f"a checkpoint holds tensors, numbers, strings and plain containers, got {value!r}.")


def _with_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_arrays(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_with_arrays, value))
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _text(space: spaces.Space) -> str:
    if isinstance(space, spaces.Box):  # its own text rounds the bounds, as NumPy's print options say
        return f"Box({space.low.tolist()}, {space.high.tolist()}, {space.dtype})"
    return repr(space)


def _loadable(recipe: dict[str, Any] | None) -> dict[str, Any] | None:
    """The recipe, unless an option is an object that only the running program has."""
    try:
        return _plain(recipe)
    except TypeError:
        return None


def _sync_folder(folder: Path) -> None:
    """Bring the renamed entry to the disk, where the system can open folders (Windows cannot)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
