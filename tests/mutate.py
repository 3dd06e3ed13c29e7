"""Break the mathematics, one operator, number or statement at a time: python tests/mutate.py [module ...]

Each break must make a test fail. Survivors are printed with their line; those that change nothing are explained in
tests/README.md, and are left out here by the marks in EQUIVALENT.
"""

import ast
import copy
import importlib
import importlib.machinery
import io
import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "trpo_lib"
ALWAYS = ["test_bad_input.py", "test_trpo_step.py", "test_trpo.py"]
POLICIES = ["test_policies.py", "test_action_spaces.py", "test_fisher.py"]
MODULES = {
    "surrogate": ["test_surrogate.py"],
    "kl": ["test_kl.py"],
    "trust_region": ["test_trust_region.py"],
    "fisher": ["test_fisher.py"],
    "conjugate_gradient": ["test_conjugate_gradient.py"],
    "line_search": ["test_line_search.py"],
    "gae": ["test_gae.py"],
    "experience.batch": ["test_trpo_step.py"],
    "mdp": ["test_mdp.py"],
    "networks.parts": ["test_parts.py"],
    "networks.critic": ["test_critic.py"],
    "networks.policy": POLICIES,
    "networks.discrete": POLICIES,
    "networks.gaussian": POLICIES,
    "networks.policies": POLICIES,
    "agent.report": ["test_trpo_step.py"],
    "agent.recording": ["test_trpo_step.py", "test_trpo.py"],
    "trpo": ["test_trpo_step.py", "test_trpo_learn.py", "test_presets.py"],
    "extensions.v_trace": ["test_v_trace.py"],
    "extensions.past_experience": ["test_off_policy.py"],
    "extensions.critic_first": ["test_off_policy.py", "test_presets.py"],
    "extensions.off_policy": ["test_off_policy.py", "test_checkpoint.py"],
}
LONGEST = 120  # seconds; a mutant that never ends is noticed too
SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.And: ast.Or, ast.Or: ast.And, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
WHITENED = "return directions / torch.cat([log_std.exp(), one], dim=-1) * torch.cat([one, math.sqrt(2) * one], dim=-1)"
EQUIVALENT = {  # (module, changed line or part of it): why it changes nothing that matters stands in tests/README.md
    ("experience.batch", "if not abs(kl) <= ROUNDING:"),
    ("gae", "rounding = 11 * torch.finfo(advantages.dtype).eps * advantages.abs().max()"),
    ("networks.parts", "rounding = 11 * torch.finfo(self.mean.dtype).eps * self.mean.abs()"),
    ("line_search", "best = LineSearchResult(False, 0.0, 0.0, 0.0, 1)"),
    ("mdp", "rows = torch.nn.functional.normalize(-uniform.log(), p=1, dim=+1)"),
    ("mdp", "gain = self.occupancy(pi_old) @ (pi_new * self.advantages(pi_old)).sum(+1)"),
    ("mdp", "action = torch.multinomial(pi.detach()[state], 1, generator=generator).squeeze(+1)"),
    ("mdp", "state = torch.multinomial(self.transitions[state, action], 1, generator=generator).squeeze(+1)"),
    ("mdp", "return ((pi * self.rewards).sum(+1), torch.einsum('sa,sat->st', pi, self.transitions))"),
    ("networks.discrete", "p = outputs.softmax(+1)"),
    ("networks.discrete", "return p.sqrt() * (directions - (p * directions).sum(+1, keepdim=True))"),
    ("networks.discrete", "return torch.multinomial(outputs.softmax(+1), 1, generator=generator).squeeze(-1)"),
    ("networks.discrete", "return torch.multinomial(outputs.softmax(-1), 1, generator=generator).squeeze(+1)"),
    ("networks.gaussian", "mean, log_std = outputs.chunk(2, dim=+1)"),
    ("networks.gaussian", WHITENED.replace("dim=-1", "dim=+1", 1)),
    ("networks.gaussian", "dim=+1".join(WHITENED.rsplit("dim=-1", 1))),
    ("networks.gaussian", WHITENED.replace("math.sqrt(2) * one", "math.sqrt(2) / one")),
    ("networks.gaussian", "return torch.cat([mean, self.log_std.expand_as(mean)], dim=+1)"),
    ("networks.gaussian", "boxed = actions.cpu().numpy().reshape(-2, *self.action_shape) * self.scale + self.shift"),
    ("networks.discrete", "IMPOSSIBLE = -1000000001.0"),
    ("networks.discrete", "p, d = (self._table(outputs, IMPOSSIBLE).softmax(-1), self._table(directions, 1.0))"),
    ("networks.discrete", "return Independent(Categorical(logits=logits, validate_args=False), 1, validate_args=True)"),
    ("networks.discrete", "return Independent(Bernoulli(logits=outputs, validate_args=False), 1, validate_args=True)"),
    (
        "networks.gaussian",
        "Independent(Normal(mean, log_std.exp(), validate_args=False), 1, validate_args=True)",
    ),
    ("networks.discrete", "return (outputs >= 0).to(outputs.dtype)"),
    ("trpo", "if curvature > 0 else 1 * x"),
    ("agent.report", "(norms[0] or 2.0)"),
}


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, str, ast.Module]]:
    """(line, original, mutant, whole tree) of every break; annotations, defaults and messages are left alone."""
    for position, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(changed)) if i == position)
            statement = _statement(changed, target)
            before = ast.unparse(statement)
            change(target)
            after = ast.unparse(statement)
            if before != after:
                yield node.lineno, _first_difference(before, after), _first_difference(after, before), changed


