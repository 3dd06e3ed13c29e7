"""A notebook as text for git diff: cells, printed outputs, tags; no pictures. See README, "For contributors"."""

import json
import sys
from pathlib import Path


def lines(notebook: dict) -> list[str]:
    """What a reviewer reads of a notebook, line by line."""
    text = []
    for cell in notebook["cells"]:
        tags = " ".join(cell["metadata"].get("tags", []))
        slide = cell["metadata"].get("slideshow", {}).get("slide_type", "-")
        text += [f"── {cell['cell_type']} · {slide} {tags}".rstrip(), *"".join(cell["source"]).split("\n")]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            printed = output.get("text") or data.get("text/plain") or [output.get("ename", "")]
            text += [f"   > {line}" for line in "".join(printed).rstrip("\n").split("\n")]
            text += [f"   > [picture, {len(''.join(data['image/png'])) // 1024} kB]"] if "image/png" in data else []
    return text


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf8")
    print(*lines(json.loads(Path(sys.argv[1]).read_text(encoding="utf8"))), sep="\n")
