"""In-place changes and views: right gradients or a clear refusal, never a silent error."""

import numpy as np
import pytest

import naivegrad as ng
from harness import value

CHANGED = "changed in place|modified"


def leaf(data):
    return ng.tensor(data, dtype=ng.float64, requires_grad=True)


# A saved tensor that changes


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.add_(1),
        lambda y: y.mul_(2),
        lambda y: y.zero_(),
        lambda y: y.fill_(3.0),
        lambda y: y.copy_(ng.zeros(2, dtype=ng.float64)),
        lambda y: y.__setitem__(0, 5.0),
        lambda y: y[0].add_(1),
        lambda y: y.reshape(2, 1).mul_(2),
        lambda y: y.detach().add_(1),
        lambda y: y.detach()[1:].zero_(),
        lambda y: y.clamp_(min=0.0),
    ],
    ids=[
        "add",
        "mul",
        "zero",
        "fill",
        "copy",
        "setitem",
        "through a view",
        "through a reshape",
        "through detach",
        "through a view of detach",
        "clamp",
    ],
)
def test_backward_refuses_a_changed_saved_tensor(change):
    x = leaf([1.0, 2.0])
    y = x * 2
    z = (y * y).sum()  # saves y
    change(y)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()
    assert x.grad is None


def test_saved_output_changed():
    x = leaf([1.0, 2.0])
    y = ng.exp(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        y.sum().backward()


def test_a_change_under_no_grad_is_seen_too():
    x = leaf([1.0, 2.0])
    z = (x * x).sum()
    with ng.no_grad():
        x.mul_(2)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()


def test_a_change_of_what_was_not_saved_is_allowed():
    x = leaf([1.0, 2.0])
    y = x + 1  # saves nothing
    z = y * 3  # saves nothing that is y
    y.mul_(10)
    (z.sum() + y.sum()).backward()
    assert value(x.grad).tolist() == [13.0, 13.0]


def test_a_change_of_one_view_is_seen_by_its_siblings():
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    a, b = y[:2], y[1:]
    z = (b * b).sum()
    a.mul_(2)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()


# Gradients through in-place changes


def test_in_place_arithmetic():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * 2
    y.add_(w).mul_(3)
    y.sub_(x, alpha=5)
    y /= 2
    y.sum().backward()
    assert value(y).tolist() == [5.0, 7.0]
    assert value(x.grad).tolist() == [0.5, 0.5]
    assert value(w.grad).tolist() == [1.5, 1.5]


@pytest.mark.parametrize("name", ["add", "sub", "addcmul", "addcdiv"])
def test_the_number_may_come_first(name):
    """As programs for early versions of PyTorch have it: p.data.add_(-lr, p.grad.data)."""
    tensors = [ng.tensor([2.0, 4.0]), ng.tensor([8.0, -5.0])][: 2 if "c" in name else 1]
    number = "value" if "c" in name else "alpha"
    x = ng.tensor([1.0, 3.0])
    expected = getattr(x, name)(*tensors, **{number: -0.5})
    assert getattr(x, f"{name}_")(-0.5, *tensors) is x and x.tolist() == expected.tolist()
    with pytest.raises(TypeError):
        getattr(x, f"{name}_")(-0.5, *tensors, *tensors, *tensors)
    with pytest.raises(TypeError, match="by name" if number == "alpha" else "must be a Tensor"):
        getattr(x, f"{name}_")(*tensors, -0.5)


def test_the_same_tensor_before_and_after():
    """Results made before the change keep the old history, later ones get the new."""
    x = leaf(3.0)
    y = x * 2
    before = y + 1
    y.add_(x * x)
    after = y + 1
    g_before, g_after = ng.autograd.grad(before, x, retain_graph=True), ng.autograd.grad(after, x)
    assert g_before[0].item() == 2.0 and g_after[0].item() == 8.0


def test_writing_into_a_view_changes_the_base():
    x, v = leaf(np.ones((2, 3))), leaf([5.0, 6.0])
    y = x * 2
    y[:, 1] = v
    (y * ng.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=ng.float64)).sum().backward()
    assert value(y).tolist() == [[2.0, 5.0, 2.0], [2.0, 6.0, 2.0]]
    assert value(x.grad).tolist() == [[2.0, 0.0, 6.0], [8.0, 0.0, 12.0]]
    assert value(v.grad).tolist() == [2.0, 5.0]


def test_other_views_follow():
    x, v = leaf(np.arange(1.0, 7.0)), leaf([10.0, 20.0])
    base = x * 1
    matrix = base.reshape(2, 3)
    column = matrix[:, 0]
    tail = base[3:]
    column.copy_(v)
    assert value(tail).tolist() == [20.0, 5.0, 6.0]
    (tail * ng.tensor([1.0, 2.0, 3.0], dtype=ng.float64)).sum().backward()
    assert value(v.grad).tolist() == [0.0, 1.0]
    assert value(x.grad).tolist() == [0.0, 0.0, 0.0, 0.0, 2.0, 3.0]


