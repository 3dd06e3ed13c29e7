"""TRPO with one ingredient taken out, each by the smallest change (notebook 09).

An ablation is a setting of `TRPOConfig`, or a subclass of `TRPO` that differs in one line of the algorithm.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from torch import Tensor

from trpo_lib.agent.presets import find_preset
from trpo_lib.agent.report import PolicyStep
from trpo_lib.classroom.policy_gradient import NaturalGradient, PolicyGradient
from trpo_lib.experience.batch import Batch
from trpo_lib.experience.rollout import Rollout
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.trpo import TRPO


class Misinformed(TRPO):
    """Its line search is told other numbers than were measured; the reports hold the measured ones."""

    def told(self, gain: float, kl: float) -> tuple[float, float]:
        """What the line search hears."""
        raise NotImplementedError

    def gain_and_kl(self, batch: Batch, step: Tensor) -> tuple[float, float]:
        """Measure, remember, and tell something else."""
        self.measured = super().gain_and_kl(batch, step)
        return self.told(*self.measured)

    def improve_policy(self, batch: Batch) -> PolicyStep:
        """The last trial is the one that was taken, as all that is told of its KL is 0."""
        step = super().improve_policy(batch)
        gain, kl = self.measured
        return dataclasses.replace(step, surrogate_gain=gain, kl=kl) if step.accepted else step


class NoLineSearch(Misinformed):
    """Takes the quadratic model's step as it is."""

    def told(self, gain: float, kl: float) -> tuple[float, float]:
        """Every step gains, and none has a KL."""
        return 1.0, 0.0


class NoKLTest(Misinformed):
    """Its line search asks for a gain alone."""

    def told(self, gain: float, kl: float) -> tuple[float, float]:
        """The true gain, and no KL."""
        return gain, 0.0


class TimeLimitIsDeath(TRPO):
    """Takes a time limit for a terminal state: no bootstrap there."""

    def prepare(self, rollout: Rollout) -> Batch:
        """One flag for both ends of an episode."""
        return super().prepare(dataclasses.replace(rollout, terminated=rollout.terminated | rollout.truncated))


class DampedCurvature(FisherVectorProduct):
    """The curvature xᵀ(F + damping·I)x, in which damping counts as if it were KL."""

    def quadratic_form(self, v: Tensor) -> float:
        """With the damping that the solve needs and the step length does not."""
        return super().quadratic_form(v) + self.damping * v.dot(v).item()


class DampedLength(TRPO):
    """Takes the step length from the damped curvature, as most libraries do."""

    FisherVectorProduct = DampedCurvature


NONE: Mapping[str, Any] = MappingProxyType({})


class Ablation(NamedTuple):
    """What is left when one ingredient is gone: an agent, its changed settings, and its further arguments."""

    agent: type[TRPO] = TRPO
    settings: Mapping[str, Any] = NONE
    arguments: Mapping[str, Any] = NONE


# The best of four: 0.3, 1, 3 and 10 on CartPole, 0.03, 0.1, 0.3 and 1 on Pendulum (medians of five seeds).
RATES = {"CartPole-v1": 1.0, "Pendulum-v1": 0.3}
# Of the natural direction x ≈ F⁻¹g, from 1, 2 and 4 on seeds 100 to 102 (notebooks/data/09_*_rates.csv). On CartPole 2
# has the best mean; on Pendulum 1 and 2 have the same over the last fifth, and 2 the better one over the whole run.
NATURAL_RATES = {"CartPole-v1": 2.0, "Pendulum-v1": 2.0}


def ablations(env_id: str) -> dict[str, Ablation]:
    """All ablations by the name of what is missing, the complete agent first."""
    config = find_preset(env_id).config
    return {
        "nothing": Ablation(),
        "line search": Ablation(NoLineSearch),
        "KL test": Ablation(NoKLTest),
        "rescaled step (α stays 0.8)": Ablation(settings={"rescale_step": False}),
        "undamped length": Ablation(DampedLength),
        "rescaling and length": Ablation(DampedLength, {"rescale_step": False}),
        "damping": Ablation(settings={"damping": 0.0}),
        "damping and line search": Ablation(NoLineSearch, {"damping": 0.0}),
        "most CG iterations": Ablation(settings={"cg_iterations": 3}),
        "natural direction": Ablation(settings={"cg_iterations": 1}),  # one iteration returns a multiple of g
        "trust region (fixed rate)": Ablation(NaturalGradient, arguments={"learning_rate": NATURAL_RATES[env_id]}),
        "region and direction": Ablation(PolicyGradient, arguments={"learning_rate": RATES[env_id]}),
        "critic epochs": Ablation(
            settings={"critic_epochs": 1, "critic_minibatch": config.num_envs * config.rollout_steps}
        ),
        "bootstrap at the limit": Ablation(TimeLimitIsDeath),
        "observation scaling": Ablation(settings={"normalize_observations": False}),
    }


def without(missing: str, env_id: str, *, seed: int = 0) -> TRPO:
    """An agent at the environment's preset, without one ingredient.

    Args:
        missing: a key of `ablations(env_id)`.
        env_id: CartPole-v1 or Pendulum-v1.
        seed: as for `TRPO`.
    """
    agent, settings, arguments = ablations(env_id)[missing]
    config = dataclasses.replace(find_preset(env_id).config, **settings)
    return agent(env_id, config, seed=seed, **arguments)
