"""Names of PyTorch for what is around the computing; and all names that public programs use."""

import inspect
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng

SURFACE = Path(__file__).parent / "api_surface.txt"
OWNERS = {
    "Tensor": lambda: ng.ones(1, 1),
    "Module": lambda: ng.nn.Linear(1, 1),
    "Optimizer": lambda: ng.optim.SGD([ng.ones(1, requires_grad=True)], 0.1),
    "Distribution": lambda: ng.distributions.Categorical(ng.ones(2)),
}


def surface():
    """(section, name, keywords) from the list."""
    section = None
    for line in SURFACE.read_text().splitlines():
        if line.startswith("[") and (line[1:-1] in OWNERS or line[1:6] == "torch"):
            section = line[1:-1]
        elif line in ("[Operators]", "[Indexing]"):
            section = None
        elif line and section and not line.startswith("#"):
            name, _, keywords = line.partition(": ")
            yield section, name, keywords


def resolve(section, name):
    if section in OWNERS:
        return getattr(OWNERS[section](), name)
    thing = ng
    for part in name.split(".")[1:]:
        thing = getattr(thing, part)
    return thing


@pytest.mark.parametrize("section, name, keywords", list(surface()))
def test_a_name_that_programs_use(section, name, keywords):
    thing = resolve(section, name)
    if keywords:
        taken = inspect.signature(thing).parameters.values()
        names = {p.name for p in taken}
        anything = any(p.kind is p.VAR_KEYWORD for p in taken)
        assert anything or set(keywords.split()) <= names


def test_there_is_one_device():
    assert not ng.backends.mps.is_available() and not ng.backends.cudnn.is_available()
    assert not ng.accelerator.is_available() and ng.accelerator.current_accelerator() is None
    assert ng.cpu.is_available() and ng.cpu.device_count() == 1 and ng.cpu.current_device() == "cpu"
    ng.cpu.synchronize()
    for gpu in (ng.cuda, ng.xpu, ng.mps):
        assert not gpu.is_available() and gpu.device_count() == 0
        gpu.manual_seed(1)
        gpu.empty_cache()
        with pytest.raises(NotImplementedError, match=r"synchronize: no (CUDA|XPU|MPS) device"):
            gpu.synchronize()
        with pytest.raises(
            AttributeError, match="no 'is_availabel'; the nearest is 'is_available'"
        ):
            gpu.is_availabel()
    with pytest.raises(RuntimeError, match="no XPU device"):
        ng.xpu.set_device(0)
    ng.cuda.manual_seed_all(1)
    for use in (ng.cuda.synchronize, ng.cuda.current_device, lambda: ng.cuda.FloatTensor([1.0])):
        with pytest.raises(NotImplementedError, match=r"cuda\.\w+: no CUDA device"):
            use()
    assert not isinstance(ng.ones(1), ng.cuda.FloatTensor)
    with pytest.raises(RuntimeError, match="no CUDA device"):
        ng.cuda.set_device(0)
    with pytest.raises(RuntimeError, match="no MPS device"):
        ng.ones(1, device="mps")
    assert ng.device(1) == ng.device("cuda:1")
    with pytest.raises(ValueError, match="device: expects"):
        ng.device("gpu")
    with ng.device("cpu") as device:
        assert ng.ones(1).device == device == ng.get_default_device()
    with pytest.raises(RuntimeError, match="no CUDA device"), ng.device("cuda"):
        pass
    with pytest.raises(RuntimeError, match="no CUDA device"):
        ng.set_default_device("cuda")


def test_settings_are_remembered():
    ng.set_float32_matmul_precision("high")
    assert ng.get_float32_matmul_precision() == "high"
    ng.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="must be one of"):
        ng.set_float32_matmul_precision("low")
    ng.use_deterministic_algorithms(True, warn_only=True)
    assert ng.are_deterministic_algorithms_enabled()
    ng.set_deterministic_debug_mode("default")
    assert not ng.are_deterministic_algorithms_enabled()
    ng.backends.cudnn.benchmark = True
    ng.backends.cuda.matmul.allow_tf32 = True
    with ng.backends.cuda.sdp_kernel(enable_flash=True, enable_math=False):
        assert not ng.backends.cuda.flash_sdp_enabled()


def test_what_gives_back_what_it_gets():
    def f(x):
        return x * 2

    net = ng.nn.Linear(2, 2)
    assert ng.compile(net, mode="max-autotune") is net and ng.compile(f) is f
    assert ng.compile(fullgraph=True)(f) is f
    assert ng.jit.script(f) is f and ng.jit.ignore(f) is f and ng.jit.ignore(drop=True)(f) is f
    assert ng.compiler.disable(f) is f and ng.compiler.disable()(f) is f
    assert ng.utils.checkpoint.checkpoint(f, ng.ones(1), use_reentrant=False).item() == 2
    with pytest.raises(TypeError, match="compile: a module or a function is needed, got int"):
        ng.compile(3)


