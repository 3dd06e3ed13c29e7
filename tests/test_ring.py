"""The exact moments of notebook 06 against sums that do not use them."""

import itertools

import pytest
import torch

from trpo_lib.classroom import ring


def by_enumeration(values, lam, steps):
    """Mean and second moment of Σ_{l < steps} (γλ)^l δ_{t+l} over every path of so many steps, path by path."""
    mean, second = (torch.zeros(ring.ROOMS, 2, dtype=torch.float64) for _ in range(2))
    for room, turns in itertools.product(range(ring.ROOMS), itertools.product(range(2), range(2), repeat=steps)):
        here, chance, estimate = room, 1.0, 0.0
        for step, (action, slips) in enumerate(zip(turns[::2], turns[1::2], strict=True)):
            there = (here + (1 if action != slips else -1)) % ring.ROOMS
            chance *= (ring.SLIP if slips else 1 - ring.SLIP) * (1.0 if step == 0 else ring.PI[here, action].item())
            reward = float(here == 0)
            estimate += (ring.GAMMA * lam) ** step * (reward + ring.GAMMA * values[there] - values[here]).item()
            here = there
        mean[room, turns[0]] += chance * estimate
        second[room, turns[0]] += chance * estimate**2
    return mean, second - mean**2


@pytest.mark.parametrize(("lam", "steps"), [(0.0, 1), (0.01, 3)])
def test_moments_are_those_of_all_paths(lam, steps):
    """Three steps are enough at λ = 0.01: what a fourth would add is below a millionth."""
    values = ring.wings(3)
    for exact, enumerated in zip(ring.moments(values, lam), by_enumeration(values, lam, steps), strict=True):
        torch.testing.assert_close(exact, enumerated, rtol=1e-4, atol=3e-6)


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_an_exact_critic_has_no_bias_at_any_lambda(lam):
    torch.testing.assert_close(ring.moments(ring.VALUES, lam)[0], ring.ADVANTAGES)


def test_harm_is_zero_for_what_depends_on_the_room_alone_and_nothing_else():
    bias = torch.arange(12.0, dtype=torch.float64)[:, None].expand(-1, 2)
    assert ring.harm(bias) < 1e-12
    assert ring.harm(bias * torch.tensor([1.0, 2.0])) > 0.1


def test_a_critic_that_sees_single_rooms_is_exact_and_one_wing_knows_nothing():
    torch.testing.assert_close(ring.wings(1), ring.VALUES)
    assert ring.wings(12).std() < 1e-12


def test_right_is_the_better_action_on_the_left_of_the_room_that_pays():
    better = ring.ADVANTAGES.argmax(1)
    assert better[8:].tolist() == [ring.RIGHT] * 4
    assert better[1:5].tolist() == [ring.LEFT] * 4


def test_with_the_exact_critic_only_slips_have_the_wrong_sign_and_a_constant_critic_sees_room_0_alone():
    assert abs(ring.right_signs(ring.VALUES) - (1 - ring.SLIP)) < 1e-12
    constant = torch.full((ring.ROOMS,), 2.0, dtype=torch.float64)
    expected = -2.0 * (1 - ring.GAMMA) + torch.eye(ring.ROOMS, dtype=torch.float64)[0]
    torch.testing.assert_close(ring.mean_td_errors(constant), expected)
