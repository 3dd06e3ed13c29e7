"""Trust region policy optimization: the functions of this package, called in order (notebooks 07 and 08)."""

import dataclasses
import itertools
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor
from torch.distributions import Distribution
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from tqdm import tqdm

from trpo_lib import _validate
from trpo_lib._contexts import default_dtype, interrupts_wait, one_thread
from trpo_lib.checkpoint import agent_state, read_checkpoint, restore_agent, write_checkpoint
from trpo_lib.config import TRPOConfig
from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.critic import Critic, explained_variance, fit_critic
from trpo_lib.faults import named_failure
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.gae import generalized_advantage_estimation, standardize
from trpo_lib.kl import mean_kl
from trpo_lib.line_search import backtracking_line_search
from trpo_lib.policies import make_policy
from trpo_lib.presets import find_preset
from trpo_lib.report import UpdateReport
from trpo_lib.rollout import (
    Episode,
    Rollout,
    collect_rollout,
    make_envs,
    remake_envs,
    require_vector_env,
    side_by_side,
    start,
)
from trpo_lib.surrogate import importance_ratio, surrogate_objective
from trpo_lib.trust_region import trust_region_step

ROUNDING = 1e-4  # nats; float32 rounding stays far below it, a moved normaliser far above


@dataclass(frozen=True)
class Batch:
    """What an update knows: the valid transitions of a rollout, and of past ones beside it; B of them in all."""

    rollout: Rollout  # (T, N'), the new environments first, the past ones after them
    trust: Tensor  # (T, N') how far a transition counts as π_old's: min(1, π_old/π_acted)
    fresh: Tensor  # (B,) whether a transition is of the new rollout, where π_acted is π_old
    observations: Tensor  # (B, …), as all that follows
    actions: Tensor
    advantages: Tensor  # standardised
    values: Tensor  # the critic's, before it is fitted
    returns: Tensor  # λ-returns, the critic's targets
    outputs: Tensor  # of π_old, with the graph from which gradient and Fisher products are taken
    old: Distribution  # π_old
    log_prob: Tensor  # log π_old(a|s), with the graph
    log_prob_acted: Tensor  # log π_acted(a|s)
    initial_kl: float  # of π_old from the policy that acted in the new rollout; 0 up to rounding


