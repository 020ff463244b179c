"""The table itself: every Function has a row, and a row exercises the Functions that it names."""

import importlib
import pkgutil

import pytest

import naivegrad as ng
from harness import OPS, call, cotangents, floats, push, tensor, tensors, weighted
from naivegrad import ops
from naivegrad.autograd import Function
from table import draw

# Functions that no user's call makes by itself, and the tests that cover them.
ELSEWHERE = {
    "WindowMax": "its subclasses, each in a row of pooling",
    "Output": "test_engine.py, operations with several outputs",
    "Leaf": "test_leaves.py",
    "Context": "test_function.py",
    "Once": "test_function.py",
    "OnceBackward": "test_function.py",
    "ViewScatter": "test_inplace.py",
    "ScaledByFrequency": "test_embedding.py",
}


def functions():
    """Every Function class of the library."""
    for info in pkgutil.walk_packages(ops.__path__, "naivegrad.ops."):
        importlib.import_module(info.name)

    def below(cls):
        for c in cls.__subclasses__():
            yield c
            yield from below(c)

    return sorted({c.__name__ for c in below(Function) if c.__module__.startswith("naivegrad.")})


NAMED = {name for op in OPS for name in op.functions}


@pytest.mark.parametrize("name", functions())
def test_function_has_a_row(name):
    assert name in NAMED or name in ELSEWHERE or name.startswith("_"), (
        f"{name}: no row of the table names it"
    )


def test_rows_name_functions_that_exist():
    assert set(functions()) >= NAMED


def test_names_are_unique():
    names = [op.name for op in OPS]
    assert len(names) == len(set(names))


def nodes(*tensors):
    """The names of the Functions in the graph of some tensors."""
    seen, stack = {}, [t.node for t in tensors if t is not None and t.node is not None]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        stack += [edge for edge in node.edges if isinstance(edge, Function)]
    return {type(node).__name__ for node in seen.values()}


@pytest.mark.parametrize("op", [op for op in OPS if op.functions], ids=lambda op: op.name)
def test_row_exercises_the_functions_it_names(op):
    """They occur in the graph of the result, of its gradient, or of the gradient of that."""
    found = set()
    for dtype in ("float64", "float32"):
        for one in op.cases:
            arrays = draw(op, one)
            xs = tensors(arrays, dtype)
            results = call(op, xs, one)
            if not any(r.requires_grad for r in results):
                return
            found |= nodes(*results) | nodes(*two_orders(op, one, arrays, xs, results))
            if set(op.functions) <= found:
                return
    assert set(op.functions) <= found, f"not used; used are {sorted(found)}"


def two_orders(op, one, arrays, xs, results):
    """The gradients, and the gradients of those, all recorded."""
    if op.order < 1:
        return []
    moving = floats(arrays, xs)
    us = [
        tensor(u.astype(r.array.dtype), True)
        for u, r in zip(cotangents(results), results, strict=True)
    ]
    grads = ng.autograd.grad(results, moving, us, create_graph=True, allow_unused=True)
    s = weighted(list(grads), [2.0] * len(grads))
    _, tangents = push(op, one, xs, [ng.ones_like(x).requires_grad_() for x in moving])
    if op.order < 2 or s is None or not s.requires_grad:
        return [*grads, *tangents]
    twice = ng.autograd.grad(s, [*moving, *us], create_graph=True, allow_unused=True)
    return [*grads, *tangents, *twice]
