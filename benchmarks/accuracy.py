"""Train the examples from several seeds and print the figure that each run ends with.

    NAIVEGRAD_DATA=... python benchmarks/accuracy.py [--only char-gpt vae] [--seeds 3] [--threads 1]

The first seed is run twice: the weights must be the same to the bit. NAIVEGRAD_DATA names a folder
with MNIST and Tiny Shakespeare.
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

ACCURACY, LOSS, VALIDATION = "test_accuracy", "test_loss", "validation_loss"
RUNS = (  # program, data, epochs, figure, what is asked of it
    ("mnist-mlp", "mnist", 5, ACCURACY, "at least 97.50 %"),
    ("mnist-cnn", "mnist", 3, ACCURACY, "at least 98.90 %"),
    ("mnist-vit", "mnist", 10, ACCURACY, "at least 97.00 %"),
    ("mnist-mlp", "digits", 30, ACCURACY, "at least 97.00 %"),
    ("mnist-cnn", "digits", 20, ACCURACY, "at least 97.00 %"),
    ("mnist-vit", "digits", 30, ACCURACY, "at least 97.00 %"),
    ("char-gpt", "shakespeare", 5, VALIDATION, "at most 1.9000"),
    ("lstm", "shakespeare", 10, VALIDATION, "as PyTorch"),
    ("vae", "mnist", 10, LOSS, "as PyTorch"),
)


def train(
    program: str, data: str, epochs: int, figure: str, seed: int, threads: int
) -> tuple[str, float, str]:
    """The figure, as text; the seconds spent on training; and a digest of the trained weights."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        command = [sys.executable, "-m", "naivegrad", "train", program, "--data", data]
        command += ["--epochs", str(epochs), "--seed", str(seed), "--threads", str(threads)]
        subprocess.run([*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        with (out / "metrics.csv").open() as file:
            rows = list(csv.DictReader(file))
        weights = io.load_checkpoint(out / "checkpoint.safetensors")["model"]
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].numpy().tobytes())
    value = float(rows[-1][figure])
    words = f"{value:.2%}".replace("%", " %") if figure == ACCURACY else f"{value:.4f}"
    return words, sum(float(row["seconds"]) for row in rows), digest.hexdigest()[:12]


def main() -> None:
    """Print one table row per program and data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices={run[0] for run in RUNS}, metavar="PROGRAM")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print("| program | data | epochs | figure | by seed | asked | seconds | seed 0 again |")
    print("|---|---|---|---|---|---|---|---|")
    for program, data, epochs, figure, asked in RUNS:
        if options.only and program not in options.only:
            continue
        task = program, data, epochs, figure
        results = [train(*task, seed, options.threads) for seed in range(options.seeds)]
        _, _, again = train(*task, 0, options.threads)
        same = "same bits" if again == results[0][2] else f"{again}, first {results[0][2]}"
        figures = ", ".join(words for words, _, _ in results)
        seconds = sum(seconds for _, seconds, _ in results) / len(results)
        name = figure.replace("_", " ")
        print(
            f"| {program} | {data} | {epochs} | {name} | {figures} | {asked} | {seconds:.0f} "
            f"| {same} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
