"""Special functions, under the names of torch.special."""

from naivegrad.missing import lookup as _lookup
from naivegrad.ops import (
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    i0,
    log1p,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    round,
    sinc,
    softmax,
    xlogy,
)
from naivegrad.ops import digamma as psi
from naivegrad.ops import lgamma as gammaln
from naivegrad.ops import mvlgamma as multigammaln
from naivegrad.ops import sigmoid as expit
from naivegrad.ops.pairs import xlog1py
from naivegrad.ops.special import i0e, i1, i1e, ndtr

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]

__getattr__ = _lookup(__name__)
