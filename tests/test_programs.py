"""Whole programs written for PyTorch: `naivegrad run` runs them, and they learn.

From the same weights they give PyTorch's losses, step by step. tests/programs/ holds the programs;
each stands for a kind that many people have written.
"""

import json
import os
import runpy
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from naivegrad.data import Digits
from naivegrad.io import read_idx, write_idx

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "programs"

# (program, options, how far its loss must fall: last / first)
PROGRAMS = [
    ("digits_cnn", [], 0.8),
    ("digits_vae", ["--results", "pictures"], 0.6),
    ("digits_rnn", [], 0.95),
    ("vision_transformer", [], 0.8),
    ("word_language_model", ["--model", "LSTM", "--save", "model.pt"], 0.95),
    ("word_language_model", ["--model", "GRU", "--tied"], 0.95),
    ("word_language_model", ["--model", "RNN_TANH", "--dropout", "0.1"], 0.95),
    ("word_language_model", ["--model", "RNN_RELU", "--save", "model.pt"], 0.95),
    ("word_language_model", ["--model", "Transformer", "--save", "model.pt"], 0.6),
    ("sine_waves", [], 0.1),
    ("polynomial_regression", [], 0.1),
    ("polynomial_tutorial", ["--style", "hand"], 0.2),
    ("polynomial_tutorial", ["--style", "autograd"], 0.2),
    ("polynomial_tutorial", ["--style", "function"], 0.8),
    ("polynomial_tutorial", ["--style", "nn"], 0.5),
    ("polynomial_tutorial", ["--style", "optim"], 0.9),
    ("polynomial_tutorial", ["--style", "module"], 0.9),
    ("small_gpt", ["--out", "checkpoint", "--compile"], 0.8),
    ("small_gpt", ["--no-flash", "--dtype", "bfloat16", "--dropout", "0.1"], 0.9),
    ("sorting_gpt", ["--workers", "2", "--random"], 0.6),
    ("names", ["--type", "transformer"], 0.8),
    ("names", ["--type", "bow"], 0.8),
    ("names", ["--type", "mlp"], 0.8),
    ("names", ["--type", "rnn"], 0.9),
    ("names", ["--type", "gru"], 0.9),
    ("names", ["--type", "bigram"], 0.97),
    ("resnet", [], 0.8),
    ("unet", [], 0.5),
    ("unet", ["--bilinear"], 0.5),
    ("einops_vit", [], 0.6),
    ("einops_vit", ["--pool", "mean"], 0.8),
    ("wasserstein_gan", [], 0.5),
    ("actor_critic", ["--drawn"], None),  # its loss is no measure of success
    ("super_resolution", [], 0.5),
    ("graph_attention", [], 0.5),
    ("llama", [], 0.6),
    ("translation", [], 0.6),
    ("sentences", ["--model", "cnn"], 0.5),
    ("sentences", ["--model", "lstm"], 0.5),
    ("sentences", ["--model", "attention"], 0.5),
    ("sentences", ["--model", "skipgram"], 0.9),
]

# Their types are written out; the losses of the others are compared in float64.
FLOAT32 = {"actor_critic", "llama", "polynomial_regression", "wasserstein_gan", "sentences"}
# The same without chance.
QUIET = {
    "digits_cnn": ["--dropout", "0"],
    "digits_vae": ["--noise", "0", "--results", ""],
    "small_gpt": ["--dropout", "0", "--dtype", "float32"],
    "word_language_model": ["--dropout", "0", "--save", ""],
    "sorting_gpt": ["--workers", "0"],
}


def name(row):
    return "-".join([row[0], *(o.strip("-") for o in row[1])])


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder as torchvision's MNIST makes it, of small digits drawn large."""
    folder = tmp_path_factory.mktemp("data") / "MNIST" / "raw"
    folder.mkdir(parents=True)
    digits = Digits(train=True)
    large = np.repeat(np.repeat(digits.images, 3, 1), 3, 2)  # (N, 24, 24)
    large = np.pad(large * (255 / digits.images.max()), ((0, 0), (2, 2), (2, 2)))
    for part, rows in (("train", slice(0, 320)), ("t10k", slice(320, 420))):
        write_idx(folder / f"{part}-images-idx3-ubyte", large[rows].astype(np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", digits.labels[rows].astype(np.uint8))
    return folder.parents[1]


def options_of(program, options, data):
    reads_data = "args.root" in (FOLDER / f"{program}.py").read_text()
    return [*options, "--root", str(data)] if reads_data else options


def run_ours(program, options, folder):
    """The losses that `naivegrad run` gives."""
    if "einops" in program:
        pytest.importorskip("einops")
    command = [sys.executable, "-m", "naivegrad", "run", str(FOLDER / f"{program}.py"), *options]
    losses = folder / "ours.json"
    done = subprocess.run(
        [*command, "--losses", str(losses)], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(losses.read_text())


@pytest.mark.parametrize("row", PROGRAMS, ids=name)
def test_learns(row, data, tmp_path):
    program, options, fall = row
    losses = run_ours(program, options_of(program, options, data), tmp_path)
    assert np.isfinite(losses).all()
    if fall is not None:
        assert np.mean(losses[-4:]) < fall * np.mean(losses[:2])


class MNIST:
    """What the programs use of torchvision's, for PyTorch's side."""

    def __init__(self, root, train=True, transform=None, download=False):
        raw, part = Path(root) / "MNIST" / "raw", "train" if train else "t10k"
        self.images = read_idx(raw / f"{part}-images-idx3-ubyte")
        self.labels = read_idx(raw / f"{part}-labels-idx1-ubyte")
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(self.images[index]), int(self.labels[index])


def torchvision_for(torch):
    vision, datasets, transforms, utils = (
        types.ModuleType(n) for n in ("torchvision", "datasets", "transforms", "utils")
    )
    datasets.MNIST = MNIST
    transforms.ToTensor = lambda: lambda image: torch.tensor(image[None]) / 255
    transforms.Normalize = lambda mean, std: lambda x: (x - mean[0]) / std[0]

    def compose(parts):
        def transform(x):
            for part in parts:
                x = part(x)
            return x

        return transform

    transforms.Compose = compose
    utils.save_image = None
    vision.datasets, vision.transforms, vision.utils = datasets, transforms, utils
    return {"torchvision": vision, "torchvision.utils": utils}


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", PROGRAMS, ids=name)
def test_same_losses_as_pytorch(row, data, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    program, options, _ = row
    options = [o for o in options if o not in ("--compile", "--drawn", "--random")]
    options = options_of(program, [*options, *QUIET.get(program, [])], data)
    options += ["--steps", "3" if program == "sine_waves" else "10"]
    options += [] if program in FLOAT32 else ["--float64"]
    start, theirs = tmp_path / "start.pt", tmp_path / "theirs.json"
    for key, module in torchvision_for(torch).items():
        monkeypatch.setitem(sys.modules, key, module)
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    arguments = [program, *options, "--start", str(start), "--losses", str(theirs)]
    monkeypatch.setattr(sys, "argv", arguments)
    try:
        runpy.run_path(str(FOLDER / f"{program}.py"), run_name="__main__")
    finally:
        torch.set_default_dtype(torch.float32)
    weights = ["--weights", str(start)] if start.exists() else []
    losses = run_ours(program, [*options, *weights], tmp_path)
    np.testing.assert_allclose(
        losses, json.loads(theirs.read_text()), rtol=5e-6 if program in FLOAT32 else 1e-10
    )
