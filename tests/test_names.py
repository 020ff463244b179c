"""Names that are missing say so; how tensors are printed; constants."""

import math
import subprocess
import sys

import pytest

import naivegrad as ng


def test_a_missing_name_names_the_nearest():
    with pytest.raises(
        AttributeError, match="naivegrad has no 'sotfmax'; the nearest is 'softmax'"
    ):
        ng.sotfmax
    with pytest.raises(AttributeError, match="has no 'xyzzy'"):
        ng.xyzzy
    with pytest.raises(ImportError, match="sotfmax"):
        from naivegrad import sotfmax  # noqa: F401
    for module in (ng.nn, ng.nn.functional, ng.optim, ng.linalg, ng.fft, ng.data):
        with pytest.raises(AttributeError, match=f"{module.__name__} has no 'xyzzy'"):
            module.xyzzy
    assert not hasattr(ng, "sotfmax") and not hasattr(ng.ones(1), "__array_struct__")


def test_a_missing_method_names_the_nearest():
    """Python does so itself; a __getattr__ of Tensor would make every look at a tensor slower."""
    assert not hasattr(ng.Tensor, "__getattr__")
    program = "import naivegrad as ng; ng.ones(2).argmaks()"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "'Tensor' object has no attribute 'argmaks'. Did you mean: 'argmax'?" in run.stderr


def test_constants():
    assert (ng.pi, ng.e, ng.inf, ng.newaxis) == (math.pi, math.e, math.inf, None)
    assert math.isnan(ng.nan)
    assert ng.ones(2).contiguous(memory_format=ng.contiguous_format).shape == (2,)


def test_print_options():
    x = ng.tensor([1 / 3, 2 / 3])
    try:
        ng.set_printoptions(precision=2)
        assert repr(x) == "tensor([0.33, 0.67])"
        ng.set_printoptions(sci_mode=True)
        assert repr(x) == "tensor([3.33e-01, 6.67e-01])"
        ng.set_printoptions(threshold=5, edgeitems=1)
        assert "..." in repr(ng.arange(10))
        with pytest.raises(ValueError, match="profile must be one of"):
            ng.set_printoptions(profile="long")
    finally:
        ng.set_printoptions(profile="default")
    assert repr(x) == "tensor([0.3333, 0.6667])"


def test_typename():
    names = [ng.typename(x) for x in (ng.ones(1, dtype=ng.float64), [1], ng.nn.Linear(1, 1))]
    assert names == ["naivegrad.DoubleTensor", "list", "naivegrad.nn.linear.Linear"]
