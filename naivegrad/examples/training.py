"""What the training programs share: batches, progress, saving, going on, results.

The examples keep the training loop itself. A `Run` gives them the batches and takes their numbers:

    run = ClassifierRun("mnist-cnn", about, arguments, defaults)
    with run.begin(model, optimizer):
        for _ in run.epochs():
            for images, labels in run.batches():
                ...                                   # one training step
                run.record(loss, logits, labels)

A run is saved after each epoch, and in the middle of one when Ctrl-C is pressed. What is saved is
everything the rest of the run depends on: the weights, the optimizer's state, the state of the
random numbers, and the place in the shuffled order. Going on from there gives the same bits as a
run that was never stopped.

This file knows nothing of images and text: which data there are, what is measured and what is drawn
is told by the subclasses in `images` and `text`.
"""

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, ClassVar, Protocol

import naivegrad as ng
from naivegrad.data import DataLoader
from naivegrad.examples.folder import CHECKPOINT, make_writable, open_folder
from naivegrad.examples.options import (
    Option,
    UserError,
    add_run_options,
    build_parser,
    check_device,
)
from naivegrad.examples.report import draw_curves, write_metrics
from naivegrad.io import Progress, save_checkpoint
from naivegrad.io.progress import note
from naivegrad.nn import Module
from naivegrad.optim import Optimizer
from naivegrad.tensor import Tensor

FIXED = ("data", "batch_size", "lr", "seed")  # cannot change when a run goes on
WARM_UP = 0.2  # share of the steps in which the learning rate rises


