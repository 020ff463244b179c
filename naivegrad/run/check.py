"""`naivegrad run --check`: what a program needs of PyTorch, found without running it."""

from __future__ import annotations

import sys
import tokenize
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from naivegrad.run.source import Reader


class Finding(NamedTuple):
    """Something that is missing, or (refused) that exists but will not do its work."""

    path: Path
    line: int
    text: str
    refused: bool = False


def check(path: Path) -> tuple[list[Finding], int]:
    """The findings in a program, and how many names of PyTorch it needs.

    The modules of its own that it imports are read, too: those that lie beside the file, or below.

    Raises
    ------
    OSError, SyntaxError
        If a file cannot be read.
    """
    findings: list[Finding] = []
    needs: set[str] = set()
    waiting, seen = [path], {path.resolve()}
    while waiting:
        file = waiting.pop(0)
        with tokenize.open(file) as text:
            reader = Reader(text.read(), str(file)).read()
        needs |= reader.needs
        findings += [Finding(file, *problem) for problem in sorted(reader.problems)]
        findings += [Finding(file, *note, refused=True) for note in sorted(reader.notes)]
        for other in _local_imports(reader, file, path.parent):
            if other.resolve() not in seen:
                seen.add(other.resolve())
                waiting.append(other)
    return findings, len(needs)


def _local_imports(reader: Reader, file: Path, root: Path) -> Iterator[Path]:
    """The files of the modules that a file imports, if they belong to the program."""
    for level, module, names in reader.imports:
        base = file.parents[level - 1] if level else root
        pieces = module.split(".") if module else []
        for end in range(len(pieces) + 1):
            yield from _file_of(base, pieces[:end])
        for name in names:
            yield from _file_of(base, [*pieces, name])


def _file_of(base: Path, pieces: list[str]) -> Iterator[Path]:
    if pieces:
        place = base.joinpath(*pieces)
        candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
        yield from (file for file in candidates if file.is_file())


def report(path: str | None, module: str | None) -> int:
    """Print what is missing, by file and line; returns 1 if anything is, 2 if nothing was read."""
    file = _find_module(str(module)) if path is None else Path(path)
    if file is not None and file.is_dir():
        file = file / "__main__.py"
    try:
        if file is None:
            raise FileNotFoundError(2, "no such module", module)
        findings, count = check(file)
    except SyntaxError as error:
        print(f"{error.filename or file}:{error.lineno or 1}: {error.msg}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"naivegrad run: can't read {path or module}: {error}", file=sys.stderr)
        return 2
    for finding in findings:
        refused = "; it will be refused when it is called" if finding.refused else ""
        print(f"{finding.path}:{finding.line}: {finding.text}{refused}")
    missing = sum(not finding.refused for finding in findings)
    what = f"{missing} missing" if missing else "nothing missing"
    print(f"{file}: needs {count} names of PyTorch, {what}")
    return 1 if missing else 0


def _find_module(name: str) -> Path | None:
    """The file of a module that `python -m` would run from here."""
    folder, found = [str(Path.cwd()), *sys.path], None
    for piece in name.split("."):
        found = PathFinder.find_spec(piece, folder)
        if found is None:
            return None
        folder = list(found.submodule_search_locations or [])
    if found is None or found.origin is None:
        return None
    file = Path(found.origin)
    return file.with_name("__main__.py") if file.name == "__init__.py" else file
