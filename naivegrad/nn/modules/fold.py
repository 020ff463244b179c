"""Images to patches and back."""

from naivegrad.nn.conv import Fold, Unfold

__all__ = ["Fold", "Unfold"]
