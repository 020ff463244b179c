"""What this installation is and what it can use: `naivegrad info`, `naivegrad.show_config()`."""

import ctypes
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from naivegrad import kernels
from naivegrad._version import __version__
from naivegrad.device import backend_of
from naivegrad.kernels import cpu_features
from naivegrad.threads import get_blas_threads, get_num_threads

LEVELS = {"base": "baseline", "v3": "x86-64-v3 (AVX2)", "v4": "x86-64-v4 (AVX-512)"}


def config() -> dict[str, str]:
    """The facts that `show_config` prints, by name."""
    return {
        "naivegrad": f"{__version__} in {Path(__file__).parent}",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "BLAS": _blas(),
        "compiler": cpu_features.compiler(),
        "build flags": cpu_features.flags(),
        "instruction set": _level(),
        "OpenMP": "yes" if cpu_features.has_openmp() else "no: built without it, one thread",
        "threads": f"{get_num_threads()} of {os.cpu_count()} processors",
        "CUDA": cuda_state(),
        "pictures": _extra("matplotlib", "curves.png and mistakes.png"),
        "progress bars": _extra("rich", "the coloured ones; a plain line is used instead"),
    }


def show_config() -> None:
    """Print version, build, instruction set, threads, BLAS, and why CUDA is or is not there."""
    facts = config()
    width = max(map(len, facts))
    for name, fact in facts.items():
        print(f"{name:{width}}  {fact}")


def cuda_state() -> str:
    """Whether CUDA can be used, and if not, why."""
    try:
        backend_of("cuda")
    except RuntimeError as error:
        return f"{error} ({_driver()})"
    return f"yes ({_driver()})"


def _driver() -> str:
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(name)
    except OSError:
        return f"the NVIDIA driver's {name} is not found"
    return "the NVIDIA driver is there"


def _level() -> str:
    text = LEVELS[kernels.isa]
    best = {1: "base", 3: "v3", 4: "v4"}[cpu_features.isa_level()]
    return text if kernels.isa == best else f"{text} (the processor has {LEVELS[best]})"


def _blas() -> str:
    """NumPy's BLAS, for the matrix products that kernels/matmul.pyx leaves to it."""
    try:
        built: dict[str, Any] = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index,call-overload]
        text = f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()
    except (TypeError, KeyError, AttributeError):
        text = "unknown"
    n = get_blas_threads()
    return f"{text}, threads: {'unknown' if n is None else n} (through NumPy)"


def _extra(package: str, use: str) -> str:
    if find_spec(package) is not None:
        return f"yes ({package})"
    return f"no {package}, so no {use}: pip install 'naivegrad[train]'"
