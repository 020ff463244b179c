"""Teach a recurrent network to write like Shakespeare, character by character.

    naivegrad train lstm
    python -m naivegrad.examples.lstm --text my-book.txt --num-layers 2
    naivegrad train lstm --resume --prompt "ROMEO:"     # a finished run only writes

The network reads one character at a time and keeps what matters in its state: 128 numbers, and as
many that it does not show. That is all it can know of what it read. `char-gpt` learns the same from
the same text, and can look back instead.

    Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9
"""

import sys
from collections.abc import Sequence

import naivegrad as ng
from naivegrad import nn, optim
from naivegrad.examples.options import Option, guarded
from naivegrad.examples.text import TextRun, draw
from naivegrad.nn import functional as F
from naivegrad.tensor import Tensor

MODEL = dict(block_size=64, hidden=128, num_layers=1)
DEFAULTS = {
    "shakespeare": dict(epochs=10, batch_size=32, lr=5e-3, **MODEL),
    "romeo": dict(epochs=20, batch_size=32, lr=5e-3, **MODEL),
    "file": dict(epochs=10, batch_size=32, lr=5e-3, **MODEL),
}
OPTIONS = (
    Option("block_size", "characters read in one training step (default 64)"),
    Option("hidden", "size of the state (default 128)"),
    Option("num_layers", "layers, each reading what the one below shows (default 1)"),
)


class CharLSTM(nn.Module):
    """Scores of the next character, at every place of a text, out of `vocabulary` characters.

    `block_size` is not of its concern: it reads texts of any length.
    """

    def __init__(self, vocabulary: int, hidden: int = 128, num_layers: int = 1) -> None:
        super().__init__()
        self.characters = nn.Embedding(vocabulary, hidden)
        self.lstm = nn.LSTM(hidden, hidden, num_layers, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, numbers: Tensor) -> Tensor:  # (N, L)
        """Scores (N, L, vocabulary): at place i, of what follows the characters up to i."""
        shown, _ = self.lstm(self.characters(numbers))  # (N, L, D); the state begins with zeros
        return self.head(shown)

    def generate(self, numbers: Tensor, length: int, temperature: float) -> Tensor:  # (L,)
        """Continue a text by `length` characters, each drawn by its score."""
        state, unread = None, numbers
        for _ in range(length):
            shown, state = self.lstm(self.characters(unread), state)  # no need to read again
            unread = draw(self.head(shown[-1]), temperature)
            numbers = ng.cat([numbers, unread])
        return numbers


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, validate, write, and leave the results in the folder --out."""
    run = TextRun("lstm", __doc__.split("\n")[0], arguments, DEFAULTS, OPTIONS)
    model = CharLSTM(len(run.text.characters), run.sizes["hidden"], run.sizes["num_layers"])
    model = model.to(run.device)
    optimizer = optim.Adam(model.parameters(), lr=run.lr)

    with run.begin(model, optimizer):
        for _ in run.epochs():
            for inputs, targets in run.batches():
                optimizer.param_groups[0]["lr"] = run.lr * run.one_cycle()
                optimizer.zero_grad()
                scores = model(inputs)
                loss = F.cross_entropy(scores.flatten(0, 1), targets.flatten())
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                run.record(loss, targets)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, None))
