"""`torchvision.transforms`."""

from naivegrad.missing import lookup as _lookup
from naivegrad.vision.transforms import functional, v2
from naivegrad.vision.transforms.chance import *
from naivegrad.vision.transforms.functional import InterpolationMode
from naivegrad.vision.transforms.plain import *

__getattr__ = _lookup(__name__)
