"""Every row of the table, differentiated: reverse mode, forward mode, second order, and by steps.

The oracle is the difference quotient of the float64 reference, which knows nothing of the library.
Directions and cotangents are random: ones would hide a gradient that is summed or sent wrongly.
"""

import numpy as np
import pytest

import naivegrad as ng
from harness import (
    DIFFERENTIABLE,
    GRADIENT_TOLERANCE,
    STEP2_TOLERANCE,
    STEP_TOLERANCE,
    TWICE,
    assert_close,
    assert_near,
    call,
    cast,
    cotangents,
    directions,
    first_difference,
    floats,
    inner,
    is_float,
    lay_out,
    push,
    rows,
    second_difference,
    tensor,
    tensors,
    value,
    weighted,
)
from table import case, draw

MIXED = ("transposed", "strided", "offset", "reversed")


def mixed(arrays, dtype="float64"):
    """Every input in another non-contiguous layout."""
    return [
        tensor(lay_out(cast(a, dtype), MIXED[(i + a.ndim) % 4]), is_float(a))
        for i, a in enumerate(arrays)
    ]


@pytest.mark.parametrize("layout", ["mixed", "contiguous"])
@pytest.mark.parametrize(("op", "one"), DIFFERENTIABLE)
def test_reverse_forward_and_difference_agree(op, one, layout):
    """<u, J v> by forward mode, <J^T u, v> by reverse mode, and by a step of the reference."""
    arrays = draw(op, one)
    vs = directions(arrays)
    xs = mixed(arrays) if layout == "mixed" else tensors(arrays)
    before = [np.array(x.array) for x in xs]
    results = call(op, xs, one)
    us = cotangents(results)
    upstream = [tensor(u.copy()) for u in us]
    grads = ng.autograd.grad(results, floats(arrays, xs), upstream, allow_unused=True)
    for u, g in zip(us, upstream, strict=True):
        np.testing.assert_array_equal(value(g), u, err_msg="the gradient that came in was changed")
    for x, b in zip(xs, before, strict=True):
        np.testing.assert_array_equal(x.array, b, err_msg="an input was changed")
    for x, g in zip(floats(arrays, xs), grads, strict=True):
        if g is not None:
            assert g.shape == x.shape and g.dtype == x.dtype and not g.requires_grad
    reverse = inner([None if g is None else value(g) for g in grads], floats(arrays, vs))
    _, tangents = push(op, one, xs, [tensor(v) for v in floats(arrays, vs)])
    for y, t in zip(results, tangents, strict=True):
        assert t is None or (t.shape == y.shape and t.dtype == y.dtype)
    forward = inner(us, [None if t is None else value(t) for t in tangents])
    step = first_difference(op, arrays, one.options, us, vs)
    scale = sum(np.abs(u).sum() for u in us)
    assert_near(reverse, step, STEP_TOLERANCE, scale, "reverse mode against a finite step")
    assert_near(forward, reverse, GRADIENT_TOLERANCE["float64"], scale, "forward against reverse")


@pytest.mark.parametrize(("op", "one"), DIFFERENTIABLE)
def test_gradients_in_float32(op, one):
    """The float32 loops give the gradients of the float64 loops, in float32, from every layout."""
    arrays = [cast(a, "float32") for a in draw(op, one)]
    wide = tensors([a.astype(np.float64) if is_float(a) else a for a in arrays])
    results = call(op, wide, one)
    us = cotangents(results)
    wanted = ng.autograd.grad(
        results, floats(arrays, wide), [tensor(u) for u in us], allow_unused=True
    )
    for xs in (tensors(arrays, "float32"), mixed(arrays, "float32")):
        results = call(op, xs, one)
        upstream = [tensor(u.astype(y.array.dtype)) for u, y in zip(us, results, strict=True)]
        grads = ng.autograd.grad(results, floats(arrays, xs), upstream, allow_unused=True)
        for g, want in zip(grads, wanted, strict=True):
            assert (g is None) == (want is None)
            if g is not None:
                assert g.array.dtype == np.float32
                assert_close(value(g), value(want), GRADIENT_TOLERANCE["float32"])


