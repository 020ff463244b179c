"""The stand-in for torchvision: transforms, data sets, grids and PNG files."""

import gzip
import io
import pickle
import struct
import sys
import zlib

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.io.safetensors import DamagedFileError
from naivegrad.vision import datasets, transforms, utils
from naivegrad.vision.transforms import functional as F
from naivegrad.vision.transforms import v2


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def kinds(array):
    """The same picture as an array, a tensor, and a PIL image if Pillow is there."""
    channels_first = array if array.ndim == 2 else np.moveaxis(array, 2, 0)
    pictures = {"array": array, "tensor": ng.tensor(channels_first)}
    try:
        from PIL import Image
    except ImportError:
        return pictures
    return pictures | {"pil": Image.fromarray(array)}


def values(picture):
    """A picture as an array, channels last."""
    if isinstance(picture, ng.Tensor):
        array = picture.numpy()
        return array if array.ndim == 2 else np.moveaxis(array, 0, 2)
    return np.asarray(picture)


# Transforms


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_to_tensor(shape):
    array = pixels(*shape)
    want = np.moveaxis(array.reshape(5, 7, -1), 2, 0)
    for kind, picture in kinds(array).items():
        if kind == "tensor":
            with pytest.raises(TypeError, match=r"to_tensor: .* got Tensor of shape"):
                F.to_tensor(picture)
            continue
        x = transforms.ToTensor()(picture)
        assert x.dtype == ng.float32 and np.array_equal(x.numpy(), want / np.float32(255))
        assert np.array_equal(transforms.PILToTensor()(picture).numpy(), want)
        assert np.array_equal(v2.ToImage()(picture).numpy(), want)
    try:
        for dtype in (ng.float64, ng.bfloat16):
            ng.set_default_dtype(dtype)
            x = F.to_tensor(array)
            assert x.dtype is dtype
            assert np.array_equal(x.numpy(), (want / 255).astype(dtype.numpy))
    finally:
        ng.set_default_dtype(ng.float32)
    x = F.to_tensor(np.array([[0.5, 2.0]]))
    assert x.dtype == ng.float64 and x.tolist() == [[[0.5, 2.0]]]
    with pytest.raises(TypeError, match="got list"):
        F.to_tensor([[1]])


def test_normalize():
    x = ng.rand(2, 3, 4, 5)
    y = transforms.Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))(x)
    mean, std = (np.array(n).reshape(3, 1, 1) for n in ([0.1, 0.2, 0.3], [1, 2, 4]))
    np.testing.assert_allclose(y.numpy(), (x.numpy() - mean) / std, atol=1e-6)
    assert F.normalize(x, [0.5], [0.5], inplace=True) is x
    for bad, error, match in [
        (ng.ones(1, 2, 2, dtype=ng.uint8), TypeError, "floating-point tensor"),
        (ng.ones(2, 2), ValueError, r"expects \(\.\.\., C, H, W\)"),
        (np.ones((2, 2)), TypeError, "got ndarray"),
    ]:
        with pytest.raises(error, match=match):
            F.normalize(bad, [0.5], [0.5])
    with pytest.raises(ValueError, match="a std of 0"):
        F.normalize(ng.ones(1, 2, 2), [0.5], [0.0])


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)])
def test_geometry(shape):
    array = pixels(*shape)
    wide = np.pad(array, [(2, 2), (1, 1)] + [(0, 0)] * (len(shape) - 2))
    for picture in kinds(array).values():
        for result, want in [
            (F.hflip(picture), array[:, ::-1]),
            (F.vflip(picture), array[::-1]),
            (F.crop(picture, 1, 2, 3, 4), array[1:4, 2:6]),
            (F.crop(picture, -2, -1, 10, 10), wide),
            (F.center_crop(picture, (2, 4)), array[2:4, 2:6]),
            (F.center_crop(picture, (10, 10)), wide),
            (F.pad(picture, (1, 2)), wide),
            (transforms.Pad((1, 2, 1, 2))(picture), wide),
            (F.rotate(picture, 0), array),
            (F.rotate(picture, 180), array[::-1, ::-1]),
            (F.resize(picture, (6, 8)), array),
        ]:
            assert np.array_equal(values(result), want)
    square = pixels(6, 6)
    assert np.array_equal(F.rotate(square, 90), np.rot90(square))
    for mode in ("edge", "reflect", "symmetric"):
        want = np.pad(square, 2, mode=mode)
        assert np.array_equal(F.pad(square, 2, padding_mode=mode), want)
    assert F.pad(ng.zeros(3, 2, 2), 1, fill=(1, 2, 3))[:, 0, 0].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="padding_mode must be one of"):
        F.pad(array, 1, padding_mode="wrap")
    with pytest.raises(TypeError, match="hflip: expects a PIL image"):
        F.hflip("text")


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(3, 11), (16, 5)])
def test_resize_is_pillows(mode, size):
    Image = pytest.importorskip("PIL.Image")
    array = pixels(9, 13, 3)
    filters = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    want = np.asarray(Image.fromarray(array).resize(size[::-1], filters[mode])).astype(int)
    wish = F.InterpolationMode(mode)
    for kind, picture in kinds(array).items():
        if kind == "tensor" and mode == "nearest":  # PyTorch's, half a pixel off
            continue
        got = values(F.resize(picture, size, wish)).astype(int)
        assert abs(got - want).max() <= (0 if mode == "nearest" else 1)  # rounding


