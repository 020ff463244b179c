"""The compiled loops. Those built for several instruction sets come from the widest that runs here.

NAIVEGRAD_ISA=base, v3 or v4 (x86-64 levels) overrides the choice.
"""

import importlib
import os

from naivegrad.kernels import array, cpu_features, embedding, threads, unfold


def _choose_level() -> str:
    """The name of the level to import: "base", "v3" or "v4"."""
    best = cpu_features.isa_level()
    runnable = [name for name, needs in (("base", 1), ("v3", 3), ("v4", 4)) if needs <= best]
    wish = os.environ.get("NAIVEGRAD_ISA", runnable[-1])
    if wish not in runnable:
        raise ImportError(f"NAIVEGRAD_ISA={wish}: this processor runs {', '.join(runnable)}")
    return wish


BY_LEVEL = (  # as in setup.py
    "conv",
    "elementwise",
    "loss",
    "matmul",
    "norm",
    "optim",
    "pool",
    "random",
    "reduce",
    "softmax",
)

isa = _choose_level()
try:
    importlib.import_module(f"naivegrad.kernels.{isa}.elementwise")
except ModuleNotFoundError:  # the base level was chosen, or is the only one on this machine
    isa = "base"
_prefix = "naivegrad.kernels." if isa == "base" else f"naivegrad.kernels.{isa}."
conv, elementwise, loss, matmul, norm, optim, pool, random, reduce, softmax = (
    importlib.import_module(_prefix + name) for name in BY_LEVEL
)

__all__ = [
    "array",
    "conv",
    "cpu_features",
    "elementwise",
    "embedding",
    "isa",
    "loss",
    "matmul",
    "norm",
    "optim",
    "pool",
    "random",
    "reduce",
    "softmax",
    "threads",
    "unfold",
]
