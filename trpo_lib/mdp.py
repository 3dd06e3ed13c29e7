"""A tabular Markov decision process in which everything is known exactly (notebooks 01, 02 and 06)."""

import torch
from torch import Tensor

from trpo_lib import _validate


class TabularMDP:
    """A finite Markov decision process with exact values, occupancies and returns.

    Every method takes a policy `pi` of shape `(S, A)`, π(a|s) in row s, and is differentiable in it:
    the infinite sums are solved as linear systems, not truncated. All numbers are float64.

    Args:
        transitions: P(s'|s,a), `(S, A, S)`; each row sums to one.
        rewards: the expected reward r(s,a), `(S, A)`.
        gamma: discount factor in [0, 1).
        start: the distribution of the first state, `(S,)`.

    Raises:
        ValueError: a shape does not fit, a row is not a probability distribution, or gamma is outside [0, 1).
    """

    def __init__(self, transitions: Tensor, rewards: Tensor, gamma: float, start: Tensor):
        self.transitions, self.rewards, self.start = (
            torch.as_tensor(array, dtype=torch.float64) for array in (transitions, rewards, start)
        )
        if self.rewards.ndim != 2:
            raise ValueError(f"rewards must have shape (S, A), got {tuple(self.rewards.shape)}.")
        self.num_states, self.num_actions = self.rewards.shape
        if self.transitions.shape != (*self.rewards.shape, self.num_states):
            raise ValueError(
                f"transitions must have shape (S, A, S) = {(*self.rewards.shape, self.num_states)}, "
                f"got {tuple(self.transitions.shape)}."
            )
        if self.start.shape != (self.num_states,):
            raise ValueError(f"start must have shape (S,) = ({self.num_states},), got {tuple(self.start.shape)}.")
        _validate.number("gamma", gamma, "a number in [0, 1)")
        if not 0 <= gamma < 1:
            raise ValueError(f"gamma must be a number in [0, 1) for the infinite sums to exist, got {gamma}.")
        _validate.finite(rewards=self.rewards)
        _refuse_improper(transitions=self.transitions, start=self.start)
        self.gamma = float(gamma)

    @classmethod
    def random(cls, num_states: int = 5, num_actions: int = 3, gamma: float = 0.9, *, seed: int = 0) -> "TabularMDP":
        """A random MDP: Dirichlet transitions and start, standard normal rewards."""
        _validate.count("num_states", num_states)
        _validate.count("num_actions", num_actions)
        _validate.count("seed", seed, minimum=0)
        generator = torch.Generator().manual_seed(seed)
        uniform = torch.rand(num_states * num_actions + 1, num_states, generator=generator, dtype=torch.float64)
        rows = torch.nn.functional.normalize(-uniform.log(), p=1, dim=-1)  # exponentials, normalised: Dirichlet(1)
        rewards = torch.randn(num_states, num_actions, generator=generator, dtype=torch.float64)
        return cls(rows[:-1].view(num_states, num_actions, num_states), rewards, gamma, rows[-1])

    def values(self, pi: Tensor) -> Tensor:
        """V_π, `(S,)`: the solution of the Bellman equation V = r_π + γ P_π V."""
        reward, transition = self._under(pi)
        return torch.linalg.solve(self._identity - self.gamma * transition, reward)

    def q_values(self, pi: Tensor) -> Tensor:
        """Q_π(s,a) = r(s,a) + γ Σ_s' P(s'|s,a) V_π(s'), `(S, A)`."""
        return self.rewards + self.gamma * self.transitions @ self.values(pi)

    def advantages(self, pi: Tensor) -> Tensor:
        """A_π(s,a) = Q_π(s,a) − V_π(s), `(S, A)`."""
        return self.q_values(pi) - self.values(pi)[:, None]

    def occupancy(self, pi: Tensor) -> Tensor:
        """ρ_π(s) = (1 − γ) Σ_t γ^t Pr(s_t = s), `(S,)`: the share of discounted time spent in s; sums to one."""
        _, transition = self._under(pi)
        return (1 - self.gamma) * torch.linalg.solve(self._identity - self.gamma * transition.T, self.start)

    def performance(self, pi: Tensor) -> Tensor:
        """J(π) = E[Σ_t γ^t r_t], a scalar: the expected discounted return from the start distribution."""
        return self.start @ self.values(pi)

    def surrogate(self, pi_old: Tensor, pi_new: Tensor) -> Tensor:
        """L(π_new) = J(π_old) + 1/(1−γ) Σ_s ρ_old(s) Σ_a π_new(a|s) A_old(s,a), a scalar (TRPO, eq. 3).

        Equal to J in value and gradient at π_new = π_old; only the states' distribution is the old one.
        """
        self._refuse_no_policy(pi_new=pi_new)
        gain = self.occupancy(pi_old) @ (pi_new * self.advantages(pi_old)).sum(-1)
        return self.performance(pi_old) + gain / (1 - self.gamma)

    def sample(self, pi: Tensor, steps: int, num_chains: int = 1, *, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Act for `steps` steps in `num_chains` independent chains from the start distribution.

        Returns:
            states `(steps + 1, num_chains)`, actions `(steps, num_chains)`, rewards `(steps, num_chains)`.
        """
        self._under(pi)
        _validate.count("steps", steps)
        _validate.count("num_chains", num_chains)
        _validate.count("seed", seed, minimum=0)
        generator = torch.Generator().manual_seed(seed)
        state = torch.multinomial(self.start, num_chains, replacement=True, generator=generator)
        states, actions = [state], []
        for _ in range(steps):
            action = torch.multinomial(pi.detach()[state], 1, generator=generator).squeeze(-1)
            state = torch.multinomial(self.transitions[state, action], 1, generator=generator).squeeze(-1)
            states.append(state)
            actions.append(action)
        states, actions = torch.stack(states), torch.stack(actions)
        return states, actions, self.rewards[states[:-1], actions]

    @property
    def _identity(self) -> Tensor:
        return torch.eye(self.num_states, dtype=torch.float64)

    def _under(self, pi: Tensor) -> tuple[Tensor, Tensor]:
        """Reward `(S,)` and transition matrix `(S, S)` of the Markov chain that π makes of the MDP."""
        self._refuse_no_policy(pi=pi)
        return (pi * self.rewards).sum(-1), torch.einsum("sa,sat->st", pi, self.transitions)

    def _refuse_no_policy(self, **policies: Tensor) -> None:
        for name, pi in policies.items():
            _validate.tensor(name, pi)
            if pi.shape != self.rewards.shape:
                raise ValueError(f"{name} must have shape (S, A) = {tuple(self.rewards.shape)}, got {tuple(pi.shape)}.")
            if pi.dtype != torch.float64:
                raise TypeError(f"{name} must be a float64 tensor, as all numbers of an MDP, got {pi.dtype}.")
        _refuse_improper(**policies)


def _refuse_improper(**distributions: Tensor) -> None:
    for name, rows in distributions.items():
        if not ((rows >= 0).all() and torch.allclose(rows.sum(-1), torch.ones((), dtype=rows.dtype), atol=1e-6)):
            raise ValueError(
                f"{name} must hold probabilities: non-negative, each row summing to one, got {rows.tolist()!s:.80}."
            )
