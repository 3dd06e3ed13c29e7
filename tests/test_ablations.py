"""Each ablation differs from TRPO in what it says and in nothing else; each piece of the museum shows its symptom."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from environments import Probe, vectorize
from torch.distributions import kl_divergence
from torch.nn.utils import parameters_to_vector

from trpo_lib import (
    TRPO,
    FisherVectorProduct,
    conjugate_gradient,
    generalized_advantage_estimation,
    mean_kl,
    standardize,
)
from trpo_lib.agent.presets import find_preset
from trpo_lib.classroom import museum
from trpo_lib.classroom.ablations import (
    DampedLength,
    NoKLTest,
    NoLineSearch,
    TimeLimitIsDeath,
    ablations,
    without,
)
from trpo_lib.classroom.policy_gradient import PolicyGradient

SMALL = dataclasses.replace(museum.SMALL, rollout_steps=32, hidden_sizes=(8,), critic_epochs=2)
ENVIRONMENTS = ("CartPole-v1", "Pendulum-v1")


def pair(kind, env="CartPole-v1", **settings):
    """A complete agent and its ablation, from the same start."""
    config = dataclasses.replace(SMALL, **settings)
    return TRPO(env, config), kind(env, config)


def parameters(agent):
    return parameters_to_vector([*agent.policy.parameters(), *agent.critic.parameters()]).detach()


def natural_step(agent, batch):
    """The quadratic model's full step, and its direction, by the functions of the library."""
    config, gradient = agent.config, agent.surrogate_gradient(batch)
    fisher = FisherVectorProduct(agent.policy, batch.observations, config.damping)
    x = conjugate_gradient(
        fisher, gradient, max_iterations=config.cg_iterations, relative_tolerance=config.cg_tolerance
    ).x
    return (2 * config.max_kl / fisher.quadratic_form(x)) ** 0.5 * x, gradient, fisher


def moved(agent, rollout):
    """The report of an update, and by how much it moved the policy."""
    before = parameters_to_vector(agent.policy.parameters()).detach().clone()
    report = agent.update(rollout)
    return report, parameters_to_vector(agent.policy.parameters()).detach() - before


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_complete_agent_is_the_preset_and_settings_change_what_they_name(env):
    agents = {missing: without(missing, env, seed=3) for missing in ablations(env)}
    preset = agents["nothing"].config
    assert preset == dataclasses.replace(find_preset(env).config, num_envs=preset.num_envs)
    assert type(agents["nothing"]) is TRPO
    for missing, agent in agents.items():
        kind, settings, _ = ablations(env)[missing]
        changed = {name for name in preset.fields() if getattr(agent.config, name) != getattr(preset, name)}
        assert changed == set(settings), missing
        assert type(agent) is kind
        assert agent.seed == 3
        assert (kind is TRPO and not settings) == (missing == "nothing")
        assert torch.equal(parameters(agent), parameters(agents["nothing"])), "the same start"


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_settings_take_out_what_their_names_say(env):
    agents = {missing: without(missing, env) for missing in ablations(env)}
    preset = agents["nothing"].config
    assert agents["damping"].config.damping == 0 < preset.damping
    assert agents["most CG iterations"].config.cg_iterations < preset.cg_iterations
    assert not agents["rescaled step (α stays 0.8)"].config.rescale_step
    assert preset.rescale_step
    assert agents["rescaled step (α stays 0.8)"].config.line_search_shrink == 0.8
    assert not agents["observation scaling"].config.normalize_observations
    assert preset.normalize_observations
    critic = agents["critic epochs"].config
    assert critic.critic_epochs * critic.num_envs * critic.rollout_steps == critic.critic_minibatch, "one gradient step"


