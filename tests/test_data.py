"""Data sets, samplers and the loader; the image files, wherever they come from."""

import gzip
import hashlib
import http.server
import importlib
import inspect
import os
import socket
import threading
from collections import OrderedDict, UserDict, namedtuple
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.data import (
    MNIST,
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    Digits,
    DistributedSampler,
    DownloadError,
    FashionMNIST,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    digits,
    random_split,
)
from naivegrad.data import download as downloads
from naivegrad.data.download import RemoteFile
from naivegrad.io import DamagedFileError, write_idx

REAL_DATA = os.environ.get("NAIVEGRAD_DATA")  # most tests here run without it


class Squares(Dataset):
    """Sample i is (i squared as a tensor, i)."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return ng.tensor([float(i * i)]), i


def labels_of(loader):
    return [label for _, labels in loader for label in labels.tolist()]


def numbers(n=12):
    return TensorDataset(ng.arange(2 * n).reshape(n, 2), ng.arange(n))


# ---- data sets ----


def test_tensor_dataset_gives_rows_and_batches():
    data = numbers(4)
    assert len(data) == 4
    x, y = data[3]
    assert (x.tolist(), y.item()) == ([6, 7], 3)
    assert data[-1][1].item() == 3
    batch = data.__getbatch__([2, 0, 2])
    assert batch[0].tolist() == [[4, 5], [0, 1], [4, 5]]
    assert batch[1].tolist() == [2, 0, 2]


def test_tensor_dataset_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"dimension 0 .* \(3, 2\), \(4,\)"):
        TensorDataset(ng.zeros(3, 2), ng.zeros(4))
    with pytest.raises(ValueError, match="dimension 0"):
        TensorDataset(ng.tensor(1.0))
    with pytest.raises(ValueError, match="at least one"):
        TensorDataset()
    with pytest.raises(TypeError, match="list"):
        TensorDataset([1, 2])
    with pytest.raises(IndexError):
        numbers(3)[3]


def test_subset_and_concat():
    data = Squares(10)
    part = Subset(data, [4, 2, 9])
    assert [part[i][1] for i in range(3)] == [4, 2, 9]
    assert len(part) == 3
    assert Subset(part, [2])[0][1] == 9
    both = part + Squares(2)
    assert isinstance(both, ConcatDataset)
    assert [both[i][1] for i in range(5)] == [4, 2, 9, 0, 1]
    assert both[-1][1] == 1
    for index in (5, -6):
        with pytest.raises(IndexError, match="out of range for 5 samples"):
            both[index]


def test_stack():
    stack = StackDataset(numbers(4), Squares(4))
    assert len(stack) == 4
    (row, label), (square, i) = stack[3]
    assert (row.tolist(), label.item(), square.item(), i) == ([6, 7], 3, 9, 3)
    named = StackDataset(a=range(5), b=Subset(range(10, 20), range(5)))
    assert named[1] == {"a": 1, "b": 11}
    assert named.__getitems__([4, 0]) == [{"a": 4, "b": 14}, {"a": 0, "b": 10}]
    (batch,) = DataLoader(named, 5)
    assert batch["b"].tolist() == [10, 11, 12, 13, 14]
    for args, kwargs in (((), {}), ((range(2),), {"a": range(2)})):
        with pytest.raises(ValueError, match="all by name or none"):
            StackDataset(*args, **kwargs)
    with pytest.raises(ValueError, match=r"one length, got \[2, 3\]"):
        StackDataset(range(2), range(3))

    class Short(Squares):
        def __getitems__(self, indices):
            return []

    with pytest.raises(ValueError, match=r"Short\.__getitems__ gave 0 samples for 2"):
        StackDataset(Short(3)).__getitems__([0, 1])


def test_chain():
    class Stream(IterableDataset):
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return iter(range(self.n))

        def __len__(self):
            return self.n

    both = Stream(3) + Stream(2)
    assert isinstance(both, ChainDataset) and isinstance(both, Dataset)
    assert (list(both), len(both)) == ([0, 1, 2, 0, 1], 5)
    assert [b.tolist() for b in DataLoader(both, 3)] == [[0, 1, 2], [0, 1]]
    with pytest.raises(TypeError, match="expects IterableDatasets, got range"):
        ChainDataset([range(3)])
    with pytest.raises(TypeError, match="use ChainDataset"):
        ConcatDataset([Stream(3)])


def test_batches_of_a_subset_are_the_batches_of_its_samples():
    for data in (numbers(10), Squares(10)):
        part = Subset(Subset(data, [9, 1, 5, 3]), [3, 0, 1])
        fast = part.__getbatch__([0, 2])
        slow = default_collate([part[0], part[2]])
        assert [t.tolist() for t in fast] == [t.tolist() for t in slow]


def test_random_split():
    parts = random_split(numbers(10), [7, 3])
    assert [len(part) for part in parts] == [7, 3]
    assert sorted(i for part in parts for i in part.indices) == list(range(10))
    assert [len(part) for part in random_split(range(10), [0.5, 0.25, 0.25])] == [6, 2, 2]
    assert [len(part) for part in random_split(range(3), [1.0])] == [3]
    first, again = (
        random_split(range(50), [25, 25], ng.Generator().manual_seed(3))[0].indices for _ in "ab"
    )
    assert first == again != list(range(25))
    with pytest.warns(UserWarning, match="part 1 .* has no samples"):
        assert [len(part) for part in random_split(range(3), [0.9, 0.1, 0.0])] == [3, 0, 0]
    for lengths in ([5, 4], [0.5, 0.4], [11, -1], [2.5, 7.5]):
        with pytest.raises(ValueError, match="random_split"):
            random_split(range(10), lengths)


# ---- samplers ----


def test_samplers():
    data = range(7)
    assert list(SequentialSampler(data)) == list(range(7))
    order = list(RandomSampler(data, generator=ng.Generator().manual_seed(0)))
    assert sorted(order) == list(range(7))
    assert order == list(RandomSampler(data, generator=ng.Generator().manual_seed(0)))
    assert len(RandomSampler(data, num_samples=17)) == 17
    twice = list(RandomSampler(data, num_samples=14))
    assert sorted(twice[:7]) == sorted(twice[7:]) == list(range(7))
    drawn = list(RandomSampler(data, replacement=True, num_samples=200))
    assert set(drawn) == set(data)
    endless = RandomSampler(data, replacement=True, num_samples=10**12)
    first = [next(iter(endless)) for _ in range(40)]
    assert set(first) == set(data)  # each iteration is another draw
    one, other = (
        iter(RandomSampler(data, True, 5000, ng.Generator().manual_seed(3))) for _ in "ab"
    )
    start = [next(one) for _ in range(10)]
    ng.rand(3)  # what is drawn elsewhere changes nothing
    assert start + list(one) == list(other)
    assert sorted(SubsetRandomSampler([5, 3, 8])) == [3, 5, 8]
    drawn = list(WeightedRandomSampler([0.0, 1.0, 3.0], 400))
    assert set(drawn) == {1, 2}
    assert drawn.count(2) > 2 * drawn.count(1) * 0.8
    assert sorted(WeightedRandomSampler([1.0, 0.0, 2.0], 2, replacement=False)) == [0, 2]
    for weights, n in (([], 1), ([0.0], 1), ([-1.0, 2.0], 1), ([1.0, np.nan], 1), ([1.0, 0.0], 2)):
        with pytest.raises(ValueError, match="WeightedRandomSampler"):
            WeightedRandomSampler(weights, n, replacement=False)
    assert list(RandomSampler([])) == []
    for make in (lambda: RandomSampler(data, num_samples=0), lambda: BatchSampler(data, 0, False)):
        with pytest.raises(ValueError, match="positive"):
            make()


def test_a_shuffled_order_is_not_always_the_same():
    sampler = RandomSampler(range(50))
    assert list(sampler) != list(sampler)


@pytest.mark.parametrize("n", [0, 1, 5, 6])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batch_sampler_counts_what_it_gives(n, drop_last):
    sampler = BatchSampler(range(n), 3, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert [i for batch in batches for i in batch] == list(range(n - n % 3 if drop_last else n))


# ---- collate ----


def test_default_collate_keeps_the_structure():
    Point = namedtuple("Point", "x y")
    sample = {
        "tensor": ng.ones(2, 3),
        "array": np.arange(2, dtype=np.int16),
        "scalar": np.float32(0.5),
        "float": 0.5,
        "int": 3,
        "bool": True,
        "text": "a",
        "pair": (1, [2.0, 3]),
        "point": Point(1, 2),
    }
    batch = default_collate([sample] * 4)
    assert tuple(batch["tensor"].shape) == (4, 2, 3)
    assert (tuple(batch["array"].shape), batch["array"].dtype) == ((4, 2), ng.int16)
    dtypes = [batch[name].dtype for name in ("scalar", "float", "int", "bool")]
    assert dtypes == [ng.float32, ng.float64, ng.int64, ng.bool]
    assert batch["text"] == ["a"] * 4
    assert batch["pair"][0].tolist() == [1] * 4
    assert batch["pair"][1][0].tolist() == [2.0] * 4
    assert batch["point"].y.tolist() == [2] * 4
    assert type(batch["point"]) is Point


def test_collate_and_convert_keep_the_kind_of_mapping():
    class Own(dict):
        pass

    ordered = OrderedDict(b=np.arange(2), a=1)
    for mapping in (ordered, Own(ordered), UserDict(ordered)):
        batch, one = default_collate([mapping] * 2), default_convert(mapping)
        assert type(batch) is type(one) is type(mapping)
        assert list(batch) == ["b", "a"]
        assert (batch["b"].shape, one["b"].tolist(), one["a"]) == ((2, 2), [0, 1], 1)
    Point = namedtuple("Point", "x y")
    point = default_convert(Point(np.float32(2), "a"))
    assert (point.x.dtype, point.y, type(point)) == (ng.float32, "a", Point)
    assert default_convert((np.array(["a"]), 2, [None]))[1:] == [2, [None]]
    (x,) = DataLoader([np.arange(3)], batch_size=None)
    assert x.tolist() == [0, 1, 2]


def test_default_collate_says_what_does_not_fit():
    with pytest.raises(TypeError, match="object"):
        default_collate([object()])
    with pytest.raises(ValueError, match="same length"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(ValueError, match="same keys"):
        default_collate([{"a": 1}, {"b": 1}])
    with pytest.raises(ValueError, match=r"one shape, got \[\(2,\), \(3,\)\]"):
        default_collate([np.zeros(2), np.zeros(3)])
    with pytest.raises(ValueError, match="at least one"):
        default_collate([])


# ---- the loader ----


@pytest.mark.parametrize("data", [numbers(10), Squares(10), Subset(numbers(20), range(10))])
@pytest.mark.parametrize(
    ("batch_size", "drop_last"), [(1, False), (4, False), (4, True), (20, False)]
)
def test_loader_gives_every_sample_once(data, batch_size, drop_last):
    for shuffle in (False, True):
        loader = DataLoader(data, batch_size, shuffle, drop_last=drop_last)
        seen = labels_of(loader)
        expected = 10 - 10 % batch_size if drop_last else 10
        assert len(seen) == len(set(seen)) == expected
        assert len(loader) == len(list(loader))
        if not shuffle:
            assert seen == list(range(expected))


def test_batches_are_lists_of_tensors_with_their_dtypes():
    (x, y) = next(iter(DataLoader(numbers(6), 4)))
    assert (tuple(x.shape), x.dtype, tuple(y.shape)) == ((4, 2), ng.int64, (4,))
    (x, y) = next(iter(DataLoader(Squares(6), 4)))
    assert (x.tolist(), y.tolist()) == ([[0.0], [1.0], [4.0], [9.0]], [0, 1, 2, 3])
    assert next(iter(DataLoader([1.5, 2.5], 2))).tolist() == [1.5, 2.5]


def test_the_order_follows_the_seed():
    def orders(seed):
        ng.manual_seed(seed)
        loader = DataLoader(numbers(30), 7, shuffle=True)
        return [labels_of(loader) for _ in range(3)]

    assert orders(1) == orders(1) != orders(2)
    first, second, third = orders(1)
    assert first != second != third

    generator = ng.Generator().manual_seed(5)
    own = labels_of(DataLoader(numbers(30), 7, shuffle=True, generator=generator))
    ng.manual_seed(77)
    generator.manual_seed(5)
    assert own == labels_of(DataLoader(numbers(30), 7, shuffle=True, generator=generator))


def test_the_order_is_drawn_when_the_epoch_starts():
    ng.manual_seed(0)
    batches = iter(DataLoader(numbers(30), 7, shuffle=True))
    ng.manual_seed(9)
    first = [i for _, labels in batches for i in labels.tolist()]
    ng.manual_seed(0)
    assert first == labels_of(DataLoader(numbers(30), 7, shuffle=True))


@pytest.mark.parametrize("stop", [0, 1, 3, 5])
@pytest.mark.parametrize("own_generator", [False, True])
def test_a_loader_goes_on_where_it_stopped(stop, own_generator):
    def new():
        generator = ng.Generator().manual_seed(8) if own_generator else None
        return DataLoader(numbers(34), 7, shuffle=True, generator=generator)

    ng.manual_seed(4)
    loader = new()
    labels_of(loader)  # one epoch before
    batches = iter(loader)
    for _ in range(stop):
        next(batches)
    state = loader.state_dict()
    rest = [labels.tolist() for _, labels in batches]
    random = ng.default_generator.get_state()
    after = labels_of(loader)

    ng.manual_seed(99)
    other = new()
    other.load_state_dict(state)
    assert other.state_dict() == state or stop == 0
    assert [labels.tolist() for _, labels in other] == rest
    ng.default_generator.set_state(random)
    assert labels_of(other) == after


def test_a_loader_between_two_epochs_starts_the_next_one():
    ng.manual_seed(4)
    loader = DataLoader(numbers(20), 6, shuffle=True)
    labels_of(loader)
    state, random = loader.state_dict(), ng.default_generator.get_state()
    assert state["batch"] == 0
    after = labels_of(loader)
    other = DataLoader(numbers(20), 6, shuffle=True)
    other.load_state_dict(state)
    ng.default_generator.set_state(random)
    assert labels_of(other) == after
    with pytest.raises(ValueError, match="expects generator and batch"):
        other.load_state_dict({"epoch": 1})


def test_collate_fn_gets_the_samples():
    seen = list(DataLoader(numbers(5), 2, collate_fn=len))
    assert seen == [2, 2, 1]
    assert list(DataLoader([3, 4], batch_size=None)) == [3, 4]
    assert list(DataLoader([3, 4], batch_size=None, collate_fn=lambda x: -x)) == [-3, -4]


def test_getitems_is_called_once_a_batch():
    class Together(Squares):
        calls = 0

        def __getitems__(self, indices):
            self.calls += 1
            return [self[i] for i in indices]

    data = Together(5)
    assert labels_of(DataLoader(data, 2)) == list(range(5))
    assert data.calls == 3


def test_samplers_of_ones_own():
    assert labels_of(DataLoader(numbers(6), 2, sampler=[5, 0, 3])) == [5, 0, 3]
    loader = DataLoader(numbers(6), batch_sampler=[[5, 0], [3]])
    assert [labels.tolist() for _, labels in loader] == [[5, 0], [3]]
    assert len(loader) == 2


def test_a_stream_has_its_own_order():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(7))

    assert [b.tolist() for b in DataLoader(Stream(), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [b.tolist() for b in DataLoader(Stream(), 3, drop_last=True)] == [[0, 1, 2], [3, 4, 5]]
    assert list(DataLoader(Stream(), None)) == list(range(7))
    with pytest.raises(TypeError):
        len(DataLoader(Stream(), 3))
    with pytest.raises(ValueError, match="IterableDataset"):
        DataLoader(Stream(), shuffle=True)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": 2.0},
        {"num_workers": -1},
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "batch_size": 3},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_size": None, "drop_last": True},
    ],
)
def test_contradictions_are_refused(options):
    with pytest.raises(ValueError, match=r"DataLoader|BatchSampler"):
        DataLoader(numbers(3), **options)


# ---- the digits of the package ----


def test_digits_are_the_real_ones():
    train, test = Digits(train=True), Digits(train=False)
    assert train.images.shape == (1437, 8, 8)
    assert test.images.shape == (360, 8, 8)
    assert train.images.max() == 16
    for labels, least in ((train.labels, 139), (test.labels, 35)):
        assert np.bincount(labels, minlength=10).min() >= least
    both = np.concatenate([train.images, test.images]).tobytes()
    assert hashlib.sha256(both).hexdigest() == DIGITS_SHA256
    folder = Path(ng.data.__file__).parent
    assert sum(path.stat().st_size for path in folder.glob("digits*")) < 50_000
    assert "CC BY 4.0" in (folder / "digits.txt").read_text()


DIGITS_SHA256 = "d2cf8dc7616d5df3bcd096a635a6ad4b25162d0407914d00c0d0b922bfc7ed1f"


def test_digits_equal_their_source():
    source = pytest.importorskip("sklearn.datasets").load_digits()
    ours = [(image.tobytes(), label) for part in (True, False) for image, label in
            zip(Digits(part).images, Digits(part).labels.tolist(), strict=True)]  # fmt: skip
    theirs = zip(source.images.astype(np.uint8), source.target.tolist(), strict=True)
    assert sorted(ours) == sorted((image.tobytes(), label) for image, label in theirs)


def test_image_samples_batches_and_tensors_agree():
    data = Digits(train=False)
    image, label = data[7]
    assert (tuple(image.shape), image.dtype, type(label)) == ((1, 8, 8), ng.float32, int)
    np.testing.assert_array_equal(image.numpy()[0], data.images[7] / np.float32(16))
    images, labels = data.__getbatch__([7, 0])
    np.testing.assert_array_equal(images.numpy()[0], image.numpy())
    assert labels.tolist() == [label, data[0][1]]
    assert labels.dtype == ng.int64
    plain, _ = data.tensors(normalize=False)
    np.testing.assert_array_equal(plain.numpy()[7], image.numpy())
    images, labels = digits(train=True).tensors
    assert tuple(images.shape) == (1437, 1, 8, 8)
    assert abs(images.numpy().mean()) < 1e-3
    assert abs(images.numpy().std() - 1) < 1e-3
    with pytest.raises(IndexError, match="Digits: index 360"):
        data[360]
    assert repr(data) == "Digits(360 images of 8x8)"


def test_transforms_see_the_raw_image_and_label():
    data = Digits(False, transform=lambda image: image.max(), target_transform=lambda y: -y)
    images, labels = next(iter(DataLoader(data, 4)))
    assert images.dtype == ng.uint8
    assert labels.tolist() == (-data.labels[:4]).tolist()


# ---- MNIST files ----


@pytest.fixture(autouse=True)
def _nothing_found(monkeypatch, tmp_path):
    """No data folder and no cache but what a test makes itself."""
    monkeypatch.delenv("NAIVEGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def small(n=6, seed=0):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    return images, (np.arange(n) % 10).astype(np.uint8)


def write_set(folder, part="train", suffix="-ubyte.gz", dash="-"):
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = small()
    write_idx(folder / f"{part}-images{dash}idx3{suffix}", images)
    write_idx(folder / f"{part}-labels{dash}idx1{suffix}", labels)
    return images, labels


@pytest.mark.parametrize("layout", ["mnist", "MNIST/raw", "MNIST", "raw", "."])
@pytest.mark.parametrize(("suffix", "dash"), [("-ubyte.gz", "-"), ("-ubyte", "-"), ("-ubyte", ".")])
@pytest.mark.parametrize("where", ["root", "variable", "cache"])
def test_mnist_is_found(tmp_path, monkeypatch, layout, suffix, dash, where):
    base = tmp_path / ("cache/naivegrad" if where == "cache" else "files")
    images, labels = write_set(base / layout, "train", suffix, dash)
    if where == "variable":
        monkeypatch.setenv("NAIVEGRAD_DATA", str(base))
    data = MNIST(base if where == "root" else None)
    np.testing.assert_array_equal(data.images, images)
    np.testing.assert_array_equal(data.labels, labels)
    assert data.folder == base / layout
    assert tuple(data.tensors()[0].shape) == (6, 1, 28, 28)


def test_root_is_the_only_place_looked_in(tmp_path, monkeypatch):
    write_set(tmp_path / "a")
    monkeypatch.setenv("NAIVEGRAD_DATA", str(tmp_path / "a"))
    (tmp_path / "b").mkdir()
    with pytest.raises(FileNotFoundError, match=r"MNIST: train-images.*\n.*b\n.*download=True"):
        MNIST(tmp_path / "b")
    assert len(MNIST()) == 6
    with pytest.raises(FileNotFoundError, match="t10k-images"):
        MNIST(train=False)


def test_the_two_sets_are_not_taken_for_each_other(tmp_path):
    images, _ = small(10)
    write_set(tmp_path)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    for label_text, right, wrong in (("5041921314", MNIST, FashionMNIST),
                                     ("9003027255", FashionMNIST, MNIST)):  # fmt: skip
        labels = np.array(list(label_text), dtype=np.uint8)
        write_idx(tmp_path / "train-labels-idx1-ubyte.gz", labels)
        assert len(right(tmp_path)) == 10
        with pytest.raises(DamagedFileError, match=f"holds {right.__name__}, not {wrong.__name__}"):
            wrong(tmp_path)


def cut(data):
    return data[:-9]


def empty(data):
    return b""


def html(data):
    return b"<!DOCTYPE html><html>404</html>"


def longer(data):
    return gzip.compress(gzip.decompress(data) + b"x")


def labels_instead(data):
    return gzip.compress(b"\0\0\x08\1\0\0\0\6" + b"\1" * 6)


def too_large(data):
    return gzip.compress(b"\0\0\x08\3" + b"\0\1\0\0" + b"\0\0\0\x1c" * 2)


def zeros_by_the_gigabyte(data):
    return gzip.compress(b"\0\0\x08\3" + b"\x7f\xff\xff\xff" + b"\0\0\0\x1c" * 2 + bytes(10_000))


def other_size(data):
    return gzip.compress(b"\0\0\x08\3" + b"\0\0\0\6" + b"\0\0\0\2" * 2 + bytes(24))


def no_images(data):
    return gzip.compress(b"\0\0\x08\3" + b"\0\0\0\0" + b"\0\0\0\x1c" * 2)


def fewer(data):
    return gzip.compress(b"\0\0\x08\1\0\0\0\5" + b"\1" * 5)


def label_of_ten(data):
    return gzip.compress(b"\0\0\x08\1\0\0\0\6" + b"\x0a" * 6)


@pytest.mark.parametrize(
    ("name", "change"),
    [("images-idx3", f) for f in (cut, empty, html, longer, labels_instead, too_large,
                                  zeros_by_the_gigabyte, other_size, no_images)]
    + [("labels-idx1", f) for f in (cut, empty, html, longer, fewer, label_of_ten)],
)  # fmt: skip
def test_damaged_mnist_files_are_refused_by_name(tmp_path, name, change):
    write_set(tmp_path)
    path = tmp_path / f"train-{name}-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DamagedFileError) as caught:
        MNIST(tmp_path)
    assert path.name in str(caught.value)


# ---- download ----


@contextmanager
def server(answers):
    """A web server on the loopback interface: path -> bytes; anything else is 404."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = answers.get(self.path.lstrip("/"))
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http_server.server_port}/"
        finally:
            http_server.shutdown()
            thread.join()


