"""Teach a variational autoencoder to make up handwritten digits.

    naivegrad train vae
    python -m naivegrad.examples.vae --latent 2 --seed 1

An encoder squeezes each image into 20 numbers, and not even exactly: it names a mean and a spread,
and one draw from there must be enough for the decoder to rebuild the image. What is learned is a
space in which every point is some digit; the decoder makes new ones of pure noise.

    Kingma & Welling 2014, "Auto-Encoding Variational Bayes", https://arxiv.org/abs/1312.6114
"""

import sys
from collections.abc import Sequence

import naivegrad as ng
from naivegrad import nn, optim
from naivegrad.examples.images import GeneratorRun
from naivegrad.examples.options import Option, guarded
from naivegrad.nn import functional as F
from naivegrad.tensor import Tensor

DEFAULTS = {
    "mnist": dict(epochs=10, batch_size=128, lr=1e-3, hidden=400, latent=20),
    "fashion": dict(epochs=10, batch_size=128, lr=1e-3, hidden=400, latent=20),
    "digits": dict(epochs=60, batch_size=32, lr=1e-3, hidden=100, latent=10),
}
OPTIONS = (
    Option("hidden", "width of encoder and decoder (default 400, and 100 for the small digits)"),
    Option("latent", "numbers that describe an image (default 20, and 10 for the small digits)"),
)


class VAE(nn.Module):
    """Codes of `latent` numbers for square grey images of `size` pixels a side, and back."""

    def __init__(self, size: int = 28, hidden: int = 400, latent: int = 20) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(size * size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 2 * latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden),
            nn.ReLU(),
            nn.Linear(hidden, size * size),
            nn.Unflatten(1, (1, size, size)),
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:  # (N, 1, 28, 28)
        """Mean and log variance of the code, each (N, latent)."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance

    def losses(self, images: Tensor) -> tuple[Tensor, Tensor]:  # pixels between 0 and 1
        """The two parts of the loss for one image: what is lost, and what the code says.

        The first is the cross entropy of each pixel, drawn as white or black. The second is the
        Kullback-Leibler divergence of the code from N(0, 1),

            1/2 sum (mean^2 + variance - log variance - 1)

        which keeps the codes together around 0, where `generate` will look for them.
        """
        mean, log_variance = self.encode(images)
        # The draw as a function of mean and spread: so a gradient passes through it.
        code = mean + (0.5 * log_variance).exp() * ng.randn_like(mean)
        scores = self.decoder(code)  # (N, 1, 28, 28)
        lost = F.binary_cross_entropy_with_logits(scores, images, reduction="sum")
        said = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum()
        return lost / len(images), said / len(images)

    def forward(self, images: Tensor) -> Tensor:
        """The images as they come back from the middle of their codes."""
        mean, _ = self.encode(images)
        return self.decoder(mean).sigmoid()

    def generate(self, n: int) -> Tensor:
        """`n` new images, made of noise."""
        code = ng.randn(n, self.latent, device=self.decoder[0].weight.device)
        return self.decoder(code).sigmoid()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, test, and leave the results in the folder --out."""
    run = GeneratorRun("vae", __doc__.split("\n")[0], arguments, DEFAULTS, OPTIONS)
    model = VAE(run.image_size, **run.sizes).to(run.device)
    optimizer = optim.Adam(model.parameters(), lr=run.lr)

    with run.begin(model, optimizer):
        for _ in run.epochs():
            for images, _ in run.batches():
                optimizer.zero_grad()
                reconstruction, divergence = model.losses(images)
                loss = reconstruction + divergence
                loss.backward()
                optimizer.step()
                run.record(reconstruction, divergence, images)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, None))