def test_the_size_that_resize_means():
    for size, longest, want in [
        (4, None, (4, 6)),
        ([4], None, (4, 6)),
        ((4, 4), None, (4, 4)),
        (8, 10, (6, 10)),
    ]:
        assert transforms.Resize(size, max_size=longest)(ng.zeros(1, 6, 9)).shape[1:] == want
    assert F.resize(ng.zeros(1, 9, 6), 4).shape == (1, 6, 4)
    with pytest.raises(ValueError, match="interpolation must be"):
        F.resize(ng.zeros(1, 9, 6), 4, "lanczos")


def test_random_transforms():
    ng.manual_seed(1)
    array = np.arange(48, dtype=np.uint8).reshape(6, 8)
    corners = set()
    for _ in range(60):
        part = transforms.RandomCrop((4, 5))(array)
        corners.add(int(part[0, 0]))
        y, x = divmod(int(part[0, 0]), 8)
        assert np.array_equal(part, array[y : y + 4, x : x + 5])
    assert corners == {8 * y + x for y in range(3) for x in range(4)}
    flips = [transforms.RandomHorizontalFlip(0.25)(array)[0, 0] == 7 for _ in range(200)]
    assert 25 <= sum(flips) <= 80
    assert transforms.RandomCrop(10, pad_if_needed=True)(array).shape == (10, 10)
    assert transforms.RandomCrop(6, padding=2)(array).shape == (6, 6)
    with pytest.raises(ValueError, match="RandomCrop: no 10 x 10 in a picture of 6 x 8"):
        transforms.RandomCrop(10)(array)
    for _ in range(20):
        assert transforms.RandomResizedCrop(5)(array).shape == (5, 5)
        assert transforms.RandomRotation(30)(array).shape == (6, 8)
    erased = transforms.RandomErasing(p=1.0, value=-1.0)(ng.ones(3, 20, 20))
    assert set(erased.flatten().tolist()) == {1.0, -1.0}
    assert transforms.RandomApply([transforms.Lambda(lambda x: 5)], p=1.0)(array) == 5
    assert transforms.RandomChoice([lambda x: 1, lambda x: 2])(array) in (1, 2)
    ng.manual_seed(3)
    first = transforms.RandomCrop(3)(array)
    ng.manual_seed(3)
    assert np.array_equal(transforms.RandomCrop(3)(array), first)
    with pytest.raises(ValueError, match="p must be from 0 to 1"):
        transforms.RandomVerticalFlip(2)


def test_colours():
    array = pixels(4, 5, 3)
    grey = (array * np.array([0.2989, 0.587, 0.114])).sum(2)
    for kind, picture in kinds(array).items():
        result = values(F.rgb_to_grayscale(picture, 3))
        assert abs(result[..., 0] - grey).max() <= 1 and np.array_equal(
            result[..., 0], result[..., 2]
        )
        assert values(transforms.Grayscale()(picture)).shape[:2] == (4, 5)
        brighter = values(transforms.ColorJitter(brightness=(2.0, 2.0))(picture))
        assert np.array_equal(brighter, np.minimum(array * 2.0, 255).astype(np.uint8)), kind
    with pytest.raises(NotImplementedError, match="hue"):
        transforms.ColorJitter(hue=0.1)


