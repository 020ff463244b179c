"""A method of Tensor does what the function of its name does; method_ does it in place."""

import inspect

import numpy as np
import pytest

import naivegrad as ng
from harness import OPS, call, cotangents, floats, tensor, tensors, value
from naivegrad import Tensor
from naivegrad.nn import functional
from table import draw


class Form:
    """The library with each function replaced by another form of it, where it has that form.

    A row may call the function or the method: while a Form is entered, the method of the row's name
    goes the same way.
    """

    def __init__(self, form, name):
        self.form, self.name = form, name
        self.method = getattr(Tensor, name, None)
        self.used = set()

    @property
    def nn(self):
        return self

    functional = nn

    def __getattr__(self, name):
        if name in ("linalg", "fft", "special"):
            return Part(self, name)
        return self.wrapped(name, getattr(ng, name, None) or getattr(functional, name))

    def wrapped(self, name, original):
        def call(*args, **kwargs):
            result = self.form(self, name, original, args, kwargs)
            if result is None:
                return original(*args, **kwargs)
            self.used.add(name)
            return result

        return call if inspect.isfunction(original) else original

    def __enter__(self):
        if inspect.isfunction(self.method):
            first = list(inspect.signature(self.method).parameters.values())[1:2]
            several = first and first[0].kind is inspect.Parameter.VAR_POSITIONAL

            def call(x, *args, **kwargs):
                if several and args and not isinstance(args[0], tuple | list):
                    args = (args,)
                return getattr(self, self.name)(x, *args, **kwargs)

            setattr(Tensor, self.name, call)
        return self

    def __exit__(self, *exception):
        if inspect.isfunction(self.method):
            setattr(Tensor, self.name, self.method)


class Part:
    """The same of linalg, fft or special: their functions are named with the part, as the rows."""

    def __init__(self, form, part):
        self.form, self.part = form, part

    def __getattr__(self, name):
        original = getattr(getattr(ng, self.part), name)
        if original is not getattr(ng, name, None):
            name = f"{self.part}.{name}"
        return self.form.wrapped(name, original)


def method(form, name, original, args, kwargs):
    """x.name(...)"""
    if name == form.name and isinstance(args[0], Tensor) and inspect.isfunction(form.method):
        if name == "where":  # the tensor comes second
            args = (args[1], args[0], *args[2:])
        return form.method(*args, **kwargs)
    return None


def in_place(form, name, original, args, kwargs):
    """x.name_(...), if the result fits x"""
    if not (args and isinstance(args[0], Tensor) and hasattr(Tensor, name + "_")):
        return None
    x, *rest = args
    with ng.no_grad():
        y = original(*args, **kwargs)
    if (y.shape != x.shape and y.view_of is None) or not ng.can_cast(y.dtype, x.dtype):
        return None
    target = x.clone()
    before = target.detach()
    assert getattr(target, name + "_")(*rest, **kwargs) is target
    assert not target.numel() or np.may_share_memory(target.array, before.array), (
        "a result of its own instead of the memory of the tensor"
    )
    return target.to(y.dtype)


def out(form, name, original, args, kwargs):
    """name(..., out=), of a fresh and of a fitting tensor"""
    if "out" not in inspect.signature(original).parameters:
        return None
    with ng.no_grad():
        wanted = original(*args, **kwargs)
        several = not isinstance(wanted, Tensor)
        for make in (lambda y: ng.empty(0, dtype=y.dtype), ng.empty_like):
            given = tuple(make(y) for y in wanted) if several else make(wanted)
            got = original(*args, **kwargs, out=given)
            if several:
                assert all(g is o for g, o in zip(got, given, strict=True))
            else:
                assert got is given
    return got


def rows_with(has):
    return [op for op in OPS if has(op.name)]


def same(got, wanted):
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert value(a).tobytes() == value(b).tobytes()


def parameters(name):
    function = ng
    for part in name.split("."):
        function = getattr(function, part, None)
    return inspect.signature(function).parameters if inspect.isfunction(function) else {}


@pytest.mark.parametrize(
    "op",
    rows_with(lambda n: hasattr(Tensor, n) and parameters(n) and n != "unfold"),
    ids=lambda op: op.name,
)
def test_method_equals_function(op):
    lib = Form(method, op.name)
    for one in op.cases:
        xs = tensors(draw(op, one))
        with lib:
            got = call(op, xs, one, lib)
        same(got, call(op, xs, one))
    assert lib.used, "the row calls no method"


