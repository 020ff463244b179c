"""Files that PyTorch writes are read here, and the other way round, to the bit."""

import contextlib
import io
import os
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.io import DamagedFileError
from naivegrad.serialization import UnsafeFileError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TYPES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)


def to_ours(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    file.seek(0)
    return ng.load(file)


def to_theirs(value, **options):
    file = io.BytesIO()
    ng.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True, **options)


def content(x):
    """The bytes of a tensor of either library."""
    x = x.detach().contiguous()
    if isinstance(x, ng.Tensor):
        return x.numpy().tobytes()
    return bytes(x.reshape(-1).view(torch.uint8).tolist()) if x.numel() else b""


def same(a, b):
    """Values, types, shapes, strides, offsets, flags: one of each library."""
    if isinstance(a, ng.Tensor | torch.Tensor):
        assert str(a.dtype).rpartition(".")[2] == str(b.dtype).rpartition(".")[2]
        assert tuple(a.shape) == tuple(b.shape) and a.storage_offset() == b.storage_offset()
        assert a.stride() == b.stride() or not a.numel()  # of nothing, NumPy's steps are 0
        assert a.requires_grad == b.requires_grad and a.is_leaf and b.is_leaf
        assert ("Parameter" in type(a).__name__) == ("Parameter" in type(b).__name__)
        assert content(a) == content(b)
    elif isinstance(a, dict):
        assert list(a) == list(b) and type(a) is type(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif type(b).__name__ in ("dtype", "device", "layout"):
        assert str(a).replace("naivegrad", "torch") == str(b).replace("naivegrad", "torch")
    else:
        assert a == b and type(a) is type(b)


def values(lib):
    """One value of every kind, by the functions that both libraries have."""
    x = lib.arange(24.0).reshape(2, 3, 4)
    wide = lib.ones(1).expand(2, 3)
    w = lib.nn.Parameter(lib.arange(6.0, dtype=lib.float64).reshape(2, 3))
    noted = lib.nn.Parameter(lib.ones(2), requires_grad=False)
    noted.note = "é"
    plain = lib.zeros(2, requires_grad=True)
    plain.note = 1
    return {
        "views": [x, x[1], x.permute(2, 0, 1), x[:, 1:, ::2], x.reshape(-1)[5:], wide],
        "empty": [lib.ones(0), lib.ones(2, 0, 3), lib.tensor(2.5), x[:, :0]],
        "parameters": [w, noted, w, plain, lib.ones(1, requires_grad=True)],
        "types": [getattr(lib, name) for name in TYPES],
        "places": [lib.device("cpu"), lib.device("cuda", 1), lib.strided],
        "numbers": [None, True, -3, 2**40, 2**100, 1.5, 1 - 2j],
        "plain": ["é", b"a\xff", (1, (2, [3])), {1, "b"}],
        "dicts": OrderedDict(b=1, a={3: 4, (1, "x"): 5}),
        "counter": Counter("abca"),
        "bytes": bytearray(b"xyz"),
    }  # fmt: skip


def test_one_value_of_every_kind():
    theirs, ours = to_theirs(values(ng)), to_ours(values(torch))
    same(theirs, values(torch))
    same(ours, values(torch))
    same(theirs, ours)
    assert ours["parameters"][0] is ours["parameters"][2]
    assert theirs["parameters"][0] is theirs["parameters"][2]
    assert ours["parameters"][1].note == theirs["parameters"][1].note == "é"
    for back in (ours, theirs):
        back["views"][1].zero_()
        assert back["views"][2][:, 1].tolist() == [[0, 0, 0]] * 4


@pytest.mark.parametrize("name", TYPES)
def test_types(name):
    x = np.random.default_rng(0).normal(size=(3, 4)) * 3
    ours, theirs = (
        ng.from_numpy(x).to(getattr(ng, name)),
        torch.from_numpy(x).to(getattr(torch, name)),
    )
    same(to_theirs([ours, ours.t()]), [theirs, theirs.t()])
    same(to_ours([theirs, theirs.t()]), [ours, ours.t()])


def test_sizes():
    assert type(to_ours(torch.ones(2, 3).shape)) is ng.Size
    assert type(to_theirs(ng.ones(2, 3).shape)) is torch.Size


def trained(lib):
    """A model, an optimizer and a scheduler after two steps."""
    net = lib.nn.Sequential(
        lib.nn.Linear(3, 4, bias=False), lib.nn.BatchNorm1d(4), lib.nn.Linear(4, 2)
    )
    optimizer = lib.optim.Adam(net.parameters(), lr=0.01)
    scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for i in range(2):
        optimizer.zero_grad()
        (net(lib.arange(12.0).reshape(4, 3) * (i + 1)) ** 2).sum().backward()
        optimizer.step()
        scheduler.step()
    return net, optimizer, scheduler


def test_a_run_goes_on_in_the_other_library():
    """The weights, the optimizer's state and the schedule are PyTorch's after two steps."""
    net, optimizer, scheduler = trained(torch)
    saved = {"net": net.state_dict(), "optimizer": optimizer.state_dict(),
             "scheduler": scheduler.state_dict(), "epoch": 2, "best": 0.5}  # fmt: skip
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        back = to_ours(saved, **options)
        same(back["net"], saved["net"])
        assert back["net"]._metadata == saved["net"]._metadata
        same(back["optimizer"]["param_groups"], saved["optimizer"]["param_groups"])
        assert back["epoch"] == 2 and back["best"] == 0.5
    our_net, our_optimizer, our_scheduler = trained(ng)
    our_net.load_state_dict(back["net"])
    our_optimizer.load_state_dict(back["optimizer"])
    our_scheduler.load_state_dict(back["scheduler"])
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")
    results = []
    for lib, n, o in ((torch, net, optimizer), (ng, our_net, our_optimizer)):
        o.zero_grad()
        (n(lib.from_numpy(x)) ** 2).sum().backward()
        o.step()
        results.append([p.detach().numpy() for p in n.parameters()])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    theirs = to_theirs({"net": our_net.state_dict()})
    net.load_state_dict(theirs["net"])
    same(our_net.state_dict()["0.weight"], net.state_dict()["0.weight"])


def test_files_by_name(tmp_path):
    ng.save({"w": ng.ones(3)}, tmp_path / "ours.pt")
    for options in ({}, {"mmap": True}):
        assert torch.load(tmp_path / "ours.pt", **options)["w"].tolist() == [1, 1, 1]
    torch.save({"w": torch.ones(3)}, tmp_path / "theirs.pt")
    for options in ({}, {"mmap": True}, {"weights_only": False}):
        assert ng.load(tmp_path / "theirs.pt", **options)["w"].tolist() == [1, 1, 1]


def test_conjugates_and_negatives_are_carried_out():
    z = torch.tensor([1 + 2j, 3 - 1j])
    for x in (z.conj(), z.conj().imag, z.real, z.imag):
        back = to_ours(x)
        assert back.tolist() == x.tolist()


def test_numpy_in_their_files():
    value = {"a": np.arange(3.0), "n": np.float64(2.5), "t": np.dtype("f4")}
    back = to_ours(value)
    assert back["a"].tolist() == [0, 1, 2] and back["n"] == 2.5 and back["t"] == np.dtype("f4")


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: torch.eye(2).to_sparse(), "sparse tensor"),
        (lambda: torch.eye(2).to_sparse_csr(), "sparse tensor"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "quantized"),
        (lambda: torch.ones(2, dtype=torch.uint16), "uint16"),
        (lambda: torch.ones(2, device="meta"), "device meta"),
        (lambda: torch.ones(2).to(torch.float8_e5m2), "float8"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tensors_that_we_do_not_have_are_refused_by_name(make, message):
    with pytest.raises(DamagedFileError, match=message):
        to_ours({"x": make()})


def test_a_whole_model_of_theirs_is_refused():
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        with pytest.raises(UnsafeFileError, match=r"names torch.nn.modules.linear.Linear"):
            to_ours(torch.nn.Linear(2, 2), **options)


class Evil:
    def __reduce__(self):
        return os.system, ("touch it-was-run",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_their_files_is_not_run(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafeFileError, match=r"posix.system"):
        to_ours({"w": torch.ones(2), "x": Evil()}, _use_new_zipfile_serialization=zipped)
    assert os.listdir() == []


@pytest.mark.filterwarnings("ignore")
def test_torchscript_is_refused():
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    with pytest.raises(DamagedFileError, match="TorchScript"):
        ng.load(io.BytesIO(file.getvalue()))


def test_old_files_cut_or_changed_at_any_byte():
    file = io.BytesIO()
    value = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([True, False]), "n": [1, "x"]}
    torch.save(value, file, _use_new_zipfile_serialization=False)
    data = file.getvalue()
    same(ng.load(io.BytesIO(data)), value)
    random = np.random.default_rng(0)
    for at in range(0, len(data), 2):
        with pytest.raises(ValueError):
            ng.load(io.BytesIO(data[:at]))
        changed = bytearray(data)
        changed[at] = random.integers(256)
        with contextlib.suppress(ValueError):
            ng.load(io.BytesIO(bytes(changed)), map_location="cpu")


def test_names_of_entries_are_theirs():
    ours, theirs = io.BytesIO(), io.BytesIO()
    ng.save({"w": ng.ones(3)}, ours)
    torch.save({"w": torch.ones(3)}, theirs)
    ours, theirs = zipfile.ZipFile(ours), zipfile.ZipFile(theirs)
    assert set(ours.namelist()) <= set(theirs.namelist())
    for name in ours.namelist():
        assert ours.read(name) == theirs.read(name)
