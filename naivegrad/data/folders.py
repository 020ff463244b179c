"""Where data sets are looked for, and where downloads are kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/naivegrad or ~/.cache/naivegrad."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "naivegrad"


def places(root: str | os.PathLike[str] | None) -> list[Path]:
    """The folders to look in: `root` alone, or the one that NAIVEGRAD_DATA names, and the cache."""
    if root is not None:
        return [Path(root).expanduser()]
    named = os.environ.get("NAIVEGRAD_DATA")
    return ([Path(named).expanduser()] if named else []) + [cache_folder()]
