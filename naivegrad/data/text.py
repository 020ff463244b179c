"""Text as numbers: one for each character, and windows of it to learn the next one from."""

import gzip
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from naivegrad.data.dataset import Dataset, check_index
from naivegrad.data.folders import places
from naivegrad.ops import from_numpy
from naivegrad.tensor import Tensor

SHAKESPEARE = ("tinyshakespeare/input.txt", "tinyshakespeare.txt", "input.txt")


class CharacterText:
    """A text, and the numbers of its characters.

    Attributes
    ----------
    text : str
        The text.
    characters : tuple of str
        Every character in it, once, sorted: the vocabulary. Number `i` stands for `characters[i]`.

    Examples
    --------
    >>> text = CharacterText("hello")
    >>> text.characters
    ('e', 'h', 'l', 'o')
    >>> text.encode("hole").tolist()
    [1, 3, 2, 0]
    >>> text.decode([1, 0, 2, 2, 3])
    'hello'
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.characters = tuple(sorted(set(text)))
        self._numbers = {character: i for i, character in enumerate(self.characters)}

    def encode(self, text: str) -> Tensor:
        """The numbers of these characters, int64 of shape (L,).

        Raises
        ------
        ValueError
            If a character does not occur in the text of this vocabulary.
        """
        try:
            numbers = [self._numbers[character] for character in text]
        except KeyError as error:
            raise ValueError(
                f"CharacterText.encode: {error} is not one of the {len(self.characters)} "
                "characters of the text"
            ) from None
        return from_numpy(np.array(numbers, dtype=np.int64))

    def decode(self, numbers: Iterable[int]) -> str:
        """The text that these numbers stand for."""
        return "".join(self.characters[i] for i in numbers)

    def __len__(self) -> int:
        return len(self.text)

    def __repr__(self) -> str:
        return f"CharacterText({len(self):,} characters, {len(self.characters)} different)"


class TextWindows(Dataset[tuple[Tensor, Tensor]]):
    """Stretches of L numbers of a text, each with the stretch one place further on.

    Sample `i` is (numbers[start : start + L], numbers[start + 1 : start + 1 + L]) with
    start = i * stride: at every place of the first, the second holds what comes next.

    Parameters
    ----------
    numbers : Tensor of int64, shape (M,)
        The text, as `CharacterText.encode` gives it.
    length : int
        L.
    stride : int
        Distance between the starts of two windows: 1 gives all windows that there are, L those that
        lie side by side.

    Raises
    ------
    ValueError
        If the text is too short for one window.

    Examples
    --------
    >>> import naivegrad as ng
    >>> windows = TextWindows(ng.arange(10), length=4, stride=4)
    >>> len(windows), windows[1][0].tolist(), windows[1][1].tolist()
    (2, [4, 5, 6, 7], [5, 6, 7, 8])
    """

    def __init__(self, numbers: Tensor, length: int, stride: int = 1) -> None:
        if length < 1 or stride < 1:
            raise ValueError(
                f"TextWindows: length and stride must be at least 1, got {length} and {stride}"
            )
        if len(numbers) <= length:
            raise ValueError(
                f"TextWindows: windows of {length} need a text of at least {length + 1} "
                f"characters, got {len(numbers)}"
            )
        self.numbers, self.length, self.stride = numbers, length, stride

    def __len__(self) -> int:
        return (len(self.numbers) - 1 - self.length) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        start = check_index(index, len(self), "TextWindows") * self.stride
        window = self.numbers[start : start + self.length + 1]
        return window[:-1], window[1:]

    def __getbatch__(self, indices: Sequence[int]) -> list[Tensor]:
        starts = np.asarray(indices, dtype=np.int64)[:, None] * self.stride
        windows = self.numbers[from_numpy(starts + np.arange(self.length + 1))]  # (N, L + 1)
        return [windows[:, :-1], windows[:, 1:]]


def find_shakespeare(root: str | os.PathLike[str] | None = None) -> Path | None:
    """The file of Tiny Shakespeare, a million characters of his plays, or None.

    Looked for in `root`, if it is given, and nowhere else; then in the folder that the environment
    variable NAIVEGRAD_DATA names, and in the cache. In each it may be `tinyshakespeare/input.txt`,
    `tinyshakespeare.txt` or `input.txt`.

    References
    ----------
    A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015,
    https://github.com/karpathy/char-rnn/tree/master/data/tinyshakespeare
    """
    files = (place / name for place in places(root) for name in SHAKESPEARE)
    return next((file for file in files if file.is_file()), None)


def romeo_and_juliet() -> str:
    """The speeches of Shakespeare's play: 133,465 characters that come with the package.

    Where they are from is told in romeo.txt beside this file.

    Examples
    --------
    >>> romeo_and_juliet().count("Romeo")
    128
    """
    packed = Path(__file__).parent / "romeo.txt.gz"
    return gzip.decompress(packed.read_bytes()).decode("ascii")
