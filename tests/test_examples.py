"""The example programs: they learn, they can be stopped and go on to the same bits."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.data import MNIST, romeo_and_juliet
from naivegrad.examples import char_gpt, lstm, mnist_cnn, mnist_mlp, mnist_vit, training, vae, xor
from naivegrad.examples.options import UserError
from naivegrad.io import load_checkpoint, write_idx

ROOT = Path(__file__).parent.parent
REAL_DATA = os.environ.get("NAIVEGRAD_DATA")
CHECKPOINT = "checkpoint.safetensors"
EXAMPLES = {
    "mlp": mnist_mlp.main,
    "cnn": mnist_cnn.main,
    "vit": mnist_vit.main,
    "vae": vae.main,
    "gpt": char_gpt.main,
    "lstm": lstm.main,
}
# Runs of 5 steps an epoch, on the files of `write_small_data`.
IMAGES = ["--data-dir", "small", "--batch-size", "8"]
TEXT = ["--text", "small.txt", "--batch-size", "8", "--block-size", "8", "--length", "20"]
SMALL = {
    "mlp": IMAGES,
    "cnn": IMAGES,
    "vit": [*IMAGES, "--patch-size", "14", "--embed", "16"],
    "vae": [*IMAGES, "--hidden", "16"],
    "gpt": [*TEXT, "--embed", "16", "--num-layers", "1", "--dropout", "0.5"],
    "lstm": [*TEXT, "--hidden", "16"],
}


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No data but the package's, no network, and runs/ in a folder of the test."""
    monkeypatch.delenv("NAIVEGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(MNIST, "mirrors", ("http://127.0.0.1:9/",))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # drawing takes half the time
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for processes started here
    threads = ng.get_num_threads()
    ng.set_num_threads(1)  # two threads that wait for each other are slow on a busy machine
    yield
    ng.set_num_threads(threads)


def weights(folder):
    """What a run has learned, to the bit."""
    state = load_checkpoint(Path(folder) / CHECKPOINT)
    return {name: tensor.numpy().tobytes() for name, tensor in state["model"].items()}


def outcome(folder):
    """Everything in a checkpoint that must not depend on stops, as text."""
    state = load_checkpoint(Path(folder) / CHECKPOINT)
    for row in state["history"]:
        del row["seconds"], row[next(name for name in row if name.endswith("_per_second"))]
    del state["sums"]["seconds"]
    state["options"] = {name: state["options"][name] for name in training.FIXED}

    def plain(value):
        if isinstance(value, ng.Tensor):
            return value.numpy().tobytes()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return plain(state)


def write_small_mnist(folder):
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, n in (("train", 40), ("t10k", 20)):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (np.arange(n) % 10).astype(np.uint8))


def write_small_data(folder):
    write_small_mnist(folder / "small")
    (folder / "small.txt").write_text(romeo_and_juliet()[:356])


def stop_after(monkeypatch, step, number=signal.SIGINT):
    """Press Ctrl-C in the middle of step number `step`."""
    count = training.Run.count

    def pressing(run, *args, **sums):
        count(run, *args, **sums)
        if run.step + 1 == step:
            signal.raise_signal(number)

    monkeypatch.setattr(training.Run, "count", pressing)


# ---- they learn ----


@pytest.mark.parametrize(("example", "epochs"), [("mlp", 12), ("cnn", 4)])
def test_the_digits_are_learned(capsys, example, epochs):
    assert EXAMPLES[example](["--data", "digits", "--epochs", str(epochs), "--out", "a"]) == 0
    text = capsys.readouterr().out
    assert "test accuracy 9" in text
    with open("a/metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, epochs + 1))
    assert float(rows[-1]["test_accuracy"]) >= 0.97
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])


def test_patches_that_attend_to_each_other_learn_the_digits():
    mnist_vit.main(["--data", "digits", "--patch-size", "4", "--epochs", "5", "--out", "a"])
    assert load_checkpoint(f"a/{CHECKPOINT}")["history"][-1]["test_accuracy"] >= 0.95


def test_digits_are_rebuilt_from_their_codes():
    vae.main(["--data", "digits", "--epochs", "30", "--out", "a"])
    first, *_, last = load_checkpoint(f"a/{CHECKPOINT}")["history"]
    assert last["test_loss"] == pytest.approx(last["test_reconstruction"] + last["test_divergence"])
    assert last["test_loss"] < 25.6 < first["test_loss"]  # 28.1 is what the mean image costs
    assert last["test_divergence"] > 2  # the codes say something


