"""Finding the operation whose gradient is NaN."""

from __future__ import annotations

from typing import Any

import numpy as np


class _AnomalyMode:
    """`check_nan`: whether a backward pass looks at every gradient."""

    check_nan = False


anomaly_mode = _AnomalyMode()


class set_detect_anomaly:
    """Let backward passes stop at the first operation that gives a NaN gradient.

    Holds from now on; as a context manager, until its end.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.zeros(1, requires_grad=True)
    >>> with ng.autograd.set_detect_anomaly(True):
    ...     (x / x).backward()
    Traceback (most recent call last):
        ...
    RuntimeError: Div.backward: gradient 1, of shape (1,), is NaN
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = anomaly_mode.check_nan
        anomaly_mode.check_nan = mode and check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        anomaly_mode.check_nan = self.before


class detect_anomaly(set_detect_anomaly):
    """A block whose backward passes stop at the first operation that gives a NaN gradient."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)


def refuse_nan(node: Any, grads: tuple[Any, ...]) -> None:
    """Raise if one of the gradients that a node gave holds a NaN."""
    for i, grad in enumerate(grads):
        if grad is not None and np.isnan(grad.backend.to_numpy(grad.array)).any():
            raise RuntimeError(
                f"{type(node).__name__}.backward: gradient {i}, of shape {grad.array.shape}, is NaN"
            )
