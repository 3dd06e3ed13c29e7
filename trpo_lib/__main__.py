"""The command line: python -m trpo_lib train | resume | evaluate."""

import contextlib
import sys

from trpo_lib.training.command_line import main

if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
