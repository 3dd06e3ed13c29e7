import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from trpo_lib import Episode
from trpo_lib.classroom import plotting

COLOURS = (
    plotting.BLUE, plotting.ORANGE, plotting.GREEN, plotting.VERMILLION, plotting.PURPLE, plotting.SKY, plotting.GREY
)  # fmt: skip


@pytest.fixture
def ax():
    _, ax = plt.subplots()
    yield ax
    plt.close("all")


def windowed_means(values, window):
    half = window // 2
    return [np.mean(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]


@given(st.lists(st.floats(-1e3, 1e3), min_size=9, max_size=40), st.sampled_from([1, 3, 9]))
def test_moving_average_is_the_mean_over_a_centred_window(values, window):
    np.testing.assert_allclose(
        plotting.moving_average(values, window), windowed_means(values, window), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("count", [1, 3, 8])
def test_moving_average_is_as_long_as_its_values_even_when_they_are_few(count):
    values = np.arange(count) ** 2.0
    np.testing.assert_allclose(plotting.moving_average(values, 9), windowed_means(values, 9))


def test_learning_curve_draws_returns_and_their_average_over_steps(ax):
    episodes = [Episode(10 * i, float(i % 3), 5) for i in range(1, 21)]
    plotting.learning_curve(ax, episodes, label="agent", color=plotting.BLUE, window=3)
    raw, smooth = ax.lines
    np.testing.assert_array_equal(raw.get_xdata(), [episode.step for episode in episodes])
    np.testing.assert_array_equal(raw.get_ydata(), [episode.episode_return for episode in episodes])
    np.testing.assert_allclose(smooth.get_ydata(), windowed_means(raw.get_ydata(), 3))
    assert raw.get_alpha() < 1
    assert smooth.get_label() == "agent"
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_seeds_curve_draws_median_and_range(ax):
    curves = np.random.default_rng(0).normal(size=(5, 4))
    plotting.seeds_curve(ax, [0, 1, 2, 3], curves, label="five seeds", color=plotting.BLUE)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.sort(curves, axis=0)[2])
    corners = ax.collections[0].get_paths()[0].vertices
    for step in range(4):
        here = corners[corners[:, 0] == step, 1]
        assert (here.min(), here.max()) == pytest.approx((curves[:, step].min(), curves[:, step].max()))


def test_returns_on_a_grid_are_means_between_its_points_and_carry_the_last_one_over_gaps():
    episodes = [
        Episode(5, 1.0, 1),
        Episode(10, 3.0, 1),
        Episode(11, 10.0, 1),
        Episode(40, 7.0, 1),
        Episode(99, -1.0, 1),
    ]
    np.testing.assert_allclose(plotting.returns_on_grid(episodes, [0, 10, 20, 30, 40]), [2, 10, 10, 7])


def luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # WCAG 2.2
    return linear @ [0.2126, 0.7152, 0.0722]


def test_every_colour_has_a_contrast_of_three_to_one_on_white():
    rgb = np.array([to_rgb(colour) for colour in COLOURS])
    assert (1.05 / (luminance(rgb) + 0.05)).min() >= 3


def test_colours_are_told_apart_in_grey_or_by_hue():
    rgb = np.array([to_rgb(colour) for colour in COLOURS])
    distances = np.linalg.norm(rgb[:, None] - rgb[None], axis=-1)[np.triu_indices(len(COLOURS), 1)]
    assert distances.min() > 0.2


def test_style_holds_for_new_figures():
    with plt.rc_context():
        plotting.use_style()
        _, ax = plt.subplots()
        assert to_rgb(ax.plot([0, 1])[0].get_color()) == to_rgb(plotting.BLUE)
        assert not ax.spines["top"].get_visible()
        plt.close("all")


def test_filmstrip_shows_frames_and_returns_the_episodes_return(make_agent):
    agent = make_agent("CartPole-v1")
    with plt.rc_context({"figure.max_open_warning": 0}):
        total = plotting.filmstrip(agent, frames=3, every=4, seed=2, title="a pole")
        figure = plt.gcf()
    assert 1 <= len(figure.axes) <= 3
    assert [ax.get_title() for ax in figure.axes] == ["step 0", "step 4", "step 8"][: len(figure.axes)]
    assert all(ax.images[0].get_array().std() > 0 for ax in figure.axes)
    assert total == plotting.filmstrip(agent, frames=1, seed=2) >= 8
    plt.close("all")


def test_filmstrip_works_for_flattened_observations(make_agent):
    plotting.filmstrip(make_agent("FrozenLake-v1"), frames=2)
    plt.close("all")
