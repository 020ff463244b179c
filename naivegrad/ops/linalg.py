"""Matrix products: matmul in all its shapes, with an addend, linear layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable
from naivegrad.ops._args import check_batches, into, require_tensor
from naivegrad.ops.elementwise import add
from naivegrad.tensor import Tensor


class MatMul(Function):
    """z = x @ y of (..., M, K) and (..., K, N).    grad_x = grad @ y^T,    grad_y = x^T @ grad."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.matmul(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors  # of these, None where the other needs no gradient
        return (
            None if y is None else MatMul.apply(grad, y.mT),
            None if x is None else MatMul.apply(x.mT, grad),
        )


class MatVec(Function):
    """z = x @ y of a matrix and a vector.    grad_x = outer(grad, y),    grad_y = x^T @ grad."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.matmul(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return (
            None if y is None else grad.unsqueeze(1) * y,
            None if x is None else MatVec.apply(x.mT, grad),
        )


class Dot(Function):
    """z = the sum of x * y of two vectors.    grad_x = grad * y,    grad_y = grad * x."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.matmul(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return None if y is None else grad * y, None if x is None else grad * x


class Linear(Function):
    """y = x @ w^T + b.    grad_x = grad @ w,    grad_w = grad^T @ x,    grad_b = sum of grad."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, b: Any) -> Any:
        need_x, need_w, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if need_w else None, w if need_x else None)
        return ctx.backend.linear(x, w, b)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, w = ctx.saved_tensors
        rows = grad if grad.array.ndim == 2 else _rows(grad)
        grad_x = grad_w = grad_b = None
        if w is not None:
            grad_x = MatMul.apply(rows, w)
            if rows is not grad:
                grad_x = grad_x.reshape(*grad.array.shape[:-1], w.array.shape[1])
        if x is not None:
            grad_w = MatMul.apply(rows.mT, _rows(x))
        if ctx.needs_input_grad[2]:
            grad_b = rows.sum(0)
        return grad_x, grad_w, grad_b

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, w_dot: Any, b_dot: Any) -> Any:
        x, w = ctx.saved_tensors
        terms = []
        if x_dot is not None:
            terms.append(Linear.apply(x_dot, w, None))
        if w_dot is not None:
            terms.append(Linear.apply(x, w_dot, None))
        if b_dot is not None:
            terms.append(b_dot.expand(ctx.shape))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


def _rows(x: Tensor) -> Tensor:
    """All leading axes as one; lengths of 0 are no harm."""
    *lead, n = x.array.shape
    return x.reshape(math.prod(lead), n)


def check_dtypes(op: str, *tensors: Tensor) -> None:
    """TypeError unless all are of one type, and that one is not bool."""
    first = tensors[0].array.dtype
    if any(t.array.dtype != first for t in tensors):
        got = " and ".join(str(t.dtype) for t in tensors)
        raise TypeError(f"{op}: expects tensors of one type, got {got}")
    if first.kind == "b":
        raise TypeError(f"{op}: truth values have no product; cast them to numbers first")


def _require(op: str, form: str, ndims: Sequence[int], **tensors: Tensor) -> None:
    """TypeError or ValueError unless these are tensors of one type with so many axes each."""
    for name, x in tensors.items():
        require_tensor(x, op, name)
    shapes = [x.array.shape for x in tensors.values()]
    if [len(shape) for shape in shapes] != list(ndims):
        got = " and ".join(map(str, shapes))
        raise ValueError(f"{op}: expects {form}, got shapes {got}")


def matrix_product(x: Tensor, y: Tensor, op: str) -> Tensor:
    """x @ y, in all the shapes of matmul."""
    require_tensor(x, op)
    require_tensor(y, op, "other")
    check_dtypes(op, x, y)
    a, b = x.array.shape, y.array.shape
    if not a or not b:
        raise ValueError(f"{op}: both tensors need at least 1 dimension, got shapes {a} and {b}")
    if a[-1] != b[-2 if len(b) > 1 else 0]:
        raise ValueError(
            f"{op}: the inner lengths differ, {a[-1]} and {b[-2 if len(b) > 1 else 0]} "
            f"(shapes {a} and {b})"
        )
    if len(a) == 2 and len(b) == 2:
        return MatMul.apply(x, y)
    if len(a) == 1:
        if len(b) < 3:
            return MatVec.apply(y.mT, x) if len(b) == 2 else Dot.apply(x, y)
        return matrix_product(x.unsqueeze(0), y, op).squeeze(-2)
    if len(b) == 1:
        if len(a) == 2:
            return MatVec.apply(x, y)
        return matrix_product(x, y.unsqueeze(1), op).squeeze(-1)
    if len(b) == 2:  # one product of all rows, instead of many small ones
        return MatMul.apply(_rows(x), y).reshape(*a[:-1], b[-1])
    check_batches(x, y, op)
    return MatMul.apply(x, y)


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product.

        (M, K) @ (K, N) -> (M, N)         z[m, n] = sum_k x[m, k] y[k, n]
        (K,) @ (K,) -> ()                 a vector on the left is a row, on the right a column
        (..., M, K) @ (..., K, N)         leading axes broadcast

    Differentiable in both, to any order.
    """
    require_tensor(input, "matmul")
    require_tensor(other, "matmul", "other")
    return into(out, matrix_product(input, other, "matmul"), "matmul")


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices, (M, K) and (K, N)."""
    _require("mm", "matrices", (2, 2), input=input, mat2=mat2)
    return into(out, matrix_product(input, mat2, "mm"), "mm")


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two batches of matrices, (B, M, K) and (B, K, N)."""
    _batches("bmm", input=input, mat2=mat2)
    return into(out, matrix_product(input, mat2, "bmm"), "bmm")