@pytest.mark.parametrize(
    "use",
    [
        lambda: ng.onnx.export(ng.nn.Linear(1, 1), ng.ones(1), "a.onnx"),
        lambda: ng.hub.load("a/b", "c"),
        lambda: ng.jit.trace(ng.relu, ng.ones(1)),
    ],
)
def test_what_refuses_by_name(use):
    with pytest.raises(NotImplementedError, match=r"(export|load|trace): "):
        use()


def test_one_process_is_a_group(monkeypatch):
    dist = ng.distributed
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not dist.is_available() and not dist.is_initialized()
    with pytest.raises(ValueError, match="no group has begun"):
        ng.nn.parallel.DistributedDataParallel(ng.nn.Linear(1, 1))
    with pytest.raises(NotImplementedError, match="world_size is 4"):
        dist.init_process_group("gloo", rank=0, world_size=4)
    dist.init_process_group(backend="gloo", init_method="tcp://127.0.0.1:1", rank=0, world_size=1)
    try:
        assert (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "gloo")
        net = ng.nn.parallel.DistributedDataParallel(ng.nn.Linear(2, 1), device_ids=[0])
        assert list(net.state_dict()) == ["module.weight", "module.bias"]
        with net.no_sync():
            assert net(ng.ones(3, 2)).shape == (3, 1)
        x = ng.ones(2)
        dist.all_reduce(x)
        copies = [ng.zeros(2)]
        dist.all_gather(copies, x)
        assert x.tolist() == copies[0].tolist() == [1.0, 1.0]
        dist.barrier()
    finally:
        dist.destroy_process_group()
    with pytest.raises(ValueError, match="there is one device"):
        ng.nn.DataParallel(net, device_ids=[0, 1])


SPAWNED = """
import sys
import naivegrad.compat.multiprocessing as mp

def work(rank, folder, fails):
    open(f"{folder}/{rank}", "w").close()
    if fails and rank == 1:
        raise KeyError("mine")

if __name__ == "__main__":
    mp.spawn(work, args=(sys.argv[1], len(sys.argv) > 2), nprocs=2)
"""


