"""What the table's rows cannot say of attention: memory, threads, layouts read in place."""

import gc
import tracemalloc

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn.functional import scaled_dot_product_attention


def run(shape, mask=None, dtype="float32", **options):
    """Output and gradients, from seeded inputs, as arrays."""
    rng = np.random.default_rng(0)
    q, k, v, g = (ng.tensor(rng.normal(size=shape).astype(dtype)) for _ in range(4))
    inputs = [x.requires_grad_() for x in (q, k, v)]
    if mask is not None and mask.dtype.is_floating_point:
        inputs.append(mask.requires_grad_())
    y = scaled_dot_product_attention(q, k, v, mask, **options)
    return [x.numpy() for x in (y.detach(), *ng.autograd.grad(y, inputs, g))]


def peak(length):
    """The most memory in use during forward and backward, inputs and gradients included."""
    gc.collect()
    tracemalloc.start()
    run((1, 2, length, 16), is_causal=True)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory_grows_linearly_with_the_length():
    """Four times the length, four times the memory: the weights would be sixteen times as many."""
    peak(256)
    small, large = peak(1024), peak(4096)
    assert large < 4.2 * small
    assert large < 2 * 4096 * 4096 * 4 / 10, "a tenth of the weights"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True},
        {"dropout_p": 0.3},
        {"mask": (1, 1, 200)},
        {"mask": (3, 200, 200)},
    ],
    ids=str,
)
@pytest.mark.parametrize("matrices", [(2, 3), (1, 1)])
def test_same_bits_for_any_number_of_threads(matrices, options, dtype):
    """One matrix is shared out by panels, many are as they are."""
    before = ng.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            ng.set_num_threads(threads)
            ng.manual_seed(0)
            shape = options.get("mask")
            mask = {} if shape is None else {"mask": ng.randn(*shape, dtype=getattr(ng, dtype))}
            mask = {"mask": mask["mask"][:1]} if mask and matrices == (1, 1) else mask
            results.append(run((*matrices, 200, 20), dtype=dtype, **{**options, **mask}))
    finally:
        ng.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_heads_cut_from_a_projection_are_read_where_they_lie():
    """(N, L, H, D) transposed to (N, H, L, D), as models have it."""
    x = ng.randn(2, 50, 3, 4, dtype=ng.float64)
    heads = x.transpose(1, 2)
    got = scaled_dot_product_attention(heads, heads, heads)
    copy = heads.contiguous()
    assert (got == scaled_dot_product_attention(copy, copy, copy)).all()


def test_large_scores_do_not_overflow():
    q = ng.tensor([[1000.0, 0.0], [-1000.0, 0.0]], requires_grad=True)
    k = ng.tensor([[1000.0, 0.0], [999.0, 0.0], [0.0, 0.0]])
    v = ng.tensor([[1.0], [2.0], [3.0]])
    y = scaled_dot_product_attention(q, k, v, scale=1.0)
    assert y.tolist() == [[1.0], [3.0]]
    y.sum().backward()
    assert q.grad.isfinite().all()


def test_dropout_drops_the_weights_that_were_dropped_forward():
    """The mean over seeds is the attention without dropout, and a gradient fits its own draw."""
    q = ng.randn(4, 3, dtype=ng.float64)
    eye = ng.eye(6, dtype=ng.float64)
    keys = ng.randn(6, 3, dtype=ng.float64)
    ng.manual_seed(3)
    v = eye.clone().requires_grad_()
    weights = scaled_dot_product_attention(q, keys, v, dropout_p=0.5)  # values: unit vectors
    whole = scaled_dot_product_attention(q, keys, eye)
    ratio = (weights / whole).detach().numpy()
    assert np.all(np.isclose(ratio, 0) | np.isclose(ratio, 2))
    assert 0 < (ratio < 1).sum() < ratio.size
    weights[1].sum().backward()
    np.testing.assert_allclose(v.grad.numpy()[:, 0], weights.detach().numpy()[1])
    draws = [scaled_dot_product_attention(q, keys, eye, dropout_p=0.5) for _ in range(4000)]
    mean = np.mean([y.numpy() for y in draws], 0)
    np.testing.assert_allclose(mean, whole.numpy(), atol=0.05)


def test_half_precision_is_computed_in_float32():
    x = ng.randn(2, 300, 8).to(ng.float16)
    got = scaled_dot_product_attention(x, x, x)
    wide = x.float()
    want = scaled_dot_product_attention(wide, wide, wide)
    assert got.dtype == ng.float16
    assert (got == want.to(ng.float16)).all()
