"""Random tensors, and random draws from tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from naivegrad import dtype as dtypes
from naivegrad.backend.promotion import is_differentiable, is_floating
from naivegrad.device import backend_of
from naivegrad.ops._args import (
    into,
    new_shape,
    new_tensor,
    numpy_dtype,
    require_floating,
    require_tensor,
)
from naivegrad.random import Generator, default_generator
from naivegrad.tensor import Tensor, wrap


def draw(
    kind: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    a: float,
    b: float,
    generator: Generator | None,
    backend: Any,
) -> Any:
    """An array from the stream of the generator."""
    if dtype.kind == "c":  # two real numbers each; normal ones have half of the variance each
        real = dtypes.from_numpy(dtype).to_real().numpy
        b = b * math.sqrt(0.5) if kind == "normal" else b
        parts = draw(kind, (*shape, 2), real, 0.0, b, generator, backend)
        return backend.binary("add", backend.view_as_complex(parts), a)
    words = math.prod(shape) * (2 if dtype == np.float64 else 1)
    seed, offset = (generator or default_generator).reserve(words)
    return backend.random(kind, shape, dtype, float(a), float(b), seed, offset)


def _float_type(op: str, dtype: Any, out: Tensor | None = None) -> np.dtype[Any]:
    wish = numpy_dtype(dtype, out=out)
    if not is_differentiable(wish):
        raise TypeError(f"{op}: a floating-point or complex dtype is needed, got {dtype}")
    return wish


def rand(
    *lengths: Any,
    size: Sequence[int] = (),
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers in [0, 1): multiples of 2^-24 for float32, of 2^-53 for float64.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.rand(2, 3).shape
    (2, 3)
    """
    backend = backend_of(device)
    array = draw(
        "uniform",
        new_shape(lengths or size, "rand"),
        _float_type("rand", dtype, out),
        0,
        1,
        generator,
        backend,
    )
    return new_tensor(array, backend, requires_grad, out, "rand")


