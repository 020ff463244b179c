"""Sub-pixel convolution: four channels become an image of twice the size."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
from journal import Journal


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super(Net, self).__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(16, 16, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(16, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)


def main():
    journal = Journal(__doc__, steps=30)
    torch.manual_seed(123)
    t = torch.arange(16) / 1.0
    phase = torch.arange(8).view(-1, 1, 1) * 0.7
    images = (torch.sin(0.5 * t[:, None] + phase) * torch.cos(0.3 * t + phase)).unsqueeze(1)
    small = F.avg_pool2d(images, 2)
    model = Net(2)
    journal.begin(model)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in journal.steps():
        optimizer.zero_grad()
        loss = criterion(model(small), images)
        loss.backward()
        optimizer.step()
        journal.note(loss.item())
    psnr = 10 * torch.log10(1 / loss)
    print("PSNR: {:.4f} dB".format(psnr.item()))
    journal.end()


if __name__ == "__main__":
    main()
