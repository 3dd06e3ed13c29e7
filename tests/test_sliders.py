"""The sliders of the notebooks: what they show is what `trpo_lib` computes, at every position, and fast."""

import base64
import io
import itertools
import statistics
import time
from dataclasses import replace
from types import SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from gymnasium import spaces
from PIL import Image
from torch.distributions import Categorical, Normal
from torch.nn.utils import parameters_to_vector

from trpo_lib import (
    CategoricalPolicy,
    FisherVectorProduct,
    TabularMDP,
    conjugate_gradient,
    generalized_advantage_estimation,
    mean_kl,
    surrogate_objective,
    trust_region_step,
)
from trpo_lib.classroom import sliders
from trpo_lib.classroom.sliders import _bias_variance, _damping, _gaussian_kl, _scene, _step_fraction, _trust_region

PROBABILITIES, ADVANTAGES = torch.tensor([0.6, 0.3, 0.1]), torch.tensor([-1.0, 1.0, 3.0])
BOWL, SIDE = torch.tensor([[3.25, 2.75], [2.75, 3.25]]), torch.tensor([0.0, 1.0])


def a_fisher():
    torch.manual_seed(0)
    policy = CategoricalPolicy(3, spaces.Discrete(3), hidden_sizes=(4,), output_gain=1.0)
    batches = torch.randn(64, 3), torch.randn(64, 3)
    size = sum(parameter.numel() for parameter in policy.parameters())
    here, elsewhere = (
        torch.stack([product(e) for e in torch.eye(size)])
        for product in (FisherVectorProduct(policy, batch) for batch in batches)
    )
    return here, here @ torch.randn(size), elsewhere


def a_step():
    torch.manual_seed(0)
    policy = CategoricalPolicy(3, spaces.Discrete(3), hidden_sizes=(4,), output_gain=1.0)
    observations = torch.randn(400, 3)
    actions = policy.distribution(observations).sample()
    batch = SimpleNamespace(observations=observations, actions=actions, advantages=torch.randn(400))
    log_prob = policy.distribution(observations).log_prob(actions)
    gradient = torch.autograd.grad((log_prob * batch.advantages).mean(), list(policy.parameters()))
    fisher = FisherVectorProduct(policy, observations)
    x = conjugate_gradient(fisher, parameters_to_vector(gradient), max_iterations=5).x
    return policy, batch, trust_region_step(x, fisher.quadratic_form(x), 0.05), 0.05


def a_dial(count=21):
    mdp = TabularMDP.random(6, 2, seed=0)
    pi = torch.full((6, 2), 0.5)
    lambdas = torch.linspace(0, 1, count)
    mean = mdp.advantages(pi)
    return mdp, pi, lambdas, [(mean * lam, torch.full((6, 2), 0.1 + lam)) for lam in lambdas], 10


ARGUMENTS = {
    "gaussian_kl": lambda: (0.5, 0.05),
    "trust_region": lambda: (PROBABILITIES, ADVANTAGES),
    "damping": lambda: (BOWL, SIDE, *a_fisher()),
    "step_fraction": a_step,
    "bias_variance": a_dial,
}
MODULES = {
    "gaussian_kl": _gaussian_kl,
    "trust_region": _trust_region,
    "damping": _damping,
    "step_fraction": _step_fraction,
    "bias_variance": _bias_variance,
}
every_slider = pytest.mark.parametrize("name", ARGUMENTS)


def scene_of(name):
    return getattr(MODULES[name], f"{name}_scene")(*ARGUMENTS[name]())


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def drawn(scene, value):
    """The two panels at one position."""
    _, axes = plt.subplots(1, 2)
    scene.frame(axes)
    scene.draw(axes, value)
    return axes


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


@every_slider
def test_every_position_is_drawn_differently_and_in_under_a_tenth_of_a_second(name):
    scene = scene_of(name)
    moving = _scene.Moving(scene)
    pictures, seconds = [], []
    for value in scene.values:
        begin = time.process_time()
        pictures.append(moving.png(value))
        seconds.append(time.process_time() - begin)
    assert len(set(pictures)) == len(pictures)
    assert statistics.median(seconds) < 0.1
    assert moving.png(scene.values[0]) == pictures[0], "a picture depends on the way to it"


@every_slider
def test_a_move_draws_what_a_fresh_figure_would_show(name):
    scene = scene_of(name)
    moving, fresh = _scene.Moving(scene), _scene.Moving(replace(scene, stills=scene.stills[2:] * 3))
    picture = moving.png(scene.stills[2])
    assert picture == fresh.png(scene.stills[2])
    for ax in fresh.axes:
        ax.set_title("")
    scene.draw(fresh.axes, scene.stills[2])
    fresh.canvas.draw()
    different = (np.abs(pixels(picture) - pixels(_scene.as_png(fresh.canvas))).max(-1) > 60).mean()
    assert different < 0.005, "what moves lies on top of the axes; nothing else may differ"


