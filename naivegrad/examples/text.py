"""Runs that learn to continue a text, character by character."""

import argparse
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import naivegrad as ng
from naivegrad.data import (
    CharacterText,
    DataLoader,
    RandomSampler,
    TextWindows,
    find_shakespeare,
    romeo_and_juliet,
)
from naivegrad.examples.options import UserError, number, whole
from naivegrad.examples.training import Run
from naivegrad.io import atomic_write
from naivegrad.nn import functional as F
from naivegrad.tensor import Tensor

KINDS = ("auto", "shakespeare", "romeo")
HELD_OUT = 0.1  # share of the text, at its end, that is not trained on
TEST_BATCH = 64  # windows
SAMPLE = {"length": 500, "temperature": 0.8}  # unless the command line says otherwise


@dataclass(frozen=True)
class TextData:
    """A text chosen by `choose_text`."""

    kind: str  # "shakespeare", "romeo" or "file"
    name: str
    text: CharacterText
    why: str  # where it was found, and why this one was taken

    def fingerprint(self) -> int:
        """A number that differs for other text."""
        return zlib.crc32(self.text.text.encode())


def choose_text(kind: str, folder: str | None, file: str | None) -> TextData:
    """The text that the options mean on this machine, and why.

    Parameters
    ----------
    kind : {"auto", "shakespeare", "romeo", "file"}
        As given to --data.
    folder : str or None
        As given to --data-dir: the only place to look in.
    file : str or None
        As given to --text: a file to read instead.
    """
    if file is not None and folder is not None:
        raise UserError("--data-dir has no use with --text, which names the file itself")
    if file is not None:
        return TextData("file", Path(file).name, _read(Path(file), "--text"), f"the text of {file}")
    if folder is not None and kind == "romeo":
        raise UserError("--data-dir has no use with --data romeo, which comes with the package")
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise UserError(f"--data-dir {folder}: there is no such folder")
    path = None if kind == "romeo" else find_shakespeare(folder)
    if path is not None:
        why = f"a million characters of Shakespeare, found in {path}"
        return TextData("shakespeare", "Shakespeare", _read(path, "--data"), why)
    if folder is not None:
        raise UserError(f"--data-dir {folder}: there is no tinyshakespeare/input.txt in it")
    where = "not found in the folder that NAIVEGRAD_DATA names, nor in the cache"
    if kind == "shakespeare":
        raise UserError(f"--data shakespeare: tinyshakespeare/input.txt is {where}")
    reason = "as asked for" if kind == "romeo" else f"because tinyshakespeare/input.txt is {where}"
    text = CharacterText(romeo_and_juliet())
    why = f"Romeo and Juliet, which comes with the package, {reason}"
    return TextData("romeo", "Romeo and Juliet", text, why)


