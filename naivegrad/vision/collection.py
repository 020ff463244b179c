"""What torchvision's data sets have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from naivegrad.data import Dataset


class Collection(Dataset[tuple[Any, Any]]):
    """Pictures with labels, and what is to be done to each.

    Parameters
    ----------
    root : where the files are
    transform, target_transform : applied to each picture, to each label
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.root = os.path.expanduser(root)
        self.transform = transform
        self.target_transform = target_transform

    def read(self, index: int) -> tuple[Any, Any]:
        """A picture and its label, as they are."""
        raise NotImplementedError(f"{type(self).__name__} does not define read")

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture, label = self.read(index)
        if self.transform is not None:
            picture = self.transform(picture)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return picture, label

    def extra_repr(self) -> str:
        """A line of its own for `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]  # type: ignore[arg-type]
        lines.append(f"    Root location: {self.root}")
        if self.extra_repr():
            lines.append(f"    {self.extra_repr()}")
        return "\n".join(lines)


VisionDataset = Collection
