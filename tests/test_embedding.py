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


@pytest.mark.parametrize("norm_type", [1.0, 2.0, float("inf")])
def test_max_norm_scales_the_rows_that_are_read_in_place(norm_type):
    table = ng.tensor([[3.0, 4.0], [0.1, 0.2], [6.0, 8.0]], requires_grad=True)
    before = table.detach().numpy().copy()
    y = F.embedding(ng.tensor([[0, 1], [0, 0]]), table, max_norm=1.0, norm_type=norm_type)
    after = table.detach().numpy()
    length = np.linalg.norm(before[0], norm_type)
    np.testing.assert_allclose(after[0], before[0] / (length + 1e-7), rtol=1e-6)
    np.testing.assert_array_equal(after[1:], before[1:])
    np.testing.assert_array_equal(y.detach().numpy(), after[[[0, 1], [0, 0]]])
    y.sum().backward()
    assert table.grad.tolist() == [[3.0, 3.0], [1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("bags", [False, True])
def test_scale_grad_by_freq_divides_by_how_often_a_row_was_read(bags):
    table, index = ng.zeros(3, 2, requires_grad=True), ng.tensor([[0, 0, 1], [0, 0, 2]])
    if bags:
        y = F.embedding_bag(index, table, mode="sum", scale_grad_by_freq=True)
    else:
        y = F.embedding(index, table, scale_grad_by_freq=True)
    y.sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]


def test_sparse_gives_a_dense_gradient():
    table = ng.nn.Embedding(4, 2, sparse=True)
    table(ng.tensor([1])).sum().backward()
    assert table.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]


def test_embedding_bag_module():
    bag = ng.nn.EmbeddingBag(5, 3, mode="sum", padding_idx=0)
    assert list(bag.state_dict()) == ["weight"] and bag.weight[0].tolist() == [0, 0, 0]
    assert repr(bag) == "EmbeddingBag(5, 3, mode='sum', padding_idx=0)"
    y = bag(ng.tensor([1, 2, 0]), ng.tensor([0, 2]))
    np.testing.assert_allclose(y[0].tolist(), (bag.weight[1] + bag.weight[2]).tolist())
    assert y[1].tolist() == [0, 0, 0]
    frozen = ng.nn.EmbeddingBag.from_pretrained(ng.ones(2, 3))
    assert not frozen.weight.requires_grad


def test_embedding_bag_is_the_same_for_every_number_of_threads():
    index, table = ng.randint(0, 50, (64, 40)), ng.randn(50, 32, requires_grad=True)
    before, results = ng.get_num_threads(), []
    for threads in (1, 2):
        ng.set_num_threads(threads)
        y = F.embedding_bag(index, table)
        results.append((y.detach().numpy(), ng.autograd.grad(y.sum(), table)[0].numpy()))
    ng.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
