"""How tensors are printed."""

from __future__ import annotations

from typing import Any

import numpy as np

_DEFAULT: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}
_PROFILES: dict[str, dict[str, Any]] = {
    "default": _DEFAULT,
    "short": {**_DEFAULT, "precision": 2, "edgeitems": 2},
    "full": {**_DEFAULT, "threshold": np.inf},
}
_options = dict(_DEFAULT)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors are printed; what is None stays.

    Parameters
    ----------
    precision : digits after the point (4)
    threshold : elements from which on the middle is left out (1000)
    edgeitems : how many then stay at each end (3)
    linewidth : characters in a line (80)
    profile : "default", "short" or "full", before the other options
    sci_mode : whether to write 1e+00; None lets the values decide

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.set_printoptions(precision=1)
    >>> ng.tensor([0.123, 1.5])
    tensor([0.1, 1.5])
    >>> ng.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile.lower() not in _PROFILES:
            raise ValueError(
                f"set_printoptions: profile must be one of {sorted(_PROFILES)}, got {profile!r}"
            )
        _options.update(_PROFILES[profile.lower()])
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    _options.update({name: value for name, value in given.items() if value is not None})
    if sci_mode is not None or profile is None:
        _options["sci_mode"] = sci_mode


def text_of(values: np.ndarray, prefix: str) -> str:
    """The values, as printed behind a prefix."""
    if values.dtype.kind == "V":  # bfloat16, which NumPy would write without decimal points
        values = values.astype(np.float32)
    formatter = None
    if _options["sci_mode"] is not None and values.dtype.kind == "f":
        style = f".{_options['precision']}{'e' if _options['sci_mode'] else 'f'}"
        formatter = {"float_kind": lambda x: format(float(x), style)}
    with np.printoptions(threshold=_options["threshold"], edgeitems=_options["edgeitems"]):
        return np.array2string(
            values,
            separator=", ",
            precision=_options["precision"],
            max_line_width=_options["linewidth"],
            prefix=prefix,
            formatter=formatter,
        )
