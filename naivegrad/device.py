"""Devices by name, and the backend that computes for each."""

from __future__ import annotations

from typing import Any

from naivegrad.backend import cpu


class device:
    """A place to compute: device("cpu"), device("cuda"), device("cuda:1"), device("cuda", 1).

    Attributes
    ----------
    type : "cpu" or "cuda"
    index : int or None
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        name, colon, number = str(type).partition(":")
        if name not in ("cpu", "cuda") or (colon and not number.isdigit()):
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


def backend_of(wish: Any) -> Any:
    """The backend of a device, its name, or None (the CPU)."""
    if wish is None:
        return cpu
    if device(wish).type == "cpu":
        return cpu
    raise RuntimeError(f"no CUDA device: {why_no_cuda()}")


def why_no_cuda() -> str:
    """The reason why CUDA cannot be used, in a sentence."""
    return "this version of naivegrad computes on the CPU only"
