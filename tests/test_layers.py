"""Imports point downwards only, by the layers that pyproject.toml lists for import-linter."""

import ast
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import naivegrad

ROOT = Path(naivegrad.__file__).parent
PROJECT = ROOT.parent / "pyproject.toml"


def contract():
    """({part: how high it lies}, {(from, to) that are excused})."""
    if not PROJECT.exists():
        return {}, set()
    first = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"][0]
    level = {}
    for i, layer in enumerate(reversed(first["layers"])):
        for name in layer.replace(" ", "").split("|"):
            level[name.strip("()").removeprefix("naivegrad.")] = i
    arrows = (arrow.split(" -> ") for arrow in first["ignore_imports"])
    return level, {(part(a), part(b)) for a, b in arrows}


def part(module):
    """The layer's name in a module's: naivegrad.ops.conv is part of ops."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 and pieces[0] == "naivegrad" else None


LEVEL, EXCUSED = contract()
needs_project = pytest.mark.skipif(not LEVEL, reason="installed without pyproject.toml")


def modules():
    return pkgutil.walk_packages([str(ROOT)], "naivegrad.")


def imports(path):
    """(module, line) for every import in a file but those for type checkers only."""

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: relative import"
                for alias in child.names:
                    yield f"{child.module}.{alias.name}", child.lineno
            yield from visit(child)

    yield from visit(ast.parse(path.read_text()))


SOURCES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


@needs_project
@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path):
    own = path.relative_to(ROOT).with_suffix("").parts[0]
    for module, line in imports(path):
        other = part(module)
        if own == "scalar":
            alone = not module.startswith("naivegrad") or other == "scalar"
            assert alone, f"{path}:{line}: scalar stands alone"
        if other in (None, own) or (own, other) in EXCUSED:
            continue
        assert other != "scalar", f"{path}:{line}: nothing imports scalar"
        if own in LEVEL and other in LEVEL:
            assert LEVEL[other] < LEVEL[own], f"{path}:{line}: {own} imports {other} from above"


@needs_project
def test_every_folder_is_in_a_layer():
    folders = {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()}
    assert folders - set(LEVEL) <= {"scalar"}


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("__init__.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_init_files_define_nothing(path):
    """A folder's __init__ hands names on; code lives in modules with a name."""
    for node in ast.parse(path.read_text()).body:
        assert not isinstance(node, (ast.ClassDef, ast.AsyncFunctionDef)), (
            f"{path}: defines {node.name}"
        )
        if isinstance(node, ast.FunctionDef):
            # kernels/__init__.py chooses the CPU level, which must happen on import
            allowed = ("__getattr__", "__dir__", "_choose_level")
            assert node.name in allowed, f"{path}: defines {node.name}"


def test_files_can_be_read_in_one_go():
    """A file past 500 lines wants splitting by family, unless it is a list to look things up in."""
    lengths = {p.relative_to(ROOT): len(p.read_text().splitlines()) for p in ROOT.rglob("*.py")}
    assert not {str(p): n for p, n in lengths.items() if n > 650 and p.name != "protocol.py"}


def test_backend_knows_nothing_of_tensor():
    """The backend imports without the rest of the package."""
    code = """
import importlib, sys, types
root = types.ModuleType("naivegrad")
root.__path__ = [sys.argv[1]]
sys.modules["naivegrad"] = root
importlib.import_module("naivegrad.backend.cpu")
above = tuple("naivegrad." + part for part in ("tensor", "autograd", "ops", "nn"))
bad = [m for m in sys.modules if m.startswith(above)]
assert not bad, bad
"""
    subprocess.run([sys.executable, "-c", code, str(ROOT)], check=True)


def test_importing_pulls_in_no_optional_package():
    """NumPy alone is needed: no plotting, no progress bars, no GPU stack, no other framework."""
    code = """
import sys
import naivegrad
optional = "torch scipy matplotlib rich tqdm pooch pycuda cupy sklearn hypothesis pytest".split()
bad = set(optional) & set(sys.modules)
assert not bad, bad
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_every_module_imports():
    for info in modules():
        if info.name.rsplit(".", 1)[-1] != "__main__":
            importlib.import_module(info.name)
