"""A variational autoencoder on MNIST; writes pictures of what it reconstructs and samples."""

import os

import torch
import torch.utils.data
from journal import Journal
from torch import nn, optim
from torch.nn import functional as F
from torchvision import datasets, transforms
from torchvision.utils import save_image


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(784, 100)
        self.fc21 = nn.Linear(100, 10)
        self.fc22 = nn.Linear(100, 10)
        self.fc3 = nn.Linear(10, 100)
        self.fc4 = nn.Linear(100, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar, noise):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std) * noise
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x, noise):
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar, noise)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    """Reconstruction error and KL divergence, summed over pixels and batch (Kingma & Welling)."""
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def main():
    # Without noise the model is a plain autoencoder, and its losses are the same everywhere.
    journal = Journal(__doc__, steps=40, root="data", results="", noise=1.0)
    args = journal.options
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = datasets.MNIST(args.root, train=True, transform=transforms.ToTensor())
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=False)
    model = VAE().to(device)
    journal.begin(model)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    model.train()
    while not journal.full():
        for data, _ in loader:
            if journal.full():
                break
            data = data.to(device)
            optimizer.zero_grad()
            recon, mu, logvar = model(data, args.noise)
            loss = loss_function(recon, data, mu, logvar)
            loss.backward()
            optimizer.step()
            journal.note(loss.item() / len(data))

    if args.results:
        os.makedirs(args.results, exist_ok=True)
        with torch.no_grad():
            n = min(data.size(0), 8)
            comparison = torch.cat([data[:n], recon.view(-1, 1, 28, 28)[:n]])
            save_image(comparison.cpu(), os.path.join(args.results, "reconstruction.png"), nrow=n)
            sample = model.decode(torch.randn(64, 10).to(device)).cpu()
            save_image(sample.view(64, 1, 28, 28), os.path.join(args.results, "sample.png"))
    journal.end()


if __name__ == "__main__":
    main()
