"""`torch.distributed`: a group of one process, so that programs for many run as one."""

from __future__ import annotations

import os
from enum import Enum
from typing import Any

from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.missing import lookup as _lookup
from naivegrad.tensor import Tensor


class ReduceOp(Enum):
    """What `all_reduce` computes; of one process, the same in every case."""

    SUM, AVG, PRODUCT, MIN, MAX = range(5)


class _Group:
    """The group of all processes: this one."""

    backend: str | None = None


def is_available() -> bool:
    """Whether several processes can work together."""
    return False


is_nccl_available = is_gloo_available = is_mpi_available = is_torchelastic_launched = is_available


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Begin the group of one process; a NotImplementedError for more.

    world_size and rank, left out, come from the environment (WORLD_SIZE, RANK), or are 1 and 0.
    """
    if is_initialized():
        raise ValueError("init_process_group: the group has begun already")
    size = world_size if world_size > 0 else int(os.environ.get("WORLD_SIZE", 1))
    place = rank if rank >= 0 else int(os.environ.get("RANK", 0))
    if size != 1:
        raise NotImplementedError(
            f"init_process_group: naivegrad computes in one process, world_size is {size}"
        )
    if place != 0:
        raise ValueError(f"init_process_group: rank must be 0 in a group of one, got {place}")
    _Group.backend = backend or "gloo"


def destroy_process_group(group: Any = None) -> None:
    """End the group."""
    _require()
    _Group.backend = None


def is_initialized() -> bool:
    """Whether the group has begun."""
    return _Group.backend is not None


def get_backend(group: Any = None) -> str:
    """The name that `init_process_group` got."""
    _require()
    return str(_Group.backend)


def get_rank(group: Any = None) -> int:
    """0."""
    _require()
    return 0


def get_world_size(group: Any = None) -> int:
    """1."""
    _require()
    return 1


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> None:
    """Wait for the others: there are none."""
    _require()


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None) -> None:
    """The sum over all processes, in place: the tensor as it is."""
    _require()


def broadcast(tensor: Tensor, src: int | None = None, group: Any = None) -> None:
    """The tensor of process `src`, in place: the tensor as it is."""
    _require()


def reduce(
    tensor: Tensor, dst: int | None = None, op: Any = ReduceOp.SUM, group: Any = None
) -> None:
    """The sum over all processes, for process `dst`, in place: the tensor as it is."""
    _require()


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Any = None) -> None:
    """The tensors of all processes: a copy of this one."""
    _require()
    tensor_list[0].copy_(tensor)


def _require() -> None:
    if not is_initialized():
        raise ValueError("distributed: no group has begun; call init_process_group first")


_WHY = "naivegrad computes in one process"
new_group = _Refusal("distributed.new_group", _WHY)
send = _Refusal("distributed.send", _WHY)
recv = _Refusal("distributed.recv", _WHY)

__getattr__ = _lookup(__name__)
