"""`torchvision.models`: none. Programs that write their networks themselves need none."""

from naivegrad.missing import lookup as _lookup

__getattr__ = _lookup(__name__)
