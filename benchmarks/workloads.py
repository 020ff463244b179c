"""What is timed: each workload is one program, given naivegrad or torch as `t`.

A workload is a function that prepares everything and returns a step to be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

Step = Callable[[], Any]


def tiny(t: Any) -> Step:
    """z = (x*y + x).sum(); z.backward() on 4x4: what an operation costs besides arithmetic."""
    t.manual_seed(0)
    x = t.randn(4, 4, requires_grad=True)
    y = t.randn(4, 4, requires_grad=True)

    def step() -> None:
        z = (x * y + x).sum()
        z.backward()

    return step


def _train(t: Any, model: Any, optimizer: Any, x: Any, y: Any) -> Step:
    def step() -> None:
        optimizer.zero_grad()
        loss = t.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    return step


def _mlp(t: Any) -> Any:
    t.manual_seed(0)
    return t.nn.Sequential(t.nn.Linear(784, 128), t.nn.ReLU(), t.nn.Linear(128, 10))


def mlp_sgd(t: Any) -> Step:
    """Training step of 784-128-10 with batch 128, SGD."""
    model = _mlp(t)
    optimizer = t.optim.SGD(model.parameters(), lr=0.1)
    return _train(t, model, optimizer, t.randn(128, 784), t.randint(0, 10, (128,)))


def mlp_adam(t: Any) -> Step:
    """Training step of 784-128-10 with batch 128, Adam."""
    model = _mlp(t)
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    return _train(t, model, optimizer, t.randn(128, 784), t.randint(0, 10, (128,)))


def cnn(t: Any) -> Step:
    """Training step of the MNIST CNN with batch 64, Adam."""
    t.manual_seed(0)
    nn = t.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    return _train(t, model, optimizer, t.randn(64, 1, 28, 28), t.randint(0, 10, (64,)))


def example(t: Any, name: str) -> ModuleType:
    """An example program with `t` in place of naivegrad: its models need nothing else."""
    ours = import_module(f"naivegrad.examples.{name}")
    if t.__name__ == "naivegrad":
        return ours
    source = Path(str(ours.__file__)).read_text()
    source = source.replace("import naivegrad as", f"import {t.__name__} as")
    source = re.sub(r"from naivegrad(\.nn|) import", rf"from {t.__name__}\1 import", source)
    source = source.replace("from naivegrad.tensor import", f"from {t.__name__} import")
    theirs = ModuleType(f"{name}_with_{t.__name__}")
    exec(compile(source, theirs.__name__, "exec"), vars(theirs))
    return theirs


def mnist_vit(t: Any) -> Step:
    """Training step of the vision transformer with batch 64, Adam."""
    t.manual_seed(0)
    model = example(t, "mnist_vit").ViT()
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    return _train(t, model, optimizer, t.randn(64, 1, 28, 28), t.randint(0, 10, (64,)))


def vae(t: Any) -> Step:
    """Training step of the variational autoencoder with batch 128, Adam."""
    t.manual_seed(0)
    model = example(t, "vae").VAE()
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    images = t.rand(128, 1, 28, 28)

    def step() -> None:
        optimizer.zero_grad()
        reconstruction, divergence = model.losses(images)
        (reconstruction + divergence).backward()
        optimizer.step()

    return step


def _characters(name: str, model: str, batch: int) -> Callable[[Any], Step]:
    """Training step of a model of text, 64 characters out of 65, gradients clipped, AdamW."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        scores = getattr(example(t, name), model)(65)
        optimizer = t.optim.AdamW(scores.parameters(), lr=1e-3)
        inputs, targets = t.randint(0, 65, (2, batch, 64))

        def step() -> None:
            optimizer.zero_grad()
            loss = t.nn.functional.cross_entropy(scores(inputs).flatten(0, 1), targets.flatten())
            loss.backward()
            t.nn.utils.clip_grad_norm_(scores.parameters(), 1.0)
            optimizer.step()

        return step

    return prepare


def _recurrent(
    name: str, length: int, batch: int, width: int, layers: int
) -> Callable[[Any], Step]:
    """Training step of recurrent layers on (L, N, D), SGD."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        model = getattr(t.nn, name)(width, width, layers)
        optimizer = t.optim.SGD(model.parameters(), lr=0.1)
        x = t.randn(length, batch, width)
        grad = t.randn(length, batch, width) / (length * batch)

        def step() -> None:
            optimizer.zero_grad()
            model(x)[0].backward(grad)
            optimizer.step()

        return step

    return prepare


def _layer(make: Callable[[Any], Any], *shape: int) -> Callable[[Any], Step]:
    """Forward and backward of one layer, the gradient of its input included."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        layer = make(t.nn)
        x = t.randn(*shape, requires_grad=True)
        grad = t.randn(*layer(x).shape)

        def step() -> None:
            layer(x).backward(grad)
            layer.zero_grad()
            x.grad = None

        return step

    return prepare


