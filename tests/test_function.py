"""Functions that a user defines."""

import gc

import numpy as np
import pytest

import naivegrad as ng
from harness import value
from naivegrad.autograd import Function
from numeric import leaf

# User-defined functions


class Cube(Function):
    """y = x^3."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x * x


class SinCos(Function):
    """Two outputs."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.sin(x), np.cos(x)

    @staticmethod
    def backward(ctx, grad_sin, grad_cos):
        (x,) = ctx.saved_tensors
        total = None
        if grad_sin is not None:
            total = grad_sin * ng.cos(x)
        if grad_cos is not None:
            term = -grad_cos * ng.sin(x)
            total = term if total is None else total + term
        return total


def test_user_function():
    x = leaf([1.0, -2.0])
    y = Cube.apply(x)
    (g,) = ng.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = ng.autograd.grad(g.sum(), x)
    assert value(g).tolist() == [3.0, 12.0]
    assert value(h).tolist() == [6.0, -12.0]
    assert not Cube.apply(ng.ones(2)).requires_grad


def test_user_function_in_forward_mode():
    from naivegrad.autograd.forward import jvp

    x = leaf([1.0, -2.0])
    y, t = jvp(Cube.apply, (x,), (ng.tensor([1.0, 10.0], dtype=ng.float64),))
    assert value(y).tolist() == [1.0, -8.0]
    assert value(t).tolist() == [3.0, 120.0]


@pytest.mark.parametrize("used", ["both", "first", "second", "first twice", "crossed"])
def test_outputs_of_one_operation(used):
    x = leaf(0.7)
    s, c = SinCos.apply(x)
    sv, cv = np.sin(0.7), np.cos(0.7)
    y, want = {
        "both": (s * 2 + c * 3, 2 * cv - 3 * sv),
        "first": (s * 2, 2 * cv),
        "second": (c * 3, -3 * sv),
        "first twice": (s * s, 2 * sv * cv),
        "crossed": (s * c, cv * cv - sv * sv),
    }[used]
    y.backward()
    assert x.grad.item() == pytest.approx(want)


def test_outputs_of_one_operation_kept_alone():
    """An output is enough to keep its operation alive; the other may be gone."""
    x = leaf(0.7)
    s, c = SinCos.apply(x)
    del c
    gc.collect()
    s.backward()
    assert x.grad.item() == pytest.approx(np.cos(0.7))


def test_wrong_number_or_shape_of_gradients():
    class TooMany(Function):
        @staticmethod
        def forward(ctx, x):
            return x.copy()

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    class Misshapen(Function):
        @staticmethod
        def forward(ctx, x):
            return x.copy()

        @staticmethod
        def backward(ctx, grad):
            return grad.sum().reshape(1, 1) * ng.ones(3, 5, dtype=grad.dtype)

    with pytest.raises((ValueError, RuntimeError), match=r"Misshapen"):
        Misshapen.apply(leaf([1.0, 2.0])).sum().backward()
    with pytest.raises((ValueError, RuntimeError), match=r"TooMany"):
        TooMany.apply(leaf([1.0, 2.0])).sum().backward()


def test_needs_input_grad():
    asked = []

    class Product(Function):
        @staticmethod
        def forward(ctx, x, y, scale):
            ctx.save_for_backward(x, y)
            ctx.scale = scale
            return x * y * scale

        @staticmethod
        def backward(ctx, grad):
            asked.append(list(ctx.needs_input_grad))
            _, y = ctx.saved_tensors
            return grad * y * ctx.scale, None

    x, y = leaf(2.0), ng.tensor(3.0, dtype=ng.float64)
    Product.apply(x, y, 5.0).backward()
    assert asked == [[True, False, False]] and x.grad.item() == 15.0


def test_mark_non_differentiable():
    class Split(Function):
        @staticmethod
        def forward(ctx, x):
            order = np.argsort(x)
            ctx.mark_non_differentiable(order)
            ctx.save_for_backward(order)
            return x[order], order

        @staticmethod
        def backward(ctx, grad, _):
            (order,) = ctx.saved_tensors
            return ng.zeros(3, dtype=grad.dtype).index_add(0, order, grad)

    x = leaf([3.0, 1.0, 2.0])
    values, order = Split.apply(x)
    assert values.requires_grad and not order.requires_grad
    (values * ng.tensor([1.0, 2.0, 3.0], dtype=ng.float64)).sum().backward()
    assert value(x.grad).tolist() == [3.0, 1.0, 2.0]
