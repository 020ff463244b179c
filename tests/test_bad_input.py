"""What comes from outside: odd arrays, numbers that do not fit, NaN, what is no tensor."""

import contextlib
import inspect
import io
import threading

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn import functional as F


def _unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    y = memory[1:].view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def test_an_array_that_is_not_aligned_is_refused_or_copied():
    x = _unaligned(np.arange(6.0, dtype=np.float32).reshape(2, 3))
    with pytest.raises(ValueError, match=r"from_numpy: .*float32 is not aligned"):
        ng.from_numpy(x)
    for t in (ng.tensor(x), ng.as_tensor(x)):
        assert t.tolist() == x.tolist()
        assert np.allclose(ng.logsumexp(t, 1).numpy(), np.log(np.exp(x).sum(1)))
    assert (ng.ones(2, 3) + x).tolist() == (1 + x).tolist()


def test_an_array_of_another_byte_order():
    x = np.arange(3.0).astype(">f8")
    with pytest.raises(TypeError, match="byte order"):
        ng.from_numpy(x)
    assert ng.as_tensor(x).tolist() == [0, 1, 2]


def test_a_read_only_array_is_not_called_expanded_only():
    x = np.ones(3)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ng.from_numpy(x).add_(1)
    assert ng.from_numpy(x).sum().item() == 3


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(300, "int8"), (-129, "int8"), (256, "uint8"), (-256, "uint8"), (float("nan"), "int64"),
     (float("inf"), "int32"), (1e30, "int64"), (2.0**63, "int64"), (2**31, "int32")],
)  # fmt: skip
def test_a_number_that_an_integer_type_cannot_hold(number, dtype):
    with pytest.raises(ValueError, match=rf"tensor: .* does not fit into {dtype}"):
        ng.tensor([0, number], dtype=getattr(ng, dtype))


def test_numbers_that_an_integer_type_just_holds():
    assert ng.tensor([-128, 127], dtype=ng.int8).tolist() == [-128, 127]
    assert ng.tensor([-1, 255], dtype=ng.uint8).tolist() == [255, 255]
    assert ng.tensor([-(2**63), 2**63 - 1], dtype=ng.int64).tolist() == [-(2**63), 2**63 - 1]
    assert ng.tensor([], dtype=ng.int8).shape == (0,)
    assert ng.tensor([1.9, -1.9], dtype=ng.int32).tolist() == [1, -1]


@pytest.mark.parametrize("f", [ng.relu, ng.exp, ng.sin, F.gelu])
def test_a_list_is_no_tensor(f):
    with pytest.raises(TypeError, match=r"(a tensor is needed|input must be a Tensor), got list"):
        f([1.0, 2.0])


def test_none_equals_no_tensor():
    x = ng.ones(2)
    assert (x == None) is False and (x != None) is True  # noqa: E711
    with pytest.raises(TypeError):
        None in x  # noqa: B015


@pytest.mark.parametrize("dtype", ["int32", "bool", "uint8", "float32"])
@pytest.mark.parametrize("f", [ng.cumsum, ng.cumprod])
def test_a_scan_of_a_single_number_has_the_type_of_any_scan(f, dtype):
    x = ng.tensor(1, dtype=getattr(ng, dtype))
    assert f(x, 0).dtype == f(x.reshape(1), 0).dtype and f(x, 0).shape == ()


def test_linear_without_features():
    x, w, b = ng.ones(2, 3, 0), ng.ones(5, 0), ng.arange(5.0)
    x, w, b = (t.requires_grad_() for t in (x, w, b))
    y = F.linear(x, w, b)
    y.sum().backward()
    assert y.tolist() == [[[0, 1, 2, 3, 4]] * 3] * 2
    assert x.grad.shape == (2, 3, 0) and w.grad.shape == (5, 0) and b.grad.tolist() == [6] * 5


@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 3), (4, 2, 9, 9)])
def test_batch_norm_in_eval_keeps_a_nan_out_of_the_gradient(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    x[0, 0], x[1, 1] = np.nan, np.inf
    x = ng.tensor(x, requires_grad=True)
    mean, var, w = ng.zeros(2, dtype=x.dtype), ng.tensor([3.0, 8.0], dtype=x.dtype), [2.0, -1.0]
    grad = np.random.default_rng(1).standard_normal(shape)
    F.batch_norm(x, mean, var, ng.tensor(w, dtype=x.dtype), eps=1.0).backward(ng.tensor(grad))
    scale = np.array([1.0, -1 / 3]).reshape(1, 2, *[1] * (len(shape) - 2))
    np.testing.assert_allclose(x.grad.numpy(), grad * scale, rtol=1e-12)


def test_grad_takes_only_inputs():
    x = ng.tensor(2.0, requires_grad=True)
    assert ng.autograd.grad(x * x, x, only_inputs=True)[0].item() == 4
    with pytest.raises(ValueError, match="only_inputs"):
        ng.autograd.grad(x * x, x, only_inputs=False)


def functions():
    """Every public function, and how many arguments it needs."""
    found = {}
    for module in (ng, F, ng.linalg, ng.fft, ng.special):
        for name in dir(module):
            f = getattr(module, name)
            if name.startswith("_") or not inspect.isfunction(f) or ".ops." not in f.__module__:
                continue
            needed = [
                p
                for p in inspect.signature(f).parameters.values()
                if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
            ]
            if needed:
                found[f] = pytest.param(f, len(needed), id=name)
    return list(found.values())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "count"), functions())
