"""Which values are allowed: for parameters, and for what a distribution is asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from naivegrad import linalg, ops
from naivegrad.tensor import Tensor


class Constraint:
    """A set of values.

    Parameters
    ----------
    name : str
        How it is printed.
    holds : callable
        From a tensor to a tensor of truth values.
    event_dim : int
        How many dimensions one value has: 0 for numbers, 1 for vectors.
    is_discrete : bool
        Whether it holds whole numbers only.
    """

    def __init__(
        self,
        name: str,
        holds: Callable[[Tensor], Tensor],
        event_dim: int = 0,
        is_discrete: bool = False,
    ) -> None:
        self.event_dim = event_dim
        self.is_discrete = is_discrete
        self._name = name
        self._holds = holds

    def check(self, value: Tensor) -> Tensor:
        """Which of the values belong to it: without the last `event_dim` dimensions."""
        return self._holds(value)

    def __repr__(self) -> str:
        return self._name


def greater_than(lower_bound: Any) -> Constraint:
    """Numbers above a bound."""
    return Constraint(f"GreaterThan(lower_bound={lower_bound})", lambda x: lower_bound < x)


def greater_than_eq(lower_bound: Any) -> Constraint:
    """Numbers from a bound on."""
    return Constraint(f"GreaterThanEq(lower_bound={lower_bound})", lambda x: lower_bound <= x)


def less_than(upper_bound: Any) -> Constraint:
    """Numbers below a bound."""
    return Constraint(f"LessThan(upper_bound={upper_bound})", lambda x: x < upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Numbers between two bounds, with them."""
    name = f"Interval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: (lower_bound <= x) & (x <= upper_bound))


def half_open_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Numbers from a bound up to another one, without that."""
    name = f"HalfOpenInterval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: (lower_bound <= x) & (x < upper_bound))


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Whole numbers between two bounds, with them."""
    name = f"IntegerInterval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(
        name, lambda x: (x % 1 == 0) & (lower_bound <= x) & (x <= upper_bound), is_discrete=True
    )


def multinomial(upper_bound: Any) -> Constraint:
    """Vectors of counts that add up to a number."""
    return Constraint(
        f"Multinomial(upper_bound={upper_bound})",
        lambda x: (x >= 0).all(-1) & (x.sum(-1) == upper_bound),
        1,
        True,
    )


def independent(base_constraint: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """Blocks of values that all belong to another constraint."""

    def holds(x: Tensor) -> Tensor:
        each = base_constraint.check(x)
        keep = each.ndim - reinterpreted_batch_ndims
        return each.reshape((*each.shape[:keep], -1)).all(-1)

    return Constraint(
        f"Independent({base_constraint!r}, {reinterpreted_batch_ndims})",
        holds,
        base_constraint.event_dim + reinterpreted_batch_ndims,
        base_constraint.is_discrete,
    )


def _triangular(x: Tensor) -> Tensor:
    flat = (*x.shape[:-2], -1)
    return (ops.tril(x) == x).reshape(flat).all(-1) & (x.diagonal(0, -2, -1) > 0).all(-1)


def _positive_definite(x: Tensor) -> Tensor:
    symmetric = ops.isclose(x, x.mT, atol=1e-6).reshape((*x.shape[:-2], -1)).all(-1)
    return symmetric & (linalg.cholesky_ex(x).info == 0)


#: Depends on the other parameters: the distribution checks it itself.
dependent = Constraint("Dependent()", lambda x: ops.full_like(x, True))
real = Constraint("Real()", lambda x: x == x)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1), is_discrete=True)
nonnegative_integer = Constraint(
    "IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0), is_discrete=True
)
real_vector = independent(real, 1)
simplex = Constraint(
    "Simplex()", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), event_dim=1
)
one_hot = Constraint(
    "OneHot()", lambda x: ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1), 1, True
)
lower_cholesky = Constraint("LowerCholesky()", _triangular, event_dim=2)
positive_definite = Constraint("PositiveDefinite()", _positive_definite, event_dim=2)
