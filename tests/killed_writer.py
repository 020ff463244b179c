"""Saves again and again, each time in a process that kills itself after another number of bytes.

    python killed_writer.py FOLDER KIND

Prints one line for every death: the stage, and whether the file is the old one, the new one, or
neither. KIND is the name of a file for `naivegrad.save`, or "run": an example that goes on.
"""

import builtins
import contextlib
import io
import os
import signal
import sys
from pathlib import Path

import naivegrad as ng
from naivegrad.examples import mnist_mlp
from naivegrad.examples.training import CHECKPOINT
from naivegrad.io import atomic


def die():
    """What a power cut, `kill -9` and the out-of-memory killer do: no handler, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(io.FileIO):
    """A file that writes `room` bytes, wherever they go, and not one more."""

    room = 0

    def write(self, data):
        data = memoryview(data).cast("B")
        if len(data) > Dying.room:
            super().write(data[: Dying.room])
            die()
        Dying.room -= len(data)
        return super().write(data)


def arm(stage, path):
    """Make the writing of `path` deadly: at a byte, or around one of the calls at the end."""

    def open_dying(name, mode, **options):
        if path.name not in Path(name).name:
            return builtins.open(name, mode, **options)
        return Dying(name, mode)

    def around(name, before):
        call = getattr(os, name)

        def deadly(*arguments):
            if before:
                die()
            call(*arguments)
            die()

        setattr(os, name, deadly)

    if isinstance(stage, int):
        Dying.room = stage
        atomic.open = open_dying
    else:
        around(stage.split()[1], stage.startswith("before"))


def in_a_process(work):
    """Run `work` in a copy of this process; the signal that killed it, or 0."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        with contextlib.suppress(SystemExit):
            work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


STAGES = ("before fsync", "before replace", "after replace", "after fsync")


def saves(folder, kind):
    """`naivegrad.save`, dying at every few bytes."""
    path = folder / kind
    layer = ng.nn.Linear(5, 3)
    old, new = ({"step": step, "net": layer.state_dict()} for step in (1, 2))
    ng.save(new, path)
    size = len(path.read_bytes())
    for stage in (*range(0, size, 13), size - 1, *STAGES):
        ng.save(old, path)

        def work(stage=stage):
            arm(stage, path)
            ng.save(new, path)

        killed = in_a_process(work)
        print(stage, killed, {1: "old", 2: "new"}.get(ng.load(path)["step"]))
    ng.save(new, path)
    print("end", 0, {1: "old", 2: "new"}.get(ng.load(path)["step"]))


def runs(folder, kind):
    """An example that is killed when it saves its checkpoint, and goes on from the last one."""
    path = folder / CHECKPOINT
    options = ["--data", "digits", "--out", str(folder), "--threads", "1"]
    with contextlib.redirect_stdout(io.StringIO()):
        mnist_mlp.main([*options, "--epochs", "1"])
    size = path.stat().st_size
    before = path.read_bytes()
    for stage in (0, 5000, size - 1, "before replace"):

        def work(stage=stage):
            arm(stage, path)
            with contextlib.redirect_stdout(io.StringIO()):
                mnist_mlp.main(["--resume", str(folder), "--epochs", "2"])

        killed = in_a_process(work)
        print(stage, killed, "old" if path.read_bytes() == before else "changed")
    with contextlib.redirect_stdout(io.StringIO()):
        mnist_mlp.main(["--resume", str(folder), "--epochs", "2"])
    print("end", 0, "new" if ng.io.load_checkpoint(path)["epoch"] == 2 else "not")


if __name__ == "__main__":
    (runs if sys.argv[2] == "run" else saves)(Path(sys.argv[1]), sys.argv[2])
