"""Which build of a kernel module runs here: those for wider vectors are used where they can be.

NAIVEGRAD_ISA=base, v3 or v4 (x86-64 levels) overrides the choice.
"""

import importlib
import os
from types import ModuleType

from naivegrad.kernels import cpu_features


def choose() -> str:
    """The name of the level to import: "base", "v3" or "v4"."""
    best = cpu_features.isa_level()
    runnable = [name for name, needs in (("base", 1), ("v3", 3), ("v4", 4)) if needs <= best]
    wish = os.environ.get("NAIVEGRAD_ISA", runnable[-1])
    if wish not in runnable:
        raise ImportError(f"NAIVEGRAD_ISA={wish}: this processor runs {', '.join(runnable)}")
    try:
        importlib.import_module(f"naivegrad.kernels.{wish}.elementwise")
    except ModuleNotFoundError:  # the base level was chosen, or is the only one that was built
        return "base"
    return wish


def load(name: str) -> ModuleType:
    """The module `name` of the chosen level."""
    folder = "" if isa == "base" else isa + "."
    return importlib.import_module(f"naivegrad.kernels.{folder}{name}")


isa = choose()
