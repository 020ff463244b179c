"""Convolution and pooling as operations on Tensors: every kind of derivative, arguments, errors."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.autograd import grad
from naivegrad.autograd.forward import jvp

CASES = {
    "conv2d": (lambda x, w, b: ng.conv2d(x, w, b, padding=1), (2, 3, 5, 4), (4, 3, 3, 3), (4,)),
    "conv2d, every argument": (
        lambda x, w, b: ng.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2),
        (2, 4, 7, 8),
        (6, 2, 3, 2),
        (6,),
    ),
    "conv2d, same, unbatched": (
        lambda x, w: ng.conv2d(x, w, padding="same"),
        (3, 6, 5),
        (2, 3, 2, 4),
    ),
    "conv2d in a network": (
        lambda x, w, b: ng.conv2d(x * x, w * w, b).tanh(),
        (2, 2, 5, 5),
        (2, 2, 3, 3),
        (2,),
    ),
    "conv2d of one tensor": (lambda x: ng.conv2d(x, x, padding=2), (2, 2, 3, 3)),
    "conv1d": (lambda x, w, b: ng.conv1d(x, w, b, 2, 1), (2, 3, 9), (4, 3, 3), (4,)),
    "conv_transpose2d": (
        lambda x, w, b: ng.conv_transpose2d(x, w, b, 2, 1, 1, 2),
        (2, 4, 3, 4),
        (4, 3, 3, 3),
        (6,),
    ),
    "max_pool2d": (lambda x: ng.max_pool2d(x * x, 2), (2, 3, 6, 7)),
    "max_pool2d, overlapping": (
        lambda x: ng.max_pool2d(x * x, 3, 2, 1, ceil_mode=True),
        (2, 3, 6, 7),
    ),
    "max_pool2d with indices": (
        lambda x: ng.max_pool2d(x, 2, return_indices=True)[0] * x.sum(),
        (3, 6, 7),
    ),
    "avg_pool2d": (lambda x: ng.avg_pool2d(x * x, 3, 2, 1, True, False), (2, 3, 6, 7)),
    "adaptive_avg_pool2d": (lambda x: ng.adaptive_avg_pool2d(x * x, (3, None)), (2, 3, 5, 4)),
    "unfold": (lambda x: ng.unfold(x * x, (2, 3), 1, 1, 2), (2, 3, 6, 7)),
    "fold": (lambda x: ng.fold(x * x, (4, 5), 2), (2, 8, 12)),
}


def directional(f, at, directions, step=1e-5):
    """The derivative of a scalar f along directions, by central differences."""
    values = []
    for sign in (1, -1):
        moved = [
            ng.tensor(x.detach().numpy() + sign * step * d.numpy(), requires_grad=True)
            for x, d in zip(at, directions, strict=True)
        ]
        values.append(f(*moved).item())
    return (values[0] - values[1]) / (2 * step)


def inner(xs, ys):
    return sum((x.detach().numpy() * y.detach().numpy()).sum() for x, y in zip(xs, ys, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name):
    """Reverse, forward, reverse over reverse and reverse over forward, along random directions."""
    f, *shapes = CASES[name]
    rng = np.random.default_rng(3)

    def random(like):
        return [ng.tensor(rng.standard_normal(x.shape)) for x in like]

    inputs = [ng.tensor(rng.standard_normal(s), requires_grad=True) for s in shapes]
    directions = random(inputs)
    (u,) = random([f(*inputs)])

    def scalar(*xs):
        return (f(*xs) * u).sum()

    expected = directional(scalar, inputs, directions)
    assert inner(grad(scalar(*inputs), inputs), directions) == pytest.approx(
        expected, rel=1e-6, abs=1e-8
    )
    _, y_dot = jvp(f, inputs, directions)
    assert inner([y_dot], [u]) == pytest.approx(expected, rel=1e-6, abs=1e-8)

    weights = random(inputs)

    def over_reverse(*xs):
        grads = grad(scalar(*xs), xs, create_graph=True, allow_unused=True)
        terms = [(g * v).sum() for g, v in zip(grads, weights, strict=True) if g is not None]
        total = terms[0] + (xs[0] * 0).sum()  # a linear f has constant gradients
        for term in terms[1:]:
            total = total + term
        return total

    def over_forward(*xs):
        return (jvp(f, xs, weights)[1] * u).sum() + (xs[0] * 0).sum()

    for second in (over_reverse, over_forward):
        expected = directional(second, inputs, directions)
        grads = grad(second(*inputs), inputs, allow_unused=True, materialize_grads=True)
        assert inner(grads, directions) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_each_of_many_uses_adds_its_gradient():
    x = ng.tensor(np.ones((1, 1, 3, 3)), requires_grad=True)
    w = ng.tensor(np.ones((1, 1, 3, 3)), requires_grad=True)
    y = ng.conv2d(x, w)
    (y + y * 2).backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full((1, 1, 3, 3), 3.0))
    np.testing.assert_array_equal(w.grad.numpy(), np.full((1, 1, 3, 3), 3.0))


def test_only_what_is_asked_for_is_kept():
    """An input may be changed in place when the gradient that would read it is not wanted."""
    x, w = ng.ones(1, 1, 4, 4), ng.ones(1, 1, 2, 2, requires_grad=True)
    y = ng.conv2d(x, w)
    x += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()
    x, w = ng.ones(1, 1, 4, 4, requires_grad=True), ng.ones(1, 1, 2, 2)
    y = ng.conv2d(x * 1, w)
    w += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()
    bias = ng.zeros(1, requires_grad=True)
    x, w = ng.ones(1, 1, 4, 4), ng.ones(1, 1, 2, 2)
    y = ng.conv2d(x, w, bias)
    x += 1
    w += 1
    y.sum().backward()
    assert bias.grad.item() == 9


def test_ties_send_the_gradient_to_the_first():
    x = ng.zeros(1, 1, 4, 4, requires_grad=True)
    y, index = ng.max_pool2d(x, 2, return_indices=True)
    y.sum().backward()
    assert x.grad.numpy().nonzero()[2].tolist() == [0, 0, 2, 2]
    assert x.grad.sum().item() == 4
    assert index.flatten().tolist() == [0, 2, 8, 10]
    assert index.dtype is ng.int64
    assert not index.requires_grad


@pytest.mark.parametrize(
    ("kernel", "dilation", "sides"),
    [((3, 3), 1, (1, 1, 1, 1)), ((2, 4), 1, (0, 1, 1, 2)), ((2, 2), 3, (1, 2, 1, 2))],
)
def test_same_padding(kernel, dilation, sides):
    """An odd number of rows or columns is larger below and to the right."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 6, 5))
    w = ng.tensor(rng.standard_normal((4, 3, *kernel)))
    top, bottom, left, right = sides
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    same = ng.conv2d(ng.tensor(x), w, padding="same", dilation=dilation)
    assert same.shape == (2, 4, 6, 5)
    expected = ng.conv2d(ng.tensor(padded), w, padding="valid", dilation=dilation)
    np.testing.assert_allclose(same.numpy(), expected.numpy(), atol=1e-12)


