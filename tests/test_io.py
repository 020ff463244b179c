"""Files: written whole or not at all; whatever is damaged is refused by name."""

import errno
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naivegrad as ng
from naivegrad.io import (
    DamagedFileError,
    Progress,
    atomic_write,
    load_arrays,
    load_checkpoint,
    load_file,
    load_metadata,
    read_idx,
    save_arrays,
    save_checkpoint,
    save_file,
    write_idx,
)

ROOT = Path(__file__).parent.parent

# ---- atomic_write ----


def test_atomic_write_leaves_only_the_file(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("first", "second, longer"):
        with atomic_write(path, "w") as file:
            file.write(text)
        assert path.read_text() == text
    assert os.listdir(tmp_path) == ["a.txt"]


def test_atomic_write_keeps_the_old_file_when_interrupted(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half of the new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch, stage):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, {"step": 1})

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, stage, full)
    with pytest.raises(OSError, match="No space left") as caught:
        save_checkpoint(path, {"step": 2})
    assert caught.value.filename == str(path)
    monkeypatch.undo()
    assert load_checkpoint(path) == {"step": 1}
    assert os.listdir(tmp_path) == [path.name]


def test_a_killed_writer_leaves_a_whole_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    program = (
        "import sys, itertools, numpy as np\n"
        "from naivegrad.io import save_checkpoint\n"
        "for step in itertools.count():\n"
        "    save_checkpoint(sys.argv[1], {'step': step, 'w': np.full(300_000, step)})\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        until = time.monotonic() + 60
        while not path.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        for _ in range(50):  # each time one reads, the file is whole, while it is being replaced
            state = load_checkpoint(path)
            assert (state["w"] == state["step"]).all()
    finally:
        process.kill()
        process.wait()
    state = load_checkpoint(path)
    assert (state["w"] == state["step"]).all()


def test_atomic_write_follows_a_link_and_keeps_ordinary_permissions(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    expected = target.stat().st_mode
    link.symlink_to(target)
    with atomic_write(link, "w") as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode == expected


def test_atomic_write_names_a_missing_folder_and_a_folder_in_its_place(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "none" / "a"):
        pass
    with pytest.raises(IsADirectoryError, match="folder"), atomic_write(tmp_path):
        pass
    with pytest.raises(ValueError, match="mode"), atomic_write(tmp_path / "a", "ab"):
        pass


# ---- safetensors ----

DTYPES = ["?", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (4, 0, 2)])
def test_arrays_come_back_to_the_bit(tmp_path, dtype, shape):
    x = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    save_arrays({"x": x}, tmp_path / "a", {"note": 'é\n"quoted"'})
    arrays, metadata = load_arrays(tmp_path / "a")
    assert metadata == {"note": 'é\n"quoted"'} == load_metadata(tmp_path / "a")
    assert arrays["x"].dtype == x.dtype
    assert arrays["x"].shape == shape
    assert arrays["x"].tobytes() == x.tobytes()
    assert arrays["x"].flags.writeable
    assert arrays["x"].flags.c_contiguous


def test_special_values_and_odd_layouts(tmp_path):
    big = np.arange(24, dtype=">f4").reshape(2, 3, 4)
    arrays = {
        "nan": np.array([np.nan, -0.0, np.inf], np.float32),
        "transposed": big.transpose(2, 0, 1),
        "reversed": big[::-1, :, ::2],
        "": np.arange(3),
    }
    save_arrays(arrays, tmp_path / "a")
    back, _ = load_arrays(tmp_path / "a")
    assert back["nan"].tobytes() == arrays["nan"].tobytes()
    for name in ("transposed", "reversed", ""):
        np.testing.assert_array_equal(back[name], arrays[name])
        assert back[name].dtype.isnative


def test_the_file_follows_the_published_format(tmp_path):
    save_arrays({"b": np.float32([1]), "a": np.int64([2])}, tmp_path / "a", {"k": "v"})
    data = (tmp_path / "a").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert (8 + length) % 8 == 0
    header = json.loads(data[8 : 8 + length])
    assert header == {
        "__metadata__": {"k": "v"},
        "a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
    }
    assert data[8 + length :] == struct.pack("<qf", 2, 1)


def test_bf16_and_complex(tmp_path):
    x = np.float32([1.5, -2, np.inf])
    write_raw(
        tmp_path / "a",
        {"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}},
        (x.view(np.uint32) >> 16).astype("<u2").tobytes(),
    )
    arrays, _ = load_arrays(tmp_path / "a")
    assert arrays["x"].dtype == "bfloat16"
    np.testing.assert_array_equal(arrays["x"].astype(np.float32), x)
    tensors = {"b": ng.tensor([1.5, -2], dtype=ng.bfloat16), "c": ng.tensor([1 + 2j])}
    ng.io.save_file(tensors, tmp_path / "b")
    for name, back in ng.io.load_file(tmp_path / "b").items():
        assert back.dtype == tensors[name].dtype and back.tolist() == tensors[name].tolist()


def test_the_reference_library_reads_and_writes_the_same(tmp_path):
    reference = pytest.importorskip("safetensors.numpy")
    x = {"w": np.random.default_rng(0).random((3, 4)), "n": np.arange(5), "s": np.array(True)}
    save_arrays(x, tmp_path / "ours")
    reference.save_file(x, tmp_path / "theirs")
    for back in (reference.load_file(tmp_path / "ours"), load_arrays(tmp_path / "theirs")[0]):
        assert back.keys() == x.keys()
        for name in x:
            np.testing.assert_array_equal(back[name], x[name])


def test_what_has_no_place_in_the_file_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"'x' has dtype complex128"):
        save_arrays({"x": np.zeros(1, complex)}, tmp_path / "a")
    with pytest.raises(TypeError, match="object"):
        save_arrays({"x": np.array([{}])}, tmp_path / "a")
    with pytest.raises(TypeError, match="metadata"):
        save_arrays({}, tmp_path / "a", {"n": 1})
    with pytest.raises(TypeError, match="__metadata__"):
        save_arrays({"__metadata__": np.zeros(1)}, tmp_path / "a")
    assert os.listdir(tmp_path) == []


def write_raw(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


HUGE = 2**63
DAMAGED = {
    "not json": (b"{not json", b"", "cannot be read"),
    "not an object": (b"[1, 2]", b"", "not a JSON object"),
    "not text": (b'{"\xff\xfe": 1}', b"", "cannot be read"),
    "nested too deep": (b'{"a":' + b"[" * 100_000, b"", "cannot be read"),
    "an endless number": (b'{"a":' + b"9" * 10_000 + b"}", b"", "cannot be read"),
    "a name twice": (
        b'{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        b"1",
        "appears twice",
    ),
    "entry not an object": ({"x": 3}, b"", "must have dtype"),
    "entry without shape": ({"x": {"dtype": "F32", "data_offsets": [0, 8]}}, b"8" * 8, "must have"),
    "unknown dtype": ({"x": entry("F33")}, b"8" * 8, "'F33' is not known"),
    "dtype not text": ({"x": entry(["F32"])}, b"8" * 8, "is not known"),
    "negative size": ({"x": entry(shape=(-2,))}, b"8" * 8, "list of sizes"),
    "size not whole": ({"x": entry(shape=(2.0,))}, b"8" * 8, "list of sizes"),
    "size a boolean": ({"x": entry("U8", (True,), (0, 1))}, b"1", "list of sizes"),
    "too many dims": ({"x": entry(shape=(1,) * 65, offsets=(0, 4))}, b"4" * 4, "list of sizes"),
    "size overflows": ({"x": entry(shape=(HUGE, 4), offsets=(0, 8))}, b"8" * 8, "span 8"),
    "absurd beside zero": ({"x": entry(shape=(0, HUGE), offsets=(0, 0))}, b"", "too large"),
    "three offsets": ({"x": entry(offsets=(0, 4, 8))}, b"8" * 8, "two sizes"),
    "offsets backwards": ({"x": entry(offsets=(8, 0))}, b"8" * 8, "span -8"),
    "beyond the end": ({"x": entry()}, b"4" * 4, "cut short"),
    "far beyond the end": (
        {"x": entry("U8", (2**40,), (0, 2**40))},
        b"",
        "cut short",
    ),
    "bytes behind": ({"x": entry()}, b"9" * 9, "followed by unknown bytes"),
    "a gap": ({"x": entry(), "y": entry(offsets=(12, 20))}, b"2" * 20, "gap"),
    "an overlap": ({"x": entry(), "y": entry(offsets=(4, 12))}, b"1" * 12, "overlaps"),
    "twice the same place": ({"x": entry(), "y": entry()}, b"8" * 8, "overlaps"),
    "a boolean of 7": ({"x": entry("BOOL", (1,), (0, 1))}, b"\7", "neither 0 nor 1"),
    "metadata not text": ({"__metadata__": {"a": 1}}, b"", "__metadata__"),
    "metadata a list": ({"__metadata__": []}, b"", "__metadata__"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_safetensors_files_are_refused_by_name(tmp_path, case):
    header, data, message = DAMAGED[case]
    path = tmp_path / "bad.safetensors"
    write_raw(path, header, data)
    with pytest.raises(DamagedFileError, match=message) as caught:
        load_arrays(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"1234567", b"\xff" * 8, b"\xff" * 100, struct.pack("<Q", 10**8 + 1) + b"{}"]
)
def test_files_of_another_kind_are_refused_by_name(tmp_path, data):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match=r"bad\.safetensors"):
        load_arrays(path)
    with pytest.raises(DamagedFileError, match=r"bad\.safetensors"):
        load_checkpoint(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_harmless(data):
    """Cut or change a good file anywhere: the reader refuses, or gives arrays of the same sizes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.safetensors")
        save_checkpoint(path, {"w": np.arange(6.0).reshape(2, 3), "n": [1, None, (2.5, "x")]})
        good = bytearray(path.read_bytes())
        if data.draw(st.booleans()):
            good = good[: data.draw(st.integers(0, len(good) - 1))]
        else:
            for _ in range(data.draw(st.integers(1, 4))):
                good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(good)
        refusal, arrays = str(path), {}
        try:
            load_checkpoint(path)
            arrays, _ = load_arrays(path)
        except DamagedFileError as error:
            refusal = str(error)
        assert str(path) in refusal
        assert sum(array.nbytes for array in arrays.values()) <= len(good)


# ---- checkpoints ----


def test_nested_state_comes_back_the_same(tmp_path):
    state = {
        "model": {"fc.weight": ng.arange(6).reshape(2, 3), "fc.bias": ng.zeros(0)},
        "optimizer": {
            "state": {0: {"step": 3, "m": ng.tensor(1.5)}, 1: {}},
            "groups": [{"lr": 0.1}],
        },
        "floats": [0.1, 1e300, -0.0, float("inf"), float("-inf")],
        "betas": (0.9, (0.999, None, True)),
        "text": 'any "text"\n\u2603 $tensor',
        "array": np.arange(3, dtype=np.int16),
        "$tensor": "a key that looks like a tag",
        "one": {"$tuple": [1]},
        "big": 2**200,
        "numpy scalar": np.float64(0.25),
        ("a", 1): 2,
        None: 3,
        True: 4,
    }
    save_checkpoint(tmp_path / "a", state)
    back = load_checkpoint(tmp_path / "a")
    assert list(back) == list(state)
    assert back["model"]["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["model"]["fc.weight"].dtype == ng.int64
    assert tuple(back["model"]["fc.bias"].shape) == (0,)
    assert back["optimizer"]["state"][0]["m"].item() == 1.5
    assert tuple(back["optimizer"]["state"][0]["m"].shape) == ()
    assert back["array"].dtype == np.int16
    for name in ("floats", "betas", "text", "$tensor", "one", "big", "numpy scalar", None, True):
        assert back[name] == state[name]
    assert str(back["floats"][2]) == "-0.0"
    assert back[("a", 1)] == 2


def test_nan_and_a_single_tensor(tmp_path):
    path = tmp_path / "a"
    save_checkpoint(path, float("nan"))
    assert load_checkpoint(path) != load_checkpoint(path)
    save_checkpoint(path, ng.tensor([1.0, 2.0]))
    assert load_checkpoint(path).tolist() == [1, 2]


def test_names_that_meet_stay_apart(tmp_path):
    save_checkpoint(tmp_path / "a", {"a": {"b": np.ones(1)}, "a.b": np.zeros(1)})
    back = load_checkpoint(tmp_path / "a")
    assert (back["a"]["b"].item(), back["a.b"].item()) == (1, 0)


def test_what_cannot_be_saved_says_where_it_is(tmp_path):
    with pytest.raises(TypeError, match=r"optimizer\.hooks\.0 is a function"):
        save_checkpoint(tmp_path / "a", {"optimizer": {"hooks": [lambda: 0]}})
    with pytest.raises(TypeError, match="model has the key"):
        save_checkpoint(tmp_path / "a", {"model": {b"bytes": 1}})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "tree",
    ["", "{", "[" * 100_000, '{"$tensor": "none"}', '{"$tensor": []}', '{"$tuple": 3}',
     '{"$dict": [1]}', '{"$dict": [[[], 1]]}', '{"$float": "x"}', '{"$float": {}}'],
)  # fmt: skip
def test_a_damaged_tree_is_refused_by_name(tmp_path, tree):
    save_arrays({}, tmp_path / "a", {"naivegrad.state": tree})
    with pytest.raises(DamagedFileError, match="the state cannot be read"):
        load_checkpoint(tmp_path / "a")


def test_a_foreign_file_is_not_a_checkpoint(tmp_path):
    save_file({"w": ng.ones(2)}, tmp_path / "a", {"format": "pt"})
    with pytest.raises(DamagedFileError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "a")
    assert load_file(tmp_path / "a")["w"].tolist() == [1, 1]


def test_a_missing_file_is_a_missing_file(tmp_path):
    for read in (load_checkpoint, load_arrays, load_metadata, load_file, read_idx):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")


# ---- IDX ----


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 2, 3), (0, 2)])
def test_idx_comes_back_to_the_bit(tmp_path, name, dtype, shape):
    x = (np.arange(np.prod(shape)) - 3).astype(dtype).reshape(shape)
    write_idx(tmp_path / name, x)
    back = read_idx(tmp_path / name)
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(back, x)
    back[...] = 0  # writable


def test_write_idx_gives_the_same_bytes_and_refuses_other_dtypes(tmp_path):
    write_idx(tmp_path / "a.gz", np.arange(9, dtype=np.uint8))
    first = (tmp_path / "a.gz").read_bytes()
    write_idx(tmp_path / "a.gz", np.arange(9, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == first
    with pytest.raises(TypeError, match="int64"):
        write_idx(tmp_path / "a", np.arange(9))


GOOD = b"\0\0\x08\x02" + struct.pack(">II", 2, 3) + b"abcdef"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an IDX file"),
        (b"\0\0\x08", "not an IDX file"),
        (b"PK\3\4" + GOOD, "not an IDX file"),
        (b"\0\1" + GOOD[2:], "not an IDX file"),
        (b"\0\0\x07" + GOOD[3:], "not an IDX file"),
        (b"\0\0\x08\0" + GOOD[4:], "not an IDX file"),
        (GOOD[:10], "inside its header"),
        (GOOD[:-1], "only 5 are there"),
        (GOOD + b"x", "longer than the 6 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "over 268435456 bytes"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"1", "announces"),
    ],
)
def test_damaged_idx_files_are_refused_by_name(tmp_path, pack, data, message):
    path = tmp_path / "bad.idx"
    path.write_bytes(pack(data))
    with pytest.raises(DamagedFileError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_truncated_or_changed_gzip_file_is_refused_by_name(tmp_path):
    path = tmp_path / "bad.gz"
    noise = np.random.default_rng(0).integers(0, 256, (50, 40), dtype=np.uint8)
    write_idx(path, noise)
    good = path.read_bytes()
    changed = bytearray(good)
    changed[len(good) // 2] ^= 255
    checksum = bytearray(good)
    checksum[-8] ^= 255
    for data in (good[:-1], good[: len(good) // 2], good[:5], bytes(changed), bytes(checksum)):
        path.write_bytes(data)
        with pytest.raises(DamagedFileError, match=r"bad\.gz"):
            read_idx(path)


def test_a_decompression_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"\0\0\x08\x01" + struct.pack(">I", 10))
        file.write(bytes(20_000_000))
    with pytest.raises(DamagedFileError, match="longer than the 10 bytes"):
        read_idx(path)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"\0\0\x08\x01" + struct.pack(">I", 20_000_000))
        file.write(bytes(20_000_000))
    with pytest.raises(DamagedFileError, match="over 1000000 bytes"):
        read_idx(path, max_bytes=1_000_000)


# ---- progress ----


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_silent_when_nobody_watches():
    file = io.StringIO()
    with Progress("work", 10, file=file) as progress:
        progress.advance(5, loss=1.0)
    assert file.getvalue() == ""


@pytest.mark.parametrize("rich", [True, False])
def test_progress_shows_numbers_speed_and_time_left(monkeypatch, rich):
    if rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(__import__("sys").modules, "rich", None)
    monkeypatch.setenv("COLUMNS", "150")
    file = Terminal()
    with Progress("epoch 1/3", 100, file=file) as progress:
        progress.advance(100, loss=0.25, accuracy=0.5)
    for text in ("epoch 1/3", "loss 0.2500", "accuracy 50.00%", "samples/s", "0:00 left", "100%"):
        assert text in file.getvalue()


def test_progress_counts_from_where_an_earlier_run_stopped():
    progress = Progress("work", 10, start=8)
    assert progress.speed == 0
    progress.advance(2)
    assert progress.done == 10
    assert "0:00 left" in progress.summary()
