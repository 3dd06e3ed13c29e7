"""Save an agent, and go on exactly where it was saved."""

import dataclasses
import os
import warnings
from typing import Any, Self

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from torch import nn

from trpo_lib.agent.checkpoint import plain, read_checkpoint, with_arrays, write_checkpoint
from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.contexts import default_dtype, outside
from trpo_lib.agent.devices import device_to_load, restore_generator
from trpo_lib.agent.own_networks import load_network, own_networks
from trpo_lib.agent.report import UpdateReport
from trpo_lib.experience.cursor import Cursor, Episode
from trpo_lib.experience.environment_state import environment_state, restore_environment_state
from trpo_lib.experience.environments import env_recipe, make_envs, require_vector_env


class Saving:
    """Save and load; the part of an `Agent` that knows what an agent consists of.

    A subclass that has more extends `state` and `restore`, each with what `super()` gives.
    """

    Config: type[TRPOConfig]
    brought: dict[str, bool]  # by name, whether a network was given to the agent

    def save(self, path: str | os.PathLike) -> None:
        """Write a checkpoint from which `load` goes on exactly; an older one at `path` is replaced in one instant.

        Raises:
            OSError: the file cannot be written; an older checkpoint survives.
        """
        write_checkpoint(path, self.state())

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        env: VectorEnv | None = None,
        *,
        device: str | torch.device | None = None,
        policy: nn.Module | None = None,
        critic: nn.Module | None = None,
    ) -> Self:
        """The agent that `save` wrote: 2n steps are n steps, save, load, n steps, bit for bit.

        This holds for gymnasium's classic-control environments. The state of others cannot be saved: after a
        warning, they start fresh episodes.

        Args:
            path: of the checkpoint. Nothing in it is executed.
            env: environments like those that the agent had. When None they are made from their id, and if that is
                "module:id", the module is imported.
            device: where the agent is to be. When None where it was, or on the CPU, with a warning, if torch cannot use
                that here. On a device of another kind the dice are others, and so is the rest of the run.
            policy, critic: where the agent was given its own: others like them, into which the saved numbers go.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no checkpoint, damaged, or of a newer version; or its environments have no id
                or have wrappers, and `env` is None; or `env` has other spaces; or the agent was one of an extension
                whose settings this class does not know; or a network of its own is missing, or is another one; or torch
                cannot use `device` here.
        """
        if env is not None:
            require_vector_env(env, "env")
        state = read_checkpoint(path)
        config = cls.Config.from_settings(state["config"])
        envs = env or _envs_of(state, config.num_envs, path)
        wanted, own = state.get("spaces"), _spaces_of(envs)  # older checkpoints have none
        if wanted not in (None, own):
            raise ValueError(f"env must have the spaces of the environments in {path}: {wanted:.200}; got {own:.200}.")
        device = device_to_load(state["device"], device)
        networks = own_networks(state, path, policy=policy, critic=critic)
        with default_dtype(getattr(torch, state["dtype"])):
            agent = cls(envs, config, seed=state["seed"], device=device, **networks)
        exact = agent.restore(state)
        if not exact:
            warnings.warn(
                "the state of these environments cannot be saved: they start fresh episodes, and this run is not "
                "the one that an uninterrupted run would have been.",
                stacklevel=outside(),
            )
        return agent

    def state(self) -> dict[str, Any]:
        """All that the agent is: settings, networks, generators, statistics, history, and where its envs stand."""
        return {
            "environment": _loadable(env_recipe(self.envs)),
            "spaces": _spaces_of(self.envs),
            "config": dataclasses.asdict(self.config),
            "seed": self.seed,
            "device": str(self.device),
            "dtype": str(next(self.policy.parameters()).dtype).removeprefix("torch."),
            "own_networks": {name: str(getattr(self, name)) for name, own in self.brought.items() if own},
            "policy": self.policy.state_dict(),
            "critic": self.critic.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "step": self.step,
            "history": [dataclasses.asdict(report) for report in self.history],
            "episodes": torch.tensor(self.episodes, dtype=torch.float64).view(-1, 3),
            "cursor": self.cursor and dataclasses.asdict(self.cursor),
            "environment_state": self.cursor and environment_state(self.envs),
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Bring a new agent with the same settings to `state`.

        Returns:
            Whether its environments stand where they stood; if not, they start fresh episodes.
        """
        for name in ("policy", "critic"):
            load_network(name, getattr(self, name), state)
        self.optimizer.load_state_dict(state["optimizer"])
        restore_generator(self.generator, state["generator"], state["device"], state["step"])
        self.step = state["step"]
        self.history = [UpdateReport(**report) for report in state["history"]]
        self.episodes = [Episode(int(step), total, int(length)) for step, total, length in state["episodes"].tolist()]
        self.cursor = None
        if state["cursor"] is None:  # saved after an interrupt: the next rollout starts fresh episodes in any case
            return True
        if not restore_environment_state(self.envs, state["environment_state"]):
            return False
        self.cursor = Cursor(**with_arrays(state["cursor"]))
        return True


def _envs_of(state: dict[str, Any], num_envs: int, path: str | os.PathLike) -> VectorEnv:
    recipe = state["environment"]
    if recipe is None:
        raise ValueError(f"gymnasium cannot make the environments of {path}: give load(path, env) a VectorEnv.")
    options = with_arrays(recipe["options"])
    return make_envs(recipe["id"], num_envs, flatten=recipe.get("flatten", True), **options)


def _loadable(recipe: dict[str, Any] | None) -> dict[str, Any] | None:
    """The recipe, unless an option is an object that only the running program has."""
    try:
        return plain(recipe)
    except TypeError:
        return None


def _spaces_of(envs: VectorEnv) -> str:
    """A text that two environments share when their spaces are the same."""
    return f"actions in {_text(envs.single_action_space)}, observations in {_text(envs.single_observation_space)}"


def _text(space: spaces.Space) -> str:
    if isinstance(space, spaces.Box):  # its own text rounds the bounds, as NumPy's print options say
        return f"Box({space.low.tolist()}, {space.high.tolist()}, {space.dtype})"
    return repr(space)
