"""Layers, losses and initialisation against NumPy formulas; errors that name the layer."""

import math

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn import init


def normal(*shape, dtype=np.float64):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def tensor(array, **options):
    return ng.tensor(array, **options)


def close(result, expected, tolerance=1e-10):
    result = result.detach().numpy() if isinstance(result, ng.Tensor) else result
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


def weights(module, **values):
    module.load_state_dict({**module.state_dict(), **values})
    return module


# ------------------------------------------------------------------------------------ layers


def test_linear():
    x, w, b = normal(5, 3), normal(4, 3), normal(4)
    layer = weights(nn.Linear(3, 4, dtype=ng.float64), weight=w, bias=b)
    y = layer(tensor(x, requires_grad=True))
    close(y, x @ w.T + b)
    upstream = normal(5, 4)
    y.backward(tensor(upstream))
    close(layer.weight.grad, upstream.T @ x)
    close(layer.bias.grad, upstream.sum(0))
    assert nn.Linear(3, 4, bias=False).bias is None


def test_bilinear():
    x, y, w, b = normal(5, 3), normal(5, 2), normal(4, 3, 2), normal(4)
    layer = weights(nn.Bilinear(3, 2, 4, dtype=ng.float64), weight=w, bias=b)
    close(layer(tensor(x), tensor(y)), np.einsum("ni,oij,nj->no", x, w, y) + b)


def batch_statistics(x):
    axes = (0, *range(2, x.ndim))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    n = x.size // x.shape[1]
    mean, var = x.mean(axes), x.var(axes)
    return mean, var, var * n / (n - 1), lambda v: v.reshape(shape)


@pytest.mark.parametrize(
    ("cls", "shape"),
    [(nn.BatchNorm1d, (6, 3)), (nn.BatchNorm1d, (6, 3, 5)), (nn.BatchNorm2d, (4, 3, 2, 5))],
)
def test_batch_norm(cls, shape):
    """Each keyword, by name."""
    x = normal(*shape) * 2 + 1
    mean, var, unbiased, wide = batch_statistics(x)
    w, b = normal(3), normal(4)[:3]
    layer = cls(num_features=3, eps=0.2, momentum=0.25, affine=True, dtype=ng.float64)
    close(layer.running_mean, np.zeros(3))
    close(layer.running_var, np.ones(3))
    weights(layer, weight=w, bias=b)
    close(layer(tensor(x)), (x - wide(mean)) / np.sqrt(wide(var) + 0.2) * wide(w) + wide(b))
    close(layer.running_mean, 0.25 * mean)
    close(layer.running_var, 0.75 + 0.25 * unbiased)
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    rm, rv = wide(0.25 * mean), wide(0.75 + 0.25 * unbiased)
    close(layer(tensor(x)), (x - rm) / np.sqrt(rv + 0.2) * wide(w) + wide(b))
    assert layer.num_batches_tracked.item() == 1


def test_batch_norm_backward_in_eval():
    x, upstream = normal(6, 3), normal(6, 3) + 1
    layer = nn.BatchNorm1d(3, eps=0.0, affine=False, dtype=ng.float64)
    weights(layer, running_mean=np.array([1.0, 2.0, 3.0]), running_var=np.array([4.0, 9.0, 16.0]))
    leaf = tensor(x, requires_grad=True)
    layer.eval()(leaf).backward(tensor(upstream))
    close(leaf.grad, upstream / [2.0, 3.0, 4.0])  # the statistics are constants


def test_batch_norm_average_of_all_batches():
    layer = nn.BatchNorm1d(3, momentum=None, dtype=ng.float64)
    batches = [normal(6, 3) * (i + 1) for i in range(3)]
    for x in batches:
        layer(tensor(x))
    close(layer.running_mean, np.mean([x.mean(0) for x in batches], axis=0))
    layer.reset_running_stats()
    close(layer.running_mean, np.zeros(3))
    assert layer.num_batches_tracked.item() == 0


def test_batch_norm_without_statistics():
    x = normal(6, 3)
    layer = nn.BatchNorm1d(3, track_running_stats=False, affine=False, dtype=ng.float64).eval()
    assert list(layer.state_dict()) == []
    close(layer(tensor(x)), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5))


