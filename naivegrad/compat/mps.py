"""`torch.mps`: no GPU of Apple's, as `torch.cuda` has none of NVIDIA's."""

from naivegrad.compat.cuda import (  # noqa: F401
    device_count,
    empty_cache,
    is_available,
    manual_seed,
    seed,
)
from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.missing import lookup as _lookup

synchronize = _Refusal("mps.synchronize", "no MPS device")

__getattr__ = _lookup(__name__)