def test_changing_the_base_reaches_its_views():
    x = leaf([1.0, 2.0, 3.0])
    base = x * 1
    view = base[1:]
    base.mul_(10)
    assert value(view).tolist() == [20.0, 30.0]
    view.sum().backward()
    assert value(x.grad).tolist() == [0.0, 10.0, 10.0]


def test_a_view_of_a_view_and_repeated_changes():
    x = leaf(np.ones((4, 4)))
    y = x * 1
    a = y[1:3]
    b = a[:, 2:]
    b.mul_(3)
    a.mul_(5)
    b.add_(1)
    weights = np.arange(16.0).reshape(4, 4)
    (y * ng.tensor(weights)).sum().backward()
    factor = np.ones((4, 4))
    factor[1:3, 2:] *= 3
    factor[1:3] *= 5
    np.testing.assert_array_equal(value(x.grad), factor * weights)
    want = factor.copy()
    want[1:3, 2:] += 1
    np.testing.assert_array_equal(value(y), want)


def test_writing_history_into_a_plain_buffer():
    """A buffer without history becomes part of the graph when a value with history is written."""
    x = leaf([1.0, 2.0])
    buffer = ng.zeros(4, dtype=ng.float64)
    buffer[1:3] = x * 3
    assert buffer.requires_grad
    (buffer * ng.tensor([1.0, 10.0, 100.0, 1000.0], dtype=ng.float64)).sum().backward()
    assert value(x.grad).tolist() == [30.0, 300.0]


def test_writing_history_through_a_view_of_a_plain_buffer():
    x = leaf([1.0, 2.0])
    buffer = ng.zeros(2, 2, dtype=ng.float64)
    other = buffer.T
    buffer[0].copy_(x * 3)
    assert buffer.requires_grad and other.requires_grad
    (other[:, 0] * ng.tensor([1.0, 10.0], dtype=ng.float64)).sum().backward()
    assert value(x.grad).tolist() == [3.0, 30.0]


def test_a_loop_that_fills_a_buffer():
    x = leaf(2.0)
    out = ng.zeros(5, dtype=ng.float64)
    state = x
    for i in range(5):
        out[i] = state
        state = state * x
    out.sum().backward()
    assert x.grad.item() == sum((i + 1) * 2.0**i for i in range(5))


def test_writing_a_tensor_into_itself():
    x = leaf([1.0, 2.0, 3.0, 4.0])
    y = x * 1
    y[:2] = y[2:]
    (y * ng.tensor([1.0, 10.0, 100.0, 1000.0], dtype=ng.float64)).sum().backward()
    assert value(y).tolist() == [3.0, 4.0, 3.0, 4.0]
    assert value(x.grad).tolist() == [0.0, 0.0, 101.0, 1010.0]


def test_overlapping_assignment():
    """As if the value had been copied first, or refused (PyTorch refuses)."""
    z = ng.arange(5, dtype=ng.float64)
    try:
        z[1:] = z[:-1]
    except RuntimeError:
        return
    assert value(z).tolist() == [0.0, 0.0, 1.0, 2.0, 3.0]


def test_in_place_with_itself():
    """The old value is kept for backward before it is overwritten (PyTorch refuses)."""
    x = leaf([2.0, 3.0])
    y = x * 1
    y.mul_(y)
    assert value(y).tolist() == [4.0, 9.0]
    y.sum().backward()
    assert value(x.grad).tolist() == [4.0, 6.0]


def test_second_order_through_in_place():
    x = leaf([2.0, 3.0])
    y = x * x
    y[0] = x[1] * x[1] * x[0]
    (g,) = ng.autograd.grad((y * y).sum(), x, create_graph=True)
    (h,) = ng.autograd.grad(g.sum(), x)
    # f = (b^2 a)^2 + b^4 with a=2, b=3: f_a = 2 a b^4, f_b = 4 a^2 b^3 + 4 b^3
    assert value(g).tolist() == [2 * 2 * 81, 4 * 4 * 27 + 4 * 27]
    assert value(h).tolist() == [2 * 81 + 8 * 2 * 27, 8 * 2 * 27 + 12 * 4 * 9 + 12 * 9]


# What in-place must refuse