@every_slider
def test_stills_show_three_positions_of_the_slider(name):
    scene = scene_of(name)
    assert set(scene.stills) <= set(scene.values)
    figure = _scene.stills(scene)
    assert len(figure.axes) == 6
    assert len({ax.get_title() for ax in figure.axes[:3]}) == 3


@pytest.fixture
def shown(monkeypatch):
    """What is handed to the notebook, and the boxes of slider and picture in it."""
    outputs, boxes, box = [], [], ipywidgets.VBox
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    monkeypatch.setattr(ipywidgets, "VBox", lambda children: boxes.append(box(children)) or boxes[-1])
    return outputs, boxes


@every_slider
def test_one_output_holds_the_live_slider_and_the_still_picture(name, shown, capsys):
    getattr(sliders, name)(*ARGUMENTS[name]())
    ((output,), _) = shown
    assert set(output) == {"text/plain", "image/png", _scene.WIDGET_VIEW}
    assert base64.b64decode(output["image/png"]).startswith(b"\x89PNG")
    assert capsys.readouterr().out == ""
    assert not plt.get_fignums(), "a figure that is left open would be shown a second time"


def test_moving_the_slider_changes_the_picture(shown):
    sliders.gaussian_kl()
    slider, image = shown[1][0].children
    before = image.value
    slider.index = 0
    assert np.abs(pixels(image.value) - pixels(before)).max() > 100


def test_without_ipywidgets_a_sentence_says_so_and_the_still_picture_is_shown(monkeypatch, capsys):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_scene.importlib, "import_module", missing)
    sliders.gaussian_kl()
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "pip install ipywidgets" in printed
    assert len(plt.gcf().axes) == 6


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_gaussian_kl_is_that_of_mean_kl_and_the_ball_is_where_it_is_delta(sigma):
    bells, _ = drawn(_gaussian_kl.gaussian_kl_scene(0.5, 0.05), sigma)
    assert f"KL = {0.5**2 / (2 * sigma**2):.2g} nats" in bells.get_title()
    edge = torch.as_tensor(sigma * _gaussian_kl.unit_ball(0.05))
    mean, std = edge[1:-1].T
    for m, s in zip(mean, std, strict=True):
        kl = mean_kl(Normal(torch.zeros(1), torch.tensor([sigma])), Normal(m[None], s[None])).item()
        assert kl == pytest.approx(0.05, rel=0.02, abs=1e-4)


@pytest.mark.parametrize("max_kl", [0.001, 0.05, 0.3])
def test_both_steps_end_on_the_ellipse_and_the_true_kl_is_that_of_mean_kl(max_kl):
    region, curves = drawn(_trust_region.trust_region_scene(PROBABILITIES, ADVANTAGES), max_kl)
    fisher = torch.diag(PROBABILITIES[:2]) - torch.outer(PROBABILITIES[:2], PROBABILITIES[:2])
    line = next(line for line in region.lines if line.get_label() == "model = δ")
    ellipse = torch.as_tensor(np.array(line.get_data()))
    assert torch.allclose(((fisher @ ellipse) * ellipse).sum(0) / 2, torch.tensor(max_kl))
    steps = [torch.tensor(arrow.xy) for arrow in region.texts if hasattr(arrow, "xy")]
    logits = PROBABILITIES.log()
    for step in steps:
        assert step @ fisher @ step / 2 == pytest.approx(max_kl)
    new = Categorical(logits=(logits + torch.cat([steps[1], torch.zeros(1)]))[None])
    kl = mean_kl(Categorical(probs=PROBABILITIES[None]), new).item()
    assert f"true KL {kl / max_kl:.2f} δ" in region.get_title()
    gain = (new.probs[0] - PROBABILITIES) @ ADVANTAGES
    assert curves.lines[-1].get_ydata()[0] == pytest.approx(gain.item())


