"""Errors that an environment makes, said with the environment and the step that made them."""

import contextlib
import traceback
from collections.abc import Iterator

import numpy as np
from gymnasium.vector import VectorEnv

ADVICE = "Mend the environment, or wrap it."


@contextlib.contextmanager
def named_failure(envs: VectorEnv, when: str) -> Iterator[None]:
    """Whatever the environments raise inside becomes a RuntimeError that names environment and moment."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(f"{_what_happened(envs, error)}, {when}. {ADVICE}") from error


def refuse_broken(name: str, values: np.ndarray, when: str) -> None:
    """Refuse NaN and infinity in observations `(N, …)` or rewards `(N,)`, and name the first environment."""
    finite = np.isfinite(values)
    if not finite.all():
        i = finite.reshape(len(values), -1).all(axis=1).argmin()
        raise ValueError(
            f"the environment returned a {name} that is NaN or infinite, {when} in environment {i}. {ADVICE}"
        )


def per_environment(name: str, values: np.ndarray, envs: VectorEnv, when: str) -> np.ndarray:
    """A copy of what the vector environment returned, `(N,)`; anything of another shape is refused."""
    if np.shape(values) != (envs.num_envs,):
        raise ValueError(f"{name} must have shape ({envs.num_envs},), got {np.shape(values)}, {when}. {ADVICE}")
    return np.array(values)


def refuse_other_shape(observation: np.ndarray, shape: tuple[int, ...], i: int, when: str) -> None:
    """Refuse an observation of environment i that has not the shape of its space: assigning it would broadcast."""
    if np.shape(observation) != shape:
        raise RuntimeError(f"{_other_shape(observation, shape, i)}, {when}. {ADVICE}")


def _what_happened(envs: VectorEnv, error: Exception) -> str:
    shape = envs.single_observation_space.shape
    for i, observation in enumerate(getattr(envs, "_env_obs", ())):  # those a SyncVectorEnv could not put together
        if observation is not None and np.shape(observation) != shape:
            return _other_shape(observation, shape, i)
    i = _failing(envs, error)
    who = "the environment" if i is None else f"environment {i}"
    return f"{who} raised {type(error).__name__} ({error})"


def _other_shape(observation: np.ndarray, shape: tuple[int, ...], i: int) -> str:
    return f"environment {i} returned an observation of shape {np.shape(observation)} where its space has {shape}"


def _failing(envs: VectorEnv, error: Exception) -> int | None:
    """A SyncVectorEnv goes through its environments with an index i, and does not tell: the traceback does."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_locals.get("self") is envs and "i" in frame.f_locals:
            return frame.f_locals["i"]
    return None
