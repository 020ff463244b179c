"""Extension modules and compiler flags; everything else is in pyproject.toml.

python setup.py build_ext --inplace     after editing a .pyx (only what changed is compiled)

NAIVEGRAD_DEBUG=1            bounds checks, debug symbols, little optimisation
NAIVEGRAD_SANITIZE=address   also -fsanitize=address (see `make debug-test`)
NAIVEGRAD_OPENMP=0           one thread, even where the compiler has OpenMP
"""

import copy
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

# Those worth wider vectors are compiled per level and chosen at import, in kernels/__init__.py.
BY_LEVEL = {
    "adafactor", "attention", "bfloat16", "conv", "distance", "elementwise", "float16",
    "grid_sample", "index", "loss", "matmul", "norm", "optim", "random", "reduce", "rnn", "scatter",
    "softmax",
}  # fmt: skip
MODULES = sorted(
    BY_LEVEL
    | {
        "array",
        "cpu_features",
        "ctc",
        "decomposition",
        "distance",
        "embedding",
        "embedding_bag",
        "interpolate",
        "pool",
        "scan",
        "sort",
        "threads",
        "unfold",
    }
)

DEBUG = os.environ.get("NAIVEGRAD_DEBUG") == "1"
SANITIZE = os.environ.get("NAIVEGRAD_SANITIZE", "")
OPENMP = os.environ.get("NAIVEGRAD_OPENMP") != "0"
MSVC = sys.platform == "win32"

# -fno-math-errno and -fno-trapping-math let the compiler vectorise exp and clamp (4-8x, measured).
# Never -ffast-math (flushes denormals for the whole process, breaks NaN), never -march=native.
FLAGS = ["/O2", "/std:c11"] if MSVC else [
    *(["-O1", "-g", "-UNDEBUG"] if DEBUG else ["-O3", "-g0"]),
    "-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-Wno-unused-function",
]  # fmt: skip
LINK: list[str] = []
if SANITIZE:
    FLAGS += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    LINK += [f"-fsanitize={SANITIZE}"]

LEVELS = {}
if platform.machine() in ("x86_64", "AMD64") and not MSVC:
    LEVELS = {
        "v3": ["-march=x86-64-v3"],
        "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
    }

# Flags of single modules: the same random bits at each level, fused multiply-add or not.
OWN_FLAGS = {} if MSVC else {"random": ["-ffp-contract=off"]}

# Generated C, one folder per set of Cython directives; options.txt changes when the flags do, and
# with it everything is compiled anew.
C_FOLDER = Path("build", "c-debug" if DEBUG else "c")
OPTIONS = Path("build", "options.txt")


def note_options() -> None:
    """Write OPTIONS where it says something else."""
    compiler = os.environ.get("CC"), os.environ.get("CFLAGS")
    text = f"{sys.version}\nnumpy {numpy.__version__}\n{compiler} {FLAGS} {OPENMP}\n"
    if not OPTIONS.exists() or OPTIONS.read_text() != text:
        OPTIONS.parent.mkdir(exist_ok=True)
        OPTIONS.write_text(text)


def extension(name: str, source: str, flags: list[str]) -> Extension:
    """One extension module."""
    macros = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
    if name == "cpu_features" and not MSVC:  # which `naivegrad info` prints
        macros.append(("NAIVEGRAD_FLAGS", f'"{" ".join(FLAGS)}"'))
    headers = [*Path("cuda").glob("*.h"), *Path("naivegrad/kernels").glob("*.h")]
    return Extension(
        f"naivegrad.kernels.{name}",
        [source],
        include_dirs=[numpy.get_include(), "cuda", "naivegrad/kernels"],
        define_macros=macros,
        extra_compile_args=[*FLAGS, *OWN_FLAGS.get(name.split(".")[-1], []), *flags],
        extra_link_args=LINK,
        depends=[str(OPTIONS), *map(str, headers)],
    )


def extensions() -> list[Extension]:
    """All modules; those BY_LEVEL again for each level, from the same C file.

    The init function's name is made of the module's short name, which is the same at each level.
    """
    note_options()
    modules = cythonize(
        [extension(name, f"naivegrad/kernels/{name}.pyx", []) for name in MODULES],
        build_dir=str(C_FOLDER),
        nthreads=os.cpu_count() if multiprocessing.get_start_method() == "fork" else 0,
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
    by_level = [
        extension(f"{level}.{name}", str(C_FOLDER / f"naivegrad/kernels/{name}.c"), flags)
        for level, flags in LEVELS.items()
        for name in sorted(BY_LEVEL)
    ]
    return modules + by_level


class BuildExt(build_ext):
    """Compile in parallel, and only what the compiler at hand can."""

    def finalize_options(self) -> None:
        """Use all cores unless told otherwise by -j."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self) -> None:
        """Ask the compiler what it knows, then build."""
        if not MSVC:
            self.require_compiler()
            known = {k for k, flags in LEVELS.items() if self.compiles("", flags)}
            self.extensions = [
                e for e in self.extensions if e.name.split(".")[2] not in LEVELS.keys() - known
            ]
        flags = ["/openmp"] if MSVC else ["-fopenmp"]
        if OPENMP and (MSVC or self.compiles("#include <omp.h>\n", flags)):
            for e in self.extensions:
                e.extra_compile_args += flags
                e.extra_link_args = [*LINK, *([] if MSVC else flags)]
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        """Build one module in a folder of its own: the levels of one module share a C file.

        An editable install builds in place; there a module is left as it is while nothing that it
        depends on has changed.
        """
        target = Path(self.get_ext_fullpath(ext.name))
        in_place = Path(*ext.name.split(".")[:-1], target.name)
        if self.editable_mode and not newer_group([*ext.sources, *ext.depends], str(in_place)):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(in_place, target)
            return
        own = copy.copy(self)
        own.build_temp = str(Path(self.build_temp, ext.name))
        super(BuildExt, own).build_extension(ext)

    def compiles(self, head: str, flags: list[str]) -> bool:
        """Whether a program beginning with `head` compiles and links with `flags`."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(head + "int main(void) { return 0; }\n")
            command = [
                *self.compiler.compiler,
                *flags,
                str(source),
                "-o",
                str(Path(folder, "probe")),
            ]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def require_compiler(self) -> None:
        """Say what is missing in a sentence; a failing compile says it in a hundred lines."""
        try:
            works = self.compiles("", [])
        except OSError:
            works = False
        if not works:
            name = os.environ.get("CC", self.compiler.compiler[0])
            sys.exit(
                f"naivegrad: no working C compiler ({name}).\n"
                "  Debian, Ubuntu: apt install build-essential    macOS: xcode-select --install\n"
                "  or name one: CC=clang pip install ."
            )
        include = sysconfig.get_path("include")
        if not self.compiles("#include <Python.h>\n", [f"-I{include}"]):
            sys.exit(
                f"naivegrad: Python.h was not found in {include}.\n"
                "  Debian, Ubuntu: apt install python3-dev    Fedora: dnf install python3-devel"
            )


setup(
    ext_modules=extensions(),
    cmdclass={"build_ext": BuildExt},
    # Found, not listed: a new folder cannot be forgotten.
    packages=[*find_packages(include=["naivegrad*"]), "naivegrad._cuda"],
)
