"""A convolutional network on MNIST, with Adadelta and a learning rate that falls each epoch."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from journal import Journal
from torch.optim.lr_scheduler import StepLR
from torchvision import datasets, transforms


class Net(nn.Module):
    def __init__(self, dropout):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(2 * dropout)
        self.fc1 = nn.Linear(16 * 12 * 12, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = torch.flatten(x, 1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(journal, model, device, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        if journal.full():
            return
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        journal.note(loss.item())
        if batch_idx % 10 == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    epoch, batch_idx * len(data), len(loader.dataset),
                    100.0 * batch_idx / len(loader), loss.item(),
                )
            )  # fmt: skip


def test(model, device, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(loader.dataset)
    print(f"Test set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(loader.dataset)}")


def main():
    journal = Journal(
        __doc__, steps=40, root="data", lr=1.0, gamma=0.7, dropout=0.25, save=False, no_cuda=False
    )
    args = journal.options
    use_accel = not args.no_cuda and torch.accelerator.is_available()
    device = torch.accelerator.current_accelerator() if use_accel else torch.device("cpu")
    torch.manual_seed(1)

    kwargs = {"num_workers": 1, "pin_memory": True} if use_accel else {}
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train_set = datasets.MNIST(args.root, train=True, download=False, transform=transform)
    test_set = datasets.MNIST(args.root, train=False, transform=transform)
    train_loader = torch.utils.data.DataLoader(train_set, batch_size=32, **kwargs)
    test_loader = torch.utils.data.DataLoader(test_set, batch_size=100, **kwargs)

    model = Net(args.dropout).to(device)
    journal.begin(model)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    epoch = 1
    while not journal.full():
        train(journal, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()
        epoch += 1
    if args.save:
        torch.save(model.state_dict(), "mnist_cnn.pt")
    journal.end()


if __name__ == "__main__":
    main()
