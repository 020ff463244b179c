"""The op table: one row per op, split by family as the library is."""

from . import (
    arrangement,
    attention,
    conv,
    einsum,
    elementwise,
    index,
    interpolate,
    linalg,
    loss,
    movement,
    norm,
    pixel,
    pool,
    product,
    random,
    reduce,
    scan,
    scatter,
    softmax,
)
from .row import LAYOUTS, Case, Error, Input, Op, Pin, as_list, case, draw, lay_out

FAMILIES = (
    attention,
    elementwise,
    reduce,
    scan,
    movement,
    arrangement,
    index,
    scatter,
    linalg,
    einsum,
    product,
    conv,
    pool,
    interpolate,
    pixel,
    softmax,
    loss,
    norm,
    random,
)
OPS: list[Op] = [op for family in FAMILIES for op in family.OPS]

__all__ = [
    "FAMILIES",
    "LAYOUTS",
    "OPS",
    "Case",
    "Error",
    "Input",
    "Op",
    "Pin",
    "as_list",
    "case",
    "draw",
    "lay_out",
]
