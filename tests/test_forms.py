"""Pointwise functions: the method, the form in place and out= give what the function gives."""

import pytest

import naivegrad as ng

UNARY = [
    "abs",
    "absolute",
    "neg",
    "negative",
    "sign",
    "sgn",
    "square",
    "reciprocal",
    "sqrt",
    "rsqrt",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "atanh",
    "arcsin",
    "arccos",
    "arctan",
    "arcsinh",
    "arctanh",
    "sinc",
    "deg2rad",
    "rad2deg",
    "floor",
    "ceil",
    "round",
    "trunc",
    "fix",
    "frac",
    "erf",
    "erfc",
    "erfinv",
    "lgamma",
    "digamma",
    "i0",
    "logit",
    "sigmoid",
    "tanh",
]
BINARY = [
    "add",
    "sub",
    "subtract",
    "mul",
    "multiply",
    "div",
    "divide",
    "true_divide",
    "pow",
    "float_power",
    "remainder",
    "fmod",
    "floor_divide",
    "atan2",
    "arctan2",
    "clamp_min",
    "clamp_max",
]
WITHOUT_IN_PLACE = ("maximum", "minimum", "fmax", "fmin")
X = [[0.25, 0.5, 0.75], [0.125, 0.625, 0.9]]
Y = [[0.5, 0.25, 0.375], [0.75, 0.5, 0.5]]


def agree(name, x, *others):
    """The four forms of a function of x, which takes part in a graph in three of them."""
    f = getattr(ng, name)
    want = f(x, *others)
    assert getattr(x, name)(*others).tolist() == want.tolist()
    out = ng.empty(0, dtype=want.dtype)
    assert f(x, *others, out=out) is out and out.tolist() == want.tolist()
    if name in WITHOUT_IN_PLACE:
        return
    change = getattr(ng.Tensor, name + "_")
    y = x.clone()
    assert change(y, *others) is y and y.tolist() == want.tolist()
    if name == "floor_divide":  # has no gradient
        return
    leaf = x.clone().requires_grad_()
    (grad,) = ng.autograd.grad(f(leaf, *others).sum(), leaf, materialize_grads=True)
    result = change(leaf * 1.0, *others)
    (in_place,) = ng.autograd.grad(result.sum(), leaf, materialize_grads=True)
    assert in_place.tolist() == grad.tolist()


@pytest.mark.parametrize("name", [*UNARY, "acosh", "arccosh"])
def test_of_one_argument(name):
    agree(name, ng.tensor(X, dtype=ng.float64) + (1.0 if "cosh" in name else 0.0))


@pytest.mark.parametrize("name", [*BINARY, *WITHOUT_IN_PLACE])
def test_of_two_arguments(name):
    agree(name, ng.tensor(X, dtype=ng.float64), ng.tensor(Y, dtype=ng.float64))


def test_of_options():
    x = ng.tensor(X, dtype=ng.float64)
    for got, want in (
        (x.clone().clamp_(0.3, 0.6), ng.clamp(x, 0.3, 0.6)),
        (x.clone().round_(decimals=1), ng.round(x, decimals=1)),
        (x.clone().logit_(0.3), ng.logit(x, 0.3)),
        (x.clone().div_(0.3, rounding_mode="floor"), ng.div(x, 0.3, rounding_mode="floor")),
        ((x + 1).mvlgamma_(2), ng.mvlgamma(x + 1, 2)),
        (x.clone().polygamma_(1), ng.polygamma(1, x)),
    ):
        assert got.tolist() == want.tolist()


def test_operators_in_place():
    x = ng.tensor([7, -7])
    y = x
    y //= 2
    assert y is x and x.tolist() == [3, -4]
    y %= 3
    assert y is x and x.tolist() == [0, 2]
    y <<= 2
    y |= 1
    y ^= 3
    y &= 14
    assert y is x and x.tolist() == [2, 10]
    y >>= 1
    y **= 2
    assert y is x and x.tolist() == [1, 25]


def test_numbers_on_the_left():
    x = ng.tensor([2, 3])
    assert (7 % x).tolist() == [1, 1] and (7 // x).tolist() == [3, 2]
    assert (
        (2**x).tolist() == [4, 8] and (1 << x).tolist() == [4, 8] and (16 >> x).tolist() == [4, 2]
    )
    assert (7 - x).tolist() == [5, 4] and (6 / x).tolist() == [3, 2] and (6 & x).tolist() == [2, 2]


def test_integers_in_place_keep_their_type():
    x = ng.tensor([4, 9])
    for change in (lambda: x.sqrt_(), lambda: x.div_(2), lambda: x.clamp_(0.5), lambda: x.exp2_()):
        with pytest.raises(TypeError, match="float32 cannot be stored in"):
            change()
    assert x.tolist() == [4, 9]


def test_special_hands_names_on():
    for ours, name in (("gammaln", "lgamma"), ("psi", "digamma"), ("expit", "sigmoid")):
        assert getattr(ng.special, ours) is getattr(ng, name)
    for name in ng.special.__all__:
        assert callable(getattr(ng.special, name))


def test_numbers_that_do_not_fit_are_named():
    x = ng.tensor([1, 2], dtype=ng.uint8)
    for call, words in (
        (lambda: x + 2**70, f"add: the number {2**70}"),
        (lambda: x == 2**70, f"eq: the number {2**70}"),
        (lambda: x.fill_(-2), "fill_: the number -2 does not fit into naivegrad.uint8"),
        (lambda: x.clamp(0, 300), "clamp: the bound 300"),
        (lambda: ng.add(x, x, alpha=0.5), r"add: alpha must be an integer.*0\.5"),
        (lambda: ng.pow(x, -1), "pow: integers to negative integer powers"),
        (lambda: ng.tensor([True]).floor(), "floor: .*bool"),
        (lambda: ng.tensor([1.0]).clamp("a"), "clamp: a bound must be.*'a'"),
        (lambda: ng.polygamma(1.5, x), "polygamma: n must be an integer, got 1.5"),
        (lambda: ng.trunc([1.5]), "trunc: input must be a Tensor, got list"),
    ):
        with pytest.raises((OverflowError, TypeError, ValueError), match=words):
            call()


def test_integers_to_negative_powers():
    """Of tensors, as in PyTorch: cut to integers."""
    x, y = ng.tensor([2, 1, -1, -1, 3]), ng.tensor([-1, -2, -3, -2, 2])
    assert (x**y).tolist() == [0, 1, -1, 1, 9]


def test_a_mask_of_bytes():
    x = ng.where(ng.tensor([1, 0], dtype=ng.uint8), ng.tensor([1.0, 2.0]), 0.0)
    assert x.tolist() == [1.0, 0.0]
