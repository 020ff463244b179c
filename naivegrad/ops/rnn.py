"""Recurrent layers over time: one Function for one direction of one layer, all its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from naivegrad.autograd import Function, formula_vjp, grad
from naivegrad.ops.joining import cat
from naivegrad.tensor import Tensor

States = tuple[Tensor, Tensor | None]  # h, and c where the cell has one


class _Recurrence(Function):
    """What the cells share: `step` says what a cell does, as Tensor operations.

    x (rows, G) is what the gates get from the input at all steps, weight (G, S), bias (G,) and
    projection (S, D) act on the hidden state. Step t has the rows of the first sizes[t] sequences.
    The outputs are the hidden states of all steps (rows, S), and the last h (N, S) and c (N, D).
    """

    cell: ClassVar[str]

    @staticmethod
    def step(x: Tensor, s: Tensor, h: Tensor, c: Any) -> States:
        """The next h and c, of gates x and s, from the input and from the state."""
        raise NotImplementedError

    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        h0: Any,
        c0: Any,
        weight: Any,
        bias: Any,
        projection: Any,
        sizes: tuple[int, ...],
        reverse: bool,
    ) -> Any:
        keep = any(ctx.needs_input_grad)
        out, h, c, gates, cells = ctx.backend.rnn(
            ctx.cell, x, h0, c0, weight, bias, projection, sizes, reverse, keep
        )
        ctx.save_for_backward(x, h0, c0, weight, bias, projection, out, gates, cells)
        ctx.options = sizes, reverse
        return (out, h) if c is None else (out, h, c)

    @staticmethod
    def backward(ctx: Any, grad: Any, grad_h: Any, grad_c: Any = None) -> Any:
        needs = tuple(ctx.needs_input_grad[:6])
        grads = iter(
            RecurrenceGrad.apply(
                grad, grad_h, grad_c, *ctx.saved_tensors, type(ctx), needs, *ctx.options
            )
        )
        return tuple([next(grads) if need else None for need in needs])


class RecurrenceGrad(Function):
    """The gradients of a recurrence's x, h0, c0, weight, bias, projection: those that are needed.

    Its own gradient is that of the steps, written as Tensor operations, gone through twice.
    """

    @staticmethod
    def forward(
        ctx: Any,
        grad: Any,
        grad_h: Any,
        grad_c: Any,
        x: Any,
        h0: Any,
        c0: Any,
        weight: Any,
        bias: Any,
        projection: Any,
        out: Any,
        gates: Any,
        cells: Any,
        operation: type[_Recurrence],
        needs: tuple[bool, ...],
        sizes: tuple[int, ...],
        reverse: bool,
    ) -> Any:
        ctx.save_for_backward(grad, grad_h, grad_c, x, h0, c0, weight, bias, projection)
        ctx.options = operation, needs, sizes, reverse
        grads = ctx.backend.rnn_grad(
            operation.cell, grad, grad_h, grad_c, h0, c0, weight, projection, out, gates, cells,
            sizes, reverse, needs,
        )  # fmt: skip
        return tuple([g for g in grads if g is not None])

    @staticmethod
    def backward(ctx: Any, *us: Tensor | None) -> Any:
        operation, needs, sizes, reverse = ctx.options

        def formula(*saved: Any) -> Any:
            results = unrolled(operation, sizes, reverse, *saved[3:])
            pairs = [(y, g) for y, g in zip(results, saved[:3], strict=True) if g is not None]
            wanted = [x for x, need in zip(saved[3:], needs, strict=True) if need]
            return grad(
                [y for y, _ in pairs],
                [x for x, u in zip(wanted, us, strict=True) if u is not None],
                [g for _, g in pairs],
                create_graph=True,
                materialize_grads=True,
            )

        return formula_vjp(formula, ctx.saved_tensors, [u for u in us if u is not None])


def unrolled(
    operation: type[_Recurrence],
    sizes: Sequence[int],
    reverse: bool,
    x: Tensor,
    h: Tensor,
    c: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    projection: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The outputs of a recurrence by Tensor operations, one step after another."""
    parts = list(x.split(list(sizes)))
    steps = range(len(sizes))
    for t in reversed(steps) if reverse else steps:
        n = sizes[t]
        s = h[:n] @ weight.mT
        s = s if bias is None else s + bias
        new_h, new_c = operation.step(parts[t], s, h[:n], None if c is None else c[:n])
        parts[t] = new_h = new_h if projection is None else new_h @ projection.mT
        h = cat([new_h, h[n:]])
        c = None if c is None or new_c is None else cat([new_c, c[n:]])
    return cat(parts), h, c


class RNNTanh(_Recurrence):
    """h' = tanh(x + s),    s = h weight^T.

    With g the gradient of h':    grad_x = g (1 - h'^2),    grad_h = grad_x weight.
    """

    cell = "tanh"

    @staticmethod
    def step(x: Tensor, s: Tensor, h: Tensor, c: Any) -> States:
        return (x + s).tanh(), None


class RNNReLU(_Recurrence):
    """h' = max(x + s, 0),    s = h weight^T.

    With g the gradient of h':    grad_x = g where h' > 0, else 0,    grad_h = grad_x weight.
    """

    cell = "relu"

    @staticmethod
    def step(x: Tensor, s: Tensor, h: Tensor, c: Any) -> States:
        return (x + s).relu(), None


class LSTM(_Recurrence):
    """c' = f c + i g,    h' = o tanh(c'),    i, f, o = sigmoid(x + s),    g = tanh(x + s).

    With d the gradient of c', and of h' through it:    grad_x = d g i (1 - i),    d c f (1 - f),
    d i (1 - g^2),    grad_h' tanh(c') o (1 - o),    one after another;    grad_c = d f,
    grad_h = grad_x weight.
    """

    cell = "lstm"

    @staticmethod
    def step(x: Tensor, s: Tensor, h: Tensor, c: Any) -> States:
        i, f, g, o = (x + s).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class GRU(_Recurrence):
    """h' = m + z (h - m),    r, z = sigmoid(x + s),    m = tanh(x + r s),    s = h weight^T + bias.

    With g the gradient of h' and d = g (1 - z) (1 - m^2):    grad_x = d s r (1 - r),
    g (h - m) z (1 - z),    d,    one after another;    grad_s the same, but d r;    grad_h = g z +
    grad_s weight.
    """

    cell = "gru"

    @staticmethod
    def step(x: Tensor, s: Tensor, h: Tensor, c: Any) -> States:
        (xr, xz, xm), (sr, sz, sm) = x.chunk(3, 1), s.chunk(3, 1)
        z = (xz + sz).sigmoid()
        m = (xm + (xr + sr).sigmoid() * sm).tanh()
        return m + z * (h - m), None
