"""The compiled loops; those built at several levels come from the widest that runs here."""

from typing import TYPE_CHECKING

from naivegrad.kernels import (
    array,
    cpu_features,
    ctc,
    decomposition,
    embedding,
    embedding_bag,
    interpolate,
    pool,
    scan,
    sort,
    threads,
    unfold,
)
from naivegrad.kernels.level import isa, load

if TYPE_CHECKING:  # the stubs are the same at every level
    from naivegrad.kernels import (
        adafactor,
        attention,
        bfloat16,
        conv,
        distance,
        elementwise,
        float16,
        grid_sample,
        index,
        loss,
        matmul,
        norm,
        optim,
        random,
        reduce,
        rnn,
        scatter,
        softmax,
    )
else:
    adafactor = load("adafactor")
    attention = load("attention")
    bfloat16 = load("bfloat16")
    conv = load("conv")
    distance = load("distance")
    elementwise = load("elementwise")
    float16 = load("float16")
    grid_sample = load("grid_sample")
    index = load("index")
    loss = load("loss")
    matmul = load("matmul")
    norm = load("norm")
    optim = load("optim")
    random = load("random")
    reduce = load("reduce")
    rnn = load("rnn")
    scatter = load("scatter")
    softmax = load("softmax")

__all__ = [
    "adafactor",
    "array",
    "attention",
    "bfloat16",
    "conv",
    "cpu_features",
    "ctc",
    "decomposition",
    "distance",
    "elementwise",
    "embedding",
    "embedding_bag",
    "float16",
    "grid_sample",
    "index",
    "interpolate",
    "isa",
    "loss",
    "matmul",
    "norm",
    "optim",
    "pool",
    "random",
    "reduce",
    "rnn",
    "scan",
    "scatter",
    "softmax",
    "sort",
    "threads",
    "unfold",
]
