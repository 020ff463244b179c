"""A Wasserstein GAN with gradient penalty learns a ring of points; differentiates a gradient."""

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn
from journal import Journal
from torch.autograd import Variable

cuda = True if torch.cuda.is_available() else False
Tensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(4, 16, normalize=False), *block(16, 32), nn.Linear(32, 2), nn.Tanh()
        )

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.model = nn.Sequential(
            nn.Linear(2, 32),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(32, 16),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(16, 1),
        )

    def forward(self, points):
        return self.model(points.view(points.shape[0], -1))


def compute_gradient_penalty(D, real_samples, fake_samples, rng):
    """(|grad D| - 1)^2 between real and generated points."""
    alpha = Tensor(rng.random_sample((real_samples.size(0), 1)))
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = Variable(Tensor(real_samples.shape[0], 1).fill_(1.0), requires_grad=False)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=fake,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def main():
    journal = Journal(__doc__, steps=40, n_critic=4)
    args = journal.options
    torch.manual_seed(0)
    rng = np.random.RandomState(0)
    generator, discriminator = Generator(), Discriminator()
    journal.begin(nn.ModuleDict({"generator": generator, "discriminator": discriminator}))
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    for i in journal.steps():
        angle = 2 * np.pi * rng.random_sample(32)
        real = Variable(torch.from_numpy(np.stack([np.cos(angle), np.sin(angle)], 1)).type(Tensor))
        optimizer_D.zero_grad()
        z = Variable(Tensor(rng.normal(0, 1, (32, 4))))
        fake = generator(z)
        real_validity, fake_validity = discriminator(real), discriminator(fake)
        penalty = compute_gradient_penalty(discriminator, real.data, fake.data, rng)
        d_loss = -torch.mean(real_validity) + torch.mean(fake_validity) + 10 * penalty
        d_loss.backward()
        optimizer_D.step()
        optimizer_G.zero_grad()
        if i % args.n_critic == 0:
            g_loss = -torch.mean(discriminator(generator(z)))
            g_loss.backward()
            optimizer_G.step()
            print(f"[D loss: {d_loss.item():f}] [G loss: {g_loss.item():f}]")
        journal.note(d_loss)
    journal.end()


if __name__ == "__main__":
    main()
