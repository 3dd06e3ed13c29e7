"""One table of bad input: each is refused with its name, what was expected and what came, and changes nothing."""

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from conftest import OBSERVATIONS
from gymnasium import spaces
from torch.distributions import Categorical, Normal

import trpo_lib
from trpo_lib import (
    TRPO,
    Critic,
    FisherVectorProduct,
    TabularMDP,
    TRPOConfig,
    backtracking_line_search,
    collect_rollout,
    conjugate_gradient,
    explained_variance,
    fit_critic,
    generalized_advantage_estimation,
    importance_ratio,
    make_envs,
    make_policy,
    mean_kl,
    standardize,
    start,
    surrogate_objective,
    td_errors,
    train,
    trust_region_step,
)
from trpo_lib.extensions.settings import CriticFirstConfig, OffPolicyConfig
from trpo_lib.gae import discounted_sum

NAN, INF = float("nan"), float("inf")
FLAT, NOT_FINITE = torch.ones(3), torch.tensor([1.0, NAN, 2.0])
POLICY = make_policy(OBSERVATIONS, spaces.Discrete(2), hidden_sizes=(4,))
CRITIC = Critic(3, hidden_sizes=(4,))
ADAM = torch.optim.Adam(CRITIC.parameters())
MDP = TabularMDP.random(4, 3)
PI = torch.full((4, 3), 1 / 3, dtype=torch.float64)
ENVS = make_envs("CartPole-v1", 2)
AGENT = TRPO("CartPole-v1", TRPOConfig(num_envs=2, rollout_steps=8, hidden_sizes=(4,)))
ROWS = torch.ones(5, 3)

COUNT = (0, -3, 2.5, NAN, True, "4", None)
POSITIVE = (0.0, -1.0, NAN, INF, "0.5", None)
NOT_NEGATIVE = POSITIVE[1:]
UNIT = (1.01, -0.1, NAN, INF, "0.5", None)
OPEN_UNIT = (0.0, 1.0, *UNIT)
FLAG = ("no", 2, None)
SIZES = (64, "64", None, (64, 0), (2.5,))
ACTIVATION = ("sine", None, 3)
FIELDS = {
    "num_envs": COUNT, "rollout_steps": COUNT, "max_kl": POSITIVE, "gamma": UNIT, "lam": UNIT, "damping": NOT_NEGATIVE,
    "cg_iterations": COUNT, "cg_tolerance": (1.0, *NOT_NEGATIVE),
    "fisher_fraction": (0.0, *UNIT), "line_search_shrink": OPEN_UNIT, "line_search_trials": COUNT,
    "rescale_step": FLAG, "hidden_sizes": SIZES, "activation": ACTIVATION, "initial_log_std": (NAN, INF, "0", None),
    "normalize_observations": FLAG, "critic_epochs": COUNT[1:], "critic_minibatch": COUNT,
    "critic_learning_rate": POSITIVE,
}  # fmt: skip


def gae(**changed):
    flags = {name: torch.zeros(3, dtype=torch.bool) for name in ("terminated", "truncated")}
    numbers = {name: torch.ones(3) for name in ("rewards", "values", "next_values")}
    return generalized_advantage_estimation(**{**numbers, **flags, "gamma": 0.9, "lam": 0.9, **changed})


def td(**changed):
    numbers = {name: torch.ones(3) for name in ("rewards", "values", "next_values")}
    return td_errors(**{**numbers, "terminated": torch.zeros(3, dtype=torch.bool), "gamma": 0.9, **changed})


def search(**changed):
    arguments = {"evaluate": lambda step: (1.0, 0.0), "step": FLAT, "max_kl": 0.1, **changed}
    return backtracking_line_search(arguments.pop("evaluate"), arguments.pop("step"), **arguments)


def solve(**changed):
    arguments = {"matvec": lambda v: v, "b": FLAT, **changed}
    return conjugate_gradient(arguments.pop("matvec"), arguments.pop("b"), **arguments)


