"""Linear layers."""

from naivegrad.nn.lazy import LazyLinear
from naivegrad.nn.linear import Bilinear, Identity, Linear

# In PyTorch a class of its own, so that it is not quantised; there is nothing to tell it apart by.
NonDynamicallyQuantizableLinear = Linear

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear", "NonDynamicallyQuantizableLinear"]
