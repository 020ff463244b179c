"""A U-Net finds a disk in an image, with cross-entropy and the Dice loss together."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from journal import Journal
from torch import Tensor


class DoubleConv(nn.Module):
    """(convolution => batch norm => ReLU) twice."""

    def __init__(self, in_channels, out_channels, mid_channels=None):
        super().__init__()
        if not mid_channels:
            mid_channels = out_channels
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, mid_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(mid_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(in_channels, out_channels))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, in_channels, out_channels, bilinear=True):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = DoubleConv(in_channels, out_channels, in_channels // 2)
        else:
            self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, kernel_size=2, stride=2)
            self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        diffY = x2.size()[2] - x1.size()[2]
        diffX = x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [diffX // 2, diffX - diffX // 2, diffY // 2, diffY - diffY // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    def __init__(self, n_channels, n_classes, width=8, bilinear=False):
        super().__init__()
        factor = 2 if bilinear else 1
        self.inc = DoubleConv(n_channels, width)
        self.down1 = Down(width, 2 * width)
        self.down2 = Down(2 * width, 4 * width // factor)
        self.up1 = Up(4 * width, 2 * width // factor, bilinear)
        self.up2 = Up(2 * width, width, bilinear)
        self.outc = nn.Conv2d(width, n_classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        return self.outc(self.up2(self.up1(x3, x2), x1))


def dice_coeff(input: Tensor, target: Tensor, reduce_batch_first=False, epsilon: float = 1e-6):
    """2 |A and B| / (|A| + |B|), averaged over the batch or taken of all of it."""
    assert input.size() == target.size()
    sum_dim = (-1, -2) if input.dim() == 2 or not reduce_batch_first else (-1, -2, -3)
    inter = 2 * (input * target).sum(dim=sum_dim)
    sets_sum = input.sum(dim=sum_dim) + target.sum(dim=sum_dim)
    sets_sum = torch.where(sets_sum == 0, inter, sets_sum)
    return ((inter + epsilon) / (sets_sum + epsilon)).mean()


def dice_loss(input: Tensor, target: Tensor, multiclass: bool = False):
    if multiclass:
        input, target = input.flatten(0, 1), target.flatten(0, 1)
    return 1 - dice_coeff(input, target, reduce_batch_first=True)


def disks(n, size):
    """Noisy images with a disk in each, and the masks of the disks."""
    i = torch.arange(n).view(-1, 1, 1)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    cy, cx = 5 + (i * 7) % (size - 10), 5 + (i * 3) % (size - 10)
    mask = ((y - cy) ** 2 + (x - cx) ** 2 <= (3 + i % 4) ** 2).long()
    texture = torch.sin(1.7 * x + 0.9 * y * (1 + i % 3)) * 0.4
    return (mask + texture).unsqueeze(1), mask


def main():
    journal = Journal(__doc__, steps=20, size=30, bilinear=False)
    args = journal.options
    torch.manual_seed(0)
    images, masks = disks(8, args.size)
    model = UNet(1, 2, bilinear=args.bilinear).to(memory_format=torch.channels_last)
    journal.begin(model)
    optimizer = torch.optim.RMSprop(
        model.parameters(), lr=1e-3, weight_decay=1e-8, momentum=0.9, foreach=True
    )
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", patience=5)
    grad_scaler = torch.amp.GradScaler("cpu", enabled=False)
    criterion = nn.CrossEntropyLoss()
    for _ in journal.steps():
        model.train()
        with torch.autocast("cpu", enabled=False):
            pred = model(images.to(memory_format=torch.channels_last))
            loss = criterion(pred, masks)
            loss += dice_loss(
                F.softmax(pred, dim=1),
                F.one_hot(masks, 2).permute(0, 3, 1, 2).to(pred.dtype),
                multiclass=True,
            )
        optimizer.zero_grad(set_to_none=True)
        grad_scaler.scale(loss).backward()
        grad_scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        grad_scaler.step(optimizer)
        grad_scaler.update()
        journal.note(loss.item())
        scheduler.step(1 - loss.item())
    model.eval()
    with torch.no_grad():
        guess = F.one_hot(model(images).argmax(dim=1), 2).permute(0, 3, 1, 2).float()
        target = F.one_hot(masks, 2).permute(0, 3, 1, 2).float()
        print("dice:", dice_coeff(guess[:, 1], target[:, 1]).item())
    journal.end()


if __name__ == "__main__":
    main()
