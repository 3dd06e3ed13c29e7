"""Every setting of the algorithm, with its symbol and how much to care about it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from trpo_lib import _validate
from trpo_lib.networks.parts import ACTIVATIONS


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

    num_envs: int = 8
    rollout_steps: int = 256
    max_kl: float = 0.03
    gamma: float = 0.99
    lam: float = 0.95
    damping: float = 0.1
    cg_iterations: int = 15
    cg_tolerance: float = 1e-4
    fisher_fraction: float = 1.0
    line_search_shrink: float = 0.8
    line_search_trials: int = 10
    rescale_step: bool = True
    hidden_sizes: tuple[int, ...] = (64, 64)
    activation: str = "tanh"
    initial_log_std: float = -0.5
    normalize_observations: bool = True
    critic_epochs: int = 10
    critic_minibatch: int = 128
    critic_learning_rate: float = 1e-3

    def __post_init__(self):
        object.__setattr__(self, "hidden_sizes", _validate.sizes("hidden_sizes", self.hidden_sizes))
        for name in ("num_envs", "rollout_steps", "cg_iterations", "line_search_trials", "critic_minibatch"):
            _validate.count(name, getattr(self, name))
        _validate.count("critic_epochs", self.critic_epochs, minimum=0)
        for name in ("max_kl", "fisher_fraction", "critic_learning_rate"):
            _validate.positive(name, getattr(self, name))
        _validate.not_negative("damping", self.damping)
        _validate.below_one("cg_tolerance", self.cg_tolerance)
        for name in ("gamma", "lam", "fisher_fraction"):
            _validate.in_unit_interval(name, getattr(self, name))
        for name in ("rescale_step", "normalize_observations"):
            _validate.boolean(name, getattr(self, name))
        _validate.shrink_factor("line_search_shrink", self.line_search_shrink)
        _validate.number("initial_log_std", self.initial_log_std)
        _validate.instance("activation", self.activation, str, f"one of {sorted(ACTIVATIONS)}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, got {self.activation!r}.")

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