@pytest.mark.parametrize("c", [1e-4, 0.1, 10.0])
def test_damped_path_ends_at_the_damped_solution_and_gains_what_the_step_promises(c):
    straight, zigzag = _damping.paths(BOWL, SIDE, c)
    assert torch.allclose(straight[-1], torch.linalg.solve(BOWL + c * torch.eye(2), SIDE))
    heights = [x @ (BOWL + c * torch.eye(2)) @ x / 2 - SIDE @ x for x in zigzag]
    assert all(later <= sooner + 1e-12 for sooner, later in itertools.pairwise(heights))

    fisher, gradient, other = a_fisher()
    _, policy = drawn(_damping.damping_scene(BOWL, SIDE, fisher, gradient, other), c)

    def promise(x):
        return gradient @ x / (x @ fisher @ x).sqrt()

    def exact(damping):
        return torch.linalg.solve(fisher + damping * torch.eye(len(gradient)), gradient)

    least = promise(exact(_damping.DAMPINGS[0]))
    for k, share in zip(*policy.lines[0].get_data(), strict=True):
        x = conjugate_gradient(lambda v: fisher @ v + c * v, gradient, max_iterations=int(k)).x
        assert share == pytest.approx((promise(x) / least).item(), rel=1e-3)
    x = exact(c)
    ratio = (x @ other @ x / (x @ fisher @ x)).item()
    assert float(policy.get_title().split()[-2]) == pytest.approx(ratio, abs=0.05 if ratio < 10 else 0.5)


def test_a_large_kl_on_other_states_is_written_out_in_the_title():
    fisher, gradient, other = a_fisher()
    _, policy = drawn(_damping.damping_scene(BOWL, SIDE, fisher, gradient, 130 * fisher + 0 * other), 0.1)
    assert policy.get_title() == "KL on other states: 130 δ"


def test_step_fraction_measures_kl_and_gain_and_leaves_the_policy_alone():
    policy, batch, step, _ = a_step()
    before = parameters_to_vector(policy.parameters()).detach().clone()
    kls, gains, probabilities, predicted = _step_fraction.measure(policy, batch, step)
    assert torch.equal(parameters_to_vector(policy.parameters()), before)
    old = policy.distribution(batch.observations)
    torch.nn.utils.vector_to_parameters(before + 0.5 * step, policy.parameters())
    new = policy.distribution(batch.observations)
    log_probs = new.log_prob(batch.actions), old.log_prob(batch.actions)
    gain = surrogate_objective(*log_probs, batch.advantages) - batch.advantages.mean()
    at = _step_fraction.FRACTIONS.index(0.5)
    assert kls[at] == pytest.approx(mean_kl(old, new).item())
    assert gains[at] == pytest.approx(gain.item())
    np.testing.assert_allclose(probabilities[at], log_probs[0].exp().detach())
    assert kls[0] == pytest.approx(0, abs=1e-12)
    assert gains[1] / 0.05 == pytest.approx(predicted, rel=0.1), "near 0 the tangent is right"


def test_step_is_accepted_exactly_where_it_gains_inside_the_region():
    policy, batch, step, max_kl = a_step()
    kls, gains, _, _ = _step_fraction.measure(policy, batch, step)
    scene = _step_fraction.step_fraction_scene(policy, batch, step, max_kl)
    for t, kl, gain in list(zip(scene.values, kls, gains, strict=True))[1::6]:
        verdict = "accepted" if gain > 0 and kl <= max_kl else "refused"
        assert verdict in drawn(scene, t)[0].get_title()
        plt.close("all")


def test_bias_and_variance_are_those_of_the_librarys_estimates():
    mdp, pi = TabularMDP.random(3, 2, gamma=0.8, seed=0), torch.tensor([[0.5, 0.5], [0.3, 0.7], [0.8, 0.2]])
    states, actions, rewards = mdp.sample(pi, steps=40, num_chains=4000, seed=0)
    v, never = torch.zeros(41, 4000), torch.zeros(40, 4000, dtype=torch.bool)
    moments = []
    for lam in (0.0, 1.0):
        estimates = generalized_advantage_estimation(rewards, v[:-1], v[1:], never, never, mdp.gamma, lam)[0]
        chosen = [[estimates[(states[0] == s) & (actions[0] == a)] for a in range(2)] for s in range(3)]
        moments.append(tuple(torch.tensor([[f(x) for x in row] for row in chosen]) for f in (torch.mean, torch.var)))
    bias, variance = _bias_variance.squared_errors(mdp, pi, moments)
    assert bias[1] < 0.1 * bias[0], "λ = 1 has no bias, whatever the critic"
    assert variance[1] > variance[0]
    rooms, dial = drawn(_bias_variance.bias_variance_scene(mdp, pi, torch.tensor([0.0, 1.0]), moments, 10), 1.0)
    np.testing.assert_allclose(rooms.lines[1].get_ydata(), mdp.advantages(pi).diff()[:, 0])
    np.testing.assert_allclose(rooms.lines[-1].get_ydata(), moments[1][0].diff()[:, 0])
    assert dial.lines[-1].get_ydata()[0] == pytest.approx((bias[1] + variance[1] / 10).item())


def test_two_actions_are_needed_to_compare_two_actions():
    mdp = TabularMDP.random(3, 3)
    with pytest.raises(ValueError, match="two actions"):
        _bias_variance.bias_variance_scene(mdp, torch.full((3, 3), 1 / 3), torch.zeros(1), [], 10)
