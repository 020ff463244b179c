"""What to say of a name that is not here."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable


def explain(place: str, name: str, known: Iterable[str]) -> AttributeError:
    """An AttributeError that names the nearest thing that there is.

    Python itself asks for many names with underscores, to find out what an object can do: these get
    a short answer.
    """
    if name.startswith("_"):
        return AttributeError(f"{place} has no attribute {name!r}")
    near = nearest(name, known)
    hint = f"; the nearest is {near!r}" if near else ""
    return AttributeError(f"{place} has no {name!r}{hint} (see docs/differences.md)")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The public name most like this one, if there is one like it."""
    public = [n for n in known if not n.startswith("_")]
    near = difflib.get_close_matches(name, public, 1) or [
        n for n in public if name.lower() in (n.lower(), n.lower().rstrip("_"))
    ]
    return near[0] if near else None


def lookup(module: str) -> Callable[[str], object]:
    """The __getattr__ of a module: asked for what is not there, it says so."""

    def missing(name: str) -> object:
        raise explain(module, name, vars(sys.modules[module]))

    return missing
