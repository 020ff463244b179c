"""What the training programs share: data in batches, progress, saving, going on, results.

The examples keep the training loop itself. A `Run` gives them the batches and takes their numbers:

    run = Run("mnist-cnn", about, arguments, defaults)
    with run.begin(model, optimizer):
        for _ in run.epochs():
            for images, labels in run.batches():
                ...                                   # one training step
                run.record(loss, logits, labels)

A run is saved after each epoch, and in the middle of one when Ctrl-C is pressed. What is saved is
everything the rest of the run depends on: the weights, the optimizer's state, the state of the
random numbers, and the place in the shuffled order. Going on from there gives the same bits as a
run that was never stopped.
"""

import math
import os
import re
import signal
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import naivegrad as ng
from naivegrad.data import DataLoader, TensorDataset
from naivegrad.examples.options import (
    CHECKPOINT,
    Defaults,
    UserError,
    build_parser,
    check_device,
    choose_data,
)
from naivegrad.examples.report import write_metrics, write_pictures
from naivegrad.io import Progress, load_checkpoint, save_checkpoint
from naivegrad.nn import Module
from naivegrad.nn import functional as F
from naivegrad.optim import Optimizer
from naivegrad.tensor import Tensor

TEST_BATCH = 1000
FIXED = ("data", "batch_size", "lr", "seed")  # cannot change when a run goes on
WARM_UP = 0.2  # share of the steps in which the learning rate rises


