"""Train the examples from several seeds and print the test accuracy that each run ends with.

    NAIVEGRAD_DATA=... python benchmarks/accuracy.py [--seeds 3] [--threads 1]

The first seed is run twice: the weights must be the same to the bit.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from naivegrad import io

RUNS = (
    ("mnist-mlp", "mnist", 5, 97.5),
    ("mnist-cnn", "mnist", 3, 98.9),
    ("mnist-mlp", "digits", 30, 97.0),
    ("mnist-cnn", "digits", 20, 97.0),
)


def train(program: str, data: str, epochs: int, seed: int, threads: int) -> tuple[float, str]:
    """The test accuracy in percent, and a digest of the trained weights."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        command = [sys.executable, "-m", "naivegrad", "train", program, "--data", data]
        command += ["--epochs", str(epochs), "--seed", str(seed), "--threads", str(threads)]
        subprocess.run([*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        with (out / "metrics.csv").open() as file:
            accuracy = 100 * float(list(csv.DictReader(file))[-1]["test_accuracy"])
        weights = io.load_checkpoint(out / "checkpoint.safetensors")["model"]
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].numpy().tobytes())
    return accuracy, digest.hexdigest()[:12]


def main() -> None:
    """Print one table row per program and data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print("| program | data | epochs | test accuracy by seed | asked | seed 0 again |")
    print("|---|---|---|---|---|---|")
    for program, data, epochs, asked in RUNS:
        results = [
            train(program, data, epochs, seed, options.threads) for seed in range(options.seeds)
        ]
        _, again = train(program, data, epochs, 0, options.threads)
        same = "same bits" if again == results[0][1] else f"{again}, first {results[0][1]}"
        accuracies = ", ".join(f"{accuracy:.2f}" for accuracy, _ in results)
        print(
            f"| {program} | {data} | {epochs} | {accuracies} % | {asked} % | {same} |", flush=True
        )


if __name__ == "__main__":
    main()