def test_types():
    x = ng.tensor([[[0, 128, 255]]], dtype=ng.uint8)
    assert F.convert_image_dtype(x).tolist() == [[[0.0, 128 / 255, 1.0]]] or ng.allclose(
        F.convert_image_dtype(x), x / 255
    )
    both = v2.Compose([v2.ToImage(), v2.ToDtype(ng.float32, scale=True)])
    assert ng.allclose(both(np.array([[0, 255]], np.uint8)), ng.tensor([[[0.0, 1.0]]]))
    assert F.convert_image_dtype(ng.tensor([0.0, 1.0]), ng.uint8).tolist() == [0, 255]
    pytest.importorskip("PIL")
    image = transforms.ToPILImage()(ng.tensor([[[0.0, 1.0]]]))
    assert image.size == (2, 1) and np.asarray(image).tolist() == [[0, 255]]


# Data sets


def write_idx(folder, part, images, labels):
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        with gzip.open(folder / f"{part}-{kind}-ubyte.gz", "wb") as file:
            file.write(head + array.tobytes())


@pytest.mark.parametrize("pillow", [True, False])
def test_mnist(tmp_path, monkeypatch, pillow):
    from naivegrad.vision import picture

    monkeypatch.delenv("NAIVEGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if pillow:
        pytest.importorskip("PIL")
    else:
        monkeypatch.setattr(picture, "_pillow", lambda: None)
    images, labels = pixels(6, 28, 28), np.array([3, 1, 4, 1, 5, 9], np.uint8)
    write_idx(tmp_path / "MNIST" / "raw", "t10k", images, labels)
    data = datasets.MNIST(tmp_path, train=False)
    image, label = data[2]
    assert (label, len(data)) == (4, 6) and np.array_equal(np.asarray(image), images[2])
    assert isinstance(image, np.ndarray) is not pillow
    assert np.array_equal(data.data.numpy(), images) and data.targets.tolist() == labels.tolist()
    assert "Split: Test" in repr(data) and data.class_to_idx["3 - three"] == 3
    with pytest.raises(FileNotFoundError, match="train-images"):
        datasets.MNIST(tmp_path)

    both = datasets.MNIST(tmp_path, False, transforms.ToTensor(), lambda y: y + 100)
    (x, y) = next(iter(ng.data.DataLoader(both, batch_size=4)))
    assert x.shape == (4, 1, 28, 28) and y.tolist() == [103, 101, 104, 101]
    np.testing.assert_allclose(x.numpy()[:, 0], images[:4] / 255, atol=1e-7)

    # Not in root, but where naivegrad.data looks.
    monkeypatch.setenv("NAIVEGRAD_DATA", str(tmp_path))
    assert len(datasets.MNIST(tmp_path / "empty", train=False, download=True)) == 6


class Forged:
    """Pickled as a call."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "call", [(np.ndarray, (1,), "O", b"A" * 8), (np.dtype, "O"), (np.ndarray, (1 << 50,))]
)
def test_a_file_of_cifar_cannot_make_arrays_of_anything(tmp_path, call):
    """An array of objects over bytes of the file would read from any address."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    forged = pickle.dumps(Forged(call[0], call[1:]), 2)
    for name in ("test_batch", "batches.meta"):
        (folder / name).write_bytes(forged)
    with pytest.raises(DamagedFileError, match="test_batch: no file of CIFAR"):
        datasets.CIFAR10(tmp_path, train=False)


def test_cifar(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    data = pixels(10, 3072)
    for i in range(5):
        part = {"data": data[2 * i : 2 * i + 2], "labels": [i, 9 - i]}
        (folder / f"data_batch_{i + 1}").write_bytes(pickle.dumps(part, protocol=2))
    names = [f"class {i}" for i in range(10)]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, protocol=2))
    cifar = datasets.CIFAR10(tmp_path)
    image, label = cifar[3]
    assert (len(cifar), label, cifar.classes[8]) == (10, 8, "class 8")
    want = data[3].reshape(3, 32, 32).transpose(1, 2, 0)
    assert np.array_equal(np.asarray(image), want) and cifar.data.shape == (10, 32, 32, 3)
    with pytest.raises(FileNotFoundError, match="test_batch not in"):
        datasets.CIFAR10(tmp_path, train=False, download=True)
    (folder / "test_batch").write_bytes(pickle.dumps(print))
    with pytest.raises(DamagedFileError, match=r"asks for builtins.print, which is refused"):
        datasets.CIFAR10(tmp_path, train=False)
    (folder / "test_batch").write_bytes(pickle.dumps({"data": [1]}))
    with pytest.raises(DamagedFileError, match="not the files of CIFAR10"):
        datasets.CIFAR10(tmp_path, train=False)