def _batches(op: str, **tensors: Tensor) -> None:
    """Checks two batches of matrices, which do not broadcast."""
    _require(op, "(B, M, K) and (B, K, N)", (3, 3), **tensors)
    a, b = (x.array.shape for x in tensors.values())
    if a[0] != b[0]:
        raise ValueError(f"{op}: expects (B, M, K) and (B, K, N), got {a} and {b}")


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix (M, K) and a vector (K,)."""
    _require("mv", "a matrix and a vector", (2, 1), input=input, vec=vec)
    return into(out, matrix_product(input, vec, "mv"), "mv")


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inner product of two vectors."""
    _require("dot", "vectors", (1, 1), input=input, tensor=tensor)
    return into(out, matrix_product(input, tensor, "dot"), "dot")


def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inner product of two vectors, the first one conjugated: of real ones, `dot`."""
    _require("vdot", "vectors", (1, 1), input=input, other=other)
    return into(out, matrix_product(input.conj(), other, "vdot"), "vdot")


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last axes: z[..i, ..j] = sum_k x[..i, k] y[..j, k].

    With a 0-d tensor, their product.
    """
    require_tensor(input, "inner")
    require_tensor(other, "inner", "other")
    check_dtypes("inner", input, other)
    a, b = input.array.shape, other.array.shape
    if not a or not b:
        return into(out, input * other, "inner")
    if a[-1] != b[-1]:
        raise ValueError(f"inner: the last lengths differ, {a[-1]} and {b[-1]} (of {a} and {b})")
    z = MatMul.apply(_rows(input), _rows(other).mT)
    return into(out, z.reshape(*a[:-1], *b[:-1]), "inner")


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """z[i, j] = x[i] * y[j], of two vectors of any types."""
    return into(out, _outer("outer", input=input, vec2=vec2), "outer")


def _outer(op: str, **vectors: Tensor) -> Tensor:
    _require(op, "vectors", (1, 1), **vectors)
    x, y = vectors.values()
    return x.unsqueeze(1) * y


ger = outer


