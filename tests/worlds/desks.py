"""What somebody may do at his own desk with a notebook: python -m tests.worlds.desks twice|draw|seed NOTEBOOK.

twice   each code cell runs two times in a row
draw    one more random number is drawn after `setup()`
seed    `setup()` becomes `setup(1)`

No cell may end in an error, so every assert holds; outputs are not compared, since what an exact cell prints may well
depend on the seed. The cells that fall are printed as JSON.
"""

import json
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

SETUP = re.compile(r"^setup\(\)", re.MULTILINE)
DRAW = "import random, numpy, torch; _ = random.random(), numpy.random.rand(), torch.rand(1)"


def varied(source: str, variation: str) -> list[str]:
    """What the kernel is given instead of one cell."""
    if variation == "twice":
        return [source, source]
    if variation == "draw":
        return [source, DRAW] if SETUP.search(source) else [source]
    return [SETUP.sub("setup(1)", source)]


def fallen(path: Path, variation: str) -> tuple[int, list[tuple[str, str]]]:
    """Run a notebook that way; the number of cells, and (cell, last line of its error) of those that fall."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    resources = {"metadata": {"path": str(path.parent)}}
    patience = {"timeout": 300, "startup_timeout": 300}
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True, resources=resources, **patience)
    found = []
    with client.setup_kernel():
        for number, cell in enumerate(cells, 1):
            tags = set(cell.metadata.get("tags", []))
            if tags & {"nbval-skip", "skip-execution"}:
                continue
            try:
                errors = [error for source in varied(cell.source, variation) for error in run(client, cell, source)]
            except CellTimeoutError:
                errors = ["did not end"]
            except DeadKernelError:
                return len(cells), [*found, (f"[{number}]", "the kernel died")]
            found += [(f"[{number}]", errors[0])] if errors and "raises-exception" not in tags else []
    return len(cells), found


def run(client: NotebookClient, cell: nbformat.NotebookNode, source: str) -> list[str]:
    """Execute a source in the place of a cell; its error, if there is one."""
    cell.source = source
    client.execute_cell(cell, client.nb.cells.index(cell))
    return [f"{o.ename}: {o.evalue}".splitlines()[0] for o in cell.outputs if o.output_type == "error"]


if __name__ == "__main__":
    print(json.dumps(fallen(Path(sys.argv[2]).resolve(), sys.argv[1])))