def attention(t: Any) -> Step:
    """Forward and backward of attention: 8 heads, L = 1024, D = 64."""
    t.manual_seed(0)
    q, k, v = (t.randn(1, 8, 1024, 64, requires_grad=True) for _ in range(3))
    grad = t.randn(1, 8, 1024, 64)

    def step() -> None:
        t.nn.functional.scaled_dot_product_attention(q, k, v).backward(grad)
        q.grad = k.grad = v.grad = None

    return step


def _scores(classes: int, rows: int) -> Callable[[Any], Step]:
    """Cross-entropy of (rows, classes) scores, forward and backward."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        x = t.randn(rows, classes, requires_grad=True)
        target = t.randint(0, classes, (rows,))

        def step() -> None:
            t.nn.functional.cross_entropy(x, target).backward()
            x.grad = None

        return step

    return prepare


def _lookup(rows: int, width: int, *shape: int) -> Callable[[Any], Step]:
    """Rows of a table by number, forward and backward."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        table = t.nn.Embedding(rows, width)
        index = t.randint(0, rows, shape)
        grad = t.randn(*shape, width)

        def step() -> None:
            table(index).backward(grad)
            table.zero_grad()

        return step

    return prepare


def _joined(dim: int, *shape: int) -> Callable[[Any], Step]:
    """Three tensors of one shape joined along a dimension, forward and backward."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        xs = [t.randn(*shape, requires_grad=True) for _ in range(3)]
        grad = t.ones_like(t.cat(xs, dim))

        def step() -> None:
            t.cat(xs, dim).backward(grad)
            for x in xs:
                x.grad = None

        return step

    return prepare


def encoder_layer(t: Any) -> Step:
    """Training step of a TransformerEncoderLayer: d_model 128, 4 heads, ff 512, (32, 64)."""
    t.manual_seed(0)
    layer = t.nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
    optimizer = t.optim.Adam(layer.parameters(), lr=1e-3)
    x, target = t.randn(32, 64, 128), t.randn(32, 64, 128)

    def step() -> None:
        optimizer.zero_grad()
        t.nn.functional.mse_loss(layer(x), target).backward()
        optimizer.step()

    return step


def gpt_block(t: Any) -> Step:
    """Forward and backward of a block as GPTs write it: 6 heads, 384 wide, (12, 64), causal."""
    t.manual_seed(0)
    nn, heads, width = t.nn, 6, 384

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, length, _ = x.shape
            q, k, v = self.qkv(self.norm1(x)).split(width, dim=2)
            q, k, v = (y.view(n, length, heads, -1).transpose(1, 2) for y in (q, k, v))
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.join(y.transpose(1, 2).contiguous().view(n, length, width))
            return x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x))))

    return _layer(lambda _: Block(), 12, 64, width)(t)


# By name only: what a training step above is made of, and layers of other shapes.
LAYERS: dict[str, Callable[[Any], Step]] = {
    "attention": attention,
    "encoder-layer": encoder_layer,
    "gpt-block": gpt_block,
    "conv-first": _layer(lambda nn: nn.Conv2d(1, 32, 3), 64, 1, 28, 28),
    "conv-3x3": _layer(lambda nn: nn.Conv2d(32, 64, 3), 64, 32, 26, 26),
    "conv-same": _layer(lambda nn: nn.Conv2d(64, 64, 3, padding=1), 4, 64, 56, 56),
    "conv-small": _layer(lambda nn: nn.Conv2d(16, 32, 3), 64, 16, 8, 8),
    "conv-deep": _layer(lambda nn: nn.Conv2d(256, 256, 3, padding=1), 4, 256, 14, 14),
    "conv-stem": _layer(lambda nn: nn.Conv2d(3, 64, 7, 2, 3), 2, 3, 224, 224),
    "conv-1x1": _layer(lambda nn: nn.Conv2d(256, 64, 1), 4, 256, 56, 56),
    "conv-depthwise": _layer(lambda nn: nn.Conv2d(96, 96, 3, padding=1, groups=96), 4, 96, 56, 56),
    "max-pool": _layer(lambda nn: nn.MaxPool2d(2), 64, 64, 24, 24),
    "max-pool-3x3": _layer(lambda nn: nn.MaxPool2d(3, 2, 1), 4, 64, 112, 112),
    "avg-pool": _layer(lambda nn: nn.AvgPool2d(2), 64, 64, 24, 24),
    "global-pool": _layer(lambda nn: nn.AdaptiveAvgPool2d(1), 64, 64, 24, 24),
    "cat-rows": _joined(0, 128, 256),
    "cat-columns": _joined(1, 128, 256),
    "cat-rows-large": _joined(0, 4096, 2048),
    "cat-columns-large": _joined(1, 4096, 2048),
    "softmax": _layer(lambda nn: nn.Softmax(-1), 128, 256),
    "softmax-large": _layer(lambda nn: nn.Softmax(-1), 8192, 4096),
    "log-softmax": _layer(lambda nn: nn.LogSoftmax(-1), 128, 256),
    "log-softmax-large": _layer(lambda nn: nn.LogSoftmax(-1), 8192, 4096),
    "layer-norm": _layer(lambda nn: nn.LayerNorm(256), 128, 256),
    "layer-norm-large": _layer(lambda nn: nn.LayerNorm(4096), 8192, 4096),
    "layer-norm-tokens": _layer(lambda nn: nn.LayerNorm(768), 4, 512, 768),
    "cross-entropy": _scores(256, 128),
    "cross-entropy-large": _scores(4096, 8192),
    "embedding": _lookup(1000, 64, 8, 64),
    "embedding-large": _lookup(50000, 768, 8, 1024),
}


def _indexed(form: str, rows: int, columns: int) -> Callable[[Any], Step]:
    """One way to read or add by index, forward and backward, `rows` of (rows, columns)."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        x = t.randn(rows, columns, requires_grad=True)
        source = t.randn(rows, columns, requires_grad=True)
        row, column = t.randint(0, rows, (rows,)), t.randint(0, columns, (rows,))
        down = t.randint(0, rows, (rows, columns))
        across = t.randint(0, columns, (rows, columns))
        calls: dict[str, Callable[[], Any]] = {
            "rows": lambda: x[row],
            "pairs": lambda: x[row, column],
            "mask": lambda: x[across > columns // 2],
            "gather-0": lambda: t.gather(x, 0, down),
            "gather-1": lambda: t.gather(x, 1, across),
            "scatter-add-0": lambda: t.scatter_add(x, 0, down, source),
            "scatter-add-1": lambda: t.scatter_add(x, 1, across, source),
            "index-select": lambda: t.index_select(x, 0, row),
            "index-add": lambda: t.index_add(x, 0, row, source),
        }
        call = calls[form]
        grad = t.randn(*call().shape)

        def step() -> None:
            call().backward(grad)
            x.grad = source.grad = None

        return step

    return prepare


def _assigned(form: str, rows: int, columns: int) -> Callable[[Any], Step]:
    """One way to write by index, in place."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        x, source = t.randn(rows, columns), t.randn(rows, columns)
        row, across = t.randint(0, rows, (rows,)), t.randint(0, columns, (rows, columns))
        mask = across > columns // 2

        def step() -> None:
            if form == "put-rows":
                x[row] = source
            elif form == "put-mask":
                x[mask] = 0.5
            else:
                x.scatter_add_(1, across, source)

        return step

    return prepare


_READ = ("rows", "pairs", "mask", "gather-0", "gather-1", "scatter-add-0", "scatter-add-1")
_READ += ("index-select", "index-add")
# In and out of cache; by name, or "indexing" for all.
INDEXING: dict[str, Callable[[Any], Step]] = {
    f"{form}-{size}": make(form, *shape)
    for size, shape in (("small", (1000, 32)), ("large", (20000, 128)))
    for make, forms in ((_indexed, _READ), (_assigned, ("put-rows", "put-mask", "scatter-add_")))
    for form in forms
}


def _optimizer(name: str, *shapes: tuple[int, ...], **options: Any) -> Callable[[Any], Step]:
    """One step of an optimizer."""

    def prepare(t: Any) -> Step:
        t.manual_seed(0)
        params = [t.randn(*shape, requires_grad=True) for shape in shapes]
        for p in params:
            p.grad = t.randn(*p.shape)
        return getattr(t.optim, name)(params, **options).step

    return prepare


# Twenty parameters of an MLP, and one of a million elements; by name, or "optimizers" for all.
OPTIMIZERS: dict[str, Callable[[Any], Step]] = {
    f"{name.lower()}-{size}": _optimizer(name, *shapes, **options)
    for name, options in (
        ("SGD", {"momentum": 0.9}),
        ("RMSprop", {"momentum": 0.9}),
        *[(n, {}) for n in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta")],
        *[(n, {}) for n in ("Rprop", "ASGD", "Adafactor")],
    )
    for size, shapes in (("mlp", [(64, 64), (64,)] * 10), ("large", [(1000, 1000)]))
}

WORKLOADS: dict[str, Callable[[Any], Step]] = {
    "tiny": tiny,
    "mlp-sgd": mlp_sgd,
    "mlp-adam": mlp_adam,
    "cnn": cnn,
    "mnist-vit": mnist_vit,
    "char-gpt": _characters("char_gpt", "GPT", 12),
    "char-lstm": _characters("lstm", "CharLSTM", 32),
    "vae": vae,
    "lstm": _recurrent("LSTM", 64, 32, 128, 1),
    "gru": _recurrent("GRU", 64, 32, 128, 1),
    "rnn": _recurrent("RNN", 64, 32, 128, 1),
    "lstm-chars": _recurrent("LSTM", 128, 64, 256, 2),
    "gru-chars": _recurrent("GRU", 128, 64, 256, 2),
}
