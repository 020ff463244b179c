"""Whatever the texts show runs, and whatever they quote is what stands in the source.

In README, CONTRIBUTING and docs/, a block marked `python` is executed and one marked `pycon` is a
doctest, top to bottom in one namespace per file. A block after `<!-- source: module:name -->` is
a quotation and must equal the source. Links must lead somewhere, and `make` targets must exist.
"""

import doctest
import importlib
import inspect
import pkgutil
import re
import runpy
import textwrap
from pathlib import Path

import pytest

import naivegrad

ROOT = Path(__file__).parent.parent
TEXTS = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if path.exists()
]
BLOCK = re.compile(r"^(?:<!-- source: (\S+) -->\n)?```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL

in_each_text = pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))


def modules():
    """Every Python module of the package."""
    found = pkgutil.walk_packages(naivegrad.__path__, "naivegrad.")
    return ["naivegrad", *(m.name for m in found if not m.name.startswith("naivegrad.kernels."))]


def source_of(place):
    """The text of what `module:name` means."""
    module, name = place.split(":")
    obj = importlib.import_module(module)
    for part in name.split("."):
        obj = getattr(obj, part)
    return textwrap.dedent(inspect.getsource(obj)).rstrip()


@in_each_text
def test_snippets_run(path, tmp_path, monkeypatch):
    text = path.read_text()
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for match in BLOCK.finditer(text):
        quoted, language, code = match.groups()
        line = text.count("\n", 0, match.start(3))
        if quoted:
            continue
        if language == "python":
            # Empty lines in front, so that a traceback names the line of the file.
            exec(compile("\n" * line + code, str(path), "exec"), names)
        elif language == "pycon":
            examples = doctest.DocTestParser().get_examples(code)
            test = doctest.DocTest(examples, names, path.name, str(path), line, code)
            runner.run(test, clear_globs=False)
            names = test.globs
    assert runner.summarize(verbose=False).failed == 0


@in_each_text
def test_quotations_equal_the_source(path):
    for quoted, _, code in BLOCK.findall(path.read_text()):
        if quoted:
            assert code.rstrip() == source_of(quoted)


@in_each_text
def test_links_lead_somewhere(path):
    text = path.read_text()
    for target, anchor in LINK.findall(text):
        file = path.parent / target if target else path
        assert file.exists(), f"{path.name} links to {target}, which does not exist"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
            anchors = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in anchors, f"{path.name}: no heading #{anchor} in {file.name}"


@in_each_text
def test_make_targets_exist(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", path.read_text(), re.M))
    assert named <= targets


def test_sizes_in_the_readme():
    """Rounded, and right within a quarter."""
    size = runpy.run_path(ROOT / "tools/size.py")["sizes"]()
    rows = re.findall(
        r"^\| ([\w, ]+) \| .* \| ([\d,]+) \|$", (ROOT / "README.md").read_text(), re.M
    )
    stated = {layer: int(n.replace(",", "")) for layer, n in rows}
    assert stated == {layer: pytest.approx(n, rel=0.25) for layer, n in size.items()}


@pytest.mark.parametrize("name", modules())
def test_docstring_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=FLAGS).failed == 0
