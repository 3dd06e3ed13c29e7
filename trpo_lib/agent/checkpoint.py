"""The file format of a checkpoint, and nothing else.

A checkpoint is one line of text (format, version, checksum) and then tensors and plain containers as torch
writes them. Nothing in it is executed on loading, and a file that was cut short or altered is refused. Only a module
that the environments' id names ("module:id") is imported, from where Python finds it, when they are made from their id.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trpo_lib import _validate

FORMAT = b"trpo_lib checkpoint"
VERSION = 1


def write_checkpoint(path: str | os.PathLike, contents: dict[str, Any]) -> None:
    """Write atomically: whatever happens meanwhile, `path` holds the old checkpoint or the new one, whole.

    Args:
        path: the file; its folder must exist.
        contents: tensors, numbers, strings, and dicts, lists and tuples of them.

    Raises:
        OSError: the file cannot be written; an old checkpoint at `path` is left as it was.
        TypeError: `contents` holds something that could not be loaded again.
    """
    _validate.path("path", path)
    path = Path(path)
    buffer = io.BytesIO()
    torch.save(plain(contents), buffer)
    payload = buffer.getvalue()
    header = b"%s %d %s\n" % (FORMAT, VERSION, hashlib.sha256(payload).hexdigest().encode())
    temporary = path.with_name(path.name + ".tmp")  # in the same folder: a rename is atomic in one file system only
    try:
        with open(temporary, "wb") as file:
            file.write(header + payload)
            file.flush()
            os.fsync(file.fileno())  # the contents must be on the disk before the name points to them
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read_checkpoint(path: str | os.PathLike) -> dict[str, Any]:
    """The contents that `write_checkpoint` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no checkpoint, one of a newer version, cut short or altered.
    """
    _validate.path("path", path)
    header, _, payload = Path(path).read_bytes().partition(b"\n")
    version, _, checksum = header.removeprefix(FORMAT + b" ").partition(b" ")
    if not header.startswith(FORMAT + b" ") or not version.isdigit():
        raise ValueError(f"{path} is not a checkpoint of trpo_lib.")
    if int(version) > VERSION:
        raise ValueError(
            f"{path} was written by a newer trpo_lib: it has format {int(version)}, and this one reads up to {VERSION}."
        )
    if hashlib.sha256(payload).hexdigest().encode() != checksum:
        raise ValueError(f"{path} is damaged: cut short or altered since it was written (its checksum does not match).")
    try:
        return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # whoever made this file made its checksum too
        raise ValueError(
            f"{path} holds something else than tensors and plain containers; it was not loaded."
        ) from error


def plain(value: Any) -> Any:
    """The same value in tensors and plain containers: what a restricted loader reads."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value] if isinstance(value, list) else tuple(map(plain, value))
    if isinstance(value, np.ndarray):
        return torch.as_tensor(np.array(value))  # torch knows no negative strides
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str | torch.Tensor):
        return value
    raise TypeError(f"a checkpoint holds tensors, numbers, strings and plain containers, got {value!r}.")


def with_arrays(value: Any) -> Any:
    """The same value with arrays where the file has tensors."""
    if isinstance(value, dict):
        return {key: with_arrays(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(with_arrays, value))
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _sync_folder(folder: Path) -> None:
    """Bring the renamed entry to the disk, where the system can open folders (Windows cannot)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
