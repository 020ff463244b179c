"""Activations put together from pieces: lines and exponentials, with kinks between them.

As in elementwise.py, the formulas that run are rows of cuda/scalar_ops.h, and every Jacobian is
diagonal. At a kink the gradient is that of PyTorch: which piece it belongs to is said at each row.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function, formula_vjp
from naivegrad.autograd.inplace import assign
from naivegrad.backend.promotion import is_floating
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.activation import leaky_relu, relu
from naivegrad.ops.exponential import exp
from naivegrad.ops.random import rand_like
from naivegrad.ops.select import clamp, where
from naivegrad.tensor import Tensor


class PieceGrad(Function):
    """z = g * slope(x), for a slope that is constant between kinks.    grad_g = grad * slope(x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any, row: str, p: float, q: float) -> Any:
        ctx.save_for_backward(x)
        ctx.options = row, p, q
        return ctx.backend.binary(row, g, x, p, q)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        grad_x = grad * 0.0 if ctx.needs_input_grad[1] else None
        return PieceGrad.apply(grad, x, *ctx.options), grad_x


class Hardtanh(Function):
    """y = min(max(x, low), high).    grad_x = grad where low < x < high, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, low: float, high: float) -> Any:
        ctx.save_for_backward(x)
        ctx.bounds = low, high
        return ctx.backend.unary("clamp", x, low, high)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PieceGrad.apply(grad, *ctx.saved_tensors, "hardtanh_grad", *ctx.bounds)


class Threshold(Function):
    """y = x where x > threshold, else value.    grad_x = grad where x > threshold, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, threshold: float, value: float) -> Any:
        ctx.save_for_backward(x)
        ctx.threshold = threshold
        return ctx.backend.unary("threshold", x, threshold, value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PieceGrad.apply(grad, *ctx.saved_tensors, "threshold_grad", ctx.threshold, 0.0)


class Hardshrink(Function):
    """y = x where |x| > lambd, else 0.    grad_x = grad where |x| > lambd, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, lambd: float) -> Any:
        ctx.save_for_backward(x)
        ctx.lambd = lambd
        return ctx.backend.unary("hardshrink", x, lambd)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PieceGrad.apply(grad, *ctx.saved_tensors, "shrink_grad", ctx.lambd, 0.0)


class Softshrink(Function):
    """y = x moved towards 0 by lambd, 0 where |x| <= lambd.    grad_x as for Hardshrink."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, lambd: float) -> Any:
        ctx.save_for_backward(x)
        ctx.lambd = lambd
        return ctx.backend.unary("softshrink", x, lambd)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PieceGrad.apply(grad, *ctx.saved_tensors, "shrink_grad", ctx.lambd, 0.0)


class Hardsigmoid(Function):
    """y = min(max(x + 3, 0), 6) / 6.    grad_x = grad / 6 where -3 < x < 3, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("hardsigmoid", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PieceGrad.apply(grad, *ctx.saved_tensors, "hardsigmoid_grad", 0.0, 0.0)


class Hardswish(Function):
    """y = x * min(max(x + 3, 0), 6) / 6.    grad_x = grad * (x / 3 + 1 / 2) where -3 < x < 3."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("hardswish", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return HardswishGrad.apply(grad, *ctx.saved_tensors)


class HardswishGrad(Function):
    """z = 0 where x <= -3, g * (x / 3 + 1 / 2) where x < 3, else g."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("hardswish_grad", g, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        g, x = ctx.saved_tensors
        curved = PieceGrad.apply(grad, x, "hardsigmoid_grad", 0.0, 0.0)  # grad / 6 between -3 and 3
        return HardswishGrad.apply(grad, x), curved * g * 2


class ELU(Function):
    """y = x where x > 0, else alpha (e^(rate x) - 1).    grad_x = alpha rate e^(rate x) there."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, alpha: float, rate: float) -> Any:
        ctx.save_for_backward(x)
        ctx.options = alpha, rate
        return ctx.backend.unary("elu", x, alpha, rate)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return ELUGrad.apply(grad, *ctx.saved_tensors, *ctx.options)


class ELUGrad(Function):
    """z = g alpha rate e^(rate x) where x <= 0, else g; differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any, alpha: float, rate: float) -> Any:
        ctx.save_for_backward(g, x)
        ctx.options = alpha, rate
        return ctx.backend.binary("elu_grad", g, x, alpha, rate)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        alpha, rate = ctx.options

        def formula(g: Tensor, x: Tensor) -> Tensor:
            return where(x <= 0, g * exp(clamp(x, max=0.0) * rate) * (alpha * rate), g)

        return formula_vjp(formula, ctx.saved_tensors, grad)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


class SELU(Function):
    """y = scale * ELU(x), with the alpha and the scale that keep mean 0 and variance 1.

    grad_x = grad * scale where x > 0, else grad * scale * alpha * e^x.

    Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks".
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("selu", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return SELUGrad.apply(grad, *ctx.saved_tensors)


class SELUGrad(Function):
    """z = g scale alpha e^x where x <= 0, else g scale; differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("selu_grad", g, x)

    @staticmethod
    def formula(g: Tensor, x: Tensor) -> Tensor:
        return where(x <= 0, g * exp(clamp(x, max=0.0)) * SELU_ALPHA, g) * SELU_SCALE

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return formula_vjp(SELUGrad.formula, ctx.saved_tensors, grad)


class PReLU(Function):
    """y = x where x > 0, else x * w.

    grad_x = grad where x > 0, else grad * w,    grad_w = 0 where x > 0, else grad * x.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save_for_backward(x, w)
        return ctx.backend.binary("prelu", x, w)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, w = ctx.saved_tensors
        need_x, need_w = ctx.needs_input_grad
        grad_x = where(x > 0, grad, grad * w) if need_x else None
        return grad_x, where(x > 0, 0.0, grad * x) if need_w else None


# Functional names


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6); the gradient is 0 at both kinks.

    References
    ----------
    Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10".
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """min(max(input, min_val), max_val); the gradient is 0 at both kinks, unlike that of `clamp`.

    Integers keep their type. ValueError where min_val > max_val.
    """
    dtype = require_tensor(input, "hardtanh").array.dtype
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    if dtype.kind == "b":
        raise TypeError("hardtanh: bool tensors have no range")
    if inplace:
        return assign(input, hardtanh, min_val, max_val)
    if not is_floating(dtype):
        return clamp(input, int(min_val), int(max_val))
    return Hardtanh.apply(input, float(min_val), float(max_val))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it is above the threshold, else value, in the input's type."""
    dtype = require_tensor(input, "threshold").array.dtype
    if dtype.kind == "b":
        raise TypeError("threshold: bool tensors have no order")
    if inplace:
        return assign(input, _threshold, threshold, value)
    if not is_floating(dtype):
        return where(input > threshold, input, int(value))
    return Threshold.apply(input, float(threshold), float(value))


_threshold = threshold  # which an argument hides


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input where |input| > lambd, else 0."""
    require_floating(input, "hardshrink")
    return Hardshrink.apply(input, float(lambd))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input moved towards 0 by lambd; 0 where |input| <= lambd. ValueError for a negative lambd."""
    require_floating(input, "softshrink")
    if not lambd >= 0:
        raise ValueError(f"softshrink: lambd must not be negative, got {lambd}")
    return Softshrink.apply(input, float(lambd))


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input + 3, 0), 6) / 6: a sigmoid of three lines.

    References
    ----------
    Courbariaux, Bengio & David 2015, "BinaryConnect".
    """
    require_floating(input, "hardsigmoid")
    return assign(input, hardsigmoid) if inplace else Hardsigmoid.apply(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * hardsigmoid(input).

    References
    ----------
    Howard et al. 2019, "Searching for MobileNetV3".
    """
    require_floating(input, "hardswish")
    return assign(input, hardswish) if inplace else Hardswish.apply(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input above 0, alpha * (exp(input) - 1) below; at 0 the gradient is alpha.

    References
    ----------
    Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network learning by ELUs".
    """
    require_floating(input, "elu")
    return assign(input, elu, alpha) if inplace else ELU.apply(input, float(alpha), 1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input above 0, alpha * (exp(input / alpha) - 1) below: of slope 1 on both sides of 0.

    References
    ----------
    Barron 2017, "Continuously differentiable exponential linear units".
    """
    require_floating(input, "celu")
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0")
    return assign(input, celu, alpha) if inplace else ELU.apply(input, float(alpha), 1.0 / alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 * elu(input, 1.6733): keeps activations at mean 0 and variance 1.

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks".
    """
    require_floating(input, "selu")
    return assign(input, selu) if inplace else SELU.apply(input)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input above 0, weight * input below; weight is one number, or one for each channel (dim 1).

    Differentiable in both. ValueError where the weight has another length than the channels.

    References
    ----------
    He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers".
    """
    op = "prelu"
    require_floating(input, op)
    shape, array = input.array.shape, require_tensor(weight, op, "weight").array
    if array.dtype != input.array.dtype:
        raise TypeError(f"{op}: weight is {weight.dtype}, but the input is {input.dtype}")
    if array.ndim > 1:
        raise ValueError(f"{op}: weight must be one number or (C,), got {array.shape}")
    if array.size != 1 and array.size != (shape[1] if len(shape) > 1 else 1):
        raise ValueError(
            f"{op}: weight has {array.size} numbers, but input {shape} has "
            f"{shape[1] if len(shape) > 1 else 1} channels"
        )
    return PReLU.apply(input, weight.reshape((-1,) + (1,) * (len(shape) - 2) if shape else ()))


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """leaky_relu with random slopes in [lower, upper) in training, with their mean otherwise.

    References
    ----------
    Xu, Wang, Chen & Li 2015, "Empirical evaluation of rectified activations".
    """
    require_floating(input, "rrelu")
    if not lower <= upper:
        raise ValueError(f"rrelu: no number lies in [{lower}, {upper}]")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = rand_like(input) * (upper - lower) + lower
    return assign(input, PReLU.apply, slopes) if inplace else PReLU.apply(input, slopes)


# In place


def relu_(input: Tensor) -> Tensor:
    """relu, in place."""
    return relu(input, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """leaky_relu, in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """hardtanh, in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """threshold, in place."""
    return _threshold(input, threshold, value, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """elu, in place."""
    return elu(input, alpha, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """celu, in place."""
    return celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """selu, in place."""
    return selu(input, inplace=True)


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Tensor:
    """rrelu, in place."""
    return rrelu(input, lower, upper, training, inplace=True)
