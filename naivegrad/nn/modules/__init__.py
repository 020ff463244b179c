"""The modules under the paths at which PyTorch programs look for them."""

from naivegrad.nn.modules import (
    activation,
    batchnorm,
    container,
    conv,
    distance,
    dropout,
    flatten,
    instancenorm,
    lazy,
    linear,
    loss,
    module,
    normalization,
    pooling,
    rnn,
    sparse,
    utils,
)
from naivegrad.nn.modules.activation import *
from naivegrad.nn.modules.batchnorm import *
from naivegrad.nn.modules.container import *
from naivegrad.nn.modules.conv import *
from naivegrad.nn.modules.distance import *
from naivegrad.nn.modules.dropout import *
from naivegrad.nn.modules.flatten import *
from naivegrad.nn.modules.instancenorm import *
from naivegrad.nn.modules.lazy import *
from naivegrad.nn.modules.linear import *
from naivegrad.nn.modules.loss import *
from naivegrad.nn.modules.module import *
from naivegrad.nn.modules.normalization import *
from naivegrad.nn.modules.pooling import *
from naivegrad.nn.modules.rnn import *
from naivegrad.nn.modules.sparse import *