def fit(**changed):
    arguments = {"critic": CRITIC, "observations": ROWS, "targets": ROWS[:, 0], "epochs": 1, "minibatch_size": 2}
    return fit_critic(optimizer=ADAM, **{**arguments, **changed})


def mdp(**changed):
    whole = {"transitions": MDP.transitions, "rewards": MDP.rewards, "gamma": 0.9, "start": MDP.start}
    return TabularMDP(**{**whole, **changed})


def policy(**changed):
    whole = {"observation_space": OBSERVATIONS, "action_space": spaces.Discrete(2), **changed}
    return make_policy(whole.pop("observation_space"), whole.pop("action_space"), **whole)


def collect(**changed):
    arguments = {"envs": ENVS, "policy": AGENT.policy, "steps": 2, "cursor": start(ENVS, 0), **changed}
    return collect_rollout(**arguments)


def fisher(**changed):
    return FisherVectorProduct(**{"policy": POLICY, "observations": ROWS, **changed})


def mdp_from(**changed):
    return MDP.sample(**{"pi": PI, "steps": 3, **changed})


def agent(**changed):
    return TRPO(**{"env": "CartPole-v1", **changed})


def objective(**changed):
    return surrogate_objective(**{"log_prob": FLAT, "log_prob_old": FLAT, "advantages": FLAT, **changed})


