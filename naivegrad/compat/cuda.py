"""`torch.cuda`: answers that there is no GPU, and an error for what needs one."""

from __future__ import annotations

from typing import Any

from naivegrad.amp import cuda as amp  # noqa: F401  (torch.cuda.amp)
from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.device import backend_of, why_no_cuda
from naivegrad.missing import lookup as _lookup

__path__: list[str] = []  # as a package has it, so that torch.cuda.amp can be imported

_NO_GPU = f"no CUDA device: {why_no_cuda()}"


def is_available() -> bool:
    """Whether there is a GPU that can be used."""
    return False


def is_initialized() -> bool:
    """Whether a GPU is in use."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU computes in bfloat16."""
    return False


def device_count() -> int:
    """The number of GPUs."""
    return 0


def manual_seed(seed: int) -> None:
    """Does nothing without a GPU, as in PyTorch: `naivegrad.manual_seed` seeds all there is."""


def manual_seed_all(seed: int) -> None:
    """Does nothing without a GPU."""


def seed() -> None:
    """Does nothing without a GPU."""


def seed_all() -> None:
    """Does nothing without a GPU."""


def empty_cache() -> None:
    """Does nothing without a GPU."""


def ipc_collect() -> None:
    """Does nothing without a GPU."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing without a GPU."""


def memory_allocated(device: Any = None) -> int:
    """Bytes in use on the GPU: 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def set_device(device: Any) -> None:
    """Choose a GPU: a RuntimeError, unless the number is negative, which means nothing."""
    if not (isinstance(device, int) and device < 0):
        backend_of("cuda")


class device:
    """A block that computes on a GPU: a RuntimeError, unless its number is None or negative."""

    def __init__(self, device: Any) -> None:
        if device is not None:
            set_device(device)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


current_device = _Refusal("cuda.current_device", _NO_GPU)
get_device_name = _Refusal("cuda.get_device_name", _NO_GPU)
get_device_properties = _Refusal("cuda.get_device_properties", _NO_GPU)
get_device_capability = _Refusal("cuda.get_device_capability", _NO_GPU)
mem_get_info = _Refusal("cuda.mem_get_info", _NO_GPU)
synchronize = _Refusal("cuda.synchronize", _NO_GPU)
stream = _Refusal("cuda.stream", _NO_GPU)
current_stream = _Refusal("cuda.current_stream", _NO_GPU)
Stream = _Refusal("cuda.Stream", _NO_GPU)
Event = _Refusal("cuda.Event", _NO_GPU)
CUDAGraph = _Refusal("cuda.CUDAGraph", _NO_GPU)
FloatTensor = _Refusal("cuda.FloatTensor", _NO_GPU)
DoubleTensor = _Refusal("cuda.DoubleTensor", _NO_GPU)
HalfTensor = _Refusal("cuda.HalfTensor", _NO_GPU)
LongTensor = _Refusal("cuda.LongTensor", _NO_GPU)
IntTensor = _Refusal("cuda.IntTensor", _NO_GPU)
ByteTensor = _Refusal("cuda.ByteTensor", _NO_GPU)
BoolTensor = _Refusal("cuda.BoolTensor", _NO_GPU)

__getattr__ = _lookup(__name__)
