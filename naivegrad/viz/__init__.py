"""Pictures of a training run (they need matplotlib)."""

from naivegrad.viz.curves import save_curves
from naivegrad.viz.grid import save_grid

__all__ = ["save_curves", "save_grid"]
