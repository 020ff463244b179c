"""Every object is freed by reference counting: no cycles, no growth."""

import gc
import os
import platform
import weakref

import numpy as np
import pytest

import naivegrad as ng
from numeric import leaf

resource = pytest.importorskip("resource")


# Memory


def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def step(x, w):
    y = ng.relu(x @ w) + 1.0
    z = ng.nn.functional.softmax(y, 1)
    a, b = z.split(4, 1)
    loss = (ng.exp(a) * b[:, 1:2] + z.max(1).values.unsqueeze(1)).mean() + z[z > 0.1].sum()
    t = z.clone()
    t.mul_(2.0)
    t[0] = 1.0
    (loss + t.mean()).backward()
    with ng.no_grad():
        w.sub_(w.grad, alpha=0.01)
        w.grad = None
    return loss


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc"
    or "GLIBC_TUNABLES" in os.environ
    or "LD_PRELOAD" in os.environ,
    reason="memory is handled as another library, or the user, decides",
)
def test_freed_memory_is_used_again():
    """A new array lies in memory that an old one has left, not in fresh pages of zeros."""

    def touch():
        arrays = [ng.ones(1 << 18) for _ in range(8)]  # 1 MB each: 256 pages
        return len(arrays)

    touch()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        touch()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 8 * 256


def test_tensors_die_without_the_cycle_collector():
    """Every object of a training step is freed by reference counting alone."""
    x, w = ng.randn(8, 8), ng.randn(8, 8).requires_grad_()
    step(x, w)
    gc.collect()
    gc.disable()
    try:
        refs = [weakref.ref(step(x, w)) for _ in range(5)]
        assert all(r() is None for r in refs)
        assert gc.collect() == 0, "a step left reference cycles behind"
    finally:
        gc.enable()


def test_memory_is_flat_over_ten_thousand_steps():
    x, w = ng.randn(8, 8), ng.randn(8, 8).requires_grad_()
    gc.collect()
    gc.disable()
    try:
        for _ in range(500):
            step(x, w)
        before = rss()
        for _ in range(10_000):
            step(x, w)
        grown = rss() - before
    finally:
        gc.enable()
    assert grown < 4 * 2**20, f"grew by {grown} bytes"


def test_unused_graphs_are_freed():
    """Forward without backward, kept by nobody."""
    x = leaf(np.ones((300, 300)))
    gc.collect()
    gc.disable()
    try:
        y = ng.exp(x) * x
        array = weakref.ref(y.array)
        z = y.sum() + y.T.reshape(-1)[0]
        del y, z
        assert array() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_create_graph_by_autograd_grad_leaves_no_cycle():
    x = leaf(np.ones(5))
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            (g,) = ng.autograd.grad((ng.exp(x) * x).sum(), x, create_graph=True)
            (g * g).sum().backward()
            x.grad = None
        del g
        assert gc.collect() == 0
    finally:
        gc.enable()