@pytest.mark.parametrize("env", ENVIRONMENTS)
@pytest.mark.parametrize(("missing", "natural"), [("region and direction", False), ("trust region (fixed rate)", True)])
def test_without_region_the_step_is_the_stored_rate_times_gradient_or_natural_direction(env, missing, natural):
    agent = without(missing, env)
    rate = ablations(env)[missing].arguments["learning_rate"]
    config = dataclasses.replace(SMALL, cg_iterations=200, cg_tolerance=1e-12, damping=0.1)
    agent = type(agent)(env, config, learning_rate=rate)
    rollout = agent.collect()
    batch = agent.prepare(rollout)
    gradient = agent.surrogate_gradient(batch)
    expected = rate * gradient
    if natural:
        product = FisherVectorProduct(agent.policy, batch.observations)
        dense = torch.stack([product(unit) for unit in torch.eye(len(gradient))])
        expected = rate * torch.linalg.solve(dense + 0.1 * torch.eye(len(gradient)), gradient)
    report, step = moved(agent, rollout)
    torch.testing.assert_close(step, expected, rtol=1e-6, atol=1e-9)
    assert (report.accepted, report.trials) == (True, 0), "nothing is searched"


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_without_natural_direction_the_step_is_a_multiple_of_the_gradient(env):
    agent = TRPO(env, dataclasses.replace(SMALL, **ablations(env)["natural direction"].settings))
    rollout = agent.collect()
    gradient = agent.surrogate_gradient(agent.prepare(rollout))
    report, step = moved(agent, rollout)
    assert torch.cosine_similarity(step, gradient, dim=0) == pytest.approx(1, abs=1e-9)
    assert report.kl_ratio > 0.5


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_without_line_search_the_full_step_is_taken_and_its_true_kl_reported(env):
    _, agent = pair(NoLineSearch, env, damping=1e-3)
    rollout = agent.collect()
    batch = agent.prepare(rollout)
    expected, _, _ = natural_step(agent, batch)
    report, step = moved(agent, rollout)
    torch.testing.assert_close(step, expected, rtol=1e-6, atol=1e-9)
    agent.policy.normalizer.load_state_dict(TRPO(env, agent.config).policy.normalizer.state_dict())
    kl = kl_divergence(batch.old, agent.policy.distribution(batch.observations)).mean().item()
    assert (report.accepted, report.fraction, report.trials) == (True, 1.0, 1)
    assert report.kl == pytest.approx(kl, rel=1e-6)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_without_kl_test_steps_that_gain_are_taken_however_far_they_go(env):
    complete, agent = pair(NoKLTest, env, damping=0.0, num_envs=4, rollout_steps=128)
    for _ in range(4):
        complete.update(complete.collect())
        agent.update(agent.collect())
    assert max(report.kl_ratio for report in complete.history) <= 1
    assert max(report.kl_ratio for report in agent.history) > 5
    assert all(report.surrogate_gain > 0 for report in agent.history if report.accepted)


def test_without_kl_test_a_step_that_gains_nothing_is_still_refused():
    agent = NoKLTest(vectorize(lambda: Probe(lambda *_: 1.0)), dataclasses.replace(SMALL, gamma=0.0))
    for parameter in agent.critic.parameters():
        torch.nn.init.zeros_(parameter)
    report, step = moved(agent, agent.collect())
    assert (report.accepted, report.kl, report.surrogate_gain) == (False, 0.0, 0.0)
    assert not step.any()


def test_without_bootstrap_a_time_limit_counts_as_termination():
    complete, agent = pair(TimeLimitIsDeath, "Pendulum-v1", rollout_steps=250)
    rollout = agent.collect()
    assert rollout.truncated.any()
    with torch.no_grad():
        values = agent.critic(rollout.observations), agent.critic(rollout.next_observations)
    ends = rollout.truncated, torch.zeros_like(rollout.truncated)
    expected = generalized_advantage_estimation(rollout.rewards, *values, *ends, SMALL.gamma, SMALL.lam)
    torch.testing.assert_close(agent.prepare(rollout).advantages, standardize(rollout.batch(expected)))
    assert not torch.allclose(complete.prepare(rollout).advantages, agent.prepare(rollout).advantages)


