"""Rows: pooling."""

import itertools

import numpy as np

from .conv import each
from .row import Op, case, error, fixed, pin, uniform


def F(lib):
    return lib.nn.functional


def out_size(n, k, s, p, d=1, ceil_mode=False):
    rest = n + 2 * p - d * (k - 1) - 1
    size = (-(-rest // s) if ceil_mode else rest // s) + 1
    if (
        ceil_mode and (size - 1) * s >= n + p
    ):  # the last window must start inside the image or its left border
        size -= 1
    return size


def in_batch(f):
    """The reference f of a batch, for an image alone too."""

    def reference(x, *args, dims=2, **options):
        if x.ndim == dims + 2:
            return f(x, *args, dims=dims, **options)
        result = f(x[None], *[a[None] for a in args], dims=dims, **options)
        return [r[0] for r in result] if isinstance(result, list) else result[0]

    return reference


def greatest(x, windows):
    """Value and position of the maximum of each window, one list of pixels per window and axis."""
    shape = (*x.shape[:2], *map(len, windows))
    values, where = np.full(shape, -np.inf), np.full(shape, -1)
    for at in np.ndindex(*shape[2:]):
        best, place = values[(..., *at)], where[(..., *at)]
        for pixel in itertools.product(*(w[i] for w, i in zip(windows, at))):
            value = x[(..., *pixel)]
            better = (place < 0) | (value > best) | np.isnan(value)
            best = np.where(better, value, best)
            place = np.where(better, np.ravel_multi_index(pixel, x.shape[2:]), place)
        values[(..., *at)], where[(..., *at)] = best, place
    return [values, where]


@in_batch
def max_pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, dims=2):
    k, p, d = each(kernel_size, dims), each(padding, dims), each(dilation, dims)
    s = k if stride is None else each(stride, dims)
    windows = [
        [
            [q for q in (i * s[a] - p[a] + u * d[a] for u in range(k[a])) if 0 <= q < n]
            for i in range(out_size(n, k[a], s[a], p[a], d[a], ceil_mode))
        ]
        for a, n in enumerate(x.shape[2:])
    ]
    return greatest(x, windows)


def adaptive(n, out):
    """The windows of adaptive pooling along one axis."""
    return [range(i * n // out, -(-(i + 1) * n // out)) for i in range(out)]


def wished(output_size, x, dims):
    sizes = each(output_size, dims)
    return [full if n is None else n for n, full in zip(sizes, x.shape[2:])]


@in_batch
def adaptive_max_pool(x, output_size, dims=2):
    size = wished(output_size, x, dims)
    return greatest(x, [adaptive(n, out) for n, out in zip(x.shape[2:], size)])


@in_batch
def adaptive_avg_pool(x, output_size, dims=2):
    size = wished(output_size, x, dims)
    windows = [adaptive(n, out) for n, out in zip(x.shape[2:], size)]
    y = np.empty((*x.shape[:2], *size))
    for at in np.ndindex(*size):
        pixels = np.ix_(*(w[i] for w, i in zip(windows, at)))
        y[(..., *at)] = x[(slice(None), slice(None), *pixels)].mean(tuple(range(2, 2 + dims)))
    return y


@in_batch
def avg_pool(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
    dims=2,
):
    k, p = each(kernel_size, dims), each(padding, dims)
    s = k if stride is None else each(stride, dims)
    size = [out_size(n, *ksp, 1, ceil_mode) for n, *ksp in zip(x.shape[2:], k, s, p)]
    y = np.zeros((*x.shape[:2], *size))
    for at in np.ndindex(*size):
        start = [i * step - q for i, step, q in zip(at, s, p)]
        end = [min(b + w, n + q) for b, w, n, q in zip(start, k, x.shape[2:], p)]
        window = x[(..., *(slice(max(b, 0), e) for b, e in zip(start, end)))]
        seen = np.prod([e - b for b, e in zip(start, end)])
        count = seen if count_include_pad else np.prod(window.shape[2:])
        y[(..., *at)] = window.sum(tuple(range(2, 2 + dims))) / (divisor_override or count)
    return y


def lp_pool(x, norm_type, kernel_size, stride=None, ceil_mode=False, dims=2):
    size = np.prod(each(kernel_size, dims))
    options = dict(kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode, dims=dims)
    mean = avg_pool(np.abs(x) ** norm_type, **options)
    return (mean * size) ** (1 / norm_type)


@in_batch
def max_unpool(x, index, kernel_size, stride=None, padding=0, output_size=None, dims=2):
    k, p = each(kernel_size, dims), each(padding, dims)
    s = k if stride is None else each(stride, dims)
    size = output_size or [(n - 1) * b + a - 2 * q for n, a, b, q in zip(x.shape[2:], k, s, p)]
    y = np.zeros((*x.shape[:2], np.prod(size)))
    np.put_along_axis(y, index.reshape(*x.shape[:2], -1), x.reshape(*x.shape[:2], -1), 2)
    return y.reshape(*x.shape[:2], *size)


def fractional_max_pool(x, samples, kernel_size, output_size, dims=2):
    if x.ndim == dims + 1:
        return fractional_max_pool(x[None], samples, kernel_size, output_size, dims)[0]
    k, size = each(kernel_size, dims), each(output_size, dims)
    y = np.empty((*x.shape[:2], *size))
    for plane in np.ndindex(*x.shape[:2]):
        windows = []
        for a, n in enumerate(x.shape[2:]):
            u = samples[(*plane, 1 - a if dims == 2 else a)]
            step = (n - k[a]) / (size[a] - 1) if size[a] > 1 else 0
            starts = [int((i + u) * step) - int(u * step) for i in range(size[a] - 1)]
            windows.append([range(i, i + k[a]) for i in (*starts, n - k[a])])
        pixels = x[plane][None, None]
        y[plane] = greatest(pixels, windows)[0][0, 0]
    return y


MAX_CASES = (
    case((2, 3, 4, 6), kernel_size=2),
    case((2, 3, 7, 5), kernel_size=2),
    case((2, 3, 7, 5), kernel_size=3, stride=2),
    case((2, 3, 7, 5), kernel_size=1, stride=2),
    case((2, 3, 7, 5), kernel_size=2, stride=3),
    case((1, 2, 7, 5), kernel_size=(3, 2), stride=(1, 2), padding=(1, 0)),
    case((1, 2, 7, 5), kernel_size=3, padding=1, stride=1),
    case((1, 2, 7, 5), kernel_size=2, dilation=2, stride=1),
    case((1, 2, 7, 5), kernel_size=(2, 3), dilation=(3, 1), padding=(1, 1), stride=2),
    case((1, 2, 7, 5), kernel_size=2, ceil_mode=True),
    case((1, 1, 6, 6), kernel_size=3, stride=4, padding=1, ceil_mode=True),
    case((3, 7, 5), kernel_size=2),
    case((0, 3, 4, 4), kernel_size=2),
    case((1, 1, 4, 4), kernel_size=4),
)
AVG_CASES = (
    case((2, 3, 4, 6), kernel_size=2),
    case((2, 3, 7, 5), kernel_size=3, stride=2),
    case((2, 3, 7, 5), kernel_size=2, stride=3),
    case((1, 2, 7, 5), kernel_size=(3, 2), stride=(1, 2), padding=(1, 1)),
    case((1, 2, 7, 5), kernel_size=3, padding=1, count_include_pad=False),
    case((1, 2, 7, 5), kernel_size=2, ceil_mode=True),
    case((1, 2, 7, 5), kernel_size=3, padding=1, stride=2, ceil_mode=True, count_include_pad=False),
    case((1, 2, 7, 5), kernel_size=3, padding=1, stride=2, ceil_mode=True),
    case((1, 2, 4, 4), kernel_size=2, divisor_override=3),
    case((3, 7, 5), kernel_size=2),
    case((0, 3, 4, 4), kernel_size=2),
)
MAX_1D = (
    case((2, 3, 7), kernel_size=2),
    case((2, 3, 7), kernel_size=1, stride=2),
    case((2, 3, 8), kernel_size=2, stride=3),
    case((1, 2, 7), kernel_size=(3,), stride=1, padding=1, dilation=2),
    case((1, 2, 7), kernel_size=2, ceil_mode=True),
    case((3, 7), kernel_size=2),
    case((0, 3, 4), kernel_size=2),
    case((1, 1, 1), kernel_size=1),
)
MAX_3D = (
    case((2, 2, 4, 5, 3), kernel_size=2),
    case((1, 2, 7, 5, 4), kernel_size=1, stride=2),
    case((1, 2, 5, 4, 6), kernel_size=2, stride=3),
    case((1, 2, 5, 4, 6), kernel_size=(3, 2, 2), stride=(2, 1, 2), padding=(1, 0, 1)),
    case((1, 1, 5, 4, 5), kernel_size=2, dilation=(3, 1, 2), stride=1),
    case((1, 1, 5, 4, 3), kernel_size=3, padding=1, stride=2, ceil_mode=True),
    case((2, 3, 4, 5), kernel_size=(3, 2, 1)),
    case((0, 2, 2, 3, 4), kernel_size=2),
    case((1, 1, 1, 1, 1), kernel_size=1),
)
AVG_1D = (
    case((2, 3, 7), kernel_size=2),
    case((2, 3, 8), kernel_size=2, stride=3),
    case((1, 2, 7), kernel_size=(3,), padding=1, stride=2, ceil_mode=True),
    case((1, 2, 7), kernel_size=3, padding=1, count_include_pad=False),
    case((3, 7), kernel_size=2),
    case((0, 3, 4), kernel_size=2),
    case((1, 1, 1), kernel_size=1),
)
AVG_3D = (
    case((2, 2, 4, 5, 3), kernel_size=2),
    case((1, 2, 5, 4, 6), kernel_size=2, stride=3),
    case((1, 2, 5, 4, 6), kernel_size=(3, 2, 2), stride=(2, 1, 2), padding=(1, 0, 1)),
    case((1, 1, 5, 4, 3), kernel_size=3, padding=1, stride=2, ceil_mode=True),
    case(
        (1, 1, 5, 4, 3),
        kernel_size=3,
        padding=1,
        stride=2,
        ceil_mode=True,
        count_include_pad=False,
    ),
    case((1, 1, 4, 2, 3), kernel_size=(2, 2, 3), divisor_override=5),
    case((2, 3, 4, 5), kernel_size=(3, 4, 5)),
    case((0, 2, 2, 3, 4), kernel_size=2),
)
ADAPTIVE_1D = (
    case((2, 3, 7), output_size=3),
    case((2, 3, 7), output_size=(1,)),
    case((1, 2, 3), output_size=5),
    case((3, 7), output_size=2),
    case((0, 3, 7), output_size=2),
)
ADAPTIVE_2D = (
    case((2, 3, 7, 5), output_size=1),
    case((2, 3, 7, 5), output_size=(3, 2)),
    case((1, 2, 4, 6), output_size=(2, 3)),
    case((1, 2, 4, 6), output_size=(None, 2)),
    case((1, 2, 3, 3), output_size=(5, 4)),
    case((3, 7, 5), output_size=(2, 2)),
    case((1, 1, 4, 4), output_size=4),
    case((0, 2, 4, 4), output_size=2),
)
ADAPTIVE_3D = (
    case((2, 2, 5, 4, 3), output_size=1),
    case((1, 2, 5, 4, 3), output_size=(2, 3, 2)),
    case((1, 2, 5, 4, 3), output_size=(None, 2, 4)),
    case((2, 5, 4, 3), output_size=2),
    case((1, 1, 1, 1, 1), output_size=1),
)
LP_CASES = (
    case((2, 3, 7, 5), norm_type=2, kernel_size=2),
    case((2, 3, 7, 5), norm_type=2, kernel_size=(3, 2), stride=2),
    case((1, 2, 7, 5), norm_type=3, kernel_size=2, stride=3, ceil_mode=True),
    case((3, 7, 5), norm_type=1, kernel_size=(1, 2)),
    case((1, 2, 7, 5), norm_type=2.5, kernel_size=2),
)


def unpooled(shape, k, s=None, p=0, output_size=None, dims=2):
    """A case of unpooling: values, and positions all different in their plane."""
    size = output_size or [
        (n - 1) * b + a - 2 * q
        for n, a, b, q in zip(
            shape[-dims:], each(k, dims), each(k if s is None else s, dims), each(p, dims)
        )
    ]
    rng = np.random.default_rng(sum(shape))
    count, area = int(np.prod(shape[-dims:])), int(np.prod(size))
    planes = [rng.permutation(area)[:count] for _ in range(int(np.prod(shape[:-dims])))]
    options = dict(kernel_size=k, stride=s, padding=p)
    if output_size is not None:
        options["output_size"] = output_size
    return case(shape, fixed(np.array(planes, np.int64).reshape(shape)), **options)


ERRORS = (
    error(ValueError, r"\(2, 2\)|kernel", (1, 1, 2, 2), kernel_size=3),
    error(ValueError, r"padding", (1, 1, 4, 4), kernel_size=2, padding=2),
    error(ValueError, r"stride", (1, 1, 4, 4), kernel_size=2, stride=0),
    error(ValueError, r"kernel", (1, 1, 4, 4), kernel_size=0),
    error(ValueError, r"\(4, 4\)|dim|4-D|4-d", (4, 4), kernel_size=2),
)
TIED = np.ones((1, 1, 4, 4)).tolist()
FIRST_OF_4 = [[[[1.0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]]]

VALUES_1D, VALUES_3D = [[[1.0, 1.0, 1.0]]], np.ones((1, 1, 2, 2, 2)).tolist()
FIRST_OF_8 = [[[[[1.0, 0], [0, 0]], [[0, 0], [0, 0]]]]]


def max_row(dims, cases, **more):
    """A row of maximum pooling: values and positions."""
    name = f"max_pool{dims}d"
    return Op(
        name,
        lambda lib, x, **o: getattr(F(lib), name)(x, **o),
        lambda x, **o: max_pool(x, dims=dims, **o)[0],
        cases,
        ("MaxPool", "MaxPoolGrad", "MaxPoolPick"),
        distinct=True,
        **more,
    ), Op(
        f"{name}_indices",
        lambda lib, x, **o: getattr(F(lib), name)(x, return_indices=True, **o)[1],
        lambda x, **o: max_pool(x, dims=dims, **o)[1],
        cases,
        order=0,
        distinct=True,
    )


def avg_row(dims, cases, errors=()):
    name = f"avg_pool{dims}d"
    return Op(
        name,
        lambda lib, x, **o: getattr(F(lib), name)(x, **o),
        lambda x, **o: avg_pool(x, dims=dims, **o),
        cases,
        ("AvgPool", "AvgPoolGrad"),
        dtypes={("bool",): TypeError, ("int64",): "int64"}
        | ({("float16",): "float16"} if dims < 3 else {}),
        errors=errors,
    )


def lp_row(dims, cases, **more):
    name = f"lp_pool{dims}d"
    return Op(
        name,
        lambda lib, x, **o: getattr(F(lib), name)(x, **o),
        lambda x, **o: lp_pool(x, dims=dims, **o),
        cases,
        domain=(0.2, 2.0),
        **more,
    )


def adaptive_rows(dims, cases, wrong):
    """Rows of pooling to a size: means, maxima, and positions of these."""
    avg, maximum = f"adaptive_avg_pool{dims}d", f"adaptive_max_pool{dims}d"
    shape = (1, 1, *[4] * dims)
    errors = (
        error((ValueError, RuntimeError), r"output_size", shape, output_size=wrong),
        error((ValueError, RuntimeError), r"output_size|-1", shape, output_size=-1),
        error(ValueError, r"\(N, C, ", (4,), output_size=1),
        error(ValueError, r"not 0|non-empty", (1, 2, *[0] * dims), output_size=1, torch=False),
        error(
            TypeError, "int64", fixed(np.ones(shape, np.int64)), output_size=1, dtypes=("int64",)
        ),
    )
    return (
        Op(
            avg,
            lambda lib, x, **o: getattr(F(lib), avg)(x, **o),
            lambda x, **o: adaptive_avg_pool(x, dims=dims, **o),
            cases,
            ("AdaptiveAvgPool", "AdaptiveAvgPoolGrad"),
            dtypes={("float16",): "float16", ("bool",): TypeError},
            errors=errors,
        ),
        Op(
            maximum,
            lambda lib, x, **o: getattr(F(lib), maximum)(x, **o),
            lambda x, **o: adaptive_max_pool(x, dims=dims, **o)[0],
            cases,
            ("AdaptiveMaxPool",),
            dtypes={("float16",): "float16", ("int64",): TypeError},
            distinct=True,
            special=((np.array(SPECIAL).reshape(1, 3, *[1] * (dims - 1), 4),),),
            special_options=dict(output_size=1),
            errors=errors,
        ),
        Op(
            f"{maximum}_indices",
            lambda lib, x, **o: getattr(F(lib), maximum)(x, return_indices=True, **o)[1],
            lambda x, **o: adaptive_max_pool(x, dims=dims, **o)[1],
            cases,
            order=0,
            distinct=True,
        ),
    )


def unpool_row(dims, *cases, errors=()):
    name = f"max_unpool{dims}d"
    return Op(
        name,
        lambda lib, x, index, **o: getattr(F(lib), name)(x, index, **o),
        lambda x, index, **o: max_unpool(x, index, dims=dims, **o),
        cases,
        errors=errors,
    )


def fractional_row(dims, *cases, errors=()):
    name = f"fractional_max_pool{dims}d"
    return Op(
        name,
        lambda lib, x, u, **o: getattr(F(lib), name)(x, _random_samples=u, **o),
        lambda x, u, **o: fractional_max_pool(x, u, dims=dims, **o),
        cases,
        ("FractionalMaxPool",),
        distinct=True,
        torch=lambda lib, x, u, **o: getattr(F(lib), name)(x, _random_samples=u.detach(), **o),
        errors=errors,
    )


SPECIAL = [
    [[np.nan, 1.0], [2.0, 3.0]],
    [[-np.inf, -np.inf], [-np.inf, -np.inf]],
    [[np.inf, 1.0], [0.0, -0.0]],
]
OPS = [
    *max_row(
        2,
        MAX_CASES,
        special=(([SPECIAL],),),
        special_options=dict(kernel_size=2),
        dtypes={
            ("float16",): "float16",
            ("int64",): "int64",
            ("uint8",): "uint8",
            ("bool",): TypeError,
        },
        pins=(pin(TIED, grads=(FIRST_OF_4,), kernel_size=2),),
        errors=ERRORS,
    ),
    *max_row(
        1,
        MAX_1D,
        pins=(pin(VALUES_1D, grads=([[[1.0, 0.0, 0.0]]],), kernel_size=2),),
        errors=(
            error(ValueError, r"does not fit", (1, 1, 2), kernel_size=3),
            error(ValueError, r"kernel_size must be an integer", (1, 1, 4), kernel_size=(2, 2)),
            error(ValueError, r"\(N, C, L\)", (4,), kernel_size=2),
        ),
    ),
    *max_row(
        3,
        MAX_3D,
        pins=(pin(VALUES_3D, grads=(FIRST_OF_8,), kernel_size=2),),
        errors=(
            error(ValueError, r"does not fit", (1, 1, 2, 4, 4), kernel_size=3),
            error(ValueError, r"or three", (1, 1, 4, 4, 4), kernel_size=(2, 2)),
            error(ValueError, r"\(N, C, D, H, W\)", (4, 4), kernel_size=2),
        ),
    ),
    avg_row(
        2,
        AVG_CASES,
        (
            *ERRORS,
            error(
                (ValueError, RuntimeError),
                "divisor",
                (1, 1, 4, 4),
                kernel_size=2,
                divisor_override=0,
            ),
        ),
    ),
    avg_row(1, AVG_1D, (error(ValueError, "padding", (1, 1, 4), kernel_size=2, padding=2),)),
    avg_row(3, AVG_3D, (error(ValueError, "does not fit", (1, 1, 2, 4, 4), kernel_size=3),)),
    lp_row(
        2,
        LP_CASES,
        pins=(
            pin(
                [[[0.0, 0.0, 3.0, 4.0]]],
                grads=([[[0.0, 0.0, 0.6, 0.8]]],),
                norm_type=2,
                kernel_size=(1, 2),
            ),
        ),
        errors=(
            error(ValueError, "kernel", (1, 1, 4, 4), norm_type=2, kernel_size=(1, 2, 3)),
            error(ValueError, "does not fit", (1, 1, 4, 2), norm_type=2, kernel_size=3),
            error(ValueError, r"\(N, C, H, W\)", (4, 4), norm_type=2, kernel_size=2),
        ),
    ),
    lp_row(
        1,
        (
            case((2, 3, 7), norm_type=2, kernel_size=3, stride=2),
            case((3, 7), norm_type=3.0, kernel_size=2),
        ),
    ),
    lp_row(
        3,
        (
            case((1, 2, 5, 4, 3), norm_type=2, kernel_size=2),
            case((2, 5, 4, 3), norm_type=2, kernel_size=(3, 2, 1), stride=1, ceil_mode=True),
        ),
    ),
    *adaptive_rows(1, ADAPTIVE_1D, (2, 2)),
    *adaptive_rows(2, ADAPTIVE_2D, (2, 2, 2)),
    *adaptive_rows(3, ADAPTIVE_3D, (2, 2)),
    unpool_row(1, unpooled((2, 3, 4), 2, dims=1), unpooled((3, 3), 3, 2, 1, dims=1)),
    unpool_row(
        2,
        unpooled((2, 3, 3, 2), 2),
        unpooled((1, 2, 3, 4), (3, 2), (2, 3), (1, 0)),
        unpooled((2, 3, 2), 2, output_size=(7, 5)),
        errors=(
            error(
                IndexError,
                "9",
                (1, 2, 2),
                fixed([[[0, 1], [2, 9]]]),
                kernel_size=1,
                dtypes=("float32", "int64"),
            ),
            error(
                IndexError,
                "-1",
                (1, 1, 2),
                fixed([[[0, -1]]]),
                kernel_size=1,
                dtypes=("float32", "int64"),
            ),
            error(
                ValueError,
                "one shape",
                (1, 1, 2),
                fixed([[[0]]]),
                kernel_size=1,
                dtypes=("float32", "int64"),
            ),
            error(TypeError, "indices", (1, 1, 2), (1, 1, 2), kernel_size=1),
            error(
                ValueError,
                "output_size",
                (1, 1, 2),
                fixed([[[0, 1]]]),
                kernel_size=2,
                output_size=(9, 9),
                dtypes=("float32", "int64"),
            ),
        ),
    ),
    unpool_row(
        3, unpooled((1, 2, 2, 3, 2), 2, dims=3), unpooled((2, 2, 2, 2), 2, (2, 1, 3), dims=3)
    ),
    fractional_row(
        2,
        case((2, 3, 7, 5), uniform((2, 3, 2), 0.0, 1.0), kernel_size=2, output_size=(4, 3)),
        case((1, 2, 9, 8), uniform((1, 2, 2), 0.0, 1.0), kernel_size=(3, 2), output_size=(5, 1)),
        case((2, 6, 6), uniform((1, 2, 2), 0.0, 1.0), kernel_size=2, output_size=3),
        errors=(
            error(
                ValueError,
                "do not fit",
                (1, 1, 4, 4),
                uniform((1, 1, 2), 0.0, 1.0),
                kernel_size=3,
                output_size=3,
            ),
            error(
                ValueError,
                "one of output_size",
                (1, 1, 4, 4),
                uniform((1, 1, 2), 0.0, 1.0),
                kernel_size=3,
            ),
            error(
                ValueError,
                "output_ratio",
                (1, 1, 4, 4),
                uniform((1, 1, 2), 0.0, 1.0),
                kernel_size=2,
                output_ratio=1.5,
            ),
            error(
                ValueError,
                "samples",
                (1, 1, 4, 4),
                uniform((1, 2, 2), 0.0, 1.0),
                kernel_size=2,
                output_size=2,
            ),
        ),
    ),
    fractional_row(
        3,
        case((1, 2, 5, 4, 6), uniform((1, 2, 3), 0.0, 1.0), kernel_size=2, output_size=(3, 2, 4)),
    ),
]
