"""The modules under the paths at which PyTorch programs look for them."""

from naivegrad.nn.modules import (
    activation,
    adaptive,
    batchnorm,
    channelshuffle,
    container,
    conv,
    distance,
    dropout,
    flatten,
    fold,
    instancenorm,
    lazy,
    linear,
    loss,
    module,
    normalization,
    padding,
    pixelshuffle,
    pooling,
    rnn,
    sparse,
    transformer,
    upsampling,
    utils,
)
from naivegrad.nn.modules.activation import *
from naivegrad.nn.modules.adaptive import *
from naivegrad.nn.modules.batchnorm import *
from naivegrad.nn.modules.channelshuffle import *
from naivegrad.nn.modules.container import *
from naivegrad.nn.modules.conv import *
from naivegrad.nn.modules.distance import *
from naivegrad.nn.modules.dropout import *
from naivegrad.nn.modules.flatten import *
from naivegrad.nn.modules.fold import *
from naivegrad.nn.modules.instancenorm import *
from naivegrad.nn.modules.lazy import *
from naivegrad.nn.modules.linear import *
from naivegrad.nn.modules.loss import *
from naivegrad.nn.modules.module import *
from naivegrad.nn.modules.normalization import *
from naivegrad.nn.modules.padding import *
from naivegrad.nn.modules.pixelshuffle import *
from naivegrad.nn.modules.pooling import *
from naivegrad.nn.modules.rnn import *
from naivegrad.nn.modules.sparse import *
from naivegrad.nn.modules.transformer import *
from naivegrad.nn.modules.upsampling import *
