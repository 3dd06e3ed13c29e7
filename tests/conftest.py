"""Float64, one thread, no windows; and the few things that more than one test file needs."""

import itertools
import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import Phase, settings
from torch.func import functional_call
from torch.nn.utils import parameters_to_vector

from trpo_lib import GaussianPolicy, make_policy
from trpo_lib.training.train import agent_class

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50, database=None)
settings.register_profile("quick", settings.get_profile("suite"), phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

OBSERVATIONS = spaces.Box(-np.inf, np.inf, (3,))
ACTION_SPACES = {
    "categorical": spaces.Discrete(4),
    "gaussian": spaces.Box(-np.inf, np.inf, (2,)),
    "multi_categorical": spaces.MultiDiscrete([2, 4, 3]),
    "bernoulli": spaces.MultiBinary(3),
}
KINDS = tuple(ACTION_SPACES)


@pytest.fixture(autouse=True)
def _same_start():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)


@pytest.fixture(params=KINDS)
def kind(request):
    """Each of the four kinds of policy in turn."""
    return request.param


@pytest.fixture(scope="session")
def random_policy():
    """(kind, seed, scale) -> a policy with random parameters; a large scale saturates it."""

    def make(kind, seed=0, scale=1.0, hidden_sizes=(4,)):
        policy = make_policy(OBSERVATIONS, ACTION_SPACES[kind], hidden_sizes=hidden_sizes)
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in policy.named_parameters():
            spread = 0.3 if name == "log_std" else scale
            parameter.data = spread * torch.randn(parameter.shape, generator=generator)
        return policy

    return make


@pytest.fixture
def observations():
    return torch.randn(16, 3)


@pytest.fixture(scope="session")
def distribution_at():
    """(policy, theta, observations) -> the distribution at other parameters, differentiable in theta."""

    def distribution(policy, theta, observations):
        names, parameters = zip(*policy.named_parameters(), strict=True)
        blocks = theta.split([parameter.numel() for parameter in parameters])
        moved = {n: b.view_as(p) for n, b, p in zip(names, blocks, parameters, strict=True)}
        return policy.distribution_from(functional_call(policy, moved, (observations,)))

    return distribution


@pytest.fixture(scope="session")
def quadrature():
    """(policy, observations) -> pairs (weights (B,), actions (B, …)) that give expectations over actions exactly.

    All actions where there are finitely many; Gauss-Hermite nodes (exact to degree 7) for a Gaussian.
    """

    def pairs(policy, observations):
        outputs = policy(observations).detach()
        if isinstance(policy, GaussianPolicy):
            mean, log_std = outputs.chunk(2, -1)
            nodes, weights = np.polynomial.hermite_e.hermegauss(4)
            for index in itertools.product(range(4), repeat=mean.shape[1]):
                weight = (weights[list(index)] / np.sqrt(2 * np.pi)).prod()
                yield torch.full((len(mean),), weight), mean + log_std.exp() * torch.tensor(nodes[list(index)])
            return
        distribution = policy.distribution_from(outputs)
        choices = {"CategoricalPolicy": [4], "MultiCategoricalPolicy": [2, 4, 3], "BernoulliPolicy": [2, 2, 2]}
        for action in itertools.product(*map(range, choices[type(policy).__name__])):
            actions = torch.tensor(action).expand(len(outputs), -1)
            actions = actions.double() if type(policy).__name__ == "BernoulliPolicy" else actions
            actions = actions.squeeze(-1)
            yield distribution.log_prob(actions).exp(), actions

    return pairs


@pytest.fixture
def make_agent():
    """(env, seed, **settings) -> a small agent, of the class that the settings need."""
    small = {"num_envs": 2, "rollout_steps": 32, "hidden_sizes": (8,), "critic_epochs": 2, "critic_minibatch": 16}

    def make(env="CartPole-v1", seed=0, **settings):
        kind = agent_class(settings)
        return kind(env, kind.Config.from_settings({**small, **settings}), seed=seed)

    return make


@pytest.fixture(scope="session")
def theta():
    """agent -> its policy's parameters, flat."""
    return lambda agent: parameters_to_vector(agent.policy.parameters()).detach().clone()


@pytest.fixture(scope="session")
def everything():
    """agent -> all that it has learned and recorded, to compare bit by bit."""

    def collect(agent):
        networks = [agent.policy.state_dict(), agent.critic.state_dict()]
        numbers = [(name, value.tolist()) for network in networks for name, value in network.items()]
        return repr((numbers, agent.history, agent.episodes, agent.step))

    return collect
