"""A small stand-in for torchvision: the data sets, transforms and pictures that tutorials use.

A picture is a PIL image, an array (H, W) or (H, W, C) of uint8, or a tensor (..., H, W); transforms
take any of them. Data sets give PIL images where Pillow is installed, and arrays where it is not.
"""

from naivegrad.missing import lookup as _lookup
from naivegrad.vision import datasets, models, transforms, utils

__version__ = "0.28.0+naivegrad"
__getattr__ = _lookup(__name__)