def test_layer_norm():
    x, w, b = normal(4, 3, 5), normal(3, 5), normal(3, 5) + 1
    layer = nn.LayerNorm((3, 5), eps=0.1, dtype=ng.float64)
    assert (layer.weight == 1).all().item() and (layer.bias == 0).all().item()
    weights(layer, weight=w, bias=b)
    mean, var = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    close(layer(tensor(x)), (x - mean) / np.sqrt(var + 0.1) * w + b)
    assert nn.LayerNorm(5, bias=False).bias is None
    assert nn.LayerNorm(5, elementwise_affine=False).weight is None


def test_embedding():
    layer = nn.Embedding(5, 3, padding_idx=-1, dtype=ng.float64)
    assert layer.padding_idx == 4 and (layer.weight[4] == 0).all().item()
    index = np.array([[0, 2], [2, 4]])
    y = layer(tensor(index))
    close(y, layer.weight.detach().numpy()[index])
    upstream = normal(2, 2, 3)
    y.backward(tensor(upstream))
    expected = np.zeros((5, 3))
    np.add.at(expected, index, upstream)
    expected[4] = 0
    close(layer.weight.grad, expected)
    frozen = nn.Embedding.from_pretrained(tensor(normal(4, 2)))
    assert not frozen.weight.requires_grad and (frozen.num_embeddings, frozen.embedding_dim) == (
        4,
        2,
    )
    assert nn.Embedding.from_pretrained(tensor(normal(4, 2)), freeze=False).weight.requires_grad
    for bad in (-1, 5):
        with pytest.raises(IndexError):
            layer(tensor(np.array([bad])))


@pytest.mark.parametrize(
    ("cls", "shape", "whole"),
    [(nn.Dropout, (40, 50), 0), (nn.Dropout1d, (30, 40, 5), 1), (nn.Dropout2d, (30, 40, 3, 2), 2)],
)
def test_dropout(cls, shape, whole):
    layer = cls(p=0.25)
    y = layer(ng.ones(shape)).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    per_channel = y.reshape(*shape[: len(shape) - whole], -1)
    assert (per_channel == per_channel[..., :1]).all() or not whole
    assert 0.2 < (y == 0).mean() < 0.3
    assert (layer.eval()(ng.ones(shape)) == 1).all().item()


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.LeakyReLU(0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
        (nn.GELU(), lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))),
        (
            nn.GELU("tanh"),
            lambda x: x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        ),
        (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
        (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (nn.Tanh(), np.tanh),
        (nn.Softplus(2.0), lambda x: np.log1p(np.exp(2 * x)) / 2),
        (nn.Softmax(0), lambda x: np.exp(x) / np.exp(x).sum(0)),
        (nn.LogSoftmax(-1), lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True))),
        (nn.Flatten(), lambda x: x.reshape(4, -1)),
        (nn.Flatten(0), lambda x: x.reshape(-1)),
        (nn.Unflatten(1, (3, -1)), lambda x: x.reshape(4, 3, 2)),
        (nn.Identity(3, word=True), lambda x: x),
    ],
    ids=lambda v: repr(v) if isinstance(v, nn.Module) else "",
)
def test_functions_as_layers(layer, formula):
    x = normal(4, 6)
    close(layer(tensor(x)), formula(x))


def test_in_place_activations():
    for layer in (nn.ReLU(inplace=True), nn.LeakyReLU(inplace=True), nn.SiLU(inplace=True)):
        x = tensor(normal(3))
        assert layer(x) is x


def test_pooling():
    x = np.arange(24.0).reshape(1, 1, 4, 6)
    blocks = x.reshape(2, 2, 3, 2).transpose(0, 2, 1, 3).reshape(1, 1, 2, 3, 4)
    close(nn.MaxPool2d(2)(tensor(x)), blocks.max(-1))
    close(nn.AvgPool2d(2)(tensor(x)), blocks.mean(-1))
    close(nn.AdaptiveAvgPool2d((2, 3))(tensor(x)), blocks.mean(-1))
    y, index = nn.MaxPool2d(2, return_indices=True)(tensor(x))
    close(x.reshape(-1)[index.numpy()], y.numpy())


