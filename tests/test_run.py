"""`naivegrad run`: the import hook, and that a program runs as Python would run it."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from naivegrad.run.hook import place_of
from naivegrad.run.version import Version

ROOT = Path(__file__).parent.parent


# A process that has imported naivegrad forks for each program: importing takes the longest.
SERVER = """
import json, os, sys
import naivegrad.run.command
from naivegrad.cli import main
for line in sys.stdin:
    arguments, folder, out, error = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, name in ((0, os.devnull), (1, out), (2, error)):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
        sys.exit(main(arguments))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def server():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def start(server, tmp_path):
    """start(source, *arguments): what came of `naivegrad run` on a script of this source."""

    def run(source, *arguments, name="script.py", options=()):
        path = tmp_path / name  # relative to the folder that the program starts in
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))
        program = [name] if not options else []
        out, error = tmp_path / "out.txt", tmp_path / "error.txt"
        for file in (out, error):
            file.write_text("")
        command = ["run", *options, *program, *arguments]
        server.stdin.write(json.dumps([command, *map(str, (tmp_path, out, error))]) + "\n")
        server.stdin.flush()
        return Done(int(server.stdout.readline()), out.read_text(), error.read_text())

    return run


def test_the_names_are_our_modules(start):
    done = start(
        """
        import sys
        import torch
        import torch.nn as nn, torch.nn.functional as F, torch.optim as optim
        import torch.utils.data, torch.cuda, torch.backends.cudnn as cudnn
        import torch.multiprocessing as mp, torch.distributed as dist
        from torch.autograd.function import Function, once_differentiable
        from torch.optim.lr_scheduler import StepLR
        from torch.cuda.amp import GradScaler, autocast
        from torch.nn.parallel import DistributedDataParallel
        from torch.utils.data import DataLoader, Dataset
        from torch.optim import *
        import naivegrad, numpy

        assert torch is naivegrad and nn is naivegrad.nn and F is naivegrad.nn.functional
        assert sys.modules["torch.nn"] is naivegrad.nn and torch.cuda is sys.modules["torch.cuda"]
        assert cudnn is naivegrad.backends.cudnn and mp is naivegrad.compat.multiprocessing
        assert torch.__file__ == naivegrad.__file__ and "torch._C" not in sys.modules
        for name, module in list(sys.modules.items()):
            if name.startswith("naivegrad") and "kernels" not in name:
                # Importing it under another name gave it no other name.
                assert module.__name__ == module.__spec__.name == name, name
        assert isinstance(nn.Linear(1, 1), naivegrad.nn.Module) and SGD is optim.SGD
        assert torch.__version__ == "2.13.0+naivegrad" and torch.__version__ >= (2, 0)
        x = torch.ones(2, 3).double()
        print(x.dtype, x.shape, x.type(), torch.float32, torch.channels_last, torch.LongTensor)
        print(repr(x[0, :2]))
        try:
            import torch.fx
        except ImportError as error:
            print(type(error).__name__, error)
        try:
            torch.softmaks
        except AttributeError as error:
            print(error)
        assert not hasattr(torch, "_dynamo")
        """
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "torch.float64 torch.Size([2, 3]) torch.DoubleTensor torch.float32 torch.channels_last "
        "torch.LongTensor",
        "tensor([1., 1.], dtype=torch.float64)",
        "ModuleNotFoundError No module named 'torch.fx': this program runs on naivegrad, which has "
        "no 'fx' (see docs/differences.md)",
        "naivegrad has no 'softmaks'; the nearest is 'softmax' (see docs/differences.md)",
    ]


def test_torchvision(start):
    done = start(
        """
        import torch, torchvision
        import torchvision.transforms as T
        from torchvision import datasets, transforms
        from torchvision.transforms import v2, functional as TF
        from torchvision.utils import save_image, make_grid
        import naivegrad.vision

        assert torchvision is naivegrad.vision and T is transforms is naivegrad.vision.transforms
        save_image(torch.rand(4, 1, 5, 5), "grid.png")
        print(open("grid.png", "rb").read(4), torchvision.__version__)
        try:
            torchvision.models.resnet18()
        except AttributeError as error:
            print(error)
        """
    )
    assert done.stdout.splitlines() == [
        r"b'\x89PNG' 0.28.0+naivegrad",
        "naivegrad.vision.models has no 'resnet18' (see docs/differences.md)",
    ], done.stderr


def test_a_program_sees_what_python_shows_it(start, tmp_path):
    source = """
        import sys
        import __main__
        import helper

        count: int

        def f():
            pass

        if __name__ == "__main__":
            assert sys._getframe().f_code.co_filename == __file__
            print(sys.argv, __file__, __spec__, __package__, sys.path[0] == {folder!r})
            print(f.__module__, __main__.f is f, helper.where, __doc__, "--check" in sys.argv)
            assert __builtins__.print is print and __annotations__ == {{"count": int}}
            sys.exit(7)
        """.format(folder=str(tmp_path / "inner"))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "helper.py").write_text("import torch\nwhere = torch.__name__\n")
    done = start(source, "--lr", "0.1", "--check", "-m", name="inner/script.py")
    assert (done.returncode, done.stderr) == (7, "")
    script = str(tmp_path / "inner" / "script.py")
    assert done.stdout.splitlines() == [
        f"['inner/script.py', '--lr', '0.1', '--check', '-m'] {script} None None True",
        "__main__ True naivegrad None True",
    ]


