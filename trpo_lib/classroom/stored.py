"""Where the stored runs and snapshots lie, from whatever folder a notebook's kernel works in."""

from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]  # where the package was installed from with `pip install -e .`


def stored(name: str) -> Path:
    """The path of a file in `notebooks/data/`.

    It is looked for in the checkout that the package was installed from, and then beside the kernel's folder and
    above it.

    Args:
        name: of the file, for example "07_ladder.csv".

    Raises:
        FileNotFoundError: it is nowhere; the message says where it was looked for and how to get it.
    """
    here = Path.cwd()
    folders = [root / part for root in (COURSE, here, *here.parents) for part in ("notebooks/data", "data")]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{name} is in neither {folders[0]} nor a notebooks/data folder around {here}. Get the whole course, not this "
        "notebook alone, and install it with: pip install -e ."
    )
