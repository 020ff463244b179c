"""Recurrent layers: what the table and the comparison with PyTorch leave out."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn.utils import rnn
from naivegrad.ops.rnn import LSTM
from numeric import leaf, levels

KINDS = [("RNN", {}), ("GRU", {}), ("LSTM", {}), ("LSTM", {"proj_size": 20})]


def train(layer, x):
    """The output, and the gradients of the input and the weights."""
    layer.zero_grad()
    if isinstance(x, rnn.PackedSequence):
        x = x._replace(data=x.data.detach().requires_grad_())
        (out, *_), _ = layer(x)
        x = x.data
    else:
        x = x.detach().requires_grad_()
        out, _ = layer(x)
    out.backward(ng.sin(out.detach() * 50))
    return [out.detach().numpy(), x.grad.numpy(), *(p.grad.numpy() for p in layer.parameters())]


@pytest.mark.parametrize(("name", "keywords"), KINDS)
def test_same_bits_for_any_number_of_threads(name, keywords):
    ng.manual_seed(0)
    layer, x = getattr(nn, name)(30, 40, bidirectional=True, **keywords), ng.randn(20, 50, 30)
    packed = rnn.pack_padded_sequence(x, [20] * 9 + [7] * 30 + [1] * 11)
    threads = ng.get_num_threads()
    try:
        results = []
        for n in (1, 2, 3):
            ng.set_num_threads(n)
            results.append(train(layer, x) + train(layer, packed))
    finally:
        ng.set_num_threads(threads)
    for other in results[1:]:
        assert all(map(np.array_equal, results[0], other))


@pytest.mark.parametrize(("name", "keywords"), KINDS)
def test_without_gradients(name, keywords):
    """What backward would need is not kept; the result is the same."""
    layer, x = getattr(nn, name)(3, 30, **keywords), ng.randn(7, 18, 3)
    with ng.no_grad():
        out, hidden = layer(x)
    again, hidden_again = layer(x)
    assert ng.equal(out, again.detach()) and out.node is None
    for a, b in zip(hidden, hidden_again, strict=True):
        assert ng.equal(a, b.detach())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cells_at_each_level(dtype):
    """The CPU levels agree, to rounding."""
    rng = np.random.default_rng(0)
    steps, batch, features = 6, 20, 50
    spans = np.array([[batch] * steps, [batch * t for t in range(steps)]])
    rows = steps * batch
    results = []
    x = rng.standard_normal((rows, 4 * features)).astype(dtype)
    weight = rng.standard_normal((4 * features, features)).astype(dtype) / 10
    start = np.zeros((batch, features), dtype)
    for kernel in levels("rnn"):
        out, h, c, gates, cells = kernel.rnn(
            2, x, start, start, weight, None, None, spans, False, True
        )
        dx, dh, dc, *_ = kernel.rnn_grad(
            2, out, None, c, start, start, weight, None, out, gates, cells, spans, False
        )
        results.append((out, h, c, dx, dh, dc))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=50 * np.finfo(dtype).eps * abs(a).max())


def test_dropout_between_layers():
    """Ones through layers that hand their input on: half are doubled, the others dropped."""
    layer = nn.RNN(100, 100, 2, "relu", bias=False, dropout=0.5)
    with ng.no_grad():
        for name, p in layer.named_parameters():
            p.copy_(ng.eye(100) if "ih" in name else ng.zeros(100, 100))
    x = ng.ones(10, 20, 100, requires_grad=True)
    ng.manual_seed(0)
    y, h = layer(x)
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert abs(y.mean().item() - 1) < 0.02  # 0.007 is the standard deviation
    assert ng.equal(h[0], x.detach()[-1]) and ng.equal(h[1], y[-1])
    y.sum().backward()
    assert ng.equal(x.grad, y.detach())  # the same mask on the way back
    assert ng.equal(layer.eval()(x)[0].detach(), x.detach())
    with pytest.warns(UserWarning, match="only one"):
        nn.GRU(2, 2, dropout=0.5)
    layer.train().dropout = 1.0
    assert not layer(x)[0].any()


def test_a_sequence_is_its_steps():
    """A layer is its cell, again and again; sequences of a batch do not meet."""
    ng.manual_seed(0)
    layer, cell = nn.LSTM(3, 5, dtype=ng.float64), nn.LSTMCell(3, 5, dtype=ng.float64)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = ng.randn(6, 20, 3, dtype=ng.float64)
    out, (_, c) = layer(x)
    state = None
    for t in range(6):
        state = cell(x[t], state)
        np.testing.assert_allclose(out[t].detach(), state[0].detach(), rtol=1e-12)
    np.testing.assert_allclose(c[0].detach(), state[1].detach(), rtol=1e-12)
    np.testing.assert_allclose(layer(x[:, 3])[0].detach(), out[:, 3].detach(), rtol=1e-12)


@pytest.mark.parametrize(("name", "keywords"), KINDS)
def test_half_precision(name, keywords):
    layer = getattr(nn, name)(30, 40, **keywords)
    x = ng.randn(5, 4, 30)
    want = train(layer, x)
    for dtype, tolerance in ((ng.float16, 5e-3), (ng.bfloat16, 5e-2)):
        result = layer.to(dtype)(x.to(dtype))[0]
        assert result.dtype is dtype
        np.testing.assert_allclose(result.detach().float(), want[0], atol=tolerance)
        result.float().sum().backward()
        assert all(p.grad.dtype is dtype and p.grad.isfinite().all() for p in layer.parameters())


def test_weights_that_are_replaced():
    """By whoever assigns another parameter, or a tensor that was computed from one."""
    layer, x = nn.GRU(2, 3), ng.randn(4, 1, 2)
    before = layer(x)[0].detach()
    raw = nn.Parameter(layer.weight_hh_l0.detach() * 2)
    del layer.weight_hh_l0
    layer.weight_hh_l0 = raw * 0.5  # as weight_drop does
    out = layer(x)[0]
    assert ng.allclose(out.detach(), before)
    out.sum().backward()
    assert raw.grad.abs().sum() > 0
    layer.flatten_parameters()
    assert layer.all_weights[0][1] is layer.weight_hh_l0


def test_batch_sizes_that_are_made_up():
    """They are checked before a kernel trusts them."""
    layer, data = nn.LSTM(2, 3), ng.zeros(5, 2)
    for sizes in ([2, 2, 2], [2, 3], [1], [], [3, 3, -1]):
        made_up = rnn.PackedSequence(data, ng.tensor(sizes, dtype=ng.int64))
        with pytest.raises(ValueError, match="batch_sizes"):
            layer(made_up)
    with pytest.raises(TypeError, match="alone"):
        rnn.PackedSequence(data)
    x, h, c, w = (
        leaf(np.zeros((5, 12))),
        leaf(np.zeros((2, 3))),
        leaf(np.zeros((2, 3))),
        leaf(np.zeros((12, 3))),
    )
    for sizes in ((2, 2), (2, 3), (3, 2)):
        with pytest.raises(ValueError, match="rnn"):
            LSTM.apply(x, h, c, w, None, None, sizes, False)
    with pytest.raises(ValueError, match="cell state"):
        LSTM.apply(x, h, None, w, None, None, (2, 2, 1), False)
    with pytest.raises(ValueError, match="rnn"):
        LSTM.apply(x, h, c, leaf(np.zeros((11, 3))), None, None, (2, 2, 1), False)


def test_unpadding_leaves_its_input_alone():
    """PyTorch transposes it in place."""
    x = ng.zeros(5, 2, 3)
    assert [y.shape for y in rnn.unpad_sequence(x, [5, 2])] == [(5, 3), (2, 3)]
    assert x.shape == (5, 2, 3)


def test_memory_of_a_step_is_freed():
    """A graph of a recurrent layer is no reference cycle."""
    import gc
    import weakref

    gc.disable()
    try:
        out, _ = nn.LSTM(2, 3)(ng.zeros(4, 1, 2))
        node = weakref.ref(out.node)
        del out, _
        assert node() is None
    finally:
        gc.enable()
