"""An LSTM reads MNIST row by row; batch norm and dropout behind it."""

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
        self.rnn = nn.LSTM(input_size=28, hidden_size=32, batch_first=True)
        self.batchnorm = nn.BatchNorm1d(32)
        self.dropout1 = nn.Dropout2d(dropout)
        self.dropout2 = nn.Dropout2d(dropout)
        self.fc1 = nn.Linear(32, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, input):
        input = input.reshape(-1, 28, 28)
        output, hidden = self.rnn(input)
        output = output[:, -1, :]  # the last row's output has seen all rows
        output = self.batchnorm(output)
        output = self.dropout1(output.unsqueeze(2).unsqueeze(3)).flatten(1)
        output = F.relu(self.fc1(output))
        output = self.dropout2(output[:, :, None, None]).flatten(1)
        return F.log_softmax(self.fc2(output), dim=1)


def main():
    journal = Journal(__doc__, steps=40, root="data", lr=0.5, dropout=0.0)
    args = journal.options
    torch.manual_seed(1)
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    data = datasets.MNIST(args.root, train=True, transform=transform)
    loader = torch.utils.data.DataLoader(data, batch_size=32)
    model = Net(args.dropout)
    journal.begin(model)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    model.train()
    while not journal.full():
        for data, target in loader:
            if journal.full():
                break
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            optimizer.step()
            journal.note(loss)
        scheduler.step()
    model.eval()
    with torch.no_grad():
        correct = (model(data).max(1)[1] == target).sum().item()
    print(f"{correct} of {len(target)} right")
    journal.end()


if __name__ == "__main__":
    main()
