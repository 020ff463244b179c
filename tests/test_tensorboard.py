"""The files of `utils.tensorboard`, read back by the description of their format."""

import struct

import pytest

from naivegrad.utils import tensorboard
from naivegrad.utils.tensorboard import SummaryWriter


def events(folder):
    """(tag, value, step, time) of what the files in a folder hold, first the version's."""
    (file,) = folder.glob("events.out.tfevents.*")
    data, found = file.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        for start, end in ((0, 8), (12, 12 + length)):
            (check,) = struct.unpack("<I", data[end : end + 4])
            turned = (check - 0xA282EAD8) % 2**32
            crc = (turned << 15 | turned >> 17) % 2**32
            assert crc == tensorboard._crc32c(data[start:end])
        found.append(fields(data[12 : 12 + length]))
        data = data[16 + length :]
    assert found[0][3] == b"brain.Event:2"
    for event in found[1:]:
        value = fields(fields(event[5])[1])
        yield value[1].decode(), value[2], event.get(2), event[1]


def fields(message):
    """The fields of a message of Protocol Buffers, by number."""
    found = {}
    while message:
        number, kind = message[0] >> 3, message[0] & 7
        message = message[1:]
        if kind in (1, 5):
            size = 8 if kind == 1 else 4
            (found[number],) = struct.unpack("<d" if kind == 1 else "<f", message[:size])
        else:
            found[number], size = varint(message)
            if kind == 2:
                message, size = message[size:], found[number]
                found[number] = message[:size]
        message = message[size:]
    return found


def varint(data):
    number = 0
    for i, byte in enumerate(data):
        number |= (byte & 127) << 7 * i
        if byte < 128:
            return number, i + 1
    raise AssertionError("the number does not end")


def test_check_value():
    assert tensorboard._crc32c(b"123456789") == 0xE3069283


def test_scalars_come_back(tmp_path):
    with SummaryWriter(tmp_path / "logs") as writer:
        writer.add_scalar("loss", 0.5, 3, walltime=12.25)
        writer.add_scalar("a/" + "long" * 50, -2, 10**6, walltime=13)
        writer.add_scalar("no step", 1.0, walltime=14)
        writer.flush()
    writer.close()
    assert list(events(tmp_path / "logs")) == [
        ("loss", 0.5, 3, 12.25),
        ("a/" + "long" * 50, -2.0, 10**6, 13.0),
        ("no step", 1.0, None, 14.0),
    ]


def test_several_in_one_chart(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(2):
            writer.add_scalars("run/loss", {"train": step, "val": step + 0.5}, step, walltime=1)
    assert list(events(tmp_path)) == []
    for name, extra in (("train", 0), ("val", 0.5)):
        rows = [("run/loss", step + extra, step, 1.0) for step in range(2)]
        assert list(events(tmp_path / f"run_loss_{name}")) == rows


def test_the_folder_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="_small")
    writer.close()
    (folder,) = (tmp_path / "runs").iterdir()
    assert writer.get_logdir() == writer.log_dir == f"runs/{folder.name}"
    assert folder.name.endswith("_small")


def test_what_it_does_not_write(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(NotImplementedError, match=r"SummaryWriter.add_histogram: only scalars"):
            writer.add_histogram("weights", [1, 2], 0)
        with pytest.raises(AttributeError, match="SummaryWriter has no 'flsh'"):
            writer.flsh()
        with pytest.raises(TypeError):
            writer.add_scalar("loss", None, 0)