def test_in_place_keeps_shape_and_dtype():
    x = ng.ones(3, dtype=ng.float32)
    with pytest.raises((ValueError, RuntimeError), match=r"shape"):
        x.add_(ng.ones(2, 3))
    i = ng.ones(3, dtype=ng.int64)
    with pytest.raises((TypeError, RuntimeError, ValueError), match=r"int64|dtype"):
        i.add_(1.5)
    with pytest.raises((TypeError, RuntimeError, ValueError), match=r"int64|dtype"):
        i /= 2
    assert value(i).tolist() == [1, 1, 1]
    x.add_(ng.ones(3, dtype=ng.float64))
    assert str(x.dtype).endswith("float32")
    x.mul_(i)
    assert value(x).tolist() == [2.0, 2.0, 2.0]


def test_an_expanded_tensor_is_not_written():
    """Several elements in one place of memory: the result would depend on the order of the loop."""
    y = ng.ones(3, 1).expand(3, 4)
    with pytest.raises((RuntimeError, ValueError)):
        y.add_(1)
    with pytest.raises((RuntimeError, ValueError)):
        y.mul_(ng.ones(3, 4))


def test_in_place_returns_the_tensor_itself():
    x = ng.ones(3)
    for method, *arguments in (
        ("add_", 1),
        ("sub_", 1),
        ("mul_", 2),
        ("div_", 2),
        ("zero_",),
        ("fill_", 2.0),
        ("clamp_", 0, 1),
    ):
        assert getattr(x, method)(*arguments) is x
    y = x
    y += 1
    assert y is x


def test_views_share_memory_and_copies_do_not():
    x = ng.arange(24, dtype=ng.float32).reshape(2, 3, 4)
    views = [
        x.T if x.ndim == 2 else x.mT,
        x.permute(2, 0, 1),
        x[0],
        x[..., 1:],
        x[:, ::2],
        x.reshape(6, 4),
        x.view(-1),
        x.unsqueeze(0),
        x.squeeze(),
        x.expand(5, 2, 3, 4),
        x.flatten(),
        x.detach(),
        x.split(1)[0],
        x.chunk(2)[1],
        x.unbind()[0],
        x.transpose(0, 2),
    ]
    for v in views:
        assert np.shares_memory(v.array, x.array)
    for c in (
        x.clone(),
        x + 0,
        x[ng.tensor([0])],
        x[x > 0],
        x.permute(2, 1, 0).reshape(-1),
        x.permute(2, 1, 0).contiguous(),
    ):
        assert not np.shares_memory(c.array, x.array)
    assert x.contiguous() is x or np.shares_memory(x.contiguous().array, x.array)


def test_iterating_and_writing():
    x = ng.zeros(3, 2)
    for i, row in enumerate(x):
        row.fill_(float(i))
    assert value(x).tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]


def test_from_numpy_shares_and_tensor_copies():
    a = np.ones(3)
    shared, copied = ng.from_numpy(a), ng.tensor(a)
    a[0] = 5
    assert shared[0].item() == 5.0 and copied[0].item() == 1.0
    shared[1] = 7.0
    assert a[1] == 7.0


def test_a_composed_operation_keeps_what_it_saved():
    """All its steps read the old values, not only the last."""
    x = ng.tensor([0.5, 2.0, 3.0], requires_grad=True)
    y = x * 1.0
    y.clamp_(ng.tensor(1.0), ng.tensor(2.5)).mul_(y.detach().clone())
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 0.0]


def test_a_result_of_a_higher_type_is_refused():
    x = ng.tensor([1, 2])
    with pytest.raises(TypeError, match=r"clamp_: .*float32 cannot be stored .*int64"):
        x.clamp_(0.5)
    assert x.tolist() == [1, 2]


def test_a_tensor_seen_otherwise_in_place_stays_tied_to_its_views():
    """t_(), squeeze_() and their like change the look, not the memory, of the tensor alone."""
    x = ng.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x * 1.0
    row = y[0]
    assert y.t_() is y and y.shape == (3, 2)
    y[0].mul_(10.0)  # the first column of x
    assert row.tolist() == [10.0, 2.0, 3.0]
    row.mul_(2.0)
    assert y.tolist() == [[20.0, 40.0], [4.0, 5.0], [6.0, 6.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[20.0, 2.0, 2.0], [10.0, 1.0, 1.0]]
    with pytest.raises(RuntimeError, match="t_: a leaf tensor that requires grad"):
        x.t_()


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (7, 3), (3, 3, 3)])
def test_fill_diagonal(shape, wrap):
    x, wanted = ng.zeros(shape), np.zeros(shape)
    assert x.fill_diagonal_(2.0, wrap) is x
    np.fill_diagonal(wanted, 2.0, wrap)
    assert x.tolist() == wanted.tolist()


def test_fill_diagonal_refuses_vectors_and_boxes():
    for shape in ((3,), (2, 3, 2)):
        with pytest.raises(ValueError, match="fill_diagonal_: expects a matrix, or equal lengths"):
            ng.zeros(shape).fill_diagonal_(1.0)
