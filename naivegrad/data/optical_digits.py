"""1,797 real handwritten digits of 8 x 8 pixels that come with the package.

Where nothing can be downloaded there is still something true to learn from. Origin and licence
(CC BY 4.0) are in digits.txt beside this file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from naivegrad.data.dataset import TensorDataset
from naivegrad.data.image import ImageDataset
from naivegrad.io.idx import read_idx

N_TRAIN = 1437  # the first ones in the file; the other 360 are the test set


class Digits(ImageDataset):
    """The digits of the package: 1,437 for training, 360 for the test, in a fixed split.

    Parameters
    ----------
    train : bool
        Which part.
    transform, target_transform : callable, optional
        Applied to each image, an (8, 8) uint8 array with values 0 to 16, and to each label.

    Examples
    --------
    >>> test = Digits(train=False)
    >>> len(test), test[0][0].shape
    (360, (1, 8, 8))

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", 1998, UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0.
    """

    WHITE = 16
    MEAN, STD = 0.3056, 0.3766
    name = "Digits"
    classes = tuple("0123456789")

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        folder = Path(__file__).parent
        part = slice(None, N_TRAIN) if train else slice(N_TRAIN, None)
        images = read_idx(folder / "digits-images.idx.gz")[part]
        labels = read_idx(folder / "digits-labels.idx.gz")[part]
        super().__init__(images, labels, transform, target_transform)
        self.train = train


def digits(train: bool = True, normalize: bool = True) -> TensorDataset:
    """The digits of the package as tensors: images (N, 1, 8, 8) of float32, labels (N,) of int64.

    Parameters
    ----------
    train : bool
        True for the 1,437 training digits, False for the 360 of the test.
    normalize : bool
        True shifts and scales the pixels to mean 0 and standard deviation 1 over the training
        digits; False leaves them in 0 to 1.

    Examples
    --------
    >>> images, labels = digits(train=False).tensors
    >>> images.shape, labels.shape
    ((360, 1, 8, 8), (360,))
    """
    return TensorDataset(*Digits(train).tensors(normalize))
