"""Leaves and their gradients, hooks, copies, and what a tensor does as a Python object."""

import copy
import pickle

import numpy as np
import pytest

import naivegrad as ng
from harness import value
from numeric import leaf

# Leaves


def test_what_is_a_leaf():
    x = leaf(1.0)
    y = x * 2
    assert x.is_leaf and not y.is_leaf
    assert y.detach().is_leaf
    assert ng.ones(2).is_leaf and (ng.ones(2) * 2).is_leaf
    with ng.no_grad():
        assert (x * 2).is_leaf
    assert x.grad_fn is None and y.grad_fn is not None


def test_detach_shares_memory_and_stops_gradients():
    x = leaf([1.0, 2.0])
    d = x.detach()
    assert not d.requires_grad
    assert np.shares_memory(d.array, x.array)
    (x * x.detach()).sum().backward()
    assert value(x.grad).tolist() == [1.0, 2.0]


def test_detach_in_place():
    x = leaf(2.0)
    y = x * x
    y.detach_()
    assert y.is_leaf and not y.requires_grad


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool"])
def test_only_floats_require_gradients(dtype):
    with pytest.raises((RuntimeError, TypeError), match=dtype):
        ng.ones(2, dtype=getattr(ng, dtype)).requires_grad_()
    with pytest.raises((RuntimeError, TypeError), match=dtype):
        ng.ones(2, dtype=getattr(ng, dtype), requires_grad=True)
    with pytest.raises((RuntimeError, TypeError), match=dtype):
        ng.ones(2, dtype=getattr(ng, dtype)).requires_grad = True


def test_requires_grad_of_a_non_leaf():
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match=r"leaf"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match=r"leaf"):
        y.requires_grad = False
    assert y.requires_grad_() is y


def test_requires_grad_can_be_taken_back_from_a_leaf():
    x = leaf(1.0)
    x.requires_grad_(False)
    assert not (x * 2).requires_grad
    x.requires_grad = True
    assert (x * 2).requires_grad


def test_a_leaf_is_not_changed_in_place():
    x = leaf([1.0, 2.0])
    for change in (
        lambda: x.add_(1),
        lambda: x.mul_(2),
        lambda: x.zero_(),
        lambda: x.__setitem__(0, 5.0),
        lambda: x[0].add_(1),
        lambda: x.reshape(2, 1).zero_(),
        lambda: x.__iadd__(1),
    ):
        with pytest.raises(RuntimeError, match=r"leaf"):
            change()
    assert value(x).tolist() == [1.0, 2.0]
    with ng.no_grad():
        x.add_(1)
        x[0] = 7.0
    assert value(x).tolist() == [7.0, 3.0]
    assert x.is_leaf and x.requires_grad


def test_leaves_never_share_a_gradient():
    for combine in (
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x.reshape(3) + y.T,
        lambda x, y: ng.cat([x, y]),
        lambda x, y: ng.stack([x, y]),
    ):
        x, y = leaf([1.0, 2.0, 3.0]), leaf([4.0, 5.0, 6.0])
        z = combine(x, y)
        seed = ng.ones_like(z)
        z.backward(seed)
        before = value(y.grad).copy()
        x.grad.mul_(2)
        np.testing.assert_array_equal(value(y.grad), before)
        assert value(seed).tolist() == np.ones(z.shape).tolist()
        assert not np.shares_memory(x.grad.array, y.grad.array)


def test_only_an_unshared_gradient_becomes_grad_itself():
    """References are counted exactly: neither a copy nor an alias too many."""
    x = leaf([1.0, 2.0, 3.0])
    seen = []
    x.register_hook(lambda g: seen.append(id(g.array)))
    (x * 2.0).sum().backward()
    assert id(x.grad.array) == seen[0]  # nobody else has it: taken as it is
    x = leaf([1.0, 2.0, 3.0])
    held = []
    x.register_hook(held.append)
    (x * 2.0).sum().backward()
    assert not np.shares_memory(x.grad.array, held[0].array)


def test_a_gradient_owns_its_memory():
    """A gradient that is expanded, or a slice of a larger one, becomes an array of its own."""
    x = leaf([1.0, 2.0, 3.0])
    x.sum().backward()
    x.grad[0] = 5.0
    assert value(x.grad).tolist() == [5.0, 1.0, 1.0]
    x, y = leaf(np.ones(3)), leaf(np.ones(2))
    ng.cat([x, y]).sum().backward()
    x.grad.zero_()
    assert value(y.grad).tolist() == [1.0, 1.0]


def test_assigning_grad():
    x = leaf([1.0, 2.0])
    x.grad = ng.tensor([1.0, 1.0], dtype=ng.float64)
    (x * 2).sum().backward()
    assert value(x.grad).tolist() == [3.0, 3.0]
    x.grad = None
    assert x.grad is None
    with pytest.raises((RuntimeError, ValueError), match=r"shape"):
        x.grad = ng.ones(3, dtype=ng.float64)
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        x.grad = ng.ones(2, dtype=ng.float32)
    with pytest.raises(TypeError):
        x.grad = 3.0


