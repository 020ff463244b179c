"""Linear algebra of complex matrices, and of awkward ones, against PyTorch."""

import numpy as np
import pytest

import naivegrad as ng
from harness import assert_close

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

COMPLEX = {
    "matmul": lambda lib, x, y: x @ y,
    "einsum": lambda lib, x, y: lib.einsum("ij,kj->ik", x, y),
    "dot": lambda lib, x, y: lib.dot(x[0], y[0]),
    "vdot": lambda lib, x, y: lib.vdot(x[0], y[0]),
    "mv": lambda lib, x, y: lib.mv(x, y[0]),
    "addmm": lambda lib, x, y: lib.addmm(x, x, y, beta=2, alpha=-1),
    "kron": lambda lib, x, y: lib.kron(x, y),
    "cross": lambda lib, x, y: lib.linalg.cross(x, y),
    "vecdot": lambda lib, x, y: lib.linalg.vecdot(x, y),
    "inv": lambda lib, x, y: lib.linalg.inv(x) * y,
    "det": lambda lib, x, y: lib.det(x) * lib.det(y),
    "solve": lambda lib, x, y: lib.linalg.solve(x, y),
    "solve_triangular": lambda lib, x, y: lib.linalg.solve_triangular(x, y, upper=True),
    "matrix_power": lambda lib, x, y: lib.matrix_power(x, -2) @ y,
    "norm": lambda lib, x, y: lib.linalg.vector_norm(x) * lib.linalg.vector_norm(y, 3, dim=0),
    "matrix_norm": lambda lib, x, y: lib.linalg.matrix_norm(x, 1) * lib.linalg.matrix_norm(y),
    "eigvals": lambda lib, x, y: (lib.linalg.eigvals(x) ** 3).sum() * lib.linalg.eigvals(y).sum(),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex(name):
    rng = np.random.default_rng(3)
    arrays = [
        rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)) + np.diag([3, 6j, -4])
        for _ in range(2)
    ]
    found = []
    for lib in (ng, torch):
        xs = [lib.tensor(a, requires_grad=True) for a in arrays]
        y = COMPLEX[name](lib, *xs)
        weights = lib.tensor(rng.spawn(1)[0].normal(size=tuple(y.shape)) * 0 + 1.5)
        loss = ((y * weights).abs() ** 2).sum()
        grads = lib.autograd.grad(loss, xs, materialize_grads=True)
        found.append([np.asarray(t.detach().tolist()) for t in (y, *grads)])
    for got, want in zip(*found, strict=True):
        assert_close(got.real, want.real, 1e-10)
        assert_close(got.imag, want.imag, 1e-10)


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 5), (2, 4, 3)])
def test_factors_make_up_the_matrix(shape):
    rng = np.random.default_rng(4)
    for dtype in (np.float32, np.float64):
        x = ng.tensor(rng.normal(size=shape).astype(dtype))
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        for full in (False, True):
            u, s, v = ng.linalg.svd(x, full)
            k = s.shape[-1]
            assert_close(
                (u[..., :k] * s.unsqueeze(-2) @ v[..., :k, :]).numpy(), x.numpy(), tolerance
            )
            q, r = ng.linalg.qr(x, "complete" if full else "reduced")
            assert_close((q @ r).numpy(), x.numpy(), tolerance)
        p, low, up = ng.linalg.lu(x)
        assert_close((p @ low @ up).numpy(), x.numpy(), tolerance)


def test_gradients_of_a_singular_determinant():
    """Where PyTorch divides by a zero pivot, the cofactors."""
    x = ng.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], requires_grad=True)
    (got,) = ng.autograd.grad(ng.linalg.det(x), x)
    assert_close(got.numpy(), [[4, 4, -4], [-2, -2, 2], [0, 0, 0]], 1e-6)


def test_norms_of_complex_matrices():
    x = ng.tensor([[3 + 4j, 0], [0, 1j]])
    assert ng.linalg.norm(x, 2, dim=1).tolist() == [5, 1]
    assert ng.linalg.norm(x, 1).item() == 5
    with pytest.raises(TypeError, match="must be of type float32 or float64"):
        ng.linalg.norm(x, "nuc")


def test_large_matrices_in_blocks():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 150, 150)), rng.normal(size=(2, 150, 3))
    x, y = ng.tensor(a), ng.tensor(b)
    lu, pivots = ng.linalg.lu_factor(x)
    want, want_pivots = torch.linalg.lu_factor(torch.tensor(a))
    assert_close(lu.numpy(), want.numpy(), 1e-10)
    np.testing.assert_array_equal(pivots.numpy(), want_pivots.numpy())
    assert_close(ng.linalg.lu_solve(lu, pivots, y).numpy(), np.linalg.solve(a, b), 1e-9)
    info = ng.linalg.lu_factor_ex(x * 0)[2]
    assert info.tolist() == [1, 1]
