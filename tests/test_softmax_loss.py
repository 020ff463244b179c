"""softmax and the losses, against formulas in float64."""

import tracemalloc

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F
from numeric import levels, numeric_grad

RNG = np.random.default_rng


def softmax64(x, axis):
    x = np.asarray(x, np.float64)
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax64(x, axis):
    x = np.asarray(x, np.float64)
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


@pytest.fixture
def threads():
    """Set the number of threads; put it back afterwards."""
    before = ng.get_num_threads()
    yield ng.set_num_threads
    ng.set_num_threads(before)


# ---- softmax -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape, axis",
    [((1,), 0), ((7,), 0), ((63, 10), 1), ((300, 10), 1), ((5, 64), 1), ((5, 2049), 1), ((9, 4), 0),
     ((3, 5, 7), 1), ((2, 3, 257), 1), ((2, 3, 600), 1), ((0, 4), 1), ((4, 0), 1), ((4, 0, 3), 0)],
)  # fmt: skip
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_softmax_at_every_level(shape, axis, dtype, tolerance):
    x = (3 * RNG(0).standard_normal(shape)).astype(dtype)
    g = RNG(1).standard_normal(shape).astype(dtype)
    for kernel in levels("softmax"):
        y, log_y = kernel.softmax(x, axis, False), kernel.softmax(x, axis, True)
        assert y.dtype == dtype and y.flags.c_contiguous
        if x.size == 0:
            assert y.shape == shape
            continue
        want = softmax64(x, axis)
        np.testing.assert_allclose(y, want, rtol=4 * tolerance, atol=tolerance / 10)
        np.testing.assert_allclose(
            log_y, log_softmax64(x, axis), rtol=tolerance, atol=4 * tolerance
        )
        grad = want * (g - (g * want).sum(axis, keepdims=True))
        np.testing.assert_allclose(
            kernel.softmax_grad(g, y, axis, False), grad, rtol=1e-4, atol=20 * tolerance
        )
        grad = g - want * g.sum(axis, keepdims=True, dtype=np.float64)
        np.testing.assert_allclose(
            kernel.softmax_grad(g, log_y, axis, True), grad, rtol=1e-4, atol=40 * tolerance
        )


def test_softmax_of_large_scores_is_exact():
    for n in (2, 10, 100):
        x = np.zeros((3, n), np.float32)
        x[0, 0], x[1, 0], x[2, :] = 1000.0, -1000.0, 1000.0
        y = ng.softmax(ng.tensor(x), 1).numpy()
        np.testing.assert_allclose(y, softmax64(x, 1), rtol=1e-6)
        assert y[0, 0] == 1 and y[0, 1] == 0 and y[1, 0] == 0
        log_y = ng.log_softmax(ng.tensor(x), 1).numpy()
        np.testing.assert_allclose(log_y, log_softmax64(x, 1), rtol=1e-6)
        assert np.isfinite(log_y).all()


def test_softmax_of_nothing_but_minus_infinity_is_nan():
    for n in (3, 100):
        x = ng.full((2, n), -np.inf)
        assert np.isnan(ng.softmax(x, 1).numpy()).all()
        x = np.full((2, n), -np.inf, np.float32)
        x[:, 1] = 5.0  # one score is enough
        assert ng.softmax(ng.tensor(x), 1).numpy().tolist() == np.eye(n)[[1, 1]].tolist()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax_of_a_strided_array(axis):
    base = RNG(0).standard_normal((4, 6, 10))
    for x in (
        base.transpose(2, 0, 1),
        base[::2, ::-1, 1::3],
        np.broadcast_to(base[:1], base.shape),
    ):
        y = ng.softmax(ng.from_numpy(x) if min(x.strides) >= 0 else ng.tensor(x), axis)
        np.testing.assert_allclose(y.numpy(), softmax64(x, axis), rtol=1e-13)


def test_softmax_types():
    x = RNG(0).standard_normal((4, 5)).astype(np.float16)
    y = ng.softmax(ng.tensor(x), 1)
    assert y.dtype == ng.float16
    np.testing.assert_allclose(y.numpy(), softmax64(x, 1), rtol=2e-3)
    assert ng.softmax(ng.tensor([1, 2]), 0, dtype=ng.float64).dtype == ng.float64
    with pytest.raises(TypeError, match="softmax: a floating-point tensor is needed"):
        ng.softmax(ng.tensor([1, 2]), 0)
    with pytest.raises(IndexError, match=r"softmax.*got 2"):
        ng.softmax(ng.zeros(2, 3), 2)