def test_pooling_with_positions():
    x = tensor(normal(2, 3, 6, 4, 5))
    for dims in (1, 2, 3):
        image = x[(0,) * (3 - dims)]
        y, index = getattr(nn, f"MaxPool{dims}d")(2, return_indices=True)(image)
        back = getattr(nn, f"MaxUnpool{dims}d")(2)(y, index, output_size=image.shape[-dims:])
        close(back, np.where(back.numpy() == 0, 0, image.numpy()))
        assert (back != 0).sum().item() == y.numel()
        y, index = getattr(nn, f"AdaptiveMaxPool{dims}d")(1, return_indices=True)(image)
        flat = image.numpy().reshape(*image.shape[:-dims], -1)
        np.testing.assert_array_equal(index.numpy().reshape(flat.shape[:-1]), flat.argmax(-1))
    y = nn.FractionalMaxPool2d(2, output_ratio=0.5)(x[0])
    assert y.shape == (3, 6, 2, 2)
    assert nn.FractionalMaxPool3d(2, output_size=(3, 2, 2))(x[0]).shape == (3, 3, 2, 2)


def test_transposed_convolution_to_a_size():
    layer = nn.ConvTranspose2d(3, 2, 3, stride=(2, 3), padding=1)
    x = ng.ones(1, 3, 4, 5)
    assert layer(x).shape == (1, 2, 7, 13)
    assert layer(x, output_size=(8, 15)).shape == (1, 2, 8, 15)
    assert layer(x[0], output_size=[1, 2, 7, 14]).shape == (2, 7, 14)
    with pytest.raises(ValueError, match=r"output_size must be \(7, 13\)"):
        layer(x, output_size=(9, 15))


def test_conv2d():
    x, w, b = normal(2, 3, 6, 5), normal(4, 3, 3, 2), normal(4)
    layer = nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0), dtype=ng.float64)
    weights(layer, weight=w, bias=b)
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 0)])
    expected = np.zeros((2, 4, 3, 4))
    for i in range(3):
        for j in range(4):
            patch = padded[:, :, 2 * i : 2 * i + 3, j : j + 2]
            expected[:, :, i, j] = np.einsum("nchw,fchw->nf", patch, w) + b
    close(layer(tensor(x)), expected)
    same = nn.Conv2d(3, 2, (4, 3), padding="same", dtype=ng.float64)
    assert same(tensor(x)).shape == (2, 2, 6, 5)
    mirrored = nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect", dtype=ng.float64)
    reference = nn.Conv2d(3, 2, 3, dtype=ng.float64)
    reference.load_state_dict(mirrored.state_dict())
    wide = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="reflect")
    close(mirrored(tensor(x)), reference(tensor(wide)).detach().numpy())


