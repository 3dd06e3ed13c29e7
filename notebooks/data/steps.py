"""Regenerate what notebooks 04 and 05 say of ten seeds: python notebooks/data/steps.py [PART ...].

The parts are in README.md. `overshoot` trains the policy of the snapshot 04_pendulum from ten seeds, `updates` the
agent of 05_updates; `search` leaves out the KL test, or the whole line search, at three dampings.
"""

import dataclasses
import sys

import numpy as np
import torch
from runs import Part, Row, Table, main, stretches
from snapshots import SEARCHED, Snapshot, searched, sharpened
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPO, FisherVectorProduct, TRPOConfig, backtracking_line_search
from trpo_lib.classroom import setup
from trpo_lib.classroom.ablations import NoKLTest, NoLineSearch
from trpo_lib.conjugate_gradient import conjugate_gradient
from trpo_lib.trust_region import trust_region_step

DAMPINGS = [float(f"{c:.3g}") for c in np.logspace(-7, 1, 17)]
FEW = 128
SEARCHES = {"both tests": TRPO, "no KL test": NoKLTest, "no search": NoLineSearch}
SMALL = TRPOConfig(num_envs=4, rollout_steps=128, max_kl=0.02)
STEPS, STRETCH = 6_000, 500


def gradient_and_fisher(moment: Snapshot, states: torch.Tensor | slice = slice(None)) -> tuple[torch.Tensor, ...]:
    """g and the dense F of a stored policy, from some of its states."""
    agent_gradient = torch.autograd.grad(
        (moment.log_prob[states] * moment.advantages[states]).mean(), list(moment.policy.parameters())
    )
    g, product = parameters_to_vector(agent_gradient), FisherVectorProduct(moment.policy, moment.observations[states])
    return g, torch.stack([product(e) for e in torch.eye(len(g))])


def overshoot_run(seed: int) -> list[Row]:
    """KL on other states, in units of the δ that the step was made for; step from few states, or from all."""
    moments = sharpened(seed)
    _, other = gradient_and_fisher(moments["elsewhere"])
    few = torch.randperm(1024, generator=torch.Generator().manual_seed(seed))[:FEW]
    rows = []
    for count, states in ((FEW, few), (1024, slice(None))):
        g, F = gradient_and_fisher(moments["sharpened"], states)
        for c in DAMPINGS:
            x = torch.linalg.solve(F + c * torch.eye(len(g)), g)
            rows.append((count, c, f"{(x @ other @ x / (x @ F @ x)).item():.4g}"))
    return rows


def searched_step(agent: TRPO, moment: Snapshot) -> tuple[torch.Tensor, torch.Tensor]:
    """g and the step Δ of one stored update."""
    agent.policy, config = moment.policy, agent.config
    g, fisher = (
        agent.surrogate_gradient(moment),
        FisherVectorProduct(moment.policy, moment.observations, config.damping),
    )
    x = conjugate_gradient(fisher, g, max_iterations=config.cg_iterations, relative_tolerance=config.cg_tolerance).x
    return g, trust_region_step(x, fisher.quadratic_form(x), config.max_kl)


def update_run(seed: int) -> list[Row]:
    """Twenty updates, each at .5, 1 and 1.5 of its step: KL over δ, and gain over the tangent's at the full step.

    And what the textbook's search and the rescaling one make of it.
    """
    rows, agent = [], TRPO("CartPole-v1", SEARCHED)
    for number, moment in enumerate(searched(seed).values(), start=1):
        g, step = searched_step(agent, moment)
        predicted, delta = g.dot(step).item(), agent.config.max_kl
        measured = [agent.gain_and_kl(moment, t * step) for t in (0.5, 1.0, 1.5)]
        results = [
            backtracking_line_search(
                lambda trial, m=moment: agent.gain_and_kl(m, trial), step, max_kl=delta, rescale=rescale
            )
            for rescale in (False, True)
        ]
        numbers = [x for gain, kl in measured for x in (kl / delta, gain / predicted)]
        numbers += [x for r in results for x in (r.kl / delta, r.gain, r.trials)]
        rows.append((number, *(f"{x:.4g}" for x in numbers)))
    return rows


def search_run(search: str, damping: float, seed: int) -> tuple[list, Row]:
    """A short training; its episodes, and the first update: KL over δ, the fraction taken, the entropy afterwards."""
    setup(seed)
    config = dataclasses.replace(SMALL, damping=damping)
    agent = SEARCHES[search]("CartPole-v1", config, seed=seed).learn(STEPS, progress=False)
    first, refused = agent.history[0], np.mean([not report.accepted for report in agent.history])
    largest = max(report.kl_ratio for report in agent.history)
    numbers = first.kl_ratio, first.fraction, first.entropy, largest, refused
    return agent.episodes, tuple(f"{x:.4g}" for x in numbers)


def curve(result: tuple) -> list[Row]:
    """Mean return of each stretch of 500 steps."""
    return stretches(STEPS, STRETCH)(result[0])


MODELS = [f"{what}_at_{t}" for t in ("half", "full", "one_and_a_half") for what in ("kl", "gain")]
RULES = [f"{rule}_{what}" for rule in ("textbook", "rescaled") for what in ("kl", "gain", "trials")]
FIRST = "first_kl_ratio", "first_fraction", "first_entropy", "largest_kl_ratio", "refused"
PARTS = {
    "overshoot": Part(
        [Table("04_overshoot.csv", list, ("run", "seed", "states", "damping", "kl_ratio"), "kl_ratio")],
        {"sharpened": (overshoot_run,)},
    ),
    "updates": Part(
        [Table("05_ten_seeds.csv", list, ("run", "seed", "update", *MODELS, *RULES), "rescaled_gain")],
        {"updates": (update_run,)},
    ),
    "search": Part(
        [
            Table("05_search.csv", curve),
            Table("05_search_reports.csv", lambda result: [result[1]], ("run", "seed", *FIRST), "first_kl_ratio"),
        ],
        {f"{search}, damping {c:g}": (search_run, search, c) for c in (0.0, 0.001, 0.1) for search in SEARCHES},
    ),
}

if __name__ == "__main__":
    main(PARTS, sys.argv[1:])
