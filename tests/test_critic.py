import copy

import numpy as np
import pytest
import torch

from trpo_lib import Critic, explained_variance, fit_critic


def fit(critic, observations, targets, *, epochs=1, minibatch_size=32, lr=1e-2, seed=0):
    optimizer = torch.optim.Adam(critic.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(seed)
    return fit_critic(
        critic, optimizer, observations, targets, epochs=epochs, minibatch_size=minibatch_size, generator=generator
    )


def test_values_have_one_number_for_each_observation():
    critic = Critic(3)
    assert critic(torch.randn(5, 3)).shape == (5,)
    assert critic(torch.randn(7, 5, 3)).shape == (7, 5)


@pytest.mark.parametrize(("offset", "scale"), [(0, 1), (1000, 50), (-3, 1e-3)])
def test_new_statistics_leave_the_value_function_as_it_is(offset, scale):
    critic, observations = Critic(3), torch.randn(20, 3)
    critic.rescale(torch.randn(40))
    for _ in range(3):
        before = critic(observations)
        critic.rescale(offset + scale * torch.randn(40))
        torch.testing.assert_close(critic(observations), before, rtol=1e-8, atol=1e-8)


def test_statistics_are_those_of_all_targets_seen():
    critic, targets = Critic(1), 7 + 3 * torch.randn(4, 25)
    for batch in targets:
        critic.rescale(batch)
    assert critic.returns.mean.item() == pytest.approx(targets.mean().item())
    assert critic.returns.std.item() == pytest.approx(targets.std(correction=0).item())


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_linear_critic_finds_the_least_squares_solution_at_any_scale(scale):
    critic, observations = Critic(3, hidden_sizes=()), torch.randn(200, 3)
    targets = scale * (observations @ torch.tensor([1.0, -2.0, 3.0]) + 5 + 0.5 * torch.randn(200))
    fit(critic, observations, targets, epochs=1500, minibatch_size=200)
    design = np.column_stack([observations.numpy(), np.ones(200)])
    solution, *_ = np.linalg.lstsq(design, targets.numpy())
    np.testing.assert_allclose(critic(observations).detach().numpy(), design @ solution, rtol=0, atol=1e-3 * scale)


def test_network_fits_a_nonlinear_function():
    critic, observations = Critic(1, hidden_sizes=(32,)), torch.linspace(-2, 2, 256)[:, None]
    targets = 100 + 20 * observations.squeeze(-1).sin()
    fit(critic, observations, targets, epochs=300)
    assert (critic(observations) - targets).abs().max() < 3
    assert explained_variance(critic(observations), targets) > 0.99


def test_loss_is_the_squared_error_in_units_of_the_returns_variance():
    critic, observations, targets = Critic(2), torch.randn(64, 2), 10 + 5 * torch.randn(64)
    critic.rescale(targets)
    values = critic(observations).detach()
    loss = fit(critic, observations, targets, minibatch_size=64)  # one step: the loss is that before it
    expected = ((values - targets) ** 2).mean() / targets.var(correction=0)
    assert loss == pytest.approx(expected.item(), rel=1e-9)


def test_every_transition_is_used_once_in_each_epoch_also_in_the_last_short_minibatch():
    critic, observations, targets = Critic(2), torch.randn(50, 2), torch.randn(50)
    seen = []
    critic.network.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    fit(critic, observations, targets, epochs=3, minibatch_size=16)
    assert [len(x) for x in seen] == [16, 16, 16, 2] * 3
    orders = []
    for epoch in range(3):
        rows = torch.cat(seen[4 * epoch : 4 * epoch + 4])
        order = (rows[:, None] == observations[None]).all(-1).nonzero()[:, 1].tolist()
        assert sorted(order) == list(range(50))
        orders.append(order)
    assert orders[0] != orders[1]  # shuffled anew


def test_fit_is_the_textbook_loop_over_minibatches_and_reports_the_last_epochs_mean_loss():
    critic, observations, targets = Critic(3), torch.randn(50, 3), torch.randn(50)
    textbook = copy.deepcopy(critic)
    loss = fit(critic, observations, targets, epochs=3, minibatch_size=16, seed=5)
    textbook.rescale(targets)
    optimizer = torch.optim.Adam(textbook.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(5)
    for _ in range(3):
        losses = []
        for rows in torch.randperm(50, generator=generator).split(16):
            optimizer.zero_grad()
            losses.append((((textbook(observations[rows]) - targets[rows]) / textbook.returns.std) ** 2).mean())
            losses[-1].backward()
            optimizer.step()
    assert loss == pytest.approx(sum(losses).item() / 4, rel=1e-9)
    for ours, theirs in zip(critic.parameters(), textbook.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_no_epochs_leave_the_value_function_as_it_is():
    critic, observations = Critic(2), torch.randn(10, 2)
    critic.rescale(torch.randn(10))
    before = critic(observations)
    assert fit(critic, observations, 5 + torch.randn(10), epochs=0) == 0.0
    torch.testing.assert_close(critic(observations), before)


def test_same_seed_gives_the_same_critic():
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(7)
        critic, observations, targets = Critic(2), torch.randn(40, 2), torch.randn(40)
        fit(critic, observations, targets, epochs=2, minibatch_size=8, seed=seed)
        weights.append(critic.network[0].weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_critic_learns_returns_that_are_all_equal():
    critic, observations = Critic(2), torch.randn(256, 2)
    fit(critic, observations, torch.full((256,), 3.0), epochs=100, lr=1e-3)
    torch.testing.assert_close(critic(observations), torch.full((256,), 3.0), rtol=0, atol=0.1)


def test_explained_variance_is_one_for_the_truth_zero_for_a_constant_and_negative_for_worse():
    targets, noise = torch.randn(2, 1000)
    assert explained_variance(targets, targets) == 1
    assert explained_variance(torch.full((1000,), 3.0), targets) == pytest.approx(0, abs=1e-12)
    assert explained_variance(-targets, targets) == pytest.approx(-3)
    assert explained_variance(targets + 100, targets) == pytest.approx(1)
    expected = 1 - np.var((targets - noise).numpy()) / np.var(targets.numpy())
    assert explained_variance(noise, targets) == pytest.approx(expected)
    assert explained_variance(noise, torch.ones(1000)) == 0


def test_targets_that_would_broadcast_or_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"agree in B.*\(4, 2\).*\(4, 1\)"):
        fit(Critic(2), torch.zeros(4, 2), torch.zeros(4, 1))
    with pytest.raises(ValueError, match="agree in B"):
        fit(Critic(2), torch.zeros(4, 2), torch.zeros(3))
    with pytest.raises(ValueError, match=r"agree in B.*\(4, 3, 2\).*\(4,\)"):
        fit(Critic(2), torch.zeros(4, 3, 2), torch.zeros(4))
    with pytest.raises(ValueError, match="targets must be finite"):
        fit(Critic(2), torch.zeros(2, 2), torch.tensor([1.0, float("nan")]))
    with pytest.raises(ValueError, match="broadcasting"):
        explained_variance(torch.zeros(3), torch.zeros(3, 1))


def test_first_targets_set_the_scale_of_a_new_critic():
    critic, targets = Critic(3), 1000 + 50 * torch.randn(100)
    critic.rescale(targets)
    values = critic(torch.randn(20, 3))
    assert (values - targets.mean()).abs().max() < 0.1 * targets.std()  # 1000 at once, and almost constant


def test_empty_batches_are_refused():
    with pytest.raises(ValueError, match="targets must hold at least one number"):
        fit(Critic(2), torch.zeros(0, 2), torch.zeros(0))
    with pytest.raises(ValueError, match="values must hold at least one number"):
        explained_variance(torch.zeros(0), torch.zeros(0))


def test_hidden_layer_without_units_is_refused():
    with pytest.raises(ValueError, match="hidden_sizes must"):
        Critic(2, hidden_sizes=(8, 0))
