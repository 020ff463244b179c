"""naivegrad.backend.cpu offers what the protocol lists: the same names, the same signatures."""

import inspect

import pytest

from naivegrad.backend import cpu
from naivegrad.backend.protocol import Backend

METHODS = {
    name: f
    for name, f in inspect.getmembers(Backend, inspect.isfunction)
    if not name.startswith("_")
}


@pytest.mark.parametrize("name", METHODS)
def test_signature(name):
    wanted = inspect.signature(METHODS[name])
    parameters = list(wanted.parameters.values())
    assert parameters[0].name == "self"
    got = inspect.signature(getattr(cpu, name))
    assert [(p.name, p.kind, p.default) for p in got.parameters.values()] == [
        (p.name, p.kind, p.default) for p in parameters[1:]
    ]


@pytest.mark.parametrize("name", METHODS)
def test_annotations(name):
    """Every method says what goes in and what comes out."""
    signature = inspect.signature(METHODS[name])
    assert signature.return_annotation is not inspect.Signature.empty
    for p in list(signature.parameters.values())[1:]:
        assert p.annotation is not inspect.Parameter.empty, p.name


def test_the_cpu_offers_nothing_beside_the_protocol():
    extra = {
        name
        for name, f in vars(cpu).items()
        if callable(f)
        and not name.startswith("_")
        and not inspect.ismodule(f)
        and not inspect.isclass(f)
    } - set(METHODS)
    assert not extra


def test_attributes():
    for name in getattr(Backend, "__annotations__", {}):
        assert hasattr(cpu, name), name
