"""The modules to be compared with PyTorch's: how each is made, and what it is given."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Row:
    """A module, its arguments, and the arguments of its call; arrays become tensors."""

    name: str
    inputs: tuple
    args: tuple = ()
    call: dict = field(default_factory=dict)
    modes: tuple = (True, False)  # training, evaluation; not training where chance rules
    dtype: str = "float64"
    options: dict = field(default_factory=dict)

    def __str__(self):
        words = [*map(str, self.args), *(f"{k}={v}" for k, v in self.options.items())]
        call = [f"{k}={short(v)}" for k, v in self.call.items()]
        words = [word.replace("\n", "") for word in words + call]
        return f"{self.name}({','.join(words)}){[short(x) for x in self.inputs]}"


@dataclass
class Made:
    """An argument that each library makes for itself."""

    make: Any

    def __str__(self):
        return "made"


def short(x):
    return getattr(x, "shape", x)


@dataclass
class Fixed:
    """An input of numbers that nobody differentiates by."""

    array: np.ndarray

    @property
    def shape(self):
        return self.array.shape


def row(name, *inputs, args=(), call=None, modes=(True, False), kind="float64", **options):
    return Row(name, inputs, args, call or {}, modes, kind, options)


def integers(high, *shape):
    return np.random.default_rng(0).integers(0, high, shape)


def fractions(*shape):
    return np.linspace(0.1, 0.9, int(np.prod(shape))).reshape(shape)


def every_other(batch, image):
    """Positions, no two of a plane alike."""
    plane = 2 * np.arange(np.prod(image)).reshape(image)
    return np.broadcast_to(plane, (*batch, *image)).copy()


def later(n):
    return np.triu(np.full((n, n), -np.inf), 1)


X, IMAGE, VOLUME = (4, 6), (2, 3, 7, 5), (2, 3, 4, 5, 3)
CHANCE = (False,)  # compared at evaluation only
SIGNS = Fixed(np.array([1.0, -1.0, -1.0, 1.0]))
BITS = Fixed(np.array([[0.0, 1.0, 1.0, 0.0, 0.0, 1.0]] * 4))
LABELS = np.array([[0, 3, -1, 1, 1, 1]] * 4)
CLASSES = np.array([0, 5, 2, 2])
WEIGHTS = fractions(6)

LAYERS = [
    row("Linear", (5, 3), args=(3, 4)),
    row("Linear", (2, 5, 3), args=(3, 4), bias=False),
    row("Linear", (3,), args=(3, 4)),
    row("Bilinear", (5, 3), (5, 2), args=(3, 2, 4)),
    row("Bilinear", (5, 3), (5, 2), args=(3, 2, 4), bias=False),
    row("Identity", X, args=(1, 2), unused=3),
    row("Embedding", integers(7, 4, 5), args=(7, 3)),
    row("Embedding", integers(7, 4, 5), args=(7, 3), padding_idx=-2),
    row("EmbeddingBag", integers(7, 4, 5), args=(7, 3)),
    row("EmbeddingBag", integers(7, 9), np.array([0, 2, 2, 7]), args=(7, 3), mode="sum"),
    row("EmbeddingBag", integers(7, 4, 5), args=(7, 3), mode="max", padding_idx=1),
    row("Flatten", (2, 3, 4, 5)),
    row("Flatten", (2, 3, 4, 5), args=(0, 2)),
    row("Unflatten", (2, 12, 3), args=(1, (3, -1))),
    row("CosineSimilarity", X, X),
    row("CosineSimilarity", X, X, dim=0, eps=0.1),
    row("PairwiseDistance", X, X, keepdim=True),
    row("PairwiseDistance", X, X, p=3.0),
    row("Sequential", X, args=(Made(lambda t: t.nn.Linear(6, 3)), Made(lambda t: t.nn.Tanh()))),
    row("DataParallel", X, args=(Made(lambda t: t.nn.Linear(6, 3)),)),
    row("AdaptiveLogSoftmaxWithLoss", (5, 16), np.array([3, 9, 0, 4, 6]), args=(16, 10, [2, 5])),
    row("AdaptiveLogSoftmaxWithLoss", (8,), np.array(1), args=(8, 4, [2], 2.0, True)),
]

CONVOLUTIONS = [
    row("Conv1d", (2, 4, 9), args=(4, 6, 3), stride=2, padding=1, groups=2),
    row("Conv1d", (2, 3, 9), args=(3, 2, 3), padding="same", dilation=2, bias=False),
    row("Conv1d", (2, 3, 9), args=(3, 2, 3), padding=2, padding_mode="circular"),
    row("Conv2d", IMAGE, args=(3, 4, 3)),
    row("Conv2d", (2, 4, 9, 6), args=(4, 6, (3, 2)), stride=(2, 1), padding=(1, 2), groups=2),
    row("Conv2d", (2, 3, 8, 7), args=(3, 2, (4, 3)), padding="same", dilation=(1, 2)),
    row("Conv2d", (2, 3, 8, 7), args=(3, 2, 3), padding="valid", bias=False),
    row("Conv2d", (3, 8, 7), args=(3, 2, 3)),
    row("Conv2d", (2, 3, 8, 7), args=(3, 2, 3), padding=(1, 2), padding_mode="reflect"),
    row("Conv2d", (2, 3, 8, 7), args=(3, 2, (4, 3)), padding="same", padding_mode="replicate"),
    row("Conv2d", (2, 3, 8, 7), args=(3, 2, 3), padding=(1, 2), padding_mode="circular"),
    row("Conv3d", (2, 4, 5, 6, 4), args=(4, 6, (3, 2, 1)), stride=(2, 1, 1), padding=1, groups=2),
    row("Conv3d", (2, 2, 5, 4, 6), args=(2, 3, 2), padding="same", dilation=(2, 1, 1)),
    row("ConvTranspose1d", (2, 4, 5), args=(4, 6, 3), stride=3, output_padding=2, groups=2),
    row("ConvTranspose2d", (2, 4, 5, 3), args=(4, 6, (3, 2)), stride=2, padding=1, groups=2),
    row("ConvTranspose2d", (2, 3, 5, 3), args=(3, 2, 3, 2, 1, 1, 1, False, (2, 1))),
    row("ConvTranspose2d", (2, 3, 5, 3), args=(3, 2, 3, 2), call={"output_size": (12, 7)}),
    row("ConvTranspose3d", (2, 2, 3, 4, 2), args=(2, 3, (3, 2, 1)), stride=(2, 1, 3), padding=1),
    row("Unfold", IMAGE, args=((3, 2),), stride=2, padding=1),
    row("Fold", (2, 12, 20), args=((5, 6), 2)),
]

POOLS = [
    row("MaxPool1d", (2, 3, 7), args=(3, 2, 1)),
    row("MaxPool2d", IMAGE, args=(2,)),
    row("MaxPool2d", IMAGE, args=((3, 2),), stride=(2, 1), padding=1, ceil_mode=True),
    row("MaxPool2d", IMAGE, args=(2,), return_indices=True),
    row("MaxPool3d", (2, 2, 5, 6, 4), args=(2,), stride=(2, 1, 2), ceil_mode=True),
    row("MaxUnpool1d", (2, 3, 4), every_other((2, 3), (4,)), args=(2,)),
    row("MaxUnpool2d", (2, 3, 2), every_other((2,), (3, 2)), args=((3, 2), 2)),
    row("MaxUnpool3d", (1, 2, 2, 2, 2), every_other((1, 2), (2, 2, 2)), args=(2,)),
    row("AvgPool1d", (2, 3, 7), args=(3, 2, 1, True, False)),
    row("AvgPool2d", IMAGE, args=(2,)),
    row("AvgPool2d", IMAGE, args=(3, 2, 1), count_include_pad=False),
    row("AvgPool2d", IMAGE, args=(3, 2, 1, True), divisor_override=4),
    row("AvgPool3d", (2, 2, 5, 6, 4), args=((2, 3, 1),), divisor_override=4),
    row("LPPool1d", fractions(2, 3, 8), args=(2, 3), stride=2),
    row("LPPool2d", fractions(2, 3, 8, 5), args=(3, (3, 2))),
    row("LPPool3d", fractions(2, 3, 4, 5, 3), args=(2, 2), ceil_mode=True),
    row("AdaptiveAvgPool1d", (2, 3, 7), args=(3,)),
    row("AdaptiveAvgPool2d", IMAGE, args=((3, 2),)),
    row("AdaptiveAvgPool2d", IMAGE, args=(1,)),
    row("AdaptiveAvgPool3d", (2, 2, 5, 6, 4), args=((2, None, 3),)),
    row("AdaptiveMaxPool1d", (2, 3, 7), args=(3,), return_indices=True),
    row("AdaptiveMaxPool2d", IMAGE, args=((3, None),)),
    row("AdaptiveMaxPool3d", (2, 2, 5, 6, 4), args=(2,)),
    row("FractionalMaxPool2d", IMAGE, args=(2, (3, 2)), _random_samples=fractions(2, 3, 2)),
    row("FractionalMaxPool3d", VOLUME, args=(2, (2, 3, 1)), _random_samples=fractions(2, 3, 3)),
]

IMAGES = [
    *[row(f"ConstantPad{n}d", shape, args=(2, 1.5)) for n, shape in ((1, X), (2, IMAGE))],
    row("ConstantPad3d", VOLUME, args=((1, 2, 0, -1, 1, 0), -0.5)),
    row("ZeroPad1d", (2, 3, 7), args=((2, 1),)),
    row("ZeroPad2d", (3, 7, 5), args=((2, 1, -1, 0),)),
    row("ZeroPad3d", VOLUME, args=(1,)),
    *[
        row(f"{kind}Pad{n}d", shape, args=(widths,))
        for kind in ("Reflection", "Replication", "Circular")
        for n, shape, widths in (
            (1, (2, 3, 7), 2),
            (1, (3, 7), (1, 2)),
            (2, IMAGE, (2, 1, 0, 3)),
            (3, VOLUME, (1, 2, 0, 1, 3, 1)),
        )
    ],
    row("PixelShuffle", (2, 12, 3, 2), args=(2,)),
    row("PixelUnshuffle", (2, 3, 6, 4), args=(2,)),
    row("ChannelShuffle", (2, 6, 3), args=(3,)),
    row("Upsample", (2, 3, 5), args=(8,)),
    row("Upsample", IMAGE, scale_factor=2),
    row("Upsample", IMAGE, scale_factor=(2, 1.5), mode="bilinear", align_corners=True),
    row("Upsample", IMAGE, scale_factor=1.7, mode="bicubic", recompute_scale_factor=True),
    row("Upsample", VOLUME, size=(3, 7, 4), mode="trilinear"),
    row("UpsamplingNearest2d", IMAGE, scale_factor=2),
    row("UpsamplingBilinear2d", IMAGE, args=((9, 4),)),
]

NORMS = [
    row("BatchNorm1d", (6, 3), args=(3,)),
    row("BatchNorm1d", (6, 3, 4), args=(3,)),
    row("BatchNorm1d", (6, 3), args=(3,), momentum=None),
    row("BatchNorm2d", (4, 3, 5, 2), args=(3,), eps=0.1, momentum=0.3),
    row("BatchNorm2d", (4, 3, 5, 2), args=(3,), affine=False),
    row("BatchNorm2d", (4, 3, 5, 2), args=(3,), bias=False),
    row("BatchNorm2d", (4, 3, 5, 2), args=(3,), track_running_stats=False),
    row("BatchNorm3d", (2, 3, 2, 2, 2), args=(3,)),
    row("SyncBatchNorm", (4, 3), args=(3,)),
    row("SyncBatchNorm", (4, 3, 2, 3, 1, 2), args=(3,), momentum=None),
    row("InstanceNorm1d", (2, 3, 5), args=(3,)),
    row("InstanceNorm1d", (3, 5), args=(3,), affine=True),
    row("InstanceNorm2d", (2, 3, 4, 4), args=(3,), affine=True, track_running_stats=True),
    row("InstanceNorm3d", (2, 3, 2, 2, 2), args=(3,)),
    row("LocalResponseNorm", (2, 5, 4), args=(3,), alpha=0.1),
    row("LayerNorm", (4, 3, 5), args=(5,)),
    row("LayerNorm", (4, 3, 5), args=((3, 5),), eps=0.1),
    row("LayerNorm", (4, 3, 5), args=(5,), elementwise_affine=False),
    row("LayerNorm", (4, 3, 5), args=(5,), bias=False),
    row("RMSNorm", (4, 3, 5), args=(5,)),
    row("RMSNorm", (4, 3, 5), args=((3, 5), 0.1)),
    row("RMSNorm", (4, 3, 5), args=(5,), elementwise_affine=False),
    row("GroupNorm", (4, 6, 5), args=(2, 6)),
    row("GroupNorm", (4, 6, 2, 3), args=(3, 6, 0.1), bias=False),
    row("GroupNorm", (4, 6, 3), args=(3, 6), affine=False),
]

DROPOUTS = [
    row("Dropout", X, args=(0.3,), modes=CHANCE),
    row("Dropout", X, args=(0.0,)),
    row("Dropout", X, args=(1.0, True)),
    row("Dropout1d", (2, 3, 4), modes=CHANCE),
    row("Dropout1d", (2, 3, 4), args=(1.0,)),
    row("Dropout2d", IMAGE, modes=CHANCE),
    row("Dropout2d", IMAGE, args=(1.0,)),
    row("Dropout3d", VOLUME, modes=CHANCE),
    row("Dropout3d", VOLUME, args=(1.0,)),
    row("AlphaDropout", X, args=(0.2,), modes=CHANCE),
    row("AlphaDropout", X, args=(0.0,)),
    row("FeatureAlphaDropout", (2, 3, 4), args=(0.2,), modes=CHANCE),
    row("FeatureAlphaDropout", (2, 3, 4), args=(0.0,)),
]

ACTIVATIONS = [
    row("ReLU", X),
    row("ReLU", X, inplace=True),
    row("ReLU6", (4, 60)),
    row("LeakyReLU", X, args=(0.2,)),
    row("LeakyReLU", X, args=(0.2, True)),
    row("ELU", X, args=(0.5,)),
    row("CELU", X, args=(0.5,)),
    row("SELU", X, inplace=True),
    row("GELU", X),
    row("GELU", X, approximate="tanh"),
    row("SiLU", X),
    row("Mish", X),
    row("Sigmoid", X),
    row("Tanh", X),
    row("Softplus", X, beta=2.0, threshold=1.0),
    row("Hardtanh", X, args=(-0.5, 0.5)),
    row("Hardtanh", X, min_value=-0.5),
    row("Hardswish", X),
    row("Hardsigmoid", X, kind="float32"),  # PyTorch's 1/6 is never of more digits
    row("Hardshrink", X),
    row("Softshrink", X, args=(0.3,)),
    row("Tanhshrink", X),
    row("Softsign", X),
    row("LogSigmoid", X),
    row("Threshold", X, args=(0.1, 2.0), inplace=True),
    row("GLU", X),
    row("PReLU", X, args=(6,)),
    row("RReLU", X, modes=CHANCE),
    row("RReLU", X, args=(0.25, 0.25)),
    row("Softmax", X, dim=0),
    row("Softmax2d", (2, 3, 4, 4)),
    row("Softmin", X, dim=0),
    row("LogSoftmax", X, dim=-1),
]

TIME, BATCH = (5, 2, 4), (2, 5, 4)  # (L, N, E), (N, L, E)
PADDED = np.array([[False] * 5, [False, False, False, True, True]])
SEQUENCES = [
    row("MultiheadAttention", TIME, TIME, TIME, args=(4, 2)),
    row("MultiheadAttention", (4, 4), (5, 4), (5, 4), args=(4, 1), bias=False),
    row("MultiheadAttention", (3, 2, 4), (5, 2, 3), (5, 2, 6), args=(4, 2), kdim=3, vdim=6),
    row(
        "MultiheadAttention", (3, 2, 4), TIME, TIME, args=(4, 2), add_bias_kv=True,
        add_zero_attn=True, call={"key_padding_mask": PADDED, "average_attn_weights": False},
    ),
    row(
        "MultiheadAttention", BATCH, BATCH, BATCH, args=(4, 2), batch_first=True,
        call={"key_padding_mask": PADDED, "need_weights": False, "attn_mask": np.isinf(later(5))},
    ),
    row(
        "MultiheadAttention", BATCH, BATCH, BATCH, args=(4, 2), batch_first=True,
        call={"need_weights": False, "attn_mask": later(5), "is_causal": True},
    ),
    row(
        "MultiheadAttention", TIME, TIME, TIME, args=(4, 2),
        call={"attn_mask": fractions(4, 5, 5), "key_padding_mask": np.where(PADDED, -9.0, 0.5)},
    ),
    row("TransformerEncoderLayer", TIME, args=(4, 2, 8, 0.0)),
    row("TransformerEncoderLayer", (5, 4), args=(4, 2, 8, 0.3), modes=CHANCE),
    row(
        "TransformerEncoderLayer", BATCH, args=(4, 2, 8, 0.0, "gelu"), norm_first=True,
        batch_first=True, bias=False, call={"src_mask": later(5), "is_causal": True},
    ),
    row(
        "TransformerEncoderLayer", BATCH, args=(4, 2, 8, 0.0, Made(lambda t: t.nn.GELU("tanh"))),
        batch_first=True, call={"src_key_padding_mask": PADDED},
    ),
    row("TransformerDecoderLayer", TIME, (3, 2, 4), args=(4, 2, 8, 0.0)),
    row(
        "TransformerDecoderLayer", BATCH, (2, 3, 4), args=(4, 2, 8, 0.0, "gelu", 1e-3, True, True),
        call={
            "tgt_mask": later(5), "memory_mask": fractions(5, 3), "tgt_key_padding_mask": PADDED,
            "memory_key_padding_mask": PADDED[:, -3:] & [True, False, True], "tgt_is_causal": True,
        },
    ),
    row(
        "TransformerEncoder", TIME, call={"mask": later(5), "src_key_padding_mask": PADDED},
        args=(Made(lambda t: t.nn.TransformerEncoderLayer(4, 2, 8, 0.0)), 2),
        norm=Made(lambda t: t.nn.LayerNorm(4)),
    ),
    row(
        "TransformerDecoder", TIME, (3, 2, 4), call={"tgt_mask": later(5)},
        args=(Made(lambda t: t.nn.TransformerDecoderLayer(4, 2, 8, 0.0)), 2),
    ),
    row(
        "Transformer", BATCH, (2, 3, 4), args=(4, 2, 1, 2, 8, 0.0), batch_first=True,
        call={
            "tgt_mask": later(3), "src_key_padding_mask": PADDED,
            "memory_key_padding_mask": PADDED,
        },
    ),
    row("Transformer", (5, 4), (3, 4), args=(4, 2, 1, 1, 8, 0.0), norm_first=True, bias=False),
]  # fmt: skip

LOSSES = [
    row("MSELoss", X, X),
    row("MSELoss", X, X, reduction="sum"),
    row("MSELoss", X, X, size_average=False),
    row("L1Loss", X, X, reduce=False),
    row("SmoothL1Loss", X, X, beta=0.5),
    row("HuberLoss", X, X, reduction="sum", delta=0.5),
    row("KLDivLoss", X, X, reduction="batchmean", log_target=True),
    row("KLDivLoss", X, fractions(*X), size_average=False),
    row("BCELoss", fractions(12), fractions(12)[::-1].copy()),
    row("BCELoss", fractions(6), fractions(6), args=(WEIGHTS,), size_average=False),
    row("BCEWithLogitsLoss", (12,), fractions(12), reduction="none"),
    row("BCEWithLogitsLoss", X, BITS, weight=WEIGHTS, pos_weight=2 * WEIGHTS),
    row("NLLLoss", X, CLASSES, ignore_index=2),
    row("NLLLoss", X, CLASSES, args=(WEIGHTS,), reduction="none"),
    row("NLLLoss2d", (2, 4, 3, 2), integers(4, 2, 3, 2), reduction="sum"),
    row("CrossEntropyLoss", X, CLASSES, label_smoothing=0.1),
    row("CrossEntropyLoss", X, CLASSES, args=(WEIGHTS,), size_average=True),
    row("CrossEntropyLoss", (2, 4, 3), integers(4, 2, 3), reduction="none"),
    row("CrossEntropyLoss", X, X, reduction="sum"),
    row("LinearCrossEntropyLoss", (4, 3), CLASSES, args=(3, 6)),
    row("LinearCrossEntropyLoss", (3,), np.array(2), args=(3, 6), bias=True, ignore_index=0),
    row(
        "LinearCrossEntropyLoss", (4, 3), integers(6, 4, 2, 5), args=(3, 6), out_features=(2, 5),
        bias=True, weight=WEIGHTS, reduction="none", label_smoothing=0.1,
    ),
    row("LinearCrossEntropyLoss", (4, 3), fractions(4, 6), args=(3, 6), reduction="sum"),
    row("CosineEmbeddingLoss", X, X, SIGNS, args=(0.1,)),
    row("HingeEmbeddingLoss", (4,), SIGNS, reduction="sum"),
    row("MarginRankingLoss", (4,), (4,), SIGNS, args=(0.1,)),
    row("TripletMarginLoss", X, X, X, swap=True),
    row("TripletMarginWithDistanceLoss", X, X, X, margin=0.5),
    row("MultiMarginLoss", X, CLASSES, args=(2,)),
    row("MultiMarginLoss", X, CLASSES, weight=WEIGHTS),
    row("MultiLabelMarginLoss", X, LABELS),
    row("MultiLabelSoftMarginLoss", X, BITS, args=(WEIGHTS,)),
    row("SoftMarginLoss", (4,), SIGNS, reduce=False),
    row("GaussianNLLLoss", X, X, np.ones(X), full=True),
    row("PoissonNLLLoss", X, BITS, full=True),
    row(
        "CTCLoss", np.log(fractions(5, 2, 3)), np.array([[1, 2], [2, 2]]), np.array([5, 4]),
        np.array([2, 1]), reduction="sum", zero_infinity=True,
    ),
]  # fmt: skip

ROWS = [
    *LAYERS, *CONVOLUTIONS, *POOLS, *IMAGES, *NORMS, *DROPOUTS, *ACTIVATIONS, *SEQUENCES, *LOSSES
]  # fmt: skip

# Classes of torch.nn without a row, and why.
ELSEWHERE = {
    **dict.fromkeys(["Module", "ModuleList", "ModuleDict"], "test_module.py"),
    **dict.fromkeys(["Parameter", "ParameterList", "ParameterDict"], "test_module.py"),
    "Buffer": "test_module.py",
    **dict.fromkeys(["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"], "test_rnn.py"),
    **dict.fromkeys(["RNNBase", "RNNCellBase"], "the base of classes that are compared"),
    **dict.fromkeys(["UninitializedParameter", "UninitializedBuffer"], "of lazy modules"),
    "CrossMapLRN2d": "PyTorch's leaves channels out at the edges, other ones in backward",
    "LinearCrossEntropyOptions": "no module, and not used",
    "Container": "a base that PyTorch itself calls deprecated",
}
