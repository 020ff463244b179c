"""Views: tensors that share memory, and remember how they came from their base.

When anything that shares the memory is changed in place (autograd/inplace.py), the version counter,
one for the whole memory, moves on. A view finds that out when it is next used, and retraces its
steps from the base as it is then.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd.mode import enable_grad


class View:
    """How a tensor was made from the tensor whose memory it shares."""

    __slots__ = ("base", "count", "dot_count", "recorded", "steps")

    def __init__(self, base: Any, steps: tuple[Any, ...], count: int, recorded: bool) -> None:
        self.base = base
        self.steps = steps  # (operation, its arguments after the tensor), from the base to the view
        self.count = count  # the version at which the view's node is true
        self.dot_count = count  # and its tangent
        # False: made under no_grad, so that changes cannot be traced to the base.
        self.recorded = recorded

    @staticmethod
    def track(operation: Any, inputs: tuple[Any, ...], output: Any, recorded: bool) -> None:
        """Note that `output`, the result of a view operation, shares the memory of inputs[0]."""
        source = inputs[0]
        version = output.version = source.version
        lineage = source.view_of
        if lineage is None:
            output.view_of = View(source, ((operation, inputs[1:]),), version[0], recorded)
        else:
            steps = (*lineage.steps, (operation, inputs[1:]))
            output.view_of = View(lineage.base, steps, version[0], recorded and lineage.recorded)

    def retrace(self, base: Any) -> Any:
        """The same steps from another base."""
        for operation, arguments in self.steps:
            base = operation.apply(base, *arguments)
        return base

    def refresh(self, tensor: Any) -> Any:
        """The node of the view, as it follows from its base as it is now."""
        if self.count != tensor.version[0]:
            self.count = tensor.version[0]
            if self.recorded and self.base.node is not None:
                with enable_grad():
                    tensor.node = self.retrace(self.base).node
        return tensor.node

    def refresh_tangent(self, tensor: Any) -> None:
        """The same for forward mode: the tangent that follows from that of its base."""
        if self.dot_count != tensor.version[0]:
            self.dot_count = tensor.version[0]
            base_dot = self.base.tangent
            tensor.tangent = None if base_dot is None else self.retrace(base_dot)
