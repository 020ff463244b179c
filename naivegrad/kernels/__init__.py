"""The compiled loops. Those built for several instruction sets come from the widest that runs here.

NAIVEGRAD_ISA=base, v3 or v4 (x86-64 levels) overrides the choice.
"""

import importlib
import os

from naivegrad.kernels import array, cpu_features, threads


def _choose_level() -> str:
    """The name of the level to import: "base", "v3" or "v4"."""
    best = cpu_features.isa_level()
    runnable = [name for name, needs in (("base", 1), ("v3", 3), ("v4", 4)) if needs <= best]
    wish = os.environ.get("NAIVEGRAD_ISA", runnable[-1])
    if wish not in runnable:
        raise ImportError(f"NAIVEGRAD_ISA={wish}: this processor runs {', '.join(runnable)}")
    return wish


isa = _choose_level()
_prefix = "naivegrad.kernels." if isa == "base" else f"naivegrad.kernels.{isa}."
try:
    elementwise = importlib.import_module(f"{_prefix}elementwise")
except ModuleNotFoundError:  # not an x86-64 build: there is only the base level
    isa, _prefix = "base", "naivegrad.kernels."
    elementwise = importlib.import_module(f"{_prefix}elementwise")
reduce = importlib.import_module(f"{_prefix}reduce")

__all__ = ["array", "cpu_features", "elementwise", "isa", "reduce", "threads"]