def _plus(op: str, x: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """beta * x + alpha * product; x must broadcast, and counts for nothing where beta is 0."""
    require_tensor(x, op)
    if op != "addr":  # which promotes its types
        check_dtypes(op, x, product)
    integers = isinstance(beta, int) and isinstance(alpha, int)
    if not is_differentiable(product.array.dtype) and not integers:
        raise TypeError(f"{op}: for integer tensors beta and alpha must be integers")
    a, b = x.array.shape, product.array.shape
    lead = len(b) - len(a)
    if lead < 0 or any(m not in (1, n) for m, n in zip(a, b[lead:], strict=True)):
        raise ValueError(f"{op}: input of shape {a} does not broadcast to the product's, {b}")
    if beta == 0:  # whatever x holds, be it NaN
        return product if alpha == 1 else product * alpha
    return add(x if beta == 1 else x * beta, product, alpha=alpha)


def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2), of a matrix (M, K) and a matrix (K, N)."""
    _require("addmm", "matrices", (2, 2), mat1=mat1, mat2=mat2)
    if beta == alpha == 1 and _is_bias(input, mat1, mat2):
        return into(out, Linear.apply(mat1, mat2.mT, input), "addmm")
    product = matrix_product(mat1, mat2, "addmm")
    return into(out, _plus("addmm", input, product, beta, alpha), "addmm")


def _is_bias(x: Any, mat1: Tensor, mat2: Tensor) -> bool:
    """Whether the kernel of `linear` can add x: a row, of the type of the matrices, which fit."""
    (_, k), (rows, n) = mat1.array.shape, mat2.array.shape
    return (
        isinstance(x, Tensor)
        and x.array.shape == (n,)
        and k == rows
        and x.array.dtype == mat1.array.dtype
    )


def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (mat @ vec), of a matrix (M, K) and a vector (K,)."""
    _require("addmv", "a matrix and a vector", (2, 1), mat=mat, vec=vec)
    product = matrix_product(mat, vec, "addmv")
    return into(out, _plus("addmv", input, product, beta, alpha), "addmv")


def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2)."""
    product = _outer("addr", vec1=vec1, vec2=vec2)
    return into(out, _plus("addr", input, product, beta, alpha), "addr")


def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * bmm(batch1, batch2)."""
    _batches("baddbmm", batch1=batch1, batch2=batch2)
    product = matrix_product(batch1, batch2, "baddbmm")
    return into(out, _plus("baddbmm", input, product, beta, alpha), "baddbmm")


def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * the sum of the products of two batches, (B, M, K) and (B, K, N)."""
    _batches("addbmm", batch1=batch1, batch2=batch2)
    (batch, m, k), n = batch1.array.shape, batch2.array.shape[2]
    check_dtypes("addbmm", batch1, batch2)
    if batch2.array.shape[1] != k:
        shapes = f"{batch1.array.shape} and {batch2.array.shape}"
        raise ValueError(f"addbmm: the inner lengths differ (shapes {shapes})")
    x = batch1.movedim(0, 1).reshape(m, batch * k)  # one product sums over the batch as well
    product = MatMul.apply(x, batch2.reshape(batch * k, n))
    return into(out, _plus("addbmm", input, product, beta, alpha), "addbmm")


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x @ w^T + b.

    Parameters
    ----------
    input : Tensor, (..., K)
    weight : Tensor, (N, K), or (K,) for one output
    bias : Tensor, (N,), optional

    Returns
    -------
    Tensor, (..., N)

    Differentiable in all three, to any order.
    """
    require_tensor(input, "linear")
    require_tensor(weight, "linear", "weight")
    x, w = input.array.shape, weight.array.shape
    if not x or len(w) not in (1, 2) or x[-1] != w[-1]:
        raise ValueError(f"linear: x {x} and weight {w}: expects (..., K) and (N, K)")
    check_dtypes("linear", input, weight)
    if len(w) == 1 or len(x) == 1:
        result = matrix_product(input, weight.t(), "linear")
        return result if bias is None else result + bias
    if bias is not None:
        check_dtypes("linear", input, bias)
        if bias.array.shape != (w[0],):
            try:  # any bias that broadcasts will do
                return Linear.apply(input, weight, None) + bias
            except ValueError:
                message = f"linear: bias {bias.array.shape} for weight {w}: expects ({w[0]},)"
                raise ValueError(message) from None
    return Linear.apply(input, weight, bias)
