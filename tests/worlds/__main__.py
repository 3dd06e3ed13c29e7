"""python -m tests.worlds --list, or --worlds 3 7 kernel, --only 04_conjugate_gradient, --jobs 2; or all of them."""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.worlds.catalogue import World, catalogue, chosen, same_as
from tests.worlds.results import keep, key, known, table
from tests.worlds.subjects import UNIT, notebooks, run


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.worlds", description="tests and notebooks in other worlds")
    parser.add_argument("--worlds", nargs="*", default=[], help="numbers or kinds (see --list); one-kernel")
    parser.add_argument(
        "--only", nargs="*", default=[], help="notebooks by name (their solutions, too), `unit`, `notebooks`"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--again", action="store_true", help="what has been seen already, too")
    parser.add_argument("--table", action="store_true", help="run nothing, show what is known of the present content")
    parser.add_argument("--list", action="store_true", help="name the worlds")
    return parser.parse_args()


def subjects(only: list[str]) -> list[str]:
    """Notebooks with their solutions, and the unit tests, first since they take longest; or some of them."""
    names = {Path(name).stem for name in only}
    unknown = names - {Path(path).stem for path in notebooks()} - {"unit", "notebooks"}
    if unknown:
        sys.exit(f"no such notebook: {', '.join(sorted(unknown))}")
    wanted = [path for path in notebooks() if not names or "notebooks" in names or Path(path).stem in names]
    return [UNIT, *wanted] if not names or "unit" in names else wanted


def visit(subject: str, world: World) -> dict:
    """One subject in one world, timed, kept and printed."""
    begin = time.perf_counter()
    identity = key(subject, world)
    result = run(subject, world) | {"key": identity, "subject": subject, "world": world.name}
    result["seconds"] = round(time.perf_counter() - begin, 1)
    if result["cells"]:  # what did not run at all is tried again next time
        keep(result)
    fell = f"{len(result['fallen'])} fell" if result["fallen"] else "all hold"
    print(
        f"{world.number:>3} {world.name}: {subject}, {result['cells']}, {fell}, {result['seconds']:.0f} s", flush=True
    )
    return result


def main() -> None:
    options = arguments()
    if options.list:
        for world in catalogue():
            reason = same_as(world)
            print(f"{world.number:>3}  {world.kind:8}{world.name}" + (f" ({reason})" if reason else ""))
        return
    worlds, wanted = [], subjects(options.only)
    for world in chosen(options.worlds):
        reason = same_as(world)
        worlds += [] if reason else [world]
        print(f"{world.number:>3} {world.name}: left out, {reason}\n" if reason else "", end="")
    pairs = [(subject, world) for world in worlds for subject in wanted if (subject, world.kind) != (UNIT, "desk")]
    before = {} if options.again else known()
    found = {(subject, world.number): before.get(key(subject, world)) for subject, world in pairs}
    missing = (
        [] if options.table else [(subject, world) for subject, world in pairs if not found[subject, world.number]]
    )
    with ThreadPoolExecutor(options.jobs) as pool:
        for (subject, world), result in zip(missing, pool.map(lambda pair: visit(*pair), missing), strict=True):
            found[subject, world.number] = result
    found = {place: result for place, result in found.items() if result}
    print(table(worlds, wanted, found))
    sys.exit(any(result["fallen"] for result in found.values()))


if __name__ == "__main__":
    main()
