"""Rows: factors of matrices. Of vectors defined up to their sign, squares are compared."""

import numpy as np
import scipy.linalg

from .row import Input, Op, case, error, fixed

SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


def apart(*shape):
    """Matrices with 2, 8, 18 ... added to the diagonal: regular, their singular values apart."""

    def draw(rng, shape):
        n = min(shape[-2:])
        x = rng.uniform(-1, 1, shape)
        x[..., np.arange(n), np.arange(n)] += 2.0 * np.arange(1, n + 1) ** 2
        return x

    return Input(shape, draw, "apart")


def lapack(name, f, reference, cases, functions=(), **options):
    """A row of an operation that takes float32 and float64 alone."""
    count = len(cases[0].inputs)
    refused = {(dtype,) * count: TypeError for dtype in ("float16", "int64")}
    options.setdefault("dtypes", refused)
    return Op(name, f, reference, cases, functions, **options)


def linalg(name, reference, cases, functions=(), f=None, label=None, **options):
    """A row for a function of naivegrad.linalg."""

    def call(lib, *xs, **o):
        return getattr(lib.linalg, name)(*xs, **o)

    options.setdefault("error_name", name)
    return lapack(f"linalg.{label or name}", f or call, reference, cases, functions, **options)


def is_text(x):
    """A test hands a text to each row."""
    return isinstance(x, str)


SQUARE = (
    case(apart(3, 3)),
    case(apart(2, 3, 3)),
    case(apart(2, 1, 2, 2)),
    case(apart(1, 1)),
    case((0, 3, 3)),
)
TALL_AND_WIDE = (
    case(apart(3, 3)),
    case(apart(4, 2)),
    case(apart(2, 4)),
    case(apart(2, 3, 2)),
    case(apart(1, 1)),
    case((2, 0, 3)),
)


def refuses_others(name):
    """What is no square matrix."""

    def call(lib, x):
        return getattr(lib.linalg, name, getattr(lib, name, None))(x)

    return (
        error(ValueError, r"square matrices, got shape \(2, 3\)", (2, 3), call=call),
        error(ValueError, r"at least 2 dimensions", (3,), call=call),
    )


def transposed(x):
    return x.swapaxes(-1, -2)


def positive(lib, x):
    """A symmetric positive definite matrix made of any."""
    return x @ x.mT + lib.eye(x.shape[-1], dtype=x.dtype)


def np_cholesky(x, upper=False):
    y = np.linalg.cholesky(x @ transposed(x) + np.eye(x.shape[-1]))
    return transposed(y) if upper else y


def np_svd(x, full_matrices=False, some=True):
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return s, u[..., :1] ** 2, v[..., :1, :] ** 2, u[..., :1] @ v[..., :1, :]


def f_svd(lib, x, **options):
    u, s, v = lib.linalg.svd(x, **options)
    return s, u[..., :1] ** 2, v[..., :1, :] ** 2, u[..., :1] @ v[..., :1, :]


def f_old_svd(lib, x, **options):
    u, s, v = lib.svd(x, **options)
    return s, u[..., :1] ** 2, v.mT[..., :1, :] ** 2, u[..., :1] @ v.mT[..., :1, :]


def np_eigh(x, UPLO="L"):
    w, v = np.linalg.eigh(x + transposed(x))
    return w, v[..., :1] ** 2, v[..., -1:] @ transposed(v[..., -1:])


def f_eigh(lib, x, **options):
    w, v = lib.linalg.eigh(x + x.mT, **options)
    return w, v[..., :1] ** 2, v[..., -1:] @ v[..., -1:].mT


def np_qr(x, mode="reduced", some=True):
    q, r = np.linalg.qr(x, "complete" if mode == "complete" or not some else "reduced")
    k = min(x.shape[-2:])
    return q[..., :k] ** 2, r**2, q @ r


def f_qr(lib, x, old=False, **options):
    q, r = lib.qr(x, **options) if old else lib.linalg.qr(x, **options)
    return q[..., : min(x.shape[-2:])] ** 2, r**2, q @ r


