"""Running a script or a module as Python does: its own arguments, exit code and traceback."""

from __future__ import annotations

import builtins
import io
import os
import re
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, TracebackType

from naivegrad.missing import explain
from naivegrad.run.hook import install

OURS = (str(Path(__file__).parent.parent / "cli.py"), __file__)
STANDARD = (runpy.__file__, "<frozen runpy>")


def run_script(path: str, arguments: Sequence[str] = ()) -> int:
    """`python path arguments...`, where `import torch` gives naivegrad.

    Parameters
    ----------
    path : a file, or a folder or an archive that holds a __main__.py

    Returns
    -------
    The exit code: 0; 1 after an exception, whose traceback was printed; 2 if there is
    no file to read. A SystemExit of the script goes on to the caller.
    """
    try:
        folder = not _is_source(path)
    except OSError as error:
        print(f"naivegrad run: can't open file {path!r}: {error.strerror}", file=sys.stderr)
        return 2
    _prepare(path, arguments, None if folder else os.path.dirname(os.path.realpath(path)))
    if folder:
        return _guarded(lambda: runpy.run_path(path, run_name="__main__"))
    return _guarded(lambda: _execute(path))


def run_module(name: str, arguments: Sequence[str] = ()) -> int:
    """`python -m name arguments...`, in the same way."""
    _prepare("-m", arguments, os.getcwd())
    return _guarded(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def _prepare(path: str, arguments: Sequence[str], folder: str | None) -> None:
    install()
    sys.argv = [path, *arguments]
    if folder is not None and not sys.flags.safe_path:
        sys.path[0] = folder


def _is_source(path: str) -> bool:
    """Whether it is one file of source, no folder or archive."""
    if os.path.isdir(path):
        return False
    with open(path, "rb") as file:
        return file.read(4) != b"PK\x03\x04"


def _execute(path: str) -> None:
    """Run a file of source as the module __main__, which stays: new processes ask for it."""
    path = os.path.abspath(path)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = main
    with io.open_code(path) as file:
        source = file.read()
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)


def _guarded(run: Callable[[], object]) -> int:
    """Run it; an exception is printed as Python would, without our frames."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:
        _name_the_nearest(error)
        sys.stdout.flush()
        error.__traceback__ = _own_frames(error.__traceback__)
        if isinstance(error, ImportError) and error.__traceback__ is None:  # it did not begin
            print(f"naivegrad run: {error}", file=sys.stderr)
            return 1
        sys.excepthook(type(error), error, error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames that lead to the script."""
    while trace and trace.tb_frame.f_code.co_filename in (*OURS, *STANDARD):
        trace = trace.tb_next
    return trace


def _name_the_nearest(error: BaseException) -> None:
    """`from torch import something`: Python says that it is missing; add what there is instead."""
    found = re.match(r"cannot import name '(\w+)' from '(naivegrad[\w.]*)'", str(error))
    if isinstance(error, ImportError) and found:
        name, module = found.groups()
        error.add_note(str(explain(module, name, vars(sys.modules[module]))))
