"""The memory of tensors: what shares it, and what still does after copy, deepcopy and pickle."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.storage import UntypedStorage

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {n}": lambda x, n=n: pickle.loads(pickle.dumps(x, n))
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


def test_storage_of_views():
    x = ng.arange(24, dtype=ng.float64).reshape(2, 3, 4)
    for view in (
        x,
        x[1],
        x.t() if x.ndim == 2 else x.permute(2, 0, 1),
        x[:, 1:, ::2],
        x.detach()[1],
    ):
        storage = view.untyped_storage()
        assert storage.data_ptr() == x.data_ptr() and storage.nbytes() == len(storage) == 24 * 8
        assert view.storage_offset() * 8 == view.data_ptr() - x.data_ptr()
    assert x[1].detach().storage_offset() == 12
    assert ng.from_numpy(np.arange(6)[::-1]).storage_offset() == 5
    assert ng.ones(0).storage_offset() == 0 and ng.ones(0).untyped_storage().data_ptr() == 0
    assert ng.ones(1).expand(3, 4).untyped_storage().nbytes() == 4


def test_storage_is_bytes():
    x = ng.tensor([1, 258], dtype=ng.int16)
    storage = x.untyped_storage()
    assert storage.tolist() == [1, 0, 2, 1] and storage[2] == 2 and storage.device == x.device
    part = storage[2:]
    assert part.tolist() == [2, 1] and part.data_ptr() == storage.data_ptr() + 2
    assert ng.asarray(part, dtype=ng.uint8).tolist() == [2, 1]
    assert "4 bytes" in repr(storage)


def test_storage_from_a_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abcd")
    private = UntypedStorage.from_file(path, False, 3)
    assert private.tolist() == [97, 98, 99]
    private.array[0] = 0
    assert path.read_bytes() == b"abcd"
    shared = UntypedStorage.from_file(path, True, 4)
    shared.array[0] = 65
    assert path.read_bytes() == b"Abcd"
    assert len(UntypedStorage.from_file(path)) == 0


def test_bytes_as_numbers_of_another_type():
    x = ng.arange(8, dtype=ng.uint8)
    assert x[4:].view(dtype=ng.int32).tolist() == x[4:].view(ng.int32).tolist() == [0x07060504]
    with pytest.raises(ValueError, match="cannot be read"):
        x[1:5].view(ng.int32)  # not where a number may begin


def test_as_strided_of_a_view_that_was_detached():
    x = ng.arange(10.0)
    for view in (x[3:], x[3:].detach()):
        assert view.as_strided((2, 2), (1, 2)).tolist() == [[3, 5], [4, 6]]
        assert view.as_strided((2,), (1,), 8).tolist() == [8, 9]
    with pytest.raises(ValueError, match="reach element 2"):
        x[3:].detach().as_strided((2,), (1,), 1)


@pytest.mark.parametrize("name", COPIES)
def test_views_of_one_memory_stay_so(name):
    x = ng.arange(12.0).reshape(3, 4)
    saved = {"t": x.t()[1:], "row": x[1], "w": nn.Parameter(x[2]), "b": ng.ones(3).bfloat16()}
    back = COPIES[name](saved) if name != "copy" else {k: copy.copy(v) for k, v in saved.items()}
    back["row"].fill_(-1)
    assert back["t"].tolist() == [[1, -1, 9], [2, -1, 10], [3, -1, 11]]
    assert back["t"].stride() == (1, 4) and back["t"].storage_offset() == 1
    assert back["t"]._version == back["row"]._version
    assert type(back["w"]) is nn.Parameter and back["w"].requires_grad and back["w"].is_leaf
    assert back["b"].dtype is ng.bfloat16 and back["b"].tolist() == [1, 1, 1]
    assert x[1].tolist() == ([-1] * 4 if name == "copy" else [4, 5, 6, 7])


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize(
    "make",
    [
        lambda: ng.tensor(2.5),
        lambda: ng.ones(2, 0, 3),
        lambda: ng.ones(1).expand(3, 4),
        lambda: ng.from_numpy(np.arange(5.0)[::-1]),
        lambda: ng.from_numpy(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        lambda: ng.from_numpy(np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2).copy("K")),
        lambda: ng.from_numpy(np.arange(9).astype("u1")[1::2]),
        lambda: ng.tensor([1 + 2j]),
    ],
)
def test_every_order_in_memory(name, make):
    x = make()
    y = COPIES[name](x)
    assert y.tolist() == x.tolist() and y.dtype is x.dtype and y.shape == x.shape


@pytest.mark.parametrize("name", COPIES)
def test_attributes_and_cycles(name):
    x = ng.ones(2, requires_grad=True)
    x.note = {"me": [x] if name != "copy" else []}
    y = COPIES[name](x)
    assert y is not x and y.requires_grad
    assert name == "copy" or y.note["me"][0] is y


def test_a_result_of_an_operation_is_refused():
    y = ng.ones(2, requires_grad=True) * 2
    for take in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match="detach"):
            take(y)


def _double(x):
    return x * 2, x[0]


def test_to_another_process_and_back():
    x = ng.arange(6.0).reshape(2, 3).t()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        doubled, first = pool.apply(_double, (x,))
    assert doubled.tolist() == (x * 2).tolist() and first.tolist() == [0, 3]


def test_frombuffer():
    memory = bytearray(np.arange(4, dtype="f4").tobytes())
    x = ng.frombuffer(memory, dtype=ng.float32)
    assert x.tolist() == [0, 1, 2, 3]
    x[0] = 5
    assert np.frombuffer(memory, "f4")[0] == 5
    assert ng.frombuffer(memory, dtype=ng.float32, count=2, offset=4).tolist() == [1, 2]
    assert ng.frombuffer(memory, dtype=ng.bfloat16).shape == (8,)
    assert ng.frombuffer(memory, dtype=ng.float32, requires_grad=True).requires_grad
    with pytest.warns(UserWarning, match="not writable"):
        assert ng.frombuffer(bytes(memory), dtype=ng.uint8).shape == (16,)
    for options, message in (
        ({"dtype": ng.float64, "offset": 3}, "whole number"),
        ({"dtype": ng.float32, "offset": 16}, "offset"),
        ({"dtype": ng.float32, "offset": -1}, "offset"),
        ({"dtype": ng.float32, "count": 9}, "count"),
        ({"dtype": ng.float32, "count": 0}, "count"),
    ):
        with pytest.raises(ValueError, match=rf"frombuffer: .*{message}"):
            ng.frombuffer(memory, **options)
    with pytest.raises(ValueError, match=r"frombuffer: .*no bytes"):
        ng.frombuffer(b"", dtype=ng.uint8)
    with pytest.raises(TypeError, match=r"frombuffer: .*buffer"):
        ng.frombuffer(3, dtype=ng.uint8)
