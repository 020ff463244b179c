"""The arguments of `naivegrad run`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from naivegrad.run.check import report
from naivegrad.run.script import run_module, run_script


def run(arguments: Sequence[str]) -> int:
    """Run, or check, the program that the arguments name; returns the exit code."""
    ours, program, rest = _split(arguments)
    parser = argparse.ArgumentParser(
        prog="naivegrad run",
        usage="naivegrad run [--check] (script.py | -m module) [arguments of the program]",
        description="Run a program written for PyTorch on naivegrad, without PyTorch: "
        "import torch gives naivegrad, import torchvision a small stand-in.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="do not run it, but list what it needs of PyTorch and is not here",
    )
    parser.add_argument("-m", dest="module", help="run a module, as python -m does")
    chosen = parser.parse_args(ours)
    if chosen.module is None and program is None:
        parser.error("a script, or -m and a module, is required")
    if chosen.check:
        return report(program, chosen.module)
    if chosen.module is not None:
        return run_module(chosen.module, rest)
    return run_script(str(program), rest)


def _split(arguments: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """(our options, the script, its arguments); all behind the program's name is its own."""
    for i, argument in enumerate(arguments):
        if argument == "-m":
            return list(arguments[: i + 2]), None, list(arguments[i + 2 :])
        if not argument.startswith("-"):
            return list(arguments[:i]), argument, list(arguments[i + 1 :])
    return list(arguments), None, []
