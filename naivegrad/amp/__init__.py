"""Mixed precision: `autocast`, which changes nothing on this CPU, and `GradScaler`, which works."""

from naivegrad.amp import autocast_mode, cuda, grad_scaler
from naivegrad.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from naivegrad.amp.grad_scaler import GradScaler
from naivegrad.missing import lookup as _lookup

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = _lookup(__name__)
