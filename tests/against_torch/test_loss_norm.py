"""softmax, losses, normalisation, embedding: values and gradients as PyTorch's."""

import itertools
from functools import partial

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import ops

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.torch

TOLERANCE = {np.float32: (2e-5, 2e-6), np.float64: (1e-10, 1e-12)}


def compare(ours, theirs, arrays, dtype=np.float64, needs=None, second=True):
    """Values, gradients under a random cotangent, and gradients of a random functional of those."""
    rng = np.random.default_rng(len(arrays))
    rtol, atol = TOLERANCE[dtype]
    arrays = [None if a is None else np.asarray(a) for a in arrays]
    needs = [
        a is not None and a.dtype.kind == "f" and (needs is None or i in needs)
        for i, a in enumerate(arrays)
    ]
    xs = [
        None if a is None else ng.tensor(a, requires_grad=n)
        for a, n in zip(arrays, needs, strict=True)
    ]
    ts = [
        None if a is None else torch.tensor(a, requires_grad=n)
        for a, n in zip(arrays, needs, strict=True)
    ]
    y, t = ours(*xs), theirs(*ts)
    assert tuple(y.shape) == tuple(t.shape)
    assert str(y.dtype).split(".")[1] == str(t.dtype).split(".")[1]
    np.testing.assert_allclose(y.detach().numpy(), t.detach().numpy(), rtol=rtol, atol=atol)
    u = np.asarray(rng.standard_normal(y.shape), dtype)
    x_in = [x for x, n in zip(xs, needs, strict=True) if n]
    t_in = [x for x, n in zip(ts, needs, strict=True) if n]
    grads = ng.autograd.grad(y, x_in, ng.tensor(u), create_graph=second)
    wants = torch.autograd.grad(t, t_in, torch.tensor(u), create_graph=second)
    for g, w in zip(grads, wants, strict=True):
        assert tuple(g.shape) == tuple(w.shape)
        np.testing.assert_allclose(
            g.detach().numpy(), w.detach().numpy(), rtol=10 * rtol, atol=10 * atol
        )
    if second:
        vs = [np.asarray(rng.standard_normal(g.shape), dtype) for g in grads]
        s = sum((g * ng.tensor(v)).sum() for g, v in zip(grads, vs, strict=True))
        r = sum((g * torch.tensor(v)).sum() for g, v in zip(wants, vs, strict=True))
        if not r.requires_grad:
            return
        if s.requires_grad:
            got = ng.autograd.grad(s, x_in, allow_unused=True, materialize_grads=True)
        else:
            got = [ng.zeros_like(x) for x in x_in]  # linear: the gradient does not depend on x
        want = torch.autograd.grad(r, t_in, allow_unused=True, materialize_grads=True)
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(
                g.numpy(), w.numpy(force=True), rtol=100 * rtol, atol=100 * atol
            )


def normal(*shape, dtype=np.float64, seed=0):
    return np.asarray(np.random.default_rng([seed, *shape]).standard_normal(shape), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize(
    "shape, dim",
    [((5,), 0), ((4, 7), 1), ((4, 7), 0), ((3, 100), -1), ((2, 5, 3), 1), ((2, 3, 300), 1), ((), 0),
     ((0, 3), 1), ((3, 0), 1), ((1, 1), 0)],
)  # fmt: skip
def test_softmax(name, shape, dim, dtype):
    x = 3 * normal(*shape, dtype=dtype)
    ours, theirs = getattr(ops, name), getattr(F, name)
    compare(lambda x: ours(x, dim), lambda x: theirs(x, dim), [x], dtype)
    if len(shape) > 1:  # strided
        compare(
            lambda x: ours(x.transpose(0, -1), dim),
            lambda x: theirs(x.transpose(0, -1), dim),
            [x],
            dtype,
        )


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan, 1000.0, -1000.0])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("n", [3, 200])
def test_softmax_special(name, special, n):
    x = normal(4, n, dtype=np.float32)
    x[0] = special
    x[1, 1] = special
    x[2, :2] = special, -special
    got = getattr(ops, name)(ng.tensor(x), 1).numpy()
    want = getattr(F, name)(torch.tensor(x), 1).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


SCORES = [((5,), ()), ((7, 3), (7,)), ((3, 1), (3,)), ((9, 70), (9,)), ((2, 5, 3), (2, 3)),
          ((2, 4, 3, 17), (2, 3, 17)), ((2, 3, 300), (2, 300)), ((0, 3), (0,))]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape, positions", SCORES)
