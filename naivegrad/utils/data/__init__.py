"""`naivegrad.data` under the name that PyTorch programs import."""

from naivegrad.data import *
from naivegrad.data import __all__ as __all__
from naivegrad.missing import lookup as _lookup
from naivegrad.utils.data import dataloader, dataset, distributed, sampler

__getattr__ = _lookup(__name__)
