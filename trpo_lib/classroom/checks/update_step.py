"""Exercise 1 of notebook 07: the policy step from its functions, bit for bit."""

import copy
from types import SimpleNamespace

import torch
from gymnasium import spaces
from torch import Generator, Tensor
from torch.nn.utils import parameters_to_vector

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.checks.inputs import generator, indices, integer, normal, number, sizes
from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.experience.batch import Batch
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.kl import mean_kl
from trpo_lib.line_search import backtracking_line_search
from trpo_lib.networks.discrete import CategoricalPolicy
from trpo_lib.surrogate import surrogate_objective
from trpo_lib.trpo import TRPO
from trpo_lib.trust_region import trust_region_step


def _moment(random: Generator, *, advantage: float = -0.3, **settings: object) -> tuple:
    """An agent that lends policy and config, and a batch; advantages have a mean other than 0."""
    seen, actions, count, width = sizes(random, 4, low=3, high=7)
    config = TRPOConfig(**{"max_kl": number(random, 0.003, 0.05), "cg_iterations": integer(random, 3, 6)} | settings)
    with torch.random.fork_rng(devices=[]):
        policy = CategoricalPolicy(seen, spaces.Discrete(actions), hidden_sizes=(width,)).double()
    for parameter in policy.parameters():  # drawn here, so that they are the same whatever torch's default dtype
        parameter.data = normal(random, *parameter.shape) / width**0.5
    watched = list(policy.parameters())  # so that a policy that was moved is noticed
    agent = SimpleNamespace(policy=policy, config=config, watched=watched)
    states = normal(random, 5 * count, seen)
    scale = 0.0 if advantage == 0 else 1.0
    batch = SimpleNamespace(
        observations=states,
        actions=indices(random, actions, len(states)),
        advantages=scale * (2 * normal(random, len(states)) + advantage),
    )
    return agent, batch


def _any_moment(random: Generator) -> tuple:
    rescale = bool(integer(random, 0, 1))
    return _moment(random, damping=number(random, 0.02, 0.5), rescale_step=rescale, line_search_shrink=0.6)


def _library(agent: SimpleNamespace, batch: SimpleNamespace) -> Tensor:
    """What `TRPO.improve_policy` makes of a copy of the policy."""
    trpo = object.__new__(TRPO)
    trpo.config, trpo.policy = agent.config, copy.deepcopy(agent.policy)
    outputs = trpo.policy(batch.observations)
    old = trpo.policy.distribution_from(outputs)
    judged = {"outputs": outputs, "old": old, "log_prob": old.log_prob(batch.actions)}
    unused = dict.fromkeys(("rollout", "values", "returns", "initial_kl"))
    trpo.improve_policy(Batch(**vars(batch), **judged, **unused))
    return parameters_to_vector(trpo.policy.parameters()).detach()


def _step(agent: SimpleNamespace, batch: SimpleNamespace, **bug: object) -> Tensor:
    """The same from the functions of section 1, with one thing done otherwise."""
    policy, config = agent.policy, bug.get("config", agent.config)
    theta_old = parameters_to_vector(policy.parameters()).detach()
    old = policy.distribution(batch.observations)
    log_prob, A = old.log_prob(batch.actions), batch.advantages
    if bug.get("standardised"):
        A = (A - A.mean()) / (A.std(correction=0) + 1e-12)
    surrogate = surrogate_objective(log_prob, log_prob.detach(), A)
    g = bug.get("sign", 1) * parameters_to_vector(torch.autograd.grad(surrogate, list(policy.parameters())))
    fisher = FisherVectorProduct(policy, batch.observations, bug.get("damping", config.damping))
    options = {"max_iterations": config.cg_iterations, "relative_tolerance": config.cg_tolerance}
    x = g if bug.get("gradient") else conjugate_gradient(fisher, g, **bug.get("cg", options)).x
    curvature = (x @ fisher(x)).item() if bug.get("damped_length") else fisher.quadratic_form(x)
    step = trust_region_step(x, curvature, config.max_kl * bug.get("budget", 1)) if curvature > 0 else 0 * x
    if bug.get("no_search"):
        return theta_old + step

    @torch.no_grad()
    def evaluate(trial: Tensor) -> tuple[float, float]:
        new = policy.distribution_from(policy.outputs_at(theta_old + trial, batch.observations))
        value = surrogate_objective(new.log_prob(batch.actions), log_prob, A)
        kl = mean_kl(new, old) if bug.get("reverse") else mean_kl(old, new)
        return (value if bug.get("no_difference") else value - surrogate).item(), kl.item()

    search_options = {
        "shrink": config.line_search_shrink,
        "max_trials": config.line_search_trials,
        "rescale": config.rescale_step,
    }
    search = backtracking_line_search(evaluate, step, max_kl=config.max_kl, **bug.get("search", search_options))
    if bug.get("step_only"):
        return search.fraction * step
    if bug.get("ignore_fraction"):
        return theta_old + step if search.accepted else theta_old
    return theta_old + search.fraction * step


def _with(**bug: object):
    return lambda agent, batch: _step(agent, batch, **bug)


TEXTBOOK_SEARCH = {"shrink": 0.5, "max_trials": 15, "rescale": False}

policy_step = Exercise(
    name="policy_step",
    right=lambda agent, batch: _library(agent, batch),
    inputs=lambda: {
        "damped and rescaled": _moment(generator(1), damping=0.1, max_kl=0.3),
        "textbook search": _moment(generator(2), damping=0.03, rescale_step=False, line_search_shrink=0.7),
        "much damping": _moment(generator(3), damping=0.6),
        "a large δ": _moment(generator(7), damping=0.05, max_kl=0.7, rescale_step=False, line_search_shrink=0.9),
        "one trial": _moment(generator(12), damping=0.02, max_kl=1.5, rescale_step=False, line_search_trials=1),
        "g = 0": _moment(generator(5), damping=0.1, advantage=0),
    },
    sample=_any_moment,
    tolerance=0,
    axes=("parameter",),
    wrong={
        "you return the step: the parameters after it are θ_old + step": _with(step_only=True),
        "you solve F x = g without the config's damping": _with(damping=0.0),
        "the length must be measured without damping: fisher.quadratic_form(x), not xᵀ(F + cI)x": _with(
            damped_length=True
        ),
        "that is the full step: what does the line search say?": _with(no_search=True),
        "an accepted step is search.fraction times Δ": _with(ignore_fraction=True),
        "the line search has its settings from the config too: shrink, trials, rescale": (
            _with(search={}),
            _with(search=TEXTBOOK_SEARCH),
        ),
        "conjugate gradient has its settings from the config too: cg_iterations, cg_tolerance": (
            _with(cg={}),
            _with(cg={"max_iterations": 10, "relative_tolerance": 1e-4}),
            _with(cg={"max_iterations": 10}),
        ),
        "that is a step along the gradient: solve (F + cI) x = g first": _with(gradient=True),
        "the line search asks for the gain, L(θ) − L(θ_old), not for L(θ)": _with(no_difference=True),
        "the KL is that of the old policy from the new one, mean_kl(old, new)": _with(reverse=True),
        "the advantages come as they are to be used: you standardise them once more": _with(standardised=True),
        "your step is half a trust region too short or too long: trust_region_step has the 2 of 2δ already": (
            _with(budget=2.0),
            _with(budget=0.5),
        ),
        "you always return θ_old: is the step taken, and does it go uphill?": (
            lambda agent, batch: parameters_to_vector(agent.policy.parameters()).detach(),
            _with(sign=-1),
        ),
    },
)
