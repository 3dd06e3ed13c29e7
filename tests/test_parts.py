import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trpo_lib.networks.parts import Normalizer, mlp


def test_mlp_equals_the_same_matrices_in_numpy():
    network, x = mlp(3, (5, 4), 2, "tanh", 0.5), torch.randn(7, 3)
    weights = [parameter.detach().numpy() for parameter in network.parameters()]
    h = np.tanh(x.numpy() @ weights[0].T + weights[1])
    h = np.tanh(h @ weights[2].T + weights[3])
    np.testing.assert_allclose(network(x).detach().numpy(), h @ weights[4].T + weights[5], rtol=1e-12)


def test_weights_start_orthogonal_with_their_gain_and_biases_at_zero():
    layers = [layer for layer in mlp(6, (6, 6), 6, "tanh", 0.01) if isinstance(layer, nn.Linear)]
    for layer, gain in zip(layers, (2**0.5, 2**0.5, 0.01), strict=True):
        torch.testing.assert_close(layer.weight @ layer.weight.T, gain**2 * torch.eye(6))
        assert torch.equal(layer.bias, torch.zeros(6))


def test_no_hidden_layer_gives_a_linear_map():
    network, (a, b) = mlp(3, (), 2, "relu", 1.0), torch.randn(2, 3)
    torch.testing.assert_close(network(a + b), network(a) + network(b))


def test_relu_is_rectified():
    network = mlp(1, (4,), 1, "relu", 1.0)
    left, right = network(torch.tensor([[-1.0]])), network(torch.tensor([[-2.0]]))
    torch.testing.assert_close(right, 2 * left)  # linear on each side of zero


def test_unknown_activation_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"relu.*tanh.*'gelu'"):
        mlp(1, (), 1, "gelu", 1.0)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 10_000), st.floats(-100, 100))
def test_running_statistics_equal_those_of_all_data_at_once(sizes, seed, offset):
    batches = [offset + torch.randn(n, 3, generator=torch.Generator().manual_seed(seed + n)) for n in [2, *sizes]]
    normalizer = Normalizer(3)
    for batch in batches:
        normalizer.update(batch)
    everything = torch.cat(batches).numpy()
    np.testing.assert_allclose(normalizer.mean.numpy(), everything.mean(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(normalizer.std.numpy(), everything.std(0), rtol=1e-7)
    assert normalizer.count == len(everything)


def test_constant_first_batch_does_not_spoil_the_statistics():
    normalizer, batches = Normalizer(1), [torch.full((100, 1), 5.0), 5 + 1e-3 * torch.randn(300, 1)]
    for batch in batches:
        normalizer.update(batch)
    assert normalizer.std.item() == pytest.approx(torch.cat(batches).std(correction=0).item())


def test_result_has_mean_zero_and_standard_deviation_one():
    data, normalizer = 5 + 3 * torch.randn(500, 2), Normalizer(2)
    normalizer.update(data)
    torch.testing.assert_close(normalizer(data).mean(0), torch.zeros(2))
    torch.testing.assert_close(normalizer(data).std(0, correction=0), torch.ones(2))


def test_observations_pass_unchanged_before_the_first_update():
    x = 100 * torch.randn(5, 2)
    assert torch.equal(Normalizer(2)(x), x)


def test_applying_it_changes_nothing_in_it():
    normalizer = Normalizer(2)
    normalizer.update(torch.randn(10, 2))
    before = {name: value.clone() for name, value in normalizer.state_dict().items()}
    normalizer(1000 * torch.randn(10, 2))
    assert all(torch.equal(value, before[name]) for name, value in normalizer.state_dict().items())


def test_results_are_clipped_and_constant_features_stay_finite():
    normalizer = Normalizer(2, clip=4.0)
    normalizer.update(torch.tensor([[1.0, 7.0], [3.0, 7.0]]))
    torch.testing.assert_close(normalizer(torch.tensor([[1e9, 7.0]])), torch.tensor([[4.0, 0.0]]))
    assert torch.isfinite(normalizer(torch.tensor([[2.0, 7.1]]))).all()


@pytest.mark.parametrize("constant", [0.0, 7.0, 1e6 + 0.1])
def test_constant_feature_keeps_its_unit(constant):
    normalizer = Normalizer(1)
    for size in (3, 7, 10):  # at 1e6 + 0.1 the variance is not 0, but rounding
        normalizer.update(torch.full((size, 1), constant))
    torch.testing.assert_close(normalizer(torch.tensor([[constant], [constant + 0.5]])), torch.tensor([[0.0], [0.5]]))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_feature_with_mean_zero_has_its_own_scale(scale):
    normalizer = Normalizer(1)
    normalizer.update(scale * torch.tensor([[-3.0], [3.0]]))
    assert normalizer.std.item() == pytest.approx(3 * scale)


def test_statistics_are_saved_with_the_network_but_are_no_parameters():
    normalizer = Normalizer(2)
    assert {"mean", "std", "count"} <= set(normalizer.state_dict())
    assert not list(normalizer.parameters())


def test_float32_statistics_stay_exact_over_many_updates():
    torch.set_default_dtype(torch.float32)
    normalizer, data = Normalizer(1), 1000 + torch.randn(200, 100, 1, dtype=torch.float64)
    for batch in data.float():
        normalizer.update(batch)
    assert normalizer.mean.dtype == torch.float32
    assert normalizer.mean.item() == pytest.approx(data.mean().item(), rel=1e-6)
    assert normalizer.std.item() == pytest.approx(data.std(correction=0).item(), rel=1e-2)