def test_unbatched_input_gives_unbatched_results():
    x = ng.tensor(np.random.default_rng(0).standard_normal((3, 6, 5)))
    w, long = ng.ones(4, 3, 2, 2, dtype=ng.float64), ng.ones(4, 6, 2, dtype=ng.float64)
    pooled, index = ng.max_pool2d(x, 2, return_indices=True)
    for alone, batch in (
        (ng.conv2d(x, w), ng.conv2d(x.unsqueeze(0), w)),
        (ng.conv_transpose2d(x, w[:3]), ng.conv_transpose2d(x.unsqueeze(0), w[:3])),
        (
            ng.conv1d(x[0], long),
            ng.conv1d(x[:1], long),
        ),
        (pooled, ng.max_pool2d(x.unsqueeze(0), 2)),
        (index, ng.max_pool2d(x.unsqueeze(0), 2, return_indices=True)[1]),
        (ng.avg_pool2d(x, 2), ng.avg_pool2d(x.unsqueeze(0), 2)),
        (ng.adaptive_avg_pool2d(x, 2), ng.adaptive_avg_pool2d(x.unsqueeze(0), 2)),
        (ng.unfold(x, 2), ng.unfold(x.unsqueeze(0), 2)),
        (ng.fold(ng.unfold(x, 2), (6, 5), 2), ng.fold(ng.unfold(x.unsqueeze(0), 2), (6, 5), 2)),
    ):
        np.testing.assert_array_equal(alone.unsqueeze(0).numpy(), batch.numpy())


