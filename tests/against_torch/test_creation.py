"""Making tensors: the same call in both libraries, values, types and shapes."""

import numpy as np
import pytest

import naivegrad as ng
from harness import dtype_name, value

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CALLS = [
    "arange(5)",
    "arange(2, 9, 3)",
    "arange(0, 1, 0.25)",
    "arange(5, 0, -2)",
    "arange(3.0)",
    "arange(1, 4, dtype=lib.float64)",
    "arange(lib.tensor(3))",
    "linspace(0, 1, 5)",
    "linspace(3, -2, 4, dtype=lib.float64)",
    "linspace(0, 9, 4, dtype=lib.int64)",
    "linspace(2, 5, 1)",
    "linspace(2, 5, 0)",
    "linspace(lib.tensor(1.0), 2, 3)",
    "logspace(0, 2, 3)",
    "logspace(-1, 1, 5, base=2, dtype=lib.float64)",
    "eye(3)",
    "eye(2, 4, dtype=lib.int64)",
    "eye(0)",
    "full((2, 3), 7)",
    "full((2,), 7.5)",
    "full((2,), True)",
    "full((), 2, dtype=lib.float16)",
    "zeros(2, 3)",
    "zeros((2, 0))",
    "ones(size=(2,), dtype=lib.bool)",
    "zeros_like(lib.ones(2, dtype=lib.int32))",
    "full_like(lib.ones(2, dtype=lib.int32), 4)",
    "ones_like(lib.ones(2), dtype=lib.float64)",
    "scalar_tensor(3)",
    "scalar_tensor(2.5, dtype=lib.float64)",
    "asarray([1, 2])",
    "asarray([1.0], dtype=lib.float64)",
    "as_tensor([True, False])",
    "tensor([[1, 2], [3, 4]])",
    "tensor([1, 2.5])",
    "tensor([])",
    "tensor([[], []])",
    "tensor(3)",
    "tensor([lib.tensor(1.0), lib.tensor(2.0)])",
    "tensor([np.float64(1.1), 2.1])",
    "tensor([np.ones(2), np.zeros(2)])",
    "tensor([np.float32(1), 2.1])",
    "tensor(([np.float16(1)], [np.float16(2)]))",
    "tensor([np.complex128(1j)])",
    "tensor([np.int32(1)])",
    "tensor([np.int8(1), 2])",
    "as_tensor([np.float64(1.1)])",
    "FloatTensor([1, 2])",
    "LongTensor([[1], [2]])",
    "DoubleTensor([1])",
    "ByteTensor([255])",
    "BoolTensor([0, 2])",
    "tril_indices(3, 4, -1)",
    "tril_indices(4, 3, 1, dtype=lib.int32)",
    "triu_indices(3, 4, 1)",
    "triu_indices(0, 4)",
    "zeros(2, 3).new_ones(2)",
    "zeros(2, dtype=lib.int64).new_tensor([1.0])",
    "zeros(2).new_full((1, 2), 3)",
]


@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays")
@pytest.mark.parametrize("call", CALLS)
def test_as_in_torch(call):
    got, want = (eval(f"lib.{call}", {"lib": lib, "np": np}) for lib in (ng, torch))
    assert got.shape == tuple(want.shape)
    assert dtype_name(got.dtype) == dtype_name(want.dtype)
    np.testing.assert_allclose(value(got), want.numpy(), rtol=2e-7)


def test_arrays_of_another_library_keep_their_type():
    for dtype in (torch.float64, torch.float16, torch.int32, torch.complex128):
        theirs = torch.tensor([1, 2], dtype=dtype)
        for make in (ng.tensor, ng.as_tensor, ng.asarray):
            assert dtype_name(make(theirs).dtype) == dtype_name(dtype)
    shared = torch.zeros(2)
    ng.as_tensor(shared)[0] = 5.0
    assert shared.tolist() == [5.0, 0.0]


REFUSED = [
    "arange(0, 3, 0)",
    "arange(3, 0, 1)",
    "linspace(0, 1, -1)",
    "arange(float('inf'))",
    "eye(-1)",
    "zeros(-1)",
    "ones('a')",
    "full((2,), 'a')",
    "tril_indices(-1, 2)",
    "tensor(['a'])",
    "tensor([[1], [2, 3]])",
    "asarray([1], copy=False)",
    "LongTensor(['a'])",
]


@pytest.mark.parametrize("call", REFUSED)
def test_refused_as_in_torch(call):
    for lib in (torch, ng):
        with pytest.raises((RuntimeError, TypeError, ValueError)):
            eval(f"lib.{call}", {"lib": lib})


@pytest.mark.parametrize(
    "call",
    ["zeros(2, 3, out=o)", "ones(2, out=o)", "full((2,), 3.0, out=o)", "arange(4, out=o)",
     "linspace(0, 1, 3, out=o)", "logspace(0, 1, 3, out=o)", "eye(2, out=o)"],
)  # fmt: skip
def test_out_keeps_its_type(call):
    got, want = (
        eval(f"lib.{call}", {"lib": lib, "o": lib.empty(0, dtype=lib.float64)})
        for lib in (ng, torch)
    )
    assert dtype_name(got.dtype) == dtype_name(want.dtype) == "float64"
    np.testing.assert_allclose(value(got), want.numpy(), rtol=1e-12)
