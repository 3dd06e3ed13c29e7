"""Build slide decks; with --check or --png, look at every slide of them in a browser."""

import argparse
import sys
from pathlib import Path

from slides import build


def main() -> None:
    """Build the decks of the named notebooks, or of all; exit with an error when a slide has a problem."""
    parser = argparse.ArgumentParser(prog="python -m slides", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="such as 03_taylor_and_kkt; none: all")
    parser.add_argument("--check", action="store_true", help="step through every deck and measure every slide")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write a picture of every slide; implies --check")
    arguments = parser.parse_args()
    course = {path.stem: path for path in sorted(build.NOTEBOOKS.glob("[0-9]*.ipynb"))}
    unknown = [str(path) for path in arguments.notebooks if path.stem not in course]
    if unknown:
        parser.error(f"no such notebook: {', '.join(unknown)}")
    decks = [build.build(course[path.stem]) for path in arguments.notebooks or course.values()]
    for deck in decks:
        print(f"{deck.relative_to(build.ROOT)}  {deck.stat().st_size / 1e6:.1f} MB")
    if arguments.check or arguments.png:
        sys.exit(look_at(decks, arguments.png))


def look_at(decks: list[Path], pictures: Path | None) -> int:
    """Print a table of slides for each deck, and the problems; returns 1 when there are any."""
    try:
        from slides import browser
    except ModuleNotFoundError:
        sys.exit("looking at slides needs Playwright: pip install -r tests/browser/requirements.txt")
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    problems = []
    with browser.chromium() as chromium:
        for deck in decks:
            report = browser.walk(chromium, deck, pictures)
            print(f"\n{report.name}: {len(report.slides)} slides")
            for slide in report.slides:
                sign = "✗" if slide["problems"] else " "
                narrow = f"  widest line {slide['narrowest']:.0%}" if slide["narrowest"] < 0.9 else ""
                print(
                    f"{sign}{slide['number']:3d}  cell {slide['cell']:3d}  {slide['steps']:2d} steps  "
                    f"{slide['used']:4.0%} full  type {slide['scale']:4.0%}  {slide['heading']}{narrow}"
                )
            problems += report.problems()
    print("\n" + "\n".join(problems) if problems else "\nno problems")
    return int(bool(problems))


if __name__ == "__main__":
    main()
