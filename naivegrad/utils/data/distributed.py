"""The sampler of several processes, where PyTorch programs import it from."""

from naivegrad.data import DistributedSampler

__all__ = ["DistributedSampler"]
