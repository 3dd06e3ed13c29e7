"""Re-execute notebooks in place, byte for byte the same each time: python notebooks/execute.py [NAME …]."""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from trpo_lib.classroom.sliders import WIDGET_VIEW

NOTEBOOKS = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Run one notebook top to bottom in a fresh kernel and write it back.

    Not kept: time stamps, the machine's versions, widgets (a slider brings a still picture along, which takes its
    place), and progress bars (they go to stderr, and are allowed in cells tagged `nbval-ignore-output` alone). A cell
    tagged `keep-output` shows a measurement that differs at every run, such as a time: it keeps the output it has,
    unless it has none.
    """
    notebook = nbformat.read(path, as_version=4)
    stored = {cell.id: cell.outputs for cell in notebook.cells if "keep-output" in cell.metadata.get("tags", [])}
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # where one write ends and the next begins is a matter of timing
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata.clear()
    notebook.metadata.update(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = stored.get(cell.id) or without_widgets(cell.outputs)
            if "nbval-ignore-output" in cell.metadata.get("tags", []):
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, path)


def without_widgets(outputs: list) -> list:
    """Outputs without live widgets, whose ids differ at every run; one that is nothing but a widget is left out."""
    kept = []
    for output in outputs:
        widget = output.get("data", {}).pop(WIDGET_VIEW, None)
        if widget is None or "image/png" in output["data"]:
            kept.append(output)
    return kept


def main(names: list[str]) -> None:
    """Execute the named notebooks, with or without folder and ending, or all of them."""
    everything = sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) + sorted(NOTEBOOKS.glob("solutions/*.ipynb"))
    wanted = {Path(name).stem for name in names}
    unknown = wanted - {path.stem for path in everything}
    if unknown:
        sys.exit(f"no such notebook: {', '.join(sorted(unknown))}")
    for path in everything:
        if not wanted or path.stem in wanted:
            begin = time.perf_counter()
            execute(path)
            print(f"{path.relative_to(NOTEBOOKS.parent)}  {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
