"""`torch.xpu`: no GPU of Intel's, as `torch.cuda` has none of NVIDIA's."""

from naivegrad.compat.cuda import (  # noqa: F401
    device_count,
    empty_cache,
    is_available,
    is_bf16_supported,
    is_initialized,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
)
from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.device import backend_of
from naivegrad.missing import lookup as _lookup


def set_device(device: object) -> None:
    """Choose one: a RuntimeError, for there is none."""
    backend_of("xpu")


synchronize = _Refusal("xpu.synchronize", "no XPU device")

__getattr__ = _lookup(__name__)
