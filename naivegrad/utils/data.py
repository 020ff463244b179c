"""`naivegrad.data` under the name that PyTorch programs import."""

from naivegrad.data import *
from naivegrad.data import __all__ as __all__
