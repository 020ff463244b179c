"""`naivegrad run --check`: what a program needs of PyTorch and is missing, without running it."""

import ast
import textwrap

import pytest

from naivegrad.run.check import check
from naivegrad.run.command import run
from naivegrad.run.source import Reader


def problems(source):
    """[(line, text)] of the problems in a program."""
    return sorted(Reader(textwrap.dedent(source), "program.py").read().problems)


def texts(source):
    return [text for _, text in problems(source)]


HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


@pytest.mark.parametrize(
    "line, text",
    [
        ("torch.softmaks", "torch.softmaks is missing; the nearest is 'softmax'"),
        ("nn.Linearr(1, 2)", "torch.nn.Linearr is missing; the nearest is 'Linear'"),
        ("F.reluu(1)", "torch.nn.functional.reluu is missing; the nearest is 'relu'"),
        ("import torch.fx", "there is no module torch.fx"),
        ("import torch.fx.graph as g", "there is no module torch.fx.graph"),
        ("from torch.fx import symbolic_trace", "there is no module torch.fx"),
        ("from torch import ones, oness", "torch.oness is missing; the nearest is 'ones'"),
        ("from torchvision import transformss",
         "torchvision.transformss is missing; the nearest is 'transforms'"),
        ("torch.Tensor.argmaks", "torch.Tensor.argmaks is missing; the nearest is 'argmax'"),
        ("torch.optim.SGD([], lrr=1)",
         "torch.optim.SGD takes no argument 'lrr'; the nearest is 'lr'"),
        ("nn.Conv2d(1, 2, 3, strides=2)",
         "torch.nn.Conv2d takes no argument 'strides'; the nearest is 'stride'"),
        ("torch.relu(1, 2, 3, 4)", "torch.relu takes 2 arguments, not 4"),
        ("torch.ones(2).argmaks()", "Tensor has no 'argmaks'; the nearest is 'argmax'"),
        ("x = torch.ones(2)\n(x * 2 - 1)[0].sum(0).argmaks()",
         "Tensor has no 'argmaks'; the nearest is 'argmax'"),
        ("torch.ones(2).sum(axis=0)", "Tensor.sum takes no argument 'axis'"),
        ("def f(x: torch.Tensor):\n    return x.argmaks()",
         "Tensor has no 'argmaks'; the nearest is 'argmax'"),
        ("m = nn.Linear(1, 2)\nm.parameterss()",
         "Linear has no 'parameterss'; the nearest is 'parameters'"),
        ("class A(nn.Module):\n def __init__(self):\n  self.a = nn.ReLU()\n"
         " def f(self):\n  self.a.evall()",
         "ReLU has no 'evall'; the nearest is 'eval'"),
        ("o = torch.optim.Adam([])\nif 1:\n    o.stepp()",
         "Adam has no 'stepp'; the nearest is 'step'"),
        ("T = torch.nn\nT.Linearr", "torch.nn.Linearr is missing; the nearest is 'Linear'"),
        ("[torch.sumsum(i) for i in range(3)]", "torch.sumsum is missing; the nearest is 'cumsum'"),
        ("@torch.no_gradd()\ndef f(): pass",
         "torch.no_gradd is missing; the nearest is 'no_grad'"),
        ("try:\n    torch.sumsum\nexcept ValueError:\n    pass",
         "torch.sumsum is missing; the nearest is 'cumsum'"),
    ],
)  # fmt: skip
def test_a_problem(line, text):
    assert texts(HEAD + line) == [text]