@pytest.mark.parametrize("example", ["gpt", "lstm"])
def test_the_play_is_learned(capsys, example):
    sizes = {"gpt": ["--embed", "32", "--num-layers", "1"], "lstm": ["--hidden", "64"]}[example]
    options = ["--data", "romeo", "--epochs", "3", "--block-size", "16", "--batch-size", "32"]
    EXAMPLES[example]([*options, *sizes, "--lr", "0.01", "--length", "200", "--out", "a"])
    # Letters by their frequency alone give 3.3, after the letter before 2.5.
    assert load_checkpoint(f"a/{CHECKPOINT}")["history"][-1]["validation_loss"] < 2.4
    sample = Path("a/sample.txt").read_text()
    assert len(sample) == 202
    assert sample.strip() in capsys.readouterr().out
    words = sample.split()
    known = set(romeo_and_juliet().split())
    assert sum(word in known for word in words) > 0.2 * len(words)


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_xor_is_learned(capsys, seed):
    assert xor.main(["--seed", seed]) == 0
    text = capsys.readouterr().out
    assert "a b | a xor b | learned" in text
    assert "4 of 4 right" in text


@pytest.mark.slow
@pytest.mark.parametrize(("example", "least"), [("mlp", 0.975), ("cnn", 0.989)])
def test_the_real_mnist_is_learned(example, least):
    if not REAL_DATA or MNIST.find(REAL_DATA) is None:
        pytest.skip("NAIVEGRAD_DATA names no folder with MNIST")
    EXAMPLES[example](["--data", "mnist", "--data-dir", REAL_DATA, "--out", "a"])
    assert load_checkpoint(f"a/{CHECKPOINT}")["history"][-1]["test_accuracy"] >= least


# ---- the same bits ----


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_seed_gives_the_same_bits_again(tmp_path, example):
    write_small_data(tmp_path)
    for folder, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        EXAMPLES[example]([*SMALL[example], "--epochs", "1", "--seed", seed, "--out", folder])
    assert weights("a") == weights("b") != weights("c")
    assert outcome("a") == outcome("b")
    if example in ("gpt", "lstm"):
        assert Path("a/sample.txt").read_text() == Path("b/sample.txt").read_text()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_bits_do_not_depend_on_the_number_of_threads(tmp_path, example):
    (tmp_path / "some.txt").write_text(romeo_and_juliet()[:2500])  # 35 windows: one step
    text = ["--text", "some.txt", "--batch-size", "64", "--length", "0"]
    data = text if example in ("gpt", "lstm") else ["--data", "digits", "--batch-size", "1437"]
    for threads in ("1", "2"):
        EXAMPLES[example]([*data, "--epochs", "1", "--threads", threads, "--out", threads])
    assert weights("1") == weights("2")


@pytest.mark.parametrize(
    ("example", "step"),
    [("mlp", 1), ("mlp", 5), ("mlp", 6), ("mlp", 8), ("mlp", 15), ("cnn", 7)]
    + [(example, step) for example in EXAMPLES for step in (5, 7) if example not in ("mlp", "cnn")],
)
def test_a_stopped_run_goes_on_to_the_same_bits(monkeypatch, tmp_path, capsys, example, step):
    """5 steps are an epoch: stops at its first, inner and last step, and at the very end."""
    write_small_data(tmp_path)
    main = EXAMPLES[example]
    options = [*SMALL[example], "--epochs", "3", "--seed", "1"]
    main([*options, "--out", "whole"])
    with monkeypatch.context() as patch:
        stop_after(patch, step)
        with pytest.raises(SystemExit) as caught:
            main([*options, "--out", "stopped"])
    assert caught.value.code == 130
    message = capsys.readouterr().err
    assert f"after step {step}" in message
    assert "--resume stopped" in message

    ng.manual_seed(1234)  # nothing may depend on what happened between
    assert main(["--resume", "stopped"]) == 0
    assert f"step {step}" in capsys.readouterr().out
    assert outcome("stopped") == outcome("whole")
    assert Path("stopped/metrics.csv").read_text().count("\n") == 4