def _read(path: Path, option: str) -> CharacterText:
    try:
        return CharacterText(path.expanduser().read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{option}: {path} is not text in UTF-8 ({error.reason})") from None
    except OSError as error:
        raise UserError(f"{option}: {path} cannot be read: {error.strerror}") from None


def draw(scores: Tensor, temperature: float) -> Tensor:
    """The number (1,) of a character, drawn by its score among (V,).

    Scores divided by a temperature below 1 differ more: the likely becomes likelier. Near 0 only
    the likeliest is left.
    """
    if temperature < 1e-6:
        return scores.argmax(0, keepdim=True)
    return ng.multinomial((scores / temperature).softmax(0), 1)


class TextRun(Run):
    """A run whose model gives, for numbers of characters (N, L), scores (N, L, V) of the next ones.

    A sample is a window of `sizes["block_size"]` characters that begins anywhere; an epoch draws as
    many as would fill the text once. The last tenth of the text is held out.

    The model has `generate(numbers, length, temperature)`: the numbers (L,), continued by `length`
    drawn ones.
    """

    unit = "characters"
    held_out = "validation"
    data: TextData

    @staticmethod
    def add_data_options(parser: argparse.ArgumentParser) -> None:
        """--data, --data-dir, --text, and what to write at the end."""
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--data", choices=KINDS,
            help="auto (the default): a million characters of Shakespeare if they are on this "
                 "machine, else Romeo and Juliet, which comes with the package",
        )  # fmt: skip
        source.add_argument("--text", metavar="FILE", help="learn from a text of your own")
        parser.add_argument("--data-dir", metavar="DIR", help="folder of tinyshakespeare/input.txt")
        parser.add_argument("--prompt", metavar="TEXT", help="how the sample at the end begins")
        parser.add_argument("--length", type=whole(0), metavar="N",
                            help="characters of the sample (default 500)")  # fmt: skip
        parser.add_argument("--temperature", type=number(0), metavar="T",
                            help="0 writes what is likeliest, 1 what the model believes, more is "
                                 "wilder (default 0.8)")  # fmt: skip

    @staticmethod
    def choose_data(options: dict[str, Any]) -> TextData:
        """A file, Shakespeare, or the play of the package."""
        return choose_text(options["data"], options.get("data_dir"), options.get("text"))

    def load(self) -> None:
        """All windows of the training text at random, and those of the rest side by side."""
        self.text, length = self.data.text, self.sizes["block_size"]
        numbers = self.text.encode(self.text.text)
        held_out = int(HELD_OUT * len(numbers))
        if held_out <= length:
            raise UserError(
                f"the text has {len(numbers):,} characters, but windows of --block-size {length} "
                f"need at least {math.ceil((length + 1) / HELD_OUT):,}: a tenth is held out"
            )
        train = TextWindows(numbers[:-held_out], length)
        windows = len(train.numbers) // length  # in an epoch
        generator = ng.default_generator.fork()
        sampler = RandomSampler(train, replacement=True, num_samples=windows, generator=generator)
        self.loader = DataLoader(train, self.batch_size, sampler=sampler, generator=generator)
        self.epoch_size = windows * length
        self._validation = DataLoader(TextWindows(numbers[-held_out:], length, length), TEST_BATCH)
        self.options = SAMPLE | self.options
        self.prompt = self._read_prompt()

    def describe_data(self) -> str:
        """How many characters, and how many different ones."""
        held_out = len(self._validation.dataset.numbers)
        return (
            f"{len(self.text) - held_out:,} characters to train on, {held_out:,} to validate, "
            f"{len(self.text.characters)} different ones"
        )

    def record(self, loss: Tensor, targets: Tensor) -> None:
        """Note how a step went: the mean loss over these characters."""
        n = targets.numel()
        self.count(n, loss=n * loss.item())

    def test(self) -> dict[str, float]:
        """Mean loss over the characters held out."""
        total, seen = 0.0, 0
        for inputs, targets in self._validation:
            logits = self._model(inputs.to(self.device))
            targets = targets.flatten().to(self.device)
            total += F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum").item()
            seen += len(targets)
        return {"loss": total / seen}

    def conclude(self, figures: dict[str, float]) -> None:
        """The loss, and a sample of what the model writes: sample.txt."""
        loss = figures["loss"]
        print(f"validation loss {loss:.4f}: {loss / math.log(2):.3f} bits for each character")
        if self.options["length"] == 0:
            return
        with ng.no_grad():
            numbers = self._model.generate(
                self.prompt, self.options["length"], self.options["temperature"]
            )
        sample = self.text.decode(numbers.tolist())
        with atomic_write(self.out / "sample.txt", "w") as file:
            file.write(sample + "\n")
        print(f"\n{sample.strip()}\n")

    def _read_prompt(self) -> Tensor:
        text = self.text.text
        prompt = self.options.get("prompt", "\n" if "\n" in text else text[0])
        if not prompt:
            raise UserError("--prompt must not be empty")
        try:
            return self.text.encode(prompt).to(self.device)
        except ValueError:
            strange = ", ".join(map(repr, sorted(set(prompt) - set(self.text.characters))))
            raise UserError(f"--prompt: not in the text: {strange}") from None
