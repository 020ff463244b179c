"""Functions that a user defines: `forward` works on tensors, as PyTorch's does."""

import gc

import numpy as np
import pytest

import naivegrad as ng
from harness import value
from naivegrad.autograd import Function, once_differentiable
from naivegrad.autograd.forward import jvp
from numeric import leaf


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
        ctx.set_materialize_grads(False)
        return x.sin(), x.cos()

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


class Exp(Function):
    """The output is saved; forward and setup_context apart; a jvp of its own."""

    @staticmethod
    def forward(x, scale=1.0):
        return (x * scale).exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.scale = inputs
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * y * ctx.scale, None

    @staticmethod
    def jvp(ctx, x_dot, _):
        (y,) = ctx.saved_tensors
        return x_dot * y * ctx.scale


class Double(Function):
    """x *= 2 in place."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


def test_first_and_second_derivative():
    x = leaf([1.0, -2.0])
    y = Cube.apply(x)
    (g,) = ng.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = ng.autograd.grad(g.sum(), x)
    assert value(g).tolist() == [3.0, 12.0]
    assert value(h).tolist() == [6.0, -12.0]
    assert not Cube.apply(ng.ones(2)).requires_grad
    with ng.no_grad():
        assert not Cube.apply(x).requires_grad
    assert repr(y) == "tensor([ 1., -8.], dtype=naivegrad.float64, grad_fn=<CubeBackward>)"


def test_forward_gets_the_tensors_and_records_nothing():
    seen = []

    class Look(Function):
        @staticmethod
        def forward(ctx, x, n):
            seen.extend([x, n, ng.is_grad_enabled(), ctx.needs_input_grad])
            ctx.inner = x * 2
            return x * n

        @staticmethod
        def backward(ctx, grad):
            seen.append(ng.is_grad_enabled())
            return grad, None

    x = leaf([1.0])
    y = Look.apply(x, 3)
    assert seen[0] is x and seen[1:] == [3, False, (True, False)]
    assert not y.grad_fn.inner.requires_grad
    y.backward()
    assert seen[-1] is False and ng.is_grad_enabled()


def test_forward_mode():
    x, t = leaf([1.0, -2.0]), ng.tensor([1.0, 10.0], dtype=ng.float64)
    y, y_dot = jvp(Cube.apply, (x,), (t,))  # by two backward passes
    assert value(y).tolist() == [1.0, -8.0]
    assert value(y_dot).tolist() == [3.0, 120.0]
    _, y_dot = jvp(lambda x: Exp.apply(x, 2.0), (x,), (t,))
    np.testing.assert_allclose(value(y_dot), 2 * np.exp([2.0, -4.0]) * value(t))
    (s_dot, c_dot) = jvp(SinCos.apply, (x,), (t,))[1]
    np.testing.assert_allclose(value(s_dot), np.cos(value(x)) * value(t))
    np.testing.assert_allclose(value(c_dot), -np.sin(value(x)) * value(t))


def test_setup_context_keywords_and_a_saved_output():
    x = leaf([0.5, 1.0])
    y = Exp.apply(x, scale=2.0)
    (g,) = ng.autograd.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(value(g), 2 * np.exp(2 * value(x)))
    (h,) = ng.autograd.grad(g.sum(), x)
    np.testing.assert_allclose(value(h), 4 * np.exp(2 * value(x)))


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


def test_missing_gradients_come_as_zeros():
    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, "text", x[:1] * 3, x.long()

        @staticmethod
        def backward(ctx, first, text, second, integers):
            assert text is None and second.shape == (1,) and second.tolist() == [0.0]
            assert integers.dtype == ng.int64
            return first * 2

    x = leaf([1.0, 2.0])
    first, text, _, integers = Pair.apply(x)
    assert text == "text" and not integers.requires_grad
    first.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_in_place():
    x = leaf([1.0, 2.0])
    y = x * 1
    view = y[:1]
    z = Double.apply(y)
    assert z is y and y.tolist() == [2.0, 4.0] and y.grad_fn.function is Double
    (y * y).sum().backward()  # 4 x^2
    assert x.grad.tolist() == [8.0, 16.0]
    assert view.tolist() == [2.0]

    x.grad = None
    y = x * 1
    part = y[1:]
    Double.apply(part)  # the tensor that it is a view of learns of it
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 16.0]
    with pytest.raises(RuntimeError, match="Double"):
        Double.apply(x)
    y = x * 1
    square = y * y
    with ng.no_grad():
        Double.apply(y)
    with pytest.raises(RuntimeError, match="changed in place"):
        square.sum().backward()


def test_an_input_returned_as_it_is():
    class Reverse(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return -grad * x

    x = leaf([3.0])
    y = Reverse.apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr() and x.is_leaf
    (g,) = ng.autograd.grad(y, x, create_graph=True)
    assert g.tolist() == [-3.0] and ng.autograd.grad(g, x)[0].tolist() == [-1.0]


def test_recomputing_in_backward():
    """Saved tensors require what they required: the manner of activation checkpoints."""

    class Again(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            inner = x.detach()
            inner.requires_grad = x.requires_grad
            with ng.enable_grad():
                y = inner.sin()
            y.backward(grad)
            return inner.grad

    x = leaf([0.3])
    Again.apply(x).backward()
    assert x.grad.item() == pytest.approx(np.cos(0.3))


def test_needs_input_grad_and_saved_none():
    asked = []

    class Product(Function):
        @staticmethod
        def forward(ctx, x, y, scale):
            ctx.save_for_backward(x, None, y)
            ctx.scale = scale
            return x * y * scale

        @staticmethod
        def backward(ctx, grad):
            asked.append(ctx.needs_input_grad)
            _, none, y = ctx.saved_tensors
            assert none is None
            return grad * y * ctx.scale, None, None

    x, y = leaf(2.0), ng.tensor(3.0, dtype=ng.float64)
    Product.apply(x, y, 5.0).backward()
    assert asked == [(True, False, False)] and x.grad.item() == 15.0


def test_mark_non_differentiable():
    class Split(Function):
        @staticmethod
        def forward(ctx, x):
            order = x.argsort()
            rank = order.to(x.dtype)
            ctx.mark_non_differentiable(rank)
            ctx.save_for_backward(order)
            return x[order], rank

        @staticmethod
        def backward(ctx, grad, _):
            (order,) = ctx.saved_tensors
            return ng.zeros(3, dtype=grad.dtype).index_add(0, order, grad)

    x = leaf([3.0, 1.0, 2.0])
    values, rank = Split.apply(x)
    assert values.requires_grad and not rank.requires_grad
    (values * ng.tensor([1.0, 2.0, 3.0], dtype=ng.float64)).sum().backward()
    assert value(x.grad).tolist() == [3.0, 1.0, 2.0]


def test_once_differentiable():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return ng.from_numpy(2 * grad.numpy() * x.detach().numpy())

    x = leaf([3.0])
    (g,) = ng.autograd.grad(Square.apply(x), x)
    assert g.tolist() == [6.0]
    (g,) = ng.autograd.grad(Square.apply(x), x, create_graph=True)
    with pytest.raises(RuntimeError, match="Square: backward is marked once_differentiable"):
        g.backward()


def test_what_was_saved_is_freed_and_guarded():
    x = leaf([1.0, 2.0])
    y = Cube.apply(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"CubeBackward: .* a second time"):
        y.backward()
    y = Cube.apply(x).sum()
    with ng.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_the_graph_can_be_walked():
    x, y = leaf([1.0]), ng.ones(1).double()
    z = Cube.apply(x.split(1)[0]) * y
    (cube, place), (none, _) = z.grad_fn.next_functions
    assert (z.grad_fn.name(), cube.name(), place, none) == ("Mul", "CubeBackward", 0, None)
    ((split, place),) = cube.next_functions
    assert place == 0 and split.next_functions[0][0].variable is x


def test_no_reference_cycle():
    import weakref

    x = leaf([1.0])
    gc.disable()
    try:
        for function in (Cube.apply, Exp.apply, SinCos.apply):
            y = function(x) if function != Exp.apply else Exp.apply(x, 1.0)
            watch = weakref.ref(y[0] if isinstance(y, tuple) else y)
            del y
            assert watch() is None
    finally:
        gc.enable()


def returning(result, forward=lambda ctx, x, n: x * 1):
    """A Function of a tensor and a number with this backward."""
    members = {
        "forward": staticmethod(forward),
        "backward": staticmethod(lambda ctx, grad: result(grad)),
    }
    return type("Mine", (Function,), members)


@pytest.mark.parametrize(
    "error, match, result",
    [
        (RuntimeError, "Mine.backward returned 1 gradients for 2", lambda g: g),
        (RuntimeError, "Mine.backward returned 3 gradients for 2", lambda g: (g, None, g)),
        (RuntimeError, "a gradient for input 1, which is no tensor", lambda g: (g, g)),
        (
            TypeError,
            "must return Tensors or None, it",
            lambda g: (g.numpy(), None),
        ),
        (ValueError, r"Mine.* shape \(1, 1, 5\)", lambda g: (ng.ones(1, 1, 5).double(), None)),
    ],
)
def test_gradients_that_do_not_fit(error, match, result):
    y = returning(result).apply(leaf([1.0, 2.0]), 7).sum()
    with pytest.raises(error, match=match):
        y.backward()


def test_more_gradients_than_inputs_if_they_are_none():
    x = leaf([1.0, 2.0])
    returning(lambda g: (g, None, None)).apply(x, 7).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_mistakes_in_forward():
    x = leaf([1.0])
    array = returning(lambda g: (g, None), lambda ctx, x, n: x.detach().numpy())
    with pytest.raises(TypeError, match=r"Mine.forward .* not arrays"):
        array.apply(x, 1)
    saving = returning(lambda g: g, lambda ctx, x, n: ctx.save_for_backward(n))
    with pytest.raises(TypeError, match="save_for_backward: expects tensors or None, got int"):
        saving.apply(x, 1)
    dirty = returning(lambda g: g, lambda ctx, x, n: ctx.mark_dirty(x))
    with pytest.raises(RuntimeError, match="marked as dirty was not returned"):
        dirty.apply(x, 1)
    with pytest.raises(NotImplementedError, match="a Function needs a static method forward"):
        type("Empty", (Function,), {}).apply(x)
