"""The kernels are built for several instruction sets: those not in use here must be right too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from naivegrad.kernels import cpu_features, level

LEVELS = [
    name for name, needs in (("base", 1), ("v3", 3), ("v4", 4)) if needs <= cpu_features.isa_level()
]
FILES = ["test_vector_math.py", "test_ops_forward.py", "test_large.py"]
GRADIENTS = "test_ops_derivatives.py::test_gradients_in_float32"


@pytest.mark.slow
@pytest.mark.skipif("NAIVEGRAD_ISA" in os.environ, reason="one level is asked for")
@pytest.mark.parametrize("name", [name for name in LEVELS if name != level.isa])
def test_other_level(name):
    """Values at every size and layout, gradients in float32, the same bits for any thread count."""
    here = Path(__file__).parent
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        *FILES,
        GRADIENTS,
    ]
    done = subprocess.run(
        command,
        cwd=here,
        env={
            **os.environ,
            "NAIVEGRAD_ISA": name,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_an_unknown_level_is_refused():
    done = subprocess.run(
        [sys.executable, "-c", "import naivegrad"],
        env={
            **os.environ,
            "NAIVEGRAD_ISA": "v9",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "NAIVEGRAD_ISA=v9" in done.stderr
