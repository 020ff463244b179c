"""Names whose use is an error that says what is missing."""

from __future__ import annotations

from typing import Any, NoReturn


class Refusal:
    """Stands where PyTorch has a function or a class; calling it raises NotImplementedError.

    isinstance(x, Refusal(...)) is False.
    """

    def __init__(self, name: str, why: str) -> None:
        self.__name__ = self.__qualname__ = name.rpartition(".")[2]
        self.__doc__ = f"Not here: {why}."
        self.message = f"{name}: {why}"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(self.message)

    def __instancecheck__(self, thing: Any) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<not here: {self.message}>"
