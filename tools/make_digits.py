"""Make the handwritten digits that are part of the package, from scikit-learn's copy of them.

    python tools/make_digits.py

Writes naivegrad/data/digits-images.idx.gz and digits-labels.idx.gz. The same scikit-learn data
gives the same bytes. Needs scikit-learn, which the package itself does not.

The order of the file is the split: the first 1,437 digits are for training, the last 360 for the
test, with each class in both parts in the same proportion.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from naivegrad.io.idx import write_idx

FOLDER = Path(__file__).parent.parent / "naivegrad" / "data"
SEED = 0
N_TEST = 360


def stratified_order(labels: np.ndarray) -> np.ndarray:
    """Indices in a random order whose last N_TEST hold each class by its share.

    Digit i of the n of its class, counted in a random order, gets the place (i + 1/2) / n. Sorted
    by place, any stretch of the order holds every class in proportion; each part is then shuffled.
    """
    random = np.random.default_rng(SEED)
    place = np.empty(len(labels))
    for label in range(10):
        members = random.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = np.lexsort((labels, place))
    train, test = order[:-N_TEST], order[-N_TEST:]
    return np.concatenate([random.permutation(train), random.permutation(test)])


def main() -> None:
    """Write both files and say what is in them."""
    source = load_digits()
    images, labels = source.images.astype(np.uint8), source.target.astype(np.uint8)
    order = stratified_order(labels)
    for name, array in (("images", images[order]), ("labels", labels[order])):
        path = FOLDER / f"digits-{name}.idx.gz"
        write_idx(path, array)
        print(f"{path.name}: {array.shape} {array.dtype}, {path.stat().st_size:,} bytes")
    for part, counts in (("train", labels[order[:-N_TEST]]), ("test", labels[order[-N_TEST:]])):
        print(part, np.bincount(counts))


if __name__ == "__main__":
    main()
