"""Types: attributes, limits, casts, which type a result has; bfloat16 in every operation."""

import pickle

import numpy as np
import pytest

import naivegrad as ng
from harness import OPS, as_list, dtype_name, is_float, reference, tensor
from naivegrad.backend.promotion import result_dtype
from table import draw

# PyTorch's table: what a row's type and a column's give, written down.
SHORT = {
    "b1": "bool",
    "u1": "uint8",
    "i1": "int8",
    "i2": "int16",
    "i4": "int32",
    "i8": "int64",
    "f2": "float16",
    "bf": "bfloat16",
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}
TABLE = """
       b1  u1  i1  i2  i4  i8  f2  bf  f4  f8  c8 c16
  b1   b1  u1  i1  i2  i4  i8  f2  bf  f4  f8  c8 c16
  u1   u1  u1  i2  i2  i4  i8  f2  bf  f4  f8  c8 c16
  i1   i1  i2  i1  i2  i4  i8  f2  bf  f4  f8  c8 c16
  i2   i2  i2  i2  i2  i4  i8  f2  bf  f4  f8  c8 c16
  i4   i4  i4  i4  i4  i4  i8  f2  bf  f4  f8  c8 c16
  i8   i8  i8  i8  i8  i8  i8  f2  bf  f4  f8  c8 c16
  f2   f2  f2  f2  f2  f2  f2  f2  f4  f4  f8  c8 c16
  bf   bf  bf  bf  bf  bf  bf  f4  bf  f4  f8  c8 c16
  f4   f4  f4  f4  f4  f4  f4  f4  f4  f4  f8  c8 c16
  f8   f8  f8  f8  f8  f8  f8  f8  f8  f8  f8 c16 c16
  c8   c8  c8  c8  c8  c8  c8  c8  c8  c8 c16  c8 c16
 c16  c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""
NAMES = tuple(SHORT.values())
ROWS = {SHORT[a]: row for a, *row in map(str.split, TABLE.strip().splitlines()[1:])}
PROMOTED = {(a, b): SHORT[row[j]] for a, row in ROWS.items() for j, b in enumerate(NAMES)}
COMPLEX = {"float64": "complex128", "complex128": "complex128"}  # of other floats: complex64


def dtype(name):
    return getattr(ng, name)


def category(name):
    return 0 if name == "bool" else 1 if "int" in name else 2 if "float" in name else 3


def outranked(first, second):
    """What an operand gives beside one of less weight: 0-d beside dimensions, a number beside both.

    It counts only if its category is higher; a complex one then makes no float wider.
    """
    if category(second) <= category(first):
        return first
    if category(second) == 3 and category(first) == 2:
        return COMPLEX.get(first, "complex64")
    return PROMOTED[first, second]


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_the_type_of_a_result(a, b):
    x, y = ng.ones(2, dtype=dtype(a)), ng.ones(2, dtype=dtype(b))
    want = {
        (x, y): PROMOTED[a, b],
        (x[0], y[0]): PROMOTED[a, b],
        (x, y[0]): outranked(a, b),
        (x[0], y): outranked(b, a),
    }
    for (u, v), name in want.items():
        assert ng.result_type(u, v) is dtype(name)
        for result in (u + v, u * v, ng.where(ng.tensor([True, False]), u, v)):
            assert dtype_name(result.dtype) == name
    assert ng.promote_types(dtype(a), dtype(b)) is dtype(PROMOTED[a, b])
    assert ng.can_cast(dtype(a), dtype(b)) == (category(a) <= category(b))
    assert dtype_name(ng.cat([x, y]).dtype) == PROMOTED[a, b]


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("shape", [(2,), ()])
@pytest.mark.parametrize(
    ("number", "name"), [(True, "bool"), (3, "int64"), (2.5, "float32"), (1j, "complex64")]
)
def test_the_type_beside_a_number(a, shape, number, name):
    x = ng.ones(shape, dtype=dtype(a))
    want = outranked(a, name)
    assert ng.result_type(x, number) is ng.result_type(number, x) is dtype(want)
    for result in (x + number, number * x):
        assert dtype_name(result.dtype) == want


def test_the_default_type_stands_for_numbers():
    assert ng.result_type(1, 2.5) is ng.float32 and ng.result_type(True, 1j) is ng.complex64
    try:
        ng.set_default_dtype(ng.float64)
        assert (ng.ones(2, dtype=ng.int64) / 2).dtype is ng.float64
        assert ng.result_type(1, 2j) is ng.tensor(2j).dtype is ng.complex128
        assert repr(ng.tensor([1.0])) == "tensor([1.])" and repr(ng.tensor(1j)) == "tensor(0.+1.j)"
        whole = np.arange(1, 9)
        for name in ("sqrt", "exp", "log", "sin", "tanh", "reciprocal"):  # to its last digit
            got = getattr(ng.tensor(whole), name)().numpy()
            np.testing.assert_allclose(got, getattr(np, name)(whole.astype(float)), rtol=1e-15)
        total = np.log(np.exp(whole).sum())
        assert ng.tensor(whole).logsumexp(0).item() == pytest.approx(total, rel=1e-15)
        ng.set_default_dtype(ng.bfloat16)
        assert ng.ones(2).dtype is ng.tensor(2.5).dtype is ng.bfloat16
    finally:
        ng.set_default_dtype(ng.float32)
    for wrong in (ng.int64, ng.complex64):
        with pytest.raises(TypeError, match="set_default_dtype: a floating-point type"):
            ng.set_default_dtype(wrong)


def test_attributes():
    types = [dtype(name) for name in NAMES]
    assert [t for t in types if t.is_floating_point] == types[6:10]
    assert [t for t in types if t.is_complex] == types[10:]
    assert [t for t in types if not t.is_signed] == types[:2]
    assert [t.itemsize for t in types] == [1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16]
    assert ng.complex64.to_real() is ng.float32 and ng.complex128.to_real() is ng.float64
    assert ng.int8.to_real() is ng.int8 and ng.bfloat16.to_complex() is ng.complex64
    assert ng.float64.to_complex() is ng.complex128 and ng.complex64.to_complex() is ng.complex64
    with pytest.raises(TypeError, match=r"to_complex: .*int64"):
        ng.int64.to_complex()
    assert (ng.cfloat, ng.cdouble, ng.half) == (ng.complex64, ng.complex128, ng.float16)
    assert pickle.loads(pickle.dumps(ng.bfloat16)) is ng.bfloat16
    x = ng.ones(2, 3, dtype=ng.bfloat16)
    assert ng.is_tensor(x) and not ng.is_tensor([1]) and ng.numel(x) == 6 and x.itemsize == 2
    assert ng.is_floating_point(x) and not ng.is_complex(x) and x.is_signed()
    assert ng.is_complex(x.cfloat()) and x.cfloat().is_complex()
    for f in (ng.is_floating_point, ng.is_complex, ng.numel):
        with pytest.raises(TypeError, match=f"{f.__name__}: input must be a Tensor, got list"):
            f([1.0])
    for f in (ng.promote_types, ng.can_cast):
        with pytest.raises(TypeError, match=f"{f.__name__}: a naivegrad dtype is needed, got str"):
            f(ng.int8, "int8")


def test_limits():
    assert repr(ng.iinfo(ng.int8)) == "iinfo(min=-128, max=127, dtype=int8)"
    assert repr(ng.finfo()) == (
        "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
        "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)"
    )
    info = ng.finfo(ng.bfloat16)
    assert (info.bits, info.eps, info.max) == (16, 2.0**-7, (2 - 2.0**-7) * 2.0**127)
    assert ng.finfo(ng.complex128).dtype == "float64"
    for limits, wrong in ((ng.finfo, ng.int32), (ng.finfo, ng.bool), (ng.iinfo, ng.float32)):
        with pytest.raises(TypeError, match=f"{limits.__name__}: .* needed, got naivegrad"):
            limits(wrong)


def test_casts():
    x = ng.tensor([0.0, 1.5, -2.0])
    casts = {
        "float": "float32",
        "double": "float64",
        "half": "float16",
        "bfloat16": "bfloat16",
        "cfloat": "complex64",
        "cdouble": "complex128",
        "bool": "bool",
        "char": "int8",
        "short": "int16",
        "int": "int32",
        "long": "int64",
    }
    for method, name in casts.items():
        y = getattr(x, method)()
        assert y.dtype is dtype(name)
        assert y.tolist() == x.numpy().astype(name).tolist()
    assert x.abs().byte().dtype is ng.uint8 and x.float() is x
    w = ng.tensor([1.0, 2.0], requires_grad=True)
    (w.bfloat16() * 3).sum().backward()
    assert w.grad.dtype is ng.float32 and w.grad.tolist() == [3, 3]


def test_types_by_their_old_names():
    x = ng.tensor([1.0, 2.0])
    assert x.type() == "naivegrad.FloatTensor"
    assert ng.ones(1, dtype=ng.bfloat16).type() == "naivegrad.BFloat16Tensor"
    for wish in (ng.float64, "torch.DoubleTensor", "naivegrad.DoubleTensor", ng.DoubleTensor):
        assert x.type(wish).dtype is ng.float64
    for wish in ("DoubleTensor", "float64", float):
        with pytest.raises(ValueError, match="type: expects a dtype or"):
            x.type(wish)
    assert ng.LongTensor([1, 2]).dtype is ng.int64 and ng.FloatTensor([[1, 2]]).tolist() == [[1, 2]]
    assert ng.FloatTensor(2, 3).shape == (2, 3) and ng.ByteTensor().shape == (0,)
    for name, t in ng.dtype.__init__.__globals__["TENSOR_NAMES"].items():
        if not t.is_complex:
            assert getattr(ng, name)([1]).dtype is t


def test_the_default_by_an_old_name():
    try:
        for wish in ("torch.DoubleTensor", "naivegrad.DoubleTensor", ng.DoubleTensor):
            ng.set_default_tensor_type(wish)
            assert ng.get_default_dtype() is ng.float64
            ng.set_default_dtype(ng.float32)
    finally:
        ng.set_default_dtype(ng.float32)
    with pytest.raises(TypeError, match="a floating-point type is needed"):
        ng.set_default_tensor_type("torch.LongTensor")
    with pytest.raises(ValueError, match="set_default_tensor_type: expects"):
        ng.set_default_tensor_type("double")


def test_small_questions():
    x = ng.tensor([2.0])
    assert ng.is_nonzero(x) and x.is_nonzero() and not ng.is_nonzero(x * 0)
    assert ng.is_same_size(x, x + 1) and not x.is_same_size(ng.ones(2))
    with pytest.raises(ValueError, match=r"is_nonzero: one element is needed, got shape \(2,\)"):
        ng.is_nonzero(ng.ones(2))


def test_bfloat16_values():
    x = ng.tensor([1.0, 1 / 3, 3.0e38, float("inf")], dtype=ng.bfloat16)
    assert x.tolist() == [1.0, 0.333984375, 226 * 2.0**120, float("inf")]
    assert repr(x[:2]) == "tensor([1.   , 0.334], dtype=naivegrad.bfloat16)"
    assert x[1].item() == 0.333984375 and (x[0] + 2.0**-9).item() == 1.0
    assert ng.tensor(x.numpy()).dtype is ng.bfloat16  # ml_dtypes' type
    for y in (ng.rand(2000, dtype=ng.bfloat16), ng.randn(2000, dtype=ng.bfloat16)):
        assert y.dtype is ng.bfloat16 and (y.float() != y.float()[0]).any()
    assert ng.rand(2000, dtype=ng.bfloat16).min() >= 0 and ng.rand(2000).bfloat16().max() <= 1
    assert ng.rand(2000, dtype=ng.bfloat16).max() < 1


HALF_ROWS = [
    pytest.param(op, next(c for c in op.cases if any(is_float(a) for a in draw(op, c))), id=op.name)
    for op in OPS
    if any(is_float(a) for c in op.cases for a in draw(op, c)) and op.result is None
]


@pytest.mark.parametrize(("op", "one"), HALF_ROWS)
def test_every_operation_takes_bfloat16_or_refuses_it(op, one):
    """Forward and gradients, against the float64 reference; some need more digits and say so."""
    arrays = [a.astype("bfloat16") if is_float(a) else a for a in draw(op, one)]
    try:
        got = as_list(op.f(ng, *[tensor(a, a.dtype.kind == "V") for a in arrays], **one.options))
    except TypeError as error:
        if "bfloat16" not in str(error):
            raise
        return
    wide = [a.astype(np.float64) if a.dtype.kind == "V" else a for a in arrays]
    for y, want in zip(got, reference(op, wide, one.options), strict=True):
        if not is_float(want) or y.dtype is not ng.bfloat16:
            continue
        assert y.shape == want.shape
        scale = np.abs(want[np.isfinite(want)]).max(initial=1.0)
        np.testing.assert_allclose(
            y.detach().float().numpy(), want, rtol=0.05, atol=0.02 * scale, err_msg=op.name
        )
        if y.requires_grad:
            y.sum().backward(retain_graph=True)


def test_result_dtype_wants_operands():
    with pytest.raises(TypeError, match="at least one operand"):
        result_dtype()
    with pytest.raises(TypeError, match="expected a tensor or a number, got str"):
        ng.result_type(ng.ones(2), "1")


def test_bfloat16_casts_to_the_bit():
    """Every bfloat16 as float32 and back; float32 rounded to the nearest, ties to the even one."""
    bits = np.arange(2**16, dtype=np.uint16)
    x = tensor(bits.view("bfloat16"))
    np.testing.assert_array_equal(
        x.float().array.view(np.uint32), bits.astype(np.uint32) << 16, err_msg="widened"
    )
    again = x.float().bfloat16().array.view(np.uint16)
    quiet = np.where(np.isnan(x.array.astype(np.float32)), bits | 0x40, bits)
    np.testing.assert_array_equal(again, quiet)
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 2**32, 100_001, dtype=np.uint32)
    wide[:1000] = wide[:1000] & 0xFFFF0000 | 0x8000  # ties
    for threads in (1, 3):
        before = ng.get_num_threads()
        ng.set_num_threads(threads)
        got = tensor(wide.view(np.float32)).bfloat16().array
        ng.set_num_threads(before)
        with np.errstate(invalid="ignore"):
            want = wide.view(np.float32).astype("bfloat16")
        nan = np.isnan(want.astype(np.float32))
        np.testing.assert_array_equal(got.view(np.uint16)[~nan], want.view(np.uint16)[~nan])
        assert np.isnan(got.astype(np.float32))[nan].all()
    y = x.float()[:100].reshape(10, 10).T
    np.testing.assert_array_equal(y.bfloat16().array, y.array.astype("bfloat16"))
    assert ng.tensor(1.5, dtype=ng.bfloat16).float().item() == 1.5
    assert ng.zeros(0, 3).bfloat16().float().shape == (0, 3)


def test_float16_casts_to_the_bit():
    """Every float16 as float32 and back; float32 rounded to the nearest, ties to the even one.

    As NumPy casts them, but that NaN comes out quiet.
    """
    bits = np.arange(2**16, dtype=np.uint16)
    x = tensor(bits.view(np.float16))
    with np.errstate(invalid="ignore"):
        want = x.array.astype(np.float32).view(np.uint32)
    nan = np.isnan(x.array)
    np.testing.assert_array_equal(x.float().array.view(np.uint32), want | 0x400000 * nan)
    np.testing.assert_array_equal(x.float().half().array.view(np.uint16), bits | 0x200 * nan)
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 2**32, 200_003, dtype=np.uint32)
    wide[:100_000] = rng.integers(0x32000000, 0x48000000, 100_000)  # in and beside the range
    wide[:1000] = wide[:1000] & 0xFFFFE000 | 0x1000  # ties
    wide[1000:2000] = x.array[1:1001].astype(np.float32).view(np.uint32) - 0x1000  # subnormal
    wide[2000:2008] = (0x477FEFFF, 0x477FF000, 0x33000000, 0x33000001, 0x38800000, 0x387FFFFF, 0, 1)
    for threads in (1, 3):
        before = ng.get_num_threads()
        ng.set_num_threads(threads)
        got = tensor(wide.view(np.float32)).half().array.view(np.uint16)
        again = tensor(got.view(np.float16)).float().array
        ng.set_num_threads(before)
        with np.errstate(all="ignore"):
            narrow = wide.view(np.float32).astype(np.float16)
        quiet = 0x7E00 | wide >> 16 & 0x8000 | wide >> 13 & 0x3FF
        np.testing.assert_array_equal(
            got, np.where(np.isnan(narrow), quiet, narrow.view(np.uint16))
        )
        np.testing.assert_array_equal(again, narrow.astype(np.float32))


def test_float16_casts_of_any_strides_and_types():
    values = np.random.default_rng(0).standard_normal((7, 9, 5)) * 100
    for a in (np.float16, np.float32):
        b = np.float16 if a is np.float32 else np.float32
        whole = values.astype(a)
        for view in (
            whole.T,
            whole[::2, :, ::-1],
            whole.transpose(1, 0, 2)[3],
            whole[:0],
            whole[0],
        ):
            got = tensor(view).to(ng.float16 if b is np.float16 else ng.float32).array
            np.testing.assert_array_equal(got, view.astype(b), strict=True)
    for name in ("bool", "uint8", "int32", "int64", "float64", "complex64"):
        got = tensor(values.astype(np.float16)).to(getattr(ng, name)).array
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(got, values.astype(np.float16).astype(name), strict=True)
        if name != "complex64":
            whole = (values * 1000).astype(name)
            with np.errstate(over="ignore"):
                np.testing.assert_array_equal(tensor(whole).half().array, whole.astype(np.float16))
    assert ng.tensor(1.5, dtype=ng.float16).float().item() == 1.5
    assert ng.tensor(1.5, dtype=ng.float16).bfloat16().half().item() == 1.5


def test_a_network_trains_in_bfloat16():
    ng.manual_seed(0)
    x, y = ng.randn(32, 1, 6, 6).bfloat16(), ng.arange(32) % 4
    for make, lr in ((ng.optim.SGD, 0.3), (ng.optim.AdamW, 0.02)):
        nn = ng.nn
        net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())
        net.append(nn.Linear(128, 4)).bfloat16()
        assert all(p.dtype is ng.bfloat16 for p in net.parameters())
        optimizer, losses = make(net.parameters(), lr=lr), []
        for _ in range(30):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert loss.dtype is ng.bfloat16 and losses[-1] < losses[0] / 4


def test_a_cast_to_integers_leaves_the_graph():
    x = ng.tensor([1.5, -2.0], requires_grad=True)
    for y in (x.long(), x.bool(), x.to(ng.int8), x.type(ng.uint8)):
        assert not y.requires_grad
    assert x.half().requires_grad
    assert x.to(ng.complex64).requires_grad


def test_a_number_beside_integers_keeps_its_value():
    truth = ng.tensor([True, False])
    assert np.allclose(ng.xlogy(truth, 2).numpy(), [np.log(2), 0])
    assert np.allclose(ng.xlogy(ng.tensor([2, 4]), 0.5).numpy(), [-2 * np.log(2), -4 * np.log(2)])
    assert truth.masked_fill(truth, 0).dtype is ng.bool
    assert ng.square(truth).dtype is ng.int64
    small = ng.tensor([-127, 100], dtype=ng.int8)
    assert ng.sub(ng.tensor([1, 1]), small, alpha=2).tolist() == [255, -199]
    assert ng.sub(ng.tensor([1, 2]), 1, alpha=3).tolist() == [-2, -1]
    assert ng.addcmul(ng.tensor([1, 1]), small, small).tolist() == [127 * 127 + 1, 10001]


def test_numbers_that_a_type_cannot_hold():
    with pytest.raises(ValueError, match="full: the number 300 does not fit into uint8"):
        ng.full((2,), 300, dtype=ng.uint8)
    with pytest.raises(ValueError, match="full_like: the number -1 "):
        ng.full_like(ng.ones(2, dtype=ng.uint8), -1)
    with pytest.raises(ValueError, match=r"fill_: the value must be 0-d, got shape \(1,\)"):
        ng.ones(2).fill_(ng.ones(1))
    with pytest.raises(TypeError, match="square"):
        ng.tensor([True]).square_()
    with pytest.raises(ValueError, match="xlogy: the number 300 does not fit into uint8"):
        ng.xlogy(ng.ones(2, dtype=ng.uint8), 300)
    with pytest.raises(ValueError, match="new_full: the number 300 "):
        ng.ones(2, dtype=ng.int8).new_full((2,), 300)


@pytest.mark.filterwarnings("error")
def test_numpy_warns_of_nothing():
    nan, inf = float("nan"), float("inf")
    half = ng.tensor([nan, 1.0, -inf], dtype=ng.bfloat16)
    assert (half > 0).tolist() == [False, True, False]
    assert ng.isfinite(half).tolist() == [False, True, False]
    assert (ng.tensor([2, 3], dtype=ng.uint8) ** 2).tolist() == [4, 9]
    assert ng.tensor([-(2**31)], dtype=ng.int32).floor_divide(-1).shape == (1,)
    z = ng.tensor([complex(inf, 1), complex(nan, -inf)])
    for result in (z.sum(), z.prod(), z.mean(), z.cumprod(0), ng.sgn(z), ng.sub(z, z, alpha=2)):
        assert result.is_complex()
    x = ng.tensor([[inf, 0.0], [1.0, 2.0]])
    assert (x @ x)[0, 0].item() == inf
    assert ng.angle(half)[1:].tolist() == [0, ng.tensor(np.pi).bfloat16().item()]
    assert ng.tensor(1e300).item() == inf
    assert ng.tensor([1e300], dtype=ng.float16).item() == inf
    assert (ng.ones(0, dtype=ng.int64) // ng.zeros(1, dtype=ng.int64)).shape == (0,)


def test_different_values_of_bfloat16_with_nan():
    x = ng.tensor([1.0, 2.0, float("nan"), 2.0, 1.0, -3.0], dtype=ng.bfloat16)
    assert x.unique()[:3].tolist() == [-3, 1, 2]
    values, places = x.unique(return_inverse=True)
    assert values.dtype is ng.bfloat16
    assert places.tolist() == [1, 2, 3, 2, 1, 0]


def test_the_norm_of_a_single_half_that_counts():
    assert ng.tensor(1.5, dtype=ng.float16).norm(0).item() == 1