VECTOR = ([1.0], None, torch.ones(2, 2))  # for a flat vector
TENSOR = ([1.0, 2.0, 3.0], None, torch.ones(3, 1))  # for a tensor of shape (3,)
BAD_PI = (None, PI[:1], PI.float(), PI + 0.1, -PI, PI * NAN)
TABLE = {
    TRPOConfig: FIELDS, CriticFirstConfig: {"critic_first": FLAG},
    OffPolicyConfig: {"critic_first": FLAG, "past_rollouts": COUNT[1:]},
    discounted_sum: {"decay": TENSOR},
    td: {"rewards": (*TENSOR, NOT_FINITE), "values": (*TENSOR, NOT_FINITE), "next_values": (*TENSOR, NOT_FINITE),
         "terminated": TENSOR, "gamma": UNIT},
    gae: {"rewards": (*TENSOR, NOT_FINITE), "values": (*TENSOR, NOT_FINITE), "next_values": (*TENSOR, NOT_FINITE),
          "terminated": TENSOR, "truncated": TENSOR, "gamma": UNIT, "lam": UNIT},
    standardize: {"advantages": ([1.0], None, NOT_FINITE, torch.ones(0))},
    importance_ratio: {"log_prob_old": TENSOR},
    objective: {"advantages": (*TENSOR, NOT_FINITE), "log_prob_old": TENSOR},
    mean_kl: {"old": (None, FLAT), "new": (3, "new")},
    fisher: {"policy": (None, torch.nn.Linear(3, 2)), "damping": NOT_NEGATIVE,
             "observations": (None, [[1.0]], torch.ones(5, 2), torch.full((5, 3), NAN))},
    solve: {"matvec": (None, torch.eye(3)), "b": (*VECTOR, NOT_FINITE), "max_iterations": COUNT,
            "relative_tolerance": (1.0, -0.1, NAN, "0.1", None)},
    trust_region_step: {"direction": (*VECTOR, NOT_FINITE), "curvature": (*POSITIVE, FLAT), "max_kl": POSITIVE},
    search: {"evaluate": (None, 0.5), "step": VECTOR, "max_kl": POSITIVE, "shrink": OPEN_UNIT, "max_trials": COUNT,
             "rescale": FLAG},
    mdp: {"transitions": (torch.ones(4, 3), MDP.transitions * 2, MDP.transitions * NAN), "gamma": (1.0, *UNIT),
          "rewards": (torch.ones(4), torch.full((4, 3), INF)), "start": (torch.ones(3), torch.ones(4), -MDP.start)},
    TabularMDP.random: {"num_states": COUNT, "num_actions": COUNT, "gamma": (1.0, NAN), "seed": (-1, 0.5)},
    MDP.values: {"pi": BAD_PI}, MDP.q_values: {"pi": BAD_PI}, MDP.advantages: {"pi": BAD_PI},
    MDP.occupancy: {"pi": BAD_PI}, MDP.performance: {"pi": BAD_PI}, mdp_from: {"pi": BAD_PI, "steps": COUNT,
                                                                             "num_chains": COUNT, "seed": (-1, None)},
    policy: {"observation_space": (None, spaces.Discrete(3), spaces.Box(0, 1, (2, 2))), "hidden_sizes": SIZES,
             "action_space": (None, spaces.Text(3), "left"), "activation": ACTIVATION, "initial_log_std": (NAN, None)},
    POLICY.distribution: {"observations": (None, [[1.0]], torch.ones(5, 2), torch.tensor(1.0))},
    CRITIC: {"observations": (None, [[1.0]], torch.ones(5, 2), torch.tensor(1.0))},
    Critic: {"observation_shape": COUNT},
    fit: {"critic": (None, POLICY), "observations": (None, torch.ones(4, 3), ROWS * NAN), "epochs": COUNT[1:],
          "targets": (None, ROWS, ROWS[:, 0] * INF), "minibatch_size": COUNT},
    explained_variance: {"values": (*TENSOR, NOT_FINITE), "targets": (*TENSOR, NOT_FINITE)},
    make_envs: {"env_id": (None, 5), "num_envs": COUNT},
    start: {"envs": (None, "CartPole-v1", gym.make("CartPole-v1")), "seed": (-1, 0.5, "0")},
    collect: {"envs": (None, gym.make("CartPole-v1")), "policy": (None, CRITIC), "steps": COUNT,
              "cursor": (None, np.zeros((2, 4)), start(make_envs("CartPole-v1", 3), 0))},
    agent: {"env": (None, 3, gym.make("CartPole-v1")), "config": ({"gamma": 0.9}, "CartPole-v1"),
            "seed": (-1, 0.5, None), "device": ("abacus", "cuda:99", "hpu")},
    AGENT.learn: {"total_steps": COUNT, "progress": FLAG, "after_update": (3, "print")},
    AGENT.update: {"rollout": (None, [], ROWS)},
    AGENT.act: {"observation": ("left", None, np.zeros(3), np.zeros((2, 2, 4)), np.full(4, NAN))},
    AGENT.evaluate: {"episodes": COUNT, "seed": (-1, None), "max_steps": COUNT},
    AGENT.save: {"path": (None, 3)}, TRPO.load: {"path": (None, 3)},
    train: {"total_steps": (0, 2.5), "seed": (-1, None), "gamma": (2.0,), "max_kll": (0.1,)},
}  # fmt: skip
REST = {  # what the other arguments are, where the function has no defaults for them
    CriticFirstConfig: {}, OffPolicyConfig: {}, discounted_sum: {"terms": FLAT},
    standardize: {}, importance_ratio: {"log_prob": FLAT}, Critic: {},
    explained_variance: {"values": FLAT, "targets": FLAT},
    mean_kl: {"old": Categorical(logits=ROWS), "new": Categorical(logits=ROWS)},
    make_envs: {"env_id": "CartPole-v1", "num_envs": 1},
    trust_region_step: {"direction": FLAT, "curvature": 1.0, "max_kl": 0.1}, start: {"envs": ENVS},
    AGENT.learn: {"total_steps": 8, "progress": False}, train: {"env_id": "CartPole-v1", "total_steps": 8},
}  # fmt: skip
CASES = [
    pytest.param(function, name, value, id=f"{getattr(function, '__qualname__', 'Critic()')}-{name}-{value!s:.20}")
    for function, arguments in TABLE.items()
    for name, values in arguments.items()
    for value in values
]


