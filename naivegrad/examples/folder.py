"""The folder of a run: which one is new, which one --resume means."""

import re
import tempfile
from pathlib import Path
from typing import Any

from naivegrad.examples.options import UserError
from naivegrad.io import load_checkpoint

CHECKPOINT = "checkpoint.safetensors"


def open_folder(example: str, given: dict[str, Any]) -> tuple[Path, dict[str, Any] | None]:
    """The folder for the results, and the checkpoint to go on from, if --resume is given."""
    if "resume" not in given:
        out = Path(given["out"]) if "out" in given else _new_folder(example)
        if (out / CHECKPOINT).exists():
            raise UserError(
                f"--out {out} already holds a run: give --resume {out} to go on with it, or "
                "choose another folder"
            )
        return out, None
    where = Path(given["resume"] or given.get("out") or _last_folder(example))
    path = where / CHECKPOINT if where.suffix != ".safetensors" else where
    out = Path(given.get("out", path.parent))
    if not path.is_file():
        raise UserError(f"--resume: there is no {path}")
    if out != path.parent and (out / CHECKPOINT).exists():
        raise UserError(f"--out {out} already holds another run")
    saved = load_checkpoint(path)
    if not isinstance(saved, dict) or saved.get("example") != example:
        raise UserError(f"--resume: {path} is not a run of {example}")
    return out, saved


def make_writable(folder: Path) -> None:
    """Make the folder, and make sure that files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None


def _new_folder(example: str) -> Path:
    """runs/NAME, or runs/NAME-2, ...: the first one that holds no run yet."""
    n = 1
    while (_folder(example, n) / CHECKPOINT).exists():
        n += 1
    return _folder(example, n)


def _last_folder(example: str) -> Path:
    pattern = re.compile(rf"{example}(?:-(\d+))?")
    taken = [path.parent for path in Path("runs").glob(f"*/{CHECKPOINT}")]
    ours = [match for path in taken if (match := pattern.fullmatch(path.name))]
    return _folder(example, max((int(match[1] or 1) for match in ours), default=1))


def _folder(example: str, n: int) -> Path:
    return Path("runs", example if n == 1 else f"{example}-{n}")