@pytest.mark.parametrize(
    ("mode", "name"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")]
)
def test_padding_from_inside(mode, name):
    x = normal(2, 3, 5, 4)
    leaf = tensor(x, requires_grad=True)
    y = nn.functional.pad(leaf, (1, 2, 3, 0), mode=mode)
    close(y, np.pad(x, [(0, 0), (0, 0), (3, 0), (1, 2)], mode=name))
    upstream = normal(*y.shape)
    y.backward(tensor(upstream))
    origin = np.arange(x.size).reshape(x.shape)
    origin = np.pad(origin, [(0, 0), (0, 0), (3, 0), (1, 2)], mode=name)
    expected = np.bincount(origin.ravel(), upstream.ravel(), x.size).reshape(x.shape)
    close(leaf.grad, expected)
    if mode != "replicate":
        with pytest.raises(ValueError, match=f'pad: mode "{mode}" can add at most'):
            nn.functional.pad(leaf, (6, 0), mode=mode)


def test_losses():
    x, y = normal(6, 4), normal(6, 4) + 1
    close(nn.MSELoss()(tensor(x), tensor(y)), ((x - y) ** 2).mean())
    close(nn.MSELoss(reduction="sum")(tensor(x), tensor(y)), ((x - y) ** 2).sum())
    labels = np.array([0, 3, 1, 1, 2, 0])
    logp = x - np.log(np.exp(x).sum(1, keepdims=True))
    picked = -logp[np.arange(6), labels]
    close(nn.CrossEntropyLoss()(tensor(x), tensor(labels)), picked.mean())
    close(nn.CrossEntropyLoss(reduction="none")(tensor(x), tensor(labels)), picked)
    w = np.array([1.0, 2.0, 0.5, 3.0])
    weighted = (picked * w[labels]).sum() / w[labels].sum()
    close(nn.CrossEntropyLoss(weight=tensor(w))(tensor(x), tensor(labels)), weighted)
    close(nn.NLLLoss(weight=tensor(w))(tensor(logp), tensor(labels)), weighted)
    kept = picked[labels != 1].mean()
    close(nn.CrossEntropyLoss(ignore_index=1)(tensor(x), tensor(labels)), kept)
    smooth = 0.9 * picked.mean() + 0.1 * -logp.mean()
    close(nn.CrossEntropyLoss(label_smoothing=0.1)(tensor(x), tensor(labels)), smooth)
    assert list(nn.CrossEntropyLoss(weight=tensor(w)).state_dict()) == ["weight"]
    for word, reduction in (("size_average", "sum"), ("reduce", "none")):
        with pytest.warns(UserWarning, match=f"say reduction='{reduction}'"):
            assert nn.MSELoss(**{word: False}).reduction == reduction


# ------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "Conv2d: in_channels=3 .* groups=2"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), ValueError, "groups must be positive"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), ValueError, "'same' or 'valid', got 'full'"),
        (lambda: nn.Conv2d(3, 4, 3, 2, "same"), ValueError, "padding='same' needs stride 1"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="odd"), ValueError, "padding_mode must be one of"),
        (
            lambda: nn.BatchNorm1d(3)(ng.ones(3)),
            ValueError,
            "BatchNorm1d: expected 2D or 3D input, got 1D",
        ),
        (
            lambda: nn.BatchNorm2d(3)(ng.ones(2, 3)),
            ValueError,
            "BatchNorm2d: expected 4D input, got 2D",
        ),
        (lambda: nn.Dropout(1.5), ValueError, "Dropout: p must be a probability"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), ValueError, "padding_idx must be within"),
        (lambda: nn.Embedding.from_pretrained(ng.ones(3)), ValueError, "expected 2 dimensions"),
        (lambda: nn.Unflatten(1.0, (2,)), TypeError, "Unflatten: dim must be an int"),
        (lambda: nn.Unflatten(3, (2,))(ng.ones(2, 2)), IndexError, "out of range"),
        (lambda: nn.CrossEntropyLoss(reduction="all"), ValueError, "CrossEntropyLoss: reduction"),
        (lambda: nn.Linear(3, 4)(ng.ones(2, 5)), ValueError, "linear"),
        (lambda: nn.Conv2d(3, 4, 3)(ng.ones(1, 2, 5, 5)), ValueError, "conv2d"),
        (lambda: init.xavier_uniform_(ng.ones(3)), ValueError, "2 or more dimensions"),
        (lambda: init.kaiming_normal_(ng.ones(3, 3), mode="fan"), ValueError, "mode must be"),
        (lambda: init.calculate_gain("what"), ValueError, "unknown nonlinearity 'what'"),
        (lambda: init.eye_(ng.ones(3)), ValueError, "eye_: expected 2 dimensions"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ------------------------------------------------------------------------------------- init


def test_default_initialisation():
    """Uniform within 1/sqrt(fan_in): the bound is nearly reached, and the variance is right."""
    for layer, fan_in in [(nn.Linear(50, 400), 50), (nn.Conv2d(12, 80, (3, 2), groups=2), 36)]:
        bound = 1 / math.sqrt(fan_in)
        w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        assert 0.98 * bound < abs(w).max() <= bound and 0.9 * bound < abs(b).max() <= bound
        assert w.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    table = nn.Embedding(200, 100).weight.detach().numpy()
    assert table.std() == pytest.approx(1, rel=0.03) and abs(table.mean()) < 0.03


def test_same_seed_same_weights():
    results = []
    for seed in (1, 1, 2):
        ng.manual_seed(seed)
        results.append(nn.Linear(5, 5).weight.detach().numpy())
    assert np.array_equal(results[0], results[1]) and not np.array_equal(results[0], results[2])


@pytest.mark.parametrize(
    ("fill", "std", "bound"),
    [
        (lambda t: init.uniform_(t, -2, 4), 6 / math.sqrt(12), 4),
        (lambda t: init.normal_(t, 0, 3), 3, None),
        (init.xavier_uniform_, math.sqrt(2 / 300), math.sqrt(6 / 300)),
        (lambda t: init.xavier_normal_(t, gain=2), 2 * math.sqrt(2 / 300), None),
        (
            lambda t: init.kaiming_uniform_(t, mode="fan_out"),
            math.sqrt(2 / 200),
            math.sqrt(6 / 200),
        ),
        (lambda t: init.kaiming_uniform_(t, a=1), math.sqrt(1 / 100), math.sqrt(3 / 100)),
        (lambda t: init.kaiming_normal_(t, nonlinearity="relu"), math.sqrt(2 / 100), None),
        (lambda t: init.kaiming_normal_(t, nonlinearity="tanh"), 5 / 3 / 10, None),
        (init.trunc_normal_, 0.8796, 2),  # of a normal cut at two standard deviations
        (lambda t: init.trunc_normal_(t, std=2, a=-1, b=1), 0.5675, 1),
    ],
)
def test_distributions(fill, std, bound):
    t = nn.Parameter(ng.zeros(200, 100))
    assert fill(t) is t
    values = t.detach().numpy()
    assert values.std() == pytest.approx(std, rel=0.03)
    if bound is not None:
        assert 0.97 * bound < abs(values).max() <= bound * (1 + 1e-6)
    assert t.is_leaf and t.requires_grad


def test_constants():
    close(init.ones_(ng.zeros(2, 3)), np.ones((2, 3)))
    close(init.zeros_(ng.ones(2, 3)), np.zeros((2, 3)))
    close(init.constant_(ng.ones(2, 3), 0.5), np.full((2, 3), 0.5))
    close(init.eye_(ng.ones(2, 3)), np.eye(2, 3))
    x = normal(1, 4, 5, 5, dtype=np.float32)
    w = init.dirac_(ng.ones(4, 4, 3, 3))
    close(nn.functional.conv2d(ng.tensor(x), w, padding=1), x, 1e-6)
    w = init.dirac_(ng.ones(4, 2, 3, 3), groups=2)
    close(nn.functional.conv2d(ng.tensor(x), w, padding=1, groups=2), x, 1e-6)


def test_orthogonal():
    for shape in [(5, 5), (3, 8), (8, 3), (4, 2, 3)]:
        w = init.orthogonal_(ng.zeros(shape), gain=2).numpy().reshape(shape[0], -1)
        small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        close(small, 4 * np.eye(len(small)), 1e-5)
    w = init.sparse_(ng.zeros(10, 4), sparsity=0.3).numpy()
    assert ((w == 0).sum(0) == 3).all()


def test_normal_quantile():
    """The inverse of the distribution function, down to the far tails."""
    p = np.array([1e-300, 1e-20, 1e-5, 0.07, 0.075, 0.3, 0.5, 0.9, 1 - 1e-10])
    x = init._normal_quantile(p)
    back = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
    np.testing.assert_allclose(back, p, rtol=1e-12)


def test_gain():
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("leaky_relu", 1) == 1
    assert init.calculate_gain("conv2d") == 1
    assert init.calculate_gain("selu") == 0.75
    assert init._calculate_fan_in_and_fan_out(ng.zeros(4, 3, 2, 5)) == (30, 40)


# ------------------------------------------------------------------------------------- learning


def test_a_network_learns_xor():
    ng.manual_seed(3)
    x = ng.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = ng.tensor([0, 1, 1, 0])
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = ng.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01
    assert net(x).argmax(1).tolist() == [0, 1, 1, 0]
