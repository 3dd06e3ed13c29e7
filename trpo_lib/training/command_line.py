"""Train into a folder, go on, evaluate: what python -m trpo_lib does."""

import argparse
import io
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Sequence

import gymnasium as gym

from trpo_lib import _validate
from trpo_lib.agent.report import UpdateReport
from trpo_lib.experience.environments import remake_envs
from trpo_lib.extensions.presets import find_preset
from trpo_lib.training.run_folder import RunFolder, parse_setting
from trpo_lib.training.train import make_agent
from trpo_lib.trpo import TRPO

USERS_MISTAKES = (ValueError, TypeError, OSError, RuntimeError, gym.error.Error, gym.error.DependencyNotInstalled)
INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C


def train(arguments: argparse.Namespace) -> int:
    """Train a new agent into a run folder."""
    steps = find_preset(arguments.env).total_steps if arguments.steps is None else arguments.steps
    _validate.count("--steps", steps)
    folder = RunFolder(arguments.out)
    agent = make_agent(arguments.env, seed=arguments.seed, **dict(map(parse_setting, arguments.set)))
    folder.create(agent, arguments.env)
    return _learn(agent, folder, steps, arguments.quiet)


def resume(arguments: argparse.Namespace) -> int:
    """Go on with a run until it has seen so many steps in all."""
    folder = RunFolder(arguments.folder)
    agent = folder.load()
    folder.open(agent)
    if agent.step >= arguments.steps:
        raise ValueError(f"--steps must be above the {agent.step} that {folder.path} has seen, got {arguments.steps}.")
    return _learn(agent, folder, arguments.steps, arguments.quiet)


def evaluate(arguments: argparse.Namespace) -> int:
    """Print the returns of fresh episodes with the most likely actions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # fresh episodes are what an evaluation is about
        agent = RunFolder(arguments.folder).load()
    returns = agent.evaluate(arguments.episodes, seed=arguments.seed)
    spread = f"±{returns.std():.1f}, from {returns.min():.1f} to {returns.max():.1f}"
    print(f"return {returns.mean():.1f} {spread} in {len(returns)} episodes, after {agent.step} steps of training")
    if arguments.gif:
        film(agent, arguments.gif, seed=arguments.seed)
    return 0


def film(agent: TRPO, path: str | os.PathLike, *, seed: int = 0, longest: int = 1000) -> None:
    """One episode as a GIF, every second step a picture.

    Raises:
        ValueError: the environment draws no pictures.
    """
    from PIL import Image  # comes with matplotlib

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window is needed
    envs = remake_envs(agent.envs, 1, render_mode="rgb_array")
    pictures = []
    for step, (_, (running,)) in enumerate(itertools.islice(agent.play(envs, seed=seed), longest)):
        if running and step % 2 == 0:
            pictures.append(Image.fromarray(envs.render()[0]).quantize(64))
    envs.close()
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, loop=0, format="GIF")


def _learn(agent: TRPO, folder: RunFolder, goal: int, quiet: bool) -> int:
    """Train until `goal` steps in all; every update is noted, and a checkpoint written, before the next begins."""
    on_a_terminal = sys.stderr.isatty()
    say = _silent if quiet or on_a_terminal else _print_line

    def note(report: UpdateReport) -> None:
        folder.note(agent, report)
        say(report, goal)

    agent.learn(goal - agent.step, progress=on_a_terminal and not quiet, after_update=note)
    folder.draw(agent)
    if agent.step < goal:
        print(f"Go on with: python -m trpo_lib resume {folder.path} --steps {goal}", file=sys.stderr)
        return INTERRUPTED
    if not quiet:
        print(f"{agent.step} steps, {len(agent.episodes)} episodes; everything is in {folder.path}")
    return 0


def _print_line(report: UpdateReport, goal: int) -> None:
    numbers = f"return {report.mean_return:.1f}, kl {report.kl:.4f}, entropy {report.entropy:.2f}"
    print(f"step {report.step} of {goal}: {numbers}, explained variance {report.explained_variance:.2f}", flush=True)


def _silent(report: UpdateReport, goal: int) -> None:
    pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trpo_lib", description="Trust region policy optimization.")
    commands = parser.add_subparsers(required=True, metavar="train | resume | evaluate")

    def command(function: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = commands.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        added.set_defaults(function=function)
        return added

    new = command(train)
    new.add_argument("env", help="id of a gymnasium environment, CartPole-v1 for example")
    new.add_argument("--steps", type=int, help="transitions over all environments; the preset's number if left out")
    new.add_argument("--seed", type=int, default=0)
    new.add_argument("--out", required=True, metavar="FOLDER", help="a folder for the run")
    new.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a field of TRPOConfig, or one of the extensions'",
    )
    old = command(resume)
    old.add_argument("folder", help="of the run")
    old.add_argument("--steps", type=int, required=True, help="transitions in all, with those already seen")
    for parser_of_one in (new, old):
        parser_of_one.add_argument("--quiet", action="store_true", help="print nothing but errors")
    test = command(evaluate)
    test.add_argument("folder", help="of the run")
    test.add_argument("--episodes", type=int, default=20)
    test.add_argument("--seed", type=int, default=1_000_000, help="of the episodes")
    test.add_argument("--gif", metavar="FILE", help="film one episode")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake ends in one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a notebook's stream can show everything
            stream.reconfigure(errors="replace")  # a terminal that has no ± shows a ?
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.function(parsed)
    except USERS_MISTAKES as error:
        print(f"trpo_lib: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
