"""Modules against PyTorch's: the same arguments, text, state and result."""

import inspect

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

X = (4, 6)
MODULES = [
    ("ReLU6", (), {}, (X,)),
    ("ELU", (0.5,), {}, (X,)),
    ("CELU", (0.5,), {}, (X,)),
    ("SELU", (), {"inplace": True}, (X,)),
    ("Mish", (), {}, (X,)),
    ("Hardtanh", (-0.5, 0.5), {}, (X,)),
    ("Hardswish", (), {}, (X,)),
    ("Hardsigmoid", (), {}, (X,)),
    ("Hardshrink", (), {}, (X,)),
    ("Softshrink", (0.3,), {}, (X,)),
    ("Tanhshrink", (), {}, (X,)),
    ("Softsign", (), {}, (X,)),
    ("LogSigmoid", (), {}, (X,)),
    ("Threshold", (0.1, 2.0), {"inplace": True}, (X,)),
    ("GLU", (), {}, (X,)),
    ("PReLU", (6,), {}, (X,)),
    ("RReLU", (), {}, (X,)),
    ("Softmax2d", (), {}, ((2, 3, 4, 4),)),
    ("BatchNorm3d", (3,), {}, ((2, 3, 2, 2, 2),)),
    ("InstanceNorm1d", (3,), {}, ((2, 3, 5),)),
    ("InstanceNorm1d", (3,), {"affine": True}, ((3, 5),)),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, ((2, 3, 4, 4),)),
    ("InstanceNorm3d", (3,), {}, ((2, 3, 2, 2, 2),)),
    ("LocalResponseNorm", (3,), {"alpha": 0.1}, ((2, 5, 4),)),
    ("AlphaDropout", (0.2,), {}, (X,)),
    ("FeatureAlphaDropout", (0.2,), {}, ((2, 3, 4),)),
    ("CosineSimilarity", (), {}, (X, X)),
    ("PairwiseDistance", (), {"keepdim": True}, (X, X)),
    ("CosineEmbeddingLoss", (0.1,), {}, (X, X, "signs")),
    ("HingeEmbeddingLoss", (), {"reduction": "sum"}, ((4,), "signs")),
    ("MarginRankingLoss", (0.1,), {}, ((4,), (4,), "signs")),
    ("TripletMarginLoss", (), {"swap": True}, (X, X, X)),
    ("TripletMarginWithDistanceLoss", (), {"margin": 0.5}, (X, X, X)),
    ("MultiMarginLoss", (2,), {}, (X, "classes")),
    ("MultiLabelMarginLoss", (), {}, (X, "labels")),
    ("MultiLabelSoftMarginLoss", (), {}, (X, "bits")),
    ("SoftMarginLoss", (), {}, ((4,), "signs")),
    ("GaussianNLLLoss", (), {"full": True}, (X, X, "ones")),
    ("CTCLoss", (), {}, ()),
    ("PoissonNLLLoss", (), {}, (X, "bits")),
]
SPECIAL = {
    "signs": np.array([1.0, -1.0, -1.0, 1.0]),
    "classes": np.array([0, 5, 2, 2]),
    "labels": np.array([[0, 3, -1, 1, 1, 1]] * 4),
    "bits": np.array([[0.0, 1.0, 1.0, 0.0, 0.0, 1.0]] * 4),
    "ones": np.ones(X),
}


def both(name, options, keywords):
    return (getattr(lib, name)(*options, **keywords) for lib in (nn, torch.nn))


@pytest.mark.parametrize(("name", "options", "keywords", "inputs"), MODULES)
@pytest.mark.parametrize("training", [True, False])
def test_result_and_state(name, options, keywords, inputs, training):
    ours, theirs = both(name, options, keywords)
    ours.train(training)
    theirs.train(training)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    rng = np.random.default_rng(0)
    arrays = [SPECIAL[i] if isinstance(i, str) else rng.standard_normal(i) for i in inputs]
    if not inputs or (training and name in ("RReLU", "AlphaDropout", "FeatureAlphaDropout")):
        return  # chance, or by test_ctc.py
    dtypes = [np.int64 if a.dtype.kind == "i" else np.float32 for a in arrays]
    got = ours(*(ng.tensor(a.astype(d)) for a, d in zip(arrays, dtypes, strict=True)))
    want = theirs(*(torch.tensor(a.astype(d)) for a, d in zip(arrays, dtypes, strict=True)))
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-5, atol=1e-5)
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", sorted({row[0] for row in MODULES} | {"EmbeddingBag"}))
def test_arguments(name):
    """The same names in the same order, with the same defaults."""
    ours, theirs = (
        list(inspect.signature(getattr(lib, name)).parameters.values()) for lib in (nn, torch.nn)
    )
    assert [(p.name, p.default, p.kind) for p in ours] == [
        (p.name, p.default, p.kind) for p in theirs
    ]


@pytest.mark.parametrize(("name", "options", "keywords", "inputs"), MODULES)
def test_text(name, options, keywords, inputs):
    ours, theirs = both(name, options, keywords)
    if not isinstance(ours, nn.BatchNorm3d.__base__):
        assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", sorted({row[0] for row in MODULES} | {"Linear", "Conv2d"}))
def test_arguments_of_forward(name):
    """Callers may name what they hand in."""
    ours, theirs = (
        inspect.signature(getattr(lib, name).forward).parameters.values() for lib in (nn, torch.nn)
    )
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


def test_relations():
    """A class is a kind of another where it is one in PyTorch: programs ask with isinstance."""
    names = [n for n in dir(torch.nn) if isinstance(getattr(torch.nn, n), type) and hasattr(nn, n)]
    names.remove("UninitializedBuffer")  # PyTorch's says it is a Buffer in another way
    for a in names:
        kinds = [
            {b for b in names if issubclass(getattr(t, a), getattr(t, b))} for t in (nn, torch.nn)
        ]
        assert kinds[0] == kinds[1], a
