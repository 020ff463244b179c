"""Data sets, samplers and the loader, with PyTorch's names."""

from naivegrad.data.collate import default_collate, default_convert
from naivegrad.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from naivegrad.data.download import DownloadError
from naivegrad.data.image import ImageDataset
from naivegrad.data.loader import DataLoader
from naivegrad.data.mnist import MNIST, FashionMNIST
from naivegrad.data.optical_digits import Digits, digits
from naivegrad.data.sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from naivegrad.data.text import CharacterText, TextWindows, find_shakespeare, romeo_and_juliet
from naivegrad.data.worker import WorkerInfo, get_worker_info
from naivegrad.missing import lookup as _lookup

__all__ = [
    "MNIST",
    "BatchSampler",
    "ChainDataset",
    "CharacterText",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "DistributedSampler",
    "DownloadError",
    "FashionMNIST",
    "ImageDataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "TextWindows",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "digits",
    "find_shakespeare",
    "get_worker_info",
    "random_split",
    "romeo_and_juliet",
]

__getattr__ = _lookup(__name__)