def test_pictures_in_folders(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    for name, value in [("dog", 10), ("cat", 20), ("cat", 30)]:
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4), value, np.uint8)).save(tmp_path / name / f"{value}.png")
    data = datasets.ImageFolder(tmp_path, transforms.ToTensor())
    assert data.classes == ["cat", "dog"] and data.targets == [0, 0, 1]
    assert data[2][0].shape == (3, 4, 4) and data[2][0][0, 0, 0].item() == pytest.approx(10 / 255)
    (tmp_path / "bird").mkdir()
    with pytest.raises(FileNotFoundError, match="no pictures in"):
        datasets.ImageFolder(tmp_path)


# Grids and files


def test_make_grid():
    x = ng.rand(5, 1, 3, 4)
    grid = utils.make_grid(x, nrow=3, padding=1, pad_value=0.5)
    assert grid.shape == (3, 9, 16)
    for k in range(5):
        top, left = k // 3 * 4 + 1, k % 3 * 5 + 1
        for channel in grid:
            assert ng.equal(channel[top : top + 3, left : left + 4], x[k, 0])
    assert (grid[:, 0] == 0.5).all() and (grid[:, 5:, 11:] == 0.5).all()
    assert utils.make_grid(list(x), nrow=8).shape == (3, 7, 32)
    assert utils.make_grid(x[0]).shape == (3, 3, 4)
    low = utils.make_grid(x * 10 - 3, normalize=True, padding=0)
    assert (low.min().item(), low.max().item()) == pytest.approx((0, 1))
    each = utils.make_grid(ng.stack([x[0], x[1] * 100]), normalize=True, scale_each=True, padding=0)
    assert each[:, :, :4].max().item() == pytest.approx(1) == each[:, :, 4:].max().item()
    clamped = utils.make_grid(x[:2], normalize=True, value_range=(0.25, 0.5), padding=0)
    want = (np.clip(x.numpy()[0, 0], 0.25, 0.5) - 0.25) * 4
    np.testing.assert_allclose(clamped.numpy()[0, :, :4], want, atol=1e-6)
    with pytest.raises(TypeError, match="make_grid: expects a tensor"):
        utils.make_grid(np.ones((2, 2)))


def read_png(data):
    """The pixels of a PNG file without filters, by the specification."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, {}
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        body = data[place + 4 : place + 8 + length]
        (check,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert check == zlib.crc32(body)
        chunks[body[:4]] = body[4:]
        place += 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 2) and b"IEND" in chunks
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_save_image(tmp_path):
    x = ng.rand(3, 5, 4, requires_grad=True)
    want = np.moveaxis((x.detach().numpy() * 255 + 0.5).astype(np.uint8), 0, 2)
    utils.save_image(x, tmp_path / "a.png")
    assert np.array_equal(read_png((tmp_path / "a.png").read_bytes()), want)
    memory = io.BytesIO()
    utils.save_image(x * 3 - 1, memory, format="png")
    assert read_png(memory.getvalue()).min() == 0
    Image = pytest.importorskip("PIL.Image")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), want)
    utils.save_image(x, tmp_path / "a.bmp")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.bmp")), want)


def test_without_pillow(monkeypatch, tmp_path):
    from naivegrad.vision import picture

    monkeypatch.setitem(sys.modules, "PIL", None)
    picture._pillow.cache_clear()
    try:
        for use in (lambda: F.to_pil_image(ng.ones(1, 2, 2)),
                    lambda: utils.save_image(ng.ones(1, 2, 2), tmp_path / "a.jpg")):  # fmt: skip
            with pytest.raises(ImportError, match="needs Pillow: pip install pillow"):
                use()
        assert F.hflip(np.ones((2, 2))).shape == (2, 2)
    finally:
        picture._pillow.cache_clear()


def test_what_is_not_here():
    for space, name in [(transforms, "RandomPosterise"), (datasets, "Places365")]:
        with pytest.raises(AttributeError, match=f"has no '{name}'"):
            getattr(space, name)
