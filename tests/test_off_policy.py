"""Past rollouts: put end to end, trusted as V-trace says, remembered and forgotten; and the critic first."""

import pytest
import torch
from environments import Counting, vectorize
from gymnasium.vector import AutoresetMode
from test_trpo_step import advantages_and_values, one_after_the_other, ratio_to_the_policy_that_acted

from trpo_lib import TRPO, collect_rollout, make_policy, start
from trpo_lib.extensions.critic_first import CriticFirstTRPO
from trpo_lib.extensions.off_policy import OffPolicyTRPO
from trpo_lib.extensions.past_experience import end_to_end
from trpo_lib.extensions.settings import OffPolicyConfig

SMALL = {"num_envs": 2, "rollout_steps": 32, "hidden_sizes": (8,), "critic_epochs": 2, "critic_minibatch": 16}
MODES = list(AutoresetMode)


@pytest.fixture
def policy():
    return make_policy(Counting.observation_space, Counting.action_space, hidden_sizes=(4,))


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("parts", [(23,), (5, 1, 1, 16), (1,) * 23], ids=["whole", "parts", "steps"])
def test_rollouts_end_to_end_are_one_long_rollout(mode, parts, policy):
    long, *others = (vectorize(lambda: Counting(0), lambda: Counting(2), mode=mode) for _ in range(2))
    at = {"generator": torch.Generator().manual_seed(0)}
    expected = collect_rollout(long, policy, 23, start(long, 0), **at)
    (envs,), cursor = others, start(others[0], 0)
    at = {"generator": torch.Generator().manual_seed(0)}
    rollouts = [collect_rollout(envs, policy, steps, cursor, **at) for steps in parts]
    together = end_to_end(rollouts)
    for name in ("observations", "next_observations", "actions", "outputs", "rewards", "terminated", "valid"):
        assert torch.equal(getattr(together, name), getattr(expected, name)), name
    assert torch.equal(together.terminated | together.truncated, expected.terminated | expected.truncated)
    assert together.episodes == rollouts[-1].episodes


def test_an_episode_that_does_not_go_on_counts_as_truncated(policy):
    envs = vectorize(lambda: Counting(0), lambda: Counting(2), mode=AutoresetMode.NEXT_STEP)
    first = collect_rollout(envs, policy, 2, start(envs, 0))
    assert not (first.terminated | first.truncated)[-1].any(), "or the test is no test"
    second = collect_rollout(envs, policy, 3, start(envs, 0))
    assert end_to_end([first, second]).truncated[1].all()
    assert not first.truncated.any(), "the parts stay what they were"


def test_rollouts_of_different_environments_have_no_common_end(policy):
    one, two = vectorize(lambda: Counting(0)), vectorize(lambda: Counting(0), lambda: Counting(2))
    rollouts = [collect_rollout(envs, policy, 4, start(envs, 0)) for envs in (one, two)]
    with pytest.raises(ValueError, match=r"^rollouts must have one number of environments, got \[1, 2\]"):
        end_to_end(rollouts)


def test_past_rollouts_give_the_critic_the_targets_of_vtrace(make_agent):
    agent = make_agent("CartPole-v1", past_rollouts=1, normalize_observations=False)
    earlier = agent.collect()
    agent.update(earlier)
    for parameter in agent.policy.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    later = agent.collect()
    batch = agent.prepare(later)
    long = one_after_the_other([earlier, later])
    trust = ratio_to_the_policy_that_acted(agent.policy, long).clamp(max=1)
    assert 0 < (trust < 1).double().mean() < 1, "or the test is no test"
    advantages, values = advantages_and_values(agent.critic, long, trust)
    torch.testing.assert_close(batch.returns, values + long.batch(trust) * advantages)
    assert not torch.allclose(batch.returns[~batch.fresh], (values + advantages)[~batch.fresh])


def test_no_more_past_rollouts_than_asked_for_and_the_newest_first(make_agent):
    agent, rollouts = make_agent(past_rollouts=2), []
    for _ in range(4):
        rollouts.insert(0, agent.collect())
        agent.update(rollouts[0])
    assert [id(rollout) for rollout in agent.past] == [id(rollout) for rollout in rollouts[:2]]


def updated(agent, number=3):
    for _ in range(number):
        agent.update(agent.collect())
    return agent


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_without_past_rollouts_it_is_trpo_to_the_last_bit(env, everything):
    off = updated(OffPolicyTRPO(env, OffPolicyConfig(**SMALL, past_rollouts=0)))
    on = updated(TRPO(env, TRPO.Config(**SMALL)))
    assert everything(off) == everything(on)
    first = updated(CriticFirstTRPO(env, CriticFirstTRPO.Config(**SMALL)))
    assert everything(first) != everything(on)
    both = updated(OffPolicyTRPO(env, OffPolicyConfig(**SMALL, past_rollouts=0, critic_first=True)))
    assert everything(both) == everything(first)


def test_plain_settings_become_those_of_the_extension_and_its_settings_are_refused_by_trpo():
    agent = OffPolicyTRPO("CartPole-v1", TRPO.Config(**SMALL))
    assert agent.config == OffPolicyConfig(**SMALL)
    with pytest.raises(ValueError, match="those of TRPOConfig, got past_rollouts=1 besides"):
        TRPO("CartPole-v1", OffPolicyConfig(**SMALL))


@pytest.mark.parametrize("settings", [{}, {"past_rollouts": 1}, {"past_rollouts": 1, "critic_first": True}])
def test_a_stale_rollout_is_warned_of_where_update_was_called(settings, make_agent):
    agent = make_agent(max_kl=0.1, **settings)
    rollout = agent.collect()
    agent.update(rollout)
    with pytest.warns(UserWarning, match="another policy") as warned:
        agent.update(rollout)
    assert warned[0].filename == __file__


def test_steps_normaliser_and_explained_variance_are_those_of_the_new_rollout(make_agent):
    agent = updated(make_agent(past_rollouts=2), 2)
    before, rollout = agent.step, agent.collect()
    batch = agent.prepare(rollout)
    report = agent.update(rollout)
    new = int(rollout.valid.sum())
    assert len(batch.observations) > new == report.step - before
    assert agent.policy.normalizer.count == report.step
    targets, values = batch.returns[-new:], batch.values[-new:]
    expected = 1 - (targets - values).var(correction=0) / targets.var(correction=0)
    assert report.explained_variance == pytest.approx(expected.item())
