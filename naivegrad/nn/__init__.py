"""Layers, losses, and what holds them together."""

from naivegrad.nn import functional, init, utils
from naivegrad.nn.activation import (
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from naivegrad.nn.container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from naivegrad.nn.conv import Conv2d, Fold, Unfold
from naivegrad.nn.dropout import Dropout, Dropout1d, Dropout2d
from naivegrad.nn.embedding import Embedding
from naivegrad.nn.flatten import Flatten, Unflatten
from naivegrad.nn.linear import Bilinear, Identity, Linear
from naivegrad.nn.loss import CrossEntropyLoss, MSELoss, NLLLoss
from naivegrad.nn.module import Module
from naivegrad.nn.norm import BatchNorm1d, BatchNorm2d, LayerNorm
from naivegrad.nn.parameter import Parameter
from naivegrad.nn.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

__all__ = [
    "GELU",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bilinear",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "Fold",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Unflatten",
    "Unfold",
    "functional",
    "init",
    "utils",
]
