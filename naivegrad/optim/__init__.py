"""Optimizers."""

from naivegrad.missing import lookup as _lookup
from naivegrad.optim import lr_scheduler, swa_utils
from naivegrad.optim.adadelta import Adadelta
from naivegrad.optim.adafactor import Adafactor
from naivegrad.optim.adagrad import Adagrad
from naivegrad.optim.adam import Adam
from naivegrad.optim.adamax import Adamax
from naivegrad.optim.adamw import AdamW
from naivegrad.optim.asgd import ASGD
from naivegrad.optim.lbfgs import LBFGS
from naivegrad.optim.muon import Muon
from naivegrad.optim.nadam import NAdam
from naivegrad.optim.optimizer import Optimizer
from naivegrad.optim.radam import RAdam
from naivegrad.optim.rmsprop import RMSprop
from naivegrad.optim.rprop import Rprop
from naivegrad.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]

__getattr__ = _lookup(__name__)
