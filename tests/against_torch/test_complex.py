"""Complex leaves, Fourier transforms and windows against PyTorch: values and two gradients."""

import numpy as np
import pytest

import naivegrad as ng

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

rng = np.random.default_rng(3)
Z, W, R = (rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)) for _ in "zwr")
R = R.real


def in_place(lib, z, w, r):
    z = z * 1
    z.real.mul_(r)
    z.imag.add_(r * 2)
    lib.view_as_real(z)[..., 0].mul_(r)
    z += w
    z[0] = w[1]
    return z


EXPRESSIONS = {
    "add": lambda lib, z, w, r: z + w * r - 2j,
    "sub": lambda lib, z, w, r: lib.sub(z, w, alpha=2 - 1j) - r,
    "mul": lambda lib, z, w, r: z * w * r * (1 + 2j),
    "div": lambda lib, z, w, r: z / w / r + (1 + 1j) / z,
    "pow": lambda lib, z, w, r: z**w + z**3 + (2 - 1j) ** z + (r * r) ** z,
    "matmul": lambda lib, z, w, r: z @ w.mT @ lib.complex(r, r),
    "log": lambda lib, z, w, r: lib.log(z) + lib.exp(w) * lib.sqrt(z) + lib.rsqrt(w),
    "trigonometry": lambda lib, z, w, r: lib.sin(z) * lib.cos(w) + lib.tanh(z) + lib.sigmoid(w),
    "abs": lambda lib, z, w, r: z.abs() * w.angle() * r,
    "sgn": lambda lib, z, w, r: lib.sgn(z) * w,
    "parts": lambda lib, z, w, r: z.real * w.imag + (z.conj() * w).real,
    "pairs": lambda lib, z, w, r: lib.view_as_real(z) * r[..., None],
    "joined": lambda lib, z, w, r: lib.view_as_complex(r.reshape(3, 2, 2)) * z[:, :2],
    "polar": lambda lib, z, w, r: lib.polar(r.abs(), r) * z,
    "reductions": lambda lib, z, w, r: z.sum() + w.mean(0) + z.prod(0) + w.cumprod(0)[2],
    "norm": lambda lib, z, w, r: lib.norm(z) + lib.norm(w, dim=0) + lib.norm(z, p=1),
    "real input": lambda lib, z, w, r: (r * 1j).exp() + r.to(z.dtype),
    "to real": lambda lib, z, w, r: z.double() * r,
    "in place": in_place,
    "conv1d": lambda lib, z, w, r: lib.nn.functional.conv1d(z[None], w[None], padding=2),
    "conv_transpose1d": lambda lib, z, w, r: lib.nn.functional.conv_transpose1d(
        z[None], w[:, None], stride=2
    ),
    "fold": lambda lib, z, w, r: (
        lib.nn.functional.fold(z.reshape(1, 4, 3), (2, 4), (2, 2))
        * lib.nn.functional.unfold(w[None, None], (2, 2)).sum()
    ),
    "var": lambda lib, z, w, r: lib.var(z, 0) + lib.std(w, 0),
    "cov": lambda lib, z, w, r: lib.cov(z),
    "fft": lambda lib, z, w, r: lib.fft.fft(z, n=6) + lib.fft.ifft(r, n=6, norm="ortho"),
    "rfft": lambda lib, z, w, r: lib.fft.rfft(r, norm="forward") * z[:, :3],
    "irfft": lambda lib, z, w, r: lib.fft.irfft(z, n=5) + lib.fft.hfft(w, n=5),
    "ihfft": lambda lib, z, w, r: lib.fft.ihfft(r) * z[:, :3],
    "fft2": lambda lib, z, w, r: lib.fft.fft2(z) * lib.fft.ifftn(w, s=(3, 4)),
    "irfft2": lambda lib, z, w, r: lib.fft.irfft2(z) + lib.fft.hfft2(w, norm="ortho"),
    "rfftn": lambda lib, z, w, r: lib.fft.rfftn(r) * lib.fft.ihfftn(r, norm="ortho"),
    "stft": lambda lib, z, w, r: lib.stft(
        r.reshape(-1), 4, window=z[0].abs(), return_complex=True, pad_mode="constant"
    ),
    "complex stft": lambda lib, z, w, r: lib.stft(z, 4, window=w[0], center=False),
    "istft": lambda lib, z, w, r: lib.istft(z, 4, window=r[0] ** 2 + 1),
    "complex istft": lambda lib, z, w, r: lib.istft(
        z.T, 4, window=w[0], return_complex=True, center=False, onesided=False
    ),
}


def value(t):
    t = t.detach()
    return t.resolve_conj().numpy() if isinstance(t, torch.Tensor) else t.numpy()


def compare(ours, theirs, tolerance=1e-9):
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        scale = max(1.0, abs(value(theirs)).max(initial=0))
        np.testing.assert_allclose(
            value(ours), value(theirs), rtol=tolerance, atol=tolerance * scale
        )


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_values_and_two_gradients(name):
    f = EXPRESSIONS[name]
    xs = [ng.tensor(a, requires_grad=True) for a in (Z, W, R)]
    ts = [torch.tensor(a, requires_grad=True) for a in (Z, W, R)]
    y, t = f(ng, *xs), f(torch, *ts)
    compare(y, t)
    u = np.random.default_rng(1).normal(size=(2, *y.shape))
    u = u[0] + 1j * u[1] if y.is_complex() else u[0]
    v, s = ng.tensor(u, requires_grad=True), torch.tensor(u, requires_grad=True)
    first = ng.autograd.grad(y, xs, v, create_graph=True, allow_unused=True)
    wanted = torch.autograd.grad(t, ts, s, create_graph=True, allow_unused=True)
    for got, want in zip(first, wanted, strict=True):
        compare(got, want)

    def size(grads, weights):
        return sum((g * w).abs().square().sum() for g, w in zip(grads, weights) if g is not None)

    total, theirs = (size(grads, (3, 1, 2)) for grads in (first, wanted))
    second = ng.autograd.grad(total, [*xs, v], materialize_grads=True)
    wanted = torch.autograd.grad(theirs, [*ts, s], materialize_grads=True)
    for got, want in zip(second, wanted, strict=True):
        compare(got, want, 1e-8)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows(name, periodic):
    for n in (0, 1, 2, 5, 8):
        got, want = (getattr(lib, f"{name}_window")(n, periodic) for lib in (ng, torch))
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=2e-6)
    if name in ("hamming", "kaiser"):
        options = {"alpha": 0.6, "beta": 0.3} if name == "hamming" else {"beta": 5.0}
        got, want = (getattr(lib, f"{name}_window")(7, periodic, **options) for lib in (ng, torch))
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=2e-6)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies(n):
    for name in ("fftfreq", "rfftfreq"):
        got, want = (getattr(lib.fft, name)(n, 0.3) for lib in (ng, torch))
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-6)
    for name in ("fftshift", "ifftshift"):
        got, want = (getattr(lib.fft, name)(lib.arange(n)) for lib in (ng, torch))
        assert got.tolist() == want.tolist()
