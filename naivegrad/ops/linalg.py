"""Matrix products: matmul in all its shapes, linear layers, einsum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import require_tensor
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


def _check_dtypes(x: Tensor, y: Tensor, op: str) -> None:
    if x.array.dtype != y.array.dtype:
        raise TypeError(f"{op}: expects tensors of one type, got {x.dtype} and {y.dtype}")


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product.

        (M, K) @ (K, N) -> (M, N)         z[m, n] = sum_k x[m, k] y[k, n]
        (K,) @ (K,) -> ()                 a vector on the left is a row, on the right a column
        (..., M, K) @ (..., K, N)         leading axes broadcast

    Differentiable in both, to any order.
    """
    require_tensor(input, "matmul")
    require_tensor(other, "matmul", "other")
    _check_dtypes(input, other, "matmul")
    a, b = input.array.shape, other.array.shape
    if not a or not b:
        raise ValueError(f"matmul: both tensors need at least 1 dimension, got shapes {a} and {b}")
    if a[-1] != b[-2 if len(b) > 1 else 0]:
        raise ValueError(
            f"matmul: the inner lengths differ, {a[-1]} and {b[-2 if len(b) > 1 else 0]} "
            f"(shapes {a} and {b})"
        )
    if len(a) == 2 and len(b) == 2:
        return MatMul.apply(input, other)
    if len(a) == 1:
        return matmul(input.unsqueeze(0), other).squeeze(-2 if len(b) > 1 else 0)
    if len(b) == 1:
        return matmul(input, other.unsqueeze(1)).squeeze(-1)
    if len(b) == 2:  # one product of all rows, instead of many small ones
        return MatMul.apply(_rows(input), other).reshape(*a[:-1], b[-1])
    for m, n in zip(a[-3::-1], b[-3::-1], strict=False):
        if m != n and m != 1 and n != 1:
            raise ValueError(f"matmul: leading axes of shapes {a} and {b} do not broadcast")
    return MatMul.apply(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    require_tensor(input, "mm")
    require_tensor(mat2, "mm", "mat2")
    if input.array.ndim != 2 or mat2.array.ndim != 2:
        raise ValueError(
            f"mm: expects matrices, got shapes {input.array.shape} and {mat2.array.shape}"
        )
    return matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, (B, M, K) and (B, K, N)."""
    require_tensor(input, "bmm")
    require_tensor(mat2, "bmm", "mat2")
    a, b = input.array.shape, mat2.array.shape
    if len(a) != 3 or len(b) != 3 or a[0] != b[0]:
        raise ValueError(f"bmm: expects (B, M, K) and (B, K, N), got {a} and {b}")
    return matmul(input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    require_tensor(input, "mv")
    require_tensor(vec, "mv", "vec")
    if input.array.ndim != 2 or vec.array.ndim != 1:
        raise ValueError(
            f"mv: expects a matrix and a vector, got {input.array.shape} and {vec.array.shape}"
        )
    return matmul(input, vec)


def dot(input: Tensor, other: Tensor) -> Tensor:
    """The inner product of two vectors."""
    require_tensor(input, "dot")
    require_tensor(other, "dot", "other")
    if input.array.ndim != 1 or other.array.ndim != 1:
        raise ValueError(
            f"dot: expects vectors, got shapes {input.array.shape} and {other.array.shape}"
        )
    return matmul(input, other)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """z[i, j] = x[i] * y[j]."""
    require_tensor(input, "outer")
    require_tensor(vec2, "outer", "vec2")
    if input.array.ndim != 1 or vec2.array.ndim != 1:
        raise ValueError(
            f"outer: expects vectors, got shapes {input.array.shape} and {vec2.array.shape}"
        )
    return input.unsqueeze(1) * vec2


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta * input + alpha * mat1 @ mat2."""
    product = mm(mat1, mat2)
    return (input if beta == 1 else input * beta) + (product if alpha == 1 else product * alpha)


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
    _check_dtypes(input, weight, "linear")
    if len(w) == 1 or len(x) == 1:
        result = matmul(input, weight.t())
        return result if bias is None else result + bias
    if bias is not None:
        _check_dtypes(input, bias, "linear")
        if bias.array.shape != (w[0],):
            try:  # any bias that broadcasts will do
                return Linear.apply(input, weight, None) + bias
            except ValueError:
                message = f"linear: bias {bias.array.shape} for weight {w}: expects ({w[0]},)"
                raise ValueError(message) from None
    return Linear.apply(input, weight, bias)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products, written by index letters: "bij,bjk->bik" is a batched matrix product.

    Letters that do not appear after "->" are summed over; without "->", those that appear once are
    kept, in alphabetical order. "..." stands for broadcasting axes. A letter repeated in one
    operand takes its diagonal. Operands are multiplied from left to right; each step is one batched
    matrix product. Differentiable in every operand, to any order.
    """
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    terms, output, lengths = _parse(equation, operands)
    result, labels = _diagonal(operands[0], terms[0])
    for i in range(1, len(operands)):
        y, y_labels = _diagonal(operands[i], terms[i])
        later = set(output).union(*terms[i + 1 :])
        result, labels = _contract(result, labels, y, y_labels, later, lengths)
    gone = tuple(i for i, label in enumerate(labels) if label not in output)
    if gone:
        result = result.sum(gone)
        labels = [label for label in labels if label in output]
    return result.permute([labels.index(label) for label in output])


def _parse(
    equation: str, operands: Sequence[Tensor]
) -> tuple[list[list[str]], list[str], dict[str, int]]:
    """Index labels of operands and result, and their lengths. "..." becomes "...0", "...1"."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(operands):
        raise ValueError(f"einsum: {equation!r} names {len(texts)} operands, got {len(operands)}")
    lengths: dict[str, int] = {}
    terms = []
    widest = 0
    for k, (text, x) in enumerate(zip(texts, operands, strict=True)):
        require_tensor(x, "einsum", f"operand {k}")
        shape = x.array.shape
        head, dots, tail = text.partition("...")
        if not (head + tail).isalpha() and head + tail:
            raise ValueError(f"einsum: indices must be letters, got {text!r} in {equation!r}")
        spare = len(shape) - len(head) - len(tail)
        if spare < 0 or (spare and not dots):
            raise ValueError(
                f"einsum: {text!r} in {equation!r} does not fit operand {k} of shape {shape}"
            )
        widest = max(widest, spare)
        labels = [*head, *[f"...{spare - 1 - i}" for i in range(spare)], *tail]
        for label, n in zip(labels, shape, strict=True):
            known = lengths.get(label, 1)
            if known != n and known != 1 and n != 1:
                raise ValueError(
                    f"einsum: index {label!r} of {equation!r} has length {known} and length {n}"
                )
            lengths[label] = n if known == 1 else known
        terms.append(labels)
    ellipsis = [f"...{widest - 1 - i}" for i in range(widest)]
    if arrow:
        head, _, tail = right.partition("...")
        output = [*head, *(ellipsis if "..." in right else []), *tail]
    else:
        letters = [label for labels in terms for label in labels if "." not in label]
        output = ellipsis + sorted({c for c in letters if letters.count(c) == 1})
    for label in output:
        if label not in lengths or output.count(label) > 1:
            raise ValueError(
                f"einsum: output index {label!r} of {equation!r} is unknown or repeated"
            )
    return terms, output, lengths


def _diagonal(x: Tensor, labels: list[str]) -> tuple[Tensor, list[str]]:
    """Axes that share a label become one: the diagonal through them."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            x = x.diagonal(0, i, j)  # the diagonal comes last
            labels = [c for k, c in enumerate(labels) if k not in (i, j)] + [label]
    return x, labels


def _contract(
    x: Tensor,
    x_labels: list[str],
    y: Tensor,
    y_labels: list[str],
    later: set[str],
    lengths: dict[str, int],
) -> tuple[Tensor, list[str]]:
    """The product of two operands, summed over the labels that nothing later needs."""
    for side, (z, labels, others) in enumerate(((x, x_labels, y_labels), (y, y_labels, x_labels))):
        alone = tuple(i for i, c in enumerate(labels) if c not in others and c not in later)
        if alone:
            z = z.sum(alone)
            labels = [c for c in labels if c in others or c in later]
        if side:
            y, y_labels = z, labels
        else:
            x, x_labels = z, labels
    both = [c for c in x_labels if c in y_labels]
    batch = [c for c in both if c in later]
    summed = [c for c in both if c not in later]
    rows = [c for c in x_labels if c not in both]
    columns = [c for c in y_labels if c not in both]
    batch_lengths = [lengths[c] for c in batch]
    summed_lengths = [lengths[c] for c in summed]
    row_lengths = [lengths[c] for c in rows]
    column_lengths = [lengths[c] for c in columns]
    x = x.permute([x_labels.index(c) for c in (*batch, *rows, *summed)])
    y = y.permute([y_labels.index(c) for c in (*batch, *summed, *columns)])
    x = x.expand(*batch_lengths, *row_lengths, *summed_lengths)
    y = y.expand(*batch_lengths, *summed_lengths, *column_lengths)
    x = x.reshape(math.prod(batch_lengths), math.prod(row_lengths), math.prod(summed_lengths))
    y = y.reshape(math.prod(batch_lengths), math.prod(summed_lengths), math.prod(column_lengths))
    z = matmul(x, y) if summed else x * y
    return z.reshape(*batch_lengths, *row_lengths, *column_lengths), [*batch, *rows, *columns]
