"""What the image data sets have in common: arrays in memory, samples and whole-set tensors."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from naivegrad.data.dataset import Dataset, check_index
from naivegrad.ops import from_numpy
from naivegrad.tensor import Tensor


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Grey images with labels, held in memory.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, H, W)
        The pixels as they are in the file, 0 to `WHITE`.
    labels : ndarray of int64, shape (N,)
        One class number for each image.
    name : str
        Name of the set.
    classes : tuple of str
        Names of the classes.

    Notes
    -----
    A sample is (image, label): without a `transform` the image is a float32 tensor of shape
    (1, H, W) with values 0 to 1; a `transform` is given the (H, W) uint8 array and decides itself.
    `tensors()` gives the whole set at once, which is the fast way to train on it.
    """

    WHITE: ClassVar[int] = 255
    MEAN: ClassVar[float]
    STD: ClassVar[float]
    name: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        transform: Callable[[np.ndarray], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        self.images = images
        self.labels = labels.astype(np.int64)
        self.transform = transform
        self.target_transform = target_transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        place = check_index(index, len(self), type(self).__name__)
        image: Any = self.images[place]
        label: Any = int(self.labels[place])
        image = self._scaled(image)[None] if self.transform is None else self.transform(image)
        if self.transform is None:
            image = from_numpy(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        if self.transform is not None or self.target_transform is not None:
            return super().__getbatch__(indices)
        images = self._scaled(self.images[indices])[:, None]  # (N, 1, H, W)
        return [from_numpy(images), from_numpy(self.labels[indices])]

    def tensors(self, normalize: bool = True) -> tuple[Tensor, Tensor]:
        """The whole set as two tensors, for a `TensorDataset`; transforms are not applied.

        Parameters
        ----------
        normalize : bool
            True shifts and scales the pixels to mean 0 and standard deviation 1 over the training
            set; False leaves them in 0 to 1.

        Returns
        -------
        (Tensor of float32, shape (N, 1, H, W); Tensor of int64, shape (N,))
        """
        images = self._scaled(self.images)[:, None]
        if normalize:
            images -= np.float32(self.MEAN)
            images /= np.float32(self.STD)
        return from_numpy(images), from_numpy(self.labels)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        return f"{type(self).__name__}({len(self):,} images of {shape})"

    def _scaled(self, images: np.ndarray) -> np.ndarray:
        return np.divide(images, np.float32(self.WHITE), dtype=np.float32)
