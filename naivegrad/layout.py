"""Names of orders in memory, which programs pass on and which change nothing here.

Results lie in C order; `Tensor.contiguous` and views work as in PyTorch.
"""

from __future__ import annotations

from naivegrad.size import library


class memory_format:
    """The order of the elements in memory that a function is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{library.name}.{self.name}"


class layout(memory_format):
    """How the elements are kept: strided, one after the other with steps, is the only way."""


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
strided = layout("strided")
