"""More of the table: forward over reverse, third order, half precision."""

import numpy as np
import pytest

import naivegrad as ng
from harness import (
    DIFFERENTIABLE,
    OPS,
    STEP2_TOLERANCE,
    TWICE,
    assert_near,
    call,
    cast,
    cotangents,
    directions,
    floats,
    inner,
    is_float,
    second_difference,
    tensor,
    tensors,
    value,
)
from naivegrad.autograd.forward import jvp
from table import draw


@pytest.mark.parametrize(("op", "one"), TWICE)
def test_forward_over_reverse(op, one):
    """The tangent of the gradient is H v."""
    arrays = draw(op, one)
    vs, ws = directions(arrays), directions(arrays, seed=6)
    xs = tensors(arrays)
    us = cotangents(call(op, xs, one))

    def gradient(*moving):
        rest = iter(moving)
        inputs = [next(rest) if is_float(a) else x for a, x in zip(arrays, xs, strict=True)]
        results = call(op, inputs, one)
        return ng.autograd.grad(
            results, moving, [tensor(u) for u in us], create_graph=True, materialize_grads=True
        )

    _, tangents = jvp(gradient, floats(arrays, xs), [tensor(v) for v in floats(arrays, vs)])
    got = inner([value(t) for t in tangents], floats(arrays, ws))
    step = second_difference(op, arrays, one.options, us, vs, ws)
    scale = sum(np.abs(u).sum() for u in us)
    assert_near(got, step, STEP2_TOLERANCE, scale, "forward over reverse against finite steps")


def takes_half(op):
    """Whether the row does not say that the operation refuses float16."""
    return all(isinstance(want, str) for key, want in op.dtypes.items() if set(key) == {"float16"})


# Half precision has three digits: not for differences of numbers in the thousands.
SMALL = [
    p
    for p in DIFFERENTIABLE
    if takes_half(p.values[0]) and all(np.all(np.abs(a) < 100) for a in draw(*p.values))
]


@pytest.mark.parametrize(("op", "one"), SMALL)
def test_half_precision(op, one):
    """Results and gradients of float16 inputs are float16, and right to its few digits."""
    arrays = [cast(a, "float16") for a in draw(op, one)]
    found = []
    for dtype in ("float64", "float16"):
        xs = tensors([cast(a, dtype) for a in arrays], dtype)
        results = call(op, xs, one)
        us = [
            cast(np.asarray(np.sign(u)), y.array.dtype)
            for u, y in zip(cotangents(results), results)
        ]
        us = [tensor(u) for u in us]
        grads = ng.autograd.grad(results, floats(arrays, xs), us, materialize_grads=True)
        found.append([*results, *grads])
    assert all(y.array.dtype == (op.result or np.float16) for y in results)
    assert all(g.array.dtype == np.float16 for g in grads)
    for want, got in zip(*found, strict=True):
        scale = max(1.0, np.abs(value(want)[np.isfinite(value(want))]).max(initial=0.0))
        np.testing.assert_allclose(value(got).astype(np.float64), value(want), atol=2e-2 * scale)


SMOOTH = [
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "sin",
    "tanh",
    "sigmoid",
    "gelu",
    "gelu_tanh",
    "silu",
    "softplus",
    "erf",
    "pow_3",
]


@pytest.mark.parametrize("name", SMOOTH)
def test_third_order(name):
    """By a step of the second derivative, which the table's tests have found right."""
    op = next(op for op in OPS if op.name == name)
    a = draw(op, op.cases[0])[0]

    def second(at):
        x = tensor(at.copy(), requires_grad=True)
        (y,) = call(op, [x], op.cases[0])
        for _ in range(2):
            (y,) = ng.autograd.grad(y.sum(), x, create_graph=True)
        return x, y

    x, y = second(a)
    (third,) = ng.autograd.grad(y.sum(), x)
    step = (value(second(a + 1e-5)[1]) - value(second(a - 1e-5)[1])) / 2e-5
    np.testing.assert_allclose(value(third), step, rtol=1e-6, atol=1e-6)


def test_the_padding_row_of_an_embedding_has_no_gradient_in_any_order():
    """The gradient of the gradient, by what came in, is cut at the same rows."""
    index = ng.tensor([0, 2, 1, 2])
    w = ng.ones(3, 2, dtype=ng.float64).requires_grad_()
    u = ng.ones(4, 2, dtype=ng.float64).requires_grad_()
    y = ng.nn.functional.embedding(index, w, padding_idx=2)
    (g,) = ng.autograd.grad(y, w, u, create_graph=True)
    v = tensor(np.arange(1.0, 7.0).reshape(3, 2))
    (gu,) = ng.autograd.grad((g * v).sum(), u)
    assert value(g).tolist() == [[1, 1], [1, 1], [0, 0]]
    assert value(gu).tolist() == [[1, 2], [0, 0], [3, 4], [0, 0]]
