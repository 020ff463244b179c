"""Teach a small vision transformer to read handwritten digits.

    naivegrad train mnist-vit
    python -m naivegrad.examples.mnist_vit --num-layers 2 --seed 1

The image is cut into patches, and the patches are read like the words of a sentence: each looks at
all the others and takes from them what it needs. On MNIST ten epochs read 98 % of the test digits
right.

    Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", https://arxiv.org/abs/2010.11929
"""

import sys
from collections.abc import Sequence

import naivegrad as ng
from naivegrad import nn, optim
from naivegrad.examples.images import ClassifierRun
from naivegrad.examples.options import Option, UserError, guarded
from naivegrad.nn import functional as F
from naivegrad.tensor import Tensor

MODEL = dict(embed=128, num_heads=2, num_layers=1)
DEFAULTS = {
    "mnist": dict(epochs=10, batch_size=64, lr=2e-3, patch_size=4, **MODEL),
    "fashion": dict(epochs=10, batch_size=64, lr=2e-3, patch_size=4, **MODEL),
    "digits": dict(epochs=30, batch_size=32, lr=2e-3, patch_size=2, **MODEL),
}
OPTIONS = (
    Option("patch_size", "pixels on a side of a patch (default 4, and 2 for the small digits)"),
    Option("embed", "features of a patch (default 128)"),
    Option("num_heads", "heads of the attention (default 2)"),
    Option("num_layers", "blocks, one after another (default 1)"),
)


class Attention(nn.Module):
    """Every patch takes from all patches what it needs.

    A patch has a query q (what it looks for), a key k (what it is found by) and a value v (what it
    has to give). It receives a mean of all values, weighted by how well the keys fit its query:

        y = softmax(q k^T / sqrt(features of a head)) v

    Each head does so with its own share of the features, so that several things can be looked for.
    """

    def __init__(self, embed: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed, 3 * embed)
        self.out = nn.Linear(embed, embed)

    def forward(self, x: Tensor) -> Tensor:  # (N, L, D)
        """What each of L patches received, of the same shape."""
        N, L, D = x.shape
        x = self.qkv(x).reshape(N, L, 3, self.num_heads, D // self.num_heads)
        q, k, v = x.permute(2, 0, 3, 1, 4).unbind(0)  # each (N, heads, L, D / heads)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(N, L, D))  # the heads side by side again


class Block(nn.Module):
    """The patches exchange what they know; then each thinks about it alone.

    Both steps add to x instead of replacing it, so that a gradient reaches the first block as
    directly as the last.
    """

    def __init__(self, embed: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed)
        self.attention = Attention(embed, num_heads)
        self.norm2 = nn.LayerNorm(embed)
        self.mlp = nn.Sequential(
            nn.Linear(embed, 4 * embed),
            nn.GELU(),
            nn.Linear(4 * embed, embed),
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, L, D)
        """Better features, of the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Scores of 10 classes for square grey images of `size` pixels a side."""

    def __init__(
        self,
        size: int = 28,
        patch_size: int = 4,
        embed: int = 128,
        num_heads: int = 2,
        num_layers: int = 1,
    ) -> None:
        super().__init__()
        if size % patch_size:
            raise UserError(f"--patch-size {patch_size} does not divide an image of {size}x{size}")
        if embed % num_heads:
            raise UserError(f"--embed {embed} is not a multiple of --num-heads {num_heads}")
        self.patch_size = patch_size
        self.per_side = size // patch_size
        self.embed = nn.Linear(patch_size * patch_size, embed)
        self.positions = nn.Parameter(ng.randn(self.per_side**2, embed))
        self.blocks = nn.Sequential(*[Block(embed, num_heads) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(embed)
        self.head = nn.Linear(embed, 10)

    def forward(self, images: Tensor) -> Tensor:  # (N, 1, 28, 28)
        """Scores of shape (N, 10): the largest names the class."""
        x = self.embed(self.patches(images))  # (N, 49, 128)
        x = x + self.positions  # attention sees a set: without this, patches without a place
        x = self.norm(self.blocks(x))  # (N, 49, 128)
        return self.head(x.mean(1))  # (N, 10)

    def patches(self, images: Tensor) -> Tensor:
        """The images cut into patches, row by row, and each patch into a line of pixels."""
        rows = columns = self.per_side
        height = width = self.patch_size
        x = images.reshape(-1, rows, height, columns, width)
        x = x.transpose(2, 3)  # (N, rows, columns, height, width)
        return x.reshape(-1, rows * columns, height * width)  # (N, 49, 16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, test, and leave the results in the folder --out."""
    run = ClassifierRun("mnist-vit", __doc__.split("\n")[0], arguments, DEFAULTS, OPTIONS)
    model = ViT(run.image_size, **run.sizes).to(run.device)
    optimizer = optim.Adam(model.parameters(), lr=run.lr)

    with run.begin(model, optimizer):
        for _ in run.epochs():
            for images, labels in run.batches():
                optimizer.param_groups[0]["lr"] = run.lr * run.one_cycle()
                optimizer.zero_grad()
                logits = model(images)
                loss = F.cross_entropy(logits, labels)
                loss.backward()
                optimizer.step()
                run.record(loss, logits, labels)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, None))
