"""Pruning: weights of little importance held at 0.

A pruned parameter `weight` becomes the parameter `weight_orig` and the buffer `weight_mask`, and a
hook sets weight = weight_orig * weight_mask before each forward. Pruning again looks at what is
left; `remove` makes the result an ordinary parameter.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from naivegrad.autograd import no_grad
from naivegrad.nn.module import Module
from naivegrad.nn.utils.convert_parameters import parameters_to_vector
from naivegrad.nn.utils.weight_norm import find_hook
from naivegrad.ops import norm, ones_like, rand_like, topk
from naivegrad.tensor import Tensor

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

M = TypeVar("M", bound=Module)


class BasePruningMethod:
    """A way to choose what is pruned, and the hook that prunes. Derive from it for one's own.

    A subclass defines `compute_mask(t, default_mask)`: for importances t and the mask so far, a
    mask of 1 for what stays and 0 for what goes. PRUNING_TYPE says what t it gets when something is
    pruned already: "unstructured" the elements left, as a vector; "structured" the slices along
    `dim` that are left in part; "global" everything.
    """

    PRUNING_TYPE: str = "global"
    _tensor_name: str

    @property
    def name(self) -> str:
        """The name of the tensor that it prunes."""
        return self._tensor_name

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """1 for what stays, 0 for what goes."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_mask method")

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor of the module, for what it has now."""
        original: Tensor = getattr(module, f"{self._tensor_name}_orig")
        mask: Tensor = getattr(module, f"{self._tensor_name}_mask")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune a parameter by this method, made with these arguments; the hook is returned.

        `importance_scores`, of its shape, take the place of the parameter's own values.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        weight = getattr(module, name)
        scores = method._importance(weight, importance_scores)
        hooks = module._forward_pre_hooks
        key = find_hook(hooks, BasePruningMethod, name)
        if key is None:
            mask = ones_like(weight).detach()
        else:
            method = PruningContainer(hooks[key], method)
            mask = getattr(module, f"{name}_mask").detach().clone()
        with no_grad():
            mask = method.compute_mask(scores, mask)
        if key is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", weight)
        else:
            del hooks[key]
        module.register_buffer(f"{name}_mask", mask)
        method(module, ())
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """A pruned copy of a tensor."""
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(self._importance(t, importance_scores), mask)

    def _importance(self, t: Tensor, scores: Tensor | None) -> Tensor:
        """What `compute_mask` looks at: the scores, or the tensor itself."""
        if scores is None:
            return t
        if scores.shape != t.shape:
            raise ValueError(
                f"{type(self).__name__}: importance_scores have the shape {tuple(scores.shape)}, "
                f"the tensor has {tuple(t.shape)}"
            )
        return scores

    def remove(self, module: Module) -> None:
        """Make the pruned tensor an ordinary parameter."""
        name = self._tensor_name
        with no_grad():
            pruned = self.apply_mask(module)
        original: Any = module._parameters.pop(f"{name}_orig")
        original.data = pruned
        del module._buffers[f"{name}_mask"]
        delattr(module, name)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods, one after another; a new one looks at what those before it have left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method, for the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"PruningContainer: {type(method).__name__} is no pruning method")
        if not self._pruning_methods:
            self._tensor_name = method._tensor_name
        elif method._tensor_name != self._tensor_name:
            raise ValueError(
                f"PruningContainer: this one prunes {self._tensor_name!r}, the method "
                f"{method._tensor_name!r}"
            )
        inner = method._pruning_methods if isinstance(method, PruningContainer) else (method,)
        self._pruning_methods += inner

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: Any) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        left: Any
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim  # type: ignore[attr-defined]
            others = [d for d in range(t.ndim) if d != dim]
            left = (*[slice(None)] * dim, mask.sum(dim=others) != 0)
        elif method.PRUNING_TYPE == "global":
            left = ...
        else:
            raise ValueError(
                f"{type(method).__name__}: PRUNING_TYPE must be 'unstructured', 'structured' or "
                f"'global', got {method.PRUNING_TYPE!r}"
            )
        mask[left] = method.compute_mask(t[left], mask[left]).to(t.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the tensor a pruned one, with a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says, besides what was pruned before."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)


class _Amount(BasePruningMethod):
    """The methods that prune an amount, of elements or of slices along a dimension."""

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"{type(self).__name__}: amount must be a number, got {amount!r}")
        whole = isinstance(amount, numbers.Integral)
        if amount < 0 or (not whole and amount > 1):
            raise ValueError(
                f"{type(self).__name__}: amount must be a fraction in [0, 1] or a number of "
                f"elements, got {amount!r}"
            )
        self.amount = amount

    def count(self, n: int) -> int:
        """How many of n are pruned."""
        if not isinstance(self.amount, numbers.Integral):
            return round(self.amount * n)
        if self.amount > n:
            raise ValueError(f"{type(self).__name__}: amount={self.amount} of {n} cannot be pruned")
        return int(self.amount)

    def least(self, importance: Tensor) -> Tensor:
        """1 for each, 0 for the least important, as many as there are to prune."""
        mask = ones_like(importance)
        count = self.count(importance.numel())
        if count:
            flat = mask.reshape(-1)
            flat[topk(importance.reshape(-1), count, largest=False).indices] = 0
            mask = flat.reshape(mask.shape)
        return mask


class RandomUnstructured(_Amount):
    """Prunes elements by chance."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.least(rand_like(t))