class TRPO:
    """Trust region policy optimization (Schulman et al. 2015) with generalized advantage estimation (2016).

    Args:
        env: the id of a gymnasium environment, or a gymnasium `VectorEnv`, which is the agent's alone from then on.
        config: the settings; the environment's preset when None.
        seed: of networks, actions, minibatches and environments: one seed, the same bits.
        device: of networks and batches.

    Attributes:
        policy, critic: the two networks.
        history: one `UpdateReport` for each update.
        episodes: one `Episode` (step, episode_return, length) for each finished episode.
        past: the newest `past_rollouts` rollouts that were used, the last one first.
        step: transitions seen so far, over all environments.

    Raises:
        TypeError: `env` or one of its spaces is of a kind that is not supported.
    """

    def __init__(self, env: str | VectorEnv, config: TRPOConfig | None = None, *, seed: int = 0, device: str = "cpu"):
        _validate.count("seed", seed, minimum=0)
        if not isinstance(env, str):
            require_vector_env(env, "env")
        if config is not None:
            _validate.instance("config", config, TRPOConfig, "a TRPOConfig")
        self.config = config or find_preset(env).config
        self.seed, self.device = int(seed), _device(device)
        self.envs = make_envs(env, self.config.num_envs) if isinstance(env, str) else env
        self.config = dataclasses.replace(self.config, num_envs=self.envs.num_envs)
        self.cursor = start(self.envs, self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._build_networks()
        self.generator = torch.Generator(self.device).manual_seed(self.seed)
        self.history: list[UpdateReport] = []
        self.episodes: list[Episode] = []
        self.past: list[Rollout] = []
        self.step = 0

    def update(self, rollout: Rollout) -> UpdateReport:
        """One iteration of the algorithm (TRPO, section 6 and appendix C).

            g  =  ∇L(θ_old)                       gradient of the surrogate
            x  ≈  (F + damping·I)⁻¹ g             conjugate gradient
            Δ  =  sqrt(2δ / xᵀFx) x               Karush-Kuhn-Tucker step length
            θ  =  θ_old + α^i Δ                   line search: gain > 0 and KL ≤ δ
            V  ←  fit to the λ-returns            the critic, for the next batch

        The policy's parameters change only when the line search accepts a step. With `critic_first`, the last line
        comes first, and g is taken with the advantages of the fitted critic. With `past_rollouts`, experience of
        earlier policies stands beside the new rollout: L divides by the policy that acted, and advantages and targets
        are those of V-trace (Espeholt et al. 2018). Queeney et al. (2021) give the theory of trust regions with it.

        Args:
            rollout: collected by the present policy; a warning says so when it was not.
        """
        config = self.config
        batch = self.prepare(rollout)
        if config.critic_first:
            critic_loss = self.fit_critic(batch)
            batch = self.reestimate_advantages(batch)

        gradient = self.surrogate_gradient(batch)
        fisher = FisherVectorProduct(self.policy, batch.observations, config.damping, outputs=batch.outputs)
        solution = conjugate_gradient(
            fisher, gradient, max_iterations=config.cg_iterations, relative_tolerance=config.cg_tolerance
        )
        curvature = fisher.quadratic_form(solution.x)
        step = trust_region_step(solution.x, curvature, config.max_kl) if curvature > 0 else 0 * solution.x
        search = backtracking_line_search(
            lambda trial: self.gain_and_kl(batch, trial),
            step,
            max_kl=config.max_kl,
            shrink=config.line_search_shrink,
            max_trials=config.line_search_trials,
            rescale=config.rescale_step,
        )
        if search.accepted:
            self.move_policy(search.fraction * step)

        if not config.critic_first:
            critic_loss = self.fit_critic(batch)
        return self.record(
            rollout,
            batch,
            accepted=search.accepted,
            fraction=search.fraction,
            trials=search.trials,
            kl=search.kl,
            predicted_gain=search.fraction * gradient.dot(step).item(),
            surrogate_gain=search.gain,
            gradient_norm=solution.residual_norms[0],
            cg_iterations=solution.iterations,
            cg_residuals=tuple(norm / (solution.residual_norms[0] or 1.0) for norm in solution.residual_norms),
            cg_stop_reason=solution.stop_reason,
            critic_loss=critic_loss,
        )

    def prepare(self, rollout: Rollout) -> Batch:
        """Advantages and returns for the valid transitions, and the policy as it is before the step."""
        _validate.instance("rollout", rollout, Rollout, "a Rollout (see collect_rollout)")
        experience = side_by_side([rollout, *self.past])
        fresh = torch.zeros_like(experience.valid)
        fresh[:, : rollout.valid.shape[1]] = True
        fresh = experience.batch(fresh)
        observations, actions = experience.batch(experience.observations), experience.batch(experience.actions)
        outputs = self.policy(observations)
        old = self.policy.distribution_from(outputs)
        log_prob = old.log_prob(actions)
        acted = self.policy.distribution_from(experience.batch(experience.outputs))
        log_prob_acted = torch.where(fresh, log_prob.detach(), acted.log_prob(actions))
        counts = importance_ratio(log_prob.detach(), log_prob_acted).clamp(max=1.0)
        trust = torch.ones_like(experience.rewards).masked_scatter(experience.valid, counts)
        values, advantages = self._values_and_advantages(experience, trust)
        return Batch(
            rollout=experience,
            trust=trust,
            fresh=fresh,
            observations=observations,
            actions=actions,
            advantages=standardize(advantages),
            values=values,
            returns=counts * advantages + values,
            outputs=outputs,
            old=old,
            log_prob=log_prob,
            log_prob_acted=log_prob_acted,
            initial_kl=self._initial_kl(rollout, self.policy.distribution_from(outputs[fresh])),
        )

    def reestimate_advantages(self, batch: Batch) -> Batch:
        """The batch with advantages from the critic as it is now; values and returns stay what they were."""
        _, advantages = self._values_and_advantages(batch.rollout, batch.trust)
        return dataclasses.replace(batch, advantages=standardize(advantages))

    @torch.no_grad()
    def _values_and_advantages(self, rollout: Rollout, trust: Tensor) -> tuple[Tensor, Tensor]:
        """V(s) and A of the valid transitions, `(B,)` each."""
        values, next_values = self.critic(rollout.observations), self.critic(rollout.next_observations)
        advantages = generalized_advantage_estimation(
            rollout.rewards,
            values,
            next_values,
            rollout.terminated,
            rollout.truncated,
            self.config.gamma,
            self.config.lam,
            trust,
        )
        return rollout.batch(values), rollout.batch(advantages)

    def surrogate_gradient(self, batch: Batch) -> Tensor:
        """g = ∇L(θ_old), `(P,)`."""
        surrogate = surrogate_objective(batch.log_prob, batch.log_prob_acted, batch.advantages)
        gradient = torch.autograd.grad(surrogate, list(self.policy.parameters()), retain_graph=True)
        return parameters_to_vector(gradient)

    @torch.no_grad()
    def gain_and_kl(self, batch: Batch, step: Tensor) -> tuple[float, float]:
        """Surrogate gain and mean KL of a trial step `(P,)`, measured without touching the policy."""
        theta = parameters_to_vector(self.policy.parameters()) + step
        new = self.policy.distribution_from(self.policy.outputs_at(theta, batch.observations))
        before, after = (
            surrogate_objective(policy.log_prob(batch.actions), batch.log_prob_acted, batch.advantages)
            for policy in (batch.old, new)
        )
        return (after - before).item(), mean_kl(batch.old, new).item()

    def move_policy(self, step: Tensor) -> None:
        """θ ← θ_old + step, `(P,)`."""
        theta_old = parameters_to_vector(self.policy.parameters())
        vector_to_parameters((theta_old + step).detach(), self.policy.parameters())

    def fit_critic(self, batch: Batch) -> float:
        """Fit V to the batch's returns, and report the loss."""
        return fit_critic(
            self.critic,
            self.optimizer,
            batch.observations,
            batch.returns,
            epochs=self.config.critic_epochs,
            minibatch_size=self.config.critic_minibatch,
            generator=self.generator,
        )

    @torch.no_grad()
    def record(self, rollout: Rollout, batch: Batch, *, kl: float, **measured) -> UpdateReport:
        """Close an update: complete the report, and only now let the normaliser see the batch."""
        new = self.policy.distribution(batch.observations)
        ratio = importance_ratio(new.log_prob(batch.actions), batch.log_prob_acted)
        returns = [episode.episode_return for episode in rollout.episodes]
        report = UpdateReport(
            step=self.step + int(batch.fresh.sum()),
            mean_return=float(np.mean(returns)) if returns else math.nan,
            kl=kl,
            kl_ratio=kl / self.config.max_kl,
            entropy=new.entropy().mean().item(),
            mean_ratio=ratio.mean().item(),
            max_ratio=ratio.max().item(),
            initial_kl=batch.initial_kl,
            explained_variance=explained_variance(batch.values[batch.fresh], batch.returns[batch.fresh]),
            **measured,
        )
        if self.config.normalize_observations:
            self.policy.normalizer.update(batch.observations[batch.fresh])
        self.past = [rollout, *self.past][: self.config.past_rollouts]
        self.step = report.step
        self.episodes += rollout.episodes
        self.history.append(report)
        return report

    def collect(self) -> Rollout:
        """Act for one batch with the present policy."""
        cursor, self.cursor = self.cursor, None  # put back when the rollout is complete
        if cursor is None:  # one that was cut short left the environments in the middle of a step
            cursor = start(self.envs, self.seed + self.step)
        cursor.step = self.step
        rollout = collect_rollout(self.envs, self.policy, self.config.rollout_steps, cursor, generator=self.generator)
        self.cursor = cursor
        return rollout

    def learn(
        self,
        total_steps: int,
        *,
        progress: bool = True,
        after_update: Callable[[UpdateReport], object] | None = None,
    ) -> "TRPO":
        """Collect and update until at least `total_steps` more transitions were seen; batches are not cut.

        Ctrl-C, or the notebook's stop button, ends it early: agent and history stay as they were after
        the last complete update, and a further call goes on from there.

        Args:
            total_steps: transitions over all environments.
            progress: show a bar with episode return, KL and steps a second.
            after_update: called with the report of each update, when the agent may be saved.

        Returns:
            The agent itself.
        """
        _validate.count("total_steps", total_steps)
        _validate.boolean("progress", progress)
        if after_update is not None:
            _validate.function("after_update", after_update)
        goal = self.step + total_steps
        with one_thread(), tqdm(total=total_steps, unit="step", disable=not progress, mininterval=0.5) as bar:
            try:
                while self.step < goal:
                    before = self.step
                    rollout = self.collect()
                    with interrupts_wait():
                        report = self.update(rollout)
                        if after_update is not None:
                            after_update(report)
                    bar.set_postfix(refresh=False, **{"return": f"{report.mean_return:.1f}", "kl": f"{report.kl:.4f}"})
                    bar.update(min(self.step - before, bar.total - bar.n))
            except KeyboardInterrupt:
                self.cursor = None
                tqdm.write(f"Interrupted after {self.step} steps. The agent is intact; learn() goes on from here.")
        return self

    def act(self, observation: np.ndarray, deterministic: bool = False) -> np.ndarray:
        """The action for one observation `(observation_size,)`, or the actions for a batch of them `(N, …)`.

        Args:
            observation: as the environment returned it.
            deterministic: take the most likely action instead of drawing one.

        Raises:
            ValueError: the observation's size does not fit, or it is not finite.
        """
        observation = np.asarray(observation)
        if observation.dtype.kind not in "buif":
            raise TypeError(f"observation must be an array of numbers, got {observation.dtype}.")
        observations = torch.as_tensor(observation, dtype=next(self.policy.parameters()).dtype)
        size = self.policy.normalizer.mean.numel()
        if observations.ndim not in (1, 2) or observations.shape[-1] != size:
            raise ValueError(f"observation must have shape ({size},) or (N, {size}), got {tuple(observations.shape)}.")
        _validate.finite(observation=observations)
        actions = self._act(observations.view(-1, size), None if deterministic else self.generator)
        return actions if observations.ndim == 2 else actions[0]

    @torch.no_grad()
    def _act(self, observations: Tensor, generator: torch.Generator | None) -> np.ndarray:
        """Actions for `(N, observation_size)`: drawn with the generator, or the most likely ones without."""
        outputs = self.policy(observations.to(self.device))
        actions = self.policy.mode(outputs) if generator is None else self.policy.sample(outputs, generator)
        return self.policy.to_env(actions)

    def evaluate(
        self, episodes: int = 20, *, deterministic: bool = True, seed: int = 1_000_000, max_steps: int = 100_000
    ) -> np.ndarray:
        """The returns of `episodes` fresh episodes, `(episodes,)`, each in an environment of its own.

        Raises:
            ValueError: the agent was made from a vector environment that gymnasium cannot make again.
            RuntimeError: an episode does not end within `max_steps`, or an environment raised an error.
        """
        _validate.count("episodes", episodes)
        _validate.count("seed", seed, minimum=0)
        _validate.count("max_steps", max_steps)
        envs = remake_envs(self.envs, episodes)
        observations, _ = envs.reset(seed=seed)
        generator = None if deterministic else torch.Generator(self.device).manual_seed(seed)  # not the training's
        dtype = next(self.policy.parameters()).dtype
        returns, running = np.zeros(episodes), np.ones(episodes, bool)
        for step in itertools.count():
            if not running.any():
                break
            if step == max_steps:
                raise RuntimeError(f"environment {running.argmax()} did not end its episode in {max_steps} steps.")
            actions = self._act(torch.as_tensor(observations, dtype=dtype), generator)
            with named_failure(envs, f"at step {step} of the evaluation"):
                observations, rewards, terminated, truncated, _ = envs.step(actions)
            returns += np.where(running, rewards, 0.0)
            running &= ~(terminated | truncated)
        envs.close()
        return returns

    def save(self, path: str | os.PathLike) -> None:
        """Write a checkpoint from which `load` goes on exactly; an older one at `path` is replaced in one instant.

        Raises:
            OSError: the file cannot be written; an older checkpoint survives.
        """
        write_checkpoint(path, agent_state(self))

    @classmethod
    def load(cls, path: str | os.PathLike, env: VectorEnv | None = None) -> "TRPO":
        """The agent that `save` wrote: 2n steps are n steps, save, load, n steps, bit for bit.

        This holds for gymnasium's classic-control environments. The state of others cannot be saved: after a
        warning, they start fresh episodes.

        Args:
            path: of the checkpoint. Nothing in it is executed.
            env: environments like those that the agent had; made from their id when None.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no checkpoint, damaged, or of a newer version; or its environments have no id
                and `env` is None; or `env` has other spaces.
        """
        if env is not None:
            require_vector_env(env, "env")
        state = read_checkpoint(path)
        recipe, config = state["environment"], TRPOConfig(**state["config"])
        if env is None and recipe is None:
            raise ValueError(f"gymnasium cannot make the environments of {path}: give load(path, env) a VectorEnv.")
        envs = env or make_envs(recipe["id"], config.num_envs, **recipe["options"])
        with default_dtype(getattr(torch, state["dtype"])):
            agent = cls(envs, config, seed=state["seed"], device=state["device"])
        try:
            exact = restore_agent(agent, state)
        except RuntimeError as error:
            raise ValueError(f"env must have the spaces of the environments in {path}, got {envs}.") from error
        if not exact:
            warnings.warn(
                "the state of these environments cannot be saved: they start fresh episodes, and this run is not "
                "the one that an uninterrupted run would have been.",
                stacklevel=2,
            )
        return agent

    def _build_networks(self) -> None:
        config, envs = self.config, self.envs
        network = {"hidden_sizes": config.hidden_sizes, "activation": config.activation}
        spaces = envs.single_observation_space, envs.single_action_space
        self.policy = make_policy(*spaces, initial_log_std=config.initial_log_std, **network).to(self.device)
        self.critic = Critic(spaces[0].shape[0], self.policy.normalizer, **network).to(self.device)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=config.critic_learning_rate, fused=True)

    @torch.no_grad()
    def _initial_kl(self, rollout: Rollout, old: Distribution) -> float:
        """KL of the policy from the one that acted: not 0 when the rollout is another policy's."""
        acted = self.policy.distribution_from(rollout.batch(rollout.outputs))
        kl = mean_kl(acted, old).item()
        if not abs(kl) < ROUNDING:
            warnings.warn(
                f"the rollout was collected by another policy: KL {kl:.2g} before any step, where 0 is due. "
                "TRPO is on-policy: collect a rollout after every update, and leave the normaliser alone in between.",
                stacklevel=4,
            )
        return kl


def train(env_id: str, total_steps: int | None = None, *, seed: int = 0, **overrides) -> TRPO:
    """A trained agent, from the environment's preset.

    Args:
        env_id: as registered with gymnasium.
        total_steps: the preset's number when None.
        seed: as for `TRPO`.
        overrides: fields of `TRPOConfig` to set differently.

    Raises:
        TypeError: an override that is no field of `TRPOConfig`; the message lists them.
    """
    unknown = set(overrides) - set(TRPOConfig.fields())
    if unknown:
        raise TypeError(f"settings must be among {', '.join(TRPOConfig.fields())}; got {sorted(unknown)}.")
    preset = find_preset(env_id)
    config = dataclasses.replace(preset.config, **overrides)
    return TRPO(env_id, config, seed=seed).learn(preset.total_steps if total_steps is None else total_steps)


def _device(device: str) -> torch.device:
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be one that torch knows, got {device!r}.") from error
