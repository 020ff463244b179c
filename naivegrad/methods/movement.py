"""Shapes: views, axes, pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class MovementMethods:
    """Shapes: views, axes, pieces."""

    __slots__ = ()

    array: Any

    def reshape(self, *lengths: Any, shape: Any = ()) -> Tensor:
        """The elements in another shape: a view where possible, else a copy."""
        return ops.reshape(self, lengths or shape)

    def view(self, *lengths: Any, size: Any = ()) -> Tensor:
        """The elements in another shape, sharing memory."""
        return ops.view(self, lengths or size)

    def permute(self, *axes: Any, dims: Any = ()) -> Tensor:
        """The axes in another order."""
        return ops.permute(self, axes or dims)

    def transpose(self, dim0: Any, dim1: Any) -> Tensor:
        """Two axes exchanged."""
        return ops.transpose(self, dim0, dim1)

    def t(self) -> Tensor:
        """The transpose of a matrix."""
        return ops.t(self)

    def movedim(self, source: Any, destination: Any) -> Tensor:
        """Axes moved to new places."""
        return ops.movedim(self, source, destination)

    def squeeze(self, dim: Any = None) -> Tensor:
        """Without axes of length 1."""
        return ops.squeeze(self, dim)

    def unsqueeze(self, dim: Any) -> Tensor:
        """With a new axis of length 1."""
        return ops.unsqueeze(self, dim)

    def repeat(self, *times: Any, repeats: Any = ()) -> Tensor:
        """Repeated so often along each axis."""
        return ops.movement.repeat(self, times or repeats)

    def expand(self, *lengths: Any, size: Any = ()) -> Tensor:
        """Axes of length 1 repeated without copying."""
        return ops.expand(self, lengths or size)

    def flatten(self, start_dim: Any = 0, end_dim: Any = -1) -> Tensor:
        """The axes from start_dim to end_dim as one."""
        return ops.flatten(self, start_dim, end_dim)

    def ravel(self) -> Tensor:
        """All axes as one."""
        return ops.ravel(self)

    def unflatten(self, dim: Any, sizes: Any) -> Tensor:
        """One axis as several."""
        return ops.unflatten(self, dim, sizes)

    def split(self, split_size: Any, dim: Any = 0) -> Any:
        """Consecutive pieces along dim."""
        return ops.split(self, split_size, dim)

    def chunk(self, chunks: Any, dim: Any = 0) -> Any:
        """At most `chunks` pieces of equal length along dim."""
        return ops.chunk(self, chunks, dim)

    def unbind(self, dim: Any = 0) -> Any:
        """The slices along dim, without it."""
        return ops.unbind(self, dim)

    def select(self, dim: Any, index: Any) -> Tensor:
        """The slice at one index of dim."""
        return ops.select(self, dim, index)

    def narrow(self, dim: Any, start: Any, length: Any) -> Tensor:
        """`length` slices of dim from start on."""
        return ops.narrow(self, dim, start, length)

    def flip(self, *axes: Any, dims: Any = ()) -> Tensor:
        """A copy with the order along dims reversed."""
        return ops.flip(self, axes or dims)

    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        """Elements moved along dims, round the end."""
        return ops.roll(self, shifts, dims)

    def pad(self, pad: Any, mode: Any = "constant", value: Any = None) -> Tensor:
        """Values before and after axes, from the last axis on."""
        return ops.pad(self, pad, mode, value)

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return ops.permute(self, tuple(range(self.array.ndim))[::-1])

    @property
    def mT(self) -> Tensor:
        """Matrices transposed: the last two axes exchanged."""
        return ops.transpose(self, -2, -1)

    def view_as(self, other: Any) -> Tensor:
        """`view` with the shape of another tensor."""
        return ops.view(self, other.array.shape)

    def reshape_as(self, other: Any) -> Tensor:
        """`reshape` to the shape of another tensor."""
        return ops.reshape(self, other.array.shape)

    def expand_as(self, other: Any) -> Tensor:
        """`expand` to the shape of another tensor."""
        return ops.expand(self, other.array.shape)

    # Other spellings

    broadcast_to = expand
    swapaxes = swapdims = transpose
    moveaxis = movedim