def test_a_module_of_a_package(start, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "other.py").write_text("import torch\nname = torch.__name__\n")
    done = start(
        """
        import sys
        from . import other
        print(__name__, __package__, __spec__.name, sys.argv[1:], other.name)
        """,
        "--lr",
        name="package/mod.py",
        options=("-m", "package.mod"),
    )
    assert done.stdout == "__main__ package package.mod ['--lr'] naivegrad\n", done.stderr
    missing = start("", options=("-m", "package.nothing"))
    assert missing.returncode == 1 and "No module named package.nothing" in missing.stderr


@pytest.mark.parametrize(
    "source, code, lines",
    [
        (
            "import torch\n\ndef f(x):\n    return torch.flooor(x)\n\nf(torch.ones(1))",
            1,
            ["Traceback (most recent call last):", 'script.py", line 6, in <module>',
             'script.py", line 4, in f', "naivegrad has no 'flooor'; the nearest is 'floor'"],
        ),
        (
            "from torch.nn import Linearr",
            1,
            ['script.py", line 1, in <module>', "cannot import name 'Linearr'",
             "naivegrad.nn has no 'Linearr'; the nearest is 'Linear'"],
        ),
        (
            "import torch\ntorch.ones(1).argmaks()",
            1,
            ["'Tensor' object has no attribute 'argmaks'. Did you mean: 'argmax'?"],
        ),
        ("import torch\nx = = 1", 1, ['script.py", line 2', "SyntaxError: invalid syntax"]),
        ("import sys\nsys.exit('no luck')", 1, ["no luck"]),
        ("raise SystemExit", 0, []),
        ("raise KeyboardInterrupt", 130, ["KeyboardInterrupt"]),
        (
            "import torch.onnx, torch\ntorch.onnx.export(None, None, 'a')",
            1,
            ["line 2, in <module>", "NotImplementedError: onnx.export: naivegrad writes no ONNX"],
        ),
        (
            "import sys\nsys.excepthook = lambda *error: print('mine', file=sys.stderr)\n1 / 0",
            1,
            ["mine"],
        ),
    ],
    ids=["name", "import", "method", "syntax", "text", "nothing", "interrupt", "export", "hook"],
)  # fmt: skip
def test_how_a_program_ends(start, source, code, lines):
    done = start(source)
    assert done.returncode == code
    place = 0
    for line in lines:
        place = done.stderr.index(line, place)
    # The frames are the program's (and at their end those of what it called).
    assert "naivegrad/run/" not in done.stderr and "runpy" not in done.stderr
    assert lines or done.stderr == ""


def test_processes_that_a_program_starts(start):
    done = start(
        """
        import multiprocessing
        import sys
        import torch

        def work(i):
            assert "torch._C" not in sys.modules
            return torch.full((2,), i), torch.__file__, __name__

        if __name__ == "__main__":
            for method in ("spawn", "forkserver", "fork"):
                with multiprocessing.get_context(method).Pool(1) as pool:
                    (x, file, name), = pool.map(work, [3])
                assert x.tolist() == [3, 3] and file == torch.__file__, method
                print(method, name)
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == [
        "spawn __mp_main__",
        "forkserver __mp_main__",
        "fork __main__",
    ]


def test_arguments(start):
    for options, message in [("--check", "is required"), ("--chekc", "unrecognized arguments")]:
        done = start("", options=(options,))
        assert done.returncode == 2 and "usage: naivegrad run" in done.stderr
        assert message in done.stderr
    done = start("", options=("--help",))
    assert done.returncode == 0 and "--check" in done.stdout
    done = start("", options=("nowhere.py",))
    assert done.returncode == 2
    assert done.stderr == "naivegrad run: can't open file 'nowhere.py': No such file or directory\n"
    done = start("", options=("-m", "nowhere.there"))
    assert done.returncode == 1
    assert done.stderr.startswith("naivegrad run: Error while finding module")
    assert done.stderr.count("\n") == 1


def test_a_folder_with_a_main(start, tmp_path):
    done = start("import torch\nprint(torch.ones(1).item(), __name__)", name="app/__main__.py")
    assert done.stdout == "1.0 __main__\n"
    done = start("print(0)", options=("app",))
    assert done.stdout == "1.0 __main__\n"


def test_where_a_module_of_pytorch_is():
    assert place_of("torch") == "naivegrad"
    assert place_of("torch.nn.functional") == "naivegrad.nn.functional"
    assert place_of("torch.backends.cudnn") == "naivegrad.compat.backends.cudnn"
    assert place_of("torchvision.transforms.v2") == "naivegrad.vision.transforms.v2"


@pytest.mark.torch
def test_versions_compare_as_in_pytorch():
    torch_version = pytest.importorskip("torch.torch_version").TorchVersion
    ours, theirs = Version("2.13.0+naivegrad"), torch_version("2.13.0+naivegrad")
    for other in ("2.2", "2.13", "2.13.0", "10.0", "1.13.1+cpu", (2, 13), (1, 8), (3,)):
        for compare in ("__lt__", "__le__", "__gt__", "__ge__"):
            if (isinstance(other, str) and other == "2.13") or other in ("2.13.0", (2, 13)):
                continue  # PyTorch: a local version is greater; here, the numbers are equal
            assert getattr(ours, compare)(other) == getattr(theirs, compare)(other), other
    assert ours >= "2.13.0" and ours == "2.13.0+naivegrad" and ours.split("+")[0] == "2.13.0"
    with pytest.raises(TypeError):
        ours < 2  # noqa: B015
