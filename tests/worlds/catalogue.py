"""The worlds: each another rounding of the same machine, or another way to run the same notebook."""

import functools
import hashlib
import itertools
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).parent / "site"
KEPT = ROOT / ".worlds"  # what is known already; git ignores it
OLD_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL", "OPENBLAS_CORETYPE": "Nehalem"}
ATEN, MKL, CBWR = "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR"


@dataclass(frozen=True)
class World:
    """Its number, its name in words, and what it sets.

    Attributes:
        kind: plain, noise, kernel, threads or desk (what somebody may do at his own desk).
        variables: of the environment, for everything that runs in it.
        variation: how a desk runs a notebook; see `desks`.
    """

    number: int
    kind: str
    name: str
    variables: dict[str, str] = field(default_factory=dict)
    variation: str = ""


def catalogue() -> list[World]:
    """All worlds in order."""
    noise = [(seed, "1e-15") for seed in range(1, 13)] + [(13, "1e-13"), (14, "1e-13"), (15, "1e-10"), (16, "1e-10")]
    kernels = [
        ("ATen without AVX", {ATEN: "default"}),
        ("ATen with AVX2", {ATEN: "avx2"}),
        ("MKL with SSE 4.2 (Intel only)", {MKL: "SSE4_2"}),
        ("MKL with AVX2 (Intel only)", {MKL: "AVX2"}),
        ("ATen without AVX, MKL with SSE 4.2", {ATEN: "default", MKL: "SSE4_2"}),
        ("ATen and MKL with AVX2", {ATEN: "avx2", MKL: "AVX2"}),
        ("MKL as on any processor", {CBWR: "COMPATIBLE"}),
        ("ATen with AVX2, MKL as on any with AVX2", {ATEN: "avx2", CBWR: "AVX2"}),
        ("NumPy and OpenBLAS without AVX", OLD_NUMPY),
        ("an old processor: nothing has AVX", {ATEN: "default", MKL: "SSE4_2", CBWR: "COMPATIBLE"} | OLD_NUMPY),
    ]
    desks = [("every cell twice", "twice"), ("one more random number", "draw"), ("another seed in setup()", "seed")]
    found = [World(0, "plain", "as installed")]
    found += [World(n, "noise", f"noise {size} on fresh weights", {"WORLD_NOISE": f"{size}:{n}"}) for n, size in noise]
    for name, variables in kernels:
        found.append(World(len(found), "kernel", name, variables))
    found.append(World(len(found), "threads", "two threads", {"WORLD_THREADS": "2"}))
    for name, variation in desks:
        found.append(World(len(found), "desk", name, variation=variation))
    return found


def environment(world: World) -> dict[str, str]:
    """The environment variables of a process in that world, and in no other one."""
    mentioned = {name for each in catalogue() for name in each.variables}
    inherited = {name: value for name, value in os.environ.items() if name not in mentioned or world.kind == "plain"}
    # the paths go first: what is tested is this checkout, whatever is installed
    path = os.pathsep.join([str(SITE), str(ROOT), *filter(None, [inherited.get("PYTHONPATH")])])
    return inherited | {"PYTHONPATH": path} | world.variables


def processor() -> str:
    """The machine's processor by name."""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return " ".join(sorted({line.split(":")[1].strip() for line in lines if line.startswith("model name")}))
    return platform.processor() or platform.machine()


@functools.cache
def bits(number: int) -> str:
    """Some results of torch and numpy in that world, to the last bit; kept for as long as it must be the same."""
    world = catalogue()[number]
    known = [
        processor(),
        version("torch"),
        version("numpy"),
        world.variables,
        (ROOT / "tests/worlds/bits.py").read_text(encoding="utf8"),
    ]
    file = KEPT / f"bits_{hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]}"
    if file.exists():
        return file.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "tests.worlds.bits"]
    run = subprocess.run(command, env=environment(world), cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        return f"does not start: {run.stderr.strip().splitlines()[-1]}"
    KEPT.mkdir(exist_ok=True)
    file.write_text(run.stdout, encoding="utf-8")
    return run.stdout


def same_as(world: World) -> str:
    """Why there is nothing to see in a world of kernels on this machine; empty if there is."""
    if world.kind != "kernel":
        return ""
    if bits(world.number).startswith("does not start"):
        return bits(world.number)
    for other in catalogue()[: world.number]:
        if other.kind in ("plain", "kernel") and bits(other.number) == bits(world.number):
            return f"the same bits here as {other.number}, {other.name}"
    return ""


def chosen(words: list[str]) -> list[World]:
    """Worlds by number, or by kind; `one-kernel` is the last that differs from this machine's own."""
    worlds = catalogue()
    picked = []
    for word in words:
        if word == "one-kernel":
            differ = (world for world in reversed(worlds) if world.kind == "kernel" and bits(world.number) != bits(0))
            picked += itertools.islice(differ, 1)
            continue
        found = [world for world in worlds if word in (str(world.number), world.kind)]
        if not found:
            sys.exit(f"no such world: {word}; try --list")
        picked += found
    return picked or worlds[1:]
