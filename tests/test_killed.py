"""A checkpoint that is killed at any byte of its writing leaves the one before as it was."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("kind", ["a.safetensors", "a.pt", "run"])
def test_killed_while_writing(tmp_path, kind):
    run = subprocess.run(
        [sys.executable, HERE / "killed_writer.py", tmp_path, kind],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    *deaths, end = [line.rsplit(" ", 2) for line in run.stdout.splitlines()]
    assert end == ["end", "0", "new"]
    assert len(deaths) > (3 if kind == "run" else 30)
    for stage, killed, state in deaths:
        assert int(killed) == signal.SIGKILL, stage
        assert state == ("new" if stage == "after replace" else "old"), stage
