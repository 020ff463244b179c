"""`torchvision.transforms.v2`: the same transforms, for pictures only, with ToImage and ToDtype."""

from naivegrad.missing import lookup as _lookup
from naivegrad.vision.transforms import functional
from naivegrad.vision.transforms.chance import *
from naivegrad.vision.transforms.functional import InterpolationMode
from naivegrad.vision.transforms.plain import *

__getattr__ = _lookup(__name__)
