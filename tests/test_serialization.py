"""PyTorch's files: written and read to the bit, and nothing in one is ever run."""

import collections
import dataclasses
import functools
import io
import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.io import DamagedFileError
from naivegrad.serialization import UnsafeFileError, files, get_safe_globals, safe_globals
from naivegrad.serialization.archive import write_archive
from naivegrad.storage import UntypedStorage, owner_of


def written(value):
    file = io.BytesIO()
    ng.save(value, file)
    return file.getvalue()


def again(value, **options):
    return ng.load(io.BytesIO(written(value)), **options)


def archive(head, storages=None, folder="archive"):
    file = io.BytesIO()
    write_archive(file, folder, head, storages or {})
    return file.getvalue()


def state():
    """A little of everything."""
    x = ng.arange(12.0).reshape(3, 4)
    w = nn.Parameter(ng.ones(2, 3))
    return {
        "model": collections.OrderedDict(w=w, b=ng.tensor([1.5, -2.0], dtype=ng.bfloat16)),
        "views": [x.t()[1:], x[1], ng.ones(1).expand(2, 3)],
        "plain": [None, True, 3, 2**70, -1.5, float("inf"), "é", b"ab", 1 + 2j, (1, (2,)), {4, 5}],
        "places": {"dtype": ng.int16, "device": ng.device("cuda", 1), "layout": ng.strided},
        7: {("a", 1): "keys"},
    }


# ---- what is written comes back ----


def test_state_comes_back():
    saved, back = state(), again(state())
    assert list(back) == list(saved)
    assert type(back["model"]) is collections.OrderedDict
    for key in ("plain", "places", 7):
        assert back[key] == saved[key]
    w = back["model"]["w"]
    assert type(w) is nn.Parameter and w.requires_grad and w.is_leaf
    assert back["model"]["b"].dtype is ng.bfloat16 and back["model"]["b"].tolist() == [1.5, -2.0]


def test_strides_and_shared_memory_come_back():
    transposed, row, wide = again(state())["views"]
    assert transposed.stride() == (1, 4) and transposed.storage_offset() == 1
    assert transposed.tolist() == [[1, 5, 9], [2, 6, 10], [3, 7, 11]]
    row.zero_()
    assert transposed[:, 1].tolist() == [0, 0, 0]
    assert transposed._version == row._version == 1  # so that backward notices the change
    assert wide.stride() == (0, 0) and wide.shape == (2, 3)


@pytest.mark.parametrize("dtype", ng.serialization.objects.STORAGES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3)])
def test_types_and_shapes(dtype, shape):
    x = ng.from_numpy(np.random.default_rng(0).integers(0, 2, shape)).to(dtype)
    back = again(x)
    assert back.dtype is dtype and back.shape == shape
    assert back.numpy().tobytes() == x.numpy().tobytes()


def test_attributes_and_classes_of_tensors():
    class Marked(ng.Tensor):
        pass

    Marked.__qualname__ = "Marked"
    globals()["Marked"] = Marked  # a file names a class by its module
    w, x = nn.Parameter(ng.ones(2)), ng.zeros(3, requires_grad=True)
    w.frozen, x.note = True, "é"
    marked = Marked([1.0, 2.0])
    with safe_globals([Marked]):
        w, x, marked = again([w, x, marked])
    assert w.frozen and x.note == "é" and x.requires_grad
    assert type(marked) is Marked and marked.tolist() == [1, 2]
    with pytest.raises(UnsafeFileError, match=f"names {__name__}.Marked"):
        again(marked)


def test_orders_that_pytorch_does_not_have_are_copied():
    whole = np.zeros(3, [("a", "u1"), ("b", "f4")])
    for x in (np.arange(6.0)[::-1], np.arange(6)[4:0:-2], whole["b"][:0]):
        assert again(ng.from_numpy(x)).tolist() == x.tolist()