@pytest.mark.parametrize("op", rows_with(lambda n: "out" in parameters(n)), ids=lambda op: op.name)
def test_out_equals_result(op):
    lib = Form(out, op.name)
    for one in op.cases:
        xs = tensors(draw(op, one), grad=False)
        with lib:
            got = call(op, xs, one, lib)
        same(got, call(op, xs, one))
    assert lib.used, "the row calls no function with out="


@pytest.mark.parametrize(
    "op", rows_with(lambda n: hasattr(Tensor, n + "_") and parameters(n)), ids=lambda op: op.name
)
def test_in_place_row_equals_function(op):
    """Values, memory and gradients of name_."""
    lib = Form(in_place, op.name)
    for one in op.cases:
        arrays = draw(op, one)
        xs = tensors(arrays)
        with lib:
            got = call(op, xs, one, lib)
        wanted = call(op, xs, one)
        same(got, wanted)
        if op.order and got[0].requires_grad:
            us = [tensor(u) for u in cotangents(wanted)]
            grads = (
                ng.autograd.grad(ys, floats(arrays, xs), us, materialize_grads=True)
                for ys in (got, wanted)
            )
            for g, w in zip(*grads, strict=True):
                np.testing.assert_allclose(value(g), value(w), rtol=1e-12, atol=1e-14)
    assert lib.used, "no case whose result fits its input"


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in dir(Tensor)
        if n[0] != "_"
        and parameters(n)
        and inspect.isfunction(getattr(Tensor, n))
        # PyTorch's spellings differ too
        and n not in ("where", "split", "relu", "repeat_interleave", "unfold", "polygamma", "view")
    ],
)
def test_signatures_agree(name):
    """The same names and defaults of arguments, so that keywords work in both spellings."""
    method = getattr(Tensor, name)
    ours = [inspect.signature(f).parameters.values() for f in (getattr(ng, name), method)]
    function, method = (
        [(p.name, p.kind, p.default) for p in ps if p.name != "out"][1:] for ps in ours
    )
    if method and method[0][1] is inspect.Parameter.VAR_POSITIONAL:  # f(x, (2, 3)), x.f(2, 3)
        function, method = [p[0] for p in function], [p[0] for p in method[1:]]
    if name in ("softmax", "log_softmax"):
        function, method = ([p[:2] for p in ps] for ps in (function, method))
    assert method == function


SHAPE = (3, 4)
IN_PLACE = {
    "add_": (lambda x, y: x + y, ["y"]),
    "sub_": (lambda x, y: x - y, ["y"]),
    "mul_": (lambda x, y: x * y, ["y"]),
    "div_": (lambda x, y: x / y, ["y"]),
    "pow_": (lambda x: x**3, [3]),
    "true_divide_": (lambda x, y: x / y, ["y"]),
    "polygamma_": (lambda x: ng.polygamma(1, x), [1]),
    "neg_": (lambda x: -x, []),
    "exp_": (ng.exp, []),
    "log_": (ng.log, []),
    "rsqrt_": (ng.rsqrt, []),
    "reciprocal_": (ng.reciprocal, []),
    "square_": (ng.square, []),
    "abs_": (ng.abs, []),
    "sin_": (ng.sin, []),
    "cos_": (ng.cos, []),
    "sqrt_": (ng.sqrt, []),
    "relu_": (ng.relu, []),
    "sigmoid_": (ng.sigmoid, []),
    "tanh_": (ng.tanh, []),
    "clamp_": (lambda x: x.clamp(0.5, 0.8), [0.5, 0.8]),
    "clip_": (lambda x: x.clip(0.5, 0.8), [0.5, 0.8]),
    "copy_": (lambda x, y: y.expand(SHAPE), ["y"]),
    "fill_": (lambda x: x * 0 + 2.5, [2.5]),
    "zero_": (lambda x: x * 0, []),
    "masked_fill_": (lambda x: x.masked_fill(MASK, -1.0), ["mask", -1.0]),
    "scatter_add_": (lambda x, y: x.scatter_add(1, INDEX, y.expand(SHAPE)), [1, "index", "y"]),
}
MASK = ng.tensor([[True, False, True, False]])
INDEX = ng.tensor([[0, 0, 3, 1]] * 3)
RANDOM = {"bernoulli_", "normal_", "uniform_"}
OTHERWISE = {  # tested elsewhere
    *("detach_", "fill_diagonal_", "requires_grad_", "resize_", "resize_as_", "set_", "map_"),
    *("conj_physical_", "sgn_"),
    *("apply_", "cauchy_", "exponential_", "geometric_", "log_normal_", "random_"),
}