@pytest.mark.parametrize(
    "line",
    [
        "try:\n    import torch.fx\nexcept ImportError:\n    pass",
        "try:\n    torch.foo\nexcept:\n    pass",
        "if hasattr(torch, 'foo'):\n    torch.foo.bar()",
        "f = getattr(torch, 'foo', None) or torch.foo",
        "torch.backends.cudnn.benchmark = True\ntorch.manual_seed(0)",
        "x = torch.ones(2)\nx.mine = 3\nprint(x.mine)",
        "def f(torch):\n    return torch.foo",
        "x = torch.ones(2)\nx = 'text'\nx.upper()",
        "m = nn.Linear(1, 2)\nm.weight.foo, m.mine, m.in_features.bit_length()",
        "n = torch.ones(2).numpy()\nn.foo",
        "for x in torch.ones(2):\n    x.foo",
        "d = nn.ModuleDict({'a': nn.ReLU()})\nd.a(1)",
        "a, b = torch.ones(2).max(0)\na.foo",
        "import os, numpy as np\nos.foo, np.foo",
        "torch.ones(*[1, 2, 3, 4, 5, 6, 7, 8, 9], **{'foo': 1})",
        "torch.zeros(2, 3, 4, 5, 6, dtype=torch.float32, device='cpu')",
        "from torch.optim import *\nAdam([torch.ones(1)], lr=1)\nundefined.foo",
        "class Tensor: pass\nt = Tensor()\nt.foo()",
        "self = torch.ones(2)\nself.foo",
        "torch.ones(2).sum(dim=0, keepdim=True).to('cpu', non_blocking=True).item().foo",
        "lambda torch: torch.foo",
        "self.x = 3",
        "class A:\n    self.x = nn.ReLU()",
        "x = torch.ones(2)" + ".abs()" * 60,  # each expression is visited once
    ],
)
def test_no_problem(line):
    ast.parse(line)
    assert texts(HEAD + line) == []


def test_stars_bring_names():
    found = texts("from torch.optim import *\nAdam([], lrr=1)")
    assert found == ["torch.optim.Adam takes no argument 'lrr'; the nearest is 'lr'"]


def test_lines_and_the_files_of_a_program(tmp_path, capsys):
    (tmp_path / "main.py").write_text(
        "import torch\nimport model, lib.a\nfrom lib import b\n\ntorch.foo1\ntorch.foo2\n"
        "torch.onnx.export\ntorch.onnx.export(1, 2, 3)\n"
    )
    (tmp_path / "model.py").write_text("import main, torch\ntorch.ones(1).foo\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("from torch import foo3\n")
    (tmp_path / "lib" / "a.py").write_text("from . import c\nfrom .d import x\n")
    for name in "bcd":
        (tmp_path / "lib" / f"{name}.py").write_text(f"import torch\n\ntorch.from_{name}\n")
    findings, count = check(tmp_path / "main.py")
    places = {(f.path.name, f.line) for f in findings if not f.refused}
    assert places == {
        ("main.py", 5), ("main.py", 6), ("model.py", 2), ("__init__.py", 1),
        ("b.py", 3), ("c.py", 3), ("d.py", 3),
    }  # fmt: skip
    (refused,) = (f for f in findings if f.refused)
    assert refused.line == 8 and "onnx.export: naivegrad writes no ONNX files" in refused.text

    assert run(["--check", str(tmp_path / "main.py")]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{tmp_path}/main.py:5: torch.foo1 is missing")
    assert out[-1] == f"{tmp_path}/main.py: needs {count} names of PyTorch, 7 missing"


def test_exit_codes(tmp_path, capsys, monkeypatch):
    good = tmp_path / "good.py"
    good.write_text("import torch\nimport torch.onnx\nx = torch.ones(2).sum()\n")
    assert run(["--check", str(good), "--lr", "3"]) == 0
    assert capsys.readouterr().out == f"{good}: needs 4 names of PyTorch, nothing missing\n"
    monkeypatch.chdir(tmp_path)
    assert run(["--check", "-m", "good"]) == 0
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    (tmp_path / "app" / "__main__.py").write_text("import torch\ntorch.foo\n")
    assert run(["--check", "app"]) == 1
    assert run(["--check", "-m", "app"]) == 1
    capsys.readouterr()
    (tmp_path / "bad.py").write_text("x = = 1")
    (tmp_path / "binary.py").write_bytes(b"\x00\x01")
    for arguments, message in [
        (["nowhere.py"], "can't read nowhere.py"),
        (["-m", "nothing.here"], "can't read nothing.here"),
        (["bad.py"], "bad.py:1: invalid syntax"),
        (["binary.py"], "null bytes"),
    ]:
        assert run(["--check", *arguments]) == 2
        assert message in capsys.readouterr().err
