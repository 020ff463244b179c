"""What is timed: each workload is one program, given naivegrad or torch as `t`.

A workload is a function that prepares everything and returns a step to be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
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


WORKLOADS: dict[str, Callable[[Any], Step]] = {
    "tiny": tiny,
    "mlp-sgd": mlp_sgd,
    "mlp-adam": mlp_adam,
    "cnn": cnn,
}