def test_a_run_stopped_many_times_and_killed_politely(monkeypatch):
    options = ["--data", "digits", "--epochs", "2", "--batch-size", "100"]
    mnist_mlp.main([*options, "--out", "whole"])
    arguments = [*options, "--out", "stopped"]
    for step in (3, 4, 15, 20):
        with monkeypatch.context() as patch:
            stop_after(patch, step, signal.SIGTERM)
            with pytest.raises(SystemExit) as caught:
                mnist_mlp.main(arguments)
        assert caught.value.code == 143
        arguments = ["--resume", "stopped"]
    mnist_mlp.main(arguments)
    assert outcome("stopped") == outcome("whole")


def test_a_finished_run_can_be_made_longer(capsys):
    mnist_mlp.main(["--data", "digits", "--epochs", "1", "--out", "a"])
    mnist_mlp.main(["--resume", "a", "--epochs", "2"])
    text = capsys.readouterr().out
    assert "--epochs was 1" in text
    assert len(load_checkpoint(f"a/{CHECKPOINT}")["history"]) == 2
    before = weights("a")
    mnist_mlp.main(["--resume", "a"])  # nothing left to do
    assert weights("a") == before


def test_signals_are_given_back():
    before = signal.getsignal(signal.SIGINT)
    mnist_mlp.main(["--data", "digits", "--epochs", "1", "--out", "a"])
    assert signal.getsignal(signal.SIGINT) is before


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "naivegrad", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="signals to other processes are POSIX")
def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on():
    process = start("train", "mnist-mlp", "--data", "digits", "--epochs", "100000", "--out", "a")
    try:
        until = time.monotonic() + 60
        while not Path("a/metrics.csv").exists() and process.poll() is None:
            assert time.monotonic() < until, "no epoch finished within a minute"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "naivegrad train mnist-mlp --resume a" in err
    assert "epoch 1/100000" in out
    state = load_checkpoint(f"a/{CHECKPOINT}")
    assert state["epoch"] >= 1
    assert state["step"] >= 45
    assert not list(Path("a").glob(".*"))  # no half-written file


# ---- data and results ----


def test_auto_takes_mnist_where_it_is(tmp_path, monkeypatch, capsys):
    write_small_mnist(tmp_path / "files" / "mnist")
    monkeypatch.setenv("NAIVEGRAD_DATA", str(tmp_path / "files"))
    mnist_cnn.main(["--epochs", "1", "--out", "a"])
    text = capsys.readouterr().out
    assert f"data: MNIST, found in {tmp_path / 'files' / 'mnist'}" in text
    assert "40 images of 28x28 to train on, 20 to test" in text


def test_auto_falls_back_to_the_digits_and_says_why(capsys):
    mnist_mlp.main(["--epochs", "1", "--out", "a"])
    text = capsys.readouterr().out
    assert "digits that come with the package, because MNIST is not on this machine" in text
    assert "cannot download train-images-idx3-ubyte.gz" in text
    assert "NAIVEGRAD_DATA" in text


def test_other_data_cannot_go_on_with_a_run(tmp_path, capsys):
    write_small_mnist(tmp_path / "one")
    write_small_mnist(tmp_path / "two")
    write_idx(tmp_path / "two" / "train-images-idx3-ubyte.gz", np.zeros((40, 28, 28), np.uint8))
    mnist_mlp.main(["--data-dir", "one", "--epochs", "1", "--out", "a"])
    with pytest.raises(UserError, match="not the data this run began with"):
        mnist_mlp.main(["--data-dir", "two", "--epochs", "2", "--resume", "a"])


@pytest.mark.parametrize(
    ("example", "pictures"),
    [
        ("mlp", ["curves.png", "mistakes.png"]),
        ("vae", ["curves.png", "reconstructions.png", "samples.png"]),
        ("gpt", ["curves.png"]),
    ],
)
def test_pictures_are_drawn(monkeypatch, tmp_path, example, pictures):
    write_small_data(tmp_path)
    monkeypatch.delitem(sys.modules, "matplotlib.figure")
    pytest.importorskip("matplotlib.figure")
    EXAMPLES[example]([*SMALL[example], "--epochs", "1", "--out", "a"])
    assert sorted(path.name for path in Path("a").glob("*.png")) == pictures
    for name in pictures:
        data = Path("a", name).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) < 150_000


def test_without_matplotlib_the_rest_is_there(capsys):
    mnist_mlp.main(["--data", "digits", "--epochs", "1", "--out", "a"])
    assert "pip install 'naivegrad[train]'" in capsys.readouterr().out
    assert sorted(os.listdir("a")) == [CHECKPOINT, "metrics.csv"]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_loss_that_is_not_finite_stops_the_run():
    with pytest.raises(UserError, match=r"learning rate 1e\+30 is too high"):
        mnist_mlp.main(["--data", "digits", "--lr", "1e30", "--out", "a"])


