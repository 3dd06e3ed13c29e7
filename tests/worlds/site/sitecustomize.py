"""Another world of rounding, in every Python process that `tests.worlds` starts, kernels and their children included.

    WORLD_NOISE=1e-13:14    relative normal noise of 1e-13, of seed 14, on every freshly initialised weight
    WORLD_THREADS=2         torch computes with two threads, whatever a notebook or a test asks for

Python imports a `sitecustomize` by itself; torch is not imported here but changed while somebody else imports it.

The noise is a function of the seed and of the weight's own values. Two networks of one seed stay equal to the last
bit, as they are on another processor, and no generator of anybody's is touched. Weights of exactly zero stay zero,
as they do on every processor.
"""

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import zlib
from contextlib import suppress


def noisy(tensor):
    """The tensor times 1 + noise · normal; in float32 by a few of its own roundings at least."""
    import torch

    size, seed = os.environ["WORLD_NOISE"].split(":")
    if not torch.is_floating_point(tensor) or tensor.is_meta:
        return tensor
    values = tensor.detach().cpu().double().contiguous()
    generator = torch.Generator().manual_seed(zlib.crc32(values.numpy().tobytes(), int(seed)))
    normal = torch.randn(values.shape, generator=generator, dtype=torch.float64)
    return (values * (1 + max(float(size), 4 * torch.finfo(tensor.dtype).eps) * normal)).to(tensor)


def change_init(module):
    """Each `torch.nn.init.…_` ends with noise: so do the layers, which call them."""
    depth = 0

    def with_noise(function):
        @functools.wraps(function)
        def initialise(tensor, *arguments, **named):
            nonlocal depth
            depth += 1  # one such function may call another: noise once, at the end of the outermost
            try:
                result = function(tensor, *arguments, **named)
            finally:
                depth -= 1
            if depth == 0:
                tensor.detach().copy_(noisy(tensor))
            return result

        return initialise

    for name in [name for name in vars(module) if name.endswith("_") and not name.startswith("_")]:
        setattr(module, name, with_noise(getattr(module, name)))


def change_modules(module):
    """A parameter that a constructor makes without an init function, such as a Gaussian's log σ, gets noise, too."""

    def registered(owner, _name, parameter):
        if parameter is not None and type(parameter).__name__ == "Parameter" and under_construction(owner):
            parameter.data = noisy(parameter)  # memory of its own: what it was made from stays as it is

    module.register_module_parameter_registration_hook(registered)


def under_construction(owner):
    """Whether its `__init__` is running; copies and parameters that are put in later are not fresh."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__init__" and frame.f_locals.get(code.co_varnames[0]) is owner:
            return True
        frame = frame.f_back
    return False


def change_threads(torch):
    """Set the number of threads once and for all."""
    torch.set_num_threads(int(os.environ["WORLD_THREADS"]))
    torch.set_num_threads = lambda _number: None


class Changed(importlib.abc.MetaPathFinder):
    """Call `change(module)` as soon as the module of that name has been imported."""

    def __init__(self, changes):
        self.changes = changes

    def find_spec(self, name, path=None, target=None):
        """Find the module as Python does, and add the change to what its loader does."""
        change = self.changes.get(name)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if change else None
        if spec is not None:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (execute(module), change(module))
        return spec


def next_sitecustomize():
    """Run the one that this one hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [folder for folder in sys.path if os.path.abspath(folder) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


changes = {}
if os.environ.get("WORLD_NOISE"):
    changes |= {"torch.nn.init": change_init, "torch.nn.modules.module": change_modules}
if os.environ.get("WORLD_THREADS"):
    changes |= {"torch": change_threads}
if changes:
    sys.meta_path.insert(0, Changed(changes))
with suppress(ImportError):
    next_sitecustomize()
