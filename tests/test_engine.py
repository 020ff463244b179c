"""The reverse engine: accumulation, long and shared graphs, their life time, autograd.grad."""

import time
import weakref

import numpy as np
import pytest

import naivegrad as ng
from harness import value
from naivegrad.autograd import Function
from numeric import leaf

# Accumulation


def test_repeated_use_accumulates():
    x = leaf(3.0)
    (x * x).backward()
    assert x.grad.item() == 6.0
    x = leaf(3.0)
    ((x + x) * (x + x)).backward()
    assert x.grad.item() == 24.0


def test_diamonds():
    x, y = leaf(2.0), leaf(-3.0)
    a, b = x * y, x + y
    c = a * b  # x^2 y + x y^2
    d = c + a * c
    d.backward()
    # d = (1 + xy)(x^2 y + x y^2)
    vx, vy = 2.0, -3.0
    inner = vx * vx * vy + vx * vy * vy
    assert x.grad.item() == vy * inner + (1 + vx * vy) * (2 * vx * vy + vy * vy)
    assert y.grad.item() == vx * inner + (1 + vx * vy) * (vx * vx + 2 * vx * vy)


def test_uneven_paths_wait_for_all_gradients():
    """A node reached by a short and a long path runs once, after both have arrived."""
    calls = []

    class Tap(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            calls.append(grad.item())
            return grad

    x = leaf(2.0)
    t = Tap.apply(x)
    long = t
    for _ in range(20):
        long = long * 1.5
    (t + long).backward()
    assert len(calls) == 1
    assert x.grad.item() == pytest.approx(1 + 1.5**20)


def test_backward_adds_to_what_is_there():
    x = leaf([1.0, 2.0])
    for times in (1, 2, 3):
        (x * x).sum().backward()
        assert value(x.grad).tolist() == [2.0 * times, 4.0 * times]
    x.grad = None
    (x * x).sum().backward()
    assert value(x.grad).tolist() == [2.0, 4.0]


def test_a_repeated_index_accumulates():
    x = leaf([1.0, 2.0, 3.0])
    x[ng.tensor([0, 0, 1])].sum().backward()
    assert value(x.grad).tolist() == [2.0, 1.0, 0.0]


def test_several_roots():
    x = leaf([1.0, 2.0])
    y, z = x * 2, x * x
    ng.autograd.backward(
        [y.sum(), z.sum(), y], [None, None, ng.tensor([1.0, 10.0], dtype=ng.float64)]
    )
    assert value(x.grad).tolist() == [2 + 2 + 2, 2 + 4 + 20]


def test_the_same_root_twice():
    x = leaf(3.0)
    y = x * x
    ng.autograd.backward([y, y])
    assert x.grad.item() == 12.0
    assert ng.autograd.grad([x * x, x * x], x)[0].item() == 12.0


def test_backward_of_a_leaf():
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0
    x.backward(ng.tensor(2.0, dtype=ng.float64))
    assert x.grad.item() == 3.0


# Long, wide and shared graphs


def test_a_chain_of_ten_thousand():
    """Forward, backward and release, none of them recursive."""
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + 1e-4
    y.backward()
    assert x.grad.item() == 1.0
    y = x
    for _ in range(10_000):
        y = y * 1.0
    node = weakref.ref(y)
    del y
    assert node() is None


def test_a_long_chain_of_views_and_in_place_changes():
    x = leaf(np.ones(4))
    y = x * 1
    for _ in range(3_000):
        y = y.reshape(2, 2).reshape(4)
    y.sum().backward()
    assert value(x.grad).tolist() == [1.0] * 4
    x.grad = None
    y = x * 1
    for _ in range(3_000):
        y.add_(1.0)
    y.sum().backward()
    assert value(x.grad).tolist() == [1.0] * 4


def test_sixty_doublings_in_linear_time():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    start = time.perf_counter()
    y.backward()
    assert x.grad.item() == 2.0**60
    assert time.perf_counter() - start < 5


def test_second_order_of_a_shared_graph_in_linear_time():
    x = leaf(1.0)
    y = x
    for _ in range(30):
        y = y * y * 0.5 + y * 0.5
    (g,) = ng.autograd.grad(y, x, create_graph=True)
    (h,) = ng.autograd.grad(g, x)
    assert np.isfinite(h.item())


# The life of a graph


def test_backward_twice_with_the_graph_kept_doubles():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = (ng.exp(x) * w).sum()
    y.backward(retain_graph=True)
    once = value(x.grad).copy(), value(w.grad).copy()
    y.backward()
    np.testing.assert_array_equal(value(x.grad), 2 * once[0])
    np.testing.assert_array_equal(value(w.grad), 2 * once[1])


def test_a_second_backward_without_the_graph_is_refused():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"second time.*retain_graph"):
        y.backward()
    assert value(x.grad).tolist() == [2.0, 4.0], "a refused backward leaves gradients as they were"
    y = ng.exp(x).sum()
    ng.autograd.grad(y, x)
    with pytest.raises(RuntimeError, match=r"second time"):
        ng.autograd.grad(y, x)


