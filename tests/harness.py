"""What the table's tests share: tensors from arrays, derivatives, comparison."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.autograd.forward import jvp
from naivegrad.backend import cpu
from naivegrad.tensor import wrap
from table import OPS, Case, Op, as_list, lay_out

# How far from the float64 reference a result may be, relative to the largest entry.
TOLERANCE = {"float64": 1e-12, "float32": 3e-6, "float16": 2e-3}
GRADIENT_TOLERANCE = {"float64": 1e-9, "float32": 1e-4}  # between ways of computing one derivative
STEP, STEP_TOLERANCE = 1e-6, 1e-6  # first differences of the reference
STEP2, STEP2_TOLERANCE = 1e-4, 2e-5  # second differences

CASES = [pytest.param(op, one, id=f"{op.name}-{one}") for op in OPS for one in op.cases]
DIFFERENTIABLE = [p for p in CASES if p.values[0].order >= 1]
TWICE = [p for p in CASES if p.values[0].order >= 2]


def rows(attribute: str) -> list[Any]:
    """(row, entry) for every entry of one of the columns `errors`, `pins`, `special`."""
    return [
        pytest.param(op, entry, id=f"{op.name}-{i}")
        for op in OPS
        for i, entry in enumerate(getattr(op, attribute))
    ]


def dtype_name(dtype: Any) -> str:
    """float32, for naivegrad's and PyTorch's dtypes alike."""
    return str(dtype).rpartition(".")[2]


def is_float(array: Any) -> bool:
    return array.dtype.kind == "f"


def cast(array: np.ndarray, dtype: str) -> np.ndarray:
    """Floats in the dtype under test; integers and booleans as they are."""
    return np.asarray(array.astype(dtype) if is_float(array) else array)


def tensor(array: np.ndarray, requires_grad: bool = False) -> ng.Tensor:
    """A Tensor over exactly this array, whatever its strides."""
    t = wrap(array, cpu)
    return t.requires_grad_() if requires_grad else t


def tensors(
    arrays: list[np.ndarray], dtype: str = "float64", layout: str = "contiguous", grad: bool = True
) -> list[ng.Tensor]:
    """The inputs of a case as Tensors; the floats among them require gradients."""
    return [tensor(lay_out(cast(a, dtype), layout), grad and is_float(a)) for a in arrays]


def floats(arrays: list[np.ndarray], items: list[Any]) -> list[Any]:
    """Those of the items that stand for float inputs."""
    return [item for a, item in zip(arrays, items, strict=True) if is_float(a)]


def value(t: Any) -> np.ndarray:
    return t.detach().numpy()


def call(op: Op, inputs: list[Any], one: Case, lib: ModuleType = ng) -> list[Any]:
    """The row's results, always as a list."""
    return as_list(op.f(lib, *inputs, **one.options))


def reference(op: Op, arrays: list[np.ndarray], options: Any) -> list[np.ndarray]:
    """What the row should give, in float64."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # NumPy warns of empty means and of inf - inf
        return [np.asarray(r) for r in as_list(op.reference(*arrays, **options))]


def expected_dtype(op: Op, result: np.ndarray, dtype: str) -> str:
    if not is_float(result):
        return {"b": "bool", "i": "int64"}[result.dtype.kind]
    return op.result or dtype


def cotangents(results: list[Any], seed: int = 9) -> list[np.ndarray]:
    """Random gradients to start from: ones would hide a gradient sent to the wrong place."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=tuple(r.shape))) for r in results]


def directions(arrays: list[np.ndarray], seed: int = 5) -> list[np.ndarray]:
    """Random tangents, zero (and unused) for what is not a float."""
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.normal(size=a.shape) if is_float(a) else np.zeros(a.shape)) for a in arrays
    ]


def inner(us: list[Any], vs: list[Any]) -> float:
    """<u, v> over lists of arrays; None counts as zero."""
    return sum(
        float((u * v).sum()) for u, v in zip(us, vs, strict=True) if u is not None and v is not None
    )


def weighted(results: list[Any], weights: list[Any]) -> Any:
    """The same as a Tensor, to differentiate."""
    total = None
    for r, w in zip(results, weights, strict=True):
        if r is not None:
            term = (r * w).sum()
            total = term if total is None else total + term
    return total


def phi(op: Op, arrays: list[np.ndarray], options: Any, us: list[np.ndarray]) -> float:
    """<u, reference(x)>."""
    return inner(us, reference(op, arrays, options))


def move(arrays: list[np.ndarray], vs: list[np.ndarray], step: float) -> list[np.ndarray]:
    return [np.asarray(a + step * v) if is_float(a) else a for a, v in zip(arrays, vs, strict=True)]


def first_difference(op: Op, arrays: list[np.ndarray], options: Any, us: Any, vs: Any) -> float:
    """d/ds <u, f(x + s v)> at 0, by central differences of the reference."""
    ahead, behind = (phi(op, move(arrays, vs, s), options, us) for s in (STEP, -STEP))
    return (ahead - behind) / (2 * STEP)


def second_difference(
    op: Op, arrays: list[np.ndarray], options: Any, us: Any, vs: Any, ws: Any
) -> float:
    """d2/ds dt <u, f(x + s v + t w)> at 0."""
    total = 0.0
    for s in (STEP2, -STEP2):
        for t in (STEP2, -STEP2):
            sign = 1 if s * t > 0 else -1
            total += sign * phi(op, move(move(arrays, vs, s), ws, t), options, us)
    return total / (4 * STEP2 * STEP2)


def assert_close(got: Any, want: Any, tolerance: float, what: str = "") -> None:
    """Equal to a tolerance relative to the largest finite entry; inf and nan in the same places."""
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    finite = np.abs(want[np.isfinite(want)])
    scale = max(1.0, finite.max(initial=0.0))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def assert_near(got: float, want: float, tolerance: float, scale: float, what: str) -> None:
    assert abs(got - want) <= tolerance * max(1.0, scale, abs(want)), (
        f"{what}: {got}, expected {want}"
    )


def push(op: Op, one: Case, xs: Any, x_dots: Any) -> tuple[list[Any], list[Any]]:
    """Forward mode: the results and their tangents, given those of the float inputs."""

    def f(*moving: Any) -> Any:
        rest = iter(moving)
        inputs = [next(rest) if is_float(x.array) else x for x in xs]
        return tuple(call(op, inputs, one))

    y, y_dot = jvp(f, [x for x in xs if is_float(x.array)], x_dots)
    return list(y), list(y_dot)
