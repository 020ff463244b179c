"""The part of the protocol that reads and writes by position, sorts and searches."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = Any
Dtype = np.dtype[Any]


class Indexing(Protocol):
    """What Backend inherits."""

    # index

    def index(self, x: Array, where: tuple[Any, ...]) -> Array:
        """x[where]: the arrays broadcast together pick positions; slices keep their axis.

        IndexError, here and below, for a position out of range: nothing outside is ever touched.
        """
        ...

    def index_put(self, x: Array, where: tuple[Any, ...], value: Array, accumulate: bool) -> Array:
        """A copy of x with x[where] = value, or += value, repeated positions adding up."""
        ...

    def index_put_into(
        self, out: Array, where: tuple[Any, ...], value: Array, accumulate: bool
    ) -> None:
        """out[where] = value, or += value, in place."""
        ...

    def nonzero(self, x: Array) -> tuple[Array, ...]:
        """The positions of what is not zero: one int64 array per axis."""
        ...

    def fill_where(self, out: Array, mask: Array, value: Array) -> None:
        """out[mask] = value, in place; the mask broadcasts, the value is 0-d."""
        ...

    def bounds(self, index_: Array) -> tuple[int, int]:
        """The smallest and the largest value (0, -1 of an empty array)."""
        ...

    # scatter

    def gather(self, x: Array, axis: int, index_: Array) -> Array:
        """out[.., i, ..] = x[.., index[.., i, ..], ..] on an axis; the shape is the index's."""
        ...

    def scatter(self, op: str, x: Array, axis: int, index_: Array, source: Array) -> Array:
        """A copy of x, with out[.., index[.., i, ..], ..] = source[.., i, ..], in order.

        Instead of "set", op may be "add", "mul", "max" or "min": then combined with what is there.
        A 0-d source stands for one value everywhere.
        """
        ...

    def scatter_into(self, op: str, out: Array, axis: int, index_: Array, source: Array) -> None:
        """The same in place. After an IndexError, what came before may be there."""
        ...

    # sort

    def sort(self, x: Array, axis: int, descending: bool) -> tuple[Array, Array]:
        """The sorted values and where they stood (int64). Stable; a NaN counts as the largest."""
        ...

    def topk(self, x: Array, axis: int, k: int, largest: bool) -> tuple[Array, Array]:
        """The k largest (smallest) in order, and where they stand."""
        ...

    def kth(self, x: Array, axis: int, k: int) -> Array:
        """Where the k-th smallest value on an axis stands, k from 0; the axis keeps length 1."""
        ...

    def searchsorted(
        self, sequence: Array, order: Array | None, values: Array, right: bool, dtype: Dtype
    ) -> Array:
        """Where each value would go in a sorted line: before equal ones, or behind if `right`.

        The sequence is one line, or has as many lines as values. `order`, positions that sort each
        line, may be given in place of sorting it.
        """
        ...

    def isin(self, x: Array, members: Array, invert: bool) -> Array:
        """Whether each element of x is among the members (or not, if `invert`). A NaN never is."""
        ...
