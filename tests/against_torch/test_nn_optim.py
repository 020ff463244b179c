"""Modules compared with PyTorch: state, forward, gradients; a training run."""

import itertools

import numpy as np
import pytest

import naivegrad as ng
from against_torch import test_modules
from naivegrad import nn, optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RNG = np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def integers(high, *shape):
    return np.random.default_rng(0).integers(0, high, shape)


def probabilities(n):
    return np.linspace(0.1, 0.9, n, dtype=np.float32)


def every_other(batch, image):
    """Positions, no two of a plane alike."""
    plane = 2 * np.arange(np.prod(image)).reshape(image)
    return np.broadcast_to(plane, (*batch, *image)).copy()


def case(name, *shapes, args=(), inputs=None, train=True, **kwargs):
    inputs = inputs if inputs is not None else [normal(*shape) for shape in shapes]
    mode = "" if train else "-eval"
    words = [str(a) for a in args] + [f"{k}={v}" for k, v in kwargs.items()]
    return pytest.param(name, args, kwargs, inputs, train, id=f"{name}({','.join(words)}){mode}")


MODULES = [
    case("Linear", (5, 3), args=(3, 4)),
    case("Linear", (2, 5, 3), args=(3, 4), bias=False),
    case("Linear", (3,), args=(3, 4)),
    case("Bilinear", (5, 3), (5, 2), args=(3, 2, 4)),
    case("Identity", (2, 3)),
    case("Conv2d", (2, 3, 7, 5), args=(3, 4, 3)),
    case("Conv2d", (2, 4, 9, 6), args=(4, 6, (3, 2)), stride=(2, 1), padding=(1, 2), groups=2),
    case("Conv2d", (2, 3, 8, 7), args=(3, 2, (4, 3)), padding="same", dilation=(1, 2)),
    case("Conv2d", (2, 3, 8, 7), args=(3, 2, 3), padding="valid", bias=False),
    case("Conv2d", (3, 8, 7), args=(3, 2, 3)),
    case("Conv2d", (2, 3, 8, 7), args=(3, 2, 3), padding=(1, 2), padding_mode="reflect"),
    case("Conv2d", (2, 3, 8, 7), args=(3, 2, (4, 3)), padding="same", padding_mode="replicate"),
    case("Conv2d", (2, 3, 8, 7), args=(3, 2, 3), padding=(1, 2), padding_mode="circular"),
    case("Conv1d", (2, 4, 9), args=(4, 6, 3), stride=2, padding=1, groups=2),
    case("Conv1d", (2, 3, 9), args=(3, 2, 3), padding="same", dilation=2, bias=False),
    case("Conv1d", (2, 3, 9), args=(3, 2, 3), padding=2, padding_mode="circular"),
    case("ConvTranspose2d", (2, 4, 5, 3), args=(4, 6, (3, 2)), stride=2, padding=1, groups=2),
    case("ConvTranspose2d", (2, 3, 5, 3), args=(3, 2, 3, 2, 1, 1, 1, False, (2, 1))),
    case("ConvTranspose1d", (2, 4, 5), args=(4, 6, 3), stride=3, output_padding=2, groups=2),
    case("ConvTranspose3d", (2, 2, 3, 4, 2), args=(2, 3, (3, 2, 1)), stride=(2, 1, 3), padding=1),
    case("Conv3d", (2, 4, 5, 6, 4), args=(4, 6, (3, 2, 1)), stride=(2, 1, 1), padding=1, groups=2),
    case("Conv3d", (2, 2, 5, 4, 6), args=(2, 3, 2), padding="same", dilation=(2, 1, 1)),
    case("MaxPool1d", (2, 3, 7), args=(3, 2, 1)),
    case("MaxPool3d", (2, 2, 5, 6, 4), args=(2,), stride=(2, 1, 2), ceil_mode=True),
    case("AvgPool1d", (2, 3, 7), args=(3, 2, 1, True, False)),
    case("AvgPool3d", (2, 2, 5, 6, 4), args=((2, 3, 1),), divisor_override=4),
    case("LPPool1d", inputs=[probabilities(48).reshape(2, 3, 8)], args=(2, 3), stride=2),
    case("LPPool2d", inputs=[probabilities(240).reshape(2, 3, 8, 5)], args=(3, (3, 2))),
    case(
        "LPPool3d", inputs=[probabilities(360).reshape(2, 3, 4, 5, 3)], args=(2, 2), ceil_mode=True
    ),
    case("AdaptiveAvgPool1d", (2, 3, 7), args=(3,)),
    case("AdaptiveAvgPool3d", (2, 2, 5, 6, 4), args=((2, None, 3),)),
    case("AdaptiveMaxPool1d", (2, 3, 7), args=(3,)),
    case("AdaptiveMaxPool2d", (2, 3, 7, 5), args=((3, None),)),
    case("AdaptiveMaxPool3d", (2, 2, 5, 6, 4), args=(2,)),
    case("MaxUnpool1d", inputs=[normal(2, 3, 4), every_other((2, 3), (4,))], args=(2,)),
    case("MaxUnpool2d", inputs=[normal(2, 3, 2), every_other((2,), (3, 2))], args=((3, 2), 2)),
    case("MaxUnpool3d", inputs=[normal(1, 2, 2, 2, 2), every_other((1, 2), (2, 2, 2))], args=(2,)),
    case("MaxPool2d", (2, 3, 7, 5), args=(2,)),
    case("MaxPool2d", (2, 3, 7, 5), args=((3, 2),), stride=(2, 1), padding=1, ceil_mode=True),
    case("AvgPool2d", (2, 3, 7, 5), args=(2,)),
    case("AvgPool2d", (2, 3, 7, 5), args=(3, 2, 1), count_include_pad=False),
    case("AvgPool2d", (2, 3, 7, 5), args=(3, 2, 1, True), divisor_override=4),
    case("AdaptiveAvgPool2d", (2, 3, 7, 5), args=((3, 2),)),
    case("AdaptiveAvgPool2d", (2, 3, 7, 5), args=(1,)),
    case("BatchNorm1d", (6, 3), args=(3,)),
    case("BatchNorm1d", (6, 3, 4), args=(3,), train=False),
    case("BatchNorm1d", (6, 3), args=(3,), momentum=None),
    case("BatchNorm2d", (4, 3, 5, 2), args=(3,), eps=0.1, momentum=0.3),
    case("BatchNorm2d", (4, 3, 5, 2), args=(3,), affine=False),
    case("BatchNorm2d", (4, 3, 5, 2), args=(3,), bias=False),
    case("BatchNorm2d", (4, 3, 5, 2), args=(3,), track_running_stats=False, train=False),
    case("BatchNorm2d", (4, 3, 5, 2), args=(3,), train=False),
    case("LayerNorm", (4, 3, 5), args=(5,)),
    case("LayerNorm", (4, 3, 5), args=((3, 5),), eps=0.1),
    case("LayerNorm", (4, 3, 5), args=(5,), elementwise_affine=False),
    case("LayerNorm", (4, 3, 5), args=(5,), bias=False),
    case("RMSNorm", (4, 3, 5), args=(5,)),
    case("RMSNorm", (4, 3, 5), args=((3, 5), 0.1)),
    case("RMSNorm", (4, 3, 5), args=(5,), elementwise_affine=False),
    case("GroupNorm", (4, 6, 5), args=(2, 6)),
    case("GroupNorm", (4, 6, 2, 3), args=(3, 6, 0.1), bias=False),
    case("GroupNorm", (4, 6, 3), args=(3, 6), affine=False),
    case("Embedding", args=(7, 3), inputs=[integers(7, 4, 5)]),
    case("Embedding", args=(7, 3), inputs=[integers(7, 4, 5)], padding_idx=-2),
    case("Dropout", (3, 4), args=(0.3,), train=False),
    case("Dropout2d", (3, 4, 2, 2), train=False),
    case("Flatten", (2, 3, 4, 5)),
    case("Flatten", (2, 3, 4, 5), args=(0, 2)),
    case("Unflatten", (2, 12, 3), args=(1, (3, -1))),
    case("Unfold", (2, 3, 7, 5), args=((3, 2),), stride=2, padding=1),
    case("Fold", (2, 12, 20), args=((5, 6), 2)),
    case("ReLU", (3, 4)),
    case("ReLU", (3, 4), inplace=True),
    case("LeakyReLU", (3, 4), args=(0.2,)),
    case("LeakyReLU", (3, 4), args=(0.2, True)),
    case("GELU", (3, 4)),
    case("GELU", (3, 4), approximate="tanh"),
    case("SiLU", (3, 4)),
    case("Sigmoid", (3, 4)),
    case("Tanh", (3, 4)),
    case("Softplus", (3, 4), beta=2.0, threshold=1.0),
    case("Softmax", (3, 4), dim=0),
    case("Softmin", (3, 4), dim=0),
    case("LogSoftmax", (3, 4), dim=-1),
    case("MSELoss", (3, 4), (3, 4)),
    case("MSELoss", (3, 4), (3, 4), reduction="sum"),
    case("L1Loss", inputs=[normal(3, 4), normal(4, 3).T.copy()]),
    case("SmoothL1Loss", inputs=[normal(3, 4), normal(4, 3).T.copy()], beta=0.5),
    case("HuberLoss", inputs=[normal(3, 4), normal(4, 3).T.copy()], reduction="sum", delta=0.5),
    case("KLDivLoss", (3, 4), (3, 4), reduction="batchmean", log_target=True),
    case("BCELoss", inputs=[probabilities(12), probabilities(12)[::-1].copy()]),
    case("BCEWithLogitsLoss", inputs=[normal(12), probabilities(12)], reduction="none"),
    case("NLLLoss", inputs=[normal(6, 4), integers(4, 6)], ignore_index=1),
    case("CrossEntropyLoss", inputs=[normal(6, 4), integers(4, 6)], label_smoothing=0.1),
    case("CrossEntropyLoss", inputs=[normal(2, 4, 3), integers(4, 2, 3)], reduction="none"),
    case("CrossEntropyLoss", (6, 4), (6, 4), reduction="sum"),
]


