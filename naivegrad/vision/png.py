"""Writing PNG files: rows of bytes, compressed with zlib.

References
----------
W3C, "Portable Network Graphics (PNG) Specification", third edition: chunks (5), filters (9).
"""

import struct
import zlib

import numpy as np


def encode_png(pixels: np.ndarray) -> bytes:
    """The bytes of a PNG file.

    Parameters
    ----------
    pixels : uint8, shape (H, W) for grey, (H, W, 3) for colours
    """
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise ValueError(
            f"png: expects uint8 of shape (H, W) or (H, W, 3), got {pixels.dtype} {pixels.shape}"
        )
    height, width = pixels.shape[:2]
    if not height or not width:
        raise ValueError(f"png: a picture without pixels, shape {pixels.shape}")
    colour = 0 if pixels.ndim == 2 else 2
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)  # filter 0: bytes as they are
    rows[:, 1:] = pixels.reshape(height, -1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data, checksum of the last two."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
