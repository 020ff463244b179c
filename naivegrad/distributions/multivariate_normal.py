"""The normal distribution of vectors."""

from __future__ import annotations

from collections.abc import Sequence

from naivegrad import linalg, ops
from naivegrad.autograd import enable_grad
from naivegrad.distributions import constraints
from naivegrad.distributions.distribution import Distribution
from naivegrad.distributions.normal import HALF_LOG_TWO_PI
from naivegrad.tensor import Tensor


class MultivariateNormal(Distribution):
    """Normal vectors with a covariance: loc + L u, u of independent standard normal numbers.

    Parameters
    ----------
    loc : the mean, (..., D)
    covariance_matrix, precision_matrix, scale_tril : one of them: the covariance L Lᵀ, its inverse,
        or L, lower triangular, (..., D, D)
    validate_args : see Distribution
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        matrices = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(matrices) != 1:
            raise ValueError(f"MultivariateNormal: needs exactly one of {', '.join(given)}")
        ((name, matrix),) = matrices.items()
        if loc.ndim < 1 or matrix.ndim < 2 or matrix.shape[-2:] != (*loc.shape[-1:] * 2,):
            raise ValueError(
                f"MultivariateNormal: loc is (..., D) and {name} (..., D, D), got "
                f"{tuple(loc.shape)} and {tuple(matrix.shape)}"
            )
        batch = ops.broadcast_shapes(loc.shape[:-1], matrix.shape[:-2])
        self.loc = loc.expand((*batch, *loc.shape[-1:]))
        self.__dict__[name] = matrix.expand((*batch, *matrix.shape[-2:]))
        super().__init__(batch, loc.shape[-1:], validate_args)

    def __getattr__(self, name: str) -> Tensor:
        """The other two matrices, made when asked for."""
        if name not in ("covariance_matrix", "precision_matrix", "scale_tril"):
            raise AttributeError(f"MultivariateNormal has no attribute {name!r}")
        with enable_grad():  # it is kept, even if a sample asks for it
            self.__dict__[name] = matrix = self._made(name)
        return matrix

    def _made(self, name: str) -> Tensor:
        if name == "scale_tril":
            return linalg.cholesky(self.covariance_matrix)
        if name == "covariance_matrix" and "scale_tril" in self.__dict__:
            return self.scale_tril @ self.scale_tril.mT
        other = "precision_matrix" if name == "covariance_matrix" else "covariance_matrix"
        return linalg.inv(getattr(self, other))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale_tril.square().sum(-1)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        u = ops.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + (self.scale_tril @ u.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        off = self.whitened(value - self.loc)
        return -0.5 * off.square().sum(-1) - self._log_volume()

    def entropy(self) -> Tensor:
        return 0.5 * self.event_shape[0] + self._log_volume()

    def whitened(self, off: Tensor) -> Tensor:
        """L⁻¹ of vectors."""
        return linalg.solve_triangular(self.scale_tril, off.unsqueeze(-1), upper=False).squeeze(-1)

    def _log_volume(self) -> Tensor:
        scale = self.scale_tril.diagonal(0, -2, -1).log().sum(-1)
        return scale + self.event_shape[0] * HALF_LOG_TWO_PI