def _changes(node: ast.AST) -> Iterator:
    if getattr(node, "ours", True) is False:
        return
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPS:
        yield lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        for i in range(len(node.ops)):
            yield lambda n, i=i: n.ops.__setitem__(i, SWAPS[type(n.ops[i])]())
    elif isinstance(node, ast.UnaryOp):
        yield lambda n: setattr(n, "op", ast.UAdd()) if isinstance(n.op, ast.USub) else _drop(n)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield lambda n: setattr(n, "value", ast.Constant(None))  # the statement does nothing any more


def _drop(node: ast.UnaryOp) -> None:
    """`not x` becomes `not not x`, and `~x` becomes `~~x`."""
    node.operand = ast.UnaryOp(node.op, node.operand)


def _leave_alone(tree: ast.Module) -> None:
    """Mark what is no mathematics: annotations, default settings, raised messages, slices of text."""
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.FunctionDef):
            parts = [node.returns, *node.args.defaults, *node.args.kw_defaults, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            parts = node.decorator_list
        elif isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.Raise | ast.JoinedStr):
            parts = [node]
        elif isinstance(node, ast.keyword) and node.arg == "strict":  # lengths that are equal in any case
            parts = [node.value]
        for part in filter(None, parts):
            for inner in ast.walk(part):
                inner.ours = False


def _statement(tree: ast.Module, target: ast.AST) -> ast.stmt:
    """The smallest statement around a node."""
    around = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and any(inner is target for inner in ast.walk(n))]
    return min(around, key=lambda n: len(list(ast.walk(n))))


def _first_difference(text: str, other: str) -> str:
    return next(a for a, b in zip(text.splitlines(), other.splitlines(), strict=False) if a != b).strip()


def survives(name: str, tree: ast.Module) -> bool:
    """Whether no test notices; the module's own are asked first, because most breaks end there."""
    return passes(name, tree, MODULES[name]) and passes(name, tree, ALWAYS)


def passes(name: str, tree: ast.Module, tests: list[str]) -> bool:
    """Whether the tests pass with `tree` in place of the module; runs in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=_run, args=(name, tree, tests))
    process.start()
    process.join(LONGEST)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def file_of(name: str) -> Path:
    """`networks.parts` is trpo_lib/networks/parts.py."""
    return PACKAGE.joinpath(*name.split(".")).with_suffix(".py")


def _run(name: str, tree: ast.Module, tests: list[str]) -> None:
    import pytest

    load = importlib.machinery.SourceFileLoader.get_code
    code = compile(ast.fix_missing_locations(tree), str(file_of(name)), "exec")
    importlib.machinery.SourceFileLoader.get_code = lambda self, full: (
        code if full == f"trpo_lib.{name}" else load(self, full)
    )
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *(str(TESTS / t) for t in tests)])
    sys.exit(int(status))


def _import_once() -> None:
    """All that the tests need but the package itself, so that each process starts with it."""
    for module in ("pytest", "hypothesis", "scipy.optimize", "torch.distributions", "torch.func", "sympy", "tqdm"):
        importlib.import_module(module)
    gymnasium = importlib.import_module("gymnasium")
    for env in ("CartPole-v1", "Pendulum-v1"):
        gymnasium.make(env)
    importlib.import_module("torch").set_num_threads(1)
    os.environ["HYPOTHESIS_PROFILE"] = "quick"  # a failure is enough, no search for the smallest one
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"


def main(names: list[str]) -> int:
    """Try every mutant of the modules; returns the number of survivors."""
    _import_once()
    survivors = total = 0
    for name in names or MODULES:
        tree = ast.parse(file_of(name).read_text(encoding="utf8"))
        _leave_alone(tree)
        assert survives(name, tree), f"the tests of {name} fail without any mutant"
        for line, original, mutant, changed in mutants(tree):
            total += 1
            equivalent = any(module == name and part in mutant for module, part in EQUIVALENT)
            if not equivalent and survives(name, changed):
                survivors += 1
                print(f"survived: {file_of(name).relative_to(PACKAGE)}:{line}: {original}  ->  {mutant}", flush=True)
        print(f"{name}: done, {total} mutants so far, {survivors} survivors", flush=True)
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
