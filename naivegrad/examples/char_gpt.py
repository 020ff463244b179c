"""Teach a small GPT to write like Shakespeare, character by character.

    naivegrad train char-gpt
    python -m naivegrad.examples.char_gpt --text my-book.txt --epochs 3
    naivegrad train char-gpt --resume --prompt "ROMEO:"     # a finished run only writes

The model sees the last 64 characters and says how likely each character is to come next. All it
knows is learned from that one question: words, names, verse, who speaks after whom.

    Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"
    A. Karpathy, nanoGPT, https://github.com/karpathy/nanoGPT: these sizes are its smallest ones
"""

import sys
from collections.abc import Sequence

import naivegrad as ng
from naivegrad import nn, optim
from naivegrad.examples.options import Option, UserError, guarded
from naivegrad.examples.text import TextRun, draw
from naivegrad.nn import functional as F
from naivegrad.tensor import Tensor

MODEL = dict(block_size=64, embed=128, num_heads=4, num_layers=4)
DEFAULTS = {
    "shakespeare": dict(epochs=5, batch_size=12, lr=2e-3, dropout=0.0, **MODEL),
    "romeo": dict(epochs=10, batch_size=12, lr=2e-3, dropout=0.1, **MODEL),
    "file": dict(epochs=5, batch_size=12, lr=2e-3, dropout=0.0, **MODEL),
}
OPTIONS = (
    Option("block_size", "characters that the model sees (default 64)"),
    Option("embed", "features of a character (default 128)"),
    Option("num_heads", "heads of the attention (default 4)"),
    Option("num_layers", "blocks, one after another (default 4)"),
    Option("dropout", "share of the features left out at random in training", share=True),
)


class CausalSelfAttention(nn.Module):
    """Every character takes from those before it, and from itself, what it needs.

    A character has a query q (what it looks for), a key k (what it is found by) and a value v (what
    it has to give). It receives a mean of the values, weighted by how well the keys fit its query:

        y_i = sum_j w_ij v_j,    w_ij = softmax over j of q_i . k_j / sqrt(features of a head)

    over the places j <= i alone: whoever could look ahead would have nothing to learn. Each head
    does so with its own share of the features, so that several things can be looked for at once.
    """

    def __init__(self, embed: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed, 3 * embed)
        self.out = nn.Linear(embed, embed)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:  # (N, L, D)
        """What each of L characters received, of the same shape."""
        N, L, D = x.shape
        x = self.qkv(x).reshape(N, L, 3, self.num_heads, D // self.num_heads)
        q, k, v = x.permute(2, 0, 3, 1, 4).unbind(0)  # each (N, heads, L, D / heads)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.transpose(1, 2).reshape(N, L, D)  # the heads side by side again
        return self.dropout(self.out(y))


class Block(nn.Module):
    """The characters exchange what they know; then each thinks about it alone.

    Both steps add to x instead of replacing it, so that a gradient reaches the first block as
    directly as the last.
    """

    def __init__(self, embed: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed)
        self.attention = CausalSelfAttention(embed, num_heads, dropout)
        self.norm2 = nn.LayerNorm(embed)
        self.mlp = nn.Sequential(
            nn.Linear(embed, 4 * embed),
            nn.GELU(),
            nn.Linear(4 * embed, embed),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, L, D)
        """Better features, of the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Scores of the next character, at every place of a text, out of `vocabulary` characters."""

    def __init__(
        self,
        vocabulary: int,
        block_size: int = 64,
        embed: int = 128,
        num_heads: int = 4,
        num_layers: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if embed % num_heads:
            raise UserError(f"--embed {embed} is not a multiple of --num-heads {num_heads}")
        self.block_size = block_size
        self.characters = nn.Embedding(vocabulary, embed)
        self.positions = nn.Embedding(block_size, embed)
        self.dropout = nn.Dropout(dropout)
        blocks = [Block(embed, num_heads, dropout) for _ in range(num_layers)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(embed)
        for parameter in self.parameters():
            if parameter.ndim == 2:  # small, so that at first all characters are about as likely
                nn.init.normal_(parameter, std=0.02)

    def forward(self, numbers: Tensor) -> Tensor:  # (N, L), L <= block_size
        """Scores (N, L, vocabulary): at place i, of what follows the characters up to i."""
        places = ng.arange(numbers.shape[1], device=numbers.device)
        x = self.characters(numbers) + self.positions(places)  # (N, L, D)
        x = self.norm(self.blocks(self.dropout(x)))  # (N, L, D)
        # The same weights that read a character also judge it ("weight tying", Press & Wolf 2017).
        return F.linear(x, self.characters.weight)

    def generate(self, numbers: Tensor, length: int, temperature: float) -> Tensor:  # (L,)
        """Continue a text by `length` characters, each drawn by its score."""
        for _ in range(length):
            seen = numbers[-self.block_size :]
            scores = self(seen.unsqueeze(0))[0, -1]  # (vocabulary,)
            numbers = ng.cat([numbers, draw(scores, temperature)])
        return numbers


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, validate, write, and leave the results in the folder --out."""
    run = TextRun("char-gpt", __doc__.split("\n")[0], arguments, DEFAULTS, OPTIONS)
    model = GPT(len(run.text.characters), **run.sizes).to(run.device)
    optimizer = optim.AdamW(model.parameters(), lr=run.lr, betas=(0.9, 0.99), weight_decay=0.1)

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
