"""Files: checkpoints, safetensors, IDX; written whole or not at all, read without trust."""

from naivegrad.io.atomic import atomic_write
from naivegrad.io.checkpoint import (
    load_checkpoint,
    load_file,
    save_checkpoint,
    save_file,
)
from naivegrad.io.idx import read_idx, write_idx
from naivegrad.io.progress import Progress
from naivegrad.io.safetensors import DamagedFileError, load_arrays, load_metadata, save_arrays

__all__ = [
    "DamagedFileError",
    "Progress",
    "atomic_write",
    "load_arrays",
    "load_checkpoint",
    "load_file",
    "load_metadata",
    "read_idx",
    "save_arrays",
    "save_checkpoint",
    "save_file",
    "write_idx",
]
