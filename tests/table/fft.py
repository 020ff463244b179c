"""Rows: Fourier transforms. Complex arguments and results are pairs, as in complex.py."""

import numpy as np

from .complex import apart, in_half, row
from .row import Op, case, error


def dispatch(name):
    """The function of lib.fft of a name."""
    return lambda lib, x, **options: getattr(lib.fft, name)(x, **options)


def real_row(name, reference, *cases, **columns):
    """A transform of real numbers to complex ones."""
    f = dispatch(name)
    return Op(
        f"real_{name}",
        in_half(lambda lib, x, **options: lib.view_as_real(f(lib, x, **options).resolve_conj())),
        lambda x, **options: apart(reference(x, **options)),
        cases,
        ("RFFT", "IRFFT") if name.startswith(("r", "i")) and name != "ifft" else ("FFT",),
        error_name=name,
        **columns,
    )


def one(name):
    """NumPy's function, which calls the dimension `axis`."""
    f = getattr(np.fft, name)
    return lambda x, n=None, dim=-1, norm=None: f(x, n, dim, norm)


def several(name, axes=None):
    """The same for several dimensions, `axes`; -1 among the lengths keeps the input's."""
    f = getattr(np.fft, name)

    def reference(x, s=None, dim=axes, norm=None):
        if s is not None and -1 in s:
            s = [x.shape[d] if n == -1 else n for n, d in zip(s, dim, strict=True)]
        if dim is None:
            dim = tuple(range(x.ndim if s is None else -len(s), 0)) if s else tuple(range(x.ndim))
        return f(x, s, dim, norm)

    return reference


def hfft2(x, s=None, dim=(-2, -1), norm=None):
    back = {None: "forward", "forward": "backward", "ortho": "ortho"}[norm]
    return np.fft.irfftn(x.conj(), s, dim, back)


def ihfft2(x, s=None, dim=(-2, -1), norm=None):
    back = {None: "forward", "forward": "backward", "ortho": "ortho"}[norm]
    return np.fft.rfftn(x, s, dim, back).conj()


ALONG = tuple(
    case((3, 5, 2), n=n, dim=dim, norm=norm)
    for n, dim, norm in ((None, -1, None), (7, 1, "ortho"), (4, 0, "forward"), (2, -1, None))
)
ALONG += (case((1, 2)), case((6, 2), n=6))
REAL = tuple(
    case((3, 5), n=n, dim=dim, norm=norm)
    for n, dim, norm in ((None, -1, None), (7, 1, "ortho"), (4, 0, "forward"), (2, -1, None))
)
REAL += (case((1,)), case((6,)), case((2, 4, 3), dim=1))
BACK = tuple(
    case((3, 5, 2), n=n, dim=dim, norm=norm)
    for n, dim, norm in ((None, -1, None), (9, 1, "ortho"), (4, 0, "forward"), (6, -1, None))
)
BACK += (case((1, 2), n=1), case((3, 2), n=5), case((3, 2), n=8))
GRID = (
    case((3, 4, 2)),
    case((2, 3, 4, 2), norm="ortho"),
    case((3, 5, 2), s=(4, 6), norm="forward"),
    case((3, 4, 5, 2), s=(-1, 3), dim=(0, 2)),
)
REAL_GRID = tuple(case(c.inputs[0].shape[:-1], **c.options) for c in GRID)
ERRORS = (
    error(ValueError, "at least one point is needed, got 0", (3, 2), n=0),
    error(ValueError, "at least one point is needed, got -1", (3, 2), n=-1),
    error(ValueError, 'norm must be "backward", "ortho" or "forward", got \'x\'', (3, 2), norm="x"),
    error(IndexError, "got 5", (3, 2), dim=5),
)
GRID_ERRORS = (
    error(ValueError, "a dimension appears twice", (3, 3), dim=(0, -2)),
    error(ValueError, "must be of one length", (3, 3), s=(2,), dim=(0, 1)),
    error(ValueError, "s has 3 values for a tensor of 2 dimensions", (3, 3), s=(2, 2, 2)),
)