def test_fold_counts_how_often_unfold_took_each_pixel():
    ones = ng.ones(1, 1, 4, 4)
    counts = ng.fold(ng.unfold(ones, 2), (4, 4), 2)
    assert counts[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


X, W = ng.ones(2, 3, 8, 8), ng.ones(4, 3, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ng.conv2d(X, W, padding="same", stride=2), ValueError, "'same' needs stride 1"),
        (lambda: ng.conv2d(X, W, padding="full"), ValueError, "'valid' or 'same', got 'full'"),
        (lambda: ng.conv2d(X, W, stride=(1, 2, 3)), ValueError, "stride must be an integer or two"),
        (lambda: ng.conv2d(X, W, stride=1.5), TypeError, "stride must be an integer or two"),
        (lambda: ng.conv2d(X, W, groups=1.0), TypeError, "groups must be an integer"),
        (lambda: ng.conv2d(X, W[:, :2]), ValueError, "x has C=3 channels, w expects 2"),
        (lambda: ng.conv2d(X[0, 0], W), ValueError, r"\(N, C, H, W\) or \(C, H, W\), got \(8, 8\)"),
        (lambda: ng.conv2d(X, W[0]), ValueError, r"w must be \(F, C // groups, KH, KW\)"),
        (lambda: ng.conv2d(X, [1.0]), TypeError, "weight must be a Tensor, got list"),
        (lambda: ng.conv2d(X.bool(), W.bool()), TypeError, "floating-point"),
        (lambda: ng.conv2d(X, W.double()), TypeError, "x float32, w float64"),
        (lambda: ng.conv1d(X, W), ValueError, r"conv1d: x must be \(N, C, L\)"),
        (lambda: ng.conv1d(X[0], W[0], padding=(1, 1)), ValueError, "padding must be an integer"),
        (lambda: ng.conv_transpose2d(X, W), ValueError, "conv_transpose2d: x must be"),
        (
            lambda: ng.conv_transpose2d(X, W[:3], stride=2, output_padding=2),
            ValueError,
            "smaller than the stride",
        ),
        (lambda: ng.max_pool2d(X, (1, 2, 3)), ValueError, "kernel_size must be an integer or two"),
        (lambda: ng.max_pool2d(X, 2, padding=2), ValueError, "at most half of the kernel"),
        (lambda: ng.max_pool2d(X[0, 0], 2), ValueError, "max_pool2d: x must be"),
        (lambda: ng.avg_pool2d(X, 2, divisor_override=1.5), TypeError, "must be an integer"),
        (lambda: ng.avg_pool2d(X.int(), 2), TypeError, "floating-point"),
        (lambda: ng.adaptive_avg_pool2d(X, (1, 2, 3)), ValueError, "output_size must be"),
        (lambda: ng.adaptive_avg_pool2d(X, -1), ValueError, "must not be negative"),
        (lambda: ng.unfold(X, 9), ValueError, "does not fit into an image"),
        (lambda: ng.fold(X[0], 8, 3), ValueError, r"fold: x must be \(N, C \* 9, 6 \* 6\)"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
