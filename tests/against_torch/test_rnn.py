"""Recurrent layers against PyTorch's: outputs, states, gradients, packing."""

import inspect

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn.utils import rnn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

L, N, K, D = 5, 4, 3, 6
LENGTHS = [5, 3, 3, 1]
LAYERS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": 2}),
]


def pair(array, requires_grad=True):
    """The same leaf in both libraries."""
    array = np.asarray(array, np.float64)
    return ng.tensor(array, requires_grad=requires_grad), torch.tensor(
        array, requires_grad=requires_grad
    )


def make(name, *options, **keywords):
    """The same layer in both, PyTorch's weights in ours."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*options, dtype=torch.float64, **keywords)
    ours = getattr(nn, name)(*options, dtype=ng.float64, **keywords)
    state = {k: ng.tensor(v.numpy()) for k, v in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    return ours, theirs


def close(got, want, what=""):
    np.testing.assert_allclose(
        got.detach().numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=what
    )


def flat(result):
    """All tensors of a result, in order."""
    if isinstance(result, (tuple, list)):
        return [t for part in result if part is not None for t in flat(part)]
    return [result]


def compare(ours, theirs, inputs, call):
    """Results, and the gradients of inputs and weights for random cotangents."""
    got, want = (flat(call(m, *xs)) for m, xs in zip((ours, theirs), zip(*inputs), strict=True))
    rng = np.random.default_rng(3)
    moving = []
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        assert tuple(g.shape) == tuple(w.shape)
        close(g, w, f"result {i}")
        if w.requires_grad:
            moving.append((g, w, rng.standard_normal(w.shape)))
    ng.autograd.backward([m[0] for m in moving], [ng.tensor(m[2]) for m in moving])
    torch.autograd.backward([m[1] for m in moving], [torch.tensor(m[2]) for m in moving])
    for i, (x, y) in enumerate(inputs):
        close(x.grad, y.grad, f"gradient of input {i}")
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        close(p.grad, q.grad, f"gradient of {name}")


def states(rng, layer, batch):
    """hx as pairs."""
    lead = layer.num_layers * (2 if layer.bidirectional else 1)
    sizes = [layer.proj_size or layer.hidden_size]
    sizes += [layer.hidden_size] * (layer.mode == "LSTM")
    return [pair(rng.standard_normal((lead, *batch, n))) for n in sizes]


def as_hx(hx):
    if not hx:
        return ()
    return (tuple(hx),) if len(hx) > 1 else (hx[0],)


@pytest.mark.parametrize(("name", "keywords"), LAYERS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("kind", ["batch", "batch_first", "single", "sorted", "unsorted"])
def test_layers(name, keywords, num_layers, bidirectional, bias, given, kind):
    ours, theirs = make(
        name, K, D, num_layers, bias=bias, bidirectional=bidirectional,
        batch_first=kind == "batch_first", **keywords,
    )  # fmt: skip
    assert repr(ours) == repr(theirs)
    rng = np.random.default_rng(1)
    shape = {"single": (L, K), "batch_first": (N, L, K)}.get(kind, (L, N, K))
    x = pair(rng.standard_normal(shape))
    hx = states(rng, theirs, () if kind == "single" else (N,)) if given else []

    def call(layer, x, *hx):
        if kind not in ("sorted", "unsorted"):
            return layer(x, *as_hx(hx))
        utils = rnn if isinstance(layer, nn.Module) else torch.nn.utils.rnn
        lengths = LENGTHS if kind == "sorted" else [3, 5, 1, 3]
        packed = utils.pack_padded_sequence(x, lengths, enforce_sorted=kind == "sorted")
        out, hidden = layer(packed, *as_hx(hx))
        return out, hidden, utils.pad_packed_sequence(out, padding_value=7.0)

    compare(ours, theirs, [x, *hx], call)


@pytest.mark.parametrize(("name", "keywords"), LAYERS)
@pytest.mark.parametrize("shape", [(40, 20, 30), (1, 1, 7), (3, 0, 5), (1, 17, 64), (2, 33, 50)])
def test_sizes(name, keywords, shape):
    """More rows and features than a tile, one step, no sequence at all."""
    length, batch, features = shape
    ours, theirs = make(name, K, features, **keywords)
    x = pair(np.random.default_rng(1).standard_normal((length, batch, K)))
    compare(ours, theirs, [x], lambda layer, x: layer(x))


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_float32(name):
    ours, theirs = (getattr(lib, name)(20, 50, 2, bidirectional=True) for lib in (nn, torch.nn))
    ours.load_state_dict({k: ng.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((30, 19, 20)).astype(np.float32)
    got, want = ours(ng.tensor(x))[0], theirs(torch.tensor(x))[0]
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), atol=2e-6)
    got.square().sum().backward()
    want.square().sum().backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        scale = float(q.grad.abs().max())
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), atol=1e-5 * scale)


@pytest.mark.parametrize(("name", "keywords"), LAYERS)
def test_second_derivatives(name, keywords):
    """The gradient of the squared norm of the gradients."""
    ours, theirs = make(name, K, D, 2, bidirectional=True, **keywords)
    xs = pair(np.random.default_rng(1).standard_normal((L, N, K)))
    for lib, layer, x in zip((ng, torch), (ours, theirs), xs, strict=True):
        out, hidden = layer(x)
        loss = (out**2).sum() + sum((h**3).sum() for h in flat(hidden))
        grads = lib.autograd.grad(loss, [x, *layer.parameters()], create_graph=True)
        sum((g**2).sum() for g in grads).backward()
    for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        close(p.grad, q.grad, key)


@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("batch", [(), (1,), (N,), (40,)])
def test_cells(name, bias, given, batch):
    keywords = {"nonlinearity": "relu"} if name == "RNNCell" and bias else {}
    ours, theirs = make(name, K, D, bias=bias, **keywords)
    assert repr(ours) == repr(theirs)
    rng = np.random.default_rng(1)
    count = (2 if name == "LSTMCell" else 1) if given else 0
    inputs = [pair(rng.standard_normal((*batch, n))) for n in (K, *[D] * count)]

    def call(cell, x, *hx):
        first = cell(x, *as_hx(hx))
        return first, cell(x * 2, first)

    compare(ours, theirs, inputs, call)


@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell", "RNNBase", "RNNCellBase"])
def test_arguments(name):
    ours, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (nn, torch.nn))
    theirs = theirs.values()
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize("name", rnn.__all__)
def test_arguments_of_utilities(name):
    ours, theirs = (
        inspect.signature(getattr(lib, name)).parameters for lib in (rnn, torch.nn.utils.rnn)
    )
    theirs = theirs.values()
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs]


def test_weights_go_both_ways():
    ours, theirs = make("LSTM", K, D, 2, bidirectional=True, proj_size=2)
    ours.reset_parameters()
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    x = pair(np.random.default_rng(1).standard_normal((L, N, K)))
    compare(ours, theirs, [x], lambda layer, x: layer(x))
    for layer in (ours, theirs):
        named = iter(layer.parameters())
        assert all(w is next(named) for weights in layer.all_weights for w in weights)


# ------------------------------------------------------------------------------------- packing


def packed(lib, lengths, batch_first, rest=(2,)):
    x = np.arange(1.0, 1 + np.prod((4, 3, *rest))).reshape(4, 3, *rest)
    x = np.moveaxis(x, 1, 0).copy() if batch_first else x
    x = (ng if lib is rnn else torch).tensor(x, requires_grad=True)
    return x, lib.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)


@pytest.mark.parametrize("lengths", [[4, 2, 1], [1, 4, 3], [2, 2, 2], [1, 1, 1]])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("rest", [(2,), (), (2, 3)])
@pytest.mark.parametrize("total_length", [None, 6])
def test_packing(lengths, batch_first, rest, total_length):
    gradients = []
    results = []
    for lib in (rnn, torch.nn.utils.rnn):
        x, p = packed(lib, lengths, batch_first, rest)
        y, n = lib.pad_packed_sequence(p, batch_first, -1.0, total_length)
        (y * y).sum().backward()
        gradients.append(x.grad)
        results.append([*p, y, n, *lib.unpack_sequence(p)])
    close(*gradients)
    for got, want in zip(*results, strict=True):
        assert (str(got.dtype), tuple(got.shape)) == (
            str(want.dtype).replace("torch", "naivegrad"),
            tuple(want.shape),
        )
        close(got, want)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("padding_side", ["right", "left"])
@pytest.mark.parametrize("rest", [(), (2,), (2, 3)])
def test_pad_sequence(batch_first, padding_side, rest):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, *rest)) for n in (2, 4, 1)]
    padded, lists = [], []
    for lib, utils in ((ng, rnn), (torch, torch.nn.utils.rnn)):
        leaves = [lib.tensor(a, requires_grad=True) for a in arrays]
        y = utils.pad_sequence(leaves, batch_first, 9.0, padding_side)
        (y**2).sum().backward()
        padded.append([y, *(x.grad for x in leaves)])
        utils.pack_sequence(leaves, enforce_sorted=False).data.sum().backward()
        padded[-1] += [x.grad for x in leaves]
        lists.append(utils.unpad_sequence(y.detach(), lib.tensor([2, 4, 1]), batch_first))
    for got, want in zip(padded[0] + lists[0], padded[1] + lists[1], strict=True):
        close(got, want)


def test_packed_sequence():
    """Its fields, its types, what its methods give."""
    for lib, utils in ((ng, rnn), (torch, torch.nn.utils.rnn)):
        _, p = packed(utils, [1, 4, 3], False)
        assert isinstance(p, tuple) and isinstance(p, utils.PackedSequence)
        assert p._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
        assert p.batch_sizes.tolist() == [3, 2, 2, 1]
        assert p.to(lib.float64) is p and p.cpu() is p and not p.is_cuda and not p.is_pinned()
        kinds = ["double", "float", "half", "long", "int", "short", "char", "byte"]
        got = [str(getattr(p, kind)().data.dtype).split(".")[-1] for kind in kinds]
        assert got == ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8"]
        assert p.float().sorted_indices.tolist() == [1, 2, 0]
        again = utils.PackedSequence((p.data, p.batch_sizes), None, p.sorted_indices)
        assert again.unsorted_indices.tolist() == p.unsorted_indices.tolist() == [2, 0, 1]
        assert utils.invert_permutation(None) is None
        assert utils.PackedSequence(p.data, p.batch_sizes).unsorted_indices is None


def test_what_pytorch_refuses():
    """Both refuse; ours by the type that docs/differences.md says."""

    def calls(lib, utils):
        lstm, gru = lib.nn.LSTM(K, D), lib.nn.GRU(K, D)
        x = lib.zeros(L, N, K)
        return {
            "at least one step": lambda: lstm(lib.zeros(0, N, K)),
            "input_size=3": lambda: lstm(lib.zeros(L, N, 2)),
            "got (5,)": lambda: lstm(lib.zeros(5)),
            "h_0 must be (1, 4, 6)": lambda: gru(x, lib.zeros(1, 3, D)),
            "h_0 must be (1, 6)": lambda: gru(x[:, 0], lib.zeros(1, 1, D)),
            "c_0 must be": lambda: lstm(x, (lib.zeros(1, N, D), lib.zeros(1, N, 2))),
            "(h_0, c_0), got Tensor": lambda: lstm(x, lib.zeros(1, N, D)),
            "(h_0, c_0), got 1 of them": lambda: lstm(x, (lib.zeros(1, N, D),)),
            "hx must be a Tensor": lambda: gru(x, (lib.zeros(1, N, D),)),
            "input must be a Tensor": lambda: gru([[1.0]]),
            "LSTMCell: hx must be two": lambda: lib.nn.LSTMCell(K, D)(x[0], lib.zeros(N, D)),
            "RNNCell: input must be": lambda: lib.nn.RNNCell(K, D)([1.0]),
            "each sequence must be": lambda: utils.pad_sequence([1, 2]),
            "a list of Tensors": lambda: utils.pad_sequence(3),
            "expected a PackedSequence": lambda: utils.pad_packed_sequence(x),
            "must be a Tensor, got list": lambda: utils.pack_padded_sequence([1, 2], [1]),
            "float64": lambda: gru(x.double()),
            "c must be (2, 6)": lambda: lib.nn.LSTMCell(K, D)(
                x[:2, 0], (lib.zeros(2, D), lib.zeros(3, D))
            ),
            "(N, I) or (I,)": lambda: lib.nn.GRUCell(K, D)(x),
            "nonlinearity": lambda: lib.nn.RNN(K, D, nonlinearity="sin"),
            "proj_size must be": lambda: lib.nn.LSTM(K, D, proj_size=D),
            "proj_size": lambda: lib.nn.GRU(K, D, proj_size=1),
            "dropout must be": lambda: lib.nn.LSTM(K, D, dropout=1.5),
            "num_layers must be": lambda: lib.nn.LSTM(K, D, 0),
            "bias must be": lambda: lib.nn.LSTM(K, D, 1, 1),
            "hidden_size must be an integer": lambda: lib.nn.LSTM(K, 2.0),
            "mode must be": lambda: lib.nn.RNNBase("CNN", K, D),
            "4 lengths": lambda: utils.pack_padded_sequence(x, [5, 4]),
            "within 1 and L=5": lambda: utils.pack_padded_sequence(x, [5, 4, 2, 0]),
            "longest first": lambda: utils.pack_padded_sequence(x, [1, 2, 3, 4]),
            "(L, N, ...)": lambda: utils.pack_padded_sequence(lib.zeros(5), [5]),
            "at least one sequence, got": lambda: utils.pack_padded_sequence(lib.zeros(5, 0), []),
            "at least 5": lambda: utils.pad_packed_sequence(
                utils.pack_padded_sequence(x, [5, 1, 1, 1]), total_length=4
            ),
            "at least one sequence": lambda: utils.pad_sequence([]),
            "alike": lambda: utils.pad_sequence([lib.zeros(2, 1), lib.zeros(2, 2)]),
            "padding_side": lambda: utils.pad_sequence([lib.zeros(2)], padding_side="up"),
            "1 lengths for 4": lambda: utils.unpad_sequence(x, lib.tensor([5])),
        }  # fmt: skip

    theirs = calls(torch, torch.nn.utils.rnn)
    for text, call in calls(ng, rnn).items():
        with pytest.raises((ValueError, TypeError)) as error:
            call()
        assert text in str(error.value)
        with pytest.raises((ValueError, TypeError, RuntimeError, IndexError, AttributeError)):
            theirs[text]()
