"""What is stored comes back bit for bit, and what the notebooks say of it rests on it alone."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPO, mean_kl
from trpo_lib.classroom.snapshots import Snapshot, save_snapshots, snapshots
from trpo_lib.classroom.stored import stored

FOLDER = Path(__file__).parents[1] / "notebooks" / "data"
NAMES = ("04_pendulum", "05_updates", "07_stale")


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("snapshots_script", FOLDER / "snapshots.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_policy_and_batch_come_back_bit_for_bit(env, make_agent, tmp_path, monkeypatch):
    agent = make_agent(env)
    agent.update(agent.collect())  # so that the normaliser has seen something
    batch = agent.prepare(agent.collect())
    kept = Snapshot(agent.policy, batch.observations, batch.actions, batch.advantages, {"kl": 0.125})
    (tmp_path / "data").mkdir()
    save_snapshots(tmp_path / "data" / "new.npz", {"now": kept}, {"hidden_sizes": agent.config.hidden_sizes})
    monkeypatch.chdir(tmp_path)
    (found,) = snapshots("new").values()
    assert torch.equal(
        found.policy.outputs_at(parameters_to_vector(agent.policy.parameters()), batch.observations), batch.outputs
    )
    for name in ("observations", "actions", "advantages"):
        assert torch.equal(getattr(found, name), getattr(batch, name))
    assert torch.equal(found.log_prob, batch.log_prob)
    assert found.numbers == {"kl": 0.125}
    np.testing.assert_array_equal(found.policy.to_env(found.actions), agent.policy.to_env(batch.actions))


@pytest.mark.parametrize("name", NAMES)
def test_stored_batches_are_those_of_their_policies(name):
    for moment in snapshots(name).values():
        assert moment.advantages.mean().abs() < 1e-9
        assert moment.advantages.std(correction=0).item() == pytest.approx(1)
        assert mean_kl(moment.old, moment.policy.distribution(moment.observations)).item() == 0
        assert len(moment.observations) == len(moment.actions) == len(moment.advantages) > 450
    assert stored(f"{name}.npz").stat().st_size < 600_000


def test_search_of_each_stored_update_comes_to_what_its_agent_reported(script):
    """The step is found again from policy and batch alone, to rounding."""
    for moment in snapshots("05_updates").values():
        agent = TRPO("CartPole-v1", script.SEARCHED)
        agent.policy = moment.policy
        g = agent.surrogate_gradient(moment)
        fisher = script.trpo_lib.FisherVectorProduct(moment.policy, moment.observations, agent.config.damping)
        x = script.trpo_lib.conjugate_gradient(fisher, g, max_iterations=10, relative_tolerance=1e-8).x
        step = script.trpo_lib.trust_region_step(x, fisher.quadratic_form(x), agent.config.max_kl)
        theta = parameters_to_vector(moment.policy.parameters()) + moment.numbers["fraction"] * step
        kl = mean_kl(moment.old, moment.policy.distribution_from(moment.policy.outputs_at(theta, moment.observations)))
        assert kl.item() == pytest.approx(moment.numbers["kl"], rel=1e-6)
        predicted = moment.numbers["fraction"] * g.dot(step).item()
        assert predicted == pytest.approx(moment.numbers["predicted_gain"], rel=1e-6)


def test_first_moments_are_made_anew_by_their_command(script):
    """Before any training rounding is all that can differ; afterwards another processor has another policy."""
    fresh = script.TRPO("Pendulum-v1", script.SHARPENING, seed=script.FILES["04_pendulum"][1])
    torch.testing.assert_close(
        script.pendulum_batch(fresh.policy, 1).observations,
        snapshots("04_pendulum")["fresh"].observations,
        rtol=1e-4,
        atol=1e-4,
    )
    script.UPDATES = 1
    (first,) = script.searched(script.FILES["05_updates"][1]).values()
    kept = snapshots("05_updates")["update 1"]
    torch.testing.assert_close(first.advantages, kept.advantages, rtol=1e-6, atol=1e-8)
    assert first.numbers["kl"] == pytest.approx(kept.numbers["kl"], rel=1e-6)
