"""PyTorch's names for what is around the computing: devices, processes, compilers, exporters.

Programs ask for these things, most of them behind an option. What has an honest answer on one CPU
gives it ("no GPU", "one process"); what does nothing to the results does nothing; the rest refuses
by name when it is used.
"""

from naivegrad.compat import (
    accelerator,
    backends,
    compiler,
    cpu,
    cuda,
    distributed,
    hub,
    jit,
    mps,
    multiprocessing,
    onnx,
    overrides,
    sparse,
    testing,
    version,
    xpu,
)
from naivegrad.compat.compiler import compile
from naivegrad.compat.settings import (
    are_deterministic_algorithms_enabled,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_storage,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from naivegrad.compat.sparse import sparse_coo_tensor
