"""out=: where a result goes, and what is refused."""

import pytest

import naivegrad as ng
from naivegrad.ops._args import into, into_each


def test_the_result_is_written_into_out():
    out = ng.zeros(3, dtype=ng.float64)
    view = out[1:]
    assert into(out, ng.arange(3.0), "op") is out
    assert out.tolist() == [0, 1, 2] and view.tolist() == [1, 2] and out.dtype == ng.float64
    assert out._version == 1


def test_an_empty_out_takes_the_shape_and_others_are_told():
    out = ng.empty(0)
    into(out, ng.ones(2, 3), "op")
    assert out.tolist() == [[1, 1, 1]] * 2
    with pytest.warns(UserWarning, match=r"op: out of shape \(2, 3\) was resized .* \(4,\)"):
        into(out, ng.ones(4), "op")
    assert out.tolist() == [1, 1, 1, 1]


def test_what_is_refused():
    x = ng.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="op: out= does not support differentiation"):
        into(ng.empty(2), x * 2, "op")
    with pytest.raises(RuntimeError, match="op: out= does not support differentiation"):
        into(x, ng.ones(2), "op")
    with pytest.raises(TypeError, match=r"op: .*float32 cannot be stored in out of type .*int64"):
        into(ng.empty(2, dtype=ng.int64), ng.ones(2), "op")
    with pytest.raises(TypeError, match="op: out must be a Tensor, got list"):
        into([0.0], ng.ones(1), "op")
    with pytest.raises(TypeError, match="op: out must be a tuple of 2 tensors"):
        into_each(ng.empty(2), (ng.ones(2), ng.ones(2)), "op")
    with ng.no_grad():
        assert into(x, ng.zeros(2), "op").tolist() == [0, 0]
