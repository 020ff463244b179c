"""Every public name is documented, and every example in a docstring runs and gives what it says."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import naivegrad as ng

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(ng.__path__, "naivegrad.")
    if not info.name.endswith("__main__") and ".kernels." not in info.name
)
PUBLIC = [
    "naivegrad",
    "naivegrad.autograd",
    "naivegrad.nn",
    "naivegrad.nn.functional",
    "naivegrad.nn.init",
    "naivegrad.nn.modules.module",
    "naivegrad.nn.modules.utils",
    "naivegrad.nn.utils",
    "naivegrad.nn.utils.parametrizations",
    "naivegrad.nn.utils.parametrize",
    "naivegrad.nn.utils.prune",
    "naivegrad.nn.utils.stateless",
    "naivegrad.nn.utils",
    "naivegrad.optim",
    "naivegrad.data",
    "naivegrad.distributions",
]


@pytest.mark.parametrize("name", ["naivegrad", *MODULES])
def test_module_has_a_docstring(name):
    module = importlib.import_module(name)
    assert (
        module.__doc__ and module.__doc__.strip().rstrip("`").endswith((".", ":", "|", ")"))
    ) or "\n" in module.__doc__


def names(module):
    """The names that a module offers."""
    offered = [n for n in vars(module) if not n.startswith("_")]
    return list(getattr(module, "__all__", offered))


def own(thing):
    return (getattr(thing, "__module__", None) or "").startswith("naivegrad")


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    module = importlib.import_module(name)
    missing = []
    for public in names(module):
        thing = getattr(module, public)
        if (
            (inspect.isfunction(thing) or inspect.isclass(thing))
            and own(thing)
            and not inspect.getdoc(thing)
        ):
            missing.append(public)
        if inspect.isclass(thing) and own(thing):
            missing += [
                f"{public}.{method}"
                for method, f in vars(thing).items()
                if inspect.isfunction(f)
                and not method.startswith("_")
                and not inspect.getdoc(getattr(thing, method))
            ]
    assert not missing


@pytest.mark.parametrize("name", PUBLIC)
def test_all_lists_what_exists_once(name):
    module = importlib.import_module(name)
    assert len(set(names(module))) == len(names(module))
    for public in names(module):
        assert hasattr(module, public), public


def test_every_function_class_states_its_rule():
    """One line with the formula, one with the gradient."""
    from naivegrad.autograd import Function

    missing = [
        c.__name__
        for c in subclasses(Function)
        if c.__module__.startswith("naivegrad.") and not c.__doc__
    ]
    assert not missing


def subclasses(cls):
    for c in cls.__subclasses__():
        yield c
        yield from subclasses(c)


@pytest.mark.parametrize("name", ["naivegrad", *MODULES])
def test_doctests(name):
    module = importlib.import_module(name)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    ng.manual_seed(0)
    with np.printoptions():
        failed, _ = doctest.testmod(
            module, extraglobs={"ng": ng, "np": np}, optionflags=options, verbose=False
        )
    assert not failed


def test_public_functions_have_type_hints():
    missing = []
    for name in PUBLIC:
        module = importlib.import_module(name)
        for public in names(module):
            thing = getattr(module, public)
            if inspect.isfunction(thing) and own(thing):
                signature = inspect.signature(thing)
                bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
                if bare or signature.return_annotation is signature.empty:
                    missing.append(f"{name}.{public}({', '.join(bare)})")
    assert not missing