class Data(Protocol):
    """The data of a run, as its subclass chose them."""

    kind: str  # as --data names it
    name: str  # as people call it
    why: str  # where it was found, and why this one was taken

    def fingerprint(self) -> int:
        """A number that differs for other data."""


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
    defaults : dict of str to dict
        The settings for each kind of data: epochs, batch_size, lr and those in `options`.
    options : sequence of Option
        Options of this example alone. Their values are in `sizes`, to build the model from.

    Notes
    -----
    A subclass says with `add_data_options`, `choose_data`, `load` and `describe_data` what there is
    to learn from, counts with `count` what it measures in training, and measures the same in
    `test`. `conclude` and `draw` show what came of it.
    """

    unit: ClassVar[str] = "samples"  # what is counted
    held_out: ClassVar[str] = "test"  # name of the data not trained on
    loader: DataLoader  # gives the batches of an epoch
    epoch_size: int  # units in an epoch

    def __init__(
        self,
        example: str,
        about: str,
        arguments: Sequence[str] | None,
        defaults: dict[str, dict[str, Any]],
        options: Sequence[Option] = (),
    ) -> None:
        parser = build_parser(example, about)
        self.add_data_options(parser)
        add_run_options(parser, example, options)
        given = vars(parser.parse_args(arguments))
        given = {name: value for name, value in given.items() if value is not None}
        self.example = example
        self.fixed = (*FIXED, *(option.name for option in options))
        self.out, self._saved = open_folder(example, given)
        self._settle(given, defaults)
        self.title = f"{example} on {self.data.name}"
        self.sizes = {option.name: self.options[option.name] for option in options}

        ng.manual_seed(self.seed)
        self.load()
        self.epoch = self.step = 0  # epochs finished, steps taken in all
        self.history: list[dict[str, float]] = []  # one row for each epoch
        self._sums: dict[str, float] = {"seen": 0, "seconds": 0.0}  # of the current epoch
        self._signal = 0
        self._model: Any = None
        self._optimizer: Any = None
        self._bar: Progress | None = None

    # ---- what a kind of data decides ----

    @staticmethod
    def add_data_options(parser: argparse.ArgumentParser) -> None:
        """Add --data and its kin."""

    @staticmethod
    def choose_data(options: dict[str, Any]) -> Data:
        """The data that the options mean on this machine."""
        raise NotImplementedError

    def load(self) -> None:
        """Make `loader`, `epoch_size` and what `test` needs, from `data` and the settings."""
        raise NotImplementedError

    def describe_data(self) -> str:
        """How much there is to learn from."""
        raise NotImplementedError

    def test(self) -> dict[str, float]:
        """The figures of the model on data that it was not trained on, "loss" among them."""
        raise NotImplementedError

    def conclude(self, figures: dict[str, float]) -> None:
        """Say at the end what was reached; `figures` are those of the last test."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw at the end, after a test, what is worth looking at into `out`."""

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
        seen = int(self._sums["seen"])
        with Progress(title, self.epoch_size, self.unit, start=seen) as self._bar:
            began = time.perf_counter()
            stopped = False
            for x, y in self.loader:
                yield x.to(self.device), y.to(self.device)
                self.step += 1
                if stopped := self._signal != 0:
                    break
            self._sums["seconds"] += time.perf_counter() - began
        if stopped:  # a signal that came later waits for the end of the epoch
            self._stop()

    def count(self, n: int, **sums: float) -> None:
        """Add what a step gave: the number of units in it, and sums of figures over them."""
        if not math.isfinite(sums["loss"]):
            raise UserError(
                f"the loss is {sums['loss'] / n}: the learning rate {self.lr} is too high"
            )
        self._sums["seen"] += n
        for name, value in sums.items():
            self._sums[name] = self._sums.get(name, 0) + value
        if self._bar is not None:
            self._bar.advance(n, **self._means())

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

    # ---- the settings ----

    def _settle(self, given: dict[str, Any], defaults: dict[str, dict[str, Any]]) -> None:
        """Merge the command line, the saved run and the defaults; choose the data."""
        saved: dict[str, Any] = {}
        if self._saved is not None:
            saved = self._saved.get("options")
            if not isinstance(saved, dict) or not saved.keys() >= set(self.fixed):
                raise UserError("--resume: the checkpoint is not complete")
        for name in self.fixed:
            if saved and name in given and given[name] not in (saved[name], "auto"):
                raise UserError(
                    f"--{name.replace('_', '-')} was {saved[name]} when the run began and cannot "
                    f"become {given[name]}"
                )
        options = {"data": "auto", "seed": 0, "threads": None, "device": "cpu"} | saved | given
        if saved:
            options["data"] = saved["data"]
        self.device = check_device(options["device"])
        if options["threads"] is not None:  # a run that goes on keeps its number: the same bits
            ng.set_num_threads(options["threads"])
        make_writable(self.out)

        self.data = self.choose_data(options)
        options = defaults[self.data.kind] | options
        options |= {"data": self.data.kind, "threads": ng.get_num_threads()}
        self.n_epochs: int = options["epochs"]
        self.batch_size: int = options["batch_size"]
        self.lr: float = options["lr"]
        self.seed: int = options["seed"]
        self.options = {k: v for k, v in options.items() if k not in ("out", "resume")}

    # ---- saving and going on ----

    def _state(self) -> dict[str, Any]:
        return {
            "example": self.example,
            "options": self.options,
            "data": self.data.fingerprint(),
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
        if saved["data"] != self.data.fingerprint():
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
        if before != self.n_epochs and self.epoch < self.n_epochs:
            print(f"note: --epochs was {before}, so the learning rate has followed another curve "
                  f"than in a run of {self.n_epochs} epochs from the start")  # fmt: skip

    def _save(self) -> None:
        save_checkpoint(self.out / CHECKPOINT, self._state())

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

    def _means(self) -> dict[str, float]:
        """The figures of the current epoch so far, each for one unit."""
        sums = self._sums
        return {n: sums[n] / sums["seen"] for n in sums if n not in ("seen", "seconds")}

    def _test(self) -> dict[str, float]:
        self._model.eval()
        with ng.no_grad():
            return self.test()

    def _end_epoch(self) -> None:
        seen, seconds = self._sums["seen"], self._sums["seconds"]
        train, test = self._means(), self._test()
        speed = seen / max(seconds, 1e-9)
        self.history.append(
            {"epoch": self.epoch + 1}
            | {f"train_{name}": value for name, value in train.items()}
            | {f"{self.held_out}_{name}": value for name, value in test.items()}
            | {"seconds": round(seconds, 3), f"{self.unit}_per_second": round(speed, 1)}
        )
        self.epoch += 1
        self._sums = {"seen": 0, "seconds": 0.0}
        self._save()
        write_metrics(self.out / "metrics.csv", self.history)
        print(
            f"epoch {self.epoch}/{self.n_epochs}   training {_figures(train)}   "
            f"{self.held_out} {_figures(test)}   {speed:,.0f} {self.unit}/s",
            flush=True,
        )
        if self._signal:
            self._stop()

    def _announce(self) -> None:
        print(f"data: {self.data.why}")
        print(f"      {self.describe_data()}")
        threads = ng.get_num_threads()
        parameters = sum(parameter.numel() for parameter in self._model.parameters())
        sizes = [f"{name.replace('_', ' ')} {value}" for name, value in self.sizes.items()]
        if sizes:
            print(f"{self.example}: {', '.join(sizes)}")
        print(
            f"{self.example}: {parameters:,} parameters, "
            f"{self.n_epochs} epoch{'s' if self.n_epochs > 1 else ''}, "
            f"batches of {self.batch_size}, learning rate {self.lr:g}, seed {self.seed}, "
            f"{self.device}, {threads} thread{'s' if threads > 1 else ''}",
            flush=True,
        )

    def _report(self) -> None:
        figures = self._test()
        if not (self.out / CHECKPOINT).exists():
            self._save()
        self.conclude(figures)
        try:
            if self.history:
                draw_curves(self.out / "curves.png", self.title, self.history, self.held_out)
            self.draw()
        except ImportError as error:
            print(f"no pictures: {error}")
        print(f"results in {self.out}/: {', '.join(sorted(p.name for p in self.out.iterdir()))}")


def _figures(figures: dict[str, float]) -> str:
    """The figures as text: `loss 0.1234 accuracy 96.10%`."""
    return " ".join(note(name, value) for name, value in figures.items())