def test_damped_length_shortens_the_step_by_the_share_of_the_damping_and_turns_it_nowhere():
    complete, agent = pair(DampedLength, rescale_step=False, line_search_trials=20)
    rollout = complete.collect()
    step, _, fisher = natural_step(complete, complete.prepare(rollout))
    undamped = fisher.quadratic_form(step)
    damped = undamped + complete.config.damping * step.dot(step).item()
    (_, long), (report, short) = moved(complete, rollout), moved(agent, agent.collect())
    assert torch.cosine_similarity(long, short, dim=0) == pytest.approx(1, abs=1e-9)
    torch.testing.assert_close(short, report.fraction * (undamped / damped) ** 0.5 * step, rtol=1e-6, atol=1e-9)
    assert undamped < 0.95 * damped


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(TimeLimitIsDeath, {}), (DampedLength, {"damping": 0.0})],
    ids=["no time limit reached", "no damping"],
)
def test_where_there_is_nothing_to_leave_out_the_bits_are_the_same(kind, settings):
    complete, agent = pair(kind, **settings)
    for each in (complete, agent):
        for _ in range(3):
            each.update(each.collect())
    assert torch.equal(parameters(complete), parameters(agent))
    assert repr(complete.history) == repr(agent.history)


def test_part_is_called_where_the_librarys_was_and_nowhere_else():
    calls = []

    def counted(*args, **kwargs):
        calls.append(1)
        return conjugate_gradient(*args, **kwargs)

    Counted = museum.with_part(conjugate_gradient=counted)
    for kind in (TRPO, Counted, TRPO):
        agent = kind("CartPole-v1", SMALL)
        agent.update(agent.collect())
    assert calls == [1]
    assert issubclass(Counted, TRPO)


@pytest.mark.parametrize("name", ["congugate_gradient", "update"])
def test_what_is_no_part_of_the_update_is_refused(name):
    with pytest.raises(AttributeError, match=name):
        museum.with_part(mean_kl=mean_kl, **{name: None})


@pytest.mark.parametrize("part", ["standardize", "surrogate_objective", "FisherVectorProduct", "conjugate_gradient",
                                  "trust_region_step", "backtracking_line_search", "mean_kl"])  # fmt: skip
def test_every_part_is_used(part):
    broken = museum.with_part(**{part: lambda *_, **__: 1 / 0})("CartPole-v1", SMALL)
    with pytest.raises(ZeroDivisionError):
        broken.update(broken.collect())


def test_agent_with_a_part_of_the_library_is_the_agent_of_the_library():
    agents = TRPO("CartPole-v1", SMALL), museum.with_part(mean_kl=mean_kl)("CartPole-v1", SMALL)
    for agent in agents:
        agent.update(agent.collect())
    assert repr(agents[0].history) == repr(agents[1].history)
    broken = museum.with_part(surrogate_objective=lambda log_prob, *_: 0 * log_prob.sum())("CartPole-v1", SMALL)
    assert not broken.update(broken.collect()).accepted


def test_policy_gradient_says_nothing_of_a_solve_or_a_search_that_it_has_not():
    agent = PolicyGradient("CartPole-v1", SMALL, learning_rate=0.1)
    report = agent.update(agent.collect())
    assert (report.cg_iterations, report.cg_residuals, report.cg_stop_reason) == (0, (), "not used")
    assert (report.accepted, report.fraction, report.trials) == (True, 1.0, 0)
    assert report.predicted_gain == pytest.approx(0.1 * report.gradient_norm**2)


def test_kl_and_fisher_averaged_over_dimensions_are_a_region_and_a_damping_as_many_times_as_large():
    class Averaged(FisherVectorProduct):
        def __call__(self, v):
            return (super().__call__(v) - self.damping * v) / 6 + self.damping * v

        def quadratic_form(self, v):
            return super().quadratic_form(v) / 6

    def averaged(old, new):
        return kl_divergence(old.base_dist, new.base_dist).mean()

    broken = museum.with_part(mean_kl=averaged, FisherVectorProduct=Averaged)(museum.six_joints(), SMALL)
    wide = TRPO(museum.six_joints(), dataclasses.replace(SMALL, max_kl=6 * SMALL.max_kl, damping=6 * SMALL.damping))
    for agent in (broken, wide):
        museum.treat(agent, 2)
    torch.testing.assert_close(parameters(broken), parameters(wide), rtol=1e-6, atol=1e-8)
    assert broken.history[-1].kl_ratio == pytest.approx(wide.history[-1].kl_ratio, rel=1e-5)


