"""Fetching a file from the first mirror that gives the right bytes."""

import hashlib
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import URLError

from naivegrad.io.atomic import atomic_write
from naivegrad.io.progress import Progress

TIMEOUT = 10.0  # seconds without a byte before a mirror is given up
CHUNK = 1 << 16


class RemoteFile(NamedTuple):
    """What a file must be, wherever it comes from."""

    name: str
    size: int  # bytes
    sha256: str


class DownloadError(OSError):
    """No mirror gave the file. The message says what each answered, and what to do."""


def download(file: RemoteFile, mirrors: Sequence[str], folder: Path) -> Path:
    """Fetch `file` into `folder` from the first of `mirrors` that has it whole.

    Size and SHA-256 are compared before the file takes its name, so that a file which is there is
    always the right one.

    Parameters
    ----------
    file : RemoteFile
        Name, size and SHA-256.
    mirrors : sequence of str
        Addresses that the name is appended to; tried in order.
    folder : Path
        Made if it is not there.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    DownloadError
        If every mirror fails: the message lists why, and how to do without a download.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file.name
    failures = []
    for mirror in mirrors:
        address = mirror + file.name
        try:
            with atomic_write(path) as out:
                _fetch(address, file, out)
        except _MirrorError as error:
            failures.append(f"  {address}: {error}")
        else:
            return path
    raise DownloadError(
        f"cannot download {file.name}:\n"
        + "\n".join(failures)
        + f"\nWithout a network, put the file into {folder} by hand."
    )


class _MirrorError(Exception):
    """A mirror does not answer, or answers with something else."""


@contextmanager
def _network() -> Iterator[None]:
    """Tell the network's errors (try the next mirror) from the disk's (stop)."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        raise _MirrorError(error.reason if type(error) is URLError else error) from None


def _fetch(address: str, file: RemoteFile, out: IO[bytes]) -> None:
    """Copy what `address` answers to `out`; never more than the size the file must have."""
    with _network():
        request = urllib.request.Request(address, headers={"User-Agent": "naivegrad"})
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    digest = hashlib.sha256()
    done = 0
    with answer, Progress(file.name, file.size, "B") as progress:
        while True:
            with _network():
                chunk = answer.read(CHUNK)
            if not chunk:
                break
            done += len(chunk)
            if done > file.size:
                raise _MirrorError(f"more than the {file.size:,} bytes expected")
            digest.update(chunk)
            out.write(chunk)
            progress.advance(len(chunk))
    if done != file.size:
        raise _MirrorError(f"broke off after {done:,} of {file.size:,} bytes")
    if digest.hexdigest() != file.sha256:
        raise _MirrorError(f"SHA-256 is {digest.hexdigest()}, expected {file.sha256}")