@pytest.mark.parametrize(("op", "one"), TWICE)
def test_second_order(op, one):
    """v^T H w: reverse over reverse, reverse over forward, second differences of the reference."""
    arrays = draw(op, one)
    vs, ws = directions(arrays), directions(arrays, seed=6)
    xs = mixed(arrays)
    moving = floats(arrays, xs)
    results = call(op, xs, one)
    us = cotangents(results)
    upstream = [tensor(u, requires_grad=True) for u in us]
    grads = ng.autograd.grad(results, moving, upstream, create_graph=True, allow_unused=True)
    s = weighted(list(grads), [tensor(v) for v in floats(arrays, vs)])
    scale = sum(np.abs(u).sum() for u in us)
    step = second_difference(op, arrays, one.options, us, vs, ws)
    if s is None or not s.requires_grad:  # no gradient reaches any input
        assert_near(0.0, step, STEP2_TOLERANCE, scale, "no gradient at all")
        return
    twice = ng.autograd.grad(s, [*moving, *upstream], allow_unused=True)
    over_reverse = inner(
        [None if g is None else value(g) for g in twice[: len(moving)]], floats(arrays, ws)
    )
    assert_near(
        over_reverse, step, STEP2_TOLERANCE, scale, "reverse over reverse against finite steps"
    )
    # <J^T u, v> is linear in u with the gradient J v
    along_u = inner([None if g is None else value(g) for g in twice[len(moving) :]], us)
    first = first_difference(op, arrays, one.options, us, vs)
    assert_near(
        along_u, first, STEP_TOLERANCE, scale, "the gradient of the gradient by its upstream"
    )

    x_dots = [tensor(v, requires_grad=True) for v in floats(arrays, vs)]
    results, tangents = push(op, one, xs, x_dots)
    s = weighted(tangents, [tensor(u) for u in us])
    over_forward = along_v = 0.0
    if s.requires_grad:
        twice = ng.autograd.grad(s, [*moving, *x_dots], allow_unused=True)
        twice = [None if g is None else value(g) for g in twice]
        over_forward = inner(twice[: len(moving)], floats(arrays, ws))
        along_v = inner(twice[len(moving) :], floats(arrays, vs))
    # <u, J v> is linear in v
    assert_near(along_v, first, STEP_TOLERANCE, scale, "the gradient of the tangent by its input's")
    assert_near(
        over_forward, step, STEP2_TOLERANCE, scale, "reverse over forward against finite steps"
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "one"), rows("pins"))
def test_subgradient_at_a_kink(op, one, dtype):
    """The choice at ties and corners is PyTorch's."""
    arrays = [cast(np.asarray(i), dtype) for i in one.inputs]
    xs = tensors(arrays, dtype)
    results = call(op, xs, case(**one.options))
    grads = ng.autograd.grad(
        results, floats(arrays, xs), [ng.ones_like(r) for r in results], materialize_grads=True
    )
    for g, want in zip(grads, one.grads, strict=True):
        np.testing.assert_allclose(value(g), np.asarray(want), rtol=1e-6)


SEVERAL = [p for p in DIFFERENTIABLE if sum(map(is_float, draw(*p.values))) > 1]


@pytest.mark.parametrize(("op", "one"), SEVERAL)
def test_each_input_alone(op, one):
    """A rule that is asked for one gradient only gives the same one, and the same second order."""
    arrays = draw(op, one)
    xs = tensors(arrays)
    results = call(op, xs, one)
    us = cotangents(results)
    wanted = ng.autograd.grad(
        results, floats(arrays, xs), tensors(us, grad=False), allow_unused=True
    )
    for i, want in zip([i for i, a in enumerate(arrays) if is_float(a)], wanted, strict=True):
        alone = [tensor(a.copy(), j == i) for j, a in enumerate(arrays)]
        pairs = [(r, u) for r, u in zip(call(op, alone, one), us, strict=True) if r.requires_grad]
        if not pairs:
            assert want is None
            continue
        results, upstream = [r for r, _ in pairs], tensors([u for _, u in pairs])
        (got,) = ng.autograd.grad(results, alone[i], upstream, create_graph=True, allow_unused=True)
        assert (got is None) == (want is None)
        if got is None:
            continue
        assert_close(value(got), value(want), 1e-14)
        if op.order < 2 or not got.requires_grad:
            continue
        vs, ws = ([np.zeros_like(a) for a in arrays] for _ in "vw")
        vs[i], ws[i] = directions(arrays)[i], directions(arrays, seed=6)[i]
        (h,) = ng.autograd.grad((got * tensor(vs[i])).sum(), alone[i], materialize_grads=True)
        step = second_difference(op, arrays, one.options, us, vs, ws)
        scale = sum(np.abs(u).sum() for u in us)
        assert_near(inner([value(h)], [ws[i]]), step, STEP2_TOLERANCE, scale, f"input {i} alone")


TWINS = [p for p in SEVERAL if len({a.shape for a in draw(*p.values) if is_float(a)}) == 1]


@pytest.mark.parametrize(("op", "one"), TWINS)
def test_one_tensor_for_all_inputs(op, one):
    """f(x, x): the gradient is the sum over the places where x stands."""
    arrays = draw(op, one)
    first = next(a for a in arrays if is_float(a))
    apart = [first.copy() if is_float(a) else a for a in arrays]
    if op.distinct or op.kinks:
        pytest.skip("not differentiable where its arguments are equal")
    xs = tensors(apart)
    results = call(op, xs, one)
    us = tensors(cotangents(results), grad=False)
    grads = ng.autograd.grad(results, floats(apart, xs), us, allow_unused=True)
    x = tensor(first.copy(), requires_grad=True)
    results = call(op, [x if is_float(a) else tensor(a) for a in apart], one)
    (got,) = ng.autograd.grad(results, x, us)
    assert_close(value(got), sum(value(g) for g in grads if g is not None), 1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "one"), DIFFERENTIABLE)
def test_upstream_in_any_memory(op, one, dtype):
    """A gradient comes in expanded (after a sum), transposed or in steps: it is read as it lies."""
    arrays = draw(op, one)
    xs = tensors(arrays, dtype)
    results = call(op, xs, one)
    us = [cast(u, dtype) for u in cotangents(results)]

    def grads(upstream):
        moving = floats(arrays, xs)
        return ng.autograd.grad(
            results, moving, upstream, retain_graph=True, materialize_grads=True
        )

    wanted = grads([tensor(u) for u in us])
    for layout in MIXED:
        for got, want in zip(grads([tensor(lay_out(u, layout)) for u in us]), wanted, strict=True):
            assert_close(value(got), value(want), GRADIENT_TOLERANCE[dtype], layout)
    wanted = grads([ng.ones_like(r) * 1.5 for r in results])
    expanded = [ng.tensor(1.5, dtype=r.dtype).expand(r.shape) for r in results]
    for got, want in zip(grads(expanded), wanted, strict=True):
        assert_close(value(got), value(want), GRADIENT_TOLERANCE[dtype], "expanded")
