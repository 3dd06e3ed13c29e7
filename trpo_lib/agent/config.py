"""Every setting of the algorithm, with its symbol and how much to care about it."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from trpo_lib import _validate
from trpo_lib.networks.parts import ACTIVATIONS


def setting(default: Any, check: Callable[[str, Any], Any]) -> Any:
    """A field of a dataclass of settings, with its default and with what refuses a value that makes no sense."""
    return dataclasses.field(default=default, metadata={"check": check})


@dataclass(frozen=True)
class TRPOConfig:
    """Settings of `TRPO`. Those that decide come first.

    Attributes:
        num_envs: N, environments side by side. More environments, less correlated batches.
        rollout_steps: T, steps of each environment in a batch. N·T decides how noisy the gradient is: it matters most.
        max_kl: δ, size of the trust region in nats, summed over action dimensions. Matters as much.
        gamma: γ, discount factor. Part of the problem as much as of the method.
        lam: λ of generalized advantage estimation. 0.95 to 0.98 nearly always.
        damping: added to the Fisher matrix's diagonal for the solve alone. Small networks want little.
        cg_iterations: products with the Fisher matrix in one solve, at most.
        cg_tolerance: relative residual at which the solve may stop.
        fisher_fraction: of the batch's states, drawn at random, from which the Fisher matrix is taken. The KL of a
            trial step is always that of all states: the direction may be rough, the length may not.
        line_search_shrink: α, by which a refused step is shortened. Matters little.
        line_search_trials: how often.
        rescale_step: land on the trust region's boundary instead of well inside it.
        hidden_sizes: of policy and critic alike.
        activation: "tanh" or "relu".
        initial_log_std: of a Gaussian policy, in units of half the action box. Matters a lot in continuous control.
        normalize_observations: with running statistics that are frozen during a batch. Matters where scales differ.
        critic_epochs: passes over the batch in one fit of the critic. Too few, and the advantages are noise.
        critic_minibatch: transitions in one gradient step of the critic.
        critic_learning_rate: of Adam.
    """

    num_envs: int = setting(8, _validate.count)
    rollout_steps: int = setting(256, _validate.count)
    max_kl: float = setting(0.03, _validate.positive)
    gamma: float = setting(0.99, _validate.in_unit_interval)
    lam: float = setting(0.95, _validate.in_unit_interval)
    damping: float = setting(0.1, _validate.not_negative)
    cg_iterations: int = setting(15, _validate.count)
    cg_tolerance: float = setting(1e-4, _validate.below_one)
    fisher_fraction: float = setting(1.0, _validate.share)
    line_search_shrink: float = setting(0.8, _validate.shrink_factor)
    line_search_trials: int = setting(10, _validate.count)
    rescale_step: bool = setting(True, _validate.boolean)
    hidden_sizes: tuple[int, ...] = setting((64, 64), _validate.sizes)
    activation: str = setting("tanh", _validate.one_of(ACTIVATIONS))
    initial_log_std: float = setting(-0.5, _validate.number)
    normalize_observations: bool = setting(True, _validate.boolean)
    critic_epochs: int = setting(10, partial(_validate.count, minimum=0))
    critic_minibatch: int = setting(128, _validate.count)
    critic_learning_rate: float = setting(1e-3, _validate.positive)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check = field.metadata.get("check", lambda name, value: None)
            value = check(field.name, getattr(self, field.name))
            if value is not None:  # an iterator gives its numbers only once
                object.__setattr__(self, field.name, value)

    @classmethod
    def fields(cls) -> list[str]:
        """The names of all settings."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """These settings, those that are missing at their defaults; an extension's that is switched off is left out.

        Raises:
            ValueError: a setting that this class does not know is switched on: the agent is of another kind.
        """
        foreign = {name: value for name, value in settings.items() if name not in cls.fields()}
        on = ", ".join(f"{name}={value!r}" for name, value in foreign.items() if value)
        if on:
            raise ValueError(
                f"the settings must be those of {cls.__name__}, got {on} besides. They are an extension's: "
                "make or load the agent with its class, or with make_agent and load_agent of trpo_lib.training.train."
            )
        return cls(**{name: value for name, value in settings.items() if name not in foreign})
