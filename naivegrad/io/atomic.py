"""Files that are either the old ones or the new ones, never half of each."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file for writing that takes the name `path` only when it is complete.

    The content goes to a temporary name in the same folder, is forced to the disk, and is then
    renamed over `path`. A full disk, an exception inside the block or a killed process leave what
    was at `path` before as it was.

    Parameters
    ----------
    path : path
        The file to make or to replace. A symbolic link is followed, the file it points to replaced.
    mode : str
        "wb" for bytes, "w" for text (UTF-8, newlines as written).

    Raises
    ------
    OSError
        If the folder is missing or not writable, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "a.txt"), "w") as file:
    ...         _ = file.write("all or nothing")
    ...     Path(folder, "a.txt").read_text()
    'all or nothing'
    """
    if mode not in ("w", "wb"):
        raise ValueError(f"atomic_write: mode must be 'w' or 'wb', got {mode!r}")
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with open(part, mode.replace("w", "x"), **text) as file:  # type: ignore[call-overload]
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename = str(target)  # the name that the caller knows
            del error.filename2  # None would be shown: 'a' -> None
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Force the rename itself to the disk, where the system can."""
    if os.name != "posix":
        return
    with suppress(OSError):  # some network file systems refuse to sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
