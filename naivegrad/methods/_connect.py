"""How the methods get at the operations, which need Tensor and so are imported after it."""

from __future__ import annotations

import sys
from typing import Any


def connect(**names: Any) -> None:
    """Make modules of naivegrad/ops, and Tensor, known in every file of this folder."""
    for name, module in list(sys.modules.items()):
        if name.startswith("naivegrad.methods."):
            vars(module).update(names)
