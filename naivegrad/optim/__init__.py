"""Optimizers."""

from naivegrad.missing import lookup as _lookup
from naivegrad.optim import lr_scheduler
from naivegrad.optim.adam import Adam, AdamW
from naivegrad.optim.optimizer import Optimizer
from naivegrad.optim.rmsprop import RMSprop
from naivegrad.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]

__getattr__ = _lookup(__name__)