def test_every_in_place_method_is_tested():
    rows = {op.name + "_" for op in OPS}
    tested = {behind(n) for n in {*IN_PLACE, *RANDOM, *OTHERWISE} | rows if hasattr(Tensor, n)}
    names = {n for n in dir(Tensor) if n.endswith("_") and not n.endswith("__")}
    assert not {n for n in names if behind(n) not in tested}


def behind(name):
    """The function behind a method: other spellings have the same."""
    return getattr(Tensor, name)


def operand_shapes(name):
    """Of the other operand, if there is one."""
    shapes = [SHAPE, (4,), ()] if "y" in IN_PLACE[name][1] else [SHAPE]
    return [s for s in shapes if s or name != "scatter_add_"]


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name in IN_PLACE for shape in operand_shapes(name)]
)
@pytest.mark.parametrize("layout", ["whole", "view", "transposed view"])
def test_in_place_equals_out_of_place(name, layout, shape):
    """Values, memory and gradients, of the tensor, its base and the other operand."""
    f, arguments = IN_PLACE[name]
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.2, 2.0, (5, 6)), rng.uniform(0.2, 2.0, shape)
    u = rng.normal(size=(5, 6))

    def region(t):
        return {"whole": t[:3, :4].clone(), "view": t[1:4, 2:], "transposed view": t[:4, 1:4].mT}[
            layout
        ]

    def given(y):
        named = {
            "y": y.expand(SHAPE) if name == "scatter_add_" else y,
            "mask": MASK,
            "index": INDEX,
        }
        return [named[g] if isinstance(g, str) else g for g in arguments]

    x, y = (ng.tensor(v, requires_grad=True) for v in (a, b))
    base = x * 1.5
    target = region(base)
    memory = target.array
    assert getattr(target, name)(*given(y)) is target
    assert target.array is memory, "a result of its own instead of the memory of the tensor"
    whole = target if layout == "whole" else base

    x2, y2 = (ng.tensor(v, requires_grad=True) for v in (a, b))
    base2 = x2 * 1.5
    new = f(region(base2), *([y2] if "y" in arguments else []))
    np.testing.assert_array_equal(value(target), value(new))
    if layout == "whole":
        whole2 = new
    else:
        rows, columns = (
            (slice(1, 4), slice(2, 6)) if layout == "view" else (slice(0, 4), slice(1, 4))
        )
        inside = ng.zeros(5, 6, dtype=ng.bool)
        inside[rows, columns] = True
        padded = ng.zeros(5, 6, dtype=ng.float64)
        padded[rows, columns] = new if layout == "view" else new.mT
        whole2 = ng.where(inside, padded, base2)
    np.testing.assert_array_equal(value(whole), value(whole2))
    weights = tensor(u[: whole.shape[0], : whole.shape[1]].copy())
    got = ng.autograd.grad((whole * weights).sum(), [x, y], materialize_grads=True)
    want = ng.autograd.grad((whole2 * weights).sum(), [x2, y2], materialize_grads=True)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(value(g), value(w), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_random_in_place(name):
    x = ng.full((1000,), 0.5)
    memory = x.array
    arguments = [0.3] if name == "bernoulli_" else []
    assert getattr(x, name)(*arguments) is x and x.array is memory
    assert len(np.unique(value(x))) == (2 if name == "bernoulli_" else 1000)


A, B = np.array([5.0, -3.0, 2.0]), np.array([2.0, 4.0, -1.5])
M, N = np.array([5, 3, 12]), np.array([2, 6, 10])
OPERATORS = [
    "A + B", "A - B", "A * B", "A / B", "A ** 2", "A @ B", "A // B", "A % B", "2 + A", "2 - A",
    "2 * A", "2 / A", "2 ** A", "2 // A", "2 % A", "A // 2", "A % 2", "-A", "+A", "abs(A)",
    "A == B", "A != B", "A < B", "A <= B", "A > B", "A >= B", "2 < A", "2 >= A", "2 == A",
    "M + N", "M - N", "M * N", "M // N", "M % N", "7 // M", "7 % M", "-7 // M", "M ** 2",
    "M << 2", "M >> 1", "2 << N", "64 >> N", "6 & M", "1 | M", "5 ^ M",
    "M & N", "M | N", "M ^ N", "~M", "M & 1", "(A > 0) & (B > 0)", "(A > 0) | (B > 0)", "~(A > 0)",
]  # fmt: skip


@pytest.mark.parametrize("expression", OPERATORS)
def test_operator(expression):
    """On tensors as on NumPy arrays."""
    want = eval(expression)
    got = eval(expression, {name: ng.tensor(globals()[name]) for name in "ABMN"})
    np.testing.assert_array_equal(value(got), want)
    assert got.array.dtype == want.dtype


@pytest.mark.parametrize("change", ["&=", "|=", "^=", "<<=", ">>="])
def test_operator_of_bits_in_place(change):
    ours, wanted = {"z": ng.tensor(M), "y": ng.tensor(N)}, {"z": M.copy(), "y": N}
    before = ours["z"]
    exec(f"z {change} y", ours)
    exec(f"z {change} y", wanted)
    assert ours["z"] is before and before.tolist() == wanted["z"].tolist()


@pytest.mark.parametrize("change", ["+=", "-=", "*=", "/=", "**="])
def test_operator_in_place(change):
    ours, wanted = {"z": ng.tensor(A).abs(), "y": ng.tensor(B)}, {"z": abs(A), "y": B}
    before = ours["z"]
    exec(f"z {change} y", ours)
    exec(f"z {change} y", wanted)
    assert ours["z"] is before
    np.testing.assert_array_equal(value(before), wanted["z"])


def test_equal_and_allclose():
    x = ng.tensor([1.0, 2.0])
    assert x.equal(ng.tensor([1.0, 2.0])) and not x.equal(ng.tensor([[1.0, 2.0]]))
    assert ng.equal(ng.tensor([1.0]), ng.tensor([1])) and not ng.equal(x, x + 1e-6)
    assert ng.allclose(x, x + 1e-6) is True and x.allclose(x + 1e-3) is False
    nan = ng.tensor([ng.nan])
    assert not nan.allclose(nan) and nan.allclose(nan, equal_nan=True)
    with pytest.raises(TypeError, match="equal: other must be a Tensor, got int"):
        ng.equal(x, 1)


def test_take_along_dim():
    a, k = np.arange(12.0).reshape(3, 4), np.array([[1, 3, 0, 0]])
    x, index = ng.tensor(a), ng.tensor(k)
    np.testing.assert_array_equal(value(x.take_along_dim(index)), np.take_along_axis(a, k[0], None))
    np.testing.assert_array_equal(value(x.take_along_dim(index, 1)), np.take_along_axis(a, k, 1))
    with pytest.raises(ValueError, match=r"take_along_dim: indices \(1, 4\) and input \(3, 3\)"):
        x[:, :3].take_along_dim(index, 0)
    with pytest.raises(ValueError, match=r"take_along_dim: .* differ in ndim"):
        x.take_along_dim(index[0], 0)


def test_where_of_a_tensor():
    x, y = ng.tensor(A), ng.tensor(B)
    assert x.where(x > 0, y).tolist() == np.where(A > 0, A, B).tolist()


@pytest.mark.parametrize(
    "spellings",
    ["ne not_equal", "lt less", "le less_equal", "gt greater", "ge greater_equal",
     "abs absolute", "neg negative", "sub subtract", "mul multiply", "div divide",
     "clamp clip", "transpose swapaxes swapdims", "movedim moveaxis", "cat concat concatenate"],
)  # fmt: skip
def test_other_spellings(spellings):
    first, *others = spellings.split()
    for other in others:
        assert getattr(ng, other) is getattr(ng, first)
        if first != "cat":
            assert getattr(Tensor, other) is getattr(Tensor, first)


@pytest.mark.parametrize("name", ["new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"])
def test_new_tensors_take_after_the_old(name):
    x = ng.zeros(1, dtype=ng.float64)
    arguments = {"new_full": [(2,), 3.0], "new_tensor": [[1.0, 2.0]]}.get(name, [2])
    y = getattr(x, name)(*arguments, device="cpu", requires_grad=True)
    assert y.shape == (2,) and y.dtype == ng.float64 and y.requires_grad and y.is_leaf
    assert getattr(x, name)(*arguments, dtype=ng.int32).dtype == ng.int32
