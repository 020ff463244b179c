"""Extension modules and compiler flags; everything else is in pyproject.toml.

    NAIVEGRAD_DEBUG=1       bounds checks, Cython annotations, no optimisation of asserts
    NAIVEGRAD_OPENMP=0      build without OpenMP even where the compiler has it
"""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("NAIVEGRAD_DEBUG") == "1"
MSVC = sys.platform == "win32"

# -fno-math-errno and -fno-trapping-math let the compiler vectorise exp and clamp (4-8x, measured).
# Never -ffast-math (flushes denormals for the whole process, breaks NaN), never -march=native.
FLAGS = ["/O2", "/std:c11"] if MSVC else [
    "-O3", "-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-Wno-unused-function",
]  # fmt: skip

# Modules worth wider vectors are compiled once per level and chosen at import by kernels/__init__.py.
LEVELS = {}
if platform.machine() in ("x86_64", "AMD64") and not MSVC:
    LEVELS = {
        "v3": ["-march=x86-64-v3"],
        "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
    }
BY_LEVEL: set[str] = set()
MODULES = ["cpu_features", "threads"]


def compiles(flag: str) -> bool:
    """Whether the C compiler accepts `flag` for a program that includes omp.h."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
        compiler = os.environ.get("CC", "cc").split()
        command = [*compiler, flag, str(source), "-o", str(Path(folder, "probe"))]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False


OPENMP = []
if os.environ.get("NAIVEGRAD_OPENMP") != "0":
    OPENMP = ["/openmp"] if MSVC else ["-fopenmp"] if compiles("-fopenmp") else []


def extension(name: str, source: str, flags: list[str]) -> Extension:
    """One extension module."""
    return Extension(
        f"naivegrad.kernels.{name}",
        [source],
        include_dirs=[numpy.get_include(), "cuda", "naivegrad/kernels"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=[*FLAGS, *OPENMP, *flags],
        extra_link_args=[] if MSVC else OPENMP,
        depends=["cuda/scalar_ops.h", *map(str, Path("naivegrad/kernels").glob("*.h"))],
    )


modules = cythonize(
    [extension(name, f"naivegrad/kernels/{name}.pyx", []) for name in MODULES],
    annotate=DEBUG,
    compiler_directives={
        "language_level": 3,
        "boundscheck": DEBUG,
        "initializedcheck": DEBUG,
        "wraparound": False,
        "cdivision": True,
        "embedsignature": True,
        "freethreading_compatible": True,
    },
)
# The same C file serves each level: the module's short name, and so its init function, is the same.
modules += [
    extension(f"{level}.{name}", f"naivegrad/kernels/{name}.c", flags)
    for level, flags in LEVELS.items()
    for name in sorted(BY_LEVEL)
]

setup(ext_modules=modules)
