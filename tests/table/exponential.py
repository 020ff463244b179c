"""Rows: exponentials and logarithms."""

import numpy as np

from .elementwise import POSITIVE, unary

OPS = [
    unary("exp2", lambda lib, x: lib.exp2(x), np.exp2, ("Exp2",)),
    unary("expm1", lambda lib, x: lib.expm1(x), np.expm1, ("Expm1",)),
    unary("log2", lambda lib, x: lib.log2(x), np.log2, ("Log2",), **POSITIVE),
    unary("log10", lambda lib, x: lib.log10(x), np.log10, ("Log10",), **POSITIVE),
]