def test_softmax_grad_refuses_another_shape():
    x = ng.zeros(2, 3, requires_grad=True)
    y = ng.softmax(x, 1)
    y.register_hook(lambda g: ng.zeros(1, 3))
    with pytest.raises(ValueError, match=r"softmax: .*\(2, 3\).*\(1, 3\)"):
        y.sum().backward()


# ---- cross-entropy -----------------------------------------------------------------------------


def cross_entropy64(x, t, weight=None, ignore=-100, smoothing=0.0, reduction="mean"):
    """Written as the definition says, with a one-hot."""
    x = np.asarray(x, np.float64)
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    w = np.ones(classes) if weight is None else np.asarray(weight, np.float64)
    used = t != ignore
    safe = np.where(used, t, 0)
    q = (1 - smoothing) * np.eye(classes)[safe] * w + smoothing / classes * w  # (N, ..., C)
    loss = -(q * np.moveaxis(log_softmax64(x, axis), axis, -1)).sum(-1) * used
    if reduction == "none":
        return loss
    return loss.sum() / ((w[safe] * used).sum() if reduction == "mean" else 1)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(6,), (5, 3), (2, 70), (3, 4, 2), (2, 3, 2, 2)])
def test_cross_entropy_and_its_gradient(shape, weighted, smoothing, reduction):
    rng = RNG(3)
    classes = shape[0] if len(shape) == 1 else shape[1]
    positions = () if len(shape) == 1 else (shape[0], *shape[2:])
    x = 2 * rng.standard_normal(shape)
    t = np.asarray(rng.integers(0, classes, positions))
    if positions:
        t.flat[0] = -100
    w = rng.random(classes) + 0.1 if weighted else None

    def f(x):
        return cross_entropy64(x, t, w, -100, smoothing, reduction)

    score = ng.tensor(x, requires_grad=True)
    weight = ng.tensor(w) if weighted else None
    loss = F.cross_entropy(
        score, ng.tensor(t), weight, label_smoothing=smoothing, reduction=reduction
    )
    np.testing.assert_allclose(loss.detach().numpy(), f(x), rtol=1e-12)
    u = np.asarray(rng.standard_normal(loss.shape))
    loss.backward(ng.tensor(u))
    np.testing.assert_allclose(score.grad.numpy(), numeric_grad(f, x, u), rtol=1e-6, atol=1e-8)


def test_cross_entropy_at_every_level():
    rng = RNG(0)
    for shape in ((130, 10), (3, 1000), (2, 5, 300)):
        x = (3 * rng.standard_normal(shape)).astype(np.float32)
        t = rng.integers(0, shape[1], (shape[0], *shape[2:]))
        for kernel in levels("loss"):
            loss, stats = kernel.cross_entropy(x, t, None, -100, 0.0, kernel.MEAN)
            np.testing.assert_allclose(loss, cross_entropy64(x, t), rtol=1e-6)
            one = np.ones((), np.float32)
            grad = kernel.cross_entropy_grad(one, x, t, None, stats, -100, 0.0, kernel.MEAN)
            want = softmax64(x, 1) - np.moveaxis(np.eye(shape[1])[t], -1, 1)
            np.testing.assert_allclose(grad * t.size, want, rtol=1e-5, atol=1e-6)


def test_large_scores_neither_overflow_nor_are_capped():
    x = ng.tensor([[1000.0, 0.0], [-1000.0, 1000.0], [0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, ng.tensor([1, 0, 0]), reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [1000.0, 2000.0, np.log(2)], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1, -1], [-1, 1], [-0.5, 0.5]])


def test_a_large_common_score_does_not_cost_digits():
    x = RNG(0).standard_normal((4, 100)).astype(np.float32)
    t = np.arange(4)
    grads = []
    for shift in (0, 4096):  # exact in float32 after rounding x to a multiple of 2^-11
        y = ng.tensor(np.round(x * 2048) / 2048 + np.float32(shift), requires_grad=True)
        F.cross_entropy(y, ng.tensor(t)).backward()
        grads.append(y.grad.numpy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-5)


@pytest.mark.parametrize("bad", [-1, 5, 1 << 40, -(1 << 62)])
@pytest.mark.parametrize("shape, positions", [((3, 5), (3,)), ((2, 5, 4), (2, 4)), ((5,), ())])
def test_targets_out_of_range(shape, positions, bad):
    x = ng.zeros(*shape)
    t = np.zeros(positions, np.int64)
    t.flat[-1] = bad
    for f in (F.cross_entropy, F.nll_loss):
        with pytest.raises(IndexError, match=rf"{f.__name__}: target {bad} .*\[0, 4\]"):
            f(x, ng.tensor(t))
    if bad < 0:  # any number may be the one to ignore
        assert F.cross_entropy(x, ng.tensor(t), ignore_index=bad, reduction="sum").item() >= 0