# Short pieces


def window_of(lib, n, like):
    return lib.hann_window(n, dtype=like.dtype) + 0.25


def stft(lib, x, **options):
    """With a window, by an option of the test's own."""
    width = options.pop("hann", None)
    if width is not None:
        options["window"] = window_of(lib, width, x)
    y = lib.stft(x, 8, return_complex=True, **options)
    return lib.view_as_real(y)


def hann(n):
    return 0.75 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)


def stft_reference(
    x, hop_length=2, win_length=8, hann=None, center=True, pad_mode="reflect",
    normalized=False, onesided=None, align_to_window=None,
):  # fmt: skip
    """The definition, a piece at a time."""
    window = np.ones(win_length) if hann is None else hann_values(hann)
    window = np.pad(window, ((8 - win_length) // 2, 8 - win_length - (8 - win_length) // 2))
    ends = [(0, 0)] * (x.ndim - 1)
    if center:
        mode = {"replicate": "edge", "circular": "wrap"}.get(pad_mode, pad_mode)
        x = np.pad(x, [*ends, (4, 4)], mode=mode)
    elif align_to_window:
        x = np.pad(x, [*ends, ((8 - win_length) // 2,) * 2])
    starts = range(0, x.shape[-1] - 7, hop_length)
    transform = np.fft.fft if onesided is False else np.fft.rfft
    columns = [transform(x[..., i : i + 8] * window) for i in starts]
    return apart(np.stack(columns, -1) / (np.sqrt(8) if normalized else 1))


hann_values = hann


def istft(lib, x, **options):
    width = options.pop("hann", None)
    if width is not None:
        options["window"] = window_of(lib, width, x)
    z = lib.complex(x[..., 0], x[..., 1])
    y = lib.istft(z, 8, **options)
    return lib.view_as_real(y) if y.is_complex() else y


def istft_reference(
    x, hop_length=2, win_length=8, hann=None, center=True, normalized=False, onesided=None,
    length=None, return_complex=False,
):  # fmt: skip
    """The definition, a piece at a time."""
    z = (x[..., 0] + 1j * x[..., 1]) * (np.sqrt(8) if normalized else 1)
    window = np.ones(win_length) if hann is None else hann_values(hann)
    window = np.pad(window, ((8 - win_length) // 2, 8 - win_length - (8 - win_length) // 2))
    count = z.shape[-1]
    y = np.zeros((*z.shape[:-2], 8 + hop_length * (count - 1)), complex)
    weight = np.zeros(y.shape[-1])
    for t in range(count):
        piece = np.fft.ifft(z[..., t]) if return_complex else np.fft.irfft(z[..., t], 8)
        y[..., t * hop_length : t * hop_length + 8] += piece * window
        weight[t * hop_length : t * hop_length + 8] += window**2
    start = 4 if center else 0
    end = y.shape[-1] - start if length is None else start + length
    short = max(end - y.shape[-1], 0)
    y = (y / np.where(weight == 0, 1, weight))[..., start:end]
    y = np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, short)])
    return apart(y) if return_complex else y.real


OPS = [
    row("fft", dispatch("fft"), one("fft"), ALONG, "FFT", error_name="fft"),
    row("ifft", dispatch("ifft"), one("ifft"), ALONG, "FFT"),
    row("irfft", dispatch("irfft"), one("irfft"), BACK, "IRFFT", "RFFT"),
    row("hfft", dispatch("hfft"), one("hfft"), BACK, "IRFFT", "RFFT"),
    real_row("fft", one("fft"), *REAL, errors=ERRORS),
    real_row("ifft", one("ifft"), *REAL),
    real_row("rfft", one("rfft"), *REAL, errors=ERRORS),
    real_row("ihfft", one("ihfft"), *REAL),
    row("fftn", dispatch("fftn"), several("fftn"), GRID, "FFT"),
    row("ifftn", dispatch("ifftn"), several("ifftn"), GRID, "FFT"),
    row("irfftn", dispatch("irfftn"), several("irfftn"), GRID[:3], "FFT", "IRFFT"),
    real_row("rfftn", several("rfftn"), *REAL_GRID, errors=GRID_ERRORS),
    row("fft2", dispatch("fft2"), several("fft2", (-2, -1)), GRID, "FFT"),
    row("ifft2", dispatch("ifft2"), several("ifft2", (-2, -1)), GRID, "FFT"),
    row("irfft2", dispatch("irfft2"), several("irfft2", (-2, -1)), GRID[:3], "FFT", "IRFFT"),
    real_row("rfft2", several("rfft2", (-2, -1)), *REAL_GRID),
    row("hfft2", dispatch("hfft2"), hfft2, GRID[:3]),
    row("hfftn", dispatch("hfftn"), hfft2, GRID[:1]),
    real_row("ihfft2", ihfft2, *REAL_GRID[:3]),
    real_row("ihfftn", ihfft2, *REAL_GRID[:1]),
    Op(
        "fftshift",
        lambda lib, x, **o: lib.fft.fftshift(x, **o),
        lambda x, dim=None: np.fft.fftshift(x, dim),
        (case((4, 5)), case((4, 5), dim=1), case((2, 3, 4), dim=(0, 2)), case((5,))),
    ),
    Op(
        "ifftshift",
        lambda lib, x, **o: lib.fft.ifftshift(x, **o),
        lambda x, dim=None: np.fft.ifftshift(x, dim),
        (case((4, 5)), case((4, 5), dim=1), case((2, 3, 4), dim=(0, 2)), case((5,))),
    ),
    Op(
        "stft",
        in_half(stft),
        stft_reference,
        (
            case((20,), hann=8),
            case((2, 17), hop_length=3, normalized=True, pad_mode="constant"),
            case((16,), win_length=5, hann=5, onesided=False, pad_mode="replicate"),
            case((2, 19), win_length=4, center=False, hop_length=4),
            case((19,), win_length=4, center=False, align_to_window=True, hop_length=1),
            case((15,), hann=8, pad_mode="circular"),
        ),
        errors=(
            error(ValueError, "hop_length must be at least 1, got 0", (20,), hop_length=0),
            error(ValueError, "win_length must be in 1 ... n_fft = 8, got 9", (20,), win_length=9),
            error(ValueError, r"window must be of shape \(8,\), got \(5,\)", (20,), hann=5),
            error(ValueError, r"expects \(L,\) or \(N, L\)", (2, 2, 20)),
            error(ValueError, "n_fft = 8 is longer than the signal, 5", (5,), center=False),
            error(
                ValueError,
                "return_complex must be given",
                (20,),
                call=lambda lib, x: lib.stft(x, 8),
            ),
        ),
    ),
    Op(
        "istft",
        in_half(istft),
        istft_reference,
        (
            case((5, 6, 2), hann=8),
            case((2, 5, 4, 2), hop_length=3, normalized=True),
            case((8, 4, 2), win_length=6, hann=6, onesided=False),
            case((8, 4, 2), onesided=False, return_complex=True, center=False),
            case((5, 6, 2), hann=8, length=7),
            case((5, 6, 2), length=30),
        ),
        errors=(
            error(ValueError, "6 frequencies do not fit n_fft = 8", (6, 4, 2)),
            error(ValueError, "needs onesided=False", (5, 4, 2), return_complex=True),
            error(
                ValueError,
                "without weight",
                (5, 4, 2),
                call=lambda lib, x: lib.istft(
                    lib.complex(x[..., 0], x[..., 1]), 8, window=lib.zeros(8)
                ),
            ),
        ),
    ),
]