def test_cross_entropy(shape, positions, reduction, dtype):
    rng = np.random.default_rng(1)
    classes = shape[0] if len(shape) == 1 else shape[1]
    x = 3 * normal(*shape, dtype=dtype)
    w = np.asarray(rng.random(classes) + 0.1, dtype)
    for weighted, smoothing, ignore in itertools.product((0, 1), (0.0, 0.3), (-100, -1, 0)):
        t = np.asarray(rng.integers(0, classes, positions))
        if ignore < 0:
            t = np.asarray(np.where(rng.random(positions) < 0.3, ignore, t))
        if reduction == "mean" and (t == ignore).all():
            continue  # NaN, tested elsewhere
        options = {"ignore_index": ignore, "reduction": reduction}
        ours = {"weight": ng.tensor(w) if weighted else None, **options}
        theirs = {"weight": torch.tensor(w) if weighted else None, **options}
        if not smoothing:
            compare(partial(ops.nll_loss, **ours), partial(F.nll_loss, **theirs), [x, t], dtype)
        ours["label_smoothing"] = theirs["label_smoothing"] = smoothing
        compare(
            partial(ops.cross_entropy, **ours), partial(F.cross_entropy, **theirs), [x, t], dtype
        )


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_probabilities(shape, reduction, smoothing):
    x, p = normal(*shape), np.abs(normal(*shape, seed=1))
    w = np.random.default_rng(0).random(shape[0] if len(shape) == 1 else shape[1])
    options = {"reduction": reduction, "label_smoothing": smoothing}
    for weight, t_weight in ((None, None), (ng.tensor(w), torch.tensor(w))):
        ours = partial(ops.cross_entropy, weight=weight, **options)
        compare(ours, partial(F.cross_entropy, weight=t_weight, **options), [x, p])


def test_cross_entropy_ignores_all():
    t = np.full(3, -100)
    x = normal(3, 4)
    compare(ops.cross_entropy, F.cross_entropy, [x, t], second=False)
    for reduction in ("none", "sum"):
        ours = partial(ops.cross_entropy, reduction=reduction)
        compare(ours, partial(F.cross_entropy, reduction=reduction), [x, t])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (0, 2), (40_000,)])
def test_regression(shape, reduction, dtype):
    if reduction == "none" and shape == (40_000,):
        reduction = "mean"
    x, y = normal(*shape, dtype=dtype), normal(*shape, dtype=dtype, seed=1)
    cases = [
        ("mse_loss", {}),
        ("l1_loss", {}),
        ("smooth_l1_loss", {}),
        ("smooth_l1_loss", {"beta": 0.4}),
        ("huber_loss", {}),
        ("huber_loss", {"delta": 0.7}),
    ]
    for name, options in cases:
        ours = partial(getattr(ops, name), reduction=reduction, **options)
        compare(ours, partial(getattr(F, name), reduction=reduction, **options), [x, y], dtype)


@pytest.mark.filterwarnings("ignore:Using a target size", "ignore:.*differ in shape")
def test_mse_loss_broadcasts():
    for shapes in (((3, 4), (4,)), ((2, 1), (1, 3)), ((), (2, 2))):
        compare(ops.mse_loss, F.mse_loss, [normal(*shapes[0]), normal(*shapes[1], seed=1)])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_binary(reduction):
    rng = np.random.default_rng(0)
    x, p, t, w = 5 * normal(4, 3), rng.random((4, 3)), rng.random((4, 3)), rng.random((4, 3))

    def check(name, arrays, dtype=np.float64, weights=None, **more):
        weights = weights or {}
        ours = {k: ng.tensor(v) for k, v in weights.items()}
        theirs = {k: torch.tensor(v) for k, v in weights.items()}
        compare(
            partial(getattr(ops, name), reduction=reduction, **ours),
            partial(getattr(F, name), reduction=reduction, **theirs),
            arrays, dtype, **more,
        )  # fmt: skip

    check("binary_cross_entropy_with_logits", [x, t])
    check("binary_cross_entropy_with_logits", [x, t], weights={"weight": w, "pos_weight": w[0]})
    check("binary_cross_entropy", [p, t], weights={"weight": w})
    edge = [np.array(a, np.float32) for a in ([0, 1, 0, 1], [0, 1, 1, 0.5])]
    check("binary_cross_entropy", edge, np.float32, needs=(0,), second=False)
    far = [np.array([1000.0, -1000.0, 0.0, 90.0]), np.array([0.0, 1.0, 1.0, 0.5])]
    check("binary_cross_entropy_with_logits", far, second=False)


