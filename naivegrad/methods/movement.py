"""Shapes: views, axes, pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad import dtype as dtypes
from naivegrad.autograd.inplace import assign, restride

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

    def view(self, *lengths: Any, size: Any = (), dtype: Any = None) -> Tensor:
        """The elements in another shape, sharing memory; view(dtype): the bytes as another type."""
        wish = lengths[0] if lengths and isinstance(lengths[0], dtypes.dtype) else dtype
        if wish is not None:
            return ops.memory.view_as_type(self, wish)
        return ops.view(self, lengths or size)

    def permute(self, *axes: Any, dims: Any = ()) -> Tensor:
        """The axes in another order."""
        return ops.permute(self, axes or dims)

    def transpose(self, dim0: Any, dim1: Any) -> Tensor:
        """Two axes exchanged."""
        return ops.transpose(self, dim0, dim1)

    def transpose_(self, dim0: Any, dim1: Any) -> Tensor:
        """transpose, in place."""
        return restride(self, ops.transpose, dim0, dim1)

    def t(self) -> Tensor:
        """The transpose of a matrix."""
        return ops.t(self)

    def t_(self) -> Tensor:
        """t, in place."""
        return restride(self, ops.t)

    def adjoint(self) -> Tensor:
        """The conjugate transpose of matrices."""
        return ops.adjoint(self)

    def movedim(self, source: Any, destination: Any) -> Tensor:
        """Axes moved to new places."""
        return ops.movedim(self, source, destination)

    def squeeze(self, dim: Any = None) -> Tensor:
        """Without axes of length 1."""
        return ops.squeeze(self, dim)

    def squeeze_(self, dim: Any = None) -> Tensor:
        """squeeze, in place."""
        return restride(self, ops.squeeze, dim)

    def unsqueeze(self, dim: Any) -> Tensor:
        """With a new axis of length 1."""
        return ops.unsqueeze(self, dim)

    def unsqueeze_(self, dim: Any) -> Tensor:
        """unsqueeze, in place."""
        return restride(self, ops.unsqueeze, dim)

    def repeat(self, *times: Any, repeats: Any = ()) -> Tensor:
        """Repeated so often along each axis."""
        return ops.rearrange.repeat(self, times or repeats)

    def tile(self, *times: Any, dims: Any = ()) -> Tensor:
        """`repeat`, too few numbers filled up with ones in front."""
        return ops.tile(self, times or dims)

    def repeat_interleave(
        self, repeats: Any, dim: Any = None, *, output_size: Any = None
    ) -> Tensor:
        """Each slice along dim repeated, one after the other."""
        return ops.repeat_interleave(self, repeats, dim, output_size=output_size)

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

    def split_with_sizes(self, split_sizes: Any, dim: Any = 0) -> Any:
        """Consecutive pieces of the given lengths."""
        return ops.split_with_sizes(self, split_sizes, dim)

    def tensor_split(self, indices_or_sections: Any, dim: Any = 0) -> Any:
        """So many pieces, or pieces cut at given indices."""
        return ops.tensor_split(self, indices_or_sections, dim)

    def hsplit(self, indices_or_sections: Any) -> Any:
        """Pieces along dim 1."""
        return ops.hsplit(self, indices_or_sections)

    def vsplit(self, indices_or_sections: Any) -> Any:
        """Pieces along dim 0."""
        return ops.vsplit(self, indices_or_sections)

    def dsplit(self, indices_or_sections: Any) -> Any:
        """Pieces along dim 2."""
        return ops.dsplit(self, indices_or_sections)

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

    def fliplr(self) -> Tensor:
        """Columns in reverse order."""
        return ops.fliplr(self)

    def flipud(self) -> Tensor:
        """Rows in reverse order."""
        return ops.flipud(self)

    def rot90(self, k: Any = 1, dims: Any = (0, 1)) -> Tensor:
        """Turned k times by a quarter in the plane of two dims."""
        return ops.rot90(self, k, dims)

    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        """Elements moved along dims, round the end."""
        return ops.roll(self, shifts, dims)

    def unfold(self, dimension: Any, size: Any, step: Any) -> Tensor:
        """All windows of an axis, as a new last axis; a view."""
        return ops.strided.windows(self, dimension, size, step)

    def as_strided(self, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
        """A view of any shape and steps over the memory."""
        return ops.as_strided(self, size, stride, storage_offset)

    def as_strided_(self, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
        """as_strided, in place."""
        return restride(self, ops.as_strided, size, stride, storage_offset)

    def diagonal(self, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
        """The diagonal through two axes, as the last axis; a view."""
        return ops.diagonal(self, offset, dim1, dim2)

    def diag(self, diagonal: Any = 0) -> Tensor:
        """The matrix with this diagonal, or the diagonal of this matrix."""
        return ops.diag(self, diagonal)

    def diag_embed(self, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Tensor:
        """Matrices with the last axis as a diagonal."""
        return ops.diag_embed(self, offset, dim1, dim2)

    def diagflat(self, offset: Any = 0) -> Tensor:
        """The matrix with all elements on a diagonal."""
        return ops.diagflat(self, offset)

    def fill_diagonal_(self, fill_value: Any, wrap: Any = False) -> Tensor:
        """One value on the main diagonal (of more axes: where all indices agree), in place.

        wrap: of a tall matrix, the diagonal begins again below its end.
        """
        return ops.strided.fill_diagonal_(self, fill_value, wrap)

    def tril(self, diagonal: Any = 0) -> Tensor:
        """The lower triangle."""
        return ops.tril(self, diagonal)

    def tril_(self, diagonal: Any = 0) -> Tensor:
        """tril, in place."""
        return assign(self, ops.tril, diagonal)

    def triu(self, diagonal: Any = 0) -> Tensor:
        """The upper triangle."""
        return ops.triu(self, diagonal)

    def triu_(self, diagonal: Any = 0) -> Tensor:
        """triu, in place."""
        return assign(self, ops.triu, diagonal)

    def pad(self, pad: Any, mode: Any = "constant", value: Any = None) -> Tensor:
        """Values before and after axes, from the last axis on."""
        return ops.pad(self, pad, mode, value)

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return ops.permute(self, tuple(range(self.array.ndim))[::-1])

    @property
    def H(self) -> Tensor:
        """The conjugate transpose of a matrix."""
        if self.array.ndim not in (0, 2):
            raise ValueError(f"H: expects a matrix, got shape {self.array.shape}; use mH")
        return ops.adjoint(self)

    @property
    def mH(self) -> Tensor:
        """Matrices transposed and conjugated."""
        return ops.adjoint(self)

    @property
    def mT(self) -> Tensor:
        """Matrices transposed: the last two axes exchanged."""
        return ops.transpose(self, -2, -1) if self.array.ndim else self.view(())

    def broadcast_to(self, size: Any) -> Tensor:
        """`expand`."""
        return ops.broadcast_to(self, size)

    def view_as(self, other: Any) -> Tensor:
        """`view` with the shape of another tensor."""
        return ops.view(self, ops._args.require_tensor(other, "view_as", "other").array.shape)

    def reshape_as(self, other: Any) -> Tensor:
        """`reshape` to the shape of another tensor."""
        return ops.reshape(self, ops._args.require_tensor(other, "reshape_as", "other").array.shape)

    def expand_as(self, other: Any) -> Tensor:
        """`expand` to the shape of another tensor."""
        return ops.expand(self, ops._args.require_tensor(other, "expand_as", "other").array.shape)

    # Other spellings

    swapaxes = swapdims = transpose
    swapaxes_ = swapdims_ = transpose_
    moveaxis = movedim
