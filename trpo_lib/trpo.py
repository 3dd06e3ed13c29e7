"""Trust region policy optimization: the functions of this package, called in order (notebooks 07 and 08)."""

import math

import torch
from torch import Tensor
from torch.nn.utils import vector_to_parameters

from trpo_lib import _validate
from trpo_lib.agent.agent import Agent
from trpo_lib.agent.report import PolicyStep, UpdateReport
from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.experience.batch import Batch, make_batch
from trpo_lib.experience.rollout import Rollout
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.gae import standardize
from trpo_lib.kl import mean_kl
from trpo_lib.line_search import backtracking_line_search
from trpo_lib.networks.critic import fit_critic
from trpo_lib.networks.parts import flat
from trpo_lib.surrogate import surrogate_objective
from trpo_lib.trust_region import trust_region_step


class TRPO(Agent):
    """Trust region policy optimization (Schulman et al. 2015) with generalized advantage estimation (2016).

    Args:
        env: the id of a gymnasium environment, or a gymnasium `VectorEnv`, which is the agent's alone from then on.
        config: the settings; the environment's preset when None.
        policy, critic: networks of your own, a `Policy` and a `Critic`, or a module for one, which `make_policy` and
            `Critic` then take as their `network`. What is None is made as the settings say.
        seed: of networks, actions, minibatches and environments: one seed, the same bits.
        device: of networks and batches.

    Attributes:
        policy, critic: the two networks.
        history: one `UpdateReport` for each update.
        episodes: one `Episode` (step, episode_return, length) for each finished episode.
        step: transitions seen so far, over all environments.

    Raises:
        TypeError: `env` or one of its spaces is of a kind that is not supported.
    """

    # The parts that an update calls. A subclass with another of the same name has another algorithm.
    standardize = staticmethod(standardize)
    surrogate_objective = staticmethod(surrogate_objective)
    FisherVectorProduct = FisherVectorProduct
    conjugate_gradient = staticmethod(conjugate_gradient)
    trust_region_step = staticmethod(trust_region_step)
    backtracking_line_search = staticmethod(backtracking_line_search)
    mean_kl = staticmethod(mean_kl)

    def update(self, rollout: Rollout) -> UpdateReport:
        """One iteration of the algorithm.

        Args:
            rollout: collected by the present policy; a warning says so when it was not.
        """
        batch = self.prepare(rollout)  # advantages (06)
        step = self.improve_policy(batch)  # the trust region (01 to 05)
        critic_loss = self.fit_critic(batch)  # for the next batch, hence last (07)
        return self.record(rollout, batch, step, critic_loss)

    def prepare(self, rollout: Rollout) -> Batch:
        """What the update is to know: the rollout's transitions, judged by the present networks."""
        _validate.instance("rollout", rollout, Rollout, "a Rollout (see collect_rollout)")
        return make_batch(rollout, self.policy, self.critic, self.config.gamma, self.config.lam, self.standardize)

    def improve_policy(self, batch: Batch) -> PolicyStep:
        """The step of the policy (TRPO, section 6 and appendix C).

            g  =  ∇L(θ_old)                       gradient of the surrogate
            x  ≈  (F + damping·I)⁻¹ g             conjugate gradient
            Δ  =  sqrt(2δ / xᵀFx) x               Karush-Kuhn-Tucker step length
            θ  =  θ_old + α^i Δ                   line search: gain > 0 and KL ≤ δ

        The parameters change only when the line search accepts a step.
        """
        config = self.config
        gradient = self.surrogate_gradient(batch)
        fisher = self.fisher(batch)
        solution = self.conjugate_gradient(
            fisher, gradient, max_iterations=config.cg_iterations, relative_tolerance=config.cg_tolerance
        )
        x, curvature = solution.x, fisher.quadratic_form(solution.x)
        step = self.trust_region_step(x, curvature, config.max_kl) if curvature > 0 else 0 * x
        search = self.backtracking_line_search(
            lambda trial: self.gain_and_kl(batch, trial),
            step,
            max_kl=config.max_kl,
            shrink=config.line_search_shrink,
            max_trials=config.line_search_trials,
            rescale=config.rescale_step,
        )
        if search.accepted:
            self.move_policy(search.fraction * step)
        return PolicyStep.of(gradient, solution, step, search)

    def surrogate_gradient(self, batch: Batch) -> Tensor:
        """g = ∇L(θ_old), `(P,)`."""
        surrogate = self.surrogate_objective(batch.log_prob, batch.log_prob.detach(), batch.advantages)
        theta = self.policy.trained_parameters()
        return flat(torch.autograd.grad(surrogate, theta, retain_graph=True, materialize_grads=True))

    def fisher(self, batch: Batch) -> FisherVectorProduct:
        """v ↦ (F + damping·I) v, with F taken from all states of the batch or from a random part of them."""
        fraction, damping, states = self.config.fisher_fraction, self.config.damping, batch.observations
        if fraction == 1:
            return self.FisherVectorProduct(self.policy, states, damping, outputs=batch.outputs)
        order = torch.randperm(len(states), generator=self.generator, device=states.device)
        return self.FisherVectorProduct(self.policy, states[order[: math.ceil(fraction * len(states))]], damping)

    @torch.no_grad()
    def gain_and_kl(self, batch: Batch, step: Tensor) -> tuple[float, float]:
        """Surrogate gain and mean KL of a trial step `(P,)`, measured without touching the policy."""
        theta = flat(self.policy.trained_parameters()) + step
        new = self.policy.distribution_from(self.policy.outputs_at(theta, batch.observations))
        before, after = (
            self.surrogate_objective(log_prob, batch.log_prob, batch.advantages)
            for log_prob in (batch.log_prob, new.log_prob(batch.actions))
        )
        return (after - before).item(), self.mean_kl(batch.old, new).item()

    def move_policy(self, step: Tensor) -> None:
        """θ ← θ_old + step, `(P,)`."""
        theta = self.policy.trained_parameters()
        vector_to_parameters((flat(theta) + step).detach(), theta)

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
