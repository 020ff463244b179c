"""`einops` takes our tensors.

It asks each of its backends whether a tensor is theirs, and finds them as the subclasses of one
class. Ours can be defined only when einops is there, which may be imported before or after us.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from types import ModuleType
from typing import Any

NAME = "einops._backends"


def add_backend(backends: ModuleType) -> None:
    """Define our backend: PyTorch's, with our functions under their common names."""

    class NaivegradBackend(backends.TorchBackend):  # type: ignore[name-defined,misc]
        framework_name = "naivegrad"

        def __init__(self) -> None:
            self.torch = sys.modules["naivegrad"]

    backends.NaivegradBackend = NaivegradBackend  # einops itself does not keep it alive


class _WhenImported(importlib.abc.MetaPathFinder):
    """Lets einops be imported as ever, and then adds our backend."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                add_backend(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def prepare() -> None:
    """Add our backend to einops now, or as soon as it is imported."""
    if NAME in sys.modules:
        add_backend(sys.modules[NAME])
    else:
        sys.meta_path.insert(0, _WhenImported())
