"""The package as it is installed: its metadata, what it needs, and that nothing was forgotten."""

import ast
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import naivegrad

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "naivegrad"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Everything that is not NumPy, ml_dtypes or the standard library, by the name it is imported under.
EXTRAS = ["rich", "tqdm", "pooch", "requests", "matplotlib", "PIL", "scipy", "sklearn", "torch"]
EXTRAS += ["pycuda", "hypothesis", "pytest", "Cython", "setuptools"]


def assigned(path, name):
    """The literal that a file assigns to `name` at its top level."""
    for node in ast.parse(path.read_text()).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return ast.literal_eval(node.value)
    raise LookupError(f"{path.name} assigns no {name}")


def test_version():
    assert naivegrad.__version__ == assigned(PACKAGE / "_version.py", "__version__")
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", naivegrad.__version__)


def test_installed_metadata():
    try:
        meta = importlib.metadata.metadata("naivegrad")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("naivegrad is not installed, only built in place")
    assert meta["Version"] == naivegrad.__version__
    assert meta["License-Expression"] == "MIT"
    assert set(meta.get_all("Provides-Extra")) == {"train", "cuda", "test", "dev"}
    needed = [r for r in importlib.metadata.requires("naivegrad") if "extra ==" not in r]
    assert sorted(needed) == ["ml_dtypes>=0.4", "numpy>=2.0"]


def test_requirements():
    assert PROJECT["dependencies"] == ["ml_dtypes>=0.4", "numpy>=2.0"]
    assert "torch==2.13.0" in PROJECT["optional-dependencies"]["test"]


def test_import_needs_its_requirements_alone():
    """Importing every module, with all else hidden, works without a warning."""
    names = [m.name for m in pkgutil.walk_packages(naivegrad.__path__, "naivegrad.")]
    names = [n for n in names if not n.endswith("__main__")]
    code = f"""
import importlib, sys
for extra in {EXTRAS}:
    sys.modules[extra] = None
for name in {names}:
    importlib.import_module(name)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == run.stderr == ""


def test_every_folder_is_a_package():
    for folder in {path.parent for path in PACKAGE.rglob("*.py*") if path.suffix != ".pyc"}:
        assert (folder / "__init__.py").exists(), f"{folder} would be left out of the wheel"


def test_every_kernel_module_is_built_and_typed():
    table = (ROOT / "setup.py").read_text().partition("DEBUG = ")[0]
    built = set(re.findall(r'"(\w+)"', table.partition("BY_LEVEL = ")[2]))
    found = {path.stem for path in PACKAGE.glob("kernels/*.pyx")}
    assert found == built
    for name in found:
        assert (PACKAGE / f"kernels/{name}.pyi").exists(), f"kernels/{name}.pyx has no .pyi"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("kernels/*.pyi")), ids=lambda p: p.stem)
def test_stubs_match_the_compiled_functions(path):
    module = importlib.import_module(f"naivegrad.kernels.{path.stem}")
    stubs = {n.name: n.args for n in ast.parse(path.read_text()).body if hasattr(n, "args")}
    public = {name for name, value in vars(module).items() if inspect.isroutine(value)}
    assert {n for n in public if not n.startswith("_")} == set(stubs)
    for name, args in stubs.items():
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        assert [a.arg for a in args.args] == [p.name for p in parameters], name
        assert len(args.defaults) == sum(p.default is not p.empty for p in parameters), name


def test_no_package_named_cuda_in_the_checkout():
    """It would shadow NVIDIA's `cuda` for a Python started here."""
    assert not (ROOT / "cuda/__init__.py").exists()
