"""`torch.backends`: switches of libraries that compute for PyTorch, of which none is used here.

Setting one is remembered by its module, and means nothing.
"""

from naivegrad.compat.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp
