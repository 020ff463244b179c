"""Faults found in earlier engines of this kind, each a test; the oracle is never our own code."""

import gc
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

import naivegrad as ng
from harness import tensor, value
from naivegrad import nn
from numeric import leaf
from table import OPS
from table.pool import max_pool as reference_max_pool

F = nn.functional


def step_gradient(f, x, u, eps=1e-6):
    """d/dx <u, f(x)> by central differences."""
    g = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        e = np.zeros_like(x)
        e[at] = eps
        g[at] = ((u * (f(x + e) - f(x - e))).sum()) / (2 * eps)
    return g


def test_gradient_overwritten_instead_of_accumulated():
    x = leaf(3.0)
    (x * x).backward()
    assert x.grad.item() == 6.0
    x = leaf(3.0)
    ((x + x) * (x + x)).backward()
    assert x.grad.item() == 24.0
    x = leaf([1.0, 2.0, 3.0])
    (x[[0, 0, 1]] * ng.tensor([1.0, 10.0, 100.0], dtype=ng.float64)).sum().backward()
    assert value(x.grad).tolist() == [11.0, 100.0, 0.0]
    w = leaf(np.ones((4, 2)))
    u = np.arange(1.0, 9.0).reshape(4, 2)
    (F.embedding(ng.tensor([2, 0, 2, 2]), w) * tensor(u)).sum().backward()
    assert value(w.grad).tolist() == [
        [3.0, 4.0],
        [0.0, 0.0],
        [1 + 5 + 7.0, 2 + 6 + 8.0],
        [0.0, 0.0],
    ]


def test_recursive_graph_walk_overflows_the_stack():
    x = leaf(1.0)
    y = x
    for i in range(10_000):
        y = ng.tanh(y) if i % 2 else y * 1.001
    y.backward()
    assert np.isfinite(x.grad.item())
    y = x
    for _ in range(10_000):
        y = y + y.detach()
    del y  # releasing a long chain must not recurse either


def test_release_of_a_long_chain_in_a_small_stack():
    """Each node frees the next: in C that is a recursion too, and threads have small stacks."""

    def work():
        y = leaf(1.0)
        for _ in range(50_000):
            y = y * 1.0
        del y
        done.append(True)

    done = []
    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert done


def test_cost_exponential_in_reuse():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    start = time.perf_counter()
    y.backward()
    assert time.perf_counter() - start < 2.0
    assert x.grad.item() == 2.0**60


def test_leaving_no_grad_switches_recording_on():
    with ng.no_grad():
        with ng.no_grad():
            pass
        assert not ng.is_grad_enabled()
        try:
            with ng.no_grad():
                raise KeyError
        except KeyError:
            pass
        assert not ng.is_grad_enabled()
        seen = []
        thread = threading.Thread(target=lambda: seen.append(ng.is_grad_enabled()))
        thread.start()
        thread.join()
        assert seen == [True]
        assert not ng.is_grad_enabled()


def test_second_backward_over_a_kept_graph_gives_wrong_leaves():
    x, w = leaf([[1.0, -2.0]]), leaf([[0.5], [1.5]])
    loss = (F.relu(x @ w) ** 2 + ng.exp(x).sum()).sum()
    loss.backward(retain_graph=True)
    once = value(x.grad).copy(), value(w.grad).copy()
    loss.backward(retain_graph=True)
    np.testing.assert_array_equal(value(x.grad), 2 * once[0])
    np.testing.assert_array_equal(value(w.grad), 2 * once[1])


def test_each_of_several_ties_gets_the_full_gradient():
    """The gradient of a maximum sums to what came in, whatever ties."""
    x = leaf(np.ones((2, 6)))
    for y in (
        x.max(),
        x.max(1).values,
        x.amax(1),
        x.amax((0, 1)),
        x.min(),
        x.min(0).values,
        x.amin(0),
        F.max_pool2d(x.reshape(1, 1, 2, 6), 2),
        ng.maximum(x, x.flip(1)),
        ng.minimum(x, x * 1),
    ):
        (g,) = ng.autograd.grad(y.sum(), x)
        assert value(g).sum() == pytest.approx(value(y).size)
        assert value(g).max() <= 2.0


