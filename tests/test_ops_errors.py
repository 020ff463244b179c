"""Calls that must be refused: the exception type, and a message that names the op and what came."""

import re

import numpy as np
import pytest

import naivegrad as ng
from harness import OPS, call, cast, rows, tensor
from table import draw


@pytest.mark.parametrize(("op", "bad"), rows("errors"))
def test_error(op, bad):
    arrays = [cast(a, "float32") for a in draw(op, bad.case)]
    for i, dtype in enumerate(bad.dtypes):
        arrays[i] = arrays[i].astype(dtype)
    f = bad.call or op.f
    for requires_grad in (False, True):  # recording must not come before checking
        inputs = [tensor(a, requires_grad and a.dtype.kind == "f") for a in arrays]
        with pytest.raises(bad.exception, match=bad.match) as caught:
            f(ng, *inputs, **bad.case.options)
        message = str(caught.value)
        name = op.error_name or op.name
        assert re.search(name, message), f"the message does not name {name}: {message!r}"


@pytest.mark.parametrize(
    "op",
    [
        o
        for o in OPS
        if [i.draw for i in o.cases[0].inputs] == [None] * 2 and "transp" not in o.name
    ],
    ids=lambda o: o.name,
)
def test_something_that_is_no_tensor(op):
    """A string where a number belongs is a TypeError, not an accident further down."""
    one = op.cases[0]
    x = tensor(draw(op, one)[0])
    with pytest.raises((TypeError, ValueError)):
        call(op, [x, "text"], one)


def test_numpy_scalars_and_arrays_as_operands():
    x = ng.ones(2, 3)
    y = x * np.float32(2)
    assert isinstance(y, ng.Tensor) and str(y.dtype).endswith("float32")
    z = np.float64(2) * x
    assert isinstance(z, ng.Tensor)


def test_a_shape_can_be_given_by_name():
    x = ng.arange(6.0).reshape(shape=(2, 3))
    assert x.flip(dims=(1,)).tolist() == x.flip(1).tolist() == ng.flip(x, (1,)).tolist()
    assert x.permute(dims=(1, 0)).shape == x.permute(1, 0).shape == (3, 2)
    assert x.view(size=(6,)).shape == (6,) and x.expand(size=(4, 2, 3)).shape == (4, 2, 3)
    assert x.repeat(repeats=(2, 1)).shape == (4, 3)
    for make in (ng.zeros, ng.ones, ng.empty, ng.rand, ng.randn):
        assert make(2, 3).shape == make((2, 3)).shape == make(size=(2, 3)).shape == (2, 3)
        with pytest.raises(ValueError, match=rf"{make.__name__}.*-1"):
            make(2, -1)
    assert ng.full(size=(2,), fill_value=3).tolist() == [3, 3]
    with pytest.raises(ValueError, match=r"full.*-1"):
        ng.full((2, -1), 0.0)