def fingerprint():
    """All that a refused call could have changed."""
    tensors = [FLAT, NOT_FINITE, ROWS, PI, MDP.transitions, MDP.rewards, MDP.start]
    tensors += [v for module in (POLICY, CRITIC, AGENT.policy, AGENT.critic) for v in module.state_dict().values()]
    numbers = [tensor.numpy().tobytes() for tensor in [*tensors, AGENT.generator.get_state()]]
    adam = repr((ADAM.state_dict(), AGENT.optimizer.state_dict()))
    return numbers, adam, repr((AGENT.history, AGENT.episodes, AGENT.step, AGENT.cursor, AGENT.envs.state))


@pytest.mark.parametrize(("function", "name", "value"), CASES)
def test_bad_input_is_refused_by_name_and_changes_nothing(function, name, value):
    before, given = fingerprint(), copy.deepcopy(value) if isinstance(value, torch.Tensor) else value
    with pytest.raises((ValueError, TypeError), match=rf"(?s)(?=.*\b{name}\b).*\bmust\b.*got"):
        function(**{**REST.get(function, {}), name: value})
    assert fingerprint() == before
    if isinstance(value, torch.Tensor):
        assert torch.equal(value.nan_to_num(), given.nan_to_num())


@pytest.mark.parametrize("pi_new", BAD_PI)
def test_surrogate_refuses_both_policies(pi_new):
    with pytest.raises((ValueError, TypeError), match="pi_new must"):
        MDP.surrogate(PI, pi_new)
    with pytest.raises((ValueError, TypeError), match="pi must"):
        MDP.surrogate(pi_new, PI)


@pytest.mark.parametrize("new", [Normal(ROWS[:, 0], 1.0), Categorical(logits=ROWS[:2]), Categorical(logits=ROWS[None])])
def test_kl_of_distributions_that_do_not_fit_is_refused(new):
    with pytest.raises(ValueError, match="old and new must"):
        mean_kl(Categorical(logits=ROWS), new)


@pytest.mark.parametrize("v", [None, [1.0], torch.ones(2), torch.ones(1, 26)])
def test_vectors_of_another_size_than_the_parameters_are_refused(v):
    for function in (fisher(), fisher().quadratic_form, lambda v: POLICY.outputs_at(v, ROWS)):
        with pytest.raises((ValueError, TypeError), match=r"(v|theta) must be a"):
            function(v)


def test_good_input_is_accepted_so_that_the_refusals_above_are_those_of_the_bad_value():
    for function in (TRPOConfig, td, gae, objective, fisher, solve, search, mdp, mdp_from, policy, collect, agent, fit):
        function()
    required = {
        discounted_sum: {"decay": FLAT},
        standardize: {"advantages": FLAT},
        importance_ratio: {"log_prob_old": FLAT},
        Critic: {"observation_shape": 3},
    }
    for function, rest in REST.items():
        function(**rest | required.get(function, {}))


def test_the_table_is_long_and_covers_every_public_function_and_setting():
    assert len(CASES) >= 100
    assert set(FIELDS) == set(TRPOConfig.fields())
    helpers = {
        td: td_errors, gae: generalized_advantage_estimation, search: backtracking_line_search, mdp: TabularMDP,
        fisher: FisherVectorProduct, solve: conjugate_gradient, fit: fit_critic, policy: make_policy, agent: TRPO,
        collect: collect_rollout, objective: surrogate_objective,
    }  # fmt: skip
    covered = {helpers.get(function, function) for function in TABLE}
    results = {"Policy", "BernoulliPolicy", "CategoricalPolicy", "GaussianPolicy", "MultiCategoricalPolicy", "Rollout",
               "ConjugateGradientResult", "LineSearchResult", "UpdateReport", "Cursor", "Episode"}  # fmt: skip
    assert {name for name in trpo_lib.__all__ if getattr(trpo_lib, name) not in covered} == results
