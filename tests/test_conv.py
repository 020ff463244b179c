"""Convolution and pooling against naive loops in float64."""

import itertools
import tracemalloc

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.backend.cpu import conv, pool
from naivegrad.kernels import threads


def naive_conv2d(x, w, bias, stride, padding, dilation, groups):
    """The definition, one product at a time."""
    top, bottom, left, right = padding
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    n, _, h, width = x.shape
    f, per_group, kh, kw = w.shape
    oh = (h - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, f, oh, ow))
    for k, i, j in itertools.product(range(f), range(oh), range(ow)):
        first = k // (f // groups) * per_group
        for u, v in itertools.product(range(kh), range(kw)):
            pixels = x[:, first : first + per_group, i * stride[0] + u * dilation[0],
                       j * stride[1] + v * dilation[1]]  # fmt: skip
            y[:, k, i, j] += pixels @ w[k, :, u, v].astype(np.float64)
    return y if bias is None else y + bias.astype(np.float64).reshape(-1, 1, 1)


# x, w, stride, padding (top, bottom, left, right), dilation, groups
GEOMETRIES = {
    "plain": ((2, 3, 8, 8), (4, 3, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "not square": ((1, 2, 7, 5), (3, 2, 2, 4), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "padded": ((2, 3, 9, 21), (5, 3, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "asymmetric padding": ((2, 2, 6, 7), (3, 2, 3, 4), (1, 1), (0, 2, 3, 1), (1, 1), 1),
    "padding wider than the kernel": ((1, 2, 4, 4), (3, 2, 2, 2), (1, 1), (3, 3, 4, 4), (1, 1), 1),
    "strided": ((2, 3, 9, 10), (4, 3, 3, 3), (2, 3), (1, 1, 0, 0), (1, 1), 1),
    "kernel 1 stride 2": ((2, 3, 7, 5), (4, 3, 1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    "kernel 2 stride 3": ((2, 3, 7, 5), (4, 3, 2, 2), (3, 3), (0, 0, 0, 0), (1, 1), 1),
    "stride beyond the image": ((1, 2, 5, 4), (3, 2, 2, 2), (7, 9), (0, 0, 0, 0), (1, 1), 1),
    "dilated": ((2, 2, 11, 13), (3, 2, 3, 3), (1, 1), (1, 1, 2, 2), (2, 3), 1),
    "dilated and strided": ((2, 2, 12, 13), (3, 2, 3, 3), (2, 3), (1, 0, 2, 1), (3, 2), 1),
    "groups": ((2, 6, 6, 7), (9, 2, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 3),
    "groups, strided": ((2, 4, 7, 7), (6, 2, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 2),
    "depthwise": ((2, 5, 8, 6), (10, 1, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 5),
    "pointwise": ((3, 4, 5, 5), (7, 4, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "whole image": ((3, 2, 5, 6), (4, 2, 5, 6), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "one pixel": ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "wide": ((1, 2, 3, 70), (17, 2, 3, 5), (1, 1), (1, 1, 2, 2), (1, 1), 1),
    "few large windows": ((5, 4, 9, 8), (6, 2, 6, 5), (2, 1), (1, 0, 0, 1), (1, 1), 2),
    "one long row": ((1, 8, 1, 5000), (8, 8, 1, 3), (1, 1), (0, 0, 1, 1), (1, 1), 1),
    "one long column": ((1, 8, 5000, 1), (8, 8, 3, 1), (1, 1), (1, 1, 0, 0), (1, 1), 1),
    "several channel blocks": ((2, 260, 12, 24), (3, 260, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "several row blocks": ((1, 2, 90, 50), (3, 2, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "many small images": ((70, 3, 4, 4), (5, 3, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1),
}
TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def two_threads():
    before = threads.get()
    threads.set(2)
    yield
    threads.set(before)


def close(got, expected, dtype):
    assert got.dtype == dtype
    assert got.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


def case(name, rng, dtype):
    x_shape, w_shape, *geometry = GEOMETRIES[name]
    x = rng.standard_normal(x_shape).astype(dtype)
    w = rng.standard_normal(w_shape).astype(dtype)
    bias = rng.standard_normal(w_shape[0]).astype(dtype)
    return x, w, bias, geometry


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_conv2d_and_its_transposes(name, dtype, rng):
    x, w, bias, geometry = case(name, rng, dtype)
    expected = naive_conv2d(x, w, None, *geometry)
    close(conv.convolution(x, w, None, *geometry), expected, dtype)
    close(conv.convolution(x, w, bias, *geometry), expected + bias.reshape(-1, 1, 1), dtype)

    grad = rng.standard_normal(expected.shape).astype(dtype)
    grad_x = conv.convolution_grad_input(grad, w, x.shape, *geometry)
    grad_w = conv.convolution_grad_weight(grad, x, w.shape, *geometry)
    close(grad_x, naive_grad_input(grad, w, x.shape, *geometry), dtype)
    close(grad_w, naive_grad_weight(grad, x, w.shape, *geometry), dtype)


def naive_grad_input(grad, w, x_shape, stride, padding, dilation, groups):
    """Each product of the definition sent back to the pixel it came from."""
    n, c, h, width = x_shape
    top, bottom, left, right = padding
    grad_x = np.zeros((n, c, h + top + bottom, width + left + right))
    per_group = w.shape[1]
    for k, i, j in itertools.product(*map(range, grad.shape[1:])):
        first = k // (w.shape[0] // groups) * per_group
        for u, v in itertools.product(range(w.shape[2]), range(w.shape[3])):
            grad_x[:, first : first + per_group, i * stride[0] + u * dilation[0],
                   j * stride[1] + v * dilation[1]] += np.outer(
                       grad[:, k, i, j].astype(np.float64), w[k, :, u, v])  # fmt: skip
    return grad_x[:, :, top : top + h, left : left + width]


def naive_grad_weight(grad, x, w_shape, stride, padding, dilation, groups):
    """Each product of the definition sent back to the weight it came from."""
    top, bottom, left, right = padding
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    grad_w = np.zeros(w_shape)
    per_group = w_shape[1]
    for k, i, j in itertools.product(*map(range, grad.shape[1:])):
        first = k // (w_shape[0] // groups) * per_group
        for u, v in itertools.product(range(w_shape[2]), range(w_shape[3])):
            pixels = x[:, first : first + per_group, i * stride[0] + u * dilation[0],
                       j * stride[1] + v * dilation[1]]  # fmt: skip
            grad_w[k, :, u, v] += grad[:, k, i, j].astype(np.float64) @ pixels
    return grad_w


@pytest.mark.parametrize("name", GEOMETRIES)
def test_same_bits_for_every_number_of_threads(name, rng, two_threads):
    x, w, bias, geometry = case(name, rng, np.float32)
    results = []
    for n in (1, 2, 3):
        threads.set(n)
        y = conv.convolution(x, w, bias, *geometry)
        grad_x = conv.convolution_grad_input(y, w, x.shape, *geometry)
        results.append((y, grad_x, conv.convolution_grad_weight(y, x, w.shape, *geometry)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_conv2d_leaves_inputs_alone_and_takes_any_strides(rng):
    x = rng.standard_normal((7, 8, 3, 2))
    w = rng.standard_normal((3, 3, 3, 10))
    bias = rng.standard_normal(8)
    strided = x.transpose(3, 2, 1, 0), w.transpose(3, 2, 0, 1)[::-2], bias[4:0:-1][:5]
    strided = strided[0], strided[1][:4], strided[2]
    before = x.copy(), w.copy(), bias.copy()
    geometry = ((1, 1), (1, 1, 1, 1), (1, 1), 1)
    expected = naive_conv2d(*strided, *geometry)
    close(conv.convolution(*strided, *geometry), expected, np.float64)
    grad = rng.standard_normal(expected.shape[::-1]).transpose(3, 2, 1, 0)
    close(
        conv.convolution_grad_weight(grad, strided[0], strided[1].shape, *geometry),
        naive_grad_weight(grad, strided[0], strided[1].shape, *geometry),
        np.float64,
    )
    close(
        conv.convolution_grad_input(grad, strided[1], strided[0].shape, *geometry),
        naive_grad_input(grad, strided[1], strided[0].shape, *geometry),
        np.float64,
    )
    for a, b in zip(before, (x, w, bias), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_not_finite_reaches_only_its_own_windows(value, rng):
    """Padding, masked lanes and rows of other images must not multiply it by 0 into nan."""
    geometry = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
    w = rng.standard_normal((3, 2, 3, 3))
    for at in ((0, 0, 0, 0), (1, 1, 6, 8), (0, 1, 3, 8), (1, 0, 6, 0)):
        x = rng.standard_normal((2, 2, 7, 9))
        x[at] = value
        with np.errstate(invalid="ignore"):
            expected = naive_conv2d(x, w, None, *geometry)
            np.testing.assert_allclose(
                conv.convolution(x, w, None, *geometry), expected, atol=1e-12
            )
            grad = rng.standard_normal(expected.shape)
            expected = naive_grad_weight(grad, x, w.shape, *geometry)
            got = conv.convolution_grad_weight(grad, x, w.shape, *geometry)
            np.testing.assert_allclose(got, expected, atol=1e-12)
    grad[1, 2, 4, 6] = value
    with np.errstate(invalid="ignore"):
        expected = naive_grad_input(grad, w, x.shape, *geometry)
        got = conv.convolution_grad_input(grad, w, x.shape, *geometry)
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_conv2d_without_images_or_channels():
    geometry = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
    w = np.ones((4, 3, 3, 3), np.float32)
    bias = np.arange(4, dtype=np.float32)
    none = np.ones((0, 3, 5, 6), np.float32)
    assert conv.convolution(none, w, bias, *geometry).shape == (0, 4, 3, 4)
    grad = np.ones((0, 4, 3, 4), np.float32)
    assert conv.convolution_grad_input(grad, w, none.shape, *geometry).shape == none.shape
    assert not conv.convolution_grad_weight(grad, none, w.shape, *geometry).any()
    y = conv.convolution(np.ones((2, 0, 5, 6), np.float32), w[:, :0], bias, *geometry)
    np.testing.assert_array_equal(y, np.broadcast_to(bias.reshape(-1, 1, 1), (2, 4, 3, 4)))


def test_half_precision_is_summed_in_float32(rng):
    geometry = ((1, 1), (1, 1, 1, 1), (1, 1), 1)
    x = rng.standard_normal((2, 40, 6, 6)).astype(np.float16)
    w = rng.standard_normal((4, 40, 3, 3)).astype(np.float16)
    y = conv.convolution(x, w, None, *geometry)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, naive_conv2d(x, w, None, *geometry), rtol=1e-3, atol=1e-2)
    assert conv.convolution_grad_input(y, w, x.shape, *geometry).dtype == np.float16
    assert conv.convolution_grad_weight(y, x, w.shape, *geometry).dtype == np.float16


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"w": np.ones((4, 4, 3, 3))}, ValueError, r"x has C=3 channels, w expects 4 \(x \(2, 3"),
        ({"w": np.ones((5, 1, 3, 3)), "groups": 3}, ValueError, "F=5 filters, not a multiple"),
        ({"w": np.ones((0, 3, 3, 3))}, ValueError, "F=0 filters"),
        (
            {"w": np.ones((4, 3, 9, 3))},
            ValueError,
            r"kernel \(9, 3 .* larger than the padded input",
        ),
        ({"dilation": (4, 1)}, ValueError, r"kernel \(9, 3 .* larger than the padded input \(8, 8"),
        ({"w": np.ones((4, 3, 3))}, ValueError, r"w must be \(F, C // groups, KH, KW\)"),
        ({"x": np.ones((8, 8))}, ValueError, r"x must be \(N, C, H, W\)"),
        ({"bias": np.ones(3)}, ValueError, r"bias must be \(4,\)"),
        ({"bias": np.ones((4, 1))}, ValueError, r"bias must be \(4,\)"),
        ({"stride": (0, 1)}, ValueError, "stride must be at least 1"),
        ({"dilation": (1, 0)}, ValueError, "dilation must be at least 1"),
        ({"padding": (0, 0, -1, 0)}, ValueError, "padding must be at least 0"),
        ({"groups": 0}, ValueError, "groups must be at least 1"),
        ({"x": np.ones((2, 3, 8, 8), int)}, TypeError, "got x int64, w float64"),
        ({"x": np.ones((2, 3, 8, 8), bool), "w": np.ones((4, 3, 3, 3), bool)}, TypeError, "bool"),
        ({"w": np.ones((4, 3, 3, 3), np.float32)}, TypeError, "x float64, w float32"),
        ({"bias": np.ones(4, np.float32)}, TypeError, "bias float32"),
    ],
)
def test_conv2d_errors(change, error, message):
    arguments = {
        "x": np.ones((2, 3, 8, 8)),
        "w": np.ones((4, 3, 3, 3)),
        "bias": None,
        "stride": (1, 1),
        "padding": (0, 0, 0, 0),
        "dilation": (1, 1),
        "groups": 1,
    }
    with pytest.raises(error, match=message):
        conv.convolution(**(arguments | change))


def test_conv3d_needs_no_column_matrix(rng):
    """Its columns would take 27 times the memory of the input, and of each image 18 MB."""
    x = rng.standard_normal((4, 8, 12, 48, 48)).astype(np.float32)
    w = rng.standard_normal((8, 8, 3, 3, 3)).astype(np.float32)
    window = ((1, 1, 1), (1,) * 6, (1, 1, 1), 1)
    grad = conv.convolution(x, w, None, *window)
    for call in (
        lambda: conv.convolution(x, w, None, *window),
        lambda: conv.convolution_grad_input(grad, w, x.shape, *window),
        lambda: conv.convolution_grad_weight(grad, x, w.shape, *window),
    ):
        tracemalloc.start()
        result = call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < result.nbytes + (12 << 20)


# ------------------------------------------------------------------------------ unfold, fold

WINDOWS = [  # image, kernel, dilation, padding, stride
    ((5, 7), (2, 3), (1, 1), (0, 0), (1, 1)),
    ((7, 5), (3, 2), (2, 1), (1, 2), (2, 3)),
    ((6, 6), (1, 1), (1, 1), (0, 0), (2, 2)),
    ((4, 9), (2, 2), (1, 3), (2, 0), (3, 1)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("image, kernel, dilation, padding, stride", WINDOWS)
def test_unfold_and_its_transpose(image, kernel, dilation, padding, stride, dtype, rng):
    x = rng.standard_normal((2, 3, *image)).astype(dtype)
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    got = conv.unfold(x, kernel, dilation, padding, stride)
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(image, kernel, dilation, padding, stride, strict=True)
    ]
    expected = np.empty((2, 3, *kernel, *size), dtype)
    back = np.zeros(padded.shape)
    columns = rng.standard_normal(got.shape).astype(dtype)
    by_window = columns.reshape(expected.shape)
    for u, v, i, j in itertools.product(*map(range, (*kernel, *size))):
        pixel = np.s_[:, :, i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]]
        expected[:, :, u, v, i, j] = padded[pixel]
        back[pixel] += by_window[:, :, u, v, i, j]
    np.testing.assert_array_equal(got, expected.reshape(got.shape))
    inside = back[:, :, padding[0] : padding[0] + image[0], padding[1] : padding[1] + image[1]]
    close(conv.fold(columns, image, kernel, dilation, padding, stride), inside, dtype)


def test_unfold_and_fold_errors():
    one = (1, 1)
    with pytest.raises(ValueError, match="does not fit into an image of"):
        conv.unfold(np.ones((1, 1, 4, 4)), (5, 1), one, (0, 0), one)
    with pytest.raises(ValueError, match="stride must be at least 1"):
        conv.unfold(np.ones((1, 1, 4, 4)), one, one, (0, 0), (1, 0))
    with pytest.raises(TypeError, match="got x int64"):
        conv.unfold(np.ones((1, 1, 4, 4), int), one, one, (0, 0), one)
    with pytest.raises(ValueError, match=r"x must be \(N, C \* 4, 3 \* 3\).*got \(1, 8, 8\)"):
        conv.fold(np.ones((1, 8, 8)), (4, 4), (2, 2), one, (0, 0), one)
    with pytest.raises(ValueError, match=r"got \(1, 7, 9\)"):
        conv.fold(np.ones((1, 7, 9)), (4, 4), (2, 2), one, (0, 0), one)


# ---------------------------------------------------------------------------------- pooling

POOLS = {  # x, kernel, stride, padding, dilation, ceil_mode
    "plain": ((2, 3, 8, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "odd": ((2, 3, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "odd, ceil": ((2, 3, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1), True),
    "overlapping": ((2, 2, 7, 5), (3, 2), (1, 1), (1, 1), (1, 1), False),
    "kernel 1 stride 2": ((2, 2, 7, 5), (1, 1), (2, 2), (0, 0), (1, 1), False),
    "stride beyond the kernel": ((2, 2, 8, 9), (2, 2), (3, 4), (0, 1), (1, 1), False),
    "padded, ceil": ((2, 2, 9, 6), (3, 3), (2, 2), (1, 1), (1, 1), True),
    "last window would start in the padding": ((1, 1, 4, 4), (2, 2), (3, 3), (1, 1), (1, 1), True),
    "dilated": ((2, 2, 9, 11), (3, 2), (1, 2), (1, 0), (2, 3), False),
    "whole": ((2, 2, 5, 6), (5, 6), (1, 1), (0, 0), (1, 1), False),
}


def positions(size, kernel, stride, padding, dilation, ceil):
    """The pixels of each window along one axis, those outside the image too."""
    windows, start = [], -padding
    while True:
        reach = [start + u * dilation for u in range(kernel)]
        if (start >= size) if ceil else (reach[-1] >= size + padding):
            return windows
        if ceil and windows and windows[-1][-1] >= size + padding - 1:
            return windows  # the window before already reached the end
        windows.append(reach)
        start += stride


def pool_windows(name):
    x, *arguments, ceil = POOLS[name]
    axes = [positions(*axis, ceil) for axis in zip(x[2:], *arguments, strict=True)]
    return itertools.product(enumerate(axes[0]), enumerate(axes[1])), [len(a) for a in axes]


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.float16]
)
@pytest.mark.parametrize("name", POOLS)
def test_max_pool2d(name, dtype, rng):
    """Small integers: windows full of ties, of which the first wins."""
    shape, *arguments = POOLS[name]
    x = rng.integers(0, 4, shape).astype(dtype)
    y, index = pool.max_pool(x, *arguments)
    windows, size = pool_windows(name)
    assert y.shape == index.shape == (*shape[:2], *size)
    assert y.dtype == dtype
    grad = rng.standard_normal(y.shape).astype(np.float32)
    grad_x = np.zeros(shape)
    for (i, hs), (j, ws) in windows:
        inside = [(h, w) for h in hs for w in ws if 0 <= h < shape[2] and 0 <= w < shape[3]]
        for n, c in np.ndindex(*shape[:2]):
            values = [x[n, c, h, w] for h, w in inside]
            h, w = inside[int(np.argmax(values))]  # argmax takes the first
            assert y[n, c, i, j] == x[n, c, h, w]
            assert index[n, c, i, j] == h * shape[3] + w
            grad_x[n, c, h, w] += grad[n, c, i, j]
    np.testing.assert_allclose(pool.max_pool_grad(grad, index, shape), grad_x, atol=1e-6)
    np.testing.assert_array_equal(pool.max_pool_pick(x.astype(np.float64), index), y)


def test_max_pool2d_of_values_that_are_not_finite():
    nan, inf = np.nan, np.inf
    two = ((2, 2), (2, 2), (0, 0), (1, 1), False)
    x = np.array([[[[1, nan, -inf, -inf], [nan, 2, -inf, -inf], [inf, 3, 4, nan], [5, inf, 6, 7]]]])
    y, index = pool.max_pool(x, *two)
    np.testing.assert_array_equal(y, [[[[nan, -inf], [inf, nan]]]])
    np.testing.assert_array_equal(index, [[[[4, 2], [8, 11]]]])  # of several nans the last
    for arguments in (((3, 3), (1, 1), (1, 1), (1, 1), False), two):
        y, index = pool.max_pool(np.full((1, 1, 4, 4), -inf), *arguments)
        assert (y == -inf).all()
        assert index.min() == 0


def test_max_pool2d_keeps_large_integers():
    x = np.array([2**62, 2**62 + 1, -5, -(2**63)]).reshape(1, 1, 2, 2)
    y, index = pool.max_pool(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
    assert (y.item(), index.item()) == (2**62 + 1, 1)


@pytest.mark.parametrize("divisor", [None, 3, -2])
@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [n for n in POOLS if n != "dilated"])
def test_avg_pool2d(name, dtype, include, divisor, rng):
    shape, kernel, stride, padding, _, ceil = POOLS[name]
    x = rng.standard_normal(shape).astype(dtype)
    arguments = (kernel, stride, padding, ceil, include, divisor)
    windows, size = pool_windows(name)
    expected, grad_x = np.zeros((*shape[:2], *size)), np.zeros(shape)
    grad = rng.standard_normal(expected.shape).astype(dtype)
    for (i, hs), (j, ws) in windows:
        inside = [(h, w) for h in hs for w in ws if 0 <= h < shape[2] and 0 <= w < shape[3]]
        padded = [
            (h, w)
            for h in hs
            for w in ws
            if h < shape[2] + padding[0] and w < shape[3] + padding[1]
        ]
        count = divisor or len(padded if include else inside)
        for h, w in inside:
            expected[:, :, i, j] += x[:, :, h, w] / count
            grad_x[:, :, h, w] += grad[:, :, i, j] / count
    close(pool.avg_pool(x, *arguments), expected, dtype)
    close(pool.avg_pool_grad(grad, shape, *arguments), grad_x, dtype)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 7), (8, 11), (0, 3)])
def test_adaptive_avg_pool2d(size, rng):
    x = rng.standard_normal((2, 3, 5, 7))
    expected, grad_x = np.zeros((2, 3, *size)), np.zeros(x.shape)
    grad = rng.standard_normal(expected.shape)
    for i, j in np.ndindex(*size):
        rows = slice(i * 5 // size[0], -((i + 1) * 5 // -size[0]))
        columns = slice(j * 7 // size[1], -((j + 1) * 7 // -size[1]))
        window = x[:, :, rows, columns]
        expected[:, :, i, j] = window.mean((2, 3))
        share = grad[:, :, i, j] / (window.shape[2] * window.shape[3])
        grad_x[:, :, rows, columns] += share[:, :, None, None]
    close(pool.adaptive_avg_pool(x, size), expected, np.float64)
    close(pool.adaptive_avg_pool_grad(grad, x.shape), grad_x, np.float64)


def test_pooling_is_the_same_for_every_number_of_threads(rng, two_threads):
    x = rng.standard_normal((3, 40, 24, 25)).astype(np.float32)
    arguments = ((3, 2), (2, 1), (1, 0), (1, 1), True)
    results = []
    for n in (1, 2, 3):
        threads.set(n)
        y, index = pool.max_pool(x, *arguments)
        mean = pool.avg_pool(x, (3, 2), (2, 1), (1, 0), True, False, None)
        results.append((y, index, pool.max_pool_grad(y, index, x.shape), mean))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_pooling_without_images():
    x = np.ones((0, 3, 5, 5), np.float32)
    y, index = pool.max_pool(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
    assert y.shape == index.shape == (0, 3, 2, 2)
    assert pool.max_pool_grad(y, index, x.shape).shape == x.shape
    assert pool.avg_pool(x, (2, 2), (2, 2), (0, 0), False, True, None).shape == (0, 3, 2, 2)
    assert pool.adaptive_avg_pool(x, (3, 3)).shape == (0, 3, 3, 3)


@pytest.mark.parametrize("sample", [0.0, 0.5, 1.0, -3.7, 1e30, np.inf, -np.inf, np.nan])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_random_windows_stay_inside(sample, rng):
    x = rng.standard_normal((2, 3, 9, 7)).astype(np.float32)
    samples = np.full((2, 3, 2), sample, np.float32)
    y, index = pool.fractional_max_pool(x, samples, (3, 2), (4, 5))
    assert ((index >= 0) & (index < 63)).all()
    np.testing.assert_array_equal(y, np.take_along_axis(
        x.reshape(2, 3, 63), index.reshape(2, 3, 20), 2).reshape(y.shape))  # fmt: skip


def test_of_two_values_at_one_position_the_last_is_unpooled():
    index = np.array([[[4, 2, 4, 0, 2]]])
    np.testing.assert_array_equal(pool.unpool_index(index, 6), [[[-1, -1, 4, 0, 2]]])
    x = ng.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    y = ng.nn.functional.max_unpool1d(x, ng.tensor([[1, 1, 0]]), 2)
    assert y.tolist() == [[3.0, 2.0, 0.0, 0.0, 0.0, 0.0]]
    y.backward(ng.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]))
    assert x.grad.tolist() == [[0.0, 2.0, 1.0]]


def test_pooling_errors():
    x, no, one, two = np.ones((1, 2, 5, 5)), (0, 0), (1, 1), (2, 2)
    with pytest.raises(ValueError, match="padding must be at most half of the kernel"):
        pool.max_pool(x, two, two, two, one, False)
    with pytest.raises(ValueError, match=r"kernel_size \(6, 2\) does not fit"):
        pool.max_pool(x, (6, 2), two, no, one, False)
    with pytest.raises(ValueError, match="stride must be at least 1"):
        pool.avg_pool(x, two, no, no, False, True, None)
    with pytest.raises(ValueError, match="divisor_override must not be 0"):
        pool.avg_pool(x, two, two, no, False, True, 0)
    with pytest.raises(TypeError, match="floating-point x, got int32"):
        pool.avg_pool(x.astype(np.int32), two, two, no, False, True, None)
    with pytest.raises(TypeError, match="got bool"):
        pool.max_pool(x.astype(bool), two, two, no, one, False)
    with pytest.raises(ValueError, match="non-empty"):
        pool.max_pool(x[:, :0], two, two, no, one, False)
    with pytest.raises(ValueError, match="output_size must not be negative"):
        pool.adaptive_avg_pool(x, (-1, 2))
    with pytest.raises(ValueError, match="index must be int32"):
        pool.max_pool_grad(np.ones((1, 2, 2, 2)), np.ones((1, 2, 2, 2), np.int64), x.shape)