def test_targets_are_checked_again_before_backward_reads_through_them():
    x = ng.zeros(2, 3, requires_grad=True)
    t = np.array([0, 1])
    loss = F.cross_entropy(x, ng.from_numpy(t))
    t[0] = 7  # behind the tensor's back
    with pytest.raises(IndexError, match="target 7"):
        loss.backward()


def test_a_batch_of_nothing():
    x, t = ng.zeros(0, 3, requires_grad=True), ng.zeros(0, dtype=ng.int64)
    assert np.isnan(F.cross_entropy(x, t).item())
    assert F.cross_entropy(x, t, reduction="sum").item() == 0
    assert F.cross_entropy(x, t, reduction="none").shape == (0,)
    F.cross_entropy(x, t, reduction="sum").backward()
    assert x.grad.shape == (0, 3)
    ignored = ng.full((2,), -100, dtype=ng.int64)
    x = ng.zeros(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, ignored)
    assert np.isnan(loss.item())
    loss.backward()
    assert x.grad.numpy().tolist() == [[0, 0, 0]] * 2


def test_other_types_of_target():
    x = ng.tensor(RNG(0).standard_normal((4, 3)))
    want = F.cross_entropy(x, ng.tensor([0, 1, 2, 0])).item()
    for dtype in (ng.uint8, ng.int8, ng.int32):
        assert F.cross_entropy(x, ng.tensor([0, 1, 2, 0], dtype=dtype)).item() == want
    strided = ng.tensor([[0, 9], [1, 9], [2, 9], [0, 9]])[:, 0]
    assert F.cross_entropy(x, strided).item() == want
    half = F.cross_entropy(x.to(ng.float16), ng.tensor([0, 1, 2, 0]))
    assert half.dtype == ng.float16
    assert abs(half.item() - want) < 2e-3


def test_probabilities_that_are_a_one_hot_give_the_same_loss():
    x = RNG(0).standard_normal((4, 3, 2))
    t = RNG(1).integers(0, 3, (4, 2))
    p = np.moveaxis(np.eye(3)[t], -1, 1)
    for smoothing in (0.0, 0.3):
        a = F.cross_entropy(ng.tensor(x), ng.tensor(t), label_smoothing=smoothing)
        b = F.cross_entropy(ng.tensor(x), ng.tensor(p), label_smoothing=smoothing)
        np.testing.assert_allclose(a.item(), b.item(), rtol=1e-12)


def test_errors_name_the_op_and_the_shapes():
    x, t = ng.zeros(4, 3), ng.zeros(4, dtype=ng.int64)
    with pytest.raises(ValueError, match=r"cross_entropy: .*\(4, 3\).*\(4,\).*\(5,\)"):
        F.cross_entropy(x, ng.zeros(5, dtype=ng.int64))
    with pytest.raises(ValueError, match=r"cross_entropy: reduction must be .*'avg'"):
        F.cross_entropy(x, t, reduction="avg")
    with pytest.raises(ValueError, match=r"cross_entropy: label_smoothing .* 1.5"):
        F.cross_entropy(x, t, label_smoothing=1.5)
    with pytest.raises(
        ValueError, match=r"cross_entropy: weight must have shape \(3,\), got \(4,\)"
    ):
        F.cross_entropy(x, t, ng.zeros(4))
    with pytest.raises(TypeError, match=r"cross_entropy: weight is .*float64.*float32"):
        F.cross_entropy(x, t, ng.zeros(3, dtype=ng.float64))
    with pytest.raises(TypeError, match="cross_entropy: target must be of integers"):
        F.cross_entropy(x, ng.zeros(4))
    with pytest.raises(TypeError, match=r"cross_entropy: .*probabilities"):
        F.cross_entropy(x, ng.zeros(4, 3, dtype=ng.int64))
    with pytest.raises(TypeError, match="cross_entropy: a floating-point tensor"):
        F.cross_entropy(ng.zeros(4, 3, dtype=ng.int64), t)
    with pytest.raises(ValueError, match="0-d"):
        F.cross_entropy(ng.zeros(()), ng.zeros((), dtype=ng.int64))
    with pytest.raises(RuntimeError, match="not differentiable in weight"):
        F.cross_entropy(x, t, ng.ones(3, requires_grad=True))
    with pytest.raises(ValueError, match="mse_loss: reduction"):
        F.mse_loss(x, x, reduction="avg")
    with pytest.raises(ValueError, match=r"mse_loss: input \(4, 3\) and target \(2,\)"):
        F.mse_loss(x, ng.zeros(2))


