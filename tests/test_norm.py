"""Layer and batch normalisation, against formulas in float64."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F
from numeric import levels, numeric_grad

RNG = np.random.default_rng


def layer_norm64(x, axes, w=None, b=None, eps=1e-5):
    x = np.asarray(x, np.float64)
    over = tuple(range(-axes, 0))
    y = (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + eps)
    y = y if w is None else y * w
    return y if b is None else y + b


def batch_norm64(x, w=None, b=None, eps=1e-5, mean=None, var=None):
    x = np.asarray(x, np.float64)
    over = (0, *range(2, x.ndim))
    columns = (1, -1) + (1,) * (x.ndim - 2)
    mean = x.mean(over) if mean is None else mean
    var = x.var(over) if var is None else var
    y = (x - mean.reshape(columns)) / np.sqrt(var.reshape(columns) + eps)
    y = y if w is None else y * w.reshape(columns)
    return y if b is None else y + b.reshape(columns)


@pytest.mark.parametrize("shape, axes", [((6,), 1), ((3, 5), 1), ((70, 5), 1), ((2, 3, 4), 2)])
@pytest.mark.parametrize("weighted, biased", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_layer_norm_and_its_gradients(shape, axes, weighted, biased):
    rng = RNG(0)
    last = shape[-axes:]
    x, u = rng.standard_normal(shape), rng.standard_normal(shape)
    w = rng.standard_normal(last) if weighted else None
    b = rng.standard_normal(last) if biased else None
    inputs = [None if a is None else ng.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = F.layer_norm(inputs[0], last, inputs[1], inputs[2], 1e-3)
    np.testing.assert_allclose(y.detach().numpy(), layer_norm64(x, axes, w, b, 1e-3), rtol=1e-10)
    y.backward(ng.tensor(u))
    arrays = [x, w, b]
    for i, t in enumerate(inputs):
        if t is None:
            continue

        def f(a, i=i):
            x, w, b = (a if j == i else v for j, v in enumerate(arrays))
            return layer_norm64(x, axes, w, b, 1e-3)

        want = numeric_grad(f, arrays[i], u)
        np.testing.assert_allclose(t.grad.numpy(), want, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(7, 3), (66, 5), (3, 2, 5), (2, 3, 4, 5), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_and_its_gradients(shape, training, affine):
    rng = RNG(0)
    c = shape[1]
    x, u = rng.standard_normal(shape), rng.standard_normal(shape)
    w, b = (rng.standard_normal(c) if affine else None for _ in range(2))
    mean, var = rng.standard_normal(c), rng.random(c) + 0.5
    given = {} if training else {"mean": mean, "var": var}
    inputs = [None if a is None else ng.tensor(a, requires_grad=True) for a in (x, w, b)]
    running = ng.tensor(mean), ng.tensor(var)
    y = F.batch_norm(inputs[0], *running, inputs[1], inputs[2], training, 0.3, 1e-3)
    np.testing.assert_allclose(
        y.detach().numpy(), batch_norm64(x, w, b, 1e-3, **given), rtol=1e-9, atol=1e-12
    )
    y.backward(ng.tensor(u))
    arrays = [x, w, b]
    for i, t in enumerate(inputs):
        if t is None:
            continue

        def f(a, i=i):
            replaced = [a if j == i else v for j, v in enumerate(arrays)]
            return batch_norm64(*replaced, 1e-3, **given)

        want = numeric_grad(f, arrays[i], u)
        np.testing.assert_allclose(t.grad.numpy(), want, rtol=1e-5, atol=1e-7)
    over = (0, *range(2, x.ndim))
    n = x.size // c
    if training:  # the running variance is the unbiased one
        mean = 0.7 * mean + 0.3 * x.mean(over)
        var = 0.7 * var + 0.3 * x.var(over) * n / (n - 1)
    np.testing.assert_allclose(running[0].numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(running[1].numpy(), var, rtol=1e-12)


@pytest.mark.parametrize(
    "shape",
    [(64, 33), (130, 65), (9, 70, 3), (4, 130, 4, 4), (3, 5, 17), (2, 3, 64, 64), (5, 2, 2, 3, 4)],
)
def test_every_level_and_layout(shape):
    rng = RNG(0)
    x = (rng.standard_normal(shape) * 3 + 5).astype(np.float32)
    g = rng.standard_normal(shape).astype(np.float32)
    c = shape[1]
    over = (0, *range(2, x.ndim))
    columns = (1, -1) + (1,) * (x.ndim - 2)
    w, b = rng.standard_normal((2, c)).astype(np.float32)
    want = batch_norm64(x, w, b)
    xhat = batch_norm64(x)
    h = g.astype(np.float64) * w.reshape(columns)
    slope = (h * xhat).mean(over, keepdims=True)
    rstd = 1 / np.sqrt(x.astype(np.float64).var(over, keepdims=True) + 1e-5)
    grad = rstd * (h - h.mean(over, keepdims=True) - xhat * slope)
    for kernel in levels("norm"):
        y, stats = kernel.batch_norm(x, None, None, w, b, True, 0.1, 1e-5)
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)
        grad_x, grad_w, grad_b = kernel.batch_norm_grad(g, x, w, stats, True, True)
        np.testing.assert_allclose(grad_x, grad, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(grad_w, (g * xhat).sum(over), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(grad_b, g.sum(over, dtype=np.float64), rtol=1e-4, atol=1e-4)
        y, stats = kernel.layer_norm(x, 1, None, None, 1e-5)
        np.testing.assert_allclose(y, layer_norm64(x, 1), rtol=1e-5, atol=2e-5)


def test_statistics_survive_a_large_mean():
    # sums of squares in float32 would leave nothing of a variance of 1 beside a mean of 10,000
    x = (RNG(0).standard_normal((100_000, 2)) + 10_000).astype(np.float32)
    exact = x.astype(np.float64)
    mean, var = ng.zeros(2), ng.zeros(2)
    F.batch_norm(ng.tensor(x), mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.numpy(), exact.mean(0), rtol=1e-7)
    np.testing.assert_allclose(var.numpy(), exact.var(0, ddof=1), rtol=1e-4)
    y = F.layer_norm(ng.tensor(np.ascontiguousarray(x.T)), (100_000,)).numpy()
    assert abs(y.astype(np.float64).std(1) - 1).max() < 1e-4


def test_one_value_per_channel_has_no_variance():
    for shape in ((1, 3), (1, 3, 1, 1)):
        with pytest.raises(ValueError, match="batch_norm: expected more than 1 value per channel"):
            F.batch_norm(ng.zeros(*shape), None, None, training=True)
        zeros, ones = ng.zeros(3), ng.ones(3)
        assert F.batch_norm(ng.zeros(*shape), zeros, ones).shape == shape


def test_empty_batches():
    mean, var = ng.zeros(3), ng.ones(3)
    for shape in ((0, 3), (2, 3, 0)):
        x = ng.zeros(*shape, requires_grad=True)
        w = ng.ones(3, requires_grad=True)
        F.batch_norm(x, mean, var, w, training=True).sum().backward()
        assert x.grad.shape == shape
        assert w.grad.tolist() == [0, 0, 0]
    assert mean.tolist() == [0, 0, 0] and var.tolist() == [1, 1, 1]
    w = ng.ones(4, requires_grad=True)
    F.layer_norm(ng.zeros(0, 4), (4,), w).sum().backward()
    assert w.grad.tolist() == [0] * 4


def test_strided_and_half_inputs():
    base = RNG(0).standard_normal((6, 5, 4))
    x = base.transpose(1, 2, 0)
    np.testing.assert_allclose(
        F.layer_norm(ng.from_numpy(x), (6,)).numpy(), layer_norm64(x, 1), rtol=1e-10
    )
    np.testing.assert_allclose(
        F.batch_norm(ng.from_numpy(x), None, None, training=True).numpy(),
        batch_norm64(x), rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    strided = ng.zeros(4, 2)[:, 0]
    F.batch_norm(ng.from_numpy(x), strided.double(), None, training=True)
    half = ng.tensor(base.astype(np.float16))
    y = F.layer_norm(half, (4,))
    assert y.dtype == ng.float16
    np.testing.assert_allclose(y.numpy(), layer_norm64(base, 1), rtol=1e-2, atol=1e-2)


def test_running_statistics_in_a_strided_buffer():
    x = RNG(0).standard_normal((8, 3))
    buffer = ng.zeros(3, 2, dtype=ng.float64)
    F.batch_norm(ng.tensor(x), buffer[:, 0], None, training=True, momentum=1.0)
    np.testing.assert_allclose(buffer.numpy()[:, 0], x.mean(0), rtol=1e-12)


def test_eval_does_not_touch_the_running_statistics():
    mean, var = ng.tensor([1.0, 2.0]), ng.tensor([3.0, 4.0])
    F.batch_norm(ng.randn(5, 2), mean, var, training=False)
    assert mean.tolist() == [1, 2] and var.tolist() == [3, 4]


def test_errors():
    x = ng.zeros(4, 3)
    with pytest.raises(ValueError, match=r"layer_norm: normalized_shape \(4,\) .*\(4, 3\)"):
        F.layer_norm(x, 4)
    with pytest.raises(ValueError, match=r"layer_norm: weight must have shape \(3,\), got \(4,\)"):
        F.layer_norm(x, 3, ng.zeros(4))
    with pytest.raises(TypeError, match=r"layer_norm: bias is .*float64"):
        F.layer_norm(x, 3, None, ng.zeros(3, dtype=ng.float64))
    with pytest.raises(TypeError, match="layer_norm: a floating-point tensor"):
        F.layer_norm(ng.zeros(4, 3, dtype=ng.int64), 3)
    with pytest.raises(ValueError, match=r"batch_norm: input must be .*\(3,\)"):
        F.batch_norm(ng.zeros(3), None, None, training=True)
    with pytest.raises(ValueError, match="batch_norm: running_mean and running_var are needed"):
        F.batch_norm(x, None, None)
    with pytest.raises(ValueError, match=r"batch_norm: running_var must have shape \(3,\)"):
        F.batch_norm(x, ng.zeros(3), ng.zeros(2))
    with pytest.raises(ValueError, match="group_norm: 2 groups"):
        F.group_norm(ng.zeros(2, 3, 4), 2)


def test_threads_do_not_change_bits():
    rng = RNG(0)
    before = ng.get_num_threads()
    arrays = [
        rng.standard_normal(s).astype(np.float32)
        for s in ((1000, 64), (8, 70, 9, 9), (300, 200, 2))
    ]
    results = []
    try:
        for n in (1, 2, 3):
            ng.set_num_threads(n)
            bits = []
            for a in arrays:
                x = ng.tensor(a, requires_grad=True)
                w = ng.ones(a.shape[1], requires_grad=True)
                v = ng.ones(a.shape[-1], requires_grad=True)
                y = F.batch_norm(x, None, None, w, training=True) + F.layer_norm(x, a.shape[-1:], v)
                (y * y * y).sum().backward()
                bits += [t.numpy().tobytes() for t in (y.detach(), x.grad, w.grad, v.grad)]
            results.append(bits)
    finally:
        ng.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_instance_norm_moves_the_running_statistics_by_the_means_over_samples():
    x = ng.randn(3, 2, 4, 5, dtype=ng.float64)
    mean, var = ng.zeros(2, dtype=ng.float64), ng.ones(2, dtype=ng.float64)
    F.instance_norm(x, mean, var, momentum=0.25)
    flat = x.numpy().reshape(3, 2, -1)
    np.testing.assert_allclose(mean.numpy(), 0.25 * flat.mean(-1).mean(0))
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * flat.var(-1, ddof=1).mean(0))