class L1Unstructured(_Amount):
    """Prunes the elements that are smallest in size."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.least(t.abs())


class _Structured(_Amount):
    """The methods that prune whole slices along a dimension."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def importance(self, slices: Tensor) -> Tensor:
        """(n,) for slices (n, ...)."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        who = type(self).__name__
        if t.ndim < 2:
            raise ValueError(f"{who}: expected 2 or more dimensions, got shape {tuple(t.shape)}")
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"{who}: dim {self.dim} is out of range for shape {tuple(t.shape)}")
        shape = [1] * t.ndim
        shape[self.dim] = -1
        keep = self.least(self.importance(t.movedim(self.dim, 0)))
        return default_mask * keep.reshape(shape).to(default_mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices along a dimension by chance."""

    def importance(self, slices: Tensor) -> Tensor:
        return slices.new_empty(slices.shape[0]).uniform_()


class LnStructured(_Structured):
    """Prunes the slices along a dimension whose norm of order n is smallest."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def importance(self, slices: Tensor) -> Tensor:
        return norm(slices, self.n, dim=list(range(1, slices.ndim)))


def identity(module: M, name: str) -> M:
    """Make a parameter a pruned one of which nothing is pruned."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune elements of a parameter by chance; amount: a fraction, or (an int) how many.

    Examples
    --------
    >>> from naivegrad import nn
    >>> from naivegrad.nn.utils import prune
    >>> layer = prune.random_unstructured(nn.Linear(2, 3), "weight", amount=2)
    >>> (layer.weight == 0).sum()
    tensor(2)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: M, name: str, amount: float, importance_scores: Tensor | None = None
) -> M:
    """Prune the elements of a parameter that are smallest in size."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune slices of a parameter along `dim` by chance."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: M,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> M:
    """Prune the slices of a parameter along `dim` whose norm of order n is smallest."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune what a mask says: where it is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one.

    Parameters
    ----------
    parameters : (module, name) pairs
    pruning_method : class, of type "unstructured"; made with kwargs
    importance_scores : dict from (module, name) to scores in the place of the values
    """
    if not isinstance(parameters, Iterable):
        raise TypeError(f"global_unstructured: expected (module, name) pairs, got {parameters!r}")
    pairs = list(parameters)
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, Mapping):
        raise TypeError(f"global_unstructured: importance_scores must be a dict, got {scores!r}")
    method = pruning_method(**kwargs)
    method._tensor_name = "all"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            "global_unstructured: the method must be of PRUNING_TYPE 'unstructured', "
            f"{pruning_method.__name__} is {method.PRUNING_TYPE!r}"
        )
    weights = [getattr(module, name) for module, name in pairs]
    given = [scores.get(pair, w) for pair, w in zip(pairs, weights, strict=True)]
    so_far = [getattr(module, f"{name}_mask", None) for module, name in pairs]
    masks = [ones_like(w) if m is None else m for m, w in zip(so_far, weights, strict=True)]
    with no_grad():
        mask = PruningContainer(method).compute_mask(
            parameters_to_vector(given), parameters_to_vector(masks)
        )
    parts = mask.split([w.numel() for w in weights])
    for (module, name), part, weight in zip(pairs, parts, weights, strict=True):
        custom_from_mask(module, name, part.reshape(weight.shape))


def remove(module: M, name: str) -> M:
    """Make a pruned parameter an ordinary one, of its present value; what is pruned stays 0."""
    key = find_hook(module._forward_pre_hooks, BasePruningMethod, name)
    if key is None:
        raise ValueError(f"remove: {name!r} of {type(module).__name__} is not pruned")
    module._forward_pre_hooks.pop(key).remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether something in this module or below is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for part in module.modules()
        for hook in part._hooks_of("forward_pre")
    )