@pytest.mark.slow
def test_a_large_vocabulary_takes_the_memory_of_the_gradient():
    x = ng.randn(2048, 50257, requires_grad=True)  # 412 MB
    t = ng.randint(0, 50257, (2048,))
    tracemalloc.start()
    loss = F.cross_entropy(x, t)
    forward = tracemalloc.get_traced_memory()[1]
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert forward < 1e6
    assert peak < x.array.nbytes + 1e6


def test_the_loss_keeps_no_array_of_the_size_of_the_scores():
    x = ng.zeros(64, 1000, requires_grad=True)
    t = ng.zeros(64, dtype=ng.int64)
    tracemalloc.start()
    loss = F.cross_entropy(x, t)
    held, peak = tracemalloc.get_traced_memory()
    loss.backward()
    backward_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(held, peak) < 20_000
    assert backward_peak < x.array.nbytes + 20_000


# ---- the others --------------------------------------------------------------------------------


def test_nll_loss_is_cross_entropy_of_log_softmax():
    x = ng.tensor(RNG(0).standard_normal((5, 4, 3)))
    t = ng.tensor(RNG(1).integers(0, 4, (5, 3)))
    w = ng.tensor(RNG(2).random(4))
    for reduction in ("none", "mean", "sum"):
        a = F.nll_loss(ng.log_softmax(x, 1), t, w, reduction=reduction)
        b = F.cross_entropy(x, t, w, reduction=reduction)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 255, 257, 16_384, 16_385, 100_003])
def test_mse_loss_sums_accurately(n):
    rng = RNG(n)
    x, y = rng.standard_normal(n).astype(np.float32), rng.standard_normal(n).astype(np.float32)
    exact = np.sum((x.astype(np.float64) - y) ** 2)
    np.testing.assert_allclose(
        F.mse_loss(ng.tensor(x), ng.tensor(y), reduction="sum").item(), exact, rtol=1e-6
    )
    if n:
        got = F.mse_loss(ng.tensor(x), ng.tensor(y)).item()
        np.testing.assert_allclose(got, exact / n, rtol=1e-6)
    else:
        assert np.isnan(F.mse_loss(ng.tensor(x), ng.tensor(y)).item())


def test_binary_cross_entropy_of_far_scores():
    x = ng.tensor([1000.0, -1000.0, 1000.0, 0.0], requires_grad=True)
    t = ng.tensor([1.0, 0.0, 0.0, 0.5])
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [0, 0, 1000, np.log(2)], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, 0, 1, 0], atol=1e-7)


def test_threads_do_not_change_bits(threads):
    rng = RNG(0)
    for shape in ((4096, 10), (300, 1000), (4, 7, 9000)):
        x = rng.standard_normal(shape).astype(np.float32)
        t = rng.integers(0, shape[1], (shape[0], *shape[2:]))
        results = []
        for n in (1, 2, 3):
            threads(n)
            score = ng.tensor(x, requires_grad=True)
            loss = F.cross_entropy(score, ng.tensor(t), label_smoothing=0.1)
            loss.backward()
            other = ng.tensor(x, requires_grad=True)
            y = ng.softmax(other, 1)
            y.backward(score.grad)
            mse = F.mse_loss(score, y.detach())
            arrays = loss.detach(), score.grad, y.detach(), other.grad, mse.detach()
            results.append([a.numpy().tobytes() for a in arrays])
        assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("deprecated", "meant"),
    [
        (dict(reduce=False), "none"),
        (dict(size_average=False), "sum"),
        (dict(size_average=True), "mean"),
        (dict(reduce=False, size_average=False), "none"),
    ],
)
def test_arguments_before_reduction(deprecated, meant):
    """size_average and reduce mean what they did, and warn."""
    x, y = ng.randn(4, 3), ng.randn(4, 3)
    t = ng.tensor([0, 2, 1, 0])
    for loss, *inputs in ((F.mse_loss, x, y), (F.cross_entropy, x, t), (F.soft_margin_loss, x, y)):
        with pytest.warns(UserWarning, match=rf"say reduction='{meant}'"):
            got = loss(*inputs, **deprecated)
        np.testing.assert_array_equal(got.numpy(), loss(*inputs, reduction=meant).numpy())


def test_shapes_that_differ_are_broadcast_with_a_warning():
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss):
        with pytest.warns(UserWarning, match=r"\(3, 1\).*\(3,\)"):
            loss(ng.zeros(3, 1), ng.zeros(3))
