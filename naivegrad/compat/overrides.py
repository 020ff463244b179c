"""`torch.overrides`: functions cannot be taken over by other classes."""

from collections.abc import Iterable
from typing import Any

from naivegrad.missing import lookup as _lookup
from naivegrad.ops import is_tensor


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """False."""
    return False


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a Tensor."""
    return is_tensor(inp)


__getattr__ = _lookup(__name__)
