"""Time workloads in naivegrad and in PyTorch, interleaved, and print the ratios.

    python benchmarks/against_torch.py [WORKLOAD ...] [--threads 1 2] [--rounds 15]

Without a WORKLOAD, all training steps; "layers" stands for all single layers, "indexing" for all
reading and writing by index, "optimizers" for a step of each optimizer.

Each side runs in a warm process of its own with the same number of threads. They take turns
(A B A B ...), so that a drift of the machine's speed meets both; each round gives one ratio
naivegrad / PyTorch. Printed: the median ratio, the middle half of the ratios, and the median times.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from workloads import INDEXING, LAYERS, OPTIMIZERS, WORKLOADS

SECONDS = 0.25  # the length of one turn


class Side:
    """One library in a process of its own, running one workload when told to."""

    def __init__(self, library: str, workload: str, threads: int) -> None:
        command = [sys.executable, __file__, "--worker", library, workload, str(threads)]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
        }
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.repeats = 1
        self.run()  # the first step imports modules and makes caches: it would mislead the count
        while (seconds := self.run()) < SECONDS / 4:
            self.repeats *= 2
        self.repeats = max(1, round(self.repeats * SECONDS / seconds))

    def run(self) -> float:
        """Seconds for `repeats` steps."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{self.repeats}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def worker(library: str, workload: str, threads: int) -> None:
    """Run as many steps as each line of standard input says; answer with the seconds."""
    if library == "torch":
        import torch as t
    else:
        import naivegrad as t
    t.set_num_threads(threads)
    step = (WORKLOADS | LAYERS | INDEXING | OPTIMIZERS)[workload](t)
    for line in sys.stdin:
        repeats = int(line)
        start = time.perf_counter()
        for _ in range(repeats):
            step()
        print(time.perf_counter() - start, flush=True)


def compare(workload: str, threads: int, rounds: int) -> tuple[list[float], float, float]:
    """The ratios of all rounds, and the median seconds of a step on each side."""
    ours, theirs = (Side(library, workload, threads) for library in ("naivegrad", "torch"))
    ratios, a_times, b_times = [], [], []
    for _ in range(rounds):
        a = ours.run() / ours.repeats
        b = theirs.run() / theirs.repeats
        ratios.append(a / b)
        a_times.append(a)
        b_times.append(b)
    ours.close()
    theirs.close()
    return ratios, statistics.median(a_times), statistics.median(b_times)


def main() -> None:
    """Print one table row per workload and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    groups = {"layers": LAYERS, "indexing": INDEXING, "optimizers": OPTIMIZERS}
    names = [n for word in options.workloads for n in groups.get(word, [word])]
    print("| workload | threads | naivegrad / PyTorch | middle half | naivegrad | PyTorch |")
    print("|---|---|---|---|---|---|")
    for workload in names:
        for threads in options.threads:
            ratios, ours, theirs = compare(workload, threads, options.rounds)
            low, _, high = statistics.quantiles(ratios, n=4)
            print(
                f"| {workload} | {threads} | {statistics.median(ratios):.2f} "
                f"| {low:.2f}-{high:.2f} | {ours * 1e6:.1f} us | {theirs * 1e6:.1f} us |",
                flush=True,
            )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
