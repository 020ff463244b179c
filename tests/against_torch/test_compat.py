"""What stands around the computing gives what PyTorch's gives on a CPU."""

import math

import numpy as np
import pytest

import naivegrad

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def both(program):
    return program(naivegrad), program(torch)


def test_what_is_close():
    def program(torch):
        found = []
        t = torch.tensor
        for x, y, options in [
            (t([1.0]), t([1.0 + 1e-6]), {}),
            (t([1.0]), t([1.0 + 2e-5]), {}),
            (t([0.0]), t([9e-6]), {}),
            (t([0.0]), t([2e-5]), {}),
            (t([1.0], dtype=torch.float64), t([1.0 + 1e-6], dtype=torch.float64), {}),
            (t([100.0], dtype=torch.float16), t([100.2], dtype=torch.float16), {}),
            (t([100.0], dtype=torch.float16), t([99.9], dtype=torch.float16), {}),
            (t([1.0], dtype=torch.bfloat16), t([1.01], dtype=torch.bfloat16), {}),
            (t([1]), t([1.0]), {}),
            (t([1]), t([1.0]), {"check_dtype": False}),
            (t([1, 2]), t([1, 3]), {}),
            (t([1, 2]), t([1, 3]), {"rtol": 0, "atol": 1}),
            (t([True]), t([False]), {}),
            (t([math.nan]), t([math.nan]), {}),
            (t([math.nan]), t([math.nan]), {"equal_nan": True}),
            (t([math.inf, -math.inf]), t([math.inf, -math.inf]), {}),
            (t([math.inf]), t([-math.inf]), {}),
            (t([1 + 1j]), t([1 + 1.1j]), {}),
            (t(1.0), t([1.0]), {}),
            (torch.ones(2, 2), torch.ones(2, 2).t(), {"check_stride": True}),
            ([1, 2.0], [1, 2.0], {}),
            ({"a": 1.0}, {"a": 2.0}, {}),
            (1.0, 1.0 + 1e-9, {}),
            (1.0, t(1.0), {}),
            (torch.zeros(0), torch.zeros(0), {}),
        ]:
            try:
                torch.testing.assert_close(x, y, **options)
                found.append(True)
            except (AssertionError, TypeError):
                found.append(False)
        return found

    ours, theirs = both(program)
    assert ours == theirs


def test_sizes():
    def program(torch):
        shape = torch.zeros(2, 3, 4).shape
        results = [shape[1:], shape[::2], shape + (5,), shape * 2, torch.Size([7]), shape[:0]]
        assert all(type(s) is torch.Size for s in results)
        return [*map(tuple, results), *(s.numel() for s in results), shape == (2, 3, 4)]

    ours, theirs = both(program)
    assert ours == theirs


def test_sparse_and_bytes():
    def program(torch):
        index = torch.tensor([[0, 1, 1, 0], [2, 0, 0, 1]])
        values = torch.tensor([1.0, 2.0, 3.0, -1.0], requires_grad=True)
        adjacency = torch.sparse_coo_tensor(index, values, (2, 3), check_invariants=True)
        x = torch.arange(6.0).view(3, 2)
        (torch.sparse.mm(adjacency, x) ** 2).sum().backward()
        bits = torch.tensor([[1.5, -2.0], [0.0, 8.0]])
        return [
            adjacency.to_dense().detach(),
            adjacency.coalesce().to_dense().detach(),
            values.grad,
            bits.view(torch.int32),
            bits.view(torch.uint8),
            bits.view(torch.float64).view(torch.int64),
            bits.t().view(torch.int32),
        ]

    for a, b in zip(*both(program), strict=True):
        assert np.array_equal(a.numpy(), b.numpy()) and str(a.dtype)[10:] == str(b.dtype)[6:]


def test_backward_into_some_inputs():
    def program(torch):
        x = torch.tensor([1.0, -2.0], requires_grad=True)
        w = torch.tensor([3.0, 0.5], requires_grad=True)
        h = x * w
        loss = (h * h * w).sum()
        loss.backward(inputs=[w], retain_graph=True)
        loss.backward(inputs=[h, w], retain_graph=True)
        seen = []
        x.register_hook(lambda g: seen.append(g.clone()) or g * 2)
        torch.autograd.backward([loss], inputs=[x])
        return [w.grad, h.grad, x.grad, *seen]

    for a, b in zip(*both(program), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


def test_variable_and_old_constructors():
    def program(torch):
        from importlib import import_module

        Variable = import_module(f"{torch.__name__}.autograd").Variable
        x = torch.ones(2, requires_grad=True)
        v = Variable(x * 2, requires_grad=True)
        (v * v).sum().backward()
        new = v.data.new(2, 3)
        return [
            v.is_leaf, v is x, isinstance(x, Variable), isinstance(np.ones(1), Variable),
            v.grad.tolist(), x.grad is None, tuple(new.shape), v.data.new([5, 6]).tolist(),
            tuple(torch.Tensor(x.size()).shape), torch.Tensor([2, 3]).tolist(),
            tuple(torch.LongTensor(2, 1).shape), torch.FloatTensor([1]).type()[-11:],
            torch.ones(1).ndimension(), torch.ones(1).get_device(), torch.ones(1).is_sparse,
        ]  # fmt: skip

    ours, theirs = both(program)
    assert ours == theirs


def test_inference_mode():
    def program(torch):
        x = torch.ones(1, requires_grad=True)

        @torch.inference_mode()
        def called():
            return (x * 2).requires_grad

        @torch.inference_mode
        def plain():
            return (x * 2).requires_grad

        found = [called(), plain()]
        with torch.inference_mode(False):
            found.append((x * 2).requires_grad)
        with torch.no_grad(), torch.inference_mode(False):
            found.append((x * 2).requires_grad)
        with torch.inference_mode(mode=True):
            found.append((x * 2).requires_grad)
        return found

    ours, theirs = both(program)
    assert ours == theirs
