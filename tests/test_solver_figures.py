"""The figures of notebook 04 show what they are given, and its stored tables are read as numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from trpo_lib.classroom import solver_figures


@pytest.fixture(autouse=True)
def _close_figures(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def test_columns_are_numbers_and_words_count_in_alphabetical_order(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("seed,policy,share\n0,sharpened,0.5\n1,fresh,1e-3\n", encoding="utf8")
    monkeypatch.setattr(solver_figures, "stored", lambda name: tmp_path / name)
    table = solver_figures.columns("table.csv")
    assert {key: column.tolist() for key, column in table.items()} == {
        "seed": [0, 1],
        "policy": [1, 0],
        "share": [0.5, pytest.approx(0.001)],
    }


def test_residuals_are_relative_to_the_first():
    solver_figures.residuals({"a": [4.0, 2.0, 1.0], "b": [10.0, 1.0]}, tolerance=1e-3)
    first, second, tolerance = plt.gca().lines
    np.testing.assert_allclose(first.get_ydata(), [1, 0.5, 0.25])
    np.testing.assert_allclose(second.get_ydata(), [1, 0.1])
    assert first.get_linestyle() != second.get_linestyle()
    assert set(tolerance.get_ydata()) == {1e-3}


def test_polynomials_are_drawn_over_their_own_eigenvalues():
    spectra = {name: torch.tensor([1.0, top]) for name, top in (("a, b", 2.0), ("c, d", 5.0), ("e, f", 9.0))}
    solver_figures.polynomials(spectra, lambda eigenvalues, points, k: k * eigenvalues.max() - points)
    for ax, top in zip(plt.gcf().axes, (2, 5, 9), strict=True):
        low, high, ticks = ax.lines
        np.testing.assert_allclose(high.get_ydata() - low.get_ydata(), 3 * top, rtol=1e-4)
        assert ticks.get_xdata().tolist() == [1, top]


def test_bands_reach_from_the_lowest_to_the_highest_policy():
    kl = {128: torch.tensor([[1.0, 4.0], [3.0, 2.0], [9.0, 8.0]]), 1024: torch.ones(3, 2)}
    solver_figures.other_states(torch.tensor([0.1, 1.0]), kl)
    np.testing.assert_allclose(plt.gca().lines[0].get_ydata(), [3, 4])
    corners = plt.gca().collections[0].get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (1, 9)


def test_worlds_spectra_and_gains_keep_their_numbers():
    apart = {"without": torch.tensor([1e-3, 1e-2]), "with": torch.tensor([1e-15, 1e-14])}
    training = {"without": torch.tensor([0.1]), "with": torch.tensor([1e-14])}
    solver_figures.two_worlds(apart, training)
    left, right = plt.gcf().axes
    np.testing.assert_allclose([line.get_ydata()[0] for line in left.lines], [1e-3, 1e-15], rtol=1e-5)
    np.testing.assert_allclose([line.get_ydata()[0] for line in right.lines], [0.1, 1e-14], rtol=1e-5)
    eigenvalues = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 7.0])
    solver_figures.spectrum_and_damping(eigenvalues, *(torch.tensor([0.2, 0.4]),) * 3)
    np.testing.assert_allclose(plt.gcf().axes[0].lines[1].get_ydata(), [7, 3])
    plt.figure()
    solver_figures.gains({("fresh", 0.1): torch.tensor([0.5, 1.0]), ("sharpened", 0.1): torch.tensor([0.1, 0.2])})
    fresh, sharpened, _ = plt.gca().lines
    assert fresh.get_color() != sharpened.get_color()
    np.testing.assert_allclose(sharpened.get_ydata(), [0.1, 0.2])