def test_joints_move_by_a_third_of_the_action_and_pay_their_mean_square():
    env = museum.Joints(2)
    start, _ = env.reset(seed=0)
    for t in range(20):
        angles, reward, terminated, truncated, _ = env.step(np.array([0.3, -0.6]))
        assert (terminated, truncated) == (False, t == 19)
    np.testing.assert_allclose(angles - start, [2.0, -4.0], rtol=1e-5)
    assert reward == pytest.approx(-(angles.astype(float) ** 2).mean(), rel=1e-5)


def test_reports_are_printed_side_by_side_in_columns(capsys):
    report = museum.reports(TRPO, "CartPole-v1", SMALL)[0]
    first = dataclasses.replace(report, kl=0.0123456, accepted=True, cg_residuals=(1.0, 2.34e-5), step=121)
    second = dataclasses.replace(report, kl=1e-17, accepted=False, cg_residuals=(1.0, 0.5), step=1245)
    museum.show({"healthy": [first, second], "broken": [second]}, "kl", "accepted", "cg_residuals", "step")
    assert capsys.readouterr().out.splitlines() == [
        "               healthy      broken",
        "kl             0.012    0      0",
        "accepted         yes   no     no",
        "cg_residuals   2e-05  0.5    0.5",
        "step             121 1245   1245",
    ]


def test_comparison_runs_both_agents_from_the_same_start(capsys):
    echo = museum.with_part(mean_kl=mean_kl)
    one, two = museum.compare(echo, museum.six_joints, "kl_ratio", config=SMALL, updates=2)
    assert repr(one) == repr(two)
    assert len(one) == 2
    assert capsys.readouterr().out.splitlines()[0].split() == ["healthy", "broken"]


@pytest.fixture(scope="module")
def histories():
    torch.set_default_dtype(torch.float64)
    ward = {name: museum.treat(museum.patient(name), 8) for name in "ABC"}
    return ward | {"healthy": museum.reports(TRPO, museum.six_joints(8), museum.WARD, updates=8)}


def field(history, name):
    return np.array([getattr(report, name) for report in history])


def test_each_patient_shows_its_symptom_and_the_healthy_agent_none(histories):
    for name, history in histories.items():
        assert (field(history, "explained_variance")[3:].max() < 0.05) == (name == "A")
        twice = field(history, "initial_kl").reshape(-1, 2)
        assert (abs(twice[:, 0]) < 1e-9).all()
        assert (abs(twice[:, 1]) > 0.5 * museum.WARD.max_kl).all() == (name == "B")
        assert (abs(twice[:, 1]) < 1e-9).all() == (name != "B")
        returns = field(history, "mean_return")
        assert (np.nanmean(returns[-4:]) < returns[0] - 10) == (name == "C")


def test_no_patient_shows_what_speaks_for_another_bug(histories):
    """What the messages of the checks say, field by field."""
    for name, history in histories.items():
        assert field(history, "kl_ratio").max() <= 1
        assert field(history, "accepted").all()
        assert (abs(field(history, "fraction") - 1) < 0.3).all()
        assert max(report.cg_residuals[-1] for report in history) < 0.1
        assert field(history, "predicted_gain").min() > 0
        assert (np.diff(field(history, "step"), prepend=0) < 1024).all()
        if name != "A":
            assert field(history, "explained_variance").max() > 0.5
            assert history[-1].critic_loss < 0.2 * history[0].critic_loss
        if name in ("A", "B"):
            assert np.nanmean(field(history, "mean_return")[-2:]) > history[0].mean_return + 10


def test_every_diagnosis_is_a_name_that_readers_are_told_and_speaks_by_a_field_of_the_report():
    assert {museum.diagnosis(name) for name in "ABC"} < set(museum.BUGS)
    assert len({museum.diagnosis(name) for name in "ABC"}) == 3
    fields = {name for name, _ in museum.BUGS.values()}
    assert fields <= {field.name for field in dataclasses.fields(museum.UpdateReport)}


def test_every_test_that_the_notebook_names_exists():
    folder = Path(__file__).parent
    text = (folder.parent / "notebooks" / "09_when_trpo_goes_wrong.ipynb").read_text(encoding="utf8")
    named = re.findall(r"\[(test_\w+)\]\(\.\./tests/(test_\w+\.py)\)", text)
    assert len(named) >= 12
    for test, file in named:
        assert re.search(rf"^def {test}\(", (folder / file).read_text(encoding="utf8"), re.MULTILINE), test
