"""The command line: what it prints, and how it takes mistakes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import naivegrad as ng
from naivegrad.cli import main
from naivegrad.data import MNIST

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.delenv("NAIVEGRAD_DATA", raising=False)
    monkeypatch.delenv("NAIVEGRAD_DEBUG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(MNIST, "mirrors", ("http://127.0.0.1:9/",))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # drawing takes half the time
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for processes started here
    threads = ng.get_num_threads()
    ng.set_num_threads(1)  # two threads that wait for each other are slow on a busy machine
    yield
    ng.set_num_threads(threads)


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_version(capsys):
    code, out, _ = run(capsys, "--version")
    assert (code, out.strip()) == (0, f"naivegrad {ng.__version__}")


@pytest.mark.parametrize(
    "command", ["", "info", "train", "train xor", "train mnist-cnn", "train char-gpt"]
)
def test_help(capsys, command):
    code, out, _ = run(capsys, *command.split(), "--help")
    assert code == 0
    assert out.startswith("usage: naivegrad")


def test_help_names_every_option(capsys):
    _, out, _ = run(capsys, "train", "mnist-mlp", "--help")
    for option in ("data", "data-dir", "epochs", "batch-size", "lr", "seed", "threads", "device",
                   "out", "resume"):  # fmt: skip
        assert f"--{option}" in out


def test_the_examples_are_listed_and_have_their_own_options(capsys):
    _, out, _ = run(capsys, "train", "--help")
    for example, options in (
        ("mnist-vit", ["patch-size", "embed", "num-heads", "num-layers"]),
        ("char-gpt", ["text", "block-size", "dropout", "prompt", "length", "temperature"]),
        ("lstm", ["text", "block-size", "hidden", "num-layers", "prompt"]),
        ("vae", ["hidden", "latent"]),
    ):
        assert f"  {example} " in out
        _, text, _ = run(capsys, "train", example, "--help")
        for option in options:
            assert f"--{option} " in text


def test_info_tells_what_is_there(capsys):
    code, out, _ = run(capsys, "info")
    assert code == 0
    facts = "naivegrad|Python|NumPy|BLAS|compiler|build flags|instruction set|OpenMP|threads|CUDA"
    for fact in facts.split("|"):
        assert any(line.startswith(fact) for line in out.splitlines()), fact
    ng.show_config()
    assert capsys.readouterr().out == out


def test_modules_run():
    for module, arguments, expected in (
        ("naivegrad", ["--version"], ng.__version__),
        ("naivegrad.cli", ["--version"], ng.__version__),
        ("naivegrad.examples.mnist_cnn", ["--help"], "--resume"),
        ("naivegrad.examples.mnist_mlp", ["--help"], "--resume"),
        ("naivegrad.examples.xor", ["--epochs", "1"], "learned"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["trains"], "invalid choice: 'trains'"),
        (["train"], "required: EXAMPLE"),
        (["train", "mnist"], "invalid choice: 'mnist'"),
        (["train", "xor", "--data", "digits"], "unrecognized arguments: --data"),
        (["train", "mnist-mlp", "--epochs", "-1"], "must be a whole number >= 0, got '-1'"),
        (["train", "mnist-mlp", "--epochs", "many"], "must be a whole number >= 0, got 'many'"),
        (["train", "mnist-mlp", "--batch-size", "0"], "must be a whole number >= 1, got '0'"),
        (["train", "mnist-mlp", "--lr", "nan"], "must be a number >= 0, got 'nan'"),
        (["train", "mnist-mlp", "--lr", "inf"], "must be a number >= 0, got 'inf'"),
        (["train", "mnist-mlp", "--threads", "0"], "must be a whole number >= 1"),
        (["train", "mnist-mlp", "--seed", "-3"], "must be a whole number >= 0"),
        (["train", "mnist-mlp", "--data", "cifar"], "invalid choice: 'cifar'"),
        (["train", "mnist-vit", "--num-heads", "0"], "must be a whole number >= 1, got '0'"),
        (["train", "char-gpt", "--dropout", "1"], "must be a number >= 0 and < 1, got '1'"),
        (["train", "char-gpt", "--text", "a", "--data", "romeo"], "not allowed with"),
    ],
)
def test_mistakes_in_the_arguments(capsys, arguments, message):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert "usage: naivegrad" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "gpu"], "--device gpu: "),
        (["--data-dir", "none"], "--data-dir none: there is no such folder"),
        (["--data-dir", "."], "--data-dir .: MNIST: train-images"),
        (["--data", "digits", "--data-dir", "."], "come with the package"),
        (["--data", "mnist"], "cannot download train-images-idx3-ubyte.gz"),
        (
            ["--data", "digits", "--out", "file/a"],
            "--out file/a: cannot be written: Not a directory",
        ),
        (["--data", "digits", "--out", "used"], "--out used already holds a run"),
        (["--resume"], "there is no runs/mnist-mlp/checkpoint.safetensors"),
        (["--resume", "none"], "there is no none/checkpoint.safetensors"),
        (["--resume", "file"], "there is no file/checkpoint.safetensors"),
        (["--resume", "used"], "used/checkpoint.safetensors: not a safetensors file"),
        (["--resume", "cnn"], "is not a run of mnist-mlp"),
        (["--resume", "mlp", "--seed", "4"], "--seed was 0 when the run began and cannot become 4"),
        (["--resume", "mlp", "--batch-size", "4"], "--batch-size was 32"),
        (["--resume", "mlp", "--data", "mnist"], "--data was digits"),
    ],
)
def test_mistakes_that_show_later(capsys, arguments, message):
    Path("file").touch()
    Path("used").mkdir()
    Path("used/checkpoint.safetensors").write_bytes(b"\xff" * 64)
    for name in ("cnn", "mlp"):
        if name in arguments:
            run(
                capsys, "train", f"mnist-{name}", "--data", "digits", "--epochs", "0", "--out", name
            )
    code, _, err = run(capsys, "train", "mnist-mlp", *arguments)
    assert code == 1
    assert err.startswith("naivegrad: error: ")
    assert message in err


def test_a_missing_device_says_why(capsys):
    try:
        ng.zeros(1, device="cuda")
    except RuntimeError as error:
        why = str(error)
    else:
        pytest.skip("there is a CUDA device")
    code, _, err = run(capsys, "train", "xor", "--device", "cuda")
    assert (code, err) == (1, f"naivegrad: error: --device cuda: {why}\n")


def test_a_full_disk_ends_in_a_sentence(capsys, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, _, err = run(capsys, "train", "mnist-mlp", "--data", "digits", "--out", "a")
    assert code == 1
    path = Path("a/checkpoint.safetensors").resolve()
    assert err == f"naivegrad: error: cannot read or write {path}: No space left on device\n"


def test_naivegrad_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("NAIVEGRAD_DEBUG", "1")
    with pytest.raises(Exception, match="no such folder"):
        main(["train", "mnist-mlp", "--data-dir", "none"])


def test_runs_are_numbered_and_the_last_one_goes_on(capsys):
    for _ in range(2):
        run(capsys, "train", "mnist-mlp", "--data", "digits", "--epochs", "0")
    assert sorted(os.listdir("runs")) == ["mnist-mlp", "mnist-mlp-2"]
    _, out, _ = run(capsys, "train", "mnist-mlp", "--resume", "--epochs", "1")
    assert "results in runs/mnist-mlp-2/" in out


def test_threads_mean_the_blas_too(capsys):
    threads = pytest.importorskip("threadpoolctl")
    ng.set_num_threads(1)
    for n in (2, 1):
        run(capsys, "train", "xor", "--epochs", "1", "--threads", str(n))
        assert ng.get_num_threads() in (1, n)  # 1 without OpenMP
        blas = [pool for pool in threads.threadpool_info() if pool["internal_api"] == "openblas"]
        assert all(pool["num_threads"] == n for pool in blas if "numpy" in pool["filepath"])
