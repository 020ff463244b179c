"""Lines of code by layer: no blank lines, comments or docstrings.

python tools/size.py
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYERS = {
    "kernels": ["naivegrad/kernels/*.p[yx]x", "naivegrad/kernels/*.h", "cuda/*.h"],
    "backend": ["naivegrad/backend/**/*.py", "naivegrad/kernels/*.py"],
    "autograd": ["naivegrad/autograd/*.py"],
    "tensor": ["naivegrad/*.py", "naivegrad/methods/*.py"],
    "ops": ["naivegrad/ops/*.py"],
    "nn, optim": [f"naivegrad/{folder}/**/*.py" for folder in ("nn", "optim", "amp")],
    "data, io": [f"naivegrad/{folder}/*.py" for folder in ("data", "io", "serialization", "viz")],
    "distributions": ["naivegrad/distributions/*.py"],
    "run": [f"naivegrad/{folder}/**/*.py" for folder in ("run", "vision", "compat", "utils")],
    "examples": ["naivegrad/examples/*.py"],
    "tests": ["tests/**/*.py"],
}
DOCSTRING = re.compile(r'^\s*[rR]?"""(?:.|\n)*?"""\s*$', re.M)
C_COMMENT = re.compile(r"/\*(?:.|\n)*?\*/|//.*$", re.M)


def lines(path: Path) -> int:
    """Lines of one file that say something to the computer."""
    text = path.read_text()
    text = C_COMMENT.sub("", text) if path.suffix == ".h" else DOCSTRING.sub("", text)
    hash_comments = path.suffix != ".h"
    said = (line.strip() for line in text.splitlines())
    return sum(bool(line) and not (hash_comments and line.startswith("#")) for line in said)


def sizes() -> dict[str, int]:
    """Lines of each layer."""
    return {
        layer: sum(lines(path) for pattern in patterns for path in ROOT.glob(pattern))
        for layer, patterns in LAYERS.items()
    }


if __name__ == "__main__":
    for layer, n in sizes().items():
        print(f"{layer:10} {n:6,}")