class Run:
    """One training run: from the command line to the pictures.

    Parameters
    ----------
    example : str
        Name of the program, as in `naivegrad train NAME`.
    about : str
        One sentence for --help.
    arguments : sequence of str or None
        The command line; None takes the process's own.
    defaults : dict of str to Defaults
        Settings for each kind of data ("mnist", "fashion", "digits").
    """

    def __init__(
        self,
        example: str,
        about: str,
        arguments: Sequence[str] | None,
        defaults: dict[str, Defaults],
    ) -> None:
        given = vars(build_parser(example, about).parse_args(arguments))
        given = {name: value for name, value in given.items() if value is not None}
        self.example = example
        self._saved = self._find_saved(given)
        self._settle(given, defaults)

        ng.manual_seed(self.seed)
        train_images, train_labels = self.data.train.tensors()
        self.image_size = self.data.train.images.shape[1]
        self.loader = DataLoader(
            TensorDataset(train_images, train_labels), self.batch_size, shuffle=True
        )
        self.test_images, self.test_labels = self.data.test.tensors()

        self.epoch = self.step = 0  # epochs finished, steps taken in all
        self.history: list[dict[str, float]] = []  # one row for each epoch
        self._sums: dict[str, Any] = {
            "loss": 0.0,
            "right": 0,
            "seen": 0,
            "seconds": 0.0,
        }  # of the current epoch
        self._signal = 0
        self._model: Any = None
        self._optimizer: Any = None
        self._bar: Progress | None = None

    # ---- what the training loop calls ----

    @contextmanager
    def begin(self, model: Module, optimizer: Optimizer) -> Iterator[None]:
        """Start the run, or go on with the saved one; at the end write results and pictures."""
        self._model, self._optimizer = model, optimizer
        self._announce()
        if self._saved is not None:
            try:
                self._restore(self._saved)
            except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
                raise UserError(f"--resume: the checkpoint does not fit: {error}") from None
        handlers = self._catch_signals()
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self._report()

    def epochs(self) -> Iterator[int]:
        """Count the epochs from 1; each ends with a test and a checkpoint."""
        while self.epoch < self.n_epochs:
            self._model.train()
            yield self.epoch + 1
            self._end_epoch()

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch, in a new order; after Ctrl-C, what is left of it."""
        title = f"epoch {self.epoch + 1}/{self.n_epochs}"
        with Progress(title, len(self.data.train), start=self._sums["seen"]) as self._bar:
            began = time.perf_counter()
            stopped = False
            for images, labels in self.loader:
                yield images.to(self.device), labels.to(self.device)
                self.step += 1
                if stopped := self._signal != 0:
                    break
            self._sums["seconds"] += time.perf_counter() - began
        if stopped:  # a signal that came later waits for the end of the epoch
            self._stop()

    def record(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Note how a step went: the mean loss of its batch, and the scores (N, classes) it gave."""
        n = len(labels)
        sums = self._sums
        sums["seen"] += n
        sums["loss"] += n * loss.item()
        sums["right"] += int((logits.detach().argmax(1) == labels).sum().item())
        if not math.isfinite(sums["loss"]):
            raise UserError(f"the loss is {loss.item()}: the learning rate {self.lr} is too high")
        if self._bar is not None:
            seen = sums["seen"]
            self._bar.advance(n, loss=sums["loss"] / seen, accuracy=sums["right"] / seen)

    def one_cycle(self) -> float:
        """The share of the learning rate to use in this step: up for a fifth of the run, then down.

        Small steps at first let Adam's estimates settle, large ones in the middle travel far, and
        small ones at the end come to rest in the valley (Smith 2018,
        https://arxiv.org/abs/1803.09820). It depends on the step alone, so a run that goes on needs
        to remember nothing.
        """
        done = (self.step + 1) / (self.n_epochs * len(self.loader))
        if done < WARM_UP:
            return done / WARM_UP
        return 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))

    # ---- the command line and the saved run ----

    def _find_saved(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """The checkpoint that --resume means; also settles the folder of the results."""
        if "resume" not in given:
            self.out = Path(given["out"]) if "out" in given else self._new_folder()
            if (self.out / CHECKPOINT).exists():
                raise UserError(
                    f"--out {self.out} already holds a run: give --resume {self.out} to go on with "
                    "it, or choose another folder"
                )
            return None
        where = Path(given["resume"] or given.get("out") or self._last_folder())
        path = where / CHECKPOINT if where.suffix != ".safetensors" else where
        self.out = Path(given.get("out", path.parent))
        if not path.is_file():
            raise UserError(f"--resume: there is no {path}")
        if self.out != path.parent and (self.out / CHECKPOINT).exists():
            raise UserError(f"--out {self.out} already holds another run")
        saved = load_checkpoint(path)
        if not isinstance(saved, dict) or saved.get("example") != self.example:
            raise UserError(f"--resume: {path} is not a run of {self.example}")
        if not isinstance(saved.get("options"), dict) or not saved["options"].keys() >= set(FIXED):
            raise UserError(f"--resume: {path} is not complete")
        return saved

    def _settle(self, given: dict[str, Any], defaults: dict[str, Defaults]) -> None:
        """Merge the command line, the saved run and the defaults; choose the data."""
        saved = dict(self._saved["options"]) if self._saved is not None else {}
        for name in FIXED:
            if saved and name in given and given[name] not in (saved[name], "auto"):
                raise UserError(
                    f"--{name.replace('_', '-')} was {saved[name]} when the run began and cannot "
                    f"become {given[name]}"
                )
        options: dict[str, Any] = (
            {"data": "auto", "seed": 0, "threads": None, "device": "cpu"} | saved | given
        )
        if saved:
            options["data"] = saved["data"]
        self.device = check_device(options["device"])
        if options["threads"] is not None:  # a run that goes on keeps its number: the same bits
            ng.set_num_threads(options["threads"])
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.out):
                pass
        except OSError as error:
            raise UserError(f"--out {self.out}: cannot be written: {error.strerror}") from None

        self.data = choose_data(options["data"], options.get("data_dir"))
        settings = defaults[self.data.kind]
        self.n_epochs: int = options.get("epochs", settings.epochs)
        self.batch_size: int = options.get("batch_size", settings.batch_size)
        self.lr: float = options.get("lr", settings.lr)
        self.seed: int = options["seed"]
        self.options = {
            "data": self.data.kind, "data_dir": options.get("data_dir"), "epochs": self.n_epochs,
            "batch_size": self.batch_size, "lr": self.lr, "seed": self.seed,
            "threads": ng.get_num_threads(), "device": self.device,
        }  # fmt: skip

    def _new_folder(self) -> Path:
        """runs/NAME, or runs/NAME-2, ...: the first one that holds no run yet."""
        n = 1
        while (self._folder(n) / CHECKPOINT).exists():
            n += 1
        return self._folder(n)

    def _last_folder(self) -> Path:
        pattern = re.compile(rf"{self.example}(?:-(\d+))?")
        taken = [path.parent for path in Path("runs").glob(f"*/{CHECKPOINT}")]
        ours = [match for path in taken if (match := pattern.fullmatch(path.name))]
        return self._folder(max((int(match[1] or 1) for match in ours), default=1))

    def _folder(self, n: int) -> Path:
        return Path("runs", self.example if n == 1 else f"{self.example}-{n}")

    # ---- saving and going on ----

    def _state(self) -> dict[str, Any]:
        return {
            "example": self.example,
            "options": self.options,
            "data": self._fingerprint(),
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": ng.default_generator.get_state(),
            "loader": self.loader.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "sums": dict(self._sums),
            "history": self.history,
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        if saved["data"] != self._fingerprint():
            raise UserError(f"{self.data.why}: not the data this run began with")
        self._model.load_state_dict(saved["model"])
        self._optimizer.load_state_dict(saved["optimizer"])
        ng.default_generator.set_state(saved["random"])
        self.loader.load_state_dict(saved["loader"])
        self.epoch, self.step = saved["epoch"], saved["step"]
        self._sums, self.history = saved["sums"], saved["history"]
        done = f"epoch {self.epoch} of {self.n_epochs}"
        print(f"going on after {done}, step {self.step}")
        before = saved["options"]["epochs"]
        if before != self.n_epochs:
            print(f"note: --epochs was {before}, so the learning rate has followed another curve "
                  f"than in a run of {self.n_epochs} epochs from the start")  # fmt: skip

    def _save(self) -> None:
        save_checkpoint(self.out / CHECKPOINT, self._state())

    def _fingerprint(self) -> int:
        """A number that differs for other training data."""
        return zlib.crc32(
            self.data.train.labels.tobytes(), zlib.crc32(self.data.train.images.tobytes())
        )

    def _catch_signals(self) -> dict[int, Any]:
        """Let Ctrl-C and a polite kill wait for the end of the step; the second does not wait."""

        def remember(number: int, frame: FrameType | None) -> None:
            self._signal = number
            signal.signal(number, signal.default_int_handler)
            with suppress(OSError):  # not print: the signal may have come in the middle of one
                os.write(2, b"\nstopping after this step (once more to stop at once)\n")

        try:
            return {n: signal.signal(n, remember) for n in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # only the main thread may do this
            return {}

    def _stop(self) -> None:
        self._save()
        sys.stdout.flush()
        print(
            f"\nsaved {self.out / CHECKPOINT} after step {self.step}, "
            f"in epoch {min(self.epoch + 1, self.n_epochs)} of {self.n_epochs}.\n"
            f"Go on with:  naivegrad train {self.example} --resume {self.out}",
            file=sys.stderr,
        )
        raise SystemExit(128 + self._signal)

    # ---- tests and results ----

    def _end_epoch(self) -> None:
        sums = self._sums
        losses, scores = self._test()
        row = {
            "epoch": self.epoch + 1,
            "train_loss": sums["loss"] / sums["seen"],
            "train_accuracy": sums["right"] / sums["seen"],
            "test_loss": float(losses.mean()),
            "test_accuracy": float((scores.argmax(1) == self.data.test.labels).mean()),
            "seconds": round(sums["seconds"], 3),
            "samples_per_second": round(sums["seen"] / max(sums["seconds"], 1e-9), 1),
        }
        self.history.append(row)
        self.epoch += 1
        self._sums = dict.fromkeys(sums, 0) | {"loss": 0.0, "seconds": 0.0}
        self._save()
        write_metrics(self.out / "metrics.csv", self.history)
        print(
            f"epoch {self.epoch}/{self.n_epochs}   "
            f"training loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.2%}   "
            f"test loss {row['test_loss']:.4f} accuracy {row['test_accuracy']:.2%}   "
            f"{row['samples_per_second']:,.0f} samples/s",
            flush=True,
        )
        if self._signal:
            self._stop()

    def _test(self) -> tuple[np.ndarray, np.ndarray]:
        """Loss of each test sample, and its scores (N, classes)."""
        self._model.eval()
        losses, scores = [], []
        with ng.no_grad():
            for start in range(0, len(self.test_images), TEST_BATCH):
                images = self.test_images[start : start + TEST_BATCH].to(self.device)
                labels = self.test_labels[start : start + TEST_BATCH].to(self.device)
                logits = self._model(images)
                losses.append(F.cross_entropy(logits, labels, reduction="none").cpu().numpy())
                scores.append(logits.cpu().numpy())
        return np.concatenate(losses), np.concatenate(scores)

    def _announce(self) -> None:
        size = f"{self.image_size}x{self.image_size}"
        print(f"data: {self.data.why}")
        print(
            f"      {len(self.data.train):,} images of {size} to train on, "
            f"{len(self.data.test):,} to test"
        )
        threads = ng.get_num_threads()
        parameters = sum(parameter.numel() for parameter in self._model.parameters())
        print(
            f"{self.example}: {parameters:,} parameters, "
            f"{self.n_epochs} epoch{'s' if self.n_epochs > 1 else ''}, "
            f"batches of {self.batch_size}, learning rate {self.lr:g}, seed {self.seed}, "
            f"{self.device}, {threads} thread{'s' if threads > 1 else ''}",
            flush=True,
        )

    def _report(self) -> None:
        losses, scores = self._test()
        right = int((scores.argmax(1) == self.data.test.labels).sum())
        print(f"test accuracy {right / len(losses):.2%} ({right:,} of {len(losses):,})")
        if not (self.out / CHECKPOINT).exists():
            self._save()
        title = f"{self.example} on {self.data.train.name}"
        for line in write_pictures(self.out, title, self.history, self.data.test, losses, scores):
            print(line)
        print(f"results in {self.out}/: {', '.join(sorted(p.name for p in self.out.iterdir()))}")
