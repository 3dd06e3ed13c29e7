"""What holds while an agent learns or is loaded, and is put back afterwards."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back until the update is complete, so that policy, critic and history belong together."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals arrive in the main thread alone
        return
    received: list[tuple] = []
    handler = signal.signal(signal.SIGINT, lambda *signal_and_frame: received.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if received and callable(handler):
        handler(*received[0])


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """New networks have torch's default dtype; those of a checkpoint have the checkpoint's."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Networks this small are faster on one thread than on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def outside() -> int:
    """The stack level, for a warning of the function that asks, of whoever called into this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == "trpo_lib":
        frame, level = frame.f_back, level + 1
    return level
