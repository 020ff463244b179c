"""What the table's rows cannot say of interpolate and grid_sample: threads, large images, uint8."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F


def bits(f, *inputs):
    """The bytes of the result and of the gradients, for 1, 2 and 3 threads."""
    before = ng.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            ng.set_num_threads(threads)
            y = f(*inputs)
            u = ng.arange(y.numel(), dtype=y.dtype).reshape(y.shape).sin()
            grads = ng.autograd.grad(y, inputs, u)
            results.append([x.detach().numpy().tobytes() for x in (y, *grads)])
    finally:
        ng.set_num_threads(before)
    return results


@pytest.mark.parametrize("dtype", [ng.float32, ng.float64])
@pytest.mark.parametrize(
    "options",
    [
        {"size": (90, 50), "mode": "bilinear"},
        {"size": (30, 90), "mode": "bicubic", "antialias": True},
        {"scale_factor": 2},
        {"size": 33, "mode": "area"},
    ],
    ids=str,
)
def test_interpolate_same_bits_for_any_number_of_threads(options, dtype):
    x = ng.randn(4, 5, 60, 70, dtype=dtype, requires_grad=True)
    one, two, three = bits(lambda x: F.interpolate(x, **options), x)
    assert one == two == three


@pytest.mark.parametrize("dtype", [ng.float32, ng.float64])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_same_bits_for_any_number_of_threads(mode, dtype):
    x = ng.randn(3, 4, 40, 30, dtype=dtype, requires_grad=True)
    grid = (ng.rand(3, 37, 41, 2, dtype=dtype) * 3 - 1.5).requires_grad_()
    one, two, three = bits(lambda x, grid: F.grid_sample(x, grid, mode), x, grid)
    assert one == two == three


@pytest.mark.parametrize("mode", ["linear", "nearest", "nearest-exact"])
def test_a_long_signal_is_sampled_where_it_should_be(mode):
    """Positions beyond what float32 counts exactly would show here."""
    x = np.random.default_rng(0).normal(size=100_000)
    y = F.interpolate(ng.tensor(x[None, None]), 70_001, mode=mode).numpy()[0, 0]
    i, step = np.arange(70_001), 100_000 / 70_001
    if mode == "linear":
        want = np.interp((i + 0.5) * step - 0.5, np.arange(100_000), x)
        np.testing.assert_allclose(y, want, atol=1e-9)
    else:
        at = np.floor((i + 0.5 * (mode == "nearest-exact")) * step).astype(int)
        np.testing.assert_array_equal(y, x[at])


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_no_point_is_read_outside(mode, padding_mode):
    """Points that are infinite, huge or no numbers: bounds and sanitizers watch the memory."""
    odd = [np.inf, -np.inf, np.nan, 3e38, -3e38, 1e10, -1e10, 1.0, -1.0, 0.0]
    points = np.array([[a, b] for a in odd for b in odd], np.float32).reshape(1, 10, 10, 2)
    x = ng.ones(1, 2, 3, 4, requires_grad=True)
    grid = ng.tensor(points, requires_grad=True)
    y = F.grid_sample(x, grid, mode, padding_mode)
    y.sum().backward()
    assert y.isfinite().all() and x.grad.isfinite().all()
    inside = (np.abs(points) < 1).all(-1)
    np.testing.assert_allclose(y.detach().numpy()[:, :, inside[0]], 1, rtol=1e-6)


def test_uint8_images_are_rounded():
    x = ng.tensor([[[[0, 255], [3, 8]]]], dtype=ng.uint8)
    wide = F.interpolate(x.float(), 5, mode="bicubic").numpy()
    got = F.interpolate(x, 5, mode="bicubic")
    assert got.dtype == ng.uint8
    np.testing.assert_array_equal(got.numpy(), np.floor(wide + 0.5).clip(0, 255))
    assert wide.min() < 0 or wide.max() > 255
    assert F.interpolate(x, 2).tolist() == x.tolist()


def test_a_pixel_that_nobody_took_has_the_gradient_zero():
    x = ng.ones(1, 1, 5, requires_grad=True)
    F.interpolate(x, 2).backward(ng.tensor([[[np.inf, 1.0]]]))
    assert x.grad.tolist() == [[[np.inf, 0.0, 1.0, 0.0, 0.0]]]