def test_what_is_no_tensor_is_refused_by_name(function, count):
    """In the place of any argument: a result, or an error meant for the caller."""
    for place in range(count):
        for nonsense in (3, "a", None, [1.0, 2.0], object()):
            arguments = [ng.ones(2, 3)] * count
            arguments[place] = nonsense
            with contextlib.suppress(TypeError, ValueError, IndexError, RuntimeError):
                function(*arguments)


def _sgd():
    return ng.optim.SGD([ng.nn.Parameter(ng.ones(1))], lr=0.1)


def _step(optimizer, closure):
    return optimizer([ng.nn.Parameter(ng.ones(1))]).step(closure)


@pytest.mark.parametrize(
    ("error", "text", "mistake"),
    [
        (ValueError, "Linear: in_features must not be negative, got -3", lambda: nn.Linear(-3, 4)),
        (TypeError, "Linear: out_features must be an integer, got 4.5", lambda: nn.Linear(3, 4.5)),
        (ValueError, "Bilinear: in2_features .* got -2", lambda: nn.Bilinear(1, -2, 3)),
        (ValueError, "Conv2d: out_channels .* got -4", lambda: nn.Conv2d(3, -4, 3)),
        (TypeError, "ConvTranspose1d: in_channels .* got '3'",
         lambda: nn.ConvTranspose1d("3", 3, 3)),
        (TypeError, "Conv1d: groups must be an integer, got None",
         lambda: nn.Conv1d(3, 3, 3, groups=None)),
        (ValueError, "BatchNorm2d: num_features .* got -3", lambda: nn.BatchNorm2d(-3)),
        (ValueError, "Embedding: embedding_dim .* got -3", lambda: nn.Embedding(5, -3)),
        (TypeError, "EmbeddingBag: num_embeddings .* got None", lambda: nn.EmbeddingBag(None, 3)),
        (TypeError, "Embedding.from_pretrained: embeddings must be a Tensor, got list",
         lambda: nn.Embedding.from_pretrained([[1.0]])),
        (TypeError, "Module.to: dtype must be a dtype, got 'float32'",
         lambda: nn.Linear(1, 1).to(dtype="float32")),
        (TypeError, "Dropout2d: p must be a number, got None", lambda: nn.Dropout2d(None)),
        (ValueError, "LazyLinear: .* got 0D", lambda: nn.LazyLinear(3)(ng.ones(()))),
        (TypeError, "LBFGS.step: the closure must return the loss, got None",
         lambda: _step(ng.optim.LBFGS, lambda: None)),
        (TypeError, "MultiStepLR: milestones .* got 5",
         lambda: ng.optim.lr_scheduler.MultiStepLR(_sgd(), 5)),
        (TypeError, "StepLR.load_state_dict: expected a dict, got NoneType",
         lambda: ng.optim.lr_scheduler.StepLR(_sgd(), 1).load_state_dict(None)),
        (TypeError, "DataLoader: dataset .* got NoneType", lambda: ng.data.DataLoader(None)),
        (TypeError, "DataLoader: sampler must be iterable, got 5",
         lambda: ng.data.DataLoader([1], sampler=5)),
        (TypeError, "DataLoader: collate_fn must be a function, got 3",
         lambda: ng.data.DataLoader([1], collate_fn=3)),
        (TypeError, "Normal: sample_shape must be a tuple of integers, got 3",
         lambda: ng.distributions.Normal(0.0, 1.0).sample(3)),
        (TypeError, "save: cannot pickle '_thread.lock'",
         lambda: ng.save({"a": threading.Lock()}, io.BytesIO())),
    ],
)  # fmt: skip
def test_the_error_names_what_was_called_and_what_came(error, text, mistake):
    with pytest.raises(error, match=text):
        mistake()


def test_state_that_holds_itself_and_a_folder_that_is_not_there(tmp_path):
    state = {"w": ng.ones(1)}
    state["self"] = state
    with pytest.raises(ValueError, match="nested too deeply"):
        ng.save(state, tmp_path / "a.safetensors")
    for name in ("a.safetensors", "a.pt"):
        with pytest.raises(FileNotFoundError, match=rf"no/{name}'$"):
            ng.save({"w": ng.ones(1)}, tmp_path / "no" / name)
    assert not list(tmp_path.iterdir())