@pytest.fixture
def nowhere():
    """An address on the loopback interface at which nobody answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


def remote(name, data):
    return RemoteFile(name, len(data), hashlib.sha256(data).hexdigest())


def test_download_takes_the_first_mirror_that_is_right(tmp_path, nowhere):
    good = os.urandom(200_000)
    file = remote("a.bin", good)
    answers = {"short/a.bin": good[:-1], "long/a.bin": good + b"x", "other/a.bin": good[::-1],
               "good/a.bin": good}  # fmt: skip
    with server(answers) as base:
        mirrors = [nowhere, *(base + m for m in ("none/", "short/", "long/", "other/", "good/"))]
        path = downloads.download(file, mirrors, tmp_path / "new")
        assert path.read_bytes() == good
        assert os.listdir(path.parent) == ["a.bin"]

        with pytest.raises(DownloadError) as caught:
            downloads.download(file, mirrors[:-1], tmp_path / "bad")
    message = str(caught.value)
    for text in ("refused", "404", "broke off after 199,999", "more than the 200,000", "SHA-256",
                 str(tmp_path / "bad"), "by hand"):  # fmt: skip
        assert text in message
    assert os.listdir(tmp_path / "bad") == []


def test_a_mirror_that_stays_silent_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DownloadError, match="timed out"):
            downloads.download(remote("a", b"x"), [mirror], tmp_path)


def test_a_full_disk_is_not_blamed_on_the_mirror(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    with server({"a": b"x"}) as base:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            downloads.download(remote("a", b"x"), [base, base], tmp_path)
    assert not isinstance(caught.value, DownloadError)


def test_mnist_is_downloaded_to_the_cache_or_to_root(tmp_path, monkeypatch):
    images, labels = write_set(tmp_path / "source")
    answers = {path.name: path.read_bytes() for path in (tmp_path / "source").iterdir()}
    files = {name.split("-idx")[0]: remote(name, data) for name, data in answers.items()}
    monkeypatch.setattr(MNIST, "files", files)
    with server(answers) as base:
        monkeypatch.setattr(MNIST, "mirrors", (base,))
        data = MNIST(download=True)
        assert data.folder == tmp_path / "cache/naivegrad/mnist"
        assert MNIST(tmp_path / "own", download=True).folder == tmp_path / "own/mnist"
    np.testing.assert_array_equal(data.images, images)
    np.testing.assert_array_equal(MNIST(download=True).labels, labels)  # no server any more


def test_offline_the_message_says_what_to_do(monkeypatch, nowhere):
    monkeypatch.setattr(MNIST, "mirrors", (nowhere,))
    with pytest.raises(DownloadError, match=r"(?s)cannot download train-images.*by hand"):
        MNIST(download=True)


# ---- the real files ----


def test_real_mnist():
    base = REAL_DATA
    if not base:
        pytest.skip("NAIVEGRAD_DATA is not set: no MNIST files to read")
    if MNIST.find(base) is None:
        pytest.skip(f"no MNIST files in {base}")
    for train, n in ((True, 60_000), (False, 10_000)):
        data = MNIST(base, train=train)
        assert data.images.shape == (n, 28, 28)
        part = "train" if train else "t10k"
        header = b"\0\0\x08\3" + n.to_bytes(4, "big") + b"\0\0\0\x1c" * 2
        digest = hashlib.sha256(header + data.images.tobytes()).hexdigest()
        assert digest == MNIST_IMAGES_SHA256[part]
    images, _ = MNIST(base).tensors()
    assert abs(images.numpy().mean()) < 1e-3
    assert abs(images.numpy().std() - 1) < 1e-3


# Of the unpacked image files.
MNIST_IMAGES_SHA256 = {
    "train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "t10k": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
}


# ---- as PyTorch ----


@pytest.mark.torch
def test_batches_are_made_as_in_pytorch():
    torch = pytest.importorskip("torch")
    from torch.utils import data as theirs

    sample = {"a": (1, 2.5, True), "b": np.float32([1, 2]), "c": "x", "d": np.int16(3), "e": [1, 2]}
    ours, other = default_collate([sample] * 3), theirs.default_collate([sample] * 3)

    def same(x, y):
        if isinstance(y, torch.Tensor):
            assert str(x.dtype).split(".")[-1] == str(y.dtype).split(".")[-1]
            np.testing.assert_array_equal(x.numpy(), y.numpy())
            return
        assert type(x) is type(y)
        assert len(x) == len(y)
        if not isinstance(y, str):
            for key in y if isinstance(y, dict) else range(len(y)):
                same(x[key], y[key])

    same(ours, other)
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    for drop_last in (False, True):
        pairs = zip(
            DataLoader(TensorDataset(ng.from_numpy(x), ng.from_numpy(y)), 4, drop_last=drop_last),
            theirs.DataLoader(
                theirs.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)),
                4,
                drop_last=drop_last,
            ),
            strict=True,
        )
        for batch in pairs:
            same(*batch)


@pytest.mark.torch
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("replicas", [1, 3, 7])
def test_shares_are_those_of_pytorch(replicas, drop_last):
    theirs = pytest.importorskip("torch.utils.data")
    for n in (2, 7, 9):
        shuffled = []
        for rank in range(replicas):
            options = {"num_replicas": replicas, "rank": rank, "drop_last": drop_last}
            ours = DistributedSampler(range(n), shuffle=False, **options)
            other = theirs.DistributedSampler(range(n), shuffle=False, **options)
            assert (list(ours), len(ours)) == (list(other), len(other))
            ours = DistributedSampler(range(n), **options)
            first = list(ours)
            assert first == list(ours)
            shuffled += first
            ours.set_epoch(1)
            assert len(list(ours)) == len(first)
        if not drop_last:
            assert set(shuffled) == set(range(n))
    with pytest.raises(ValueError, match="rank must be from 0 to 1"):
        DistributedSampler(range(3), 2, 2)


@pytest.mark.torch
def test_signatures_are_those_of_pytorch():
    theirs = pytest.importorskip("torch.utils.data")
    ours = importlib.import_module("naivegrad.utils.data")
    for name in theirs.__all__:
        if "Pipe" in name or "datapipe" in name or "validation" in name:
            continue
        if name in ("DataChunk", "_DatasetKind", "guaranteed_datapipes_determinism",
                    "non_deterministic"):  # fmt: skip
            continue
        mine, other = (inspect.signature(getattr(module, name)) for module in (ours, theirs))
        assert list(mine.parameters) == list(other.parameters), name
        for one, two in zip(mine.parameters.values(), other.parameters.values(), strict=True):
            same = one.default == two.default or one.name in ("generator", "drop_last")
            assert (one.kind, same) == (two.kind, True), (name, one)
    for module in ("dataset", "dataloader", "sampler", "distributed"):
        part = importlib.import_module(f"naivegrad.utils.data.{module}")
        other = importlib.import_module(f"torch.utils.data.{module}")
        assert set(part.__all__) <= set(dir(other))


@pytest.mark.torch
@pytest.mark.parametrize("lengths", [[0.5, 0.25, 0.25], [0.9, 0.1], [1 / 3, 1 / 3, 1 / 3], [7, 4]])
def test_splits_have_the_sizes_of_pytorch(lengths):
    theirs = pytest.importorskip("torch.utils.data")
    sizes = [len(part) for part in theirs.random_split(range(11), lengths)]
    assert [len(part) for part in random_split(range(11), lengths)] == sizes
