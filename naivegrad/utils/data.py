"""`naivegrad.data` under the name that PyTorch programs import."""

from naivegrad.data import *  # noqa: F403
from naivegrad.data import __all__ as __all__
