"""Complex tensors, beyond the table: gradients seen from outside, views, what is refused."""

import copy
import pickle

import numpy as np
import pytest

import naivegrad as ng
from harness import OPS, as_list, is_float, tensor
from table import draw


def numbers(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def steepest(f, z, step=1e-6):
    """dL/dx + i dL/dy, by steps: the direction in which L = f(z) rises most."""
    grad = np.zeros_like(z)
    for k in np.ndindex(z.shape):
        for unit in (1, 1j):
            d = np.zeros_like(z)
            d[k] = unit * step
            grad[k] += unit * (f(z + d) - f(z - d)) / (2 * step)
    return grad


LOSSES = {
    "power": (lambda z: (z.abs() ** 2).sum(), lambda z: (abs(z) ** 2).sum()),
    "holomorphic": (lambda z: (z * z * z).real.sum(), lambda z: (z**3).real.sum()),
    "imaginary": (lambda z: (z.exp() * 2j).imag.sum(), lambda z: (np.exp(z) * 2j).imag.sum()),
    "mixed": (
        lambda z: (z.conj() * z.sin()).real.sum(),
        lambda z: (z.conj() * np.sin(z)).real.sum(),
    ),
    "angle": (lambda z: z.angle().square().sum(), lambda z: (np.angle(z) ** 2).sum()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_gradient_is_the_direction_of_steepest_ascent(name):
    ours, reference = LOSSES[name]
    z = numbers(3)
    x = ng.tensor(z, requires_grad=True)
    want = steepest(reference, z)
    ours(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), want, rtol=1e-6)
    ours(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * want, rtol=1e-6)
    (g,) = ng.autograd.grad(ours(x), x)
    np.testing.assert_allclose(g.numpy(), want, rtol=1e-6)


def test_descent_reaches_the_least():
    z = ng.tensor([3 + 4j, -1 - 1j], requires_grad=True)
    for _ in range(100):
        (g,) = ng.autograd.grad(((z - (1 - 2j)).abs() ** 2).sum(), z)
        with ng.no_grad():
            z -= 0.1 * g
    np.testing.assert_allclose(z.tolist(), [1 - 2j] * 2, atol=1e-5)


def test_the_gradient_that_flows_in():
    """Of w = z^2 with a given gradient u: conj(2 z) u, as PyTorch defines it."""
    z, u = numbers(4), numbers(4, seed=1)
    x = ng.tensor(z, requires_grad=True)
    (x * x).backward(ng.tensor(u))
    np.testing.assert_allclose(x.grad.numpy(), np.conj(2 * z) * u)


def test_hooks_and_retained_gradients_see_what_grad_shows():
    z, u = numbers(4), numbers(4, seed=1)
    x = ng.tensor(z, requires_grad=True)
    y = x * x
    seen = []
    y.register_hook(lambda g: seen.append(g.numpy().copy()))
    x.register_hook(lambda g: seen.append(g.numpy().copy()) or g * 2j)
    y.retain_grad()
    y.backward(ng.tensor(u))
    np.testing.assert_allclose(seen[0], u)
    np.testing.assert_allclose(y.grad.numpy(), u)
    np.testing.assert_allclose(seen[1], np.conj(2 * z) * u)
    np.testing.assert_allclose(x.grad.numpy(), np.conj(2 * z) * u * 2j)


class Cube(ng.autograd.Function):
    """Written as for PyTorch, conjugates and all."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (3 * x * x).conj()


def test_a_function_of_ones_own():
    z, u = numbers(4), numbers(4, seed=1)
    for cube in (Cube.apply, lambda x: x**3):
        x = ng.tensor(z, requires_grad=True)
        w = ng.tensor(u, requires_grad=True)
        (g,) = ng.autograd.grad(cube(x), x, w, create_graph=True)
        np.testing.assert_allclose(g.detach().numpy(), np.conj(3 * z * z) * u)
        (h, hw) = ng.autograd.grad((g * g.conj()).real.sum(), [x, w])
        want = steepest(lambda s: (abs(3 * s * s * u.conj()) ** 2).sum(), z)
        np.testing.assert_allclose(h.numpy(), want, rtol=1e-5)
        np.testing.assert_allclose(hw.numpy(), 2 * abs(3 * z * z) ** 2 * u, rtol=1e-9)


def test_module_hooks():
    class Double(ng.nn.Module):
        def forward(self, x):
            return x * 2

    seen = []
    module = Double()
    module.register_full_backward_hook(lambda m, *grads: seen.extend(g.tolist() for (g,) in grads))
    x = ng.tensor([1j], requires_grad=True)
    module(x).backward(ng.tensor([1 + 1j]))
    assert seen == [[2 + 2j], [1 + 1j]]


def test_what_backward_wants_to_be_given():
    x = ng.tensor([1 + 2j], requires_grad=True)
    with pytest.raises(RuntimeError, match="the gradient of a complex tensor must be given"):
        (x * x).backward()
    with pytest.raises(RuntimeError, match=r"of type .*float32 for a tensor of type .*complex64"):
        (x * x).backward(ng.ones(1))
    with pytest.raises(RuntimeError, match=r"of type .*complex64 for a tensor of type .*float32"):
        x.abs().backward(ng.tensor([1j]))
    with pytest.raises(TypeError, match=r"grad: a gradient of type .*float32"):
        x.grad = ng.ones(1)


def test_parts_share_memory():
    z = ng.tensor([1 + 2j, 3 - 4j])
    z.real *= 10
    z.imag = ng.tensor([5.0, 6.0])
    ng.view_as_real(z)[1, 0] = -1
    assert z.tolist() == [10 + 5j, -1 + 6j]
    pairs = ng.zeros(2, 2)
    ng.view_as_complex(pairs)[1] = 7 - 8j
    assert pairs.tolist() == [[0, 0], [7, -8]]
    real = ng.ones(2)
    assert real.real is real.conj() is real.resolve_conj() is real
    assert ng.view_as_complex(ng.ones(0, 2)).shape == (0,)
    assert ng.view_as_real(ng.ones(0, dtype=ng.cfloat)).shape == (0, 2)


def test_gradients_through_parts_changed_in_place():
    def f(z, w):
        z = z * 1
        z.imag.mul_(w.imag)
        ng.view_as_real(z)[..., 0].add_(w.real)
        return (z * z).real.sum()

    def reference(z, w):
        return ((z.real + w.real + 1j * z.imag * w.imag) ** 2).real.sum()

    z, w = numbers(3), numbers(3, seed=1)
    xs = [ng.tensor(v, requires_grad=True) for v in (z, w)]
    got = ng.autograd.grad(f(*xs), xs)
    np.testing.assert_allclose(got[0].numpy(), steepest(lambda v: reference(v, w), z), rtol=1e-6)
    np.testing.assert_allclose(got[1].numpy(), steepest(lambda v: reference(z, v), w), rtol=1e-6)


def test_making_and_showing():
    z = ng.tensor([1 + 2j, -0.5])
    assert z.dtype is ng.complex64 and z[0].item() == 1 + 2j == complex(z[0])
    assert repr(z) == "tensor([ 1. +2.j, -0.5+0.j])"
    assert repr(z.cdouble()[0]) == "tensor(1.+2.j, dtype=naivegrad.complex128)"
    assert ng.zeros(2, dtype=ng.cfloat).tolist() == [0, 0]
    assert ng.full((2,), 1j).dtype is ng.complex64 and ng.full_like(z, 2).tolist() == [2, 2]
    assert ng.eye(2, dtype=ng.cdouble).dtype is ng.complex128
    assert ng.from_numpy(np.array([1j])).dtype is ng.complex128
    assert ng.is_complex(z) and not ng.is_complex(z.real) and ng.isreal(z).tolist() == [False, True]
    assert not z.conj().is_conj() and not z.is_neg() and ng.is_conj(z) is ng.is_neg(z) is False
    assert ng.resolve_neg(z) is z
    for other in (copy.deepcopy(z), pickle.loads(pickle.dumps(z)), z.clone()):
        assert other.tolist() == z.tolist() and other.dtype is z.dtype
    assert (z == ng.tensor([1 + 2j, 0j])).tolist() == [True, False]
    big = ng.tensor([3e38 + 3e38j, complex(0, float("inf")), complex(float("nan"), 0)])
    assert ng.isfinite(big).tolist() == [True, False, False]
    assert ng.isinf(big[1:]).tolist() == [True, False] and ng.isnan(big).tolist() == [0, 0, 1]


def test_real_types_do_not_take_complex_numbers():
    z = ng.tensor([1 + 2j])
    with pytest.warns(UserWarning, match="the imaginary part is lost"):
        assert z.to(ng.float32).tolist() == [1]
    with pytest.warns(UserWarning, match="the imaginary part is lost"):
        assert ng.zeros(1).copy_(z).tolist() == [1]
    assert z.to(ng.bool).tolist() == [True]
    x = ng.ones(1)
    for write in (lambda: x.add_(1j), lambda: x.mul_(z), lambda: ng.exp(z, out=x)):
        with pytest.raises(TypeError, match=r"complex64|argument"):
            write()
    for make in (
        lambda: ng.tensor([1j], dtype=ng.float32),
        lambda: ng.tensor(np.array([1j]), dtype=ng.float32),
        lambda: ng.add(x, x, alpha=1j),
    ):
        with pytest.raises(TypeError, match=r"complex|real"):
            make()
    for convert in (float, int):
        with pytest.raises(TypeError):
            convert(z)
    for f in (ng.imag, ng.view_as_real):
        with pytest.raises(TypeError, match=rf"{f.__name__}: a complex tensor is needed"):
            f(x)
    names = "real imag conj angle sgn isreal view_as_complex is_conj resolve_conj conj_physical"
    for name in names.split():
        with pytest.raises(TypeError, match=rf"{name}: input must be a Tensor, got list"):
            getattr(ng, name)([1j])


def test_random_numbers():
    """The variance is 1, half of it in each part, which are independent."""
    ng.manual_seed(0)
    z = ng.randn(4000, dtype=ng.cfloat)
    parts = ng.view_as_real(z)
    assert z.dtype is ng.complex64 and (parts.mean(0).abs() < 0.05).all()
    np.testing.assert_allclose(parts.T.cov().numpy(), [[0.5, 0], [0, 0.5]], atol=0.05)
    u = ng.view_as_real(ng.rand(4000, dtype=ng.cdouble))
    assert u.dtype is ng.float64 and (u >= 0).all() and (u < 1).all()
    np.testing.assert_allclose(u.mean(0).tolist(), [0.5, 0.5], atol=0.02)
    assert ng.randn_like(z).shape == z.shape and ng.rand_like(z).dtype is ng.complex64
    with pytest.raises(TypeError, match="randn: a floating-point or complex dtype"):
        ng.randn(2, dtype=ng.int64)


def test_out():
    z, out = ng.tensor([3 + 4j]), ng.empty(0, dtype=ng.cfloat)
    assert ng.conj_physical(z, out=out) is out and out.tolist() == [3 - 4j]
    assert ng.complex(ng.ones(1), ng.ones(1), out=out).tolist() == [1 + 1j]
    assert ng.polar(ng.ones(1), ng.zeros(1), out=out).tolist() == [1]
    np.testing.assert_allclose(ng.sgn(z, out=out).tolist(), [0.6 + 0.8j], rtol=1e-6)
    real = ng.empty(0)
    assert ng.angle(ng.tensor([1 + 0j]), out=real).tolist() == [0]
    assert z.sgn_() is z and z.conj_physical_() is z
    np.testing.assert_allclose(z.tolist(), [0.6 - 0.8j], rtol=1e-6)


# Rows whose results of complex numbers are right, though their references know none.
# Convolutions are compared with PyTorch in against_torch/test_complex.py.
ALSO = {"sigmoid", "all", "adjoint", "vdot", "vecdot", "angle", "block_diag", "cov"}
ALSO |= {"deg2rad", "rad2deg", "linalg.inv_ex", "var", "std", "var_mean", "std_mean"}
ALSO |= {op.name for op in OPS if op.name.startswith(("conv", "fold", "unfold"))}
ROWS = [
    pytest.param(op, next(c for c in op.cases if any(is_float(a) and a.ndim for a in draw(op, c))))
    for op in OPS
    if any(is_float(a) and a.ndim for c in op.cases for a in draw(op, c))
    and not op.name.startswith(("complex_", "max_unpool", "pixel_"))
]


@pytest.mark.parametrize(("op", "one"), ROWS, ids=lambda v: getattr(v, "name", ""))
def test_an_operation_takes_complex_numbers_or_refuses_them(op, one):
    """None takes them and loses the imaginary part."""
    rng = np.random.default_rng(0)
    arrays = [
        np.asarray(a + 1j * rng.normal(size=a.shape)) if is_float(a) else a for a in draw(op, one)
    ]
    try:
        got = as_list(op.f(ng, *map(tensor, arrays), **one.options))
    except TypeError as error:
        if not any(word in str(error) for word in ("complex", "float", "real")):
            raise
        return
    except UserWarning as warning:
        if "the imaginary part is lost" not in str(warning):
            raise
        return
    if op.name in ALSO:
        return
    with np.errstate(all="ignore"):
        wanted = as_list(op.reference(*arrays, **one.options))
    for y, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(y.numpy(), want, rtol=1e-9, atol=1e-12)


def test_scatter_reduce():
    z, index = ng.tensor([1j, 2.0]), ng.tensor([0, 0])
    total = ng.scatter_reduce(z, 0, index, z, "sum", include_self=False)
    assert total.tolist() == [2 + 1j, 2]
    product = ng.scatter_reduce(z, 0, index, z, "prod", include_self=False)
    assert product.tolist() == [2j, 2]
    for reduce in ("mean", "amax", "amin"):
        with pytest.raises(TypeError, match=f"scatter_reduce: {reduce} is not defined for complex"):
            ng.scatter_reduce(z, 0, index, z, reduce)
