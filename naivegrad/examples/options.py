"""The options that the example programs share, and the choice of the data."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import naivegrad as ng
from naivegrad.data import MNIST, Digits, DownloadError, FashionMNIST, ImageDataset
from naivegrad.io import DamagedFileError

KINDS = ("auto", "mnist", "fashion", "digits")
CHECKPOINT = "checkpoint.safetensors"


class UserError(Exception):
    """What was asked for cannot be done; the message is a sentence for the person who asked."""


@dataclass(frozen=True)
class Defaults:
    """The settings of an example where the command line says nothing."""

    epochs: int
    batch_size: int
    lr: float


@dataclass(frozen=True)
class Data:
    """A data set chosen by `choose_data`."""

    kind: str  # "mnist", "fashion" or "digits"
    train: ImageDataset
    test: ImageDataset
    why: str  # where it was found, and why this one was taken


def build_parser(example: str, about: str, images: bool = True) -> argparse.ArgumentParser:
    """The command line of one example; every default is None, filled in later."""
    parser = argparse.ArgumentParser(prog=f"naivegrad train {example}", description=about)
    if images:
        parser.add_argument(
            "--data", choices=KINDS,
            help="auto (the default): MNIST if it is on this machine or can be downloaded, "
                 "else the 1,797 small digits that come with the package",
        )  # fmt: skip
        parser.add_argument("--data-dir", metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--epochs", type=_number(int, 0, "a whole number >= 0"), metavar="N",
                        help="times through the training set")  # fmt: skip
    if images:
        parser.add_argument("--batch-size", type=_number(int, 1, "a whole number >= 1"),
                            metavar="N", help="samples in one step")  # fmt: skip
    parser.add_argument("--lr", type=_number(float, 0, "a number >= 0"), metavar="RATE",
                        help="learning rate at its highest")  # fmt: skip
    parser.add_argument("--seed", type=_number(int, 0, "a whole number >= 0 and < 2**64", 2**64),
                        metavar="N", help="decides everything random (default 0)")  # fmt: skip
    parser.add_argument("--threads", type=_number(int, 1, "a whole number >= 1"), metavar="N",
                        help="threads of the kernels")  # fmt: skip
    parser.add_argument("--device", help="cpu (the default), cuda, cuda:1, ...")
    if images:
        parser.add_argument("--out", metavar="DIR",
                            help=f"folder for the results (default runs/{example})")  # fmt: skip
        parser.add_argument(
            "--resume", nargs="?", const="", metavar="DIR",
            help="go on with the run in DIR (or --out, or the last one under runs/)",
        )  # fmt: skip
    return parser


def check_device(name: str) -> str:
    """The name, if it is a device that can be used here."""
    try:
        ng.zeros(1, device=name)
    except (ValueError, RuntimeError, TypeError, NotImplementedError) as error:
        raise UserError(f"--device {name}: {error}") from None
    return name


def choose_data(kind: str, folder: str | None) -> Data:
    """The data set that `kind` means on this machine, and why.

    Parameters
    ----------
    kind : {"auto", "mnist", "fashion", "digits"}
        As given to --data.
    folder : str or None
        As given to --data-dir: the only place to look in.
    """
    if folder is not None and kind == "digits":
        raise UserError("--data-dir has no use with --data digits, which come with the package")
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise UserError(f"--data-dir {folder}: there is no such folder")
    if kind == "digits":
        return _digits("as asked for")
    source = FashionMNIST if kind == "fashion" else MNIST
    found = source.find(folder, "train") is not None and source.find(folder, "t10k") is not None
    if found or folder is not None:
        try:
            return _idx(source, folder, download=False, why="found")
        except FileNotFoundError as error:
            raise UserError(f"--data-dir {folder}: {error}") from None
    try:
        return _idx(source, None, download=True, why="downloaded, kept")
    except (DownloadError, PermissionError) as error:
        if kind != "auto":
            raise UserError(str(error)) from None
        return _digits(
            "because MNIST is not on this machine and cannot be downloaded.\n"
            f"{error}\nTo train on MNIST, give --data-dir or set NAIVEGRAD_DATA"
        )


def _digits(why: str) -> Data:
    return Data("digits", Digits(train=True), Digits(train=False),
                f"the small digits that come with the package, {why}")  # fmt: skip


def _idx(source: type[MNIST], folder: str | None, download: bool, why: str) -> Data:
    train = source(folder, train=True, download=download)
    test = source(folder, train=False, download=download)
    kind = "fashion" if source is FashionMNIST else "mnist"
    return Data(kind, train, test, f"{source.name}, {why} in {train.folder}")


def guarded(main: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    """Run a program; say a user's mistake, or the machine's, in a sentence instead of a traceback.

    With NAIVEGRAD_DEBUG set in the environment the traceback comes through.
    """
    import os

    if os.environ.get("NAIVEGRAD_DEBUG"):
        return main(arguments)
    try:
        return main(arguments)
    except (UserError, DamagedFileError) as error:
        print(f"naivegrad: error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that cannot be written, ...
        print(f"naivegrad: error: {_sentence(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nnaivegrad: stopped at once; the last checkpoint saved is whole", file=sys.stderr)
        return 130
    return 1


def _sentence(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"cannot read or write {error.filename}: {error.strerror}"


def _number(
    kind: type, least: float, words: str, end: float = float("inf")
) -> Callable[[str], Any]:
    """An argparse type: a number of this kind, not below `least` and below `end`."""

    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < end:
            raise argparse.ArgumentTypeError(f"must be {words}, got {text!r}")
        return value

    return convert
