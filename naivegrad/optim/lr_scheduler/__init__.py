"""Learning rates that change while training: call `step()` after each epoch, or each batch."""

from naivegrad.missing import lookup as _lookup
from naivegrad.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from naivegrad.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from naivegrad.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from naivegrad.optim.lr_scheduler.cyclic import CyclicLR, OneCycleLR
from naivegrad.optim.lr_scheduler.factor import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from naivegrad.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

__getattr__ = _lookup(__name__)
