"""Activations: one class each, its formula and its derivative, then the functional names.

As in elementwise.py, the formulas that run are rows of cuda/scalar_ops.h, and every Jacobian is
diagonal. The gradients that take several steps are fused: operations with a `backward` of their
own.
"""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function, formula_vjp
from naivegrad.autograd.inplace import assign
from naivegrad.ops._args import into, require_floating, require_tensor
from naivegrad.ops.exponential import exp
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor


class Tanh(Function):
    """y = tanh x.    grad_x = grad * (1 - y^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("tanh", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return TanhGrad.apply(grad, y)


class TanhGrad(Function):
    """z = g * (1 - y^2).    grad_g = grad * (1 - y^2),    grad_y = -2 * grad * g * y."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, y: Any) -> Any:
        ctx.save_for_backward(g, y)
        return ctx.backend.binary("tanh_grad", g, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        g, y = ctx.saved_tensors
        return TanhGrad.apply(grad, y), grad * g * y * -2


class Sigmoid(Function):
    """y = 1 / (1 + e^-x).    grad_x = grad * y * (1 - y)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("sigmoid", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return SigmoidGrad.apply(grad, y)


class SigmoidGrad(Function):
    """z = g * y * (1 - y).    grad_g = grad * y * (1 - y),    grad_y = grad * g * (1 - 2y)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, y: Any) -> Any:
        ctx.save_for_backward(g, y)
        return ctx.backend.binary("sigmoid_grad", g, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        g, y = ctx.saved_tensors
        return SigmoidGrad.apply(grad, y), grad * g * (1 - y * 2)


class ReLU(Function):
    """y = max(x, 0).    grad_x = grad where y > 0, else 0: at 0 the gradient is 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("relu", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return ReLUGrad.apply(grad, y)


class ReLUGrad(Function):
    """z = g where y > 0, else 0.    grad_g = grad where y > 0, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, y: Any) -> Any:
        ctx.save_for_backward(y)
        return ctx.backend.binary("relu_grad", g, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return ReLUGrad.apply(grad, y), grad * 0.0 if ctx.needs_input_grad[1] else None


class LeakyReLU(Function):
    """y = x where x > 0, else slope * x.    grad_x = grad where x > 0, else slope * grad."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, slope: float) -> Any:
        ctx.slope = slope
        ctx.save_for_backward(x)
        return ctx.backend.unary("leaky_relu", x, slope)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return LeakyReLUGrad.apply(grad, x, ctx.slope)


class LeakyReLUGrad(Function):
    """z = g where x > 0, else slope * g.    grad_g = grad where x > 0, else slope * grad."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any, slope: float) -> Any:
        ctx.slope = slope
        ctx.save_for_backward(x)
        return ctx.backend.binary("leaky_relu_grad", g, x, slope)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        grad_x = grad * 0.0 if ctx.needs_input_grad[1] else None
        return LeakyReLUGrad.apply(grad, x, ctx.slope), grad_x


class SiLU(Function):
    """y = x * sigmoid(x).    grad_x = grad * s * (1 + x * (1 - s)), s = sigmoid(x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("silu", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return SiLUGrad.apply(grad, x)


class SiLUGrad(Function):
    """z = g * s * (1 + x * (1 - s)), s = sigmoid(x); differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("silu_grad", g, x)

    @staticmethod
    def formula(g: Tensor, x: Tensor) -> Tensor:
        s = sigmoid(x)
        return g * s * (1 + x * (1 - s))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return formula_vjp(SiLUGrad.formula, ctx.saved_tensors, grad)


class Softplus(Function):
    """y = ln(1 + e^(beta x)) / beta, x itself where beta x > threshold.

    grad_x = grad * sigmoid(beta x).
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, beta: float, threshold: float) -> Any:
        ctx.beta, ctx.threshold = beta, threshold
        ctx.save_for_backward(x)
        return ctx.backend.unary("softplus", x, beta, threshold)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return SoftplusGrad.apply(grad, x, ctx.beta, ctx.threshold)


class SoftplusGrad(Function):
    """z = g * sigmoid(beta x), g where beta x > threshold; differentiated from this formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any, beta: float, threshold: float) -> Any:
        ctx.beta, ctx.threshold = beta, threshold
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("softplus_grad", g, x, beta, threshold)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        def formula(g: Tensor, x: Tensor) -> Tensor:
            return where(x * ctx.beta > ctx.threshold, g, g * sigmoid(x * ctx.beta))

        return formula_vjp(formula, ctx.saved_tensors, grad)


class GELU(Function):
    """y = x * Phi(x), Phi the normal distribution.    grad_x = grad * (Phi(x) + x * phi(x)).

    Hendrycks & Gimpel 2016, "Gaussian error linear units".
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("gelu", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return GELUGrad.apply(grad, x)


class GELUGrad(Function):
    """z = g * (Phi(x) + x * phi(x)).    grad_x = grad * g * phi(x) * (2 - x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("gelu_grad", g, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        g, x = ctx.saved_tensors
        density = exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return GELUGrad.apply(grad, x), grad * g * density * (2 - x * x)


class GELUTanh(Function):
    """y = x / 2 * (1 + tanh(c (x + 0.044715 x^3))), c = sqrt(2 / pi).    grad_x by formula."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("gelu_tanh", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return GELUTanhGrad.apply(grad, x)


class GELUTanhGrad(Function):
    """z = g * ((1 + t) / 2 + x / 2 * (1 - t^2) * u'),  t = tanh(u),  u = c * (x + 0.044715 x^3)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any) -> Any:
        ctx.save_for_backward(g, x)
        return ctx.backend.binary("gelu_tanh_grad", g, x)

    @staticmethod
    def formula(g: Tensor, x: Tensor) -> Tensor:
        c, a = math.sqrt(2 / math.pi), 0.044715
        t = tanh((x + x * x * x * a) * c)
        slope = (x * x * (3 * a) + 1) * c
        return g * ((t + 1) * 0.5 + x * 0.5 * (1 - t * t) * slope)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return formula_vjp(GELUTanhGrad.formula, ctx.saved_tensors, grad)


# Functional names


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic tangent."""
    result = Tanh.apply(require_tensor(input, "tanh"))
    return result if out is None else into(out, result, "tanh")


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / (1 + exp(-input))."""
    result = Sigmoid.apply(require_tensor(input, "sigmoid"))
    return result if out is None else into(out, result, "sigmoid")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0); the gradient at 0 is 0."""
    require_tensor(input, "relu")
    return input.relu_() if inplace else ReLU.apply(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input above 0, negative_slope * input below."""
    require_floating(input, "leaky_relu")
    if inplace:
        return assign(input, leaky_relu, negative_slope)
    return LeakyReLU.apply(input, negative_slope)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input)."""
    require_floating(input, "silu")
    if inplace:
        return assign(input, silu)
    return SiLU.apply(input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * input)) / beta; input itself where beta * input > threshold."""
    require_floating(input, "softplus")
    return Softplus.apply(input, beta, threshold)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """input * Phi(input), Phi the standard normal distribution function.

    approximate="tanh": x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), within 4e-4 of it.
    """
    require_floating(input, "gelu")
    if approximate == "none":
        return GELU.apply(input)
    if approximate == "tanh":
        return GELUTanh.apply(input)
    raise ValueError(f'gelu: approximate must be "none" or "tanh", got {approximate!r}')
