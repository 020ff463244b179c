"""What a device must be able to do: the one list. A backend is a module (or object) that has these.

Arrays in, arrays out. `Array` is the device's own array: numpy.ndarray on the CPU. Axes are counted
from the front and sorted, shapes are tuples, types are NumPy dtypes; the caller has checked the
arguments. Results are fresh and C-contiguous, unless a view is promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from naivegrad.backend.protocol_indexing import Indexing
from naivegrad.backend.protocol_linalg import LinearAlgebra
from naivegrad.backend.protocol_rnn import Recurrent
from naivegrad.backend.resampling import Axis
from naivegrad.backend.window import Pair, Sides, Steps

Array = Any
Operand = Any  # an Array, or a Python number
Dtype = np.dtype[Any]
Shape = tuple[int, ...]


class Backend(Indexing, LinearAlgebra, Recurrent, Protocol):
    """One device."""

    name: str

    # array

    def device_of(self, x: Array) -> str:
        """Where an array lives."""
        ...

    def from_numpy(self, x: Array) -> Array:
        """The device's array of a NumPy array; shares memory where it can."""
        ...

    def to_numpy(self, x: Array) -> Array:
        """The NumPy array of a device's array; shares memory where it can."""
        ...

    def empty(self, shape: Shape, dtype: Dtype) -> Array:
        """An array of any content."""
        ...

    def full(self, shape: Shape, value: float, dtype: Dtype) -> Array:
        """An array of one value."""
        ...

    def arange(self, start: float, stop: float, step: float, dtype: Dtype) -> Array:
        """start, start + step, ... below stop."""
        ...

    def copy(self, x: Array) -> Array:
        """A fresh C-contiguous array of the same values."""
        ...

    def copy_into(self, target: Array, source: Array) -> None:
        """target[...] = source, broadcasting and casting. Overlap is no harm."""
        ...

    def owns_memory(self, x: Array) -> bool:
        """Whether no other array is known to share the memory of x."""
        ...

    def is_contiguous(self, x: Array) -> bool:
        """Whether the elements follow one another in C order."""
        ...

    def reshape(self, x: Array, shape: Shape) -> tuple[Array, bool]:
        """x with another shape, and whether it is a view (a copy where strides allow none)."""
        ...

    def permute(self, x: Array, axes: Shape) -> Array:
        """A view with the axes in another order."""
        ...

    def expand(self, x: Array, shape: Shape) -> Array:
        """A view of x broadcast to a shape."""
        ...

    def slice(self, x: Array, index: tuple[Any, ...]) -> Array:
        """A view: x[index] of integers, slices, None and Ellipsis."""
        ...

    def address(self, x: Array) -> int:
        """Where in memory the first element is."""
        ...

    def view_as_type(self, x: Array, dtype: Any) -> Array:
        """A view: the bytes of x as numbers of another type."""
        ...

    def diagonal(self, x: Array, offset: int, i: int, j: int) -> Array:
        """A view: the diagonal through axes i and j, as the last axis."""
        ...

    def windows(self, x: Array, axis: int, size: int, step: int) -> Array:
        """A view: windows of `size` slices along an axis, `step` apart, their places last."""
        ...

    def windows_add(self, x: Array, shape: Shape, axis: int, size: int, step: int) -> Array:
        """Zeros of a shape, with each window added at its place."""
        ...

    def as_strided(self, x: Array, shape: Shape, strides: Shape, offset: int) -> Array:
        """A view of contiguous x of another shape and steps, in elements."""
        ...

    def strided_add(self, x: Array, shape: Shape, strides: Shape, offset: int) -> Array:
        """Zeros of a shape, with x added at its places in `as_strided`."""
        ...

    def repeat(self, x: Array, counts: Array) -> Array:
        """Each element of a vector so often, one after the other."""
        ...

    def flip(self, x: Array, axes: Shape) -> Array:
        """A copy with the order along `axes` reversed."""
        ...

    def cat(self, arrays: list[Array], axis: int) -> Array:
        """The arrays one after the other along an axis."""
        ...

    def pad(self, x: Array, widths: tuple[tuple[int, int], ...], value: float) -> Array:
        """x with `widths` values before and after along each axis; negative widths cut off."""
        ...

    # complex

    def complex(self, real: Array, imag: Array) -> Array:
        """Real + imag i, broadcasting."""
        ...

    def real(self, x: Array) -> Array:
        """A view of the real parts."""
        ...

    def imag(self, x: Array) -> Array:
        """A view of the imaginary parts."""
        ...

    def conj(self, x: Array) -> Array:
        """A copy with the imaginary parts negated."""
        ...

    def view_as_real(self, x: Array) -> Array:
        """A view with the two parts of each number along a new last axis."""
        ...

    def view_as_complex(self, x: Array) -> Array:
        """A view of pairs of neighbours, along the last axis, as one number each."""
        ...

    def angle(self, x: Array) -> Array:
        """The angle of each number, in (-pi, pi]."""
        ...

    def sgn(self, x: Array) -> Array:
        """x / |x| of complex numbers, 0 of 0."""
        ...

    # fft: norm is "backward", "ortho" or "forward"

    def fft(self, x: Array, axes: Shape, inverse: bool, norm: Any) -> Array:
        """y[k] = scale * sum_n x[n] e^(-2 pi i k n / N), over axes; e^(+...) if `inverse`."""
        ...

    def rfft(self, x: Array, axis: int, norm: Any) -> Array:
        """The first N // 2 + 1 numbers of the transform of real x."""
        ...

    def irfft(self, x: Array, n: int, axis: int, norm: Any) -> Array:
        """The n real numbers whose `rfft` is x."""
        ...

    # elementwise

    def unary(
        self, op: str, x: Array, p: float = 0.0, q: float = 0.0, out: Array | None = None
    ) -> Array:
        """out[i] = op(x[i]; p, q). Integers give the default float type where op has no other."""
        ...

    def binary(
        self,
        op: str,
        x: Operand,
        y: Operand,
        p: float = 0.0,
        q: float = 0.0,
        out: Array | None = None,
    ) -> Array:
        """out[i] = op(x[i], y[i]; p, q), broadcasting; one of the two may be a Python number."""
        ...

    def compare(self, op: str, x: Operand, y: Operand) -> Array:
        """out[i] = op(x[i], y[i]) as bool, broadcasting; one of the two may be a Python number."""
        ...

    def where(self, condition: Array, x: Operand, y: Operand) -> Array:
        """out[i] = x[i] where condition[i], else y[i]; broadcasting all three."""
        ...

    def logical(self, op: str, x: Array, y: Operand | None = None) -> Array:
        """and, or, xor, not, shl, shr: bit by bit for integers, of truth values for bool."""
        ...

    def frexp(self, x: Array) -> tuple[Array, Array]:
        """m and the int32 e with x = m * 2^e, 1/2 <= |m| < 1."""
        ...

    def accumulate(self, target: Array, source: Array) -> None:
        """target += source, of one shape and type, in different memory."""
        ...

    def cast(self, x: Array, dtype: Dtype) -> Array:
        """x in another type; x itself if it is of that type."""
        ...

    # reduce

    def reduce(self, op: str, x: Array, axes: Shape, keepdims: bool, scale: float = 1.0) -> Array:
        """scale times the sum, prod, max, min, any or all over `axes` (sorted, not negative)."""
        ...

    def var(self, x: Array, axes: Shape, correction: float, keepdims: bool) -> Array:
        """sum((x - mean)^2) / (n - correction) over `axes`; NaN where n <= correction."""
        ...

    def arg_reduce(self, op: str, x: Array, axis: int, keepdims: bool) -> Array:
        """The first index of the largest ("max") or smallest ("min") value on an axis, as int64."""
        ...

    def logsumexp(self, x: Array, axes: Shape, keepdims: bool) -> Array:
        """log(sum(exp(x))) over `axes`, shifted by the maximum so that nothing overflows."""
        ...

    # scan

    def scan(self, op: str, x: Array, axis: int, backward: bool = False) -> Array:
        """Running "sum", "prod" or "logsumexp" on an axis; from the end if `backward`."""
        ...

    def others(self, x: Array, axis: int) -> Array:
        """y[i] = the product of all x but x[i] on an axis; right also where some are 0."""
        ...

    def recur(self, b: Array, a: Array, axis: int, backward: bool = False) -> Array:
        """y[k] = b[k] + a[k] * y[k - 1] on an axis; b[k] + a[k + 1] * y[k + 1] if `backward`."""
        ...

    def arg_scan(self, op: str, x: Array, axis: int) -> Array:
        """The last index of the "max" or "min" so far on an axis, NaN winning, as int64."""
        ...

    # quantile

    def arg_median(self, x: Array, axis: int, skip_nan: bool) -> Array:
        """The first index of the lower median on an axis, kept with length 1, as int64."""
        ...

    def arg_mode(self, x: Array, axis: int) -> Array:
        """The last index of the most frequent value (the smallest, if several), the axis kept."""
        ...

    def arg_rank(self, x: Array, ranks: list[Array]) -> list[Array]:
        """Where the values of ranks (..., Q) stand in lines x (..., n), NaN last, as int64."""
        ...

    # statistics, unique

    def bincount(self, x: Array, weights: Array | None, minlength: int) -> Array:
        """How often 0, 1, 2, ... occur in a line of integers; or their weights added."""
        ...

    def histogram(
        self,
        op: str,
        x: Array,
        bins: int | Array,
        limits: tuple[float, float] | None,
        weight: Array | None,
    ) -> tuple[Array, Array]:
        """How much falls in each bin, and the edges: given, or equally spaced over limits."""
        ...

    def unique(
        self, x: Array, axis: int | None, consecutive: bool, places: bool
    ) -> tuple[Array, Array | None, Array]:
        """The different elements, or slices along an axis: (values, inverse, counts).

        The inverse only if `places`.
        """
        ...

    # optim

    def optimizer_step(
        self,
        rule: str,
        params: list[Array],
        grads: list[Array],
        states: list[tuple[Array | None, ...]],
        numbers: list[tuple[float, ...]],
    ) -> None:
        """One step of each parameter by a rule of kernels.optim.RULES, in place with its state."""
        ...

    def adafactor_step(
        self, param: Array, grad: Array, row: Array | None, column: Array, *numbers: float
    ) -> None:
        """One step of Adafactor, in place; row is None for a vector."""
        ...

    def total_norm(self, arrays: Sequence[Array]) -> Array:
        """sqrt(sum of the squares of all elements of all arrays), () of the first array's type."""
        ...

    def limit_norm(self, arrays: Sequence[Array], norm: Array, limit: float) -> None:
        """Scale all arrays in place by limit / (norm + 1e-6) where that is below 1."""
        ...

    # softmax

    def softmax(self, x: Array, axis: int, logarithm: bool = False) -> Array:
        """exp(x) / sum(exp(x)) over `axis`, or its logarithm."""
        ...

    def softmax_grad(self, grad: Array, y: Array, axis: int, logarithm: bool = False) -> Array:
        """The gradient of x, from the result y."""
        ...

    # attention: q (..., L, D), k (..., S, D), v (..., S, E) of one type; leading axes broadcast, or
    # k and v have fewer heads than q; mask (..., L, S) is of bool (False: hidden) or added to the
    # scores; the weights (..., L, S) are dropped by the stream of (seed, offset)

    def attention(
        self,
        q: Array,
        k: Array,
        v: Array,
        mask: Array | None,
        causal: bool,
        scale: float,
        p: float,
        seed: int,
        offset: int,
    ) -> tuple[Array, Array]:
        """softmax(scale * q @ k.T + mask) @ v, and the log-sum-exp of each row of scores.

        A row that sees no key gives 0.
        """
        ...

    def attention_grad(
        self,
        grad: Array,
        q: Array,
        k: Array,
        v: Array,
        mask: Array | None,
        out: Array,
        lse: Array,
        causal: bool,
        scale: float,
        p: float,
        seed: int,
        offset: int,
        needs: tuple[bool, ...],
    ) -> tuple[Array | None, ...]:
        """The gradients of q, k, v (leading axes broadcast) and mask; None where not needed."""
        ...

    # loss: reduction is "none", "mean" or "sum";
    # scores x (N, C, ...) or (C,), target (N, ...) or (), weight (C,)

    def cross_entropy(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        ignore_index: int,
        label_smoothing: float,
        reduction: str,
    ) -> tuple[Array, Array]:
        """The loss of scores x for classes, and statistics for cross_entropy_grad.

        IndexError, naming the value, for a target outside [0, C) that is not ignore_index.
        """
        ...

    def cross_entropy_grad(
        self,
        grad: Array,
        x: Array,
        target: Array,
        weight: Array | None,
        stats: Array,
        ignore_index: int,
        label_smoothing: float,
        reduction: str,
    ) -> Array:
        """The gradient of the scores: sum(q) softmax(x) - q, q the weighted, smoothed target."""
        ...

    def ctc_loss(
        self, x: Array, target: Array, lengths: Array, labels: Array, blank: int
    ) -> tuple[Array, Array]:
        """(loss (N,), statistics) of log-probabilities x (T, N, C).

        target : (N, S), padded, or (sum of labels,), one sample after the other
        lengths, labels : (N,): how many times and how many labels a sample has
        """
        ...

    def ctc_loss_grad(
        self,
        grad: Array,
        x: Array,
        target: Array,
        lengths: Array,
        labels: Array,
        blank: int,
        loss: Array,
        stats: Array,
        zero_infinity: bool,
    ) -> Array:
        """The gradient of x: exp(x) less the probability of each class at each time, times grad."""
        ...

    def nll_loss(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        ignore_index: int,
        label_smoothing: float,
        reduction: str,
    ) -> Array:
        """-sum_c q_c x_c, arguments as cross_entropy: linear in x."""
        ...

    def nll_loss_grad(
        self,
        grad: Array,
        target: Array,
        weight: Array | None,
        shape: Shape,
        ignore_index: int,
        label_smoothing: float,
        reduction: str,
    ) -> Array:
        """-q times the gradient of its position: an array of the shape of x."""
        ...

    def mse_loss(self, x: Array, y: Array, reduction: str) -> Array:
        """(x - y)^2 of two arrays of one shape: each, their mean, or their sum."""
        ...

    def mse_loss_grad(self, grad: Array, x: Array, y: Array, reduction: str) -> Array:
        """The gradient of x, minus that of y: 2 grad (x - y), divided by their number for mean."""
        ...

    # norm

    def layer_norm(
        self, x: Array, axes: int, weight: Array | None, bias: Array | None, eps: float
    ) -> tuple[Array, Array]:
        """(x - mean) / sqrt(var + eps) * weight + bias over the last axes; and statistics."""
        ...

    def layer_norm_grad(
        self,
        grad: Array,
        x: Array,
        weight: Array | None,
        stats: Array,
        axes: int,
        with_x: bool,
        with_weight: bool,
    ) -> tuple[Array | None, Array | None, Array | None]:
        """The gradients of x, of weight and of bias; None for what is not asked for."""
        ...

    def batch_norm(
        self,
        x: Array,
        running_mean: Array | None,
        running_var: Array | None,
        weight: Array | None,
        bias: Array | None,
        training: bool,
        momentum: float,
        eps: float,
    ) -> tuple[Array, Array]:
        """(x - mean) / sqrt(var + eps) * weight + bias per channel of (N, C, ...); and statistics.

        In training mean and var are those of x, and the running ones move towards them, in place.
        """
        ...

    def batch_norm_grad(
        self,
        grad: Array,
        x: Array,
        weight: Array | None,
        stats: Array,
        training: bool,
        with_x: bool,
    ) -> tuple[Array | None, Array | None, Array | None]:
        """The gradients of x (None unless `with_x`), of weight and of bias."""
        ...

    # random: `offset` counts blocks of four 32-bit words in the stream of `seed`

    def random(
        self, kind: str, shape: Shape, dtype: Dtype, a: float, b: float, seed: int, offset: int
    ) -> Array:
        """Random numbers: "uniform" in [a, b), "normal" of mean a and standard deviation b,
        "bernoulli" of probability a.

        float64 takes two words of the stream an element, all else one.
        """
        ...

    def random_integers(self, shape: Shape, low: int, high: int, seed: int, offset: int) -> Array:
        """int64 in [low, high); two words of the stream an element."""
        ...

    def poisson(self, rates: Array, seed: int, offset: int) -> Array:
        """Poisson distributed counts."""
        ...

    def random_permutation(self, n: int, seed: int, offset: int) -> Array:
        """0 ... n - 1 in random order, int64; two words of the stream an element."""
        ...

    def dropout(self, x: Array, p: float, seed: int, offset: int) -> Array:
        """x / (1 - p), or 0 with probability p; one word of the stream an element, in C order."""
        ...

    # embedding

    def embedding(self, index: Array, weight: Array) -> Array:
        """weight[index]: rows of a (V, D) table; IndexError for an index outside [0, V)."""
        ...

    def embedding_grad(self, grad: Array, index: Array, rows: int, padding_idx: int) -> Array:
        """(rows, D): row v is the sum of the gradients of the places where index is v.

        The row `padding_idx` stays zero (-1: there is none). Rows are added in the index's order.
        """
        ...

    def embedding_bag(
        self,
        table: Array,
        scale: Array | None,
        index: Array,
        start: Array,
        padding_idx: int,
        mean: bool,
    ) -> Array:
        """(B, D): sums (or means) of the rows of each bag, times `scale` by position.

        Bag b are the positions start[b] to start[b + 1] - 1. `padding_idx` counts for nothing.
        """
        ...

    def embedding_bag_grad(
        self,
        grad: Array,
        scale: Array | None,
        index: Array,
        start: Array,
        rows: int,
        padding_idx: int,
        mean: bool,
    ) -> Array:
        """(rows, D): the transpose of embedding_bag."""
        ...

    def embedding_bag_dot(
        self, grad: Array, table: Array, index: Array, start: Array, padding_idx: int
    ) -> Array:
        """By position, the gradient of its bag times its row: the gradient of `scale`."""
        ...

    def embedding_bag_argmax(
        self, table: Array, index: Array, start: Array, padding_idx: int
    ) -> Array:
        """(B, D): the row of each bag with the largest number in a column; -1 if it is empty."""
        ...

    # conv

    def convolution(
        self,
        x: Array,
        w: Array,
        bias: Array | None,
        stride: Steps,
        padding: Sides,
        dilation: Steps,
        groups: int,
    ) -> Array:
        """y (N, F, OH, OW) of x (N, C, H, W), w (F, C // groups, KH, KW), bias (F,).

        The images have as many dimensions as there are strides: 1, 2 or 3.
        """
        ...

    def convolution_grad_input(
        self,
        grad: Array,
        w: Array,
        x_shape: Shape,
        stride: Steps,
        padding: Sides,
        dilation: Steps,
        groups: int,
    ) -> Array:
        """The transpose of x -> convolution(x, w): grad (N, F, OH, OW) to (N, C, H, W)."""
        ...

    def convolution_grad_weight(
        self,
        grad: Array,
        x: Array,
        w_shape: Shape,
        stride: Steps,
        padding: Sides,
        dilation: Steps,
        groups: int,
    ) -> Array:
        """The transpose of w -> convolution(x, w): grad to (F, C // groups, KH, KW)."""
        ...

    def unfold(
        self, x: Array, kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair
    ) -> Array:
        """All windows of x (N, C, H, W) as columns, (N, C*KH*KW, OH*OW)."""
        ...

    def fold(
        self,
        x: Array,
        output_size: Pair,
        kernel_size: Pair,
        dilation: Pair,
        padding: Pair,
        stride: Pair,
    ) -> Array:
        """The transpose of unfold: columns (N, C*KH*KW, OH*OW) summed into (N, C, H, W)."""
        ...

    # pool

    def max_pool(
        self,
        x: Array,
        kernel_size: Steps,
        stride: Steps,
        padding: Steps,
        dilation: Steps,
        ceil_mode: bool,
    ) -> tuple[Array, Array]:
        """The greatest value of each window, and its position in its plane, h * W + w, as int32."""
        ...

    def max_pool_grad(self, grad: Array, index_: Array, x_shape: Shape) -> Array:
        """grad (N, C, OH, OW) added up at the positions that max_pool found, in (N, C, H, W)."""
        ...

    def max_pool_pick(self, x: Array, index_: Array) -> Array:
        """The transpose of max_pool_grad: the value at each position, 0 where there is none."""
        ...

    def adaptive_max_pool(self, x: Array, output_size: Steps) -> tuple[Array, Array]:
        """The greatest values of windows that cover the image evenly, and their positions."""
        ...

    def fractional_max_pool(
        self, x: Array, samples: Array, kernel_size: Steps, output_size: Steps
    ) -> tuple[Array, Array]:
        """The same of windows of one size, their distances drawn: samples (N, C, 2 or 3)."""
        ...

    def unpool_index(self, index_: Array, size: int) -> Array:
        """Positions in planes of `size` pixels as int32, -1 for all but the last of equal ones."""
        ...

    def avg_pool(
        self,
        x: Array,
        kernel_size: Steps,
        stride: Steps,
        padding: Steps,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        """The mean of each window."""
        ...

    def avg_pool_grad(
        self,
        grad: Array,
        x_shape: Shape,
        kernel_size: Steps,
        stride: Steps,
        padding: Steps,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        """The transpose of avg_pool."""
        ...

    def adaptive_avg_pool(self, x: Array, output_size: Steps) -> Array:
        """The means of OH x OW windows that cover the image evenly."""
        ...

    def adaptive_avg_pool_grad(self, grad: Array, x_shape: Shape) -> Array:
        """The transpose of adaptive_avg_pool."""
        ...

    # interpolate

    def resample(self, x: Array, axes: tuple[Axis, ...], transposed: bool) -> Array:
        """x (N, C, ...) with its last axes resampled; or the transpose of that linear map."""
        ...

    # grid_sample: mode "bilinear", "nearest" or "bicubic"; outside "zeros", "border", "reflection"

    def grid_sample(self, x: Array, grid: Array, mode: str, outside: str, align: bool) -> Array:
        """x (N, C, [D,] H, W) at the points of grid (N, ..., 2 or 3): (N, C, ...)."""
        ...

    def grid_sample_grad(
        self,
        grad: Array,
        x: Array,
        grid: Array,
        mode: str,
        outside: str,
        align: bool,
        with_x: bool,
        with_grid: bool,
    ) -> tuple[Array | None, Array | None]:
        """The gradients of x and of grid; None for what is not asked for."""
        ...
