"""Fourier transforms, beyond the table: inverses, frequencies, windows, types, sizes, out=."""

import numpy as np
import pytest

import naivegrad as ng


def signal(*shape):
    return ng.tensor(np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_there_and_back(n, norm):
    x = signal(3, n)
    z = ng.complex(x, x.flip(0))
    for there, back, y in (
        ("fft", "ifft", z),
        ("fft2", "ifft2", z),
        ("fftn", "ifftn", z),
        ("rfft", "irfft", x),
        ("rfft2", "irfft2", x),
        ("rfftn", "irfftn", x),
        ("ihfft", "hfft", x),
        ("ihfft2", "hfft2", x),
        ("ihfftn", "hfftn", x),
    ):
        size = {"n": n} if back in ("irfft", "hfft") else {}
        if (back.endswith(("2", "n")) and back[0] == "h") or back in ("irfft2", "irfftn"):
            size = {"s": (3, n)}
        middle = getattr(ng.fft, there)(y, norm=norm)
        again = getattr(ng.fft, back)(middle, norm=norm, **size)
        np.testing.assert_allclose(again.numpy(), y.numpy(), atol=1e-14)


def test_the_precision_is_that_of_the_input():
    for dtype, want in (
        *((ng.float32, ng.complex64), (ng.float64, ng.complex128), (ng.complex64, ng.complex64)),
        *((ng.int64, ng.complex64), (ng.bool, ng.complex64)),
    ):
        assert ng.fft.fft(ng.ones(4, dtype=dtype)).dtype is want
    assert ng.fft.rfft(ng.ones(4)).dtype is ng.complex64
    assert ng.fft.irfft(ng.ones(4)).dtype is ng.float32
    x = signal(1000).float()
    error = ng.fft.fft(x).cdouble() - ng.fft.fft(x.double())
    assert error.abs().max() < 1e-4
    for dtype in (ng.float16, ng.bfloat16):
        with pytest.raises(TypeError, match=rf"fft: float32, float64 or complex .* got {dtype}"):
            ng.fft.fft(ng.ones(4, dtype=dtype))
    for name in ("rfft", "ihfft", "rfftn", "rfft2", "ihfft2"):
        with pytest.raises(TypeError, match=rf"{name}: a real tensor is needed, got .*complex64"):
            getattr(ng.fft, name)(ng.ones(4, 4, dtype=ng.cfloat))
    with pytest.raises(TypeError, match="fft: input must be a Tensor, got list"):
        ng.fft.fft([1.0])


def test_sizes_of_0_and_dimensions_that_are_not_there():
    assert ng.fft.fft(ng.ones(0, 4)).shape == (0, 4)
    assert ng.fft.rfft(ng.ones(0, 4)).shape == (0, 3)
    assert ng.fft.irfft(ng.ones(0, 3)).shape == (0, 4)
    for x, name in ((ng.ones(3, 0), "fft"), (ng.ones(0), "rfft"), (ng.ones(1), "irfft")):
        with pytest.raises(ValueError, match=f"{name}: at least one point is needed, got 0"):
            getattr(ng.fft, name)(x)
    with pytest.raises(IndexError, match="fft: a tensor of 0 dimensions has no dimension -1"):
        ng.fft.fft(ng.tensor(1.0))
    assert ng.fft.fftn(ng.tensor(2.0)).tolist() == 2 + 0j
    with pytest.raises(ValueError, match="rfftn: at least one dimension must be transformed"):
        ng.fft.rfftn(ng.ones(3), dim=())


def test_out():
    x, out = signal(8), ng.empty(0, dtype=ng.cdouble)
    assert ng.fft.fft(x, out=out) is out
    np.testing.assert_allclose(out.numpy(), np.fft.fft(x.numpy()), atol=1e-14)
    real = ng.empty(0, dtype=ng.float64)
    assert ng.fft.irfft(ng.fft.rfft(x), out=real).shape == (8,)
    with pytest.raises(TypeError, match=r"fft: out must be complex, got .*float64"):
        ng.fft.fft(x, out=real)


def test_frequencies():
    for n in (1, 2, 5, 8):
        np.testing.assert_allclose(ng.fft.fftfreq(n, 0.5).numpy(), np.fft.fftfreq(n, 0.5))
        np.testing.assert_allclose(ng.fft.rfftfreq(n, 0.5).numpy(), np.fft.rfftfreq(n, 0.5))
    assert ng.fft.fftfreq(0).shape == (0,) and ng.fft.fftfreq(3, dtype=ng.cfloat).is_complex()
    assert ng.fft.rfftfreq(4, dtype=ng.float64, requires_grad=True).requires_grad
    with pytest.raises(TypeError, match="rfftfreq: a floating-point or complex dtype"):
        ng.fft.rfftfreq(4, dtype=ng.int32)


WINDOWS = {
    "hann_window": np.hanning,
    "hamming_window": np.hamming,
    "blackman_window": np.blackman,
    "bartlett_window": np.bartlett,
    "kaiser_window": lambda n: np.kaiser(n, 12.0),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name):
    make, reference = getattr(ng, name), WINDOWS[name]
    for n in (1, 2, 7, 8):
        got = make(n, periodic=False, dtype=ng.float64).numpy()
        np.testing.assert_allclose(got, reference(n), atol=1e-12)
        got = make(n, dtype=ng.float64).numpy()
        np.testing.assert_allclose(got, reference(n + 1)[:n] if n > 1 else [1], atol=1e-12)
    assert make(0).shape == (0,) and make(4).dtype is ng.float32
    assert make(4, dtype=ng.bfloat16, requires_grad=True).requires_grad
    with pytest.raises(ValueError, match=f"{name}: window_length must not be negative, got -1"):
        make(-1)
    with pytest.raises(TypeError, match=f"{name}: a floating-point dtype is needed"):
        make(4, dtype=ng.int64)


@pytest.mark.parametrize("onesided", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_istft_inverts_stft(onesided, normalized):
    x, window = signal(2, 40), ng.hann_window(8, dtype=ng.float64)
    options = {"window": window, "hop_length": 2, "normalized": normalized, "onesided": onesided}
    y = x.stft(8, return_complex=True, **options)
    assert y.shape == (2, 5 if onesided else 8, 21)
    np.testing.assert_allclose(y.istft(8, **options).numpy(), x.numpy(), atol=1e-12)
    z = ng.complex(x, x.flip(0))
    options["onesided"] = False
    again = z.stft(8, **options).istft(8, return_complex=True, length=38, **options)
    np.testing.assert_allclose(again.numpy(), z.numpy()[:, :38], atol=1e-12)
    pairs = x.stft(8, return_complex=False, window=window)
    assert pairs.shape == (2, 5, 21, 2) and not pairs.is_complex()


def test_what_stft_refuses():
    z = ng.ones(20, dtype=ng.cfloat)
    for error, match, call in (
        (ValueError, "stft: onesided is for real", lambda: ng.stft(z, 8, onesided=True)),
        (ValueError, "stft: n_fft must be at least 1", lambda: z.stft(0)),
        (TypeError, "stft: float32, float64 or complex", lambda: ng.ones(20).long().stft(8)),
        (ValueError, "align_to_window", lambda: z.stft(8, align_to_window=True)),
        (TypeError, "istft: a complex tensor", lambda: ng.istft(ng.ones(5, 4), 8)),
        (ValueError, "istft: expects a non-empty", lambda: ng.istft(z, 8)),
        (
            ValueError,
            "istft: hop_length 5 must not exceed win_length 4",
            lambda: z.reshape(5, 4).istft(8, hop_length=5, win_length=4),
        ),
        (
            ValueError,
            "istft: a complex window needs return_complex",
            lambda: z.reshape(5, 4).istft(8, window=z[:8]),
        ),
    ):
        with pytest.raises(error, match=match):
            call()


def test_many_lines():
    """More than one call of NumPy's, along any axis, of any length."""
    for shape in ((70, 1000), (1000, 70), (3, 40_000), (5, 300, 60)):
        x = np.random.default_rng(0).normal(size=shape)
        for axis in range(-len(shape), 0):
            y = np.fft.fft(x, axis=axis)
            half = np.fft.rfft(x, axis=axis)
            np.testing.assert_allclose(ng.fft.fft(ng.tensor(x), dim=axis).numpy(), y, atol=1e-10)
            np.testing.assert_allclose(
                ng.fft.rfft(ng.tensor(x), dim=axis).numpy(), half, atol=1e-10
            )
            back = ng.fft.irfft(ng.tensor(half), n=shape[axis], dim=axis)
            np.testing.assert_allclose(back.numpy(), x, atol=1e-12)
