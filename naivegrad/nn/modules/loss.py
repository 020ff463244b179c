"""Losses, and their bases for `isinstance`."""

from naivegrad.nn.loss import *  # noqa: F403
from naivegrad.nn.loss import Loss as _Loss  # noqa: F401
from naivegrad.nn.loss import WeightedLoss as _WeightedLoss  # noqa: F401
from naivegrad.nn.margin import *  # noqa: F403
