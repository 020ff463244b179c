"""Shapes of sliding windows (convolution, pooling, unfold), and their errors, for every backend."""

from __future__ import annotations

Pair = tuple[int, int]
Shape = tuple[int, ...]
Steps = tuple[int, ...]  # one number for each dimension of the image
Sides = tuple[
    int, ...
]  # padding before and after, dimension by dimension: top, bottom, left, right

# What messages call an image, by the number of its dimensions.
IMAGES = {
    1: "(N, C, L) or (C, L)",
    2: "(N, C, H, W) or (C, H, W)",
    3: "(N, C, D, H, W) or (C, D, H, W)",
}
FILTERS = {
    1: "(F, C // groups, K)",
    2: "(F, C // groups, KH, KW)",
    3: "(F, C // groups, KD, KH, KW)",
}


def check_window(op: str, kernel: Steps, stride: Steps, padding: Shape, dilation: Steps) -> None:
    """ValueError unless kernel, stride and dilation are positive and no padding is negative."""
    for name, value, least in (
        ("kernel_size", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if min(value) < least:
            raise ValueError(f"{op}: {name} must be at least {least}, got {value}")


def conv_shape(
    op: str, x: Shape, w: Shape, stride: Steps, padding: Sides, dilation: Steps, groups: int
) -> Shape:
    """Shape of a convolution's result: OH = (H + top + bottom - d (KH - 1) - 1) // s + 1."""
    dims = len(stride)
    if len(x) != dims + 2:
        raise ValueError(f"{op}: x must be {IMAGES[dims]}, got {x}")
    if len(w) != dims + 2:
        raise ValueError(f"{op}: w must be {FILTERS[dims]}, got {w}")
    if groups < 1:
        raise ValueError(f"{op}: groups must be at least 1, got {groups}")
    check_window(op, w[2:], stride, padding[::2], dilation)  # behind, less than 0 leaves some out
    if x[1] != w[1] * groups:
        of = f" * {groups} groups" if groups > 1 else ""
        raise ValueError(
            f"{op}: x has C={x[1]} channels, w expects {w[1] * groups} (x {x}, w {w}{of})"
        )
    if w[0] < 1 or w[0] % groups:
        raise ValueError(f"{op}: w has F={w[0]} filters, not a multiple of groups={groups} (w {w})")
    size = tuple([n + padding[2 * i] + padding[2 * i + 1] for i, n in enumerate(x[2:])])
    reach = tuple([(k - 1) * d + 1 for k, d in zip(w[2:], dilation, strict=True)])
    if any(r > n for r, n in zip(reach, size, strict=True)):
        raise ValueError(
            f"{op}: the kernel ({', '.join(map(str, reach))} with its dilation) is larger than the "
            f"padded input {size} (x {x}, w {w})"
        )
    out = [(n - r) // s + 1 for n, r, s in zip(size, reach, stride, strict=True)]
    return x[0], w[0], *out


def pool_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    """Number of windows along one axis.

    With `ceil` a last window may hang over the end, if it starts inside the input or the padding
    before it.
    """
    free = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil:
        return free // stride + 1
    count = -(-free // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def pool_shape(
    op: str, x: Shape, kernel: Steps, stride: Steps, padding: Steps, dilation: Steps, ceil: bool
) -> Shape:
    """Shape of a pooling's result, (N, C, OH, OW)."""
    check_planes(op, x, len(kernel))
    check_window(op, kernel, stride, padding, dilation)
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if 2 * p > d * (k - 1) + 1:
            raise ValueError(
                f"{op}: padding must be at most half of the kernel, got padding {padding}, "
                f"kernel_size {kernel}, dilation {dilation}"
            )
    size = tuple(
        [
            pool_size(*sizes, ceil)
            for sizes in zip(x[2:], kernel, stride, padding, dilation, strict=True)
        ]
    )
    if min(size) < 1:
        raise ValueError(
            f"{op}: kernel_size {kernel} does not fit into the input, result would be "
            f"{size} (x {x}, padding {padding}, dilation {dilation})"
        )
    return x[0], x[1], *size


def check_planes(op: str, x: Shape, dims: int) -> None:
    """ValueError unless x is (N, C) and so many dimensions more, of which only N may be 0."""
    if len(x) != dims + 2 or 0 in x[1:]:
        raise ValueError(f"{op}: x must be a non-empty {IMAGES[dims]}, got {x}")


def unfold_size(
    op: str, size: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair
) -> Pair:
    """Number of windows in each direction, (OH, OW)."""
    check_window(op, kernel, stride, padding, dilation)
    rows, columns = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True)
    )
    if rows < 1 or columns < 1:
        raise ValueError(
            f"{op}: kernel_size {kernel} with dilation {dilation} does not fit into an image of "
            f"{size} with padding {padding}"
        )
    return rows, columns
