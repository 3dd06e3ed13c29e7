"""What serves teaching and not the algorithm; imported by notebooks alone."""

import os

import numpy as np
import torch

from trpo_lib.classroom import plotting
from trpo_lib.classroom.returns import rewards_to_come
from trpo_lib.classroom.stored import stored

__all__ = ["plotting", "rewards_to_come", "setup", "stored"]


def setup(seed: int = 0) -> None:
    """Let a notebook's numbers agree between machines as far as they can, and its figures look alike.

    float64 and one thread, seeded generators, no window for pygame, and the figure style of the series. Processors
    still round differently: what is computed in a few steps agrees to the printed digits, a long training does not.

    Args:
        seed: of torch and numpy.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 — for libraries that draw from numpy's global generator
    plotting.use_style()
