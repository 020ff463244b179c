"""From a user's call to the kernel at most five Python frames, so that a traceback can be read."""

import importlib
import inspect
import pkgutil
import sys
import types

import pytest

import naivegrad as ng
from naivegrad.backend import cpu
from naivegrad.nn import functional as F

BUDGET = 5


def frames_above():
    """The Python frames between the caller and the user's call, the backend's own included."""
    frame, names = sys._getframe(2), []
    while frame is not None and frame.f_globals.get("__name__") != __name__:
        names.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return names[::-1]


@pytest.fixture
def watched(monkeypatch):
    """A list that gets the stack at every call from the backend into a compiled kernel or NumPy."""
    stacks = []

    def watch(function):
        def call(*args, **kwargs):
            stacks.append(frames_above())
            return function(*args, **kwargs)

        return call

    def compiled(thing):
        return callable(thing) and not isinstance(thing, (type, types.FunctionType))

    for info in pkgutil.iter_modules(cpu.__path__, cpu.__name__ + "."):
        module = importlib.import_module(info.name)
        for name, thing in list(vars(module).items()):
            if inspect.ismodule(thing) and thing.__name__.startswith("naivegrad.kernels"):
                for inner, f in list(vars(thing).items()):
                    if compiled(f) and not inner.startswith("__"):
                        monkeypatch.setattr(thing, inner, watch(f))
            elif compiled(thing) and getattr(thing, "__module__", "").startswith(
                "naivegrad.kernels"
            ):
                monkeypatch.setattr(module, name, watch(thing))
    return stacks


def deepest(call, stacks):
    """The longest way to a kernel; for an op that NumPy computes alone, to the backend."""
    call()  # anything done once only is done now
    stacks.clear()
    backend = []

    def profile(frame, event, arg):
        module = frame.f_globals.get("__name__", "")
        above = frame.f_back.f_globals.get("__name__", "") if frame.f_back else ""
        if (
            event == "call"
            and module.startswith(cpu.__name__)
            and not above.startswith(cpu.__name__)
        ):
            names = [f"{module}.{frame.f_code.co_qualname}"]
            frame = frame.f_back
            while frame is not None and frame.f_globals.get("__name__") != __name__:
                names.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}")
                frame = frame.f_back
            backend.append(names[::-1])

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return max([*stacks, *backend], key=len)


def X(*shape):
    return ng.ones(*shape).requires_grad_()


x, y, square, image, row = X(3, 4), X(3, 4), X(4, 4), X(2, 3, 8, 8), X(4)
weight, bias, labels = X(4, 3, 3, 3), X(4), ng.tensor([0, 1, 2])
column = labels[:, None]
CALLS = {
    "add": lambda: x + y,
    "add scalar": lambda: x + 2.0,
    "radd": lambda: 2.0 + x,
    "mul broadcast": lambda: x * row,
    "div": lambda: x / y,
    "pow": lambda: x**2,
    "pow 3": lambda: x**3,
    "neg": lambda: -x,
    "compare": lambda: x > y,
    "exp": lambda: ng.exp(x),
    "exp method": lambda: x.exp(),
    "relu": lambda: ng.relu(x),
    "F.relu": lambda: F.relu(x),
    "F.gelu": lambda: F.gelu(x),
    "clamp": lambda: x.clamp(min=0.0),
    "where": lambda: ng.where(column > 0, x, y),
    "maximum": lambda: ng.maximum(x, y),
    "sum": lambda: x.sum(),
    "sum dim": lambda: x.sum(1, keepdim=True),
    "mean": lambda: x.mean(0),
    "amax": lambda: x.amax(1),
    "max": lambda: x.max(),
    "max dim": lambda: x.max(1),
    "argmax": lambda: x.argmax(1),
    "var": lambda: x.var(1),
    "logsumexp": lambda: x.logsumexp(1),
    "cumsum": lambda: x.cumsum(0),
    "prod": lambda: x.prod(0),
    "matmul": lambda: x @ square,
    "F.linear": lambda: F.linear(x, square, bias),
    "reshape": lambda: x.reshape(4, 3),
    "transpose": lambda: x.transpose(0, 1),
    "permute": lambda: image.permute(0, 2, 3, 1),
    "expand": lambda: row.expand(3, 4),
    "flip": lambda: x.flip(0),
    "cat": lambda: ng.cat([x, y]),
    "split": lambda: x.split(2, 1),
    "getitem": lambda: x[1:, ::2],
    "getitem tensor": lambda: x[labels],
    "gather": lambda: x.gather(1, column),
    "index_select": lambda: x.index_select(0, labels),
    "masked_fill": lambda: x.masked_fill(column > 0, 0.0),
    "in-place": lambda: x.detach().add_(1.0),
    "F.softmax": lambda: F.softmax(x, 1),
    "F.log_softmax": lambda: F.log_softmax(x, 1),
    "F.cross_entropy": lambda: F.cross_entropy(x, labels),
    "F.layer_norm": lambda: F.layer_norm(x, (4,)),
    "F.batch_norm": lambda: F.batch_norm(x, None, None, training=True),
    "F.conv2d": lambda: F.conv2d(image, weight, bias, padding=1),
    "F.conv3d": lambda: F.conv3d(image.unsqueeze(2), weight.unsqueeze(2), bias),
    "F.conv_transpose2d": lambda: F.conv_transpose2d(image, weight.transpose(0, 1)),
    "F.adaptive_max_pool2d": lambda: F.adaptive_max_pool2d(image, 2),
    "F.max_pool2d": lambda: F.max_pool2d(image, 2),
    "F.avg_pool2d": lambda: F.avg_pool2d(image, 2),
    "F.embedding": lambda: F.embedding(labels, square),
    "F.dropout": lambda: F.dropout(x, 0.5),
}


@pytest.mark.parametrize("name", CALLS)
def test_frames_from_call_to_kernel(name, watched):
    way = deepest(CALLS[name], watched)
    assert 2 <= len(way) <= BUDGET, f"{name} takes {len(way)} frames:\n  " + "\n  ".join(way)


def test_kernels_are_watched(watched):
    """The measure sees the kernel itself, not only the way to the backend."""
    way = deepest(CALLS["mul broadcast"], watched)
    assert any("naivegrad.backend.cpu" in name for name in way)
    assert watched
