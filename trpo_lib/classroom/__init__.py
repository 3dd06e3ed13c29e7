"""What serves teaching and not the algorithm; imported by notebooks alone."""

import os

import numpy as np
import torch

from trpo_lib.classroom import plotting
from trpo_lib.classroom.returns import rewards_to_come

__all__ = ["plotting", "rewards_to_come", "setup"]


def setup(seed: int = 0) -> None:
    """Make a notebook print the same numbers on every machine, and its figures look alike.

    float64 and one thread (the order of float32 additions differs between processors), seeded generators,
    no window for pygame, and the figure style of the series.

    Args:
        seed: of torch and numpy.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 — for libraries that draw from numpy's global generator
    plotting.use_style()
