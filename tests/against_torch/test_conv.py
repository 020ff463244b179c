"""Convolution and pooling against PyTorch: results, and gradients for random cotangents."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.backend.window import pool_size

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
]


def compare(name, arrays, tolerance, *arguments, **keywords):
    """The same call in both; results and gradients for a random cotangent. False if both refuse."""
    ours = [ng.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    try:
        expected = getattr(F, name)(*theirs, *arguments, **keywords)
    except RuntimeError:
        with pytest.raises((ValueError, TypeError)):
            getattr(ng, name)(*ours, *arguments, **keywords)
        return False
    got = getattr(ng, name)(*ours, *arguments, **keywords)
    assert got.shape == tuple(expected.shape)
    u = np.random.default_rng(0).standard_normal(got.shape).astype(arrays[0].dtype)
    (got * ng.tensor(u)).sum().backward()
    (expected * torch.tensor(u)).sum().backward()
    pairs = [(got.detach(), expected.detach())]
    pairs += [(x.grad, z.grad) for x, z in zip(ours, theirs, strict=True)]
    for a, b in pairs:
        scale = max(1.0, b.abs().max().item() if b.numel() else 1.0)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=0, atol=tolerance * scale)
    return True


DTYPES = [(np.float32, 1e-5), (np.float64, 1e-13)]


LENGTHS = {1: [40], 2: [15, 40], 3: [6, 9, 12]}  # of an image, at most


def random_case(rng, dims):
    """Sizes of a convolution, awkward ones preferred."""
    groups = int(rng.choice([1, 1, 2, 3]))
    c, f = groups * int(rng.integers(1, 6)), groups * int(rng.integers(1, 11))
    image = [int(rng.integers(1, n)) for n in LENGTHS[dims]]
    kernel, stride, dilation = (tuple(map(int, rng.integers(1, m, dims))) for m in (5, 4, 4))
    return (int(rng.integers(1, 4)), c, *image), (f, c // groups, *kernel), stride, dilation, groups


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("seed", range(16))
def test_convolution(seed, dims, dtype, tolerance):
    rng = np.random.default_rng([seed, dims])
    x, w, stride, dilation, groups = random_case(rng, dims)
    padding = ["valid", "same", tuple(map(int, rng.integers(0, 4, dims))), 2][seed % 4]
    if padding == "same":
        stride = 1
    if seed % 5 == 0:
        x = x[1:]
    arrays = [rng.standard_normal(s).astype(dtype) for s in (x, w, w[:1])]
    compare(f"conv{dims}d", arrays, tolerance, stride, padding, dilation, groups)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_transposed_convolution(seed, dims):
    rng = np.random.default_rng([seed, dims])
    (n, c, *image), (f, per_group, *kernel), stride, dilation, groups = random_case(rng, dims)
    padding = tuple(map(int, rng.integers(0, 3, dims)))
    extra = tuple(int(rng.integers(0, max(s))) for s in zip(stride, dilation, strict=True))
    shapes = (n, f, *image), (f, per_group, *kernel), (c,)
    arrays = [rng.standard_normal(s) for s in shapes]
    compare(f"conv_transpose{dims}d", arrays, 1e-12, stride, padding, extra, groups, dilation)


def of_padding_alone(sizes, kernel, stride, padding, dilation, ceil):
    """Whether a window sees no pixel, which PyTorch's gradient does not survive."""
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        for i in range(max(pool_size(n, k, s, p, d, ceil), 0)):
            if not any(0 <= i * s - p + u * d < n for u in range(k)):
                return True
    return False


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_pools(seed, dims, dtype, tolerance):
    rng = np.random.default_rng([seed, dims])
    shape, _, stride, dilation, _ = random_case(rng, dims)
    kernel = tuple(map(int, rng.integers(1, 5, dims)))
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    x = rng.standard_normal(shape).astype(dtype)
    ties = rng.integers(0, 3, shape).astype(dtype)
    ceil = bool(seed % 2)
    one = (1,) * dims
    for step in (stride, None):
        for values in (x, ties):
            for d in (one, dilation):
                if not of_padding_alone(shape[2:], kernel, step or kernel, padding, d, ceil):
                    arguments = (kernel, step, padding, d, ceil)
                    compare(f"max_pool{dims}d", [values], tolerance, *arguments)
        if dims == 3 and any(n < k for n, k in zip(shape[2:], kernel, strict=True)):
            continue  # PyTorch refuses them in three dimensions, even if the padding makes up
        for include in (True, False):
            for divisor in (None, 3):
                arguments = (kernel, step, padding, ceil, include)
                arguments += (divisor,) if dims > 1 else ()
                compare(f"avg_pool{dims}d", [x], tolerance, *arguments)
        powers = (2, kernel if dims > 1 else kernel[0], step, ceil)
        compare(f"lp_pool{dims}d", [abs(x) + 0.1], 10 * tolerance, *powers)
    size = tuple(map(int, rng.integers(1, 9, dims)))
    for kind in ("avg", "max"):
        compare(f"adaptive_{kind}_pool{dims}d", [ties], tolerance, size)
        compare(f"adaptive_{kind}_pool{dims}d", [ties[0]], tolerance, size[0])
    if dims > 1:
        compare(f"adaptive_avg_pool{dims}d", [x], tolerance, (None, *size[1:]))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_positions(seed, dims):
    """Positions of maxima, and what is put back there."""
    rng = np.random.default_rng([seed, dims])
    shape, _, stride, _, _ = random_case(rng, dims)
    kernel = tuple(int(rng.integers(1, min(5, n) + 1)) for n in shape[2:])
    x = rng.integers(0, 3, shape).astype(float)
    x[rng.random(shape) < 0.1] = np.nan
    results = []
    for lib, functions in ((ng, ng.nn.functional), (torch, F)):
        names = [f"{name}{dims}d" for name in ("max_pool", "adaptive_max_pool", "max_unpool")]
        pool, adaptive, unpool = (getattr(functions, name) for name in names)
        t = lib.tensor(x)
        y, index = pool(t, kernel, stride, return_indices=True)
        apart, place = pool(t, kernel, return_indices=True)  # no position twice
        back = unpool(apart, place, kernel, output_size=shape[2:])
        results.append((y, index, *adaptive(t, 2, return_indices=True), back))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(got.numpy(), expected.numpy())


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("seed", range(16))
def test_unfold_and_fold(seed, dtype, tolerance):
    rng = np.random.default_rng(seed)
    shape, (_, _, *kernel), stride, dilation, _ = random_case(rng, 2)
    padding = tuple(map(int, rng.integers(0, 3, 2)))
    x = rng.standard_normal(shape[seed % 3 == 0 :]).astype(dtype)
    arguments = (tuple(kernel), dilation, padding, stride)
    if compare("unfold", [x], tolerance, *arguments):
        columns = rng.standard_normal(F.unfold(torch.tensor(x), *arguments).shape).astype(dtype)
        assert compare("fold", [columns], tolerance, shape[2:], *arguments)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "float16"])
