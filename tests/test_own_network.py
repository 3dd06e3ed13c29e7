"""Networks that the agent did not make: any function of one observation, of any shape."""

import copy

import numpy as np
import pytest
import torch
from environments import Bars, Space, vectorize
from gymnasium import spaces
from torch import nn
from torch.distributions import kl_divergence
from torch.func import functional_call

from trpo_lib import TRPO, CategoricalPolicy, Critic, FisherVectorProduct, TRPOConfig, make_policy
from trpo_lib.agent.checkpoint import read_checkpoint, write_checkpoint
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.training.train import load_agent

IMAGE = Bars.observation_space
CONFIG = TRPOConfig(num_envs=8, rollout_steps=32, max_kl=0.05, gamma=0.0, hidden_sizes=(8,), critic_epochs=2)


def convolutions(outputs=2, channels=8):
    """From images `(B, 1, 6, 6)`."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs)
    )


def dense_hessian(policy, observations):
    """Of the mean KL in those parameters that ask for a gradient, by double differentiation."""
    named = {name: parameter for name, parameter in policy.named_parameters() if parameter.requires_grad}
    old = policy.distribution_from(policy(observations).detach())

    def kl(theta):
        blocks = theta.split([parameter.numel() for parameter in named.values()])
        moved = {name: b.view(p.shape) for (name, p), b in zip(named.items(), blocks, strict=True)}
        return kl_divergence(old, policy.distribution_from(functional_call(policy, moved, (observations,)))).mean()

    return torch.autograd.functional.hessian(kl, torch.cat([p.detach().flatten() for p in named.values()]))


def product_matrix(policy, observations):
    product = FisherVectorProduct(policy, observations)
    return torch.stack([product(row) for row in torch.eye(sum(product.sizes))])


@pytest.fixture
def images():
    return torch.as_tensor(np.stack([IMAGE.sample() for _ in range(12)]), dtype=torch.float64) / 255


def test_convolutional_policy_learns():
    agent = TRPO("Bars-v0", CONFIG, policy=convolutions(), critic=convolutions(1))
    assert agent.policy.observation_shape == IMAGE.shape
    assert agent.evaluate(30).mean() < 6, "of 8; chance gives 4"
    assert agent.learn(256 * 25, progress=False).evaluate(30).mean() > 7


@pytest.mark.parametrize("prepare", ["as it is", "normalised", "partly frozen", "channels last"])
def test_product_equals_the_dense_hessian_for_a_convolutional_policy(prepare, images):
    policy = make_policy(IMAGE, spaces.Discrete(3), network=convolutions(3, channels=3))
    if prepare == "normalised":
        policy.normalizer.update(images)
    if prepare == "partly frozen":
        policy.network[0].weight.requires_grad_(False)
    if prepare == "channels last":
        policy, images = policy.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    torch.testing.assert_close(product_matrix(policy, images), dense_hessian(policy, images))


BODIES = {
    "LayerNorm": lambda outputs: nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.SiLU(), nn.Linear(8, outputs)),
    "no bias": lambda outputs: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, outputs, bias=False)),
    "ends in tanh": lambda outputs: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, outputs), nn.Tanh()),
    "a layer": lambda outputs: nn.Linear(3, outputs),
    "a module": lambda outputs: Residual(outputs),
}


class Residual(nn.Module):
    """It reads its rows one by one, and has a parameter that it does not use."""

    def __init__(self, outputs):
        super().__init__()
        self.inner, self.last = nn.Linear(3, 3), nn.Linear(3, outputs)
        self.unused = nn.Parameter(torch.ones(4))

    def forward(self, observations):
        assert observations.ndim == 2
        return self.last(observations + self.inner(observations).tanh())


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("actions", [spaces.Discrete(3), spaces.Box(-1, 1, (2,)), spaces.MultiBinary(2)], ids=str)
def test_any_body_and_any_action_space_go_through_an_update(body, actions):
    outputs = 3 if isinstance(actions, spaces.Discrete) else 2
    envs = vectorize(*[lambda: Space(actions)] * 4)
    agent = TRPO(envs, CONFIG, policy=BODIES[body](outputs), critic=BODIES[body](1))
    report = agent.update(agent.collect())
    assert report.accepted
    assert abs(report.initial_kl) < 1e-12
    assert 0 < report.kl <= CONFIG.max_kl


@pytest.mark.parametrize("body", BODIES)
def test_statistics_of_the_returns_leave_v_as_it_is_whatever_the_last_layer(body):
    critic, observations = Critic(3, network=BODIES[body](1)), torch.randn(7, 5, 3)
    critic.rescale(torch.randn(40))
    before = critic(observations)
    critic.rescale(100 + 30 * torch.randn(40))
    assert before.shape == (7, 5)
    torch.testing.assert_close(critic(observations), before)
    assert critic.returns.std > 10, "the statistics have moved"


def test_frozen_parameters_never_move_and_unused_ones_neither():
    class Partly(Residual):
        def __init__(self, outputs):
            super().__init__(outputs)
            self.inner.requires_grad_(False)

    agent = TRPO(vectorize(*[lambda: Space(spaces.Discrete(3))] * 4), CONFIG, policy=Partly(3), critic=Partly(1))
    before = copy.deepcopy([dict(network.named_parameters()) for network in (agent.policy, agent.critic)])
    for _ in range(2):
        agent.update(agent.collect())
    for network, old in zip((agent.policy, agent.critic), before, strict=True):
        moved = {name for name, now in network.named_parameters() if not torch.equal(now, old[name])}
        assert {"last", "inner", "unused"} & {name.split(".")[-2] for name in moved} == {"last"}
        assert not any(name.endswith("unused") for name in moved)


def test_theta_is_what_asks_for_a_gradient(images):
    policy = make_policy(IMAGE, spaces.Discrete(2), network=convolutions())
    policy.network[0].requires_grad_(False)
    theta = torch.cat([parameter.flatten() for parameter in policy.network[-1].parameters()])
    assert sum(parameter.numel() for parameter in policy.trained_parameters()) == len(theta) == 18
    torch.testing.assert_close(policy.outputs_at(theta, images), policy(images))
    torch.testing.assert_close(policy.outputs_at(0 * theta, images), torch.zeros(12, 2))


class Draws(nn.Linear):
    """Dropout by another name."""

    def forward(self, observations):
        return nn.functional.dropout(super().forward(observations))


class Mixes(nn.Linear):
    """Batch normalisation by another name."""

    def forward(self, observations):
        outputs = super().forward(observations)
        return outputs - outputs.mean(0)


class Remembers(nn.Linear):
    """Recurrent by another name."""

    def forward(self, observations):
        self.seen = getattr(self, "seen", 0) + 1.0
        return super().forward(observations) + self.seen


REFUSED = {
    "LSTM": (nn.Sequential(nn.LSTM(3, 2)), TypeError, r"one observation, got LSTM at .*0: it remembers"),
    "GRU cell": (nn.GRUCell(3, 2), TypeError, "got GRUCell"),
    "dropout": (nn.Sequential(nn.Linear(3, 2), nn.Dropout()), ValueError, r"got Dropout at .*1: what it drops"),
    "batch norm": (nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), ValueError, "BatchNorm1d.*LayerNorm"),
    "lazy": (nn.LazyLinear(2), ValueError, "shapes of its parameters"),
    "draws": (Draws(3, 2), ValueError, "two calls"),
    "remembers": (Remembers(3, 2), ValueError, "two calls"),
    "mixes": (Mixes(3, 2), ValueError, "change with the others"),
    "too many outputs": (nn.Linear(3, 5), ValueError, r"shape \(..., 2\), got \(4, 5\)"),
    "no tensor": (nn.Identity(), TypeError, "must be"),
    "frozen": (nn.Linear(3, 2).requires_grad_(False), ValueError, "could not learn"),
    "no module": (torch.tanh, TypeError, "nn.Module"),
    "of another shape": (CategoricalPolicy(4, spaces.Discrete(2)), ValueError, r"shape \(3,\), but it takes \(4,\)"),
    "other actions": (make_policy(spaces.Box(0, 1, (3,)), spaces.MultiBinary(2)), ValueError, r"\(\), but .* \(2,\)"),
}
REFUSED["no tensor"] = (type("Pair", (nn.Linear,), {"forward": lambda self, x: (x, x)})(3, 2), TypeError, "got tuple")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_function_of_one_observation_is_refused_with_the_reason(name):
    network, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        TRPO(vectorize(*[lambda: Space(spaces.Discrete(2))] * 4), CONFIG, policy=network)


@pytest.mark.parametrize("name", ["dropout", "batch norm"])
def test_in_evaluation_mode_dropout_and_batch_norm_are_functions(name):
    network = copy.deepcopy(REFUSED[name][0]).eval()
    agent = TRPO(vectorize(*[lambda: Space(spaces.Discrete(2))] * 4), CONFIG, policy=network)
    assert agent.update(agent.collect()).initial_kl == pytest.approx(0, abs=1e-12)


def test_critic_is_held_to_the_same():
    envs = vectorize(*[lambda: Space(spaces.Discrete(2))] * 4)
    with pytest.raises(TypeError, match="LSTM"):
        TRPO(envs, CONFIG, critic=nn.Sequential(nn.LSTM(3, 1)))
    with pytest.raises(ValueError, match=r"shape \(..., 1\), got \(4, 2\)"):
        TRPO(envs, CONFIG, critic=nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)))


def test_shared_parameters_are_refused():
    trunk = nn.Linear(3, 4)
    networks = (nn.Sequential(trunk, nn.Tanh(), nn.Linear(4, outputs)) for outputs in (2, 1))
    envs = vectorize(*[lambda: Space(spaces.Discrete(2))] * 4)
    with pytest.raises(ValueError, match="must not share parameters"):
        TRPO(envs, CONFIG, **dict(zip(("policy", "critic"), networks, strict=True)))


def test_images_are_laid_out_in_a_row_for_a_perceptron_and_kept_for_a_network_that_takes_them():
    assert TRPO("Bars-v0", CONFIG).policy.observation_shape == (36,)
    agent = TRPO("Bars-v0", CONFIG, policy=convolutions())
    assert agent.collect().observations.shape == (32, 8, 1, 6, 6)
    assert agent.act(IMAGE.sample()).shape == ()
    assert agent.act(np.stack([IMAGE.sample()] * 3)).shape == (3,)
    with pytest.raises(ValueError, match=r"\(1, 6, 6\) or \(N, 1, 6, 6\), got \(36,\)"):
        agent.act(IMAGE.sample().ravel())
    envs = vectorize(*[Bars] * 8)
    with pytest.raises(TypeError, match="bring a network that takes it"):
        TRPO(envs, CONFIG)
    flat = make_policy(spaces.Box(0, 255, (36,)), spaces.Discrete(2))
    assert TRPO("Bars-v0", CONFIG, policy=flat).collect().observations.shape == (32, 8, 36)


def test_networks_follow_the_default_dtype_and_what_they_brought_is_what_begins():
    torch.set_default_dtype(torch.float32)
    network = convolutions()
    weight = network[0].weight.detach().clone()
    torch.set_default_dtype(torch.float64)
    agent = TRPO("Bars-v0", CONFIG, policy=network)
    assert all(parameter.dtype == torch.float64 for parameter in agent.policy.parameters())
    assert torch.equal(agent.policy.network[0].weight.float(), weight)


@pytest.fixture
def saved(tmp_path):
    """An agent on images, as it was saved, and the file."""
    torch.manual_seed(3)
    agent = TRPO("Bars-v0", CONFIG, policy=convolutions(), critic=convolutions(1)).learn(512, progress=False)
    agent.save(tmp_path / "agent")
    return agent, tmp_path / "agent"


@pytest.mark.filterwarnings("ignore:the state of these environments")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_saved_agent_comes_back_with_networks_like_its_own(saved, dtype):
    agent, path = saved
    torch.set_default_dtype(dtype)
    loaded = TRPO.load(path, policy=convolutions(), critic=convolutions(1))
    for ours, theirs in ((loaded.policy, agent.policy), (loaded.critic, agent.critic)):
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())
    assert repr(loaded.history) == repr(agent.history)
    reports = [
        one.update(one.collect()) for one in (loaded, TRPO.load(path, policy=convolutions(), critic=convolutions(1)))
    ]
    assert repr(reports[0]) == repr(reports[1])
    assert load_agent(path, policy=convolutions(), critic=convolutions(1)).step == agent.step


def smoother():
    network = convolutions()
    network[1] = nn.Tanh()
    return network


MISMATCHES = {
    "missing": ({}, r"policy must be given: .*load\(path, policy=…\).*CategoricalPolicy"),
    "one of two": ({"policy": convolutions()}, "critic must be given"),
    "narrower": (
        {"policy": convolutions(channels=4)},
        r"network.0.weight is \(8, 1, 3, 3\) in .* and \(4, 1, 3, 3\) here",
    ),
    "longer": (
        {"policy": nn.Sequential(*convolutions(), nn.Linear(2, 2))},
        "network.5.weight is missing in the checkpoint",
    ),
    "another activation": ({"policy": smoother()}, r"Tanh\(\)' where that had '\(1\): ReLU\(\)"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_another_network_than_the_saved_one_is_refused_by_the_first_difference(name, saved):
    given, message = MISMATCHES[name]
    critic = {"critic": convolutions(1)} if name != "one of two" else {}
    with pytest.raises(ValueError, match=message):
        TRPO.load(saved[1], **critic, **copy.deepcopy(given))


def test_perceptron_for_a_saved_network_of_ones_own_is_named_too(tmp_path):
    TRPO("CartPole-v1", CONFIG, policy=nn.Sequential(nn.Linear(4, 2))).save(tmp_path / "agent")
    state = read_checkpoint(tmp_path / "agent")
    del state["own_networks"]
    write_checkpoint(tmp_path / "agent", state)
    with pytest.raises(ValueError, match=r"network.0.weight is \(2, 4\) in .* \(8, 4\) here.*load\(path, policy=…\)"):
        TRPO.load(tmp_path / "agent")


@pytest.mark.filterwarnings("ignore:the state of these environments")
def test_past_rollouts_of_images_are_put_end_to_end(tmp_path):
    config = OffPolicyTRPO.Config.from_settings({**vars(CONFIG), "past_rollouts": 2})
    agent = OffPolicyTRPO("Bars-v0", config, policy=convolutions(), critic=convolutions(1))
    agent.learn(256 * 4, progress=False).save(tmp_path / "agent")
    assert len(agent.prepare(agent.collect()).observations) == 3 * 256
    loaded = OffPolicyTRPO.load(tmp_path / "agent", policy=convolutions(), critic=convolutions(1))
    assert len(loaded.past) == 2
