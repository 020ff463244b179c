"""PyTorch's promotion table, whole: every pair of types, with dimensions, 0-d, and numbers."""

import itertools

import pytest

import naivegrad as ng
from harness import dtype_name
from naivegrad.dtype import ALL, TENSOR_NAMES

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:ComplexHalf")]

NAMES = [t.name for t in ALL]


def both(shape, name):
    return ng.ones(shape, dtype=getattr(ng, name)), torch.ones(shape, dtype=getattr(torch, name))


def without_complex32(dtype):
    """What stands for the type that we do not have (docs/differences.md)."""
    return dtype_name(dtype).replace("complex32", "complex64")


@pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, NAMES)))
def test_promotion_as_in_torch(a, b):
    for first, second in itertools.product([(2,), ()], repeat=2):
        (x, tx), (y, ty) = both(first, a), both(second, b)
        want = without_complex32(torch.result_type(tx, ty))
        assert dtype_name(ng.result_type(x, y)) == want
        assert dtype_name((x + y).dtype) == without_complex32((tx + ty).dtype) == want
        assert dtype_name((x * y).dtype) == without_complex32((tx * ty).dtype)
        if "complex32" not in str((tx * ty).dtype):  # which PyTorch cannot divide
            assert dtype_name((x / y).dtype) == dtype_name((tx / ty).dtype)
        assert dtype_name((x == y).dtype) == "bool"
    x, y = getattr(ng, a), getattr(ng, b)
    tx, ty = getattr(torch, a), getattr(torch, b)
    assert dtype_name(ng.promote_types(x, y)) == dtype_name(torch.promote_types(tx, ty))
    assert ng.can_cast(x, y) == torch.can_cast(tx, ty)


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("number", [True, 3, 2.5, 1j])
def test_numbers_as_in_torch(a, number):
    for shape in ((2,), ()):
        x, t = both(shape, a)
        assert dtype_name(ng.result_type(x, number)) == without_complex32(
            torch.result_type(t, number)
        )
        for f in (lambda v: v * number, lambda v: number + v, lambda v: v / 2 * number):
            assert dtype_name(f(x).dtype) == without_complex32(f(t).dtype)


@pytest.mark.parametrize("name", NAMES)
def test_what_torch_says_of_a_type(name):
    ours, theirs = getattr(ng, name), getattr(torch, name)
    for attribute in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert dtype_name(ours.to_real()) == dtype_name(theirs.to_real())
    if ours.is_floating_point or ours.is_complex:
        assert dtype_name(ours.to_complex()) == without_complex32(theirs.to_complex())
        info, theirs_info = ng.finfo(ours), torch.finfo(theirs)
        for attribute in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "dtype"):
            assert getattr(info, attribute) == getattr(theirs_info, attribute)
        assert info.resolution == pytest.approx(theirs_info.resolution)
        assert repr(info) == repr(theirs_info)
    elif name != "bool":
        info, theirs_info = ng.iinfo(ours), torch.iinfo(theirs)
        for attribute in ("bits", "max", "min", "dtype"):
            assert getattr(info, attribute) == getattr(theirs_info, attribute)
    x, t = both((2,), name)
    assert x.type() == t.type().replace("torch", "naivegrad")


def test_old_names_as_in_torch():
    x, t = ng.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])
    for name in TENSOR_NAMES:
        if hasattr(torch, name):
            assert dtype_name(x.type(f"torch.{name}").dtype) == dtype_name(
                t.type(f"torch.{name}").dtype
            )


@pytest.mark.parametrize("values", [[1.0, 1 / 3, -2.5e30], [0.1, 0.2, 7.0]])
def test_bfloat16_arithmetic_to_the_bit(values):
    """Computed in float32 and rounded once, as there."""
    x, t = ng.tensor(values, dtype=ng.bfloat16), torch.tensor(values, dtype=torch.bfloat16)
    assert x.tolist() == t.tolist()
    for f in (
        lambda v: v + v / 3,
        lambda v: v * 1.1,
        lambda v: v.exp().log(),
        lambda v: v.sum(),
        lambda v: v.to(v.dtype).abs().sqrt(),
    ):
        assert f(x).tolist() == f(t).tolist()
