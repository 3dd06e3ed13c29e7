"""An agent can be taken to another device, and nothing that it has stays behind or waits for the host."""

import pytest
import torch
from gymnasium import spaces
from torch.distributions import Categorical
from torch.nn.utils import parameters_to_vector

from trpo_lib import Critic, FisherVectorProduct, make_policy, mean_kl
from trpo_lib.agent.checkpoint import read_checkpoint, write_checkpoint
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.networks.parts import Normalizer

ROWS = spaces.Box(-1, 1, (3,))
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def saved(make_agent, tmp_path):
    """The file of an agent with two past rollouts, saved as if it had been on another device."""

    def save(device="cpu", generator=None):
        agent = make_agent("Pendulum-v1", past_rollouts=2).learn(256, progress=False)
        agent.save(tmp_path / "agent")
        state = read_checkpoint(tmp_path / "agent") | {"device": device}
        write_checkpoint(tmp_path / "agent", state | ({} if generator is None else {"generator": generator}))
        return tmp_path / "agent"

    return save


def test_checkpoint_of_an_absent_device_is_loaded_to_the_cpu_with_a_warning(saved):
    path = saved("cuda:63", generator=torch.zeros(16, dtype=torch.uint8))  # as CUDA's generators have it
    with pytest.warns(UserWarning, match=r"was on 'cuda:63'.*loaded to the CPU.*device=") as warnings:
        agent = OffPolicyTRPO.load(path)
    assert warnings[0].filename == __file__
    assert agent.device == agent.generator.device == torch.device("cpu")
    assert len(agent.past) == 2
    first, again = (OffPolicyTRPO.load(path, device="cpu").learn(64, progress=False) for _ in range(2))
    assert repr(first.history) == repr(again.history), "reproducible all the same"
    assert first.generator.initial_seed() != first.seed, "not the numbers that were used already"


def test_wanted_device_decides_and_one_that_is_absent_is_refused(saved, recwarn):
    agent = OffPolicyTRPO.load(saved("cuda:63", generator=torch.zeros(16, dtype=torch.uint8)), device="cpu")
    assert agent.device == torch.device("cpu")
    assert not recwarn.list
    with pytest.raises(ValueError, match="device must be one that torch can use here, got 'cuda:63'"):
        OffPolicyTRPO.load(saved(), device="cuda:63")


def test_saying_the_same_device_changes_nothing(saved, everything):
    path = saved()
    one, other = (OffPolicyTRPO.load(path, **where).learn(64, progress=False) for where in ({}, {"device": "cpu"}))
    assert everything(one) == everything(other)


@pytest.mark.parametrize("kind", [spaces.Discrete(4), spaces.Box(-1, 1, (2,)), spaces.MultiDiscrete([2, 3])], ids=str)
def test_networks_and_products_ask_nothing_of_the_host(kind):
    """On the meta device no number exists: whoever asks for one, to decide something in Python, fails."""
    policy, critic = make_policy(ROWS, kind), Critic(3)
    policy.normalizer.update(torch.randn(10, 3))
    critic.rescale(torch.randn(10))
    policy, critic = policy.to("meta"), critic.to("meta")
    observations = torch.empty(5, 3, device="meta")
    outputs = policy(observations)
    assert critic(observations).device == outputs.device == torch.device("meta")
    theta = parameters_to_vector(policy.parameters()).detach()
    assert policy.outputs_at(theta, observations).shape == outputs.shape
    whitened = policy.whiten(outputs.detach(), outputs)
    assert torch.autograd.grad(whitened, policy.trained_parameters(), torch.ones_like(whitened))
    policy.normalizer.update(observations)
    critic.rescale(torch.empty(5, device="meta"))


def test_meta_would_notice_a_question():
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        FisherVectorProduct(make_policy(ROWS, spaces.Discrete(2)).to("meta"), torch.empty(5, 3, device="meta"))
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        mean_kl(*[Categorical(logits=torch.empty(5, 2, device="meta"), validate_args=False)] * 2).item()


@pytest.mark.parametrize("move", [lambda n: n.to("meta"), lambda n: n.float(), lambda n: n.to(torch.float16)])
def test_no_device_has_to_hold_a_float64_buffer(move):
    normalizer = Normalizer(3)
    normalizer.update(torch.randn(7, 3))
    moved = move(normalizer)
    on_the_device = [moved.mean, moved.variance, moved.std]
    assert all(buffer.device.type == "meta" or buffer.dtype != torch.float64 for buffer in on_the_device)
    assert (moved.count.device.type, moved.count.dtype, moved.count.item()) == ("cpu", torch.float64, 7)
    assert list(moved.state_dict()) == ["mean", "variance", "std", "count"]


@CUDA
def test_training_goes_on_on_cuda_and_comes_back(saved, tmp_path):
    torch.set_default_dtype(torch.float32)
    agent = OffPolicyTRPO.load(saved(), device="cuda")
    report = agent.update(agent.collect())
    assert abs(report.initial_kl) < 1e-4
    tensors = [*agent.policy.parameters(), *agent.critic.parameters(), agent.past[0].rewards]
    tensors += [value for moments in agent.optimizer.state.values() for value in moments.values() if value.ndim]
    assert {tensor.device.type for tensor in tensors} == {agent.generator.device.type} == {"cuda"}
    agent.save(tmp_path / "there")
    one, other = (OffPolicyTRPO.load(tmp_path / "there").learn(64, progress=False) for _ in range(2))
    assert one.device.type == "cuda"
    assert repr(one.history) == repr(other.history)
    back = OffPolicyTRPO.load(tmp_path / "there", device="cpu").learn(64, progress=False)
    assert back.past[0].rewards.device.type == "cpu"