def low_rank(lib, function, x, **options):
    """Singular values and the product of the factors of a matrix of rank 2."""
    lib.manual_seed(0)
    u, s, v = function(x if is_text(x) else x[:, :2] @ x[:2], **options)
    return s, (u * s.unsqueeze(-2)) @ v.mT


def np_low_rank(x, q, center):
    x = x[:, :2] @ x[:2]
    x = x - x.mean(0) if center else x
    return np.linalg.svd(x, compute_uv=False)[:q], x


def np_lu(x):
    (*lead, m, n), k = x.shape, min(x.shape[-2:])
    low, up = np.zeros((*lead, m, k)), np.zeros((*lead, k, n))
    for i in np.ndindex(tuple(lead)):
        if k:
            _, low[i], up[i] = scipy.linalg.lu(x[i])
    return low, up


OPS = [
    linalg(
        "inv",
        np.linalg.inv,
        SQUARE,
        ("Inv",),
        errors=(
            *refuses_others("inv"),
            error(RuntimeError, r"inv: the matrix is singular.* 2 is zero", fixed(SINGULAR)),
            error(RuntimeError, r"batch element 1: .*singular", fixed([np.eye(2), SINGULAR])),
        ),
    ),
    lapack("inverse", lambda lib, x: lib.inverse(x), np.linalg.inv, SQUARE[:2], error_name="inv"),
    linalg(
        "inv_ex",
        lambda x: (np.stack([np.linalg.inv(x[0]), np.full((2, 2), np.nan)]), np.array([0, 2])),
        (case(fixed([2 * np.eye(2), SINGULAR])),),
        f=lambda lib, x: (lib.linalg.inv_ex(x)[0], lib.linalg.inv_ex(x)[1].long()),
        order=0,
        torch=False,  # whose inverse of a singular matrix is any
    ),
    linalg(
        "det",
        np.linalg.det,
        (*SQUARE, case((0, 0)), case((4, 4))),
        ("Det", "Cofactor"),
        errors=refuses_others("det"),
    ),
    lapack("det", lambda lib, x: lib.det(x), np.linalg.det, SQUARE[:2]),
    lapack(
        "det_of_low_rank",
        lambda lib, x: lib.det(x[:, None] * x),
        lambda x: np.linalg.det(x[:, None] * x),
        (case((2,)), case((3,))),
        order=1,
        error_name="det",
    ),
    linalg(
        "slogdet",
        lambda x: np.linalg.slogdet(x)[1],
        (*SQUARE, case((0, 0)), case(fixed(-2 * np.eye(3)))),
        ("SLogDet",),
        f=lambda lib, x: lib.linalg.slogdet(x)[1],
        errors=refuses_others("slogdet"),
    ),
    lapack(
        "slogdet",
        lambda lib, x: lib.slogdet(x),
        np.linalg.slogdet,
        (*SQUARE[:2], case(fixed([-np.eye(3), np.ones((3, 3))]))),
        order=0,
    ),
    lapack(
        "logdet",
        lambda lib, x: lib.logdet(x),
        lambda x: np.linalg.slogdet(x)[1],
        (case(apart(3, 3)), case(apart(2, 2, 2)), case((0, 0))),
        errors=refuses_others("logdet"),
    ),
    lapack(
        "logdet_of_others",
        lambda lib, x: lib.logdet(x),
        lambda x: np.log(np.linalg.det(x)),
        (case(fixed([np.eye(2)[::-1], np.zeros((2, 2)), np.eye(2)])),),
        order=0,
        error_name="logdet",
    ),
    linalg(
        "cholesky",
        np_cholesky,
        (
            *[case(x) for x in ((3, 3), (2, 3, 3), (2, 1, 2, 2), (1, 1), (0, 3, 3))],
            case((3, 3), upper=True),
            case((2, 3, 3), upper=True),
        ),
        ("Cholesky",),
        f=lambda lib, x, **o: lib.linalg.cholesky(positive(lib, x), **o),
        errors=(
            *refuses_others("cholesky"),
            *[
                error(RuntimeError, match, one, call=lambda lib, x: lib.linalg.cholesky(x))
                for match, one in (
                    (r"not positive definite .*order 2", fixed([[1.0, 2.0], [2.0, 1.0]])),
                    (r"batch element 1: .*order 1", fixed([np.eye(2), -np.eye(2)])),
                    (r"order 1", fixed([[np.nan]])),
                )
            ],
        ),
    ),
    lapack(
        "cholesky",
        lambda lib, x, **o: x if is_text(x) else lib.cholesky(positive(lib, x), **o),
        np_cholesky,
        (case((3, 3)), case((3, 3), upper=True)),
    ),
    linalg(
        "qr",
        np_qr,
        (*TALL_AND_WIDE, case(apart(2, 4), mode="complete"), case(apart(3, 3), mode="complete")),
        ("QR",),
        f=f_qr,
        errors=(
            error(ValueError, r'mode is "reduced"', (2, 2), mode="full"),
            error(
                RuntimeError,
                r"mode='complete' has no gradient for 3 rows and 2 columns",
                (3, 2),
                call=lambda lib, x: (
                    lib.linalg.qr(x.detach().requires_grad_(), "complete")[1].sum().backward()
                ),
            ),
        ),
    ),
    lapack(
        "qr",
        lambda lib, x, **o: f_qr(lib, x, old=True, **o),
        np_qr,
        (*TALL_AND_WIDE[:3], case(apart(2, 4), some=False)),
    ),
    lapack(
        "qr_complete_of_tall",
        lambda lib, x: lib.linalg.qr(x, "complete")[1] ** 2,
        lambda x: np.linalg.qr(x, "complete")[1] ** 2,
        (case(apart(4, 2)),),
        order=0,
    ),
    lapack(
        "qr_without_q",
        lambda lib, x: lib.linalg.qr(x, "r")[1] ** 2,
        lambda x: np.linalg.qr(x, "r") ** 2,
        (case(apart(4, 2)), case(apart(2, 4)), case(apart(3, 3))),
        torch=lambda lib, x: lib.linalg.qr(x)[1] ** 2,
    ),
    linalg(
        "eigh",
        np_eigh,
        (*SQUARE[:4], case(apart(3, 3), UPLO="U")),
        ("Eigh",),
        f=f_eigh,
        errors=(
            *refuses_others("eigh"),
            error(ValueError, r'UPLO is "L" or "U"', (2, 2), UPLO="X"),
        ),
    ),
    lapack(
        "eigh_of_one_triangle",
        lambda lib, x: (
            lib.linalg.eigh(x)[0],
            lib.linalg.eigvalsh(x, "U"),
            lib.linalg.eigh(x, "u")[1] ** 2,
        ),
        lambda x: (
            np.linalg.eigvalsh(x),
            np.linalg.eigvalsh(x, "U"),
            np.linalg.eigh(x, "U")[1] ** 2,
        ),
        (case(apart(3, 3)),),
        order=0,
    ),
    linalg(
        "eigvalsh",
        lambda x, UPLO="L": np.linalg.eigvalsh(x + transposed(x)),
        (*SQUARE, case(apart(3, 3), UPLO="U")),
        f=lambda lib, x, **o: lib.linalg.eigvalsh(x + x.mT, **o),
        errors=refuses_others("eigvalsh"),
    ),
    linalg(
        "svd",
        np_svd,
        (*TALL_AND_WIDE[:-1], *[case(apart(*s), full_matrices=False) for s in ((4, 2), (2, 4))]),
        ("SVD",),
        f=f_svd,
        errors=(
            error(ValueError, r"at least 2 dimensions", (3,)),
            error(RuntimeError, r"did not converge", fixed([[np.nan, 1], [1, 2.0]])),
        ),
    ),
    lapack("svd", f_old_svd, np_svd, (*TALL_AND_WIDE[:-1], case(apart(4, 2), some=False))),
    lapack(
        "svd_without_vectors",
        lambda lib, x: lib.svd(x, compute_uv=False),
        lambda x: (
            np.zeros((*x.shape[:-2], x.shape[-2], x.shape[-2])),
            np.linalg.svd(x, compute_uv=False),
            np.zeros((*x.shape[:-2], x.shape[-1], x.shape[-1])),
        ),
        (case((2, 3)), case((2, 3, 3))),
        order=0,
    ),
    Op(
        "svd_of_nothing",
        lambda lib, x: lib.linalg.svd(x),
        np.linalg.svd,
        (case((2, 0, 3)), case((3, 0)), case((0, 2, 3))),
        order=0,
    ),
    lapack(
        "svd_lowrank",
        lambda lib, x, **o: low_rank(lib, lib.svd_lowrank, x, **o),
        lambda x, q: np_low_rank(x, q, False),
        (case((5, 4), q=2), case((4, 6), q=3)),
        order=0,
        errors=(
            error(
                ValueError,
                r"q must be from 0 to 2",
                (2, 3),
                call=lambda lib, x: lib.svd_lowrank(x, 3),
                torch=False,
            ),
        ),
    ),
    lapack(
        "pca_lowrank",
        lambda lib, x, **o: low_rank(lib, lib.pca_lowrank, x, **o),
        lambda x, q, center=True: np_low_rank(x, q, center),
        (case((5, 4), q=2), case((4, 6), q=3, center=False)),
        order=0,
    ),
    linalg("svdvals", lambda x: np.linalg.svd(x, compute_uv=False), TALL_AND_WIDE),
    Op(
        "matrix_exp",
        lambda lib, x: lib.matrix_exp(x),
        scipy.linalg.expm,
        (
            *[case(x) for x in ((3, 3), (2, 3, 3), (2, 1, 2, 2), (1, 1), (0, 3, 3), (5, 5))],
            case(fixed([8 * np.eye(3)[::-1], 0.01 * np.eye(3), 0 * np.eye(3)])),
        ),
        ("MatrixExp",),
        dtypes={("float16",): "float16", ("bfloat16",): "bfloat16", ("int64",): TypeError},
        errors=refuses_others("matrix_exp"),
    ),
    linalg(
        "lu",
        np_lu,
        (*TALL_AND_WIDE, case((3, 3)), case(apart(100, 100))),
        ("LU",),
        f=lambda lib, x: lib.linalg.lu(x)[1:],
        errors=(error(ValueError, r"at least 2 dimensions", (3,)),),
    ),
    lapack(
        "lu_permutation",
        lambda lib, x: (lambda f: (f[0], f[0] @ f[1] @ f[2]))(lib.linalg.lu(x)),
        lambda x: (scipy.linalg.lu(x)[0], x),
        (case((4, 4)), case((2, 4, 3)), case((2, 3, 5))),
        order=0,
    ),
    linalg(
        "lu_factor",
        lambda x: scipy.linalg.lu_factor(x)[0],
        (case(apart(3, 3)), case((4, 4))),
        f=lambda lib, x: lib.linalg.lu_factor(x)[0],
        errors=(
            error(
                RuntimeError,
                r"pivot 2 is zero",
                fixed(SINGULAR),
                call=lambda lib, x: lib.linalg.lu_factor_ex(x, check_errors=True),
            ),
        ),
    ),
    lapack(
        "lu",
        lambda lib, x: (lambda f: lib.lu_unpack(*f)[1:])(x if is_text(x) else lib.lu(x)),
        np_lu,
        (case(apart(3, 3)),),
    ),
    linalg(
        "eigvals",
        lambda x: np.linalg.eigvals(x**3).real.sum(-1) + np.abs(np.linalg.eigvals(x) ** 2).sum(-1),
        SQUARE[:4],
        ("Eig",),
        f=lambda lib, x: (
            (lib.linalg.eigvals(x**3)).real.sum(-1) + (lib.linalg.eigvals(x) ** 2).abs().sum(-1)
        ),
        errors=refuses_others("eigvals"),
    ),
    linalg(
        "eig",
        lambda x: (np.abs(np.linalg.eig(x)[1]) ** 2).sum(-1),
        SQUARE[:4],
        f=lambda lib, x: (lib.linalg.eig(x)[1].abs() ** 2).sum(-1),
        errors=refuses_others("eig"),
    ),
]
