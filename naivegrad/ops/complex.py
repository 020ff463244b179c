"""Complex tensors: made of parts, taken apart, conjugated.

Inside the graph the gradient of a complex z = x + i y is g = dL/dx - i dL/dy, so that dL = Re(g dz)
and the rules of functions like mul and exp are those of real tensors. What `.grad` shows is its
conjugate, as in PyTorch (docs/architecture.md, Complex numbers). The rules here are in g.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import into, require_floating, require_tensor
from naivegrad.ops.elementwise import sign
from naivegrad.ops.select import where
from naivegrad.ops.trigonometry import cos, sin
from naivegrad.tensor import Tensor, wrap


class Complex(Function):
    """z = x + i y.    grad_x = Re(grad),    grad_y = Re(i grad)."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return ctx.backend.complex(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, grad * 1j  # of which the engine takes the real parts: x and y are real


class Real(Function):
    """y = Re(x).    grad_x = grad."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.real(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


class Imag(Function):
    """y = Im(x) = Re(-i x).    grad_x = -i grad."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.imag(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * -1j


class Conj(Function):
    """y = conj(x).    grad_x = conj(grad), for Re(g conj(dx)) = Re(conj(g) dx)."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.conj(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Conj.apply(grad)


class ViewAsReal(Function):
    """y[..., 0], y[..., 1] = Re(x), Im(x).    grad_x = grad[..., 0] - i grad[..., 1]."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.view_as_real(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Conj.apply(ViewAsComplex.apply(grad.contiguous()))


class ViewAsComplex(Function):
    """y = x[..., 0] + i x[..., 1].    grad_x = Re(grad), -Im(grad)."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.view_as_complex(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return ViewAsReal.apply(Conj.apply(grad))


class Sgn(Function):
    """y = x / |x|, 0 at 0.    grad_x = (grad - Re(grad y) conj(y)) / |x|, 0 at 0."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.sgn(x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        zero = x == 0
        size = where(zero, 1.0, where(zero, 1.0, x).abs())
        return where(zero, 0.0, (grad - real(grad * y) * conj(y)) / size)

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor) -> Any:
        return conj(Sgn.backward(ctx, conj(x_dot)))


class Angle(Function):
    """y = the angle of x.    grad_x = -i grad / x, 0 at 0: d(angle) = Im(dx / x). Real x: 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.angle(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        if not x.is_complex():
            return grad * 0.0
        zero = x == 0
        return where(zero, 0.0, grad / where(zero, 1.0, x) * -1j)


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """real + i imag, broadcasting, of two float32 or two float64 tensors.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.complex(ng.tensor([1.0, 2.0]), ng.tensor([0.5, -1.0]))
    tensor([1.+0.5j, 2.-1.j ])
    """
    require_tensor(real, "complex", "real")
    require_tensor(imag, "complex", "imag")
    return into(out, _from_parts("complex", real, imag), "complex")


def _from_parts(op: str, x: Tensor, y: Tensor) -> Tensor:
    if x.dtype is not y.dtype or x.array.dtype.kind != "f" or x.array.dtype.itemsize < 4:
        raise TypeError(f"{op}: two tensors of float32 or of float64, got {x.dtype} and {y.dtype}")
    return Complex.apply(x, y)


def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """abs * (cos(angle) + i sin(angle)), broadcasting."""
    require_tensor(abs, "polar", "abs")
    require_tensor(angle, "polar", "angle")
    require_floating(angle, "polar")
    return into(out, _from_parts("polar", abs * cos(angle), abs * sin(angle)), "polar")


def real(input: Tensor) -> Tensor:
    """The real parts, a view; a real tensor itself."""
    return Real.apply(input) if require_tensor(input, "real").is_complex() else input


def imag(input: Tensor) -> Tensor:
    """The imaginary parts, a view; TypeError for a real tensor."""
    _require_complex(input, "imag")
    return Imag.apply(input)


def _require_complex(x: Any, op: str) -> None:
    if not require_tensor(x, op).is_complex():
        raise TypeError(f"{op}: a complex tensor is needed, got {x.dtype}")


def conj(input: Tensor) -> Tensor:
    """The conjugate, x - i y: a copy; a real tensor itself."""
    return Conj.apply(input) if require_tensor(input, "conj").is_complex() else input


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The conjugate: the same as `conj`."""
    return into(out, conj(require_tensor(input, "conj_physical")), "conj_physical")


def view_as_real(input: Tensor) -> Tensor:
    """A complex tensor (...) as a real one (..., 2) over the same memory."""
    _require_complex(input, "view_as_real")
    return ViewAsReal.apply(input)


def view_as_complex(input: Tensor) -> Tensor:
    """A float32 or float64 tensor (..., 2) as a complex one (...) over the same memory.

    Raises
    ------
    TypeError : another type
    ValueError : the last dimension is not of size 2, or its elements are not neighbours

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.view_as_complex(ng.tensor([[1.0, 2.0], [3.0, -4.0]]))
    tensor([1.+2.j, 3.-4.j])
    """
    array = require_tensor(input, "view_as_complex").array
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        raise TypeError(f"view_as_complex: float32 or float64 is needed, got {input.dtype}")
    if not array.ndim or array.shape[-1] != 2:
        raise ValueError(f"view_as_complex: the last dimension must be 2, got {array.shape}")
    if array.size and input.stride(-1) != 1:
        raise ValueError(
            f"view_as_complex: the last dimension must have stride 1, got {input.stride()}; "
            "use contiguous()"
        )
    return ViewAsComplex.apply(input)


def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of each number in radians; 0 or pi of real ones. The gradient at 0 is 0."""
    return into(out, Angle.apply(require_tensor(input, "angle")), "angle")


def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input / |input|, 0 at 0: on the unit circle for complex tensors, `sign` for real ones."""
    complex = require_tensor(input, "sgn").is_complex()
    return into(out, Sgn.apply(input) if complex else sign(input), "sgn")


def isreal(input: Tensor) -> Tensor:
    """Where the imaginary part is 0, as bool."""
    if require_tensor(input, "isreal").is_complex():
        return imag(input.detach()) == 0
    return wrap(input.backend.full(input.array.shape, True, bool), input.backend)


def is_conj(input: Tensor) -> bool:
    """False: `conj` computes, it leaves no mark."""
    require_tensor(input, "is_conj")
    return False


def is_neg(input: Tensor) -> bool:
    """False: a negative is computed, no mark is left."""
    require_tensor(input, "is_neg")
    return False


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: `conj` computes at once."""
    return require_tensor(input, "resolve_conj")


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negatives are computed at once."""
    return require_tensor(input, "resolve_neg")
