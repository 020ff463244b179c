"""Size, the shape of a tensor; and the name under which types show themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import index
from typing import Any

_new = tuple.__new__


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of whole numbers that can count the elements.

    Examples
    --------
    >>> import naivegrad as ng
    >>> shape = ng.ones(2, 3, 4).shape
    >>> shape, shape.numel(), shape[1:].numel()
    ((2, 3, 4), 24, 12)
    """

    __slots__ = ()

    def __new__(cls, lengths: Iterable[Any] = ()) -> Size:
        """From whole numbers; TypeError for anything else."""
        return _new(cls, [index(n) for n in lengths])

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    def __getitem__(self, key: Any) -> Any:
        part = tuple.__getitem__(self, key)
        return _new(Size, part) if part.__class__ is tuple else part

    def __add__(self, other: Any) -> Size:  # type: ignore[override]
        return Size(tuple.__add__(self, other))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        # Under PyTorch's name as PyTorch shows it; under ours, as short as a tuple.
        text = tuple.__repr__(self)
        return text if library.name == "naivegrad" else f"{library.name}.Size({list(self)})"

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)


class _Library:
    """`name`: how the library calls itself in what it prints; "torch" while it stands in for it."""

    name = "naivegrad"


library = _Library()
