"""One row of the op table, and how its inputs are drawn and laid out in memory.

A row says what an op computes (`reference`, NumPy in float64, independent of the library) and on
which inputs (`cases`); the tests derive everything else from it: values, shapes, dtypes, first and
second derivatives in both modes, memory layouts, errors, and agreement with PyTorch. `f` takes the
library as its first argument, so that the same expression runs here and there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]
MARGIN = 0.05  # drawn values keep this far from a kink, so that finite differences do not cross it


@dataclass(frozen=True)
class Input:
    """One argument: its shape, and how it is drawn (None: uniform over the row's domain)."""

    shape: Shape
    draw: Callable[[np.random.Generator, Shape], np.ndarray] | None = None
    label: str = ""

    def __str__(self) -> str:
        return self.label + "x".join(map(str, self.shape)) if self.shape else self.label + "()"


def index(shape: Shape, size: int, low: int = 0) -> Input:
    """Integers from `low` to `size - 1`, repeats included where there are enough of them."""

    def draw(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return rng.integers(low, size, shape)

    return Input(shape, draw, "index")


def mask(shape: Shape) -> Input:
    """Booleans."""
    return Input(shape, lambda rng, shape: rng.random(shape) < 0.5, "mask")


def uniform(shape: Shape, low: float, high: float) -> Input:
    """Floats over a domain of their own."""
    return Input(shape, lambda rng, shape: rng.uniform(low, high, shape), "uniform")


def probabilities(shape: Shape, axis: int = 1) -> Input:
    """Positive floats that sum to one along `axis`."""

    def draw(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        p = rng.uniform(0.1, 1.0, shape)
        return p / p.sum(axis, keepdims=True)

    return Input(shape, draw, "p")


def fixed(values: Any, dtype: Any = None) -> Input:
    """Exactly these values."""
    array = np.array(values, dtype)
    return Input(array.shape, lambda rng, shape: array.copy(), "fixed")


@dataclass(frozen=True)
class Case:
    """The inputs of one call and its keyword options."""

    inputs: tuple[Input, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [*map(str, self.inputs), *(f"{k}={v}" for k, v in self.options.items())]
        return ",".join(words).replace(" ", "")


def case(*inputs: Shape | Input, **options: Any) -> Case:
    """A case; a bare shape stands for floats over the row's domain."""
    return Case(tuple(i if isinstance(i, Input) else Input(i) for i in inputs), options)


@dataclass(frozen=True)
class Pin:
    """A point where the derivative is a matter of choice, and the choice (PyTorch's)."""

    inputs: tuple[Any, ...]
    grads: tuple[Any, ...]  # gradient of the sum of the result, for each float input
    options: Mapping[str, Any] = field(default_factory=dict)


def pin(*inputs: Any, grads: tuple[Any, ...], **options: Any) -> Pin:
    """A `Pin` whose options are given by keyword."""
    return Pin(inputs, grads, options)


@dataclass(frozen=True)
class Error:
    """A call that must be refused: the exception, and what its message must say."""

    exception: type[Exception] | tuple[type[Exception], ...]
    match: str
    case: Case
    call: Callable[..., Any] | None = None  # in place of the row's f
    torch: bool = True  # PyTorch refuses it too
    dtypes: tuple[str, ...] = ()  # of the inputs, float32 where left out


def error(
    exception: type[Exception] | tuple[type[Exception], ...],
    match: str,
    *inputs: Shape | Input,
    call: Callable[..., Any] | None = None,
    torch: bool = True,
    dtypes: tuple[str, ...] = (),
    **options: Any,
) -> Error:
    """An `Error` whose case is given as to `case`."""
    return Error(exception, match, case(*inputs, **options), call, torch, dtypes)


@dataclass(frozen=True)
class Op:
    """One row of the table."""

    name: str
    f: Callable[..., Any]  # f(library, *tensors, **options)
    reference: Callable[..., Any]  # reference(*float64_arrays, **options)
    cases: tuple[Case, ...]
    functions: tuple[str, ...] = ()  # Function classes that this row exercises
    domain: tuple[float, float] = (-2.0, 2.0)
    kinks: tuple[float, ...] = ()  # values where the derivative jumps: never drawn
    distinct: bool = False  # all drawn values differ, so that no maximum is tied
    order: int = 2  # how often the op can be differentiated
    dtypes: Mapping[tuple[str, ...], Any] = field(
        default_factory=dict
    )  # inputs' -> result's, or an exception
    special: tuple[tuple[Any, ...], ...] = ()  # inputs with inf, nan, signed zeros, extremes
    special_options: Mapping[str, Any] = field(default_factory=dict)
    pins: tuple[Pin, ...] = ()
    errors: tuple[Error, ...] = ()
    result: str | None = None  # the result's dtype where it is not the floats' of the inputs
    error_name: str | None = None  # how messages call the op, where not by the row's name
    torch: Callable[..., Any] | bool = (
        True  # False: PyTorch has no such thing; or its own expression
    )

    def __post_init__(self) -> None:
        if self.kinks and not self.pins:
            raise ValueError(f"{self.name}: kinks need pins that say which subgradient is taken")


def draw(op: Op, one: Case, seed: int = 0) -> list[np.ndarray]:
    """The inputs of a case as float64, int64 or bool arrays, the same at every call."""
    rng = np.random.default_rng([zlib.crc32(f"{op.name} {one}".encode()), seed])
    low, high = op.domain
    total = sum(int(np.prod(i.shape)) for i in one.inputs if i.draw is None)
    grid = rng.permutation(np.linspace(low, high, max(total, 2))) if op.distinct else None
    arrays, used = [], 0
    for spec in one.inputs:
        if spec.draw is not None:
            arrays.append(np.asarray(spec.draw(rng, spec.shape)))
            continue
        size = int(np.prod(spec.shape))
        if grid is not None:
            values = grid[used : used + size].reshape(spec.shape)
            used += size
        else:
            values = rng.uniform(low, high, spec.shape)
        for kink in op.kinks:
            near = np.abs(values - kink) < MARGIN
            values = np.where(near, kink + np.where(values < kink, -MARGIN, MARGIN), values)
        arrays.append(np.asarray(values))
    return arrays


LAYOUTS = ("contiguous", "transposed", "strided", "offset", "reversed")


def lay_out(array: np.ndarray, layout: str) -> np.ndarray:
    """The same values in other memory; what lies between them is poison."""
    if array.ndim == 0 or layout == "contiguous":
        return np.array(array, order="C")
    if layout == "transposed":
        return np.array(array.T, order="C").T
    if layout == "reversed":
        back = (slice(None, None, -1),) * array.ndim
        return np.array(array[back], order="C")[back]
    if layout == "strided":
        shape, keys = [2 * n for n in array.shape], [slice(0, 2 * n, 2) for n in array.shape]
    else:  # offset: a window in the middle of a larger array
        shape, keys = [n + 2 for n in array.shape], [slice(1, n + 1) for n in array.shape]
    poison = {"f": np.nan, "i": np.iinfo(np.int32).max, "u": 255, "b": True}[array.dtype.kind]
    buffer = np.full(shape, poison if array.dtype.itemsize > 2 or array.dtype.kind == "f" else 77)
    buffer = buffer.astype(array.dtype)
    view = buffer[tuple(keys)]
    view[...] = array
    return view


def as_list(result: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(result) if isinstance(result, (tuple, list)) else [result]
