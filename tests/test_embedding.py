"""Rows of a table by number."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F

RNG = np.random.default_rng


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 4), (2, 3, 2), (0,), (5, 0)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_and_their_gradient(shape, dtype):
    rng = RNG(0)
    table = rng.standard_normal((6, 5)).astype(dtype)
    index = np.asarray(rng.integers(0, 6, shape))
    weight = ng.tensor(table, requires_grad=True)
    y = F.embedding(ng.tensor(index), weight)
    np.testing.assert_array_equal(y.detach().numpy(), table[index])
    u = rng.standard_normal(y.shape).astype(dtype)
    y.backward(ng.tensor(u))
    want = np.zeros((6, 5))
    np.add.at(want, index, u.astype(np.float64))
    np.testing.assert_allclose(
        weight.grad.numpy(), want, rtol=1e-2 if dtype == np.float16 else 1e-6
    )


def test_a_repeated_token_accumulates():
    weight = ng.zeros(3, 2, requires_grad=True)
    F.embedding(ng.tensor([1, 1, 1, 2]), weight).sum().backward()
    assert weight.grad.tolist() == [[0, 0], [3, 3], [1, 1]]


@pytest.mark.parametrize("padding, row", [(1, 1), (-1, 2), (-3, 0)])
def test_padding_is_read_but_not_trained(padding, row):
    weight = ng.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    y = F.embedding(ng.tensor([0, 1, 2, 1]), weight, padding)
    np.testing.assert_array_equal(y.detach().numpy(), weight.detach().numpy()[[0, 1, 2, 1]])
    y.sum().backward()
    want = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]])
    want[row] = 0
    np.testing.assert_array_equal(weight.grad.numpy(), want)


@pytest.mark.parametrize("bad", [-1, 3, 1 << 40, -(1 << 62)])
def test_numbers_out_of_range(bad):
    weight = ng.zeros(3, 2)
    with pytest.raises(IndexError, match=rf"embedding: index {bad} .* 3 rows.*\[0, 2\]"):
        F.embedding(ng.tensor([0, bad]), weight)


def test_numbers_are_checked_again_before_backward_writes_through_them():
    weight = ng.zeros(3, 2, requires_grad=True)
    index = np.array([0, 1])
    y = F.embedding(ng.from_numpy(index), weight)
    index[0] = -5  # behind the tensor's back
    with pytest.raises(IndexError, match="index -5"):
        y.sum().backward()


def test_other_types_and_strides():
    table = RNG(0).standard_normal((5, 8))
    want = table[[4, 0, 4]]
    for dtype in (ng.uint8, ng.int16, ng.int32):
        y = F.embedding(ng.tensor([4, 0, 4], dtype=dtype), ng.tensor(table))
        np.testing.assert_array_equal(y.numpy(), want)
    index = ng.tensor([[4, 1], [0, 1], [4, 1]])[:, 0]
    weight = ng.tensor(np.asfortranarray(table), requires_grad=True)
    y = F.embedding(index, weight[:, ::2])
    np.testing.assert_array_equal(y.detach().numpy(), want[:, ::2])
    y.sum().backward()
    assert weight.grad.numpy().sum() == 12


def test_errors():
    weight = ng.zeros(3, 2)
    with pytest.raises(TypeError, match=r"embedding: input must be of integers, got .*float32"):
        F.embedding(ng.zeros(2), weight)
    with pytest.raises(ValueError, match=r"embedding: weight must be \(V, D\), got \(3,\)"):
        F.embedding(ng.tensor([0]), ng.zeros(3))
    with pytest.raises(ValueError, match="embedding: padding_idx 3"):
        F.embedding(ng.tensor([0]), weight, 3)
    with pytest.raises(NotImplementedError):
        F.embedding(ng.tensor([0]), weight, sparse=True)


def test_second_order():
    rng = RNG(0)
    w = ng.tensor(rng.standard_normal((4, 3)), requires_grad=True)
    index = ng.tensor([1, 3, 1])
    (g,) = ng.autograd.grad((F.embedding(index, w, 3) ** 3).sum(), w, create_graph=True)
    v = rng.standard_normal((4, 3))
    (h,) = ng.autograd.grad((g * ng.tensor(v)).sum(), w)
    count = np.array([0, 2, 0, 0])[:, None]
    np.testing.assert_allclose(h.numpy(), 6 * w.detach().numpy() * v * count, rtol=1e-12)


def test_threads_do_not_change_bits():
    rng = RNG(0)
    before = ng.get_num_threads()
    index = ng.tensor(rng.integers(0, 50, (40, 100)) ** 2 // 50)
    table, u = rng.standard_normal((50, 33)), rng.standard_normal((40, 100, 33))
    results = []
    try:
        for n in (1, 2, 3, 5):
            ng.set_num_threads(n)
            weight = ng.tensor(table, dtype=ng.float32, requires_grad=True)
            y = F.embedding(index, weight)
            y.backward(ng.tensor(u, dtype=ng.float32))
            results.append((y.detach().numpy().tobytes(), weight.grad.numpy().tobytes()))
    finally:
        ng.set_num_threads(before)
    assert len(set(results)) == 1
