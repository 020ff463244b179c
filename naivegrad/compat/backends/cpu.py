"""The CPU."""

from naivegrad.kernels import isa


def get_cpu_capability() -> str:
    """The instruction set that the kernels use, in PyTorch's words."""
    return {"v3": "AVX2", "v4": "AVX512"}.get(isa, "DEFAULT")
