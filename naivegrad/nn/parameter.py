"""Parameter: a tensor that a module trains."""

from __future__ import annotations

from typing import Any

from naivegrad.tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that becomes a parameter of the module whose attribute it is set to.

    Parameters
    ----------
    data : Tensor           its memory is shared, its history is left behind
    requires_grad : bool

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.Parameter(ng.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        if data is None:
            super().__init__()
        else:
            super().__init__(data)
            if isinstance(data, Tensor):
                self.version = data.version
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
