"""Vector environments as the agent wants them: observations in a row, no dummy transitions, no infos."""

import importlib

import gymnasium as gym
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.wrappers import FlattenObservation

from trpo_lib import _validate


class WithoutInfo(gym.Wrapper):
    """The environment with empty infos: a vector environment would collect them key by key, and nobody reads them."""

    def reset(self, *, seed=None, options=None):
        """The observation, and no info."""
        return self.env.reset(seed=seed, options=options)[0], {}

    def step(self, action):
        """Everything but the info."""
        return *self.env.step(action)[:4], {}


def make_envs(env_id: str, num_envs: int, *, flatten: bool = True, **options) -> VectorEnv:
    """A vector environment without dummy transitions in its batches, with flat observations and without infos.

    An environment with a vector class of its own uses it; it may reset on the step after an episode's end,
    and `collect_rollout` leaves that step out. All others reset within the same step.

    Args:
        env_id: as registered with gymnasium; "module:id" imports the module first, which registers it.
        num_envs: N.
        flatten: lay each observation out in one row. Otherwise arrays keep their shape, for a network that takes them;
            what is no array (a dict, a number of a finite set) is laid out all the same.
        options: of the environment, as for `gymnasium.make`.
    """
    _validate.instance("env_id", env_id, str, "the id of a gymnasium environment")
    _validate.count("num_envs", num_envs)
    module, _, env_id = env_id.rpartition(":")
    if module:
        importlib.import_module(module)

    def to_flatten(env: gym.Env) -> bool:
        return not (is_flat if flatten else is_array)(env.observation_space)

    if gym.spec(env_id).vector_entry_point is not None:
        envs = gym.make_vec(env_id, num_envs, **options)
    else:
        envs = gym.make_vec(
            env_id,
            num_envs,
            vectorization_mode="sync",
            vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP, "copy": False},  # collect_rollout copies
            wrappers=[WithoutInfo, lambda env: FlattenObservation(env) if to_flatten(env) else env],
            **options,
        )
        del envs.spec.kwargs["wrappers"]  # ours are no part of the recipe; anybody else's make it incomplete
    if module:
        envs.spec.id = f"{module}:{env_id}"  # gymnasium forgets who registered it
    return envs


def remake_envs(envs: VectorEnv, num_envs: int, **options) -> VectorEnv:
    """Fresh environments like `envs`, in another number and with further options.

    Raises:
        ValueError: gymnasium does not know how `envs` was made, or it has wrappers.
    """
    recipe = env_recipe(envs)
    if recipe is None:
        raise ValueError(
            "fresh environments can only be made of one that came from gymnasium.make_vec and has no wrappers; "
            f"{envs} has no spec, or one that leaves its wrappers out."
        )
    return make_envs(recipe["id"], num_envs, flatten=recipe["flatten"], **(recipe["options"] | options))


def env_recipe(envs: VectorEnv) -> dict | None:
    """The id and the options with which `make_envs` makes the same environments; None when they do not tell all."""
    if envs.spec is None or isinstance(envs, VectorWrapper) or "wrappers" in envs.spec.kwargs:
        return None
    of_the_vector = {"num_envs", "vectorization_mode", "vector_kwargs"}
    options = {name: value for name, value in envs.spec.kwargs.items() if name not in of_the_vector}
    return {"id": envs.spec.id, "options": options, "flatten": is_flat(envs.single_observation_space)}


def require_vector_env(envs: VectorEnv, name: str = "envs") -> None:
    """Refuse what is not a vector environment."""
    if not isinstance(envs, VectorEnv):
        raise TypeError(
            f"{name} must be a gymnasium VectorEnv, got {type(envs).__name__}. Make one with gymnasium.make_vec(id, n)."
        )


def is_array(space: spaces.Space) -> bool:
    """Whether observations are arrays of numbers."""
    return isinstance(space, spaces.Box) and len(space.shape) > 0


def is_flat(space: spaces.Space) -> bool:
    """Whether observations are vectors of numbers."""
    return is_array(space) and len(space.shape) == 1