def test_indices_and_types_of_max_pool2d(dtype):
    x = np.random.default_rng(0).integers(0, 9, (2, 3, 7, 9)).astype(dtype)
    for arguments in ((2,), (3, 2, 1), ((2, 3), (1, 2), (1, 0), 1, True)):
        got = ng.max_pool2d(ng.tensor(x), *arguments, return_indices=True)
        expected = F.max_pool2d(torch.tensor(x), *arguments, return_indices=True)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
            assert str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_convolution_of_integers(dims, dtype):
    """Sums wrap around as PyTorch's do."""
    rng = np.random.default_rng(dims)
    shapes = (2, 4, *[5, 6, 4][:dims]), (6, 2, *[3, 2, 2][:dims]), (6,)
    arrays = [rng.integers(0, 120, s).astype(dtype) for s in shapes]
    for arguments in ((), (2, 1, 1, 2)):
        xs = [a if arguments or i != 1 else np.repeat(a, 2, 1) for i, a in enumerate(arrays)]
        got = getattr(ng, f"conv{dims}d")(*map(ng.tensor, xs), *arguments)
        want = getattr(F, f"conv{dims}d")(*map(torch.tensor, xs), *arguments)
        np.testing.assert_array_equal(got.numpy(), want.numpy())
        assert got.numpy().dtype == dtype


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_transposed_convolution_and_means_of_integers(dims):
    rng = np.random.default_rng(dims)
    x = rng.integers(-99, 99, (2, 4, *[5, 6, 4][:dims]))
    w = rng.integers(-99, 99, (4, 3, *[3, 2, 2][:dims]))
    name = f"conv_transpose{dims}d"
    for arguments in ((), (3, 1, 2, 2), (1, 2, 1, 1, 2), (1, 0, 1, 4, 3)):
        theirs = F.__dict__[name](torch.tensor(x), torch.tensor(w), None, *arguments)
        ours = getattr(ng, name)(ng.tensor(x), ng.tensor(w), None, *arguments)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    name = f"avg_pool{dims}d"
    for arguments in ((2,), (3, 2, 1), (3, 2, 1, True, False), (2, 1, 0, False, True, -3)):
        arguments = arguments[: 5 if dims == 1 else 6]
        theirs = F.__dict__[name](torch.tensor(x), *arguments)
        ours = getattr(ng, name)(ng.tensor(x), *arguments)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv3d", "conv_transpose2d"])
def test_convolution_of_complex_numbers(name):
    rng = np.random.default_rng(0)
    dims = int(name[-2])
    shapes = (2, 4, *[4, 3, 4][:dims]), (4, 2, *[3, 2, 2][:dims]), (4,)
    arrays = [rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in shapes]
    results = []
    for lib, f in ((ng, getattr(ng, name)), (torch, getattr(F, name))):
        xs = [lib.tensor(a, requires_grad=True) for a in arrays]
        y = f(*xs, stride=2, padding=1, groups=2)
        grads = lib.autograd.grad(y.abs().sum(), xs)
        results.append([y.detach(), *grads])
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-10, atol=1e-10)


def test_unfold_and_fold_of_complex_numbers_and_truths():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5, 6)) + 1j * rng.standard_normal((2, 3, 5, 6))
    for a in (x, x.real > 0.5):
        got, want = ng.nn.functional.unfold(ng.tensor(a), 2), F.unfold(torch.tensor(a), 2)
        np.testing.assert_array_equal(got.numpy(), want.numpy())
        got, want = ng.nn.functional.fold(got, (5, 6), 2), F.fold(want, (5, 6), 2)
        np.testing.assert_allclose(got.numpy(), want.numpy())


def test_second_order_of_conv2d():
    """The gradient of a gradient penalty, as both see it."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 7, 6)), rng.standard_normal((4, 3, 3, 2))
    results = []
    for lib in (ng, torch):
        conv2d = ng.conv2d if lib is ng else F.conv2d
        a, b = lib.tensor(x, requires_grad=True), lib.tensor(w, requires_grad=True)
        y = conv2d(a, b, None, (2, 1), 1).tanh().sum()
        g = lib.autograd.grad(y, [a, b], create_graph=True)
        ((g[0] ** 2).sum() + (g[1] ** 3).sum()).backward()
        results.append((a.grad.numpy(), b.grad.numpy()))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