def test_spawn(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SPAWNED)
    environment = os.environ | {"PYTHONPATH": str(Path(ng.__file__).parent.parent)}

    def start(*arguments):
        command = [sys.executable, str(script), str(tmp_path), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert start().returncode == 0
    assert {"0", "1"} <= {p.name for p in tmp_path.iterdir()}
    failed = start("fails")
    assert failed.returncode == 1 and "spawn: process 1 raised" in failed.stderr
    assert "KeyError: 'mine'" in failed.stderr


def test_size():
    x = ng.ones(2, 3, 4)
    assert type(x.shape) is type(x.size()) is type(x.shape[1:]) is type(x.shape + (1,)) is ng.Size
    assert x.shape == (2, 3, 4) and x.shape.numel() == 24 and x.shape[:-1].numel() == 6
    assert hash(x.shape) == hash((2, 3, 4)) and ng.Size([]).numel() == 1
    assert type(pickle.loads(pickle.dumps(x.shape))) is ng.Size
    assert ng.Tensor(x.size()).shape == ng.FloatTensor(x.size()).shape == (2, 3, 4)
    assert ng.Tensor((2, 3)).tolist() == [2.0, 3.0]
    new = ng.ones(1).double().new
    assert new(x.size()).shape == new(2, 3, 4).shape == (2, 3, 4) and new().shape == (0,)
    assert new([2, 3]).tolist() == [2.0, 3.0] and new(1).dtype == ng.float64
    assert ng.Tensor(ng.ones(3).size()).shape == (3,)
    with pytest.raises(TypeError):
        ng.Size([1.5])


def test_reading_bytes_as_another_type():
    x = ng.tensor([[1.0, -2.0], [0.5, 3.0]])
    bits = x.view(ng.int32)
    assert np.array_equal(bits.numpy(), x.numpy().view(np.int32))
    bits[0, 0] = 0
    assert x[0, 0] == 0 and x.view(ng.int16).shape == (2, 4) and x.view(ng.float64).shape == (2, 1)
    assert x.view(ng.float32) is not x and x.view(4).shape == (4,)
    for y, wish in ((x.t(), ng.float64), (x[:, :1], ng.int16), (ng.ones(3), ng.float64)):
        if y.stride(-1) == 1 and y.shape[-1] * 4 % wish.itemsize == 0:
            continue
        with pytest.raises(ValueError, match="view: a tensor of type"):
            y.view(wish)


def test_dense_tensors_stand_in_for_sparse_ones():
    values = ng.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = ng.sparse_coo_tensor(ng.tensor([[0, 1, 1], [2, 0, 0]]), values, (2, 3))
    assert x.tolist() == [[0.0, 0.0, 1.0], [5.0, 0.0, 0.0]]
    (ng.sparse.mm(x, ng.ones(3, 2)) * 2).sum().backward()
    assert values.grad.tolist() == [4.0, 4.0, 4.0]
    assert x.to_sparse() is x and x.coalesce() is x and x.to_dense() is x and not x.is_sparse
    assert ng.sparse_coo_tensor([[0, 3]], [1, 2]).tolist() == [1, 0, 0, 2]
    assert ng.sparse_coo_tensor([[1]], [[1.0, 2.0]], (2, 2)).tolist() == [[0.0, 0.0], [1.0, 2.0]]
    with pytest.raises(ValueError, match=r"indices of shape \(M, n\)"):
        ng.sparse_coo_tensor([0, 1], [1.0, 2.0])
    with pytest.raises(ValueError, match="do not fit the size"):
        ng.sparse_coo_tensor([[1]], [[1.0, 2.0]], (2, 3))
    with pytest.raises(IndexError):
        ng.sparse_coo_tensor([[5]], [1.0], (2,))


def test_backward_to_some_inputs_only():
    x, w, unused = (ng.ones(2, requires_grad=True) for _ in range(3))
    h = x * 3
    (h * w).sum().backward(inputs=[w, h, unused], retain_graph=True)
    assert x.grad is None and unused.grad is None
    assert w.grad.tolist() == [3.0, 3.0] and h.grad.tolist() == [1.0, 1.0]
    (h * w).sum().backward(ng.tensor(2.0), inputs=w)
    assert w.grad.tolist() == [9.0, 9.0] and x.grad is None
    with pytest.raises(RuntimeError, match=r"input 0 of shape .* does not require grad"):
        (w * 1).sum().backward(inputs=[ng.ones(2)])
    with pytest.raises(RuntimeError, match="inputs are given, but there are none"):
        (w * 1).sum().backward(inputs=[])


def test_finding_a_nan_gradient():
    x = ng.zeros(2, requires_grad=True)

    def loss():
        return ((x * 2).sqrt() * 0).sum()

    loss().backward()
    assert x.grad.isnan().all()
    with (
        ng.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"Sqrt.backward: gradient 0, of shape \(2,\), is NaN"),
    ):
        loss().backward()
    loss().backward()
    before = ng.autograd.set_detect_anomaly(True)
    with pytest.raises(RuntimeError, match="is NaN"):
        loss().backward()
    before.__exit__()


def test_variable():
    from naivegrad.autograd import Variable

    x = ng.ones(2, requires_grad=True)
    v = Variable(x * 2)
    assert isinstance(v, Variable) and v.is_leaf and not v.requires_grad
    assert Variable(v, requires_grad=True).requires_grad
    assert not isinstance(np.ones(1), Variable)
    with pytest.raises(TypeError, match="Variable: a tensor is needed, got ndarray"):
        Variable(np.ones(2))


@ng.inference_mode
def plain(x):
    return x * 2


@ng.inference_mode()
def called(x):
    return x * 2


def test_inference_mode():
    x = ng.ones(2, requires_grad=True)
    assert not plain(x).requires_grad and not called(x).requires_grad
    with ng.inference_mode():
        assert not (x * 2).requires_grad
        with ng.inference_mode(False):
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_assert_close():
    close = ng.testing.assert_close
    close(ng.ones(2), ng.ones(2) + 1e-6)
    close({"a": [1, 2.0]}, {"a": [1, 2.0]})
    close(ng.tensor(math.nan), ng.tensor(math.nan), equal_nan=True)
    for x, y, match in [
        (ng.ones(2), ng.ones(3), r"the shapes differ: \(2,\) and \(3,\)"),
        (ng.ones(2), ng.ones(2).double(), "the types differ"),
        (ng.tensor([1, 2]), ng.tensor([1, 3]), r"1 of 2 elements differ \(50.0%\), .* 2 and 3"),
        ([ng.ones(1)], [ng.zeros(1)], r"\(item \[0\]\)"),
        ({"a": 1}, {"b": 1}, "the keys differ"),
        ([1], [1, 2], "the lengths differ"),
        (ng.tensor(math.nan), ng.tensor(math.nan), "nan and nan"),
        (ng.ones(1), np.ones(1), "a Tensor and a ndarray"),
    ]:
        with pytest.raises(AssertionError, match=match):
            close(x, y)
    with pytest.raises(AssertionError, match="mine"):
        close(1, 2, msg="mine")
    with pytest.raises(ValueError, match="go together"):
        close(1, 2, rtol=1.0)