# Hooks and retained gradients


def test_hooks_on_a_leaf():
    x = leaf(2.0)
    seen = []
    first = x.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: seen.append(g.item()))
    (x * x).backward()
    assert seen == [4.0, 40.0] and x.grad.item() == 40.0
    first.remove()
    first.remove()
    x.grad = None
    seen.clear()
    (x * x).backward()
    assert seen == [40.0]


def test_hook_sees_the_whole_gradient_once():
    x = leaf(2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y * y + y).backward()
    assert seen == [13.0]
    x = leaf(2.0)
    x.register_hook(lambda g: seen.append(g.item()))
    (x * x + x * x).backward()
    assert seen == [13.0, 8.0]


def test_hook_on_a_non_leaf_changes_what_flows_on():
    x = leaf(2.0)
    y = x * 3
    handle = y.register_hook(lambda g: -g)
    (y * 5).backward()
    assert x.grad.item() == -15.0
    y = x * 3
    handle = y.register_hook(lambda g: -g)
    handle.remove()
    x.grad = None
    (y * 5).backward()
    assert x.grad.item() == 15.0


def test_hooks_and_autograd_grad():
    x = leaf(2.0)
    x.register_hook(lambda g: g * 10)
    assert ng.autograd.grad(x * x, x)[0].item() == 40.0
    y = x * 3
    y.register_hook(lambda g: g + 1)
    gy, gx = ng.autograd.grad(y * 5, [y, x])
    assert gy.item() == 6.0 and gx.item() == 180.0


def test_hook_needs_a_tensor_with_history():
    with pytest.raises(RuntimeError, match=r"require"):
        ng.ones(2).register_hook(lambda g: g)


def test_retain_grad():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    z = y * y
    z.backward()
    assert y.grad.item() == 12.0 and x.grad.item() == 36.0
    w = x * 3
    (w * w).backward()
    assert w.grad is None
    x.retain_grad()  # nothing to do for a leaf
    with pytest.raises(RuntimeError, match=r"require"):
        ng.ones(2).retain_grad()


def test_retain_grad_sees_hooks():
    x = leaf(2.0)
    y = x * 3
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    (y * 5).backward()
    assert y.grad.item() == 10.0 and x.grad.item() == 30.0


# Copies


def test_pickle_and_deepcopy_of_leaves():
    for x in (
        leaf([[1.0, 2.0], [3.0, 4.0]]),
        ng.arange(5),
        ng.tensor(True),
        leaf(np.ones((3, 2))).detach().T,
    ):
        for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
            np.testing.assert_array_equal(value(y), value(x))
            assert y.dtype == x.dtype and y.requires_grad == x.requires_grad
            assert not np.shares_memory(y.array, x.array)
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    assert value(y.grad).tolist() == [2.0, 4.0]
    (y * y).sum().backward()
    assert value(x.grad).tolist() == [2.0, 4.0]


def test_deepcopy_of_a_non_leaf_is_refused():
    with pytest.raises(RuntimeError, match=r"leaf|leaves"):
        copy.deepcopy(leaf(1.0) * 2)


def test_deepcopy_keeps_identity_inside_a_structure():
    x = leaf([1.0])
    a, b = copy.deepcopy([x, x])
    assert a is b


# Plain behaviour


def test_truth_length_iteration_and_numbers():
    x = leaf([1.0, 2.0, 3.0])
    assert len(x) == 3 and [t.item() for t in x] == [1.0, 2.0, 3.0]
    with pytest.raises((RuntimeError, ValueError)):
        bool(x)
    assert bool(x[0]) and float(x[1]) == 2.0 and int(x[2]) == 3
    with pytest.raises((RuntimeError, ValueError)):
        x.item()
    with pytest.raises(TypeError):
        len(leaf(1.0))
    with pytest.raises(TypeError):
        iter(leaf(1.0))


def test_tensors_are_hashed_by_identity():
    x, y = leaf(1.0), leaf(1.0)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


def test_numpy_of_a_tensor_that_requires_grad():
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"detach"):
        x.numpy()
    d = x.detach().numpy()
    assert np.shares_memory(d, x.array)


def test_repr_shows_values_and_origin():
    assert "requires_grad=True" in repr(leaf([1.0, 2.0]))
    assert "1." in repr(leaf([1.0, 2.0]))
    assert "grad_fn=" in repr(leaf([1.0, 2.0]) * 2)
    for t in (
        ng.zeros(0),
        ng.ones(()),
        ng.ones(200, 200),
        ng.tensor([True]),
        ng.tensor([float("nan")]),
    ):
        repr(t), str(t)
