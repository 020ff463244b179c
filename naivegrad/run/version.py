"""The version that programs read in `torch.__version__`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

PYTORCH = "2.13.0"  # the version whose names and meanings these are


class Version(str):
    """A version as text that compares by its numbers: Version("2.13.0") > "2.2".

    Examples
    --------
    >>> Version("2.13.0") >= (2, 2), Version("2.13.0") < "2.2.1", Version("1.0") == "1.0"
    (True, False, True)
    """

    __slots__ = ()

    @classmethod
    def of_pytorch(cls) -> Version:
        """PyTorch's, marked as ours."""
        return cls(f"{PYTORCH}+naivegrad")

    def _compare(self, other: Any) -> int | None:
        if isinstance(other, str):
            theirs = _numbers(other)
        elif isinstance(other, Iterable):
            theirs = [int(part) for part in other]
        else:
            return None
        ours = _numbers(self)
        n = max(len(ours), len(theirs))
        a, b = (part + [0] * (n - len(part)) for part in (ours, theirs))
        return (a > b) - (a < b)

    def __lt__(self, other: Any) -> bool:
        return _known(self._compare(other), lambda c: c < 0)

    def __le__(self, other: Any) -> bool:
        return _known(self._compare(other), lambda c: c <= 0)

    def __gt__(self, other: Any) -> bool:
        return _known(self._compare(other), lambda c: c > 0)

    def __ge__(self, other: Any) -> bool:
        return _known(self._compare(other), lambda c: c >= 0)


def _numbers(version: str) -> list[int]:
    """[2, 13, 0] of "2.13.0+naivegrad"."""
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(part) for part in found[0].split(".")] if found else [0]


def _known(order: int | None, test: Any) -> Any:
    return NotImplemented if order is None else test(order)
