"""Linear algebra under the names of torch.linalg."""

from naivegrad.ops.linalg import matmul
from naivegrad.ops.product import cross, multi_dot, vecdot
from naivegrad.ops.product import vander_of_last as vander

__all__ = ["cross", "matmul", "multi_dot", "vander", "vecdot"]
