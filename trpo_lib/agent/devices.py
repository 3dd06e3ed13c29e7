"""On which device an agent computes."""

import warnings

import torch

from trpo_lib.agent.contexts import outside


def usable_device(device: str | torch.device) -> torch.device:
    """The device, if torch can put a tensor there.

    Raises:
        ValueError: it is unknown, or known but not to this torch or this machine.
    """
    try:
        torch.empty(0, device=torch.device(device))
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(f"device must be one that torch can use here, got {device!r}.") from error
    return torch.device(device)


def device_to_load(saved: str, wanted: str | torch.device | None) -> torch.device:
    """The wanted device; else the one where the agent was saved, or the CPU, with a warning, if that is absent.

    Raises:
        ValueError: the wanted device cannot be used here.
    """
    if wanted is not None:
        return usable_device(wanted)
    try:
        return usable_device(saved)
    except ValueError:
        warnings.warn(
            f"the agent was on {saved!r}, which torch cannot use here: it is loaded to the CPU (load takes a device=).",
            stacklevel=outside(),
        )
        return torch.device("cpu")


def restore_generator(generator: torch.Generator, state: torch.Tensor, saved: str, step: int) -> None:
    """Bring a generator to a saved state; one of another kind of device cannot be, and begins a sequence of its own."""
    if generator.device.type == torch.device(saved).type:
        generator.set_state(state)
    else:  # not from the seed alone: those numbers have been used
        generator.manual_seed(generator.initial_seed() + step)
