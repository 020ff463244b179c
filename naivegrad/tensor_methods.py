"""The named methods of Tensor: one line each, applying a function of naivegrad/ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad import dtype as dtypes

if TYPE_CHECKING:
    from naivegrad.ops import activation, compare, copying, elementwise, linalg, movement, reduce
    from naivegrad.ops import index as indexing
    from naivegrad.ops.softmax import log_softmax, softmax
    from naivegrad.tensor import Tensor


class TensorMethods:
    """Base class of Tensor: operations that have a name. Formulas and errors: see the functions."""

    __slots__ = ()  # the fields are those of Tensor

    array: Any

    # naivegrad/ops/elementwise.py

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self + alpha * other."""
        return elementwise.add(self, other, alpha=alpha)

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self - alpha * other."""
        return elementwise.sub(self, other, alpha=alpha)

    def mul(self, other: Any) -> Tensor:
        """self * other."""
        return elementwise.mul(self, other)

    def div(self, other: Any) -> Tensor:
        """self / other."""
        return elementwise.div(self, other)

    def pow(self, exponent: Any) -> Tensor:
        """self ** exponent."""
        return elementwise.pow(self, exponent)

    def neg(self) -> Tensor:
        """-self."""
        return elementwise.neg(self)

    def abs(self) -> Tensor:
        """The absolute values."""
        return elementwise.abs(self)

    def sign(self) -> Tensor:
        """-1, 0 or 1."""
        return elementwise.sign(self)

    def square(self) -> Tensor:
        """self * self."""
        return elementwise.square(self)

    def reciprocal(self) -> Tensor:
        """1 / self."""
        return elementwise.reciprocal(self)

    def sqrt(self) -> Tensor:
        """The square root."""
        return elementwise.sqrt(self)

    def rsqrt(self) -> Tensor:
        """1 / sqrt(self)."""
        return elementwise.rsqrt(self)

    def exp(self) -> Tensor:
        """e ** self."""
        return elementwise.exp(self)

    def log(self) -> Tensor:
        """The natural logarithm."""
        return elementwise.log(self)

    def log1p(self) -> Tensor:
        """log(1 + self)."""
        return elementwise.log1p(self)

    def sin(self) -> Tensor:
        """The sine of radians."""
        return elementwise.sin(self)

    def cos(self) -> Tensor:
        """The cosine of radians."""
        return elementwise.cos(self)

    def erf(self) -> Tensor:
        """The error function."""
        return elementwise.erf(self)

    def floor(self) -> Tensor:
        """The largest integer not above."""
        return elementwise.floor(self)

    def ceil(self) -> Tensor:
        """The smallest integer not below."""
        return elementwise.ceil(self)

    # naivegrad/ops/activation.py

    def tanh(self) -> Tensor:
        """The hyperbolic tangent."""
        return activation.tanh(self)

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-self))."""
        return activation.sigmoid(self)

    def relu(self) -> Tensor:
        """max(self, 0)."""
        return activation.relu(self)

    # naivegrad/ops/elementwise.py

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Not below min, not above max."""
        return elementwise.clamp(self, min, max)

    def remainder(self, other: Any) -> Tensor:
        """What division leaves, of the sign of other."""
        return elementwise.remainder(self, other)

    def floor_divide(self, other: Any) -> Tensor:
        """floor(self / other); no gradient."""
        return elementwise.floor_divide(self, other)

    def maximum(self, other: Any) -> Tensor:
        """The larger of two, element by element."""
        return elementwise.maximum(self, other)

    def minimum(self, other: Any) -> Tensor:
        """The smaller of two, element by element."""
        return elementwise.minimum(self, other)

    # naivegrad/ops/compare.py

    def eq(self, other: Any) -> Tensor:
        """self == other, as bool."""
        return compare.eq(self, other)

    def ne(self, other: Any) -> Tensor:
        """self != other, as bool."""
        return compare.ne(self, other)

    def lt(self, other: Any) -> Tensor:
        """self < other, as bool."""
        return compare.lt(self, other)

    def le(self, other: Any) -> Tensor:
        """self <= other, as bool."""
        return compare.le(self, other)

    def gt(self, other: Any) -> Tensor:
        """self > other, as bool."""
        return compare.gt(self, other)

    def ge(self, other: Any) -> Tensor:
        """self >= other, as bool."""
        return compare.ge(self, other)

    def isnan(self) -> Tensor:
        """Where it is not a number."""
        return compare.isnan(self)

    def isinf(self) -> Tensor:
        """Where it is infinite."""
        return compare.isinf(self)

    def isfinite(self) -> Tensor:
        """Where it is neither infinite nor NaN."""
        return compare.isfinite(self)

    def logical_and(self, other: Any) -> Tensor:
        """Whether both are not zero."""
        return compare.logical_and(self, other)

    def logical_or(self, other: Any) -> Tensor:
        """Whether either is not zero."""
        return compare.logical_or(self, other)

    def logical_xor(self, other: Any) -> Tensor:
        """Whether exactly one is not zero."""
        return compare.logical_xor(self, other)

    def logical_not(self) -> Tensor:
        """Whether it is zero."""
        return compare.logical_not(self)

    def bitwise_and(self, other: Any) -> Tensor:
        """Bits set in both."""
        return compare.bitwise_and(self, other)

    def bitwise_or(self, other: Any) -> Tensor:
        """Bits set in either."""
        return compare.bitwise_or(self, other)

    def bitwise_xor(self, other: Any) -> Tensor:
        """Bits set in one of the two."""
        return compare.bitwise_xor(self, other)

    def bitwise_not(self) -> Tensor:
        """Every bit turned."""
        return compare.bitwise_not(self)

    # naivegrad/ops/copying.py

    def cast(self, dtype: Any) -> Tensor:
        """In another NumPy type; itself if it is of that type."""
        return copying.cast(self, dtype)

    def clone(self) -> Tensor:
        """A copy; the gradient passes through."""
        return copying.clone(self)

    # naivegrad/ops/reduce.py

    def sum(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The sum over dim (all, if left out)."""
        return reduce.sum(self, dim, keepdim, dtype=dtype)

    def mean(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The mean over dim (all, if left out)."""
        return reduce.mean(self, dim, keepdim, dtype=dtype)

    def prod(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The product over dim (all, if left out)."""
        return reduce.prod(self, dim, keepdim, dtype=dtype)

    def amax(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        """The largest value over dim; equal ones share the gradient."""
        return reduce.amax(self, dim, keepdim)

    def amin(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        """The smallest value over dim; equal ones share the gradient."""
        return reduce.amin(self, dim, keepdim)

    def max(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The largest of all; (values, indices) along dim; of two tensors."""
        return reduce.extreme("max", self, dim, keepdim)

    def min(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The smallest of all; (values, indices) along dim; of two tensors."""
        return reduce.extreme("min", self, dim, keepdim)

    def argmax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Where the largest value is."""
        return reduce.argmax(self, dim, keepdim)

    def argmin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Where the smallest value is."""
        return reduce.argmin(self, dim, keepdim)

    def var(
        self, dim: Any = None, unbiased: Any = None, keepdim: Any = False, *, correction: Any = None
    ) -> Tensor:
        """The variance over dim."""
        return reduce.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self, dim: Any = None, unbiased: Any = None, keepdim: Any = False, *, correction: Any = None
    ) -> Tensor:
        """The standard deviation over dim."""
        return reduce.std(self, dim, unbiased, keepdim, correction=correction)

    def logsumexp(self, dim: Any, keepdim: Any = False) -> Tensor:
        """log(sum(exp(self))) over dim."""
        return reduce.logsumexp(self, dim, keepdim)

    def cumsum(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """Running sums along dim."""
        return reduce.cumsum(self, dim, dtype=dtype)

    def cumprod(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """Running products along dim."""
        return reduce.cumprod(self, dim, dtype=dtype)

    def any(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether any element over dim is not zero."""
        return reduce.any(self, dim, keepdim)

    def all(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether all elements over dim are not zero."""
        return reduce.all(self, dim, keepdim)

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: Any = False) -> Tensor:
        """(sum |self|^p)^(1/p) over dim."""
        return reduce.norm(self, p, dim, keepdim)

    # naivegrad/ops/movement.py

    def reshape(self, *lengths: Any, shape: Any = ()) -> Tensor:
        """The elements in another shape: a view where possible, else a copy."""
        return movement.reshape(self, lengths or shape)

    def view(self, *lengths: Any, size: Any = ()) -> Tensor:
        """The elements in another shape, sharing memory."""
        return movement.view(self, lengths or size)

    def permute(self, *axes: Any, dims: Any = ()) -> Tensor:
        """The axes in another order."""
        return movement.permute(self, axes or dims)

    def transpose(self, dim0: Any, dim1: Any) -> Tensor:
        """Two axes exchanged."""
        return movement.transpose(self, dim0, dim1)

    def t(self) -> Tensor:
        """The transpose of a matrix."""
        return movement.t(self)

    def movedim(self, source: Any, destination: Any) -> Tensor:
        """Axes moved to new places."""
        return movement.movedim(self, source, destination)

    def squeeze(self, dim: Any = None) -> Tensor:
        """Without axes of length 1."""
        return movement.squeeze(self, dim)

    def unsqueeze(self, dim: Any) -> Tensor:
        """With a new axis of length 1."""
        return movement.unsqueeze(self, dim)

    def repeat(self, *times: Any, repeats: Any = ()) -> Tensor:
        """Repeated so often along each axis."""
        return movement.repeat(self, times or repeats)

    def expand(self, *lengths: Any, size: Any = ()) -> Tensor:
        """Axes of length 1 repeated without copying."""
        return movement.expand(self, lengths or size)

    def flatten(self, start_dim: Any = 0, end_dim: Any = -1) -> Tensor:
        """The axes from start_dim to end_dim as one."""
        return movement.flatten(self, start_dim, end_dim)

    def ravel(self) -> Tensor:
        """All axes as one."""
        return movement.ravel(self)

    def unflatten(self, dim: Any, sizes: Any) -> Tensor:
        """One axis as several."""
        return movement.unflatten(self, dim, sizes)

    def split(self, split_size: Any, dim: Any = 0) -> Any:
        """Consecutive pieces along dim."""
        return movement.split(self, split_size, dim)

    def chunk(self, chunks: Any, dim: Any = 0) -> Any:
        """At most `chunks` pieces of equal length along dim."""
        return movement.chunk(self, chunks, dim)

    def unbind(self, dim: Any = 0) -> Any:
        """The slices along dim, without it."""
        return movement.unbind(self, dim)

    def select(self, dim: Any, index: Any) -> Tensor:
        """The slice at one index of dim."""
        return movement.select(self, dim, index)

    def narrow(self, dim: Any, start: Any, length: Any) -> Tensor:
        """`length` slices of dim from start on."""
        return movement.narrow(self, dim, start, length)

    def flip(self, *axes: Any, dims: Any = ()) -> Tensor:
        """A copy with the order along dims reversed."""
        return movement.flip(self, axes or dims)

    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        """Elements moved along dims, round the end."""
        return movement.roll(self, shifts, dims)

    def pad(self, pad: Any, mode: Any = "constant", value: Any = None) -> Tensor:
        """Values before and after axes, from the last axis on."""
        return movement.pad(self, pad, mode, value)

    # naivegrad/ops/index.py

    def gather(self, dim: Any, index: Any) -> Tensor:
        """y[i, j] = self[index[i, j], j] (dim 0), and so on."""
        return indexing.gather(self, dim, index)

    def scatter_add(self, dim: Any, index: Any, src: Any) -> Tensor:
        """A copy with y[index[i, j], j] += src[i, j] (dim 0), and so on."""
        return indexing.scatter_add(self, dim, index, src)

    def index_add(self, dim: Any, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
        """A copy with alpha * source added where index says; repeated indices add up."""
        return indexing.index_add(self, dim, index, source, alpha=alpha)

    def index_select(self, dim: Any, index: Any) -> Tensor:
        """The slices of dim at the positions of a 1-d index."""
        return indexing.index_select(self, dim, index)

    def take_along_dim(self, indices: Any, dim: Any = None) -> Tensor:
        """`gather`, broadcasting the other dimensions; of all flattened without dim."""
        return indexing.take_along_dim(self, indices, dim)

    def where(self, condition: Any, other: Any) -> Tensor:
        """self where condition, else other."""
        return elementwise.where(condition, self, other)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """value where mask, else self."""
        return indexing.masked_fill(self, mask, value)

    def masked_select(self, mask: Any) -> Tensor:
        """The elements where mask, as a 1-d tensor."""
        return indexing.masked_select(self, mask)

    def nonzero(self, *, as_tuple: Any = False) -> Any:
        """The positions of what is not zero."""
        return indexing.nonzero(self, as_tuple=as_tuple)

    def diagonal(self, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
        """The diagonal through two axes, as a new last axis."""
        return indexing.diagonal(self, offset, dim1, dim2)

    def tril(self, diagonal: Any = 0) -> Tensor:
        """The lower triangle."""
        return indexing.tril(self, diagonal)

    def triu(self, diagonal: Any = 0) -> Tensor:
        """The upper triangle."""
        return indexing.triu(self, diagonal)

    # naivegrad/ops/linalg.py

    def matmul(self, other: Any) -> Tensor:
        """The matrix product."""
        return linalg.matmul(self, other)

    def mm(self, mat2: Any) -> Tensor:
        """The product of two matrices."""
        return linalg.mm(self, mat2)

    def bmm(self, mat2: Any) -> Tensor:
        """The products of two batches of matrices."""
        return linalg.bmm(self, mat2)

    def mv(self, vec: Any) -> Tensor:
        """The product of a matrix and a vector."""
        return linalg.mv(self, vec)

    def dot(self, other: Any) -> Tensor:
        """The inner product of two vectors."""
        return linalg.dot(self, other)

    def outer(self, vec2: Any) -> Tensor:
        """z[i, j] = self[i] * vec2[j]."""
        return linalg.outer(self, vec2)

    # naivegrad/ops/softmax.py

    def softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        """exp(self) / sum(exp(self)) along dim."""
        return softmax(self, dim, dtype)

    def log_softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        """The logarithm of softmax."""
        return log_softmax(self, dim, dtype)

    # Other spellings

    absolute = abs
    negative = neg
    subtract = sub
    multiply = mul
    true_divide = divide = div
    clip = clamp
    broadcast_to = expand
    swapaxes = swapdims = transpose
    moveaxis = movedim

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return movement.permute(self, tuple(range(self.array.ndim))[::-1])

    @property
    def mT(self) -> Tensor:
        """Matrices transposed: the last two axes exchanged."""
        return movement.transpose(self, -2, -1)

    def float(self) -> Tensor:
        """As float32."""
        return copying.cast(self, dtypes.float32.numpy)

    def double(self) -> Tensor:
        """As float64."""
        return copying.cast(self, dtypes.float64.numpy)

    def half(self) -> Tensor:
        """As float16."""
        return copying.cast(self, dtypes.float16.numpy)

    def int(self) -> Tensor:
        """As int32."""
        return copying.cast(self, dtypes.int32.numpy)

    def long(self) -> Tensor:
        """As int64."""
        return copying.cast(self, dtypes.int64.numpy)

    def bool(self) -> Tensor:
        """As bool: whether it is not zero."""
        return copying.cast(self, dtypes.bool_.numpy)

    def type_as(self, other: Any) -> Tensor:
        """In the type of another tensor."""
        return copying.cast(self, other.array.dtype)

    def view_as(self, other: Any) -> Tensor:
        """`view` with the shape of another tensor."""
        return movement.view(self, other.array.shape)

    def reshape_as(self, other: Any) -> Tensor:
        """`reshape` to the shape of another tensor."""
        return movement.reshape(self, other.array.shape)

    def expand_as(self, other: Any) -> Tensor:
        """`expand` to the shape of another tensor."""
        return movement.expand(self, other.array.shape)

    def sum_to(self, shape: tuple[Any, ...]) -> Tensor:
        """Summed down to a shape that broadcasts to this one: the transpose of broadcasting."""
        return reduce.SumTo.apply(self, shape)


def connect(**families: Any) -> None:
    """Hand over the modules of naivegrad/ops, which need Tensor and so are imported after it."""
    globals().update(families)
