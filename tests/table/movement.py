"""Rows: shapes, views, joining and splitting, padding."""

import numpy as np

from .row import Op, case, error

ANY = {(d,): d for d in ("int8", "int64", "uint8", "bool", "float16")}


def F(lib):
    return lib.nn.functional


def plain(name, f, reference, cases, functions=(), dtypes=ANY, **more):
    return Op(name, f, reference, cases, functions, dtypes=dtypes, **more)


def np_pad(x, pad, mode="constant", value=0.0):
    """F.pad from NumPy: pairs count from the last dim, negative numbers crop."""
    for i in range(len(pad) // 2):
        axis, (low, high) = x.ndim - 1 - i, pad[2 * i : 2 * i + 2]
        widths = [(0, 0)] * x.ndim
        widths[axis] = (max(low, 0), max(high, 0))
        more = {"constant_values": value} if mode == "constant" else {}
        x = np.pad(x, widths, {"replicate": "edge", "circular": "wrap"}.get(mode, mode), **more)
        keep = [slice(None)] * x.ndim
        keep[axis] = slice(max(-low, 0), x.shape[axis] - max(-high, 0))
        x = x[tuple(keep)]
    return x


def np_split(x, size, dim=0):
    sizes = [size] * -(-x.shape[dim] // size) if isinstance(size, int) else size
    return np.split(x, np.cumsum(sizes)[:-1], axis=dim)


def np_chunk(x, n, dim=0):
    return np_split(x, max(-(-x.shape[dim] // n), 1), dim)


def np_unflatten(x, dim, sizes):
    dim %= x.ndim
    return x.reshape(*x.shape[:dim], *sizes, *x.shape[dim + 1 :])


def np_flatten(x, start_dim=0, end_dim=-1):
    if x.ndim == 0:
        return x.reshape(1)
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return (
        x.reshape(*x.shape[:start], -1, *x.shape[end + 1 :])
        if x.size
        else x.reshape(
            *x.shape[:start], int(np.prod(x.shape[start : end + 1])), *x.shape[end + 1 :]
        )
    )


def np_squeeze(x, dim=None):
    if dim is None:
        return np.squeeze(x)
    dims = [d % max(x.ndim, 1) for d in (dim if isinstance(dim, tuple) else (dim,))]
    return np.squeeze(x, tuple(d for d in dims if x.ndim and x.shape[d] == 1))


OUT_OF_RANGE = "out of range"

OPS = [
    plain(
        "reshape",
        lambda lib, x, shape: x.reshape(shape),
        lambda x, shape: x.reshape(shape),
        (
            case((3, 4), shape=(2, 6)),
            case((3, 4), shape=(-1,)),
            case((2, 3, 4), shape=(4, -1, 2)),
            case((), shape=(1, 1)),
            case((1,), shape=()),
            case((0, 3), shape=(3, 0)),
            case((12,), shape=(3, 4)),
        ),
        ("Reshape",),
        errors=(
            error(ValueError, r"\(5, 2\).*12", (3, 4), shape=(5, 2)),
            error(ValueError, r"-1", (3, 4), shape=(-1, -1)),
            error(ValueError, r"\(-1, 5\)", (3, 4), shape=(-1, 5)),
            error(ValueError, r"-2|negative", (3, 4), shape=(-2, 6)),
        ),
    ),
    plain(
        "view",
        lambda lib, x, shape: x.contiguous().view(*shape),
        lambda x, shape: x.reshape(shape),
        (case((3, 4), shape=(2, 6)), case((3, 4), shape=(-1, 3)), case((2, 3, 4), shape=(6, 4))),
        errors=(
            error(ValueError, r"view", (3, 4), call=lambda lib, x: x.transpose(0, 1).view(12)),
        ),
    ),
    plain(
        "transpose",
        lambda lib, x, a, b: x.transpose(a, b),
        lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x,
        (
            case((3, 4), a=0, b=1),
            case((2, 3, 4), a=0, b=-1),
            case((2, 3, 4), a=1, b=1),
            case((0, 3), a=1, b=0),
            case((), a=0, b=-1),
        ),
        ("Permute",),
        errors=(error(IndexError, OUT_OF_RANGE, (3, 4), a=0, b=2),),
    ),
    plain(
        "T", lambda lib, x: x.T, np.transpose, (case((3, 4)), case((4, 4))), error_name="transpose"
    ),
    plain(
        "mT",
        lambda lib, x: x.mT,
        lambda x: np.swapaxes(x, -1, -2),
        (case((2, 3, 4)),),
        error_name="transpose",
    ),
    plain(
        "permute",
        lambda lib, x, dims: x.permute(dims),
        lambda x, dims: np.transpose(x, dims),
        (
            case((3, 4), dims=(1, 0)),
            case((2, 3, 4), dims=(2, 0, 1)),
            case((2, 3, 4), dims=(-1, 0, -2)),
            case((), dims=()),
            case((3, 3, 3), dims=(1, 2, 0)),
            case((2, 0, 3), dims=(2, 0, 1)),
        ),
        ("Permute",),
        errors=(
            error(ValueError, r"\(0, 0\)|repeat|duplicate", (3, 4), dims=(0, 0)),
            error(ValueError, r"2 dimensions", (3, 4), dims=(0,)),
            error(IndexError, OUT_OF_RANGE, (3, 4), dims=(0, 2)),
        ),
    ),
    plain(
        "squeeze",
        lambda lib, x, **o: x.squeeze(**o),
        np_squeeze,
        (
            case((1, 3, 1)),
            case((1, 3, 1), dim=0),
            case((1, 3, 1), dim=1),
            case((1, 3, 1), dim=-1),
            case((1, 3, 1), dim=(0, 2)),
            case(()),
            case((1, 0, 1)),
        ),
        errors=(error(IndexError, OUT_OF_RANGE, (1, 3), dim=2),),
    ),
    plain(
        "unsqueeze",
        lambda lib, x, dim: x.unsqueeze(dim),
        lambda x, dim: np.expand_dims(x, dim),
        (
            case((3, 4), dim=0),
            case((3, 4), dim=1),
            case((3, 4), dim=-1),
            case((), dim=0),
            case((0,), dim=0),
        ),
        errors=(error(IndexError, OUT_OF_RANGE, (3, 4), dim=3),),
    ),
    plain(
        "expand",
        lambda lib, x, shape: x.expand(*shape),
        lambda x, shape: np.broadcast_to(
            x, [n if n >= 0 else m for n, m in zip(shape, (1,) * (len(shape) - x.ndim) + x.shape)]
        ),
        (
            case((3, 1), shape=(3, 4)),
            case((1, 3, 1), shape=(2, -1, 4)),
            case((4,), shape=(3, 4)),
            case((), shape=(2, 3)),
            case((3, 4), shape=(3, 4)),
            case((1, 3), shape=(0, 3)),
            case((1,), shape=(67,)),
        ),
        ("Expand", "SumTo"),
        errors=(
            error(ValueError, r"\(3, 4\).*\(5, 4\)|\(5, 4\).*\(3, 4\)", (3, 4), shape=(5, 4)),
            error(ValueError, r"\(3, 4\).*\(4,\)|\(4,\).*\(3, 4\)", (3, 4), shape=(4,)),
        ),
    ),
    plain(
        "expand_square",
        lambda lib, x: x.expand(4, 4) * x.reshape(1, 4),
        lambda x: np.broadcast_to(x, (4, 4)) * x.reshape(1, 4),
        (case((4, 1)), case((4, 1))),
        dtypes={},
    ),
    plain(
        "flatten",
        lambda lib, x, **o: x.flatten(**o),
        np_flatten,
        (
            case((2, 3, 4)),
            case((2, 3, 4), start_dim=1),
            case((2, 3, 4), start_dim=0, end_dim=1),
            case(()),
            case((0, 3)),
            case((5,)),
            case((2, 0, 3), start_dim=1),
        ),
        errors=(
            error(IndexError, OUT_OF_RANGE, (2, 3), start_dim=2),
            error((ValueError, RuntimeError), "start_dim", (2, 3), start_dim=1, end_dim=0),
        ),
    ),
    plain(
        "unflatten",
        lambda lib, x, dim, sizes: x.unflatten(dim, sizes),
        np_unflatten,
        (case((2, 12), dim=1, sizes=(3, 4)), case((12, 2), dim=0, sizes=(3, -1))),
        errors=(error(ValueError, "12", (2, 12), dim=1, sizes=(5, 2)),),
    ),
    plain(
        "cat",
        lambda lib, *xs, **o: lib.cat(xs, **o),
        lambda *xs, dim=0: np.concatenate(xs, dim),
        (
            case((2, 3), (4, 3)),
            case((2, 3), (2, 1), (2, 2), dim=1),
            case((2, 3, 1), (2, 3, 4), dim=-1),
            case((0, 3), (2, 3)),
            case((3,)),
            case((3, 3), (3, 3), dim=1),
        ),
        ("Cat",),
        dtypes={
            ("int64", "float32"): "float32",
            ("uint8", "int8"): "int16",
            ("bool", "bool"): "bool",
        },
        errors=(
            error(ValueError, r"\(2, 3\).*\(2, 4\)", (2, 3), (2, 4)),
            error(IndexError, OUT_OF_RANGE, (2, 3), (2, 3), dim=2),
            error(ValueError, "empty|at least one", call=lambda lib: lib.cat([])),
            error(ValueError, "zero-dim|0-d", (), ()),
        ),
    ),
    plain(
        "cat_self",
        lambda lib, x: lib.cat([x, x * x, x]),
        lambda x: np.concatenate([x, x * x, x]),
        (case((2, 3)),),
        dtypes={},
    ),
    plain(
        "stack",
        lambda lib, *xs, **o: lib.stack(xs, **o),
        lambda *xs, dim=0: np.stack(xs, dim),
        (
            case((2, 3), (2, 3)),
            case((2, 3), (2, 3), (2, 3), dim=1),
            case((2, 3), (2, 3), dim=-1),
            case((), ()),
            case((0,), (0,)),
        ),
        dtypes={("int64", "float32"): "float32", ("bool", "bool"): "bool"},
        errors=(
            error(ValueError, r"\(2, 3\).*\(3, 2\)", (2, 3), (3, 2)),
            error(IndexError, OUT_OF_RANGE, (2, 3), (2, 3), dim=3),
        ),
    ),
    plain(
        "split",
        lambda lib, x, size, **o: x.split(size, **o),
        np_split,
        (
            case((6, 2), size=3),
            case((7, 2), size=3),
            case((2, 7), size=[1, 4, 2], dim=1),
            case((2, 3), size=5),
            case((4, 4), size=2, dim=-1),
            case((3,), size=[3, 0]),
        ),
        ("Split",),
        errors=(
            error(ValueError, "7", (7,), size=[3, 3]),
            error(IndexError, OUT_OF_RANGE, (7,), size=2, dim=1),
            error((ValueError, RuntimeError), "length", (7,), size=-1),
        ),
    ),
    plain(
        "chunk",
        lambda lib, x, n, **o: x.chunk(n, **o),
        np_chunk,
        (
            case((6, 2), n=3),
            case((7, 2), n=3),
            case((2, 7), n=2, dim=1),
            case((2, 3), n=5),
            case((5,), n=4),
        ),
        errors=(error((ValueError, RuntimeError), "chunk", (7,), n=0),),
    ),
    plain(
        "unbind",
        lambda lib, x, **o: x.unbind(**o),
        lambda x, dim=0: list(np.moveaxis(x, dim, 0)),
        (case((3, 2)), case((2, 3, 4), dim=-1)),
        errors=(error(IndexError, OUT_OF_RANGE, (7,), dim=1),),
    ),
    plain(
        "split_partly_used",
        lambda lib, x: lib.split(x, 2, 0)[1] * 3,
        lambda x: np_split(x, 2)[1] * 3,
        (case((6, 2)),),
        dtypes={},
    ),
    plain(
        "flip",
        lambda lib, x, dims: x.flip(dims),
        lambda x, dims: np.flip(x, dims),
        (
            case((3, 4), dims=(0,)),
            case((3, 4), dims=(0, 1)),
            case((2, 3, 4), dims=(-1, 0)),
            case((0, 3), dims=(0,)),
            case((4, 4), dims=(1,)),
        ),
        ("Flip",),
        errors=(
            error(IndexError, OUT_OF_RANGE, (3, 4), dims=(2,)),
            error((ValueError, RuntimeError), "dim", (3, 4), dims=(0, 0)),
        ),
    ),
    plain(
        "pad",
        lambda lib, x, pad, **o: F(lib).pad(x, pad, **o),
        np_pad,
        (
            case((3, 4), pad=(1, 2)),
            case((3, 4), pad=(1, 2, 3, 0)),
            case((3, 4), pad=(0, 0, 1, 0), value=2.5),
            case((2, 3, 4), pad=(-1, 2)),
            case((3, 4), pad=(-1, -1, -1, 0)),
            case((2, 0), pad=(1, 1)),
            case((2, 3, 4, 5), pad=(1, 0, 0, 1, 2, 0)),
            case((4, 4), pad=(2, 0)),
        ),
        ("Pad",),
        errors=(
            error(ValueError, "pad", (3, 4), pad=(1,)),
            error(ValueError, "pad", (3,), pad=(1, 1, 1, 1)),
            error(TypeError, "pad", call=lambda lib: F(lib).pad([1.0], (1, 1))),
            error(ValueError, "-5|negative", (3,), pad=(-5, 0)),
            error(
                (ValueError, NotImplementedError), "sideways", (3, 4), pad=(1, 1), mode="sideways"
            ),
        ),
    ),
    plain(
        "contiguous",
        lambda lib, x: x.transpose(0, 1).contiguous(),
        np.transpose,
        (case((3, 4)),),
        error_name="contiguous",
    ),
    plain(
        "clone",
        lambda lib, x: x.clone(),
        np.copy,
        (case((3, 4)), case(()), case((0, 2))),
        ("Clone",),
    ),
    plain(
        "copy_",
        lambda lib, x, y: x.clone().copy_(y),
        lambda x, y: np.broadcast_to(y, x.shape),
        (case((3, 4), (3, 4)), case((3, 4), (4,)), case((), ())),
        ("CopyInto",),
        dtypes={("int64", "float32"): "int64", ("float32", "int64"): "float32"},
        errors=(error(ValueError, r"\(3, 4\)", (4,), (3, 4)),),
    ),
    plain(
        "select",
        lambda lib, x, dim, index: lib.select(x, dim, index),
        lambda x, dim, index: np.take(x, index, dim),
        (case((3, 4), dim=0, index=-1), case((3, 4), dim=-1, index=2)),
        errors=(
            error(IndexError, "4", (3, 4), dim=0, index=4),
            error(IndexError, OUT_OF_RANGE, (3, 4), dim=2, index=0),
        ),
    ),
    plain(
        "narrow",
        lambda lib, x, dim, start, length: lib.narrow(x, dim, start, length),
        lambda x, dim, start, length: np.take(x, range(start, start + length), dim),
        (case((3, 4), dim=1, start=1, length=2), case((3, 4), dim=0, start=0, length=0)),
        errors=(
            error((ValueError, IndexError, RuntimeError), "3", (3, 4), dim=0, start=2, length=2),
        ),
    ),
    plain("t", lambda lib, x: x.t(), np.transpose, (case((3, 4)), case((3,)))),
    plain(
        "movedim",
        lambda lib, x, a, b: x.movedim(a, b),
        lambda x, a, b: np.moveaxis(x, a, b),
        (case((2, 3, 4), a=0, b=2), case((2, 3, 4), a=-1, b=0)),
    ),
    plain(
        "broadcast_to",
        lambda lib, x, shape: lib.broadcast_to(x, shape),
        lambda x, shape: np.broadcast_to(x, shape),
        (case((3, 1), shape=(2, 3, 4)),),
    ),
]