def grads(tensors):
    return [None if t.grad is None else t.grad.numpy() for t in tensors]


def close(ours, theirs, what):
    assert (ours is None) == (theirs is None), what
    if ours is not None:
        assert ours.shape == theirs.shape, what
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5, err_msg=what)


def layout(state):
    return {key: (tuple(value.shape), value.numpy().dtype) for key, value in state.items()}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("name", "args", "kwargs", "inputs", "train"), MODULES)
def test_module(name, args, kwargs, inputs, train):
    theirs = getattr(torch.nn, name)(*args, **kwargs)
    ours = getattr(nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    state = theirs.state_dict()
    assert layout(ours.state_dict()) == layout(state)
    with torch.no_grad():  # away from the ones and zeros that norms start with
        for value in state.values():
            if value.is_floating_point():
                value.add_(torch.rand(value.shape))
    ours.load_state_dict({k: v.numpy() for k, v in state.items()})
    ours.train(train), theirs.train(train)

    ours_in = [ng.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    theirs_in = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    # In-place modules may not change a leaf.
    y = ours(*[x * 1 if x.requires_grad else x for x in ours_in])
    z = theirs(*[x * 1 if x.requires_grad else x for x in theirs_in])
    close(y.detach().numpy(), z.detach().numpy(), "output")
    upstream = normal(*z.shape)
    y.backward(ng.tensor(upstream))
    z.backward(torch.tensor(upstream))
    for i, (a, b) in enumerate(zip(grads(ours_in), grads(theirs_in))):
        close(a, b, f"gradient of input {i}")
    for (key, a), b in zip(ours.named_parameters(), theirs.parameters()):
        close(*grads([a, b]), f"gradient of {key}")
    for (key, a), b in zip(ours.named_buffers(), theirs.buffers()):
        close(a.numpy(), b.numpy(), key)


def test_every_module_is_here():
    compared = {case.values[0] for case in MODULES} | {row[0] for row in test_modules.MODULES}
    no_forward = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}
    elsewhere = {"Sequential", "Dropout1d", "Dropout3d", "FractionalMaxPool2d"}
    elsewhere |= {"FractionalMaxPool3d", "EmbeddingBag"}
    elsewhere |= {name for name in nn.__all__ if name.startswith("Lazy")}  # test_lazy.py
    modules = {
        name
        for name in nn.__all__
        if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert modules - no_forward - elsewhere == compared - elsewhere


@pytest.mark.parametrize(
    "name", ["Linear", "Conv2d", "BatchNorm2d", "LayerNorm", "Embedding", "Bilinear"]
)
def test_initial_distribution(name):
    args = {"Linear": (70, 50), "Conv2d": (20, 30, 5), "BatchNorm2d": (9,), "LayerNorm": (9,)}
    args |= {"Embedding": (90, 50), "Bilinear": (20, 15, 30)}
    ng.manual_seed(0), torch.manual_seed(0)
    ours, theirs = getattr(nn, name)(*args[name]), getattr(torch.nn, name)(*args[name])
    for (key, a), b in zip(ours.named_parameters(), theirs.parameters()):
        a, b = a.detach().numpy(), b.detach().numpy()
        assert a.shape == b.shape
        np.testing.assert_allclose(a.std(), b.std(), rtol=0.1 if a.size > 999 else 0.5, err_msg=key)
        if name in ("Linear", "Conv2d", "Bilinear"):
            rtol = 0.1 if a.size > 99 else 0.5
            np.testing.assert_allclose(abs(a).max(), abs(b).max(), rtol=rtol, err_msg=key)


# -------------------------------------------------------------------------------- clipping


def grid(**choices):
    return [dict(zip(choices, values)) for values in itertools.product(*choices.values())]


def twins(shapes=((3, 5), (7,), ())):
    arrays = [RNG.standard_normal(shape).astype(np.float32) for shape in shapes]
    return (
        [ng.tensor(a, requires_grad=True) for a in arrays],
        [torch.tensor(a, requires_grad=True) for a in arrays],
    )


@pytest.mark.parametrize("norm_type", [2, 1, 3.0, float("inf"), 0.5])
@pytest.mark.parametrize("max_norm", [0.3, 100])
def test_clip_grad_norm(norm_type, max_norm):
    ps, qs = twins()
    for p, q in zip(ps, qs):
        grad = RNG.standard_normal(p.shape).astype(np.float32)
        p.grad, q.grad = ng.tensor(grad), torch.tensor(grad)
    ours = nn.utils.clip_grad_norm_(ps, max_norm, norm_type)
    theirs = torch.nn.utils.clip_grad_norm_(qs, max_norm, norm_type)
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=1e-5)
    for a, b in zip(grads(ps), grads(qs)):
        np.testing.assert_allclose(a, b, rtol=1e-5)


# ------------------------------------------------------------------------------ all together


def networks():
    def build(m):
        return m.Sequential(
            # No bias before a norm that takes it away: Adam would step by its rounding errors.
            m.Conv2d(1, 4, 3, padding=1, bias=False), m.BatchNorm2d(4), m.ReLU(), m.MaxPool2d(2),
            m.Flatten(), m.Linear(4 * 4 * 4, 16), m.LayerNorm(16), m.GELU(), m.Linear(16, 10),
        )  # fmt: skip

    ours, theirs = build(nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def test_training_runs_alike():
    ours, theirs = networks()
    a, b = optim.AdamW(ours.parameters(), lr=1e-3), torch.optim.AdamW(theirs.parameters(), lr=1e-3)
    for i in range(10):
        x, y = normal(8, 1, 8, 8) + i / 10, integers(10, 8)
        losses = []
        for net, o, lib, loss in [
            (ours, a, ng, nn.CrossEntropyLoss()),
            (theirs, b, torch, torch.nn.CrossEntropyLoss()),
        ]:
            o.zero_grad()
            value = loss(net(lib.tensor(x)), lib.tensor(y))
            value.backward()
            (nn if lib is ng else torch.nn).utils.clip_grad_norm_(net.parameters(), 1.0)
            o.step()
            losses.append(value.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    for key, value in ours.state_dict().items():
        expected = theirs.state_dict()[key].numpy()
        np.testing.assert_allclose(value.numpy(), expected, rtol=5e-3, atol=5e-4, err_msg=key)
