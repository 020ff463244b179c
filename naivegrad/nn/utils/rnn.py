"""Sequences of several lengths: padded to one length, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from naivegrad.dtype import float16, float32, float64, int8, int16, int32, int64, uint8
from naivegrad.ops import arange, as_tensor, empty_like, stack
from naivegrad.ops._args import require_tensor
from naivegrad.ops.padding import pad
from naivegrad.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of several lengths, longest first, one step after another and without padding.

    Made by `pack_padded_sequence` and `pack_sequence`, taken and given by the recurrent layers: of
    sequences abc and x, data is a x b c and batch_sizes is [2, 1, 1].

    Attributes
    ----------
    data : Tensor, (rows, ...)
    batch_sizes : Tensor of int64, (L,)         how many sequences reach step t
    sorted_indices : Tensor of int64, (N,), or None     which sequence comes first, second, ...
    unsorted_indices : Tensor of int64, (N,), or None   and the inverse of that
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """Also of data = (data, batch_sizes)."""
        if batch_sizes is None:
            if not isinstance(data, tuple | list) or len(data) != 2:
                raise TypeError(
                    "PackedSequence: expected data and batch_sizes, got data of type "
                    f"{type(data).__name__} alone"
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Tensor) -> PackedSequence:
        """The same sequences, of other data; the indices go to its device, batch_sizes stay."""
        if data is self.data:
            return self
        indices = self.sorted_indices, self.unsorted_indices
        there = (None if index is None else index.to(data.device) for index in indices)
        return type(self)(data, self.batch_sizes, *there)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With data.to(...); itself, if that changes nothing."""
        return self._with(self.data.to(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With the data on a GPU."""
        return self._with(self.data.cuda(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """With the data on the CPU."""
        return self._with(self.data.cpu())

    def double(self) -> PackedSequence:
        """With the data as float64."""
        return self.to(float64)

    def float(self) -> PackedSequence:
        """With the data as float32."""
        return self.to(float32)

    def half(self) -> PackedSequence:
        """With the data as float16."""
        return self.to(float16)

    def long(self) -> PackedSequence:
        """With the data as int64."""
        return self.to(int64)

    def int(self) -> PackedSequence:
        """With the data as int32."""
        return self.to(int32)

    def short(self) -> PackedSequence:
        """With the data as int16."""
        return self.to(int16)

    def char(self) -> PackedSequence:
        """With the data as int8."""
        return self.to(int8)

    def byte(self) -> PackedSequence:
        """With the data as uint8."""
        return self.to(uint8)

    def pin_memory(self) -> PackedSequence:
        """Itself: no memory is pinned."""
        return self

    def is_pinned(self) -> bool:
        """False: no memory is pinned."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether the data are on a GPU."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """q with q[permutation[i]] = i; None for None."""
    if permutation is None:
        return None
    inverse = empty_like(permutation)
    return inverse.scatter_(
        0, permutation, arange(len(permutation), dtype=permutation.dtype, device=inverse.device)
    )


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Leave out the padding of sequences of several lengths.

    Parameters
    ----------
    input : Tensor, (L, N, ...), or (N, L, ...) if batch_first
    lengths : how long each of the N sequences is: 1 to L
    enforce_sorted : the sequences come longest first; otherwise they are put into that order

    Returns
    -------
    PackedSequence      whose data, (sum of lengths, ...), is differentiable in input

    Raises
    ------
    ValueError
        Lengths of another number, out of range, or not longest first where that is enforced.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.tensor([[1, 2, 3], [4, 0, 0]])
    >>> ng.nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True).data
    tensor([1, 4, 2, 3])
    """
    op = "pack_padded_sequence"
    if require_tensor(input, op).ndim < 2:
        raise ValueError(f"{op}: input must be (L, N, ...), got {tuple(input.shape)}")
    input = input.transpose(0, 1) if batch_first else input
    lengths = as_tensor(lengths, dtype=int64, device="cpu")
    counts = lengths.tolist()
    length, batch = input.shape[:2]
    if not batch:
        raise ValueError(f"{op}: expected at least one sequence, got {tuple(input.shape)}")
    if lengths.ndim != 1 or len(counts) != batch:
        raise ValueError(
            f"{op}: expected {batch} lengths for an input of {batch} sequences, got a tensor of "
            f"{tuple(lengths.shape)}"
        )
    if not all(1 <= n <= length for n in counts):
        raise ValueError(f"{op}: lengths must be within 1 and L={length}, got {counts}")
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True, stable=True)
        order = order.to(input.device)
        input = input.index_select(1, order)
    elif counts != sorted(counts, reverse=True):
        raise ValueError(
            f"{op}: expected lengths longest first, got {counts}; with enforce_sorted=False the "
            "sequences are put into that order"
        )
    inside = _reached(lengths, max(counts))
    return PackedSequence(input[: len(inside)][inside.to(input.device)], inside.sum(1), order)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The inverse of `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence of N sequences
    padding_value : what stands behind the shorter ones
    total_length : L; the greatest length, if left out

    Returns
    -------
    padded : Tensor, (L, N, ...), or (N, L, ...) if batch_first; differentiable in sequence.data
    lengths : Tensor of int64, (N,)

    Raises
    ------
    ValueError
        total_length is less than the greatest length.
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(
            f"pad_packed_sequence: expected a PackedSequence, got {type(sequence).__name__}"
        )
    data, sizes = sequence.data, sequence.batch_sizes
    length = len(sizes)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                f"pad_packed_sequence: total_length must be at least {length}, the length of the "
                f"longest sequence, got {total_length}"
            )
        length = total_length
    batch = int(sizes[0])
    lengths = (arange(batch).reshape(1, -1) < sizes.reshape(-1, 1)).sum(0)
    padded = data.detach().new_full((length, batch, *data.shape[1:]), padding_value)
    padded = padded.index_put((_reached(lengths, length).to(data.device),), data)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def _reached(lengths: Tensor, steps: int) -> Tensor:
    """Which of the sequences reach which step, (steps, N)."""
    return arange(steps).reshape(-1, 1) < lengths


def pad_sequence(
    sequences: Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences of several lengths as one tensor.

    Parameters
    ----------
    sequences : N Tensors, (L_i, ...), alike but for L_i
    padding_value : what fills up the shorter ones
    padding_side : "right" or "left": where

    Returns
    -------
    Tensor, (L, N, ...), or (N, L, ...) if batch_first; differentiable in the sequences

    Raises
    ------
    ValueError
        No sequences, other sizes behind the first, another padding_side.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.utils.rnn.pad_sequence([ng.tensor([1, 2]), ng.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    op = "pad_sequence"
    if not isinstance(sequences, Iterable):
        raise TypeError(f"{op}: expected a list of Tensors, got {type(sequences).__name__}")
    sequences = [require_tensor(s, op, "each sequence") for s in sequences]
    if not sequences:
        raise ValueError(f"{op}: expected at least one sequence")
    if padding_side not in ("left", "right"):
        raise ValueError(f"{op}: padding_side must be 'left' or 'right', got {padding_side!r}")
    first = sequences[0]
    for s in sequences:
        if s.ndim == 0 or s.shape[1:] != first.shape[1:]:
            raise ValueError(
                f"{op}: the sequences must be alike but for their lengths, got "
                f"{tuple(first.shape)} and {tuple(s.shape)}"
            )
    length = max(len(s) for s in sequences)
    padded = []
    for s in sequences:
        rest = (0, 0) * (s.ndim - 1)
        short = length - len(s)
        widths = (short, 0) if padding_side == "left" else (0, short)
        padded.append(pad(s, (*rest, *widths), value=padding_value))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The inverse of `pad_sequence`: a list of Tensors, (L_i, ...), views of padded_sequences."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    counts = as_tensor(lengths).tolist()
    if len(counts) != len(rows):
        raise ValueError(f"unpad_sequence: {len(counts)} lengths for {len(rows)} sequences")
    return [row[:n] for row, n in zip(rows.unbind(0), counts, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """`pack_padded_sequence` of Tensors, (L_i, ...)."""
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The inverse of `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
