"""softmax and log_softmax over one axis."""

from __future__ import annotations

from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, dense_float, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import softmax as kernel


def softmax(x: ndarray, axis: int, logarithm: bool = False) -> ndarray:
    """exp(x) / sum(exp(x)) over `axis`, or its logarithm."""
    y = kernel.softmax(x, axis, logarithm)
    if y is None:
        y = cast(kernel.softmax(dense_float("softmax", x), axis, logarithm), x.dtype)
    return y


def softmax_grad(grad: ndarray, y: ndarray, axis: int, logarithm: bool = False) -> ndarray:
    """The gradient of x from y: y * (grad - sum(grad * y)), or grad - exp(y) * sum(grad)."""
    out = kernel.softmax_grad(grad, y, axis, logarithm)
    if out is None:
        work = working_type(y)
        out = cast(
            kernel.softmax_grad(
                dense("softmax", grad, y.shape, work),
                dense("softmax", y, y.shape, work),
                axis,
                logarithm,
            ),
            y.dtype,
        )
    return out