def test_a_graph_that_saved_nothing_may_be_used_again():
    x = leaf([1.0, 2.0])
    y = (x + x).sum()
    y.backward()
    y.backward()
    assert value(x.grad).tolist() == [4.0, 4.0]


def test_half_a_shared_graph_is_freed():
    """Two losses over one trunk: the second backward needs the trunk, so it is refused clearly."""
    x = leaf(2.0)
    trunk = x * x
    a, b = trunk * 2, trunk * 3
    a.backward()
    with pytest.raises(RuntimeError, match=r"second time"):
        b.backward()
    x = leaf(2.0)
    trunk = x * x
    a, b = trunk * 2, trunk * 3
    a.backward(retain_graph=True)
    b.backward()
    assert x.grad.item() == 20.0


def test_saved_arrays_are_freed_by_backward():
    x = leaf(np.ones((50, 50)))
    y = ng.exp(x)
    saved = weakref.ref(y.array)
    z = y.sum()
    del y
    assert saved() is not None, "exp saves its result"
    z.backward()
    assert saved() is None


# gradient=


def test_gradient_argument():
    x = leaf([1.0, 2.0])
    (x * x).backward(ng.tensor([1.0, -10.0], dtype=ng.float64))
    assert value(x.grad).tolist() == [2.0, -40.0]


def test_backward_of_many_elements_needs_a_gradient():
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"\(2,\)"):
        (x * x).backward()
    (x * x).sum().reshape(1, 1).backward()  # one element is enough, whatever the shape


@pytest.mark.parametrize("shape", [(3,), (1,), (1, 2), (), (2, 2)])
def test_gradient_of_another_shape(shape):
    x = leaf([1.0, 2.0])
    with pytest.raises((RuntimeError, ValueError), match=r"shape"):
        (x * x).backward(ng.ones(shape, dtype=ng.float64))
    assert x.grad is None


def test_gradient_argument_is_not_changed_and_not_kept():
    x = leaf([1.0, 2.0])
    g = ng.tensor([1.0, 2.0], dtype=ng.float64)
    x.backward(g)
    x.backward(g)
    assert value(g).tolist() == [1.0, 2.0]
    x.grad.mul_(5)
    assert value(g).tolist() == [1.0, 2.0]


def test_no_history():
    with pytest.raises(RuntimeError, match=r"require"):
        ng.ones(()).backward()
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match=r"require"):
        (x * 2).detach().backward()


# autograd.grad


def test_grad_leaves_dot_grad_alone():
    x, y = leaf(2.0), leaf(3.0)
    z = x * y
    gx, gy = ng.autograd.grad(z, [x, y])
    assert (gx.item(), gy.item()) == (3.0, 2.0)
    assert x.grad is None and y.grad is None
    assert not gx.requires_grad


def test_grad_of_unused_inputs():
    x, y = leaf(2.0), leaf(3.0)
    with pytest.raises(RuntimeError, match=r"unused|allow_unused|not.*depend"):
        ng.autograd.grad(x * x, [x, y])
    gx, gy = ng.autograd.grad(x * x, [x, y], allow_unused=True)
    assert gx.item() == 4.0 and gy is None
    gx, gy = ng.autograd.grad(x * x, [x, y], materialize_grads=True)
    assert gy.item() == 0.0 and gy.shape == ()


def test_grad_of_inputs_that_do_not_require_it():
    x = leaf(2.0)
    with pytest.raises(RuntimeError, match=r"require"):
        ng.autograd.grad(x * x, ng.tensor(1.0))


