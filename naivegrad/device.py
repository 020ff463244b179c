"""Devices by name, and the backend that computes for each."""

from __future__ import annotations

from typing import Any

from naivegrad.backend import cpu

KNOWN = ("cpu", "cuda", "mps", "xpu", "mtia", "hpu", "meta")


class device:
    """A place to compute: device("cpu"), device("cuda"), device("cuda:1"), device("cuda", 1).

    The names of other accelerators ("mps", "xpu") are known, too; using one is an error. As a
    context manager it makes the device the default one: of those that exist, there is one.

    Attributes
    ----------
    type : "cpu", "cuda", ...
    index : int or None
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type = f"cuda:{type}"
        name, colon, number = str(type).partition(":")
        if name not in KNOWN or (colon and not number.isdigit()):
            raise ValueError(f'device: expects "cpu", "cuda" or "cuda:N", got {type!r}')
        self.type = name
        self.index = int(number) if colon else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        backend_of(self)
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def set_default_device(device: Any) -> None:
    """Make new tensors on this device: None or the CPU, for there is no other."""
    backend_of(device)


def get_default_device() -> device:
    """Where new tensors are made."""
    return device("cpu")


def backend_of(wish: Any) -> Any:
    """The backend of a device, its name, or None (the CPU)."""
    if wish is None:
        return cpu
    kind = device(wish).type
    if kind == "cpu":
        return cpu
    raise RuntimeError(f"no {kind.upper()} device: {why_no_cuda()}")


def why_no_cuda() -> str:
    """The reason why CUDA cannot be used, in a sentence."""
    return "this version of naivegrad computes on the CPU only"
