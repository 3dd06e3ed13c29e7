"""Policies and batches of a training that was run once and stored, so that everybody sees the same ones.

A training is chaotic: on another processor the same seed becomes another run. Where a figure or a sentence is about
*this* policy, it is loaded. `notebooks/data/snapshots.py` makes the files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor
from torch.distributions import Distribution
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from trpo_lib.classroom.stored import stored
from trpo_lib.networks.policies import Policy, make_policy

BATCH = ("observations", "actions", "advantages")
STATISTICS = ("mean", "variance", "std", "count")  # of the policy's normaliser


@dataclass(frozen=True)
class Snapshot:
    """A policy at one moment of a training, and the batch that it had just brought.

    It has what a line search or a slider asks of a batch: `observations`, `actions`, `advantages`, and `log_prob` with
    the graph to the policy's parameters.
    """

    policy: Policy
    observations: Tensor  # (B, observation_size)
    actions: Tensor  # (B,) or (B, d)
    advantages: Tensor  # (B,)
    numbers: Mapping[str, float] = field(default_factory=dict)  # what else was noted at that moment

    @property
    def outputs(self) -> Tensor:
        """Of the policy for the batch, with their graph."""
        return self.policy(self.observations)

    @property
    def old(self) -> Distribution:
        """π_old, without a graph."""
        return self.policy.distribution_from(self.outputs.detach())

    @property
    def log_prob(self) -> Tensor:
        """log π_old(a|s), with its graph."""
        return self.policy.distribution_from(self.outputs).log_prob(self.actions)


def snapshots(name: str) -> dict[str, Snapshot]:
    """All moments of one stored training, by their names, in their order.

    Args:
        name: of a file of `notebooks/data/`, without its ending: "04_pendulum" or "05_updates".
    """
    with np.load(stored(f"{name}.npz"), allow_pickle=False) as file:
        return {moment: _read(file, moment) for moment in json.loads(str(file["moments"]))}


def save_snapshots(path: Path, moments: Mapping[str, Snapshot], network: Mapping[str, object]) -> None:
    """Write a file that `snapshots` reads.

    Args:
        path: of the file.
        moments: by name.
        network: the keyword arguments of `make_policy` with which their policies were made.
    """
    arrays = {"moments": np.array(json.dumps(list(moments)))}
    for name, moment in moments.items():
        policy = moment.policy
        recipe = {"network": network, "size": moment.observations.shape[-1], "space": _space(policy)}
        arrays[f"{name}/recipe"] = np.array(json.dumps(recipe))
        arrays[f"{name}/theta"] = parameters_to_vector(policy.parameters()).detach().numpy()
        arrays |= {f"{name}/{key}": getattr(moment, key).detach().numpy() for key in BATCH}
        arrays |= {f"{name}/normalizer/{key}": getattr(policy.normalizer, key).numpy() for key in STATISTICS}
        arrays[f"{name}/numbers"] = np.array(json.dumps(dict(moment.numbers)))
    np.savez_compressed(path, **{key: _lossless(array) for key, array in arrays.items()})


def _lossless(array: np.ndarray) -> np.ndarray:
    """The same numbers in fewer bytes, where nothing is lost: environments observe in float32, actions are few."""
    for kind in (np.int8, np.float32):
        if array.dtype.kind in "fi" and np.array_equal(array.astype(kind), array):
            return array.astype(kind)
    return array


def _space(policy: Policy) -> dict:
    if hasattr(policy, "low"):
        return {"low": policy.low.tolist(), "high": policy.high.tolist()}
    return {"n": policy.network[-1].out_features}


def _read(file: Mapping[str, np.ndarray], name: str) -> Snapshot:
    dtype = torch.get_default_dtype()
    recipe = json.loads(str(file[f"{name}/recipe"]))
    discrete = "n" in recipe["space"]
    space = spaces.Discrete(**recipe["space"]) if discrete else spaces.Box(*map(np.float32, recipe["space"].values()))
    with torch.random.fork_rng(devices=[]):
        policy = make_policy(spaces.Box(-np.inf, np.inf, (recipe["size"],)), space, **recipe["network"])
    vector_to_parameters(torch.as_tensor(file[f"{name}/theta"], dtype=dtype), policy.parameters())
    for key in STATISTICS:
        getattr(policy.normalizer, key).copy_(torch.as_tensor(file[f"{name}/normalizer/{key}"]))
    observations, taken, advantages = (torch.as_tensor(file[f"{name}/{key}"]) for key in BATCH)
    taken = taken.long() if discrete else taken.to(dtype)
    return Snapshot(
        policy, observations.to(dtype), taken, advantages.to(dtype), json.loads(str(file[f"{name}/numbers"]))
    )
