"""Pictures in folders: the name of a folder is the class of what lies in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from naivegrad.vision.collection import Collection
from naivegrad.vision.picture import open_picture

IMG_EXTENSIONS = (
    *(".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"),
)  # fmt: skip


class ImageFolder(Collection):
    """The pictures root/class/**/name.png; classes are numbered in the order of their names.

    Needs Pillow.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict
    samples, imgs : list of (path, class number)

    Raises
    ------
    FileNotFoundError
        If there are no folders, or one without a picture.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = open_picture,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform, target_transform)
        self.loader = loader
        self.classes = sorted(p.name for p in Path(root).iterdir() if p.is_dir())
        if not self.classes:
            raise FileNotFoundError(f"ImageFolder: {root} holds no folder, one for each class")
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.samples: list[tuple[str, int]] = []
        for name, label in self.class_to_idx.items():
            paths = [str(p) for p in sorted(Path(root, name).rglob("*")) if p.is_file()]
            good = [p for p in paths if (is_valid_file or _is_picture)(p)]
            if not good and not allow_empty:
                raise FileNotFoundError(f"ImageFolder: no pictures in {Path(root, name)}")
            self.samples += [(p, label) for p in good]
        self.imgs = self.samples
        self.targets = [label for _, label in self.samples]

    def read(self, index: int) -> tuple[Any, Any]:
        """The picture in a file, and its class."""
        path, label = self.samples[index]
        return self.loader(path), label

    def __len__(self) -> int:
        return len(self.samples)


def _is_picture(path: str) -> bool:
    return path.lower().endswith(IMG_EXTENSIONS)
