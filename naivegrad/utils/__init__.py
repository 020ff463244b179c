"""Where PyTorch programs look for `utils.data` and `utils.checkpoint`."""

from naivegrad.missing import lookup as _lookup
from naivegrad.utils import checkpoint, data, tensorboard

__getattr__ = _lookup(__name__)
