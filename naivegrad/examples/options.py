"""The options that the example programs share, and how they are read."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import naivegrad as ng
from naivegrad.io import DamagedFileError


class UserError(Exception):
    """What was asked for cannot be done; the message is a sentence for the person who asked."""


@dataclass(frozen=True)
class Option:
    """An option that one example has beside the shared ones: a setting of its model.

    A whole number of at least 1, or with `share` a number from 0 up to but not including 1.
    """

    name: str  # as an argument of the model: "patch_size" is given as --patch-size
    help: str
    share: bool = False

    @property
    def flag(self) -> str:
        """How it is written on the command line."""
        return "--" + self.name.replace("_", "-")


def build_parser(example: str, about: str) -> argparse.ArgumentParser:
    """The options that every example has; each default is None, filled in later."""
    parser = argparse.ArgumentParser(prog=f"naivegrad train {example}", description=about)
    parser.add_argument("--epochs", type=whole(0), metavar="N",
                        help="times through the training set")  # fmt: skip
    parser.add_argument("--lr", type=number(0), metavar="RATE",
                        help="learning rate at its highest")  # fmt: skip
    parser.add_argument("--seed", type=_number(int, 0, "a whole number >= 0 and < 2**64", 2**64),
                        metavar="N", help="decides everything random (default 0)")  # fmt: skip
    parser.add_argument("--threads", type=whole(1), metavar="N", help="threads of the kernels")
    parser.add_argument("--device", help="cpu (the default), cuda, cuda:1, ...")
    return parser


def add_run_options(
    parser: argparse.ArgumentParser, example: str, options: Sequence[Option]
) -> None:
    """The options of a run that leaves a folder, and those of one example alone."""
    parser.add_argument("--batch-size", type=whole(1), metavar="N", help="samples in one step")
    for option in options:
        kind = _number(float, 0, "a number >= 0 and < 1", 1) if option.share else whole(1)
        sign = "SHARE" if option.share else "N"
        parser.add_argument(option.flag, type=kind, metavar=sign, help=option.help)
    parser.add_argument("--out", metavar="DIR",
                        help=f"folder for the results (default runs/{example})")  # fmt: skip
    parser.add_argument(
        "--resume", nargs="?", const="", metavar="DIR",
        help="go on with the run in DIR (or --out, or the last one under runs/)",
    )  # fmt: skip


def check_device(name: str) -> str:
    """The name, if it is a device that can be used here."""
    try:
        ng.zeros(1, device=name)
    except (ValueError, RuntimeError, TypeError, NotImplementedError) as error:
        raise UserError(f"--device {name}: {error}") from None
    return name


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


def whole(least: int) -> Callable[[str], Any]:
    """An argparse type: a whole number, not below `least`."""
    return _number(int, least, f"a whole number >= {least}")


def number(least: float) -> Callable[[str], Any]:
    """An argparse type: a finite number, not below `least`."""
    return _number(float, least, f"a number >= {least}")


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