def randn(
    *lengths: Any,
    size: Sequence[int] = (),
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers of mean 0 and standard deviation 1.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.randn(2, 3).shape
    (2, 3)
    """
    backend = backend_of(device)
    array = draw(
        "normal",
        new_shape(lengths or size, "randn"),
        _float_type("randn", dtype, out),
        0,
        1,
        generator,
        backend,
    )
    return new_tensor(array, backend, requires_grad, out, "randn")


def randint(
    *arguments: Any,
    low: int | None = None,
    high: int | None = None,
    size: Sequence[int] | None = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """randint(high, size) or randint(low, high, size): integers in [low, high).

    Their type is int64 unless told otherwise. Each is as likely as the next to within
    (high - low) / 2^64. ValueError where no integer lies in between, or the dtype cannot hold them.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.randint(5, 6, (2,))
    tensor([5, 5])
    """
    op = "randint"
    given = list(arguments)
    if size is None:
        if not given or not isinstance(given[-1], tuple | list):
            raise TypeError(f"{op}: expects (high, size) or (low, high, size), got {arguments}")
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    if given or high is None:
        raise TypeError(f"{op}: expects (high, size) or (low, high, size), got {arguments}")
    backend = backend_of(device)
    wish = numpy_dtype(dtype, np.dtype(np.int64), out)
    array = draw_integers(op, low, high, new_shape((tuple(size),), op), wish, generator, backend)
    return new_tensor(array, backend, requires_grad, out, "randint")


def draw_integers(
    op: str,
    low: int,
    high: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    generator: Any,
    backend: Any,
) -> Any:
    """An array of integers in [low, high) from the stream of the generator."""
    low, high = int(low), int(high)
    if low >= high:
        raise ValueError(f"{op}: no integer lies in [{low}, {high})")
    least, most = limits_of(dtype)
    if low < max(least, -(1 << 63)) or high - 1 > min(most, (1 << 63) - 1):
        raise ValueError(
            f"{op}: {dtypes.from_numpy(dtype)} cannot hold all integers in [{low}, {high})"
        )
    seed, offset = (generator or default_generator).reserve(2 * math.prod(shape))
    return backend.cast(backend.random_integers(shape, low, high, seed, offset), dtype)


def limits_of(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The integers that a type holds, all of them in between included."""
    if dtype.kind == "b":
        return 0, 1
    if is_floating(dtype):
        most = round(2 / dtypes.finfo(dtype).eps)
        return -most, most
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """0 ... n - 1 in random order, int64; every order is as likely as any other.

    Examples
    --------
    >>> import naivegrad as ng
    >>> sorted(ng.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    (n,) = new_shape((n,), "randperm")
    backend = backend_of(device)
    seed, offset = (generator or default_generator).reserve(2 * n)
    array = backend.random_permutation(n, seed, offset)
    array = backend.cast(array, numpy_dtype(dtype, array.dtype, out))
    return new_tensor(array, backend, requires_grad, out, "randperm")


def rand_like(
    input: Tensor,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """`rand` of the shape, type and device of another tensor."""
    return _like("rand_like", "uniform", 0, 1, input, generator, dtype, device, requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """`randn` of the shape, type and device of another tensor."""
    return _like("randn_like", "normal", 0, 1, input, generator, dtype, device, requires_grad)


def _like(
    op: str,
    kind: str,
    a: float,
    b: float,
    x: Any,
    generator: Any,
    dtype: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    require_tensor(x, op)
    wish = _float_type(op, x.array.dtype if dtype is None else dtype)
    backend = x.backend if device is None else backend_of(device)
    return new_tensor(
        draw(kind, x.array.shape, wish, a, b, generator, backend), backend, requires_grad
    )


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """randint_like(x, high) or randint_like(x, low, high): of the shape, type and device of x."""
    op = "randint_like"
    require_tensor(input, op)
    if high is None:
        low, high = 0, low
    backend = input.backend if device is None else backend_of(device)
    wish = numpy_dtype(dtype, input.array.dtype)
    array = draw_integers(op, low, high, input.array.shape, wish, generator, backend)
    return new_tensor(array, backend, requires_grad)


def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers. With Tensors for mean or std, one number for each of their elements.

    ValueError for a negative standard deviation.
    """
    op = "normal"
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if size is not None:
            raise TypeError(f"{op}: size is given by the tensors mean and std")
        least = std.min().item() if isinstance(std, Tensor) and math.prod(std.array.shape) else std
        if not isinstance(least, Tensor) and least < 0:
            raise ValueError(f"{op}: std must not be negative, got {least}")
        like = (mean + std) if isinstance(mean, Tensor) else (std + mean)
        z = _like(op, "normal", 0, 1, like, generator, dtype, device, False)
        result = into(out, (z * std + mean).detach(), op)
        return result.requires_grad_() if requires_grad else result
    if std < 0:
        raise ValueError(f"{op}: std must not be negative, got {std}")
    if size is None:
        raise TypeError(f"{op}: size is needed where mean and std are numbers")
    backend = backend_of(device)
    shape = new_shape((tuple(size),), op)
    return new_tensor(
        draw("normal", shape, _float_type(op, dtype, out), mean, std, generator, backend),
        backend,
        requires_grad,
        out,
        op,
    )


def bernoulli(
    input: Tensor,
    p: float | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """1 with the probability given by each element (or by p), else 0, in the input's type.

    ValueError for probabilities outside [0, 1].

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.bernoulli(ng.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    op = "bernoulli"
    require_tensor(input, op)
    if p is not None:
        check_probability(op, p)
        array = draw(
            "bernoulli", input.array.shape, input.array.dtype, p, 0, generator, input.backend
        )
        return into(out, wrap(array, input.backend), op)
    require_floating(input, op)
    x = input.detach()
    if not bool(((x >= 0) & (x <= 1)).all()):
        raise ValueError(f"{op}: probabilities must be in [0, 1]")
    return into(out, (rand_like(x, generator=generator) < x).to(x.dtype), op)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson distributed counts, of the rate that each element gives, in the input's type.

    ValueError for negative rates.
    """
    op = "poisson"
    require_floating(input, op)
    x = input.detach()
    if not bool((x >= 0).all()):
        raise ValueError(f"{op}: rates must not be negative")
    seed, offset = (generator or default_generator).reserve(4)
    return wrap(x.backend.poisson(x.array, seed, offset), x.backend)


def check_probability(op: str, p: float) -> None:
    """ValueError unless p is in [0, 1]."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{op}: the probability must be in [0, 1], got {p}")


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Draw indices with probabilities proportional to weights, from each row by itself.

    Parameters
    ----------
    input : Tensor, (n,) or (m, n), floating point, not negative; need not add up to 1
    num_samples : how many from each row
    replacement : whether an index may be drawn again

    Returns
    -------
    Tensor of int64, (num_samples,) or (m, num_samples)

    Raises
    ------
    ValueError
        Negative, infinite or NaN weights, a row of zeros, more samples than weights above 0 without
        replacement.

    Notes
    -----
    With replacement: a uniform number looked up in the cumulative weights. Without: the num_samples
    smallest of exponential waiting times E_i / w_i.

    References
    ----------
    Efraimidis & Spirakis 2006, "Weighted random sampling with a reservoir".
    """
    op = "multinomial"
    require_floating(input, op)
    if input.array.ndim not in (1, 2):
        raise ValueError(f"{op}: input must be (n,) or (m, n), got {input.array.shape}")
    if num_samples < 1:
        raise ValueError(f"{op}: num_samples must be positive, got {num_samples}")
    backend = input.backend
    weights = backend.to_numpy(input.array).astype(np.float64)
    rows = np.atleast_2d(weights)
    if not np.isfinite(rows).all() or (rows < 0).any():
        raise ValueError(f"{op}: weights must be finite and not negative")
    totals = rows.sum(-1, keepdims=True)
    if (totals == 0).any():
        raise ValueError(f"{op}: a row of weights adds up to 0")
    if replacement:
        u = backend.to_numpy(
            draw(
                "uniform", (len(rows), num_samples), np.dtype(np.float64), 0, 1, generator, backend
            )
        )
        steps = np.cumsum(rows, -1)
        picks = [np.searchsorted(s, v * s[-1], side="right") for s, v in zip(steps, u, strict=True)]
        index = np.stack(picks) if picks else np.empty((0, num_samples))
    else:
        if ((rows > 0).sum(-1) < num_samples).any():
            raise ValueError(
                f"{op}: {num_samples} different indices, but a row has fewer weights above 0"
            )
        u = backend.to_numpy(
            draw("uniform", rows.shape, np.dtype(np.float64), 0, 1, generator, backend)
        )
        with np.errstate(divide="ignore"):
            times = -np.log1p(-u) / rows
        times[rows == 0] = np.inf
        index = np.argsort(times, -1, kind="stable")[:, :num_samples]
    index = np.ascontiguousarray(index, np.int64).reshape(*weights.shape[:-1], num_samples)
    return into(out, wrap(backend.from_numpy(index), backend), op)
