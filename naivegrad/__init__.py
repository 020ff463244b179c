"""A deep-learning engine to read in a week-end and to use on Monday."""

from math import e, inf, nan, pi

from naivegrad.tensor import Tensor  # first: the operations need it  # isort: skip
from naivegrad import autograd
from naivegrad.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from naivegrad.device import device, get_default_device, set_default_device
from naivegrad.dtype import (
    bfloat16,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    short,
    uint8,
)
from naivegrad.dtype import (
    bool_ as bool,
)
from naivegrad.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from naivegrad.ops import *
from naivegrad.printing import set_printoptions
from naivegrad.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from naivegrad.size import Size
from naivegrad.storage import UntypedStorage
from naivegrad.threads import get_num_threads, set_num_threads

# Last, for they are built from all of the above.
from naivegrad import amp  # isort: skip
from naivegrad.amp.autocast_mode import *  # isort: skip
from naivegrad.compat import *  # isort: skip
from naivegrad import data, distributions, fft, io, linalg, nn, optim, profiler, special, utils  # isort: skip
from naivegrad.profiler import profile  # isort: skip
from naivegrad._info import show_config  # isort: skip
from naivegrad._version import __version__  # isort: skip
from naivegrad import serialization  # isort: skip
from naivegrad.serialization import load, save  # isort: skip
from naivegrad.compat.einops import prepare as _prepare_einops  # isort: skip
from naivegrad.missing import lookup as _lookup  # isort: skip

_prepare_einops()

newaxis = None
__getattr__ = _lookup(__name__)