def test_grad_with_respect_to_inner_tensors():
    x = leaf(2.0)
    y = x * x
    z = y * y
    w = z * 3
    gx, gy, gz, gw = ng.autograd.grad(w, [x, y, z, w])
    assert (gx.item(), gy.item(), gz.item(), gw.item()) == (96.0, 24.0, 3.0, 1.0)


def test_grad_of_inner_tensor_stops_there():
    """What lies before the wanted tensor is neither run nor freed."""
    x = leaf(2.0)
    y = ng.exp(x)
    (gy,) = ng.autograd.grad(y * y, y)
    assert gy.item() == pytest.approx(2 * np.exp(2.0))
    y.backward()
    assert x.grad.item() == pytest.approx(np.exp(2.0))


def test_grad_of_several_outputs():
    x = leaf([1.0, 2.0])
    a, b = x.sum() * 2, x * x
    (g,) = ng.autograd.grad([a, b], [x], [None, ng.tensor([1.0, 10.0], dtype=ng.float64)])
    assert value(g).tolist() == [4.0, 42.0]
    with pytest.raises((RuntimeError, ValueError)):
        ng.autograd.grad([x.sum(), x.sum()], x, [None])


def test_grad_with_the_same_input_twice():
    x = leaf(3.0)
    a, b = ng.autograd.grad(x * x, [x, x])
    assert a.item() == b.item() == 6.0


def test_create_graph():
    x = leaf(2.0)
    (g,) = ng.autograd.grad(x**3, x, create_graph=True)
    (h,) = ng.autograd.grad(g, x, create_graph=True)
    (t,) = ng.autograd.grad(h, x)
    assert (g.item(), h.item(), t.item()) == (12.0, 12.0, 6.0)
    assert not t.requires_grad


def test_create_graph_with_backward():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    x.grad.backward()
    assert x.grad.item() == 12.0 + 12.0  # PyTorch too adds into .grad
    x.grad = None  # break the cycle leaf -> grad -> graph -> leaf


def test_a_detached_copy_is_a_constant_in_every_order():
    """x and x.detach() share memory; only one of them is differentiated."""
    x = leaf([2.0, 3.0])
    for constant in (x.detach(), x.data, x.detach().reshape(2), x.detach().detach()):
        (g,) = ng.autograd.grad((x * x * constant).sum(), x, create_graph=True)
        assert value(g).tolist() == [8.0, 18.0]
        (h,) = ng.autograd.grad(g.sum(), x)
        assert value(h).tolist() == [4.0, 6.0]
    (g,) = ng.autograd.grad((x * x.detach()).sum(), x, create_graph=True)
    assert value(g).tolist() == [2.0, 3.0] and not g.requires_grad


def test_views_of_one_tensor_are_told_apart():
    """d/da and d/db of a * b, where both are the same memory in the same shape."""
    x = leaf([2.0, 3.0])
    a, b = x.reshape(2), x.view_as(x)
    (ga,) = ng.autograd.grad((a * b * b).sum(), a, create_graph=True)
    assert value(ga).tolist() == [4.0, 9.0]
    (gab,) = ng.autograd.grad(ga.sum(), b)
    assert value(gab).tolist() == [4.0, 6.0]


def test_gradient_penalty():
    """A loss made of gradients trains through them."""
    w = leaf([[0.5, -0.3], [0.2, 0.8]])
    x = leaf([[1.0, 2.0]])
    out = ng.tanh(x @ w).sum()
    (g,) = ng.autograd.grad(out, x, create_graph=True)
    penalty = (g * g).sum()
    (gw,) = ng.autograd.grad(penalty, w)

    def f(wv):
        t = np.tanh(np.array([[1.0, 2.0]]) @ wv)
        gv = (1 - t**2) @ wv.T
        return (gv**2).sum()

    step = np.zeros((2, 2))
    wv = value(w).copy()
    for at in np.ndindex(2, 2):
        e = np.zeros((2, 2))
        e[at] = 1e-6
        step[at] = (f(wv + e) - f(wv - e)) / 2e-6
    np.testing.assert_allclose(value(gw), step, rtol=1e-7)


def test_gradient_has_the_dtype_and_shape_of_its_input():
    a = ng.ones(3, dtype=ng.float32, requires_grad=True)
    b = ng.ones((2, 1), dtype=ng.float64, requires_grad=True)
    c = ng.ones((), dtype=ng.float16, requires_grad=True)
    (a * b * c).sum().backward()
    for t in (a, b, c):
        assert t.grad.dtype == t.dtype and t.grad.shape == t.shape
