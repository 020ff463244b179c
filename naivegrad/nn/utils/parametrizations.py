"""Weights kept orthogonal, of spectral norm 1, or split into length and direction."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from naivegrad.autograd import no_grad
from naivegrad.dtype import finfo
from naivegrad.nn import functional as F
from naivegrad.nn.module import Module
from naivegrad.nn.utils.parametrize import register_parametrization
from naivegrad.nn.utils.spectral_norm import as_matrix, default_dim
from naivegrad.nn.utils.weight_norm import norm_except_dim, weight_of
from naivegrad.ops import allclose, as_tensor, cat, eye, matrix_exp, qr, randn, vdot
from naivegrad.ops.solve import solve, solve_triangular
from naivegrad.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    """g, v -> g v / |v|."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_of(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Train a weight as length times direction.

        weight = g v / |v|

    Parameters
    ----------
    module : Module
    name : str
    dim : int or None       the norm is taken of each slice along dim; None: of the whole weight

    Returns
    -------
    the module, with parametrizations.weight.original0 (g) and original1 (v); a state dict of the
    older `nn.utils.weight_norm` can be loaded too

    Examples
    --------
    >>> from naivegrad import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    (40, 1)

    References
    ----------
    Salimans & Kingma 2016, "Weight normalization".
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_OlderWeightNorm(name))
    return module


class _OlderWeightNorm:
    """A hook of load_state_dict: the names that `nn.utils.weight_norm` gives."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        older = [f"{prefix}{self.name}_{letter}" for letter in "gv"]
        if all(key in state_dict for key in older):
            for i, key in enumerate(older):
                newer = f"{prefix}parametrizations.{self.name}.original{i}"
                state_dict[newer] = state_dict.pop(key)


class _SpectralNorm(Module):
    """weight -> weight / its largest singular value, about; u and v are its singular vectors."""

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"spectral_norm: dim {dim} is out of range for a weight of shape "
                f"{tuple(weight.shape)}"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}"
            )
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim).detach()
            u, v = matrix.new_empty(matrix.shape[0]), matrix.new_empty(matrix.shape[1])
            self.register_buffer("_u", F.normalize(u.normal_(), dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v.normal_(), dim=0, eps=eps))
            self._power_method(matrix, 15)

    @no_grad()
    def _power_method(self, matrix: Tensor, n: int) -> None:
        for _ in range(n):
            self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.mH.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # Copies: the next forward changes u and v, and backward of this one needs them still.
        u, v = self._u.clone(), self._v.clone()
        return weight / vdot(u, matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by its largest singular value, so that the layer is Lipschitz with 1.

        weight = original / (u^T W v),    W the original as a matrix, u and v its singular vectors

    u and v come closer with every reading of the weight in training mode, by the power method.

    Parameters
    ----------
    module : Module
    name : str
    n_power_iterations : int    steps at each reading
    eps : float                 the least norm that is divided by
    dim : int, optional         the rows of W; 0, and 1 for transposed convolutions

    References
    ----------
    Miyato et al. 2018, "Spectral normalization for generative adversarial networks".
    """
    weight = _weight(module, name, "spectral_norm")
    dim = default_dim(module) if dim is None else dim
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, dim, eps)
    )