def test_relu_has_gradient_one_at_zero():
    x = leaf([-1.0, 0.0, -0.0, 2.0])
    for f in (ng.relu, F.relu, lambda t: t.relu(), nn.ReLU()):
        (g,) = ng.autograd.grad(f(x).sum(), x)
        assert value(g).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_mask_taken_from_equality_of_values():
    """Equal by accident: the gradient must still go where the value came from."""
    c = ng.tensor([True, False, True, False])
    a, b = leaf([1.0, 1.0, 0.0, 0.0]), leaf([1.0, 1.0, 0.0, 0.0])
    ga, gb = ng.autograd.grad(ng.where(c, a, b).sum(), [a, b])
    assert value(ga).tolist() == [1.0, 0.0, 1.0, 0.0] and value(gb).tolist() == [0.0, 1.0, 0.0, 1.0]
    x = leaf(np.zeros((3, 3)))
    (g,) = ng.autograd.grad(ng.tril(x).sum(), x)
    np.testing.assert_array_equal(value(g), np.tril(np.ones((3, 3))))
    (g,) = ng.autograd.grad(ng.triu(x, 1).sum(), x)
    np.testing.assert_array_equal(value(g), np.triu(np.ones((3, 3)), 1))
    (g,) = ng.autograd.grad(F.dropout(x, 0.0).sum(), x)
    np.testing.assert_array_equal(value(g), np.ones((3, 3)))
    (g,) = ng.autograd.grad(x.masked_fill(ng.eye(3) > 0, 0.0).sum(), x)
    np.testing.assert_array_equal(value(g), 1 - np.eye(3))


