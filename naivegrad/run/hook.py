"""The import hook: `import torch` gives naivegrad, `import torchvision` gives naivegrad.vision.

They are the same module objects under two names, so that classes and state are shared. The hook
stands before every other finder: it wins over a PyTorch that is installed.
"""

from __future__ import annotations

import importlib
import multiprocessing.spawn
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import naivegrad
from naivegrad.run.version import Version
from naivegrad.size import library

# Where our module of that name lies elsewhere; whatever is below it lies below.
PLACES = {
    "torch": "naivegrad",
    "torch.cuda.amp": "naivegrad.amp.cuda",
    "torchvision": "naivegrad.vision",
    **{
        f"torch.{name}": f"naivegrad.compat.{name}"
        for name in (
            *("accelerator", "backends", "compiler", "cpu", "cuda", "distributed", "hub", "jit"),
            *("mps", "multiprocessing", "onnx", "overrides", "sparse", "testing", "version"),
            "xpu",
        )
    },
}


def place_of(name: str) -> str:
    """The name under which naivegrad has a module of PyTorch; it need not exist."""
    known, rest = name, ""
    while known not in PLACES:
        known, _, last = known.rpartition(".")
        rest = f".{last}{rest}"
    return PLACES[known] + rest


class Finder(MetaPathFinder, Loader):
    """Finds torch, torchvision, and what is below them, and nothing else."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of one of our modules under another name; ModuleNotFoundError without one."""
        if name.partition(".")[0] not in ("torch", "torchvision"):
            return None
        place = place_of(name)
        try:
            found = place in sys.modules or find_spec(place) is not None
        except ModuleNotFoundError:  # not even what it lies in
            found = False
        if not found:
            raise ModuleNotFoundError(
                f"No module named {name!r}: this program runs on naivegrad, which has no "
                f"{place.removeprefix('naivegrad.')!r} (see docs/differences.md)",
                name=name,
            )
        return ModuleSpec(name, self, origin=place)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Our module, which keeps its own spec."""
        module = importlib.import_module(str(spec.origin))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it has run. Importing gave it the spec of the other name: take that back."""
        spec = module.__spec__
        if spec is not None and spec.loader is self:
            module.__spec__ = spec.loader_state


class InstallInChild:
    """Unpickling it installs the hook: it travels with what a new process is told."""

    def __reduce__(self) -> Any:
        root = str(Path(naivegrad.__file__).parent.parent)
        code = (
            f"import sys\nif {root!r} not in sys.path: sys.path.append({root!r})\n"
            "from naivegrad.run.hook import install\ninstall()"
        )
        return exec, (code,)


def install() -> None:
    """Let every `import torch` from now on, in this process and those it spawns, give naivegrad.

    The library then shows itself under PyTorch's name and version.
    """
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    for name in [n for n in sys.modules if n.partition(".")[0] in ("torch", "torchvision")]:
        if sys.modules[name] is not None:
            raise ImportError("naivegrad cannot stand in for PyTorch: torch is imported already")
    sys.meta_path.insert(0, Finder())
    library.name = "torch"
    naivegrad.__version__ = Version.of_pytorch()

    prepare = multiprocessing.spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {"naivegrad": InstallInChild(), **prepare(name)}

    multiprocessing.spawn.get_preparation_data = get_preparation_data
