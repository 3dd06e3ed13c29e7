"""Late arrivals of the museum: each mistake shows the symptom that notebook 09 tells of, and the library does not."""

import dataclasses

import pytest
import torch
from torch.distributions import Independent, Normal
from torch.nn.utils import parameters_to_vector

from trpo_lib import TRPO, gae, mean_kl
from trpo_lib.classroom import museum

SMALL = dataclasses.replace(museum.SMALL, rollout_steps=32, hidden_sizes=(8,), critic_epochs=2)


def gaussian(scale, shift=0.0):
    return Independent(Normal(torch.full((5, 2), shift), torch.full((5, 2), scale)), 1)


def swapped_kl(old, new):
    p, q = old.base_dist, new.base_dist
    quadratic = (p.scale / q.scale).square() + ((p.loc - q.loc) / q.scale).square()
    return (torch.log(p.scale / q.scale) + quadratic / 2 - 0.5).sum(-1).mean()


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0, 100.0])
def test_swapping_the_widths_of_a_kl_changes_its_slope_alone_and_makes_it_negative_where_sigma_grows(factor):
    old, new = gaussian(0.7), gaussian(0.7 * factor, 0.1)
    by_hand = 2 * (torch.tensor(factor).log() + (1 + (0.1 / 0.7) ** 2) / (2 * factor**2) - 0.5)
    assert mean_kl(old, new).item() == pytest.approx(by_hand.item(), rel=1e-5)
    gap = mean_kl(old, new) - swapped_kl(old, new)
    assert gap.item() == pytest.approx(4 * torch.tensor(factor).log().item(), rel=1e-5), "linear in log σ"
    assert (swapped_kl(old, gaussian(0.7 * factor)) < 0) == (factor > 1)


def test_swapped_widths_let_sigma_grow_and_hold_it_back_from_shrinking():
    broken = museum.with_part(mean_kl=swapped_kl)
    history = museum.reports(broken, museum.six_joints(8), SMALL, updates=6)
    widening = [report for report in history if report.kl_ratio < 0]
    narrowing = [report for report in history if report.kl_ratio > 0]
    assert widening or all(report.fraction < 0.9 for report in narrowing)
    assert all(report.fraction >= 1 for report in widening), "whatever widens is taken whole"


class RunsOn(TRPO):
    def prepare(self, rollout):
        batch = super().prepare(rollout)
        with torch.no_grad():
            values = self.critic(rollout.observations), self.critic(rollout.next_observations)
        surprise = gae.td_errors(rollout.rewards, *values, rollout.terminated, self.config.gamma)
        decay = torch.full_like(surprise, self.config.gamma * self.config.lam)
        return dataclasses.replace(batch, advantages=rollout.batch(gae.discounted_sum(surprise, decay)))


def test_advantages_that_run_on_hear_of_the_next_episode_and_the_librarys_do_not():
    for kind in (TRPO, RunsOn):
        agent = kind("CartPole-v1", SMALL)
        agent.standardize = lambda advantages: advantages
        rollout = agent.collect()
        ends = rollout.terminated.nonzero()
        time, env = next(end for end in ends.tolist() if end[0] < len(rollout.rewards) - 3)
        rewards = rollout.rewards.clone()
        rewards[time + 2 :, env] += 10.0  # the reset comes first, on a row of its own
        before, after = (
            torch.zeros_like(rollout.rewards).masked_scatter(rollout.valid, agent.prepare(each).advantages)
            for each in (rollout, dataclasses.replace(rollout, rewards=rewards))
        )
        unchanged = torch.equal(before[: time + 1, env], after[: time + 1, env])
        assert unchanged == (kind is TRPO)


def test_ranks_with_statistics_of_their_own_share_weights_and_not_a_policy():
    one, two = (TRPO("CartPole-v1", SMALL) for _ in range(2))
    states = torch.randn(64, 4)
    weights = [parameters_to_vector(rank.policy.parameters()) for rank in (one, two)]
    assert mean_kl(one.policy.distribution(states), two.policy.distribution(states)) == 0
    two.policy.normalizer.update(3 + states)
    assert torch.equal(*weights)
    assert mean_kl(one.policy.distribution(states), two.policy.distribution(states)) > 1e-6
    one.policy.normalizer.update(3 + states)
    assert mean_kl(one.policy.distribution(states), two.policy.distribution(states)) == 0, "gathered: one policy"


def test_an_update_leaves_no_grad_to_average():
    agent = TRPO("CartPole-v1", SMALL)
    assert agent.update(agent.collect()).gradient_norm > 0
    assert all(parameter.grad is None for parameter in agent.policy.parameters())