def test_the_folder_the_order_and_no_time_of_day(tmp_path):
    ng.save(state(), tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt") as file:
        names = file.namelist()
        assert names[:2] == ["net/data.pkl", "net/byteorder"] and names[-1] == "net/version"
        assert file.testzip() is None
        for info in file.infolist():
            start = info.header_offset + 30 + len(info.filename) + len(info.extra)
            assert start % 64 == 0 and info.date_time == (1980, 1, 1, 0, 0, 0)
    assert os.listdir(tmp_path) == ["net.pt"]


@pytest.mark.parametrize("name", ["a.pt", "a.pth.tar", "a", "a.safetensors"])
def test_names_choose_the_format_and_content_tells_it(tmp_path, name):
    value = {"w": ng.ones(2), "lr": [0.1, None]}
    for path in (tmp_path / name, str(tmp_path / name)):
        ng.save(value, path)
        back = ng.load(path)
        assert back["w"].tolist() == [1, 1] and back["lr"] == [0.1, None]
    native = (tmp_path / name).read_bytes()[8:9] == b"{"
    assert native == name.endswith(".safetensors")
    other = tmp_path / "b.bin"
    other.write_bytes((tmp_path / name).read_bytes())
    with open(other, "rb") as file:
        assert ng.load(file)["lr"] == [0.1, None]


def test_safetensors_of_others_are_tensors_by_name(tmp_path):
    ng.io.save_file({"w": ng.ones(2)}, tmp_path / "a.safetensors")
    assert ng.load(tmp_path / "a.safetensors")["w"].tolist() == [1, 1]


def test_what_cannot_be_saved():
    with pytest.raises(TypeError, match=r"save: .*lambda"):
        written([lambda: 0])
    with pytest.raises(RuntimeError, match="detach"):
        written(ng.ones(2, requires_grad=True) * 2)
    x = ng.ones(2, dtype=ng.complex64)
    with pytest.raises(ValueError, match="share memory, of type"):
        written([x, ng.view_as_real(x)])
    with pytest.raises(TypeError, match="path or a binary file"):
        ng.save(1, 5)
    with pytest.raises(ValueError, match="nested too deeply"):
        written(functools.reduce(lambda x, _: [x], range(100_000), 0))


def test_mapped_into_memory(tmp_path):
    ng.save(state(), tmp_path / "a.pt")
    before = (tmp_path / "a.pt").read_bytes()
    back = ng.load(tmp_path / "a.pt", mmap=True)
    assert isinstance(owner_of(back["model"]["w"].array), np.memmap)
    back["views"][1].zero_()
    assert back["views"][0][:, 1].tolist() == [0, 0, 0]
    assert (tmp_path / "a.pt").read_bytes() == before
    assert again(back)["views"][0].stride() == (1, 4)
    with pytest.raises(ValueError, match="mmap needs the name"):
        ng.load(io.BytesIO(before), mmap=True)
    ng.save(1, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="mmap is for"):
        ng.load(tmp_path / "a.safetensors", mmap=True)


# ---- where tensors go ----


def on_gpu():
    """A file that was saved on a GPU."""
    data = written({"w": ng.ones(2)})
    head = zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl")
    head = head.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    return archive(head, {"0": np.ones(2, "f4").view("u1")})


@pytest.mark.parametrize(
    "where",
    ["cpu", ng.device("cpu"), {"cuda:0": "cpu"}, lambda storage, place: storage],
)
def test_map_location(where):
    assert ng.load(io.BytesIO(on_gpu()), map_location=where)["w"].tolist() == [1, 1]
    assert ng.load(io.BytesIO(written(ng.ones(2))), where).tolist() == [1, 1]


def test_map_location_gets_what_pytorch_gives_it():
    seen = []
    ng.load(io.BytesIO(on_gpu()), lambda *given: seen.append(given) or given[0])
    [(storage, place)] = seen
    assert isinstance(storage, UntypedStorage) and storage.nbytes() == 8 and place == "cuda:0"


def test_faults_of_map_location_are_not_the_files():
    def fails(storage, place):
        raise KeyError(place)

    for where, message in ((fails, "failed for 'cpu'"), (lambda *_: 3, "returned a int")):
        with pytest.raises(RuntimeError, match=message):
            ng.load(io.BytesIO(written(ng.ones(2))), where)


def test_a_device_that_is_not_here():
    for where in (None, {"cuda:1": "cpu"}, lambda storage, place: None):
        with pytest.raises(RuntimeError, match=r"'cuda:0', but .*map_location='cpu'"):
            ng.load(io.BytesIO(on_gpu()), map_location=where)
    with pytest.raises(ValueError, match="device"):
        ng.load(io.BytesIO(on_gpu()), map_location="gpu")


# ---- a file that holds code ----

MARK = "it-was-run"


class Evil:
    def __reduce__(self):
        return os.system, (f"touch {MARK}",)


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


TOUCH = text(f"touch {MARK}")
HOSTILE = {
    "GLOBAL": (b"\x80\x02cos\nsystem\n" + TOUCH + b"\x85R.", "names os.system"),
    "posix": (b"\x80\x02cposix\nsystem\n" + TOUCH + b"\x85R.", "names posix.system"),
    "STACK_GLOBAL": (pickle.dumps([1, {"a": Evil()}], 4), "names posix.system"),
    "protocol 2": (pickle.dumps((Evil(), 1), 2), "names posix.system"),
    "INST": (b"\x80\x02(" + TOUCH + b"ios\nsystem\n.", "make a os.system"),
    "OBJ": (b"(cbuiltins\nset\n" + TOUCH + b"o.", "OBJ"),
    "EXT1": (b"\x80\x02\x82\x01.", "EXT1"),
    "EXT2": (b"\x80\x02\x83\x01\x00.", "EXT2"),
    "EXT4": (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
    "eval": (b"c__builtin__\neval\n" + text(f"open({MARK!r}, 'w')") + b"\x85R.", "builtins.eval"),
    "getattr": (b"cbuiltins\ngetattr\n.", "names builtins.getattr"),
    "import": (b"cbuiltins\n__import__\n" + text("os") + b"\x85R.", "builtins.__import__"),
    "attribute": (b"\x80\x04" + text("naivegrad") + text("save") + b"\x93.", "grad.save"),
    "dotted": (b"\x80\x04" + text("torch") + text("os.system") + b"\x93.", "names torch.os.system"),
    "call data": (b"\x80\x02" + text("os.system") + TOUCH + b"\x85R.", "wants to call a str"),
    "call a class": (b"\x80\x02ctorch\nTensor\nJ\xff\xff\xff\x7f\x85R.", "wants to call Tensor"),
    "call NumPy's": (b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.", "wants to call"),
    "new object": (b"\x80\x02ctorch\nTensor\nJ\xff\xff\xff\x7f\x85\x81.", "an object of Tensor"),
    "build": (b"\x80\x02}}" + text("__setstate__") + b"K\x01sb.", "wants to fill a dict"),
    "build a set": (b"\x80\x02cbuiltins\nset\n)R}b.", "wants to fill a set"),
    "whole model": (pickle.dumps(nn.Linear(2, 2), 2), "names naivegrad.nn.linear.Linear"),
    "partial": (b"cfunctools\npartial\n.", "names functools.partial"),
    "object array": (pickle.dumps(np.array([Evil()], object), 2), "type 'O8'"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_code_is_refused_by_name_and_not_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    head, message = HOSTILE[name]
    for only in (True, False):
        with pytest.raises(DamagedFileError, match=message) as caught:
            ng.load(io.BytesIO(archive(head)), weights_only=only)
        assert "the file object: " in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_an_unsafe_file_is_also_pickles_error():
    with pytest.raises(pickle.UnpicklingError, match=r"Save model.state_dict\(\)"):
        ng.load(io.BytesIO(archive(HOSTILE["whole model"][0])))


# ---- a file that is damaged, or wants to do damage ----

TUPLES = b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"K\x01s."
BROAD = b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"K\x01s."
ENDLESS = (
    b")" + b"q\x00h\x00\x86" * 60
)  # a tuple of two tuples of two ...: 2**60 characters if printed
ID = b"\x80\x02(" + text("storage") + b"ctorch\nFloatStorage\n%b%bK\x01tQ"
DAMAGED = {
    "empty": (b"", "cut short"),
    "no end": (b"\x80\x02]", "cut short"),
    "nothing on the stack": (b"\x80\x02.", "empty stack"),
    "no mark": (b"\x80\x02]e.", "mark that was never made"),
    "memo": (b"\x80\x02h\x05.", "value 5 that it has not made"),
    "memo of nothing": (b"\x80\x02q\x00.", "empty stack"),
    "append to a dict": (b"\x80\x02}K\x01a.", "appends to a dict"),
    "append to a set": (b"\x80\x02cbuiltins\nset\n)RK\x01a.", "appends to a set"),
    "items of a list": (b"\x80\x02]K\x01K\x02s.", "sets items of a list"),
    "odd items": (b"\x80\x02}(K\x01u.", "key without a value"),
    "a list as a key": (b"\x80\x02}]K\x01s.", "a list cannot be the key"),
    "a deep key": (TUPLES, "more than 1000 parts"),
    "a broad key": (BROAD, "more than 1000 parts"),
    "long text": (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.", "cut short"),
    "long bytes": (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffa.", "cut short"),
    "negative length": (b"\x80\x02\x8b\xff\xff\xff\xff.", "cut short"),
    "unknown instruction": (b"\x80\x02\xf7.", "byte 2"),
    "no UTF-8": (b"\x80\x02X\x01\x00\x00\x00\xff.", "UnicodeDecodeError"),
    "bytearray": (b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "made of a int"),
    "huge shape": (b"\x80\x02ctorch\nSize\n\x8a\x09" + b"\xff" * 8 + b"\x00\x85\x85R.", "no shape"),
    "no storage": (b"\x80\x02ctorch._utils\n_rebuild_tensor\n(K\x01K\x00))tR.", "over a int"),
    "endless shape": (b"\x80\x02ctorch\nSize\n" + ENDLESS + b"\x85R.", "no shape"),
    "endless id": (b"\x80\x02" + ENDLESS + b"Q.", "not that of a storage"),
    "endless name": (ID % (ENDLESS, b"K\x01") + b".", "a str made of a tuple"),
    "endless place": (ID % (text("0"), ENDLESS) + b".", "a str made of a tuple"),
    "endless type": (b"\x80\x02cnumpy\ndtype\n" + ENDLESS + b"\x85R.", "a str made of a tuple"),
    "endless call": (b"\x80\x02" + ENDLESS + b")R.", "wants to call a tuple"),
    "strange id": (b"\x80\x02K\x01Q.", "persistent id is a int"),
    "other id": (b"\x80\x02" + text("module") + b"\x85Q.", "not that of a storage"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_pickles(name):
    head, message = DAMAGED[name]
    with pytest.raises(DamagedFileError, match=message):
        ng.load(io.BytesIO(archive(head)))


def test_deep_nesting_is_no_harm():
    deep = ng.load(io.BytesIO(archive(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")))
    depth = 0
    while deep:
        deep, depth = deep[0], depth + 1
    assert depth == 199_999


def test_entries_say_what_is_wrong_with_them():
    value = {"epoch": 1, "net": {"n": 1, "fc.weight": ng.ones(2, 3)}}
    head = zipfile.ZipFile(io.BytesIO(written(value))).read("archive/data.pkl")
    for storages, message in (
        ({}, "'data/0' is missing"),
        ({"0": np.ones(5, "f4").view("u1")}, "'data/0' has 20 bytes, not 6 elements of float32"),
    ):
        with pytest.raises(DamagedFileError, match=message):
            ng.load(io.BytesIO(archive(head, storages)))
    reaching = head.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86")
    storages = {"0": np.ones(6, "f4").view("u1")}
    with pytest.raises(DamagedFileError, match=r"at 'net.fc.weight'.*6 elements.*\(2, 4\)"):
        ng.load(io.BytesIO(archive(reaching, storages)))
    wrong = head.replace(b"FloatStorage", b"QInt8Storage")
    with pytest.raises(DamagedFileError, match=r"torch.QInt8Storage"):
        ng.load(io.BytesIO(archive(wrong, storages)))
    truth = head.replace(b"FloatStorage", b"BoolStorage")
    storages = {"0": np.full(6, 2, "u1")}
    with pytest.raises(DamagedFileError, match="neither 0 nor 1"):
        ng.load(io.BytesIO(archive(truth, storages)))


def test_archives_that_are_something_else(tmp_path):
    def zipped(names, method=zipfile.ZIP_STORED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as made:
            for name in names:
                made.writestr(name, b"\x80\x02N.")
        return file.getvalue()

    for data, message in (
        (zipped(["a.txt"]), "no data.pkl"),
        (zipped(["a/data.pkl", "b/data.pkl"]), "no data.pkl"),
        (zipped(["a/data.pkl", "a/constants.pkl", "a/code/m.py"]), "TorchScript"),
        (zipped(["a/data.pkl"], zipfile.ZIP_DEFLATED), "compressed"),
        (b"PK\x03\x04 and no more", "archive cannot be read: it is cut short"),
        (b"hello, world: this is a text", "neither a safetensors file nor"),
        (pickle.dumps({"a": 1}), "neither a safetensors file nor"),
        (b"", "seek"),
    ):
        path = tmp_path / "a.pt"
        path.write_bytes(data)
        with pytest.raises(DamagedFileError, match=message) as caught:
            ng.load(path)
        assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(FileNotFoundError):
        ng.load(tmp_path / "none.pt")
    assert zipped(["a/data.pkl"]) and ng.load(io.BytesIO(zipped(["a/data.pkl"]))) is None


def test_entries_that_overlap_take_no_memory():
    """Many names for one large entry: as much memory as the file is long, many times over."""
    data = bytearray(archive(b"\x80\x02N.", {"0": np.zeros(100_000, "u1")}))
    directory = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entries = bytes(data[directory:end])
    large = entries[entries.index(b"archive/data/0") - 46 :]
    large = large[: 46 + 14 + struct.unpack("<H", large[30:32])[0]]
    copies = b"".join(large.replace(b"data/0", b"data/%c" % c) for c in b"123456789")
    tail = bytearray(data[end:])
    count, size = struct.unpack("<HI", tail[10:16])
    tail[8:16] = struct.pack("<HHI", count + 9, count + 9, size + len(copies))
    with pytest.raises(DamagedFileError, match=r"claim more than|cannot be read"):
        ng.load(io.BytesIO(bytes(data[:end]) + copies + bytes(tail)))


def test_an_entry_that_begins_before_the_file(tmp_path):
    data = bytearray(archive(b"\x80\x02N.", {}))
    place = data.index(b"PK\x05\x06") + 16  # where the directory begins
    struct.pack_into("<I", data, place, struct.unpack_from("<I", data, place)[0] + 500)
    path = tmp_path / "a.pt"
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match=r"a\.pt: .* begins before the file"):
        ng.load(path)


def flat(value):
    """The leaves of nested state, tensors as their bytes."""
    if isinstance(value, dict):
        return [part for item in value.items() for part in flat(item)]
    if isinstance(value, list | tuple):
        return [part for item in value for part in flat(item)]
    if isinstance(value, ng.Tensor):
        return [value.dtype, value.shape, value.detach().numpy().tobytes()]
    return [value]


def survives(data):
    """What a changed file gives: a value, or an error that is meant for the user."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ng.load(io.BytesIO(data), map_location="cpu")
    except ValueError:
        return None


def test_a_file_cut_at_any_byte_is_refused():
    data = written(state())
    for end in range(0, len(data), 7):
        assert survives(data[:end]) is None


def test_a_file_with_any_byte_changed_gives_an_error_or_values():
    """In an archive a checksum catches nearly all; in a bare pickle nothing does."""
    data, value = written(state()), flat(state())
    random = np.random.default_rng(0)
    for at in range(0, len(data), 5):
        changed = bytearray(data)
        changed[at] ^= 1 << random.integers(8)
        back = survives(bytes(changed))
        assert back is None or flat(back) == value
    head = zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl")
    memory = {str(i): np.ones(1000, "u1") for i in range(4)}
    pickler = files._pickled(state())[1]
    memory.update({k: np.array(v) for k, v in pickler.items()})
    for at in range(len(head)):
        changed = bytearray(head)
        changed[at] = random.integers(256)
        survives(archive(bytes(changed), memory))


def test_text_of_python_2():
    data = archive(b"\x80\x02U\x02\xc3\xa9T\x02\x00\x00\x00\xc3\xa9\x86.")
    for encoding, text in (("utf-8", "é"), ("latin1", "Ã©"), ("bytes", b"\xc3\xa9")):
        assert ng.load(io.BytesIO(data), encoding=encoding) == (text, text)


def test_values_that_hold_themselves():
    endless = [1]
    endless.append((endless, {"me": endless}))
    back = again(endless)
    assert back[1][0] is back and back[1][1]["me"] is back


def test_the_other_byte_order():
    x = {"f": ng.tensor([1.0, 2.5]), "c": ng.tensor([1 + 2j]), "b": ng.tensor([True, False])}
    data = written(x)
    source = zipfile.ZipFile(io.BytesIO(data))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as other:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(("/data/0", "/data/1")):
                content = np.frombuffer(content, "f4").byteswap().tobytes()
            other.writestr(name, b"big" if name.endswith("byteorder") else content)
    assert flat(ng.load(io.BytesIO(file.getvalue()))) == flat(x)


# ---- classes that the user allows ----


@dataclasses.dataclass
class Config:
    width: int
    name: str = "net"
    inner: "Config | None" = None


class Counting(dict):
    __slots__ = ("total",)

    def __getstate__(self):
        return {"sum": self.total}

    def __setstate__(self, state):
        self.total = state["sum"]


def double(x):
    return 2 * x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.twice = double

    def forward(self, x):
        return self.twice(self.layer(x))


def test_allowed_classes():
    counting = Counting(a=1)
    counting.total = 5
    value = [Config(3, inner=Config(4)), counting]
    data = written(value)
    with pytest.raises(UnsafeFileError, match=f"names {__name__}.Config"):
        ng.load(io.BytesIO(data))
    with safe_globals([Config, Counting]):
        back = ng.load(io.BytesIO(data))
    assert back == value and back[1].total == 5
    assert get_safe_globals() == []


def test_a_whole_model_with_its_classes_allowed():
    net = Net()
    data = written(net)
    with safe_globals([Net, nn.Linear]), pytest.raises(UnsafeFileError, match="double"):
        ng.load(io.BytesIO(data))
    with safe_globals([Net, nn.Linear, double]):
        back = ng.load(io.BytesIO(data))
    x = ng.randn(4, 2)
    assert (back(x) == net(x)).all() and list(back.state_dict()) == list(net.state_dict())
    assert type(back.layer.weight) is nn.Parameter


def test_a_class_under_another_name():
    head = files._pickled(Config(3))[0].replace(f"{__name__}\nConfig".encode(), b"old\nCfg")
    with safe_globals([(Config, "old.Cfg")]):
        assert ng.load(io.BytesIO(archive(head))) == Config(3)


def test_what_runs_code_is_never_allowed():
    for bad in (os.system, eval, exec, getattr, print, __import__, (eval, "harmless")):
        with pytest.raises(ValueError, match="never allowed"):
            ng.serialization.add_safe_globals([bad])
    for bad in ("Config", 3, (Config,), (Config, 3)):
        with pytest.raises(TypeError, match="safe_globals"):
            ng.serialization.add_safe_globals([Config, bad])
    assert get_safe_globals() == []
    ng.serialization.add_safe_globals([Config])
    assert get_safe_globals() == [Config]
    ng.serialization.clear_safe_globals()
    assert get_safe_globals() == []


def test_faults_in_an_allowed_class_are_said_with_its_entry():
    data = written({"config": Config(3)})
    wrong = safe_globals([(functools.partial, f"{__name__}.Config")])
    with wrong, pytest.raises(DamagedFileError, match=r"at 'config': .*TypeError"):
        ng.load(io.BytesIO(data))


def test_numpy_values():
    value = {
        "array": np.arange(6, dtype="f8").reshape(2, 3).T,
        "text": np.array(["a", "bc"]),
        "number": np.float32(1.5),
        "type": np.dtype("int32"),
        "truth": np.array([True, False]),
    }
    for protocol in (2, 3, 4):
        back = ng.load(io.BytesIO(archive(pickle.dumps(value, protocol))))
        for key, item in value.items():
            assert np.array_equal(back[key], item) and type(back[key]) is type(item)
    assert back["array"].flags.f_contiguous


def test_options_that_make_no_sense(tmp_path):
    with pytest.raises(ValueError, match="pickle_module"):
        ng.load(tmp_path / "a", pickle_module=io)
    with pytest.raises(ValueError, match="pickle_module"):
        ng.save(1, tmp_path / "a", pickle_module=io)
    with pytest.raises(ValueError, match="older"):
        ng.save(1, tmp_path / "a", _use_new_zipfile_serialization=False)
    with pytest.raises(TypeError, match="path or a binary file"):
        ng.load(3)
    assert not list(Path(tmp_path).iterdir())
