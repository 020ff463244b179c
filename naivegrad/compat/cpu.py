"""`torch.cpu`: the CPU under the names of a device; what waits for it returns at once."""

from __future__ import annotations

from naivegrad.missing import lookup as _lookup


def is_available() -> bool:
    """Whether there is a CPU."""
    return True


is_initialized = is_available


def device_count() -> int:
    """The CPU counts as one device."""
    return 1


def current_device() -> str:
    """Its name."""
    return "cpu"


def set_device(device: object) -> None:
    """Does nothing: there is one."""


def synchronize(device: object = None) -> None:
    """Does nothing: what was computed is ready."""


__getattr__ = _lookup(__name__)