class _Orthogonal(Module):
    """A matrix -> one with orthonormal columns, or rows if these are fewer."""

    base: Tensor | None

    def __init__(
        self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("orthogonal: the map 'householder' does not take complex weights")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = _householder(x) if self.orthogonal_map == "householder" else self._of_skew(x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _of_skew(self, x: Tensor) -> Tensor:
        """The first columns of f(A), with A made skew-symmetric from the lower triangle of x."""
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = cat([x, x.new_zeros((*x.shape[:-1], n - k))], dim=-1)
        a = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = matrix_exp(a)
        else:  # the Cayley transform, (I + A/2) / (I - A/2)
            identity = eye(n, dtype=a.dtype, device=a.device)
            q = solve(identity - a / 2, identity + a / 2)
        return q[..., :k]

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"orthogonal: expected a tensor of shape {tuple(self.shape)}, got {tuple(q.shape)}"
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    f"orthogonal: with use_trivialization=False the map {self.orthogonal_map!r} "
                    "cannot be inverted, so the weight cannot be assigned to"
                )
            reflectors = _reflectors(tall)
            return reflectors.mT if wide else reflectors
        if n != k:  # any columns that complete it
            more = randn(*tall.shape[:-1], n - k, dtype=tall.dtype, device=tall.device)
            self.base = _nearby_orthogonal(cat([tall, more], dim=-1))
        else:
            self.base = tall.clone() if _is_orthogonal(tall) else _nearby_orthogonal(tall)
        # Where every map gives the identity: the diagonal is only looked at by "householder".
        start = q.new_zeros(q.shape)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return start


def _householder(x: Tensor) -> Tensor:
    """The first columns of H_1 ... H_k, times the signs on the diagonal of x.

    H_i = I - 2 v_i v_i^T / |v_i|^2, with 1 at place i of v_i, below it column i of x. In one step
    (Puglisi 1992): H_1 ... H_k = I - V S^-1 V^T, with S the upper triangle of V^T V, its diagonal
    halved.
    """
    k = x.shape[-1]
    identity = eye(x.shape[-2], k, dtype=x.dtype, device=x.device)
    v = x.tril(-1) + identity
    squares = v.mT @ v
    s = squares.triu(1) + (squares.diagonal(dim1=-2, dim2=-1) / 2).diag_embed()
    q = identity - v @ solve_triangular(s, v[..., :k, :].mT, upper=True)
    return q * x.detach().diagonal(dim1=-2, dim2=-1).trunc().unsqueeze(-2)


def _reflectors(q: Tensor) -> Tensor:
    """The x for which `_householder` gives q, if the columns of q are orthonormal."""
    h, tau = np.linalg.qr(q.detach().numpy(), mode="raw")
    x = np.ascontiguousarray(np.swapaxes(h, -1, -2))
    i = np.arange(x.shape[-1])
    # LAPACK leaves a reflection out where tau is 0; `_householder` makes it, and turns a sign.
    x[..., i, i] = np.sign(x[..., i, i]) * np.where(tau == 0, -1, 1)
    return as_tensor(x)


def _nearby_orthogonal(a: Tensor) -> Tensor:
    """The Q of a = QR with a positive diagonal of R."""
    q, r = qr(a)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthogonal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    identity = eye(k, dtype=q.dtype, device=q.device)
    return allclose(q.mH @ q, identity, atol=10 * n * finfo(q.dtype).eps)


def orthogonal(
    module: M,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> M:
    """Keep a matrix, or a batch of them, orthogonal: orthonormal columns, or rows if fewer.

    Parameters
    ----------
    module : Module
    name : str
    orthogonal_map : "matrix_exp", "cayley" or "householder", optional
        How an orthogonal matrix is made of the trained one: exp(A) or the Cayley transform of the
        skew-symmetric A that its lower triangle gives, or a product of reflections by its columns.
        "matrix_exp" for square matrices, else "householder".
    use_trivialization : bool
        Move from the matrix that the weight was first, which makes training easier.

    Raises
    ------
    ValueError
        If the weight is no matrix, or the map unknown.

    References
    ----------
    Lezcano-Casado 2019, "Trivializations for gradient-based optimization on manifolds".
    """
    weight = _weight(module, name, "orthogonal")
    if weight.ndim < 2:
        raise ValueError(f"orthogonal: expected a matrix, got shape {tuple(weight.shape)}")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    maps = ("matrix_exp", "cayley", "householder")
    if orthogonal_map not in maps:
        raise ValueError(
            f"orthogonal: orthogonal_map must be one of {maps}, got {orthogonal_map!r}"
        )
    parametrization = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, parametrization, unsafe=True)


def _weight(module: Module, name: str, who: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{who}: {type(module).__name__} has no parameter or buffer {name!r}")
    return weight
