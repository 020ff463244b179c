"""Data sets, samplers and the loader, with PyTorch's names."""

from naivegrad.data.collate import default_collate
from naivegrad.data.dataset import (
    ConcatDataset,
    Dataset,
    IterableDataset,
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
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from naivegrad.data.text import CharacterText, TextWindows, find_shakespeare, romeo_and_juliet
from naivegrad.missing import lookup as _lookup

__all__ = [
    "MNIST",
    "BatchSampler",
    "CharacterText",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "DownloadError",
    "FashionMNIST",
    "ImageDataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "TextWindows",
    "WeightedRandomSampler",
    "default_collate",
    "digits",
    "find_shakespeare",
    "random_split",
    "romeo_and_juliet",
]

__getattr__ = _lookup(__name__)
