"""DataParallel and DistributedDataParallel: one device, one process, so they hand on.

The wrapped network is `module`: names in a `state_dict` begin with "module.", as in PyTorch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from naivegrad.compat import distributed
from naivegrad.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """Runs `module`; there is one device, so a batch is not cut.

    Parameters
    ----------
    module : Module
    device_ids : None, or at most one
    output_device, dim : without a meaning here
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError(
                f"{type(self).__name__}: there is one device, got device_ids {device_ids}"
            )
        self.module = module
        self.device_ids: list[Any] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(DataParallel):
    """Runs `module` in a group of one process, whose gradients are the mean over all.

    Raises ValueError before `distributed.init_process_group`. Other arguments say how gradients
    travel between processes, and are ignored.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        **options: Any,
    ) -> None:
        distributed.get_world_size()  # an error where there is no group
        super().__init__(module, device_ids, output_device, dim)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block in which gradients stay in their process."""
        yield

    @contextlib.contextmanager
    def join(self, *args: Any, **kwargs: Any) -> Iterator[None]:
        """A block that waits for processes with fewer batches."""
        yield
