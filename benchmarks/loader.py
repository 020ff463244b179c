"""Does the loader keep a training loop from waiting, and is it as fast as PyTorch's?

    python benchmarks/loader.py            # a minute; alone on the machine

First table: a loop that trains a small convolutional network on images that cost about 1 ms each to
decode, with and without workers; `waiting` is the share of the loop's time that goes by in next().
Second table: samples per second of an epoch, ours over PyTorch's, two workers, epochs interleaved
(A B A B ...): the median of the pairwise ratios, and their spread.
"""

import argparse
import statistics
import time
import zlib

import numpy as np
import torch
import torch.utils.data

import naivegrad as ng
from naivegrad import nn

BATCH = 64


class Images:
    """Compressed images; decoding one inflates it `cost` times, and turns it every other time."""

    def __init__(self, n, shape, cost, tensor):
        random = np.random.default_rng(0)
        image = random.integers(0, 256, shape, dtype=np.uint8)
        self.packed = zlib.compress(image.tobytes() + bytes(100_000), 1)
        self.n, self.shape, self.cost, self.tensor = n, shape, cost, tensor

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        for _ in range(max(1, self.cost)):
            raw = zlib.decompress(self.packed) if self.cost else bytes(int(np.prod(self.shape)))
        image = np.frombuffer(raw, np.uint8, int(np.prod(self.shape))).reshape(self.shape)
        image = image.astype(np.float32) / np.float32(255)
        return self.tensor(np.ascontiguousarray(image[..., ::-1]) if i % 2 else image), i % 10


def calibrate(shape):
    """How often to inflate so that a sample costs about 1 ms here."""
    data = Images(200, shape, 1, ng.from_numpy)
    start = time.perf_counter()
    for i in range(200):
        data[i]
    return max(1, round(1e-3 / ((time.perf_counter() - start) / 200)))


def training(num_workers, cost, n):
    """(seconds for an epoch, share of them spent waiting)."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 256), nn.ReLU(), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = ng.optim.SGD(model.parameters(), lr=0.01)
    options = {"persistent_workers": True} if num_workers else {}
    loader = ng.data.DataLoader(
        Images(n, (1, 28, 28), cost, ng.from_numpy), BATCH, num_workers=num_workers, **options
    )
    for epoch in range(2):  # the first starts the workers and warms up
        waiting, start = 0.0, time.perf_counter()
        batches = iter(loader)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            waiting += time.perf_counter() - asked
            if batch is None:
                break
            for _ in range(4 if epoch else 1):  # a step that is worth two workers
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(batch[0]), batch[1]).backward()
                optimizer.step()
        total = time.perf_counter() - start
    return total, waiting / total


def epoch(loader):
    start = time.perf_counter()
    for images, _ in loader:
        images[0]
    return time.perf_counter() - start


def throughput(shape, cost, n, rounds):
    """(samples per second of ours, pairwise ratios ours / theirs)."""
    options = {"batch_size": BATCH, "num_workers": 2, "persistent_workers": True}
    ours = ng.data.DataLoader(Images(n, shape, cost, ng.from_numpy), **options)
    theirs = torch.utils.data.DataLoader(Images(n, shape, cost, torch.from_numpy), **options)
    epoch(ours), epoch(theirs)
    pairs = [(epoch(ours), epoch(theirs)) for _ in range(rounds)]
    return n / min(a for a, _ in pairs), [b / a for a, b in pairs]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    ng.set_num_threads(1)
    torch.set_num_threads(1)
    cost = calibrate((1, 28, 28))
    print("workers   epoch   waiting")
    for num_workers in (0, 1, 2):
        total, waiting = training(num_workers, cost, 20 * BATCH)
        print(f"{num_workers:7}  {total:5.2f} s  {waiting:7.0%}")
    print("\nimages    ms each   samples/s   ours / PyTorch (spread)")
    for shape in ((1, 28, 28), (3, 64, 64)):
        for wanted in (0, 1):
            n = (20 if wanted else 60) * BATCH
            speed, ratios = throughput(shape, wanted and calibrate(shape), n, rounds)
            name = "x".join(map(str, shape))
            print(f"{name:9} {wanted:7}   {speed:9,.0f}   {statistics.median(ratios):.2f}"
                  f" ({min(ratios):.2f} to {max(ratios):.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