@pytest.mark.parametrize("shape", [(3, 3), (1, 3), (3, 1), (2, 2, 2), (1, 1, 1), (3, 3, 3)])
def test_reduced_dims_wrong_in_backward(shape):
    """Square inputs, where a wrong axis still fits, and dims of one; weights tell axes apart."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=shape)
    for dim in range(-len(shape), len(shape)):
        for keepdim in (False, True):
            for name, f in (
                ("sum", np.sum),
                ("mean", np.mean),
                ("amax", np.max),
                ("prod", np.prod),
            ):
                x = leaf(a)
                y = getattr(x, name)(dim=dim, keepdim=keepdim)
                u = rng.normal(size=y.shape)
                y.backward(tensor(u))
                want = step_gradient(lambda v: f(v, axis=dim, keepdims=keepdim), a, u)  # noqa: B023
                np.testing.assert_allclose(value(x.grad), want, atol=1e-7)


@pytest.mark.parametrize(
    "options",
    [
        dict(kernel_size=1, stride=2),
        dict(kernel_size=2, stride=3),
        dict(kernel_size=(3, 2), stride=(1, 2)),
        dict(kernel_size=(2, 3), padding=(1, 1)),
        dict(kernel_size=2, dilation=(3, 2), stride=1),
    ],
    ids=str,
)
def test_windows_that_do_not_tile(options):
    """7 x 5 images; convolution with the same windows is in the table, row conv2d."""
    a = np.random.default_rng(1).normal(size=(2, 2, 7, 5))
    x = leaf(a)
    y = F.max_pool2d(x, **options)
    want = reference_max_pool(a, **options)[0]
    np.testing.assert_array_equal(value(y), want)
    u = np.random.default_rng(2).normal(size=want.shape)
    y.backward(tensor(u))
    step = step_gradient(lambda v: reference_max_pool(v, **options)[0], a, u)
    np.testing.assert_allclose(value(x.grad), step, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_overflow_and_capped_loss(dtype):
    dtype = getattr(ng, dtype)
    x = leaf([[1000.0, -1000.0, 0.0]], dtype)
    for label, exact in ((0, 0.0), (1, 2000.0), (2, 1000.0)):
        for loss in (
            F.cross_entropy(x, ng.tensor([label])),
            F.nll_loss(F.log_softmax(x, 1), ng.tensor([label])),
        ):
            assert loss.item() == exact
            (g,) = ng.autograd.grad(loss, x)
            want = np.array([[1.0, 0.0, 0.0]])
            want[0, label] -= 1
            np.testing.assert_allclose(value(g), want, atol=1e-6)
    assert value(F.softmax(x, 1)).tolist() == [[1.0, 0.0, 0.0]]
    loss = F.binary_cross_entropy_with_logits(x, ng.tensor([[0.0, 1.0, 0.0]], dtype=dtype))
    assert loss.item() == pytest.approx((1000 + 1000 + np.log(2)) / 3, rel=1e-6)


@pytest.mark.slow
def test_cross_entropy_builds_a_one_hot_of_the_vocabulary():
    """Working memory beside logits and gradient is a fraction of them: a copy has 0.4 GB."""
    N, C = 2048, 50257
    rng = np.random.default_rng(0)
    x = tensor(rng.standard_normal((N, C), dtype=np.float32), requires_grad=True)
    labels = ng.tensor(rng.integers(0, C, N))
    size = N * C * 4
    tracemalloc.start()
    try:
        loss = F.cross_entropy(x, labels)
        forward = tracemalloc.get_traced_memory()[1]
        loss.backward()
        both = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert forward <= 1.1 * size, f"forward took {forward / size:.2f} copies of the logits"
    assert both <= 2.2 * size, f"forward and backward took {both / size:.2f} copies of the logits"


def test_norm_in_eval_mode():
    """The gradient in eval mode, and the running statistics among what is saved."""
    rng = np.random.default_rng(0)
    norm = nn.BatchNorm1d(3).to(ng.float64)
    for _ in range(3):
        norm(tensor(rng.normal(2.0, 3.0, size=(8, 3))))
    state = norm.state_dict()
    assert {"running_mean", "running_var", "num_batches_tracked"} <= set(state)
    assert abs(value(state["running_mean"])).max() > 0.1
    norm.eval()
    a = rng.normal(size=(4, 3))
    x = leaf(a)
    y = norm(x)
    u = rng.normal(size=(4, 3))
    y.backward(tensor(u))
    mean, var = value(state["running_mean"]).copy(), value(state["running_var"]).copy()
    np.testing.assert_allclose(value(y), (a - mean) / np.sqrt(var + 1e-5))
    np.testing.assert_allclose(value(x.grad), u / np.sqrt(var + 1e-5))
    np.testing.assert_array_equal(value(norm.running_mean), mean)


def test_batch_norm_keywords_swapped():
    rng = np.random.default_rng(0)
    a, c = rng.normal(size=(5, 3)), (3,)
    mean, var, w, b = (
        rng.normal(size=c),
        rng.uniform(1, 2, c),
        rng.normal(size=c),
        rng.normal(size=c),
    )
    kw = dict(running_mean=tensor(mean), running_var=tensor(var), weight=tensor(w), bias=tensor(b))
    y = F.batch_norm(tensor(a), **kw, training=False, momentum=0.3, eps=0.7)
    np.testing.assert_allclose(value(y), (a - mean) / np.sqrt(var + 0.7) * w + b)
    rm, rv = tensor(mean.copy()), tensor(var.copy())
    y = F.batch_norm(
        tensor(a), rm, rv, bias=tensor(b), weight=tensor(w), eps=0.2, momentum=0.3, training=True
    )
    np.testing.assert_allclose(value(y), (a - a.mean(0)) / np.sqrt(a.var(0) + 0.2) * w + b)
    np.testing.assert_allclose(value(rm), 0.7 * mean + 0.3 * a.mean(0))
    np.testing.assert_allclose(value(rv), 0.7 * var + 0.3 * a.var(0, ddof=1))


def test_train_and_eval_reach_children():
    drop = nn.Dropout(0.5)
    model = nn.Sequential(nn.Sequential(nn.Sequential(drop)))
    assert model.training and drop.training, "training is the mode to start in"
    x = ng.ones(1000)
    assert (value(model(x)) == 0).any()
    assert model.eval() is model and not drop.training
    assert (value(model(x)) == 1).all()
    model.train()
    assert drop.training


def test_state_dict_loaded_by_position():
    a, b = nn.Linear(2, 3), nn.Linear(2, 3)
    state = dict(reversed(list(a.state_dict().items())))
    b.load_state_dict(state)
    np.testing.assert_array_equal(value(b.weight), value(a.weight))
    np.testing.assert_array_equal(value(b.bias), value(a.bias))
    for bad, name in (
        ({"weight": state["weight"]}, "bias"),
        ({**state, "extra": state["bias"]}, "extra"),
        ({**state, "weight": ng.ones(3, 3)}, "weight"),
    ):
        with pytest.raises((KeyError, RuntimeError, ValueError), match=name):
            b.load_state_dict(bad)


def test_upstream_gradient_changed_in_place():
    """Two consumers share one upstream; test_ops_derivatives.py checks every row for this."""
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    z = x + y
    upstream = tensor(np.array([1.0, 1.0]))
    (z * 1).backward(upstream)
    (z + F.relu(z) + z.reshape(2, 1).reshape(2)).backward(upstream)
    assert value(upstream).tolist() == [1.0, 1.0]
    assert value(x.grad).tolist() == [4.0, 4.0] and value(y.grad).tolist() == [4.0, 4.0]


def test_comparisons_return_bool_tensors():
    x, y = ng.tensor([1.0, 2.0]), ng.tensor([1.0, 3.0])
    for result, want in (
        (x == y, [True, False]),
        (x != y, [False, True]),
        (x < y, [False, True]),
        (x >= 2, [False, True]),
        (x != 1, [False, True]),
        (x == 1, [True, False]),
    ):
        assert isinstance(result, ng.Tensor) and result.dtype == ng.bool
        assert value(result).tolist() == want


def test_float64_is_possible_throughout():
    """And is kept: no op of the table (other than casts) turns float64 into float32."""
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)).to(ng.float64)
    x = tensor(np.random.default_rng(0).normal(size=(5, 3)), requires_grad=True)
    F.cross_entropy(net(x), ng.tensor([0, 1, 0, 1, 0])).backward()
    assert all(p.dtype == ng.float64 and p.grad.dtype == ng.float64 for p in [x, *net.parameters()])


@pytest.mark.parametrize("size", [1, 31, 32, 33, 255, 257, 65_537])
def test_reduction_sums_only_a_part(size):
    for shape in ((size, 3), (3, size), (1, size, 3)):
        a = np.random.default_rng(size).normal(size=shape).astype(np.float32)
        x = tensor(a, requires_grad=True)
        for dim in (*range(a.ndim), None):
            wide = a.astype(np.float64)
            y = x.sum() if dim is None else x.sum(dim)
            np.testing.assert_allclose(value(y), wide.sum(dim), rtol=1e-5, atol=1e-5 * size**0.5)
            y = x.max() if dim is None else x.max(dim).values
            np.testing.assert_array_equal(value(y), a.max(dim))
            y = x.mean() if dim is None else x.mean(dim)
            np.testing.assert_allclose(value(y), wide.mean(dim), rtol=1e-4, atol=1e-6)
            (g,) = ng.autograd.grad(x.sum() if dim is None else x.sum(dim).sum(), x)
            assert (value(g) == 1).all()


def test_every_tensor_leaks():
    """The long run is test_engine.py::test_memory_is_flat_over_ten_thousand_steps."""
    x = leaf(np.ones((4, 4)))
    (F.softmax(ng.exp(x) @ x, 1) * x).sum().backward()
    gc.collect()
    gc.disable()
    try:
        y = F.softmax(ng.exp(x) @ x, 1).max(1).values
        (y * y).sum().backward()
        del y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_to_the_same_device_keeps_values_and_makes_no_copy():
    x = leaf([1.0, 2.0])
    for y in (x.to("cpu"), x.cpu(), x.to(ng.float64), x.to(x), x.double()):
        assert y is x
    y = ng.ones(2).to("cpu", ng.float64)
    assert value(y).tolist() == [1.0, 1.0] and y.dtype == ng.float64


def test_fill_cast_and_move_keep_the_graph():
    for f in (
        lambda x: x.masked_fill(x > 1, 0.0),
        lambda x: x.to(ng.float32),
        lambda x: x.float(),
        lambda x: x.half(),
        lambda x: x.to("cpu"),
        lambda x: x.type_as(ng.ones(1)),
        lambda x: x.clone(),
        lambda x: x.contiguous(),
        lambda x: x.T,
        lambda x: x.clamp(0, 1),
    ):
        x = leaf([[0.5, 2.0]])
        f(x).sum().backward()
        assert x.grad is not None and x.grad.dtype == ng.float64 and value(x.grad)[0, 0] == 1.0


def test_the_table_is_not_too_kind():
    """Rows draw negative numbers unless the domain forbids it, and cover ties and zeros."""
    positive = {op.name for op in OPS if op.domain[0] >= 0 and op.order and op.functions}
    assert positive <= {
        "log",
        "sqrt",
        "rsqrt",
        "div",
        "pow",
        "pow_-1",
        "pow_0.5",
        "pow_2.5",
        "pow_-2",
        "cumprod",
        "reciprocal",
        "remainder",
        "prod",
        "scatter_reduce",
        "log2",
        "log10",
        "acosh",
        "logit",
        "xlogy",
        "lgamma",
        "digamma",
        "polygamma_0",
        "polygamma_1",
        "polygamma_2",
        "fmod",
        "div_floor",
        "div_trunc",
    }
    pinned = {op.name for op in OPS if op.pins}
    assert {
        "relu",
        "abs",
        "clamp",
        "maximum",
        "minimum",
        "max",
        "max_dim",
        "amax",
        "max_pool2d",
        "where",
    } <= pinned


def test_importing_needs_no_gpu_stack():
    code = """
import sys
import naivegrad as ng
foreign = [m for m in sys.modules if not m.startswith("naivegrad")]
assert not any("cuda" in m.split(".") for m in foreign)
print(ng.ones(2).sum().item())
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "2.0"
    with pytest.raises((RuntimeError, ValueError), match=r"no CUDA device|cuda"):
        ng.ones(2, device="cuda")
