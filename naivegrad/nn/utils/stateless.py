"""Calling a module with other parameters than its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from naivegrad.nn.module import Module
from naivegrad.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs), computed with these tensors in the place of its own.

    Parameters
    ----------
    module : Module
    parameters_and_buffers : dict from dotted names to Tensors, or several dicts
        The others stay as they are. A buffer that the call replaces is replaced in the dict.
    args : tuple, or one argument
    kwargs : dict, optional
    tie_weights : bool      a tensor given under one name stands under its other names too
    strict : bool           all names must be given, and no others

    Raises
    ------
    RuntimeError
        If `strict` and names are missing or unknown.
    ValueError
        If tied parameters are given different tensors.

    Notes
    -----
    Differentiable in the given tensors, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> from naivegrad import nn
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> w = ng.tensor([[3.0, 4.0]], requires_grad=True)
    >>> nn.utils.stateless.functional_call(layer, {"weight": w}, ng.ones(2))
    tensor([7.], grad_fn=<MatVec>)
    """
    several = parameters_and_buffers
    dicts = list(several) if isinstance(several, (tuple, list)) else [several]
    given: dict[str, Tensor] = {}
    for one in dicts:
        if not isinstance(one, Mapping):
            raise TypeError(f"functional_call: expected dicts of Tensors, got {one!r}")
        twice = given.keys() & one.keys()
        if twice:
            raise ValueError(f"functional_call: {sorted(twice)} are given more than once")
        given.update(one)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _exchanged(module, given, tie_weights, strict) as places:
        result = module(*args, **(kwargs or {}))
        for one in dicts:
            for name in one:
                if name in places:
                    held, key = places[name]
                    if held[key] is not one[name]:
                        one[name] = held[key]  # type: ignore[index]
    return result


@contextmanager
def _exchanged(
    module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool
) -> Iterator[dict[str, tuple[dict[str, Any], str]]]:
    """A block in which the module has the given tensors; gives the place of every name."""
    places = {
        f"{path}.{key}" if path else key: (held, key)
        for path, part in module.named_modules(remove_duplicate=False)
        for held in (part._parameters, part._buffers)
        for key, value in held.items()
        if value is not None
    }
    if strict and given.keys() != places.keys():
        missing, unknown = (
            sorted(places.keys() - given.keys()),
            sorted(given.keys() - places.keys()),
        )
        raise RuntimeError(
            f"functional_call: {type(module).__name__}: missing {missing}, unknown {unknown}"
        )
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise TypeError(
                f"functional_call: {name!r} must be a Tensor, got {type(value).__name__}"
            )
    wanted = _tied(places, given) if tie_weights else given
    before = {name: held[key] for name, (held, key) in places.items()}
    try:
        for name in wanted.keys() & places.keys():
            held, key = places[name]
            held[key] = wanted[name]
        yield places
    finally:
        for name, (held, key) in places.items():
            held[key] = before[name]


def _tied(
    places: dict[str, tuple[dict[str, Any], str]], given: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The given tensors, also under the other names of those that they replace."""
    names = defaultdict(list)
    for name, (held, key) in places.items():
        names[id(held[key])].append(name)
    wanted = dict(given)
    for tied in names.values():
        values = {id(given[name]): given[name] for name in tied if name in given}
        if len(values) > 1:
            raise ValueError(f"functional_call: {tied} are one tensor, and given different ones")
        for value in values.values():
            wanted.update(dict.fromkeys(tied, value))
    return wanted
