"""Inputs beyond the sizes where one thread or one block is enough: right, and the same bits."""

import numpy as np
import pytest

import naivegrad as ng
from harness import (
    OPS,
    STEP_TOLERANCE,
    TOLERANCE,
    assert_close,
    assert_near,
    call,
    cast,
    cotangents,
    directions,
    first_difference,
    floats,
    inner,
    is_float,
    reference,
    tensors,
    value,
)
from table import case, draw
from table.row import index

ROWS = {op.name: op for op in OPS}
SQUARE, LONG, TALL = (600, 700), (400_001,), (100_003, 4)
IMAGES = (7, 10, 70, 61)
VOLUMES = (2, 8, 12, 40, 40)
LARGE = [
    ("mul", case(SQUARE, SQUARE)),
    ("mul", case((600, 1), (700,))),
    ("add", case(SQUARE, (700,))),
    ("div", case(SQUARE, (600, 1))),
    ("exp", case(SQUARE)),
    ("gelu", case(LONG)),
    ("relu", case(LONG)),
    ("where", case(index(SQUARE, 2), SQUARE, (700,))),
    *[(name, case(LONG)) for name in ("sum", "mean", "var", "amax")],
    *[(name, case(SQUARE, dim=d)) for name in ("sum", "mean", "amax", "max_dim") for d in (0, 1)],
    *[
        (name, case(shape, dim=d))
        for name in ("var", "logsumexp", "cumsum", "softmax", "log_softmax")
        for shape in (SQUARE, TALL)
        for d in (0, 1)
    ],
    ("sum", case((67, 80, 90), dim=(0, 2))),
    ("matmul", case((300, 500), (500, 400))),
    ("matmul", case((40, 50, 60), (40, 60, 30))),
    ("linear", case((300, 500), (400, 500), (400,))),
    ("permute", case((67, 80, 90), dims=(2, 0, 1))),
    ("cat", case(SQUARE, SQUARE, dim=1)),
    ("getitem_tensor", case((5, 300), index((2000,), 5))),
    ("getitem_tensor", case(LONG, index((50_000,), 400_001))),
    ("index_select", case(SQUARE, index((900,), 600), dim=0)),
    ("index_select", case(SQUARE, index((300,), 700), dim=1)),
    ("gather", case(SQUARE, index((600, 200), 700), dim=1)),
    ("gather", case(SQUARE, index((90, 700), 600), dim=0)),
    ("scatter_add", case(TALL, index((100_003, 1), 4), (100_003, 1), dim=1)),
    ("scatter_add", case((50, 700), index((90, 700), 50), (90, 700), dim=0)),
    ("index_add", case((13, 100), index((900,), 13), (900, 100), dim=0)),
    ("take", case(SQUARE, index((50_000,), 420_000))),
    ("sort", case(SQUARE, dim=1)),
    ("topk", case(LONG, k=100)),
    ("embedding", case(index((3000,), 13), (13, 100))),
    ("layer_norm", case(SQUARE, (700,), (700,), shape=(700,))),
    ("batch_norm_train", case(SQUARE, (700,), (700,))),
    ("batch_norm_train", case(IMAGES, (10,), (10,))),
    ("cross_entropy", case(SQUARE, index((600,), 700))),
    ("cross_entropy", case((20_003, 10), index((20_003,), 10))),
    ("conv2d", case(IMAGES, (6, 10, 3, 3), (6,), padding=1)),
    ("conv2d", case(IMAGES, (6, 10, 3, 2), (6,), stride=2)),
    ("conv2d", case((1, 4, 150, 140), (8, 2, 5, 5), (8,), groups=2)),
    ("conv1d", case((9, 8, 1200), (12, 8, 5), (12,), padding=2)),
    ("conv3d", case(VOLUMES, (6, 8, 3, 3, 3), (6,), padding=1)),
    ("conv3d", case((30, 2, 6, 20, 20), (4, 1, 2, 3, 2), (4,), stride=2, groups=2)),
    ("conv_transpose3d", case((2, 6, 8, 20, 20), (6, 4, 3, 2, 2), (4,), stride=2)),
    ("max_pool3d", case(VOLUMES, kernel_size=3, stride=2, padding=1)),
    ("avg_pool3d", case(VOLUMES, kernel_size=2)),
    ("adaptive_max_pool2d", case(IMAGES, output_size=(5, 7))),
    ("avg_pool2d", case(IMAGES, kernel_size=3, stride=2, padding=1)),
    ("max_pool2d", case(IMAGES, kernel_size=2)),
    ("adaptive_avg_pool2d", case(IMAGES, output_size=(5, 7))),
    ("unfold", case(IMAGES, kernel_size=3)),
    ("dropout", case(SQUARE, p=0.3)),
    ("mse_loss", case(SQUARE, SQUARE)),
]
CASES = [pytest.param(ROWS[name], one, id=f"{name}-{one}") for name, one in LARGE]


@pytest.mark.parametrize(("op", "one"), CASES)
def test_large(op, one):
    """Values in both float types, a gradient, and the same bits for every number of threads."""
    arrays = [
        a.astype(bool) if op.name == "where" and not is_float(a) else a for a in draw(op, one)
    ]
    wanted = reference(op, arrays, one.options)
    us, vs = cotangents(wanted), directions(arrays)
    for dtype in ("float64", "float32"):
        bits = set()
        for threads in (2, 1, 3):
            ng.set_num_threads(threads)
            xs = tensors([cast(a, dtype) for a in arrays], dtype)
            results = call(op, xs, one)
            upstream = tensors([cast(u, dtype) for u in us], dtype, grad=False)
            grads = ng.autograd.grad(results, floats(arrays, xs), upstream)
            bits.add(tuple(value(t).tobytes() for t in (*results, *grads)))
        assert len(bits) == 1, "the number of threads changes the result"
        for got, want in zip(results, wanted, strict=True):
            assert_close(value(got), want, 10 * TOLERANCE[dtype])
        reverse = inner([value(g).astype(np.float64) for g in grads], floats(arrays, vs))
        step = first_difference(op, arrays, one.options, us, vs)
        scale = np.sqrt(sum(u.size for u in us)) * (1e3 if dtype == "float32" else 1)
        assert_near(reverse, step, STEP_TOLERANCE, scale, dtype)


def test_a_sum_of_many_float32_keeps_its_digits():
    """Blocks with several partial sums: the error does not grow with the length."""
    a = np.random.default_rng(0).uniform(0, 1, 3_000_017).astype(np.float32)
    exact = a.astype(np.float64).sum()
    assert abs(ng.tensor(a).sum().item() - exact) < 1e-6 * exact
    wide = a[:3_000_000].reshape(3, -1)
    got = value(ng.tensor(np.ascontiguousarray(wide.T)).sum(0))
    np.testing.assert_allclose(got, wide.astype(np.float64).sum(1), rtol=2e-6)