@pytest.mark.parametrize("reduction", ["none", "sum", "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(reduction, log_target):
    x, t = normal(3, 4), normal(3, 4, seed=1) if log_target else np.abs(normal(3, 4, seed=1))
    options = {"reduction": reduction, "log_target": log_target}
    compare(partial(ops.kl_div, **options), partial(F.kl_div, **options), [x, t])
    if not log_target:
        t = np.array([[0.0, 1.0, 0.0, 0.5]] * 3)
        compare(partial(ops.kl_div, **options), partial(F.kl_div, **options), [x, t], needs=(0,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted, biased", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize(
    "shape, axes",
    [((5,), 1), ((7, 3), 1), ((130, 33), 1), ((3, 5, 17), 2), ((2, 3000), 1), ((4, 3, 2), 3)],
)
def test_layer_norm(shape, axes, weighted, biased, dtype):
    last = shape[-axes:]
    w = normal(*last, dtype=dtype, seed=1) if weighted else None
    b = normal(*last, dtype=dtype, seed=2) if biased else None
    arrays = [normal(*shape, dtype=dtype) + 1, w, b]
    second = dtype == np.float64 and not (biased and not weighted)  # PyTorch fails at the last

    def ours(x, w, b):
        return ops.layer_norm(x, last, w, b, 1e-3)

    def theirs(x, w, b):
        return F.layer_norm(x, last, w, b, 1e-3)

    compare(ours, theirs, arrays, dtype, second=second)
    if weighted and biased:
        compare(ours, theirs, arrays, dtype, (1, 2), second)
    if weighted and not biased:
        compare(
            lambda x, w: ops.rms_norm(x, last, w),
            lambda x, w: F.rms_norm(x, last, w),
            arrays[:2], dtype, second=second,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine, running", [(0, 1), (1, 1), (1, 0)])
@pytest.mark.parametrize(
    "shape",
    [(7, 3), (130, 70), (5, 3, 4), (6, 5, 7, 7), (4, 70, 2, 2), (3, 2, 1, 5, 20), (70, 3, 4, 4)],
)
def test_batch_norm(shape, affine, running, training, dtype):
    if not running and not training:
        pytest.skip("no statistics")
    c = shape[1]
    w, b = (normal(c, dtype=dtype, seed=i) if affine else None for i in (1, 2))
    mean, var = normal(c, dtype=dtype, seed=3), np.abs(normal(c, dtype=dtype, seed=4)) + 0.5
    ours = (ng.tensor(mean), ng.tensor(var)) if running else (None, None)
    theirs = (torch.tensor(mean), torch.tensor(var)) if running else (None, None)
    compare(
        lambda x, w, b: ops.batch_norm(x, *ours, w, b, training, 0.3, 1e-3),
        lambda x, w, b: F.batch_norm(x, *theirs, w, b, training, 0.3, 1e-3),
        [2 * normal(*shape, dtype=dtype) + 1, w, b], dtype, second=dtype == np.float64,
    )  # fmt: skip
    if running:
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)


def test_group_and_instance_norm():
    x, w, b = normal(3, 6, 4, 2), normal(6), normal(6, seed=1)
    for groups in (1, 2, 6):
        ours, theirs = (partial(f.group_norm, num_groups=groups) for f in (ops, F))
        compare(
            lambda x, w, b, f=ours: f(x, weight=w, bias=b),
            lambda x, w, b, f=theirs: f(x, weight=w, bias=b),
            [x, w, b],
        )
    compare(
        lambda x, w, b: ops.instance_norm(x, None, None, w, b),
        lambda x, w, b: F.instance_norm(x, None, None, w, b),
        [x, w, b],
    )


@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,), (40, 30)])
def test_embedding(shape, padding):
    index = np.asarray(np.random.default_rng(0).integers(0, 6, shape))
    for dtype in (np.float32, np.float64):
        ours, theirs = (partial(f.embedding, padding_idx=padding) for f in (ops, F))
        compare(ours, theirs, [index, normal(6, 3, dtype=dtype)], dtype)
