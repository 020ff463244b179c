"""Activations without kinks that are not in activation.py, and the gated linear unit."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function, formula_vjp
from naivegrad.autograd.inplace import assign
from naivegrad.ops._args import normalize_axis, require_floating, require_tensor
from naivegrad.ops.activation import sigmoid, softplus, tanh
from naivegrad.ops.elementwise import abs
from naivegrad.ops.joining import cat
from naivegrad.tensor import Tensor


class Mish(Function):
    """y = x t, t = tanh(ln(1 + e^x)).    grad_x = grad * (t + x * sigmoid(x) * (1 - t^2)).

    Misra 2020, "Mish: a self regularized non-monotonic activation function".
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("mish", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return MishGrad.apply(grad, *ctx.saved_tensors)


class MishGrad(Function):
    """z = g * (t + x * sigmoid(x) * (1 - t^2)); differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("mish_grad", g, x)

    @staticmethod
    def formula(g: Tensor, x: Tensor) -> Tensor:
        t = tanh(softplus(x, threshold=40.0))
        return g * (t + x * sigmoid(x) * (1 - t * t))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return formula_vjp(MishGrad.formula, ctx.saved_tensors, grad)


class Softsign(Function):
    """y = x / (1 + |x|).    grad_x = grad / (1 + |x|)^2."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("softsign", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return SoftsignGrad.apply(grad, *ctx.saved_tensors)


class SoftsignGrad(Function):
    """z = g / (1 + |x|)^2; differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("softsign_grad", g, x)

    @staticmethod
    def formula(g: Tensor, x: Tensor) -> Tensor:
        width = 1 + abs(x)
        return g / (width * width)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return formula_vjp(SoftsignGrad.formula, ctx.saved_tensors, grad)


class Tanhshrink(Function):
    """y = x - tanh(x).    grad_x = grad * tanh(x)^2."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("tanhshrink", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return TanhshrinkGrad.apply(grad, *ctx.saved_tensors)


class TanhshrinkGrad(Function):
    """z = g * tanh(x)^2; differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("tanhshrink_grad", g, x)

    @staticmethod
    def formula(g: Tensor, x: Tensor) -> Tensor:
        t = tanh(x)
        return g * t * t

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return formula_vjp(TanhshrinkGrad.formula, ctx.saved_tensors, grad)


class LogSigmoid(Function):
    """y = min(x, 0) - ln(1 + e^-|x|).    grad_x = grad * sigmoid(-x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("logsigmoid", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return LogSigmoidGrad.apply(grad, *ctx.saved_tensors)


class LogSigmoidGrad(Function):
    """z = g * sigmoid(-x).    grad_g = grad * sigmoid(-x),    grad_x = -grad * z * sigmoid(x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("logsigmoid_grad", g, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        g, x = ctx.saved_tensors
        slope = LogSigmoidGrad.apply(grad, x)
        return slope, -(slope * g * sigmoid(x)) if ctx.needs_input_grad[1] else None


class GLU(Function):
    """y = a * s, s = sigmoid(b), for the halves a and b of x along one axis.

    grad_a = grad * s,    grad_b = grad * a * s * (1 - s).    Dauphin, Fan, Auli & Grangier 2017.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        ctx.save_for_backward(x)
        ctx.axis = axis
        half, before = x.shape[axis] // 2, (slice(None),) * axis
        a = ctx.backend.slice(x, (*before, slice(None, half)))
        b = ctx.backend.slice(x, (*before, slice(half, None)))
        return ctx.backend.binary("glu", a, b)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        half = x.array.shape[ctx.axis] // 2
        s = sigmoid(x.narrow(ctx.axis, half, half))
        grad_a = grad * s
        grad_b = grad_a * x.narrow(ctx.axis, 0, half) * (1 - s)
        return cat((grad_a, grad_b), ctx.axis)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * tanh(softplus(input)).

    References
    ----------
    Misra 2020, "Mish: a self regularized non-monotonic activation function".
    """
    require_floating(input, "mish")
    return assign(input, mish) if inplace else Mish.apply(input)


def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|)."""
    if require_tensor(input, "softsign").array.dtype.kind == "b":
        raise TypeError("softsign: bool tensors have no absolute value")
    return Softsign.apply(input)


def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""
    if require_tensor(input, "tanhshrink").array.dtype.kind == "b":
        raise TypeError("tanhshrink: bool tensors cannot be subtracted")
    return Tanhshrink.apply(input)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(input)), without overflow and without the loss of digits."""
    require_floating(input, "logsigmoid")
    return LogSigmoid.apply(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), a and b the halves of input along dim, whose length must be even.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.glu(ng.tensor([1.0, 2.0, 0.0, 1000.0]))
    tensor([0.5, 2. ])

    References
    ----------
    Dauphin, Fan, Auli & Grangier 2017, "Language modeling with gated convolutional networks".
    """
    require_floating(input, "glu")
    shape = input.array.shape
    if not shape:
        raise ValueError("glu: a 0-d tensor has no halves")
    axis = normalize_axis(dim, len(shape), "glu")
    if shape[axis] % 2:
        raise ValueError(f"glu: dimension {axis} of {shape} must be even, to be cut in halves")
    return GLU.apply(input, axis)