# ---- settings of the models, text and samples ----


@pytest.mark.parametrize(
    ("example", "options", "message"),
    [
        ("vit", ["--patch-size", "5"], "--patch-size 5 does not divide an image of 28x28"),
        (
            "vit",
            ["--embed", "10", "--num-heads", "4"],
            "--embed 10 is not a multiple of",
        ),
        (
            "gpt",
            ["--embed", "10", "--num-heads", "4"],
            "--embed 10 is not a multiple of",
        ),
        ("gpt", ["--block-size", "35"], "the text has 356 characters, but .* need at least 360"),
        ("gpt", ["--text", "empty.txt"], "the text has 0 characters"),
        ("gpt", ["--text", "gone.txt"], "--text: gone.txt cannot be read: No such file"),
        ("gpt", ["--text", "."], "--text: . cannot be read: Is a directory"),
        ("gpt", ["--text", "latin.txt"], "--text: latin.txt is not text in UTF-8"),
        ("gpt", ["--prompt", "I\u00e9 %"], "--prompt: not in the text: '%', '\u00e9'"),
        ("gpt", ["--prompt", ""], "--prompt must not be empty"),
    ],
)
def test_settings_that_cannot_be(tmp_path, example, options, message):
    write_small_data(tmp_path)
    Path("empty.txt").touch()
    Path("latin.txt").write_bytes("\u00e9t\u00e9 ".encode("latin-1") * 200)
    with pytest.raises(UserError, match=message) as caught:
        EXAMPLES[example]([*SMALL[example], *options, "--out", "a"])
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data-dir", "gone"], "--data-dir gone: there is no such folder"),
        (["--data-dir", "."], "--data-dir .: there is no tinyshakespeare/input.txt in it"),
        (["--data", "shakespeare"], "input.txt is not found in the folder that NAIVEGRAD_DATA"),
        (["--data", "romeo", "--data-dir", "."], "--data-dir has no use with --data romeo"),
        (["--text", "small.txt", "--data-dir", "."], "--data-dir has no use with --text"),
    ],
)
def test_text_that_is_not_there(tmp_path, options, message):
    write_small_data(tmp_path)
    with pytest.raises(UserError, match=message):
        char_gpt.main([*options, "--out", "a"])


def test_shakespeare_is_taken_where_it_is_and_the_play_elsewhere(tmp_path, monkeypatch, capsys):
    options = ["--epochs", "0", "--embed", "8", "--num-layers", "1", "--length", "0"]
    char_gpt.main([*options, "--out", "a"])
    text = capsys.readouterr().out
    assert "Romeo and Juliet, which comes with the package, because tinyshakespeare" in text
    assert "120,119 characters to train on, 13,346 to validate, 61 different ones" in text
    (tmp_path / "data" / "tinyshakespeare").mkdir(parents=True)
    file = tmp_path / "data" / "tinyshakespeare" / "input.txt"
    file.write_text(romeo_and_juliet()[:10_000])
    monkeypatch.setenv("NAIVEGRAD_DATA", str(tmp_path / "data"))
    char_gpt.main([*options, "--out", "b"])
    assert f"found in {file}" in capsys.readouterr().out


def test_the_settings_of_a_model_stay_when_its_run_goes_on(tmp_path, capsys):
    write_small_data(tmp_path)
    char_gpt.main([*SMALL["gpt"], "--epochs", "1", "--out", "a"])
    with pytest.raises(UserError, match="--embed was 16 when the run began and cannot become 32"):
        char_gpt.main(["--resume", "a", "--embed", "32"])
    (tmp_path / "small.txt").write_text("other text " * 40)
    with pytest.raises(UserError, match="not the data this run began with"):
        char_gpt.main(["--resume", "a"])


def test_a_finished_run_writes_on_request(tmp_path, capsys):
    write_small_data(tmp_path)
    char_gpt.main([*SMALL["gpt"], "--epochs", "1", "--out", "a"])
    before = weights("a")
    for temperature in ("0", "1"):
        options = ["--prompt", "Gregory", "--length", "9", "--temperature", temperature]
        char_gpt.main(["--resume", "a", *options])
        sample = Path("a/sample.txt").read_text()
        assert sample.startswith("Gregory")
        assert len(sample) == 7 + 9 + 1
    assert weights("a") == before
