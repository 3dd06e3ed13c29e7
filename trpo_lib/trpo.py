"""Trust region policy optimization: the functions of this package, called in order (notebooks 07 and 08)."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from trpo_lib import _validate
from trpo_lib.agent.agent import Agent
from trpo_lib.agent.report import UpdateReport
from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.experience.batch import Batch, make_batch, with_advantages_of
from trpo_lib.experience.rollout import Rollout
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.kl import mean_kl
from trpo_lib.line_search import backtracking_line_search
from trpo_lib.networks.critic import explained_variance, fit_critic
from trpo_lib.surrogate import importance_ratio, surrogate_objective
from trpo_lib.trust_region import trust_region_step


class TRPO(Agent):
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

    def update(self, rollout: Rollout) -> UpdateReport:
        """One iteration of the algorithm (TRPO, section 6 and appendix C).

            g  =  ∇L(θ_old)                       gradient of the surrogate
            x  ≈  (F + damping·I)⁻¹ g             conjugate gradient
            Δ  =  sqrt(2δ / xᵀFx) x               Karush-Kuhn-Tucker step length
            θ  =  θ_old + α^i Δ                   line search: gain > 0 and KL ≤ δ
            V  ←  fit to the λ-returns            the critic, for the next batch

        The policy's parameters change only when the line search accepts a step. With `critic_first`, the last line
        comes first, and g is taken with the advantages of the fitted critic. With `past_rollouts`, experience of
        earlier policies stands before the new rollout, weighted as V-trace does (Espeholt et al. 2018; Queeney et al.
        2021 give the theory of trust regions with it).

        Args:
            rollout: collected by the present policy; a warning says so when it was not.
        """
        config = self.config
        batch = self.prepare(rollout)
        if config.critic_first:
            critic_loss = self.fit_critic(batch)
            batch = with_advantages_of(batch, self.critic, config.gamma, config.lam)

        gradient = self.surrogate_gradient(batch)
        fisher = self.fisher(batch)
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
        """What the update is to know: past rollouts and the new one, judged by the present networks."""
        _validate.instance("rollout", rollout, Rollout, "a Rollout (see collect_rollout)")
        return make_batch(rollout, self.past, self.policy, self.critic, self.config.gamma, self.config.lam)

    def surrogate_gradient(self, batch: Batch) -> Tensor:
        """g = ∇L(θ_old), `(P,)`."""
        surrogate = surrogate_objective(batch.log_prob, batch.log_prob.detach(), batch.advantages)
        gradient = torch.autograd.grad(surrogate, list(self.policy.parameters()), retain_graph=True)
        return parameters_to_vector(gradient)

    def fisher(self, batch: Batch) -> FisherVectorProduct:
        """v ↦ (F + damping·I) v, with F taken from all states of the batch or from a random part of them."""
        fraction, damping, states = self.config.fisher_fraction, self.config.damping, batch.observations
        if fraction == 1:
            return FisherVectorProduct(self.policy, states, damping, outputs=batch.outputs)
        order = torch.randperm(len(states), generator=self.generator, device=states.device)
        return FisherVectorProduct(self.policy, states[order[: math.ceil(fraction * len(states))]], damping)

    @torch.no_grad()
    def gain_and_kl(self, batch: Batch, step: Tensor) -> tuple[float, float]:
        """Surrogate gain and mean KL of a trial step `(P,)`, measured without touching the policy."""
        theta = parameters_to_vector(self.policy.parameters()) + step
        new = self.policy.distribution_from(self.policy.outputs_at(theta, batch.observations))
        before, after = (
            surrogate_objective(log_prob, batch.log_prob, batch.advantages)
            for log_prob in (batch.log_prob, new.log_prob(batch.actions))
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
        ratio = importance_ratio(new.log_prob(batch.actions), batch.log_prob)
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
