"""Shapes of sliding windows (convolution, pooling, unfold), and their errors, for every backend."""

from __future__ import annotations

Pair = tuple[int, int]
Shape = tuple[int, ...]
Sides = tuple[int, int, int, int]  # padding: top, bottom, left, right


def check_window(op: str, kernel: Pair, stride: Pair, padding: Shape, dilation: Pair) -> None:
    """ValueError unless kernel, stride and dilation are positive and no padding is negative."""
    for name, value, least in (
        ("kernel_size", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if min(value) < least:
            raise ValueError(f"{op}: {name} must be at least {least}, got {value}")


def conv2d_shape(
    op: str, x: Shape, w: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Shape:
    """Shape of conv2d's result: OH = (H + top + bottom - d (KH - 1) - 1) // s + 1."""
    if len(x) != 4:
        raise ValueError(f"{op}: x must be (N, C, H, W) or (C, H, W), got {x}")
    if len(w) != 4:
        raise ValueError(f"{op}: w must be (F, C // groups, KH, KW), got {w}")
    if groups < 1:
        raise ValueError(f"{op}: groups must be at least 1, got {groups}")
    check_window(op, (w[2], w[3]), stride, padding, dilation)
    if x[1] != w[1] * groups:
        of = f" * {groups} groups" if groups > 1 else ""
        raise ValueError(
            f"{op}: x has C={x[1]} channels, w expects {w[1] * groups} (x {x}, w {w}{of})"
        )
    if w[0] < 1 or w[0] % groups:
        raise ValueError(f"{op}: w has F={w[0]} filters, not a multiple of groups={groups} (w {w})")
    height, width = x[2] + padding[0] + padding[1], x[3] + padding[2] + padding[3]
    reach_h, reach_w = (w[2] - 1) * dilation[0] + 1, (w[3] - 1) * dilation[1] + 1
    if reach_h > height or reach_w > width:
        raise ValueError(
            f"{op}: the kernel ({reach_h}, {reach_w} with its dilation) is larger than the padded "
            f"input ({height}, {width}) (x {x}, w {w})"
        )
    return x[0], w[0], (height - reach_h) // stride[0] + 1, (width - reach_w) // stride[1] + 1


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


def pool2d_shape(
    op: str, x: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> Shape:
    """Shape of a pooling's result, (N, C, OH, OW)."""
    check_planes(op, x)
    check_window(op, kernel, stride, padding, dilation)
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if 2 * p > d * (k - 1) + 1:
            raise ValueError(
                f"{op}: padding must be at most half of the kernel, got padding {padding}, "
                f"kernel_size {kernel}, dilation {dilation}"
            )
    height, width = (
        pool_size(*sizes, ceil_mode)
        for sizes in zip(x[2:], kernel, stride, padding, dilation, strict=True)
    )
    if height < 1 or width < 1:
        raise ValueError(
            f"{op}: kernel_size {kernel} does not fit into the input, result would be "
            f"({height}, {width}) (x {x}, padding {padding}, dilation {dilation})"
        )
    return x[0], x[1], height, width


def check_planes(op: str, x: Shape) -> None:
    """ValueError unless x is (N, C, H, W), of which only N may be 0."""
    if len(x) != 4 or 0 in x[1:]:
        raise ValueError(f"{op}: x must be a non-empty (N, C, H, W) or (C, H, W), got {x}")


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
