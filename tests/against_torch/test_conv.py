"""Convolution and pooling against PyTorch: results, and gradients for random cotangents."""

import numpy as np
import pytest

import naivegrad as ng

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


def random_case(rng):
    """Sizes of a convolution, awkward ones preferred."""
    groups = int(rng.choice([1, 1, 2, 3]))
    c, f = groups * int(rng.integers(1, 6)), groups * int(rng.integers(1, 11))
    n, h, w = rng.integers(1, 4), rng.integers(1, 15), rng.integers(1, 40)
    kernel, stride, dilation = (tuple(map(int, rng.integers(1, m, 2))) for m in (5, 4, 4))
    return (int(n), c, int(h), int(w)), (f, c // groups, *kernel), stride, dilation, groups


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("seed", range(24))
def test_conv2d(seed, dtype, tolerance):
    rng = np.random.default_rng(seed)
    x, w, stride, dilation, groups = random_case(rng)
    padding = ["valid", "same", tuple(map(int, rng.integers(0, 4, 2))), 2][seed % 4]
    if padding == "same":
        stride = 1
    if seed % 5 == 0:
        x = x[1:]
    arrays = [rng.standard_normal(s).astype(dtype) for s in (x, w, w[:1])]
    compare("conv2d", arrays, tolerance, stride, padding, dilation, groups)


@pytest.mark.parametrize("seed", range(12))
def test_conv1d(seed):
    rng = np.random.default_rng(seed)
    (n, c, _, w), filters, stride, dilation, groups = random_case(rng)
    arrays = [rng.standard_normal(s) for s in ((n, c, w), filters[:3], filters[:1])]
    padding = [int(rng.integers(0, 4)), "valid", (1,), "same"][seed % 4]
    stride = 1 if padding == "same" else stride[0]
    compare("conv1d", arrays, 1e-13, stride, padding, dilation[0], groups)


@pytest.mark.parametrize("seed", range(12))
def test_conv_transpose2d(seed):
    rng = np.random.default_rng(seed)
    (n, c, h, w), (f, per_group, *kernel), stride, dilation, groups = random_case(rng)
    padding = tuple(map(int, rng.integers(0, 3, 2)))
    extra = tuple(int(rng.integers(0, s)) for s in stride)
    shapes = (n, f, h, w), (f, per_group, *kernel), (c,)
    arrays = [rng.standard_normal(s) for s in shapes]
    compare("conv_transpose2d", arrays, 1e-12, stride, padding, extra, groups, dilation)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("seed", range(16))
def test_pools(seed, dtype, tolerance):
    rng = np.random.default_rng(seed)
    shape, _, stride, dilation, _ = random_case(rng)
    kernel = tuple(map(int, rng.integers(1, 5, 2)))
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    x = rng.standard_normal(shape).astype(dtype)
    ties = rng.integers(0, 3, shape).astype(dtype)
    ceil = bool(seed % 2)
    for stride_or_none in (stride, None):
        for values in (x, ties):
            for d in (1, dilation):
                compare("max_pool2d", [values], tolerance, kernel, stride_or_none, padding, d, ceil)
        for include in (True, False):
            for divisor in (None, 3):
                arguments = (kernel, stride_or_none, padding, ceil, include, divisor)
                compare("avg_pool2d", [x], tolerance, *arguments)
    compare("adaptive_avg_pool2d", [x], tolerance, (None, int(rng.integers(1, 9))))
    compare("adaptive_avg_pool2d", [x[0]], tolerance, int(rng.integers(1, 9)))
    arguments = (kernel, dilation, padding, stride)
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
