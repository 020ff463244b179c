"""Rows: recurrent layers, whole sequences and single steps."""

import numpy as np

from .row import Op, case, error


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(cell, x, s, h, c):
    """The next h and c."""
    if cell in ("tanh", "relu"):
        return (np.tanh(x + s) if cell == "tanh" else np.maximum(x + s, 0)), c
    if cell == "lstm":
        i, f, g, o = np.split(x + s, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (xr, xz, xm), (sr, sz, sm) = np.split(x, 3, 1), np.split(s, 3, 1)
    z = sigmoid(xz + sz)
    return (1 - z) * np.tanh(xm + sigmoid(xr + sr) * sm) + z * h, c


def single(cell):
    """The reference of one step."""

    def reference(x, *rest):
        h, c, w_ih, w_hh, *biases = rest if cell == "lstm" else (rest[0], None, *rest[1:])
        b_ih, b_hh = biases or (0, 0)
        h, c = step(cell, x @ w_ih.T + b_ih, h @ w_hh.T + b_hh, h, c)
        return (h, c) if cell == "lstm" else h

    return reference


def sequences(cell):
    """The reference of all steps: each sequence by itself."""

    def reference(x, h0, *rest, sizes, reverse=False, biased=False, projected=False):
        rest = list(rest)
        c0 = rest.pop(0) if cell == "lstm" else np.zeros((len(h0), 0))
        weight = rest.pop(0)
        bias = rest.pop(0) if biased else 0
        projection = rest.pop(0) if projected else None
        starts = np.cumsum([0, *sizes])
        out = np.zeros((len(x), h0.shape[1]))
        h_last, c_last = h0.copy(), c0.copy()
        for k in range(len(h0)):
            rows = [start + k for start, n in zip(starts, sizes) if k < n]
            h, c = h0[k : k + 1], c0[k : k + 1]
            for row in reversed(rows) if reverse else rows:
                h, c = step(cell, x[row : row + 1], h @ weight.T + bias, h, c)
                h = h if projection is None else h @ projection.T
                out[row] = h
            h_last[k], c_last[k] = h, c
        return (out, h_last, c_last) if cell == "lstm" else (out, h_last)

    return reference


def apply(name):
    """The Function itself: the modules are compared with PyTorch's."""

    def f(lib, x, h0, *rest, sizes, reverse=False, biased=False, projected=False):
        from naivegrad.ops import rnn

        rest = list(rest)
        c0 = rest.pop(0) if name == "LSTM" else None
        weight = rest.pop(0)
        bias = rest.pop(0) if biased else None
        projection = rest.pop(0) if projected else None
        return getattr(rnn, name).apply(x, h0, c0, weight, bias, projection, sizes, reverse)

    return f


SIZES = ((3, 3, 3), (1, 1, 1, 1), (3, 2, 2, 1), (2,))
FULL, PACKED = (17, 17), (19, 18, 4, 1)  # enough rows for the weights to be packed


def cases(gates, D=3, states=1, **options):
    """Whole sequences of D features, in both directions."""
    made = [
        case(
            (sum(sizes), gates * D),
            *[(sizes[0], D)] * states,
            (gates * D, D),
            sizes=sizes,
            reverse=reverse,
        )
        for sizes in (*SIZES, PACKED)
        for reverse in (False, True)
    ]
    bias = [(gates * 5,)] if options.get("biased") else []
    wide = [(17, 5)] * states
    made.append(case((34, gates * 5), *wide, (gates * 5, 5), *bias, sizes=FULL, **options))
    made.append(case((0, gates * D), *[(0, D)] * states, (gates * D, D), sizes=(0, 0)))
    return tuple(made)


PROJECTED = tuple(
    case((sum(sizes), 20), (sizes[0], 2), (sizes[0], 5), (20, 2), (2, 5), sizes=sizes,
         projected=True, reverse=reverse)
    for sizes, reverse in ((SIZES[2], False), (SIZES[2], True), (FULL, False), (PACKED, True))
)  # fmt: skip


def weights(gates, features=4, D=3):
    return (gates * D, features), (gates * D, D), (gates * D,), (gates * D,)


def cell_row(name, cell, function, gates):
    """A row of a single step."""
    states = 2 if cell == "lstm" else 1
    w = weights(gates)

    def f(lib, x, *rest):
        hx = rest[0] if states == 1 else rest[:2]
        return getattr(lib, name)(x, hx, *rest[states:])

    inputs = 1 + states + 4
    return Op(
        name,
        f,
        single(cell),
        (
            case((2, 4), *[(2, 3)] * states, *w),
            case((20, 4), *[(20, 3)] * states, *w),
            case((2, 4), *[(2, 3)] * states, *w[:2]),
            case((1, 1), *[(1, 1)] * states, *weights(gates, 1, 1)),
            case((0, 4), *[(0, 3)] * states, *w),
        ),
        (function,) if cell == "relu" else (function, "RecurrenceGrad"),
        domain=(-1.0, 1.0),
        dtypes={
            ("float16",) * inputs: "float16",
            ("float32",) * (inputs - 1) + ("float64",): TypeError,
        },
        errors=(
            error(ValueError, r"\(2, 4\).*\(3, 3\)", (2, 4), *[(3, 3)] * states, *w),
            error(ValueError, r"w_ih.*\(2, 5\)", (2, 5), *[(2, 3)] * states, *w),
            error(ValueError, r"b_hh.*\(4,\)", (2, 4), *[(2, 3)] * states, *w[:3], (4,)),
            error(
                TypeError,
                "int64",
                (2, 4),
                *[(2, 3)] * states,
                *w,
                dtypes=("int64",) * inputs,
                torch=cell == "lstm",
            ),
        ),
    )


def row(name, function, cell, made, **options):
    return Op(
        name,
        apply(function),
        sequences(cell),
        made,
        (function, "RecurrenceGrad"),
        domain=(-1.0, 1.0),
        torch=False,
        **options,
    )


OPS = [
    row("rnn_tanh", "RNNTanh", "tanh", cases(1)),
    row("rnn_relu", "RNNReLU", "relu", cases(1)),
    row("lstm", "LSTM", "lstm", cases(4, states=2)),
    row("lstm_projected", "LSTM", "lstm", PROJECTED),
    row("gru", "GRU", "gru", cases(3, biased=True)),
    cell_row("rnn_tanh_cell", "tanh", "RNNTanh", 1),
    cell_row("rnn_relu_cell", "relu", "RNNReLU", 1),
    cell_row("lstm_cell", "lstm", "LSTM", 4),
    cell_row("gru_cell", "gru", "GRU", 3),
]
