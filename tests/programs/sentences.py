"""Small models of sentences: convolution, an LSTM both ways, attention over it, skip-grams."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from journal import Journal

SENTENCES = [
    "i love you",
    "he loves me",
    "she likes baseball",
    "i hate you",
    "sorry for that",
    "this is awful",
]
LABELS = [1, 1, 1, 0, 0, 0]
WORDS = sorted(set(" ".join(SENTENCES).split()))
NUMBER = {w: i for i, w in enumerate(WORDS)}
SIZE = 4  # of an embedding
HIDDEN = 5


class TextCNN(nn.Module):
    def __init__(self):
        super(TextCNN, self).__init__()
        self.filter_sizes, self.num_filters = [2, 2, 3], 3
        self.W = nn.Embedding(len(WORDS), SIZE)
        self.Weight = nn.Linear(self.num_filters * len(self.filter_sizes), 2, bias=False)
        self.Bias = nn.Parameter(torch.ones([2]))
        self.filter_list = nn.ModuleList(
            [nn.Conv2d(1, self.num_filters, (size, SIZE)) for size in self.filter_sizes]
        )

    def forward(self, X):
        embedded = self.W(X).unsqueeze(1)
        pooled_outputs = []
        for i, conv in enumerate(self.filter_list):
            h = F.relu(conv(embedded))
            mp = nn.MaxPool2d((3 - self.filter_sizes[i] + 1, 1))
            pooled_outputs.append(mp(h).permute(0, 3, 2, 1))
        h_pool = torch.cat(pooled_outputs, len(self.filter_sizes))
        h_pool_flat = torch.reshape(h_pool, [-1, self.num_filters * len(self.filter_sizes)])
        return self.Weight(h_pool_flat) + self.Bias


class BiLSTM(nn.Module):
    """With attention: the last hidden state asks which words matter."""

    def __init__(self, attention=False):
        super(BiLSTM, self).__init__()
        self.attention = attention
        self.embedding = nn.Embedding(len(WORDS), SIZE)
        self.lstm = nn.LSTM(SIZE, HIDDEN, bidirectional=True)
        self.out = nn.Linear(HIDDEN * 2, 2)

    def attention_net(self, lstm_output, final_state):
        hidden = final_state.view(-1, HIDDEN * 2, 1)
        attn_weights = torch.bmm(lstm_output, hidden).squeeze(2)
        soft_attn_weights = F.softmax(attn_weights, 1)
        context = torch.bmm(lstm_output.transpose(1, 2), soft_attn_weights.unsqueeze(2)).squeeze(2)
        return context, soft_attn_weights.data.numpy()

    def forward(self, X):
        input = self.embedding(X).permute(1, 0, 2)
        hidden_state = torch.zeros(1 * 2, len(X), HIDDEN)
        cell_state = torch.zeros(1 * 2, len(X), HIDDEN)
        output, (final_hidden, _) = self.lstm(input, (hidden_state, cell_state))
        if self.attention:
            attn_output, weights = self.attention_net(output.permute(1, 0, 2), final_hidden)
            assert weights.shape == (len(X), 3)
            return self.out(attn_output)
        return self.out(output[-1])


class SkipGram(nn.Module):
    def __init__(self):
        super(SkipGram, self).__init__()
        self.W = nn.Linear(len(WORDS), SIZE, bias=False)
        self.WT = nn.Linear(SIZE, len(WORDS), bias=False)

    def forward(self, X):
        return self.WT(self.W(X))


def main():
    journal = Journal(__doc__, steps=60, model="cnn")
    args = journal.options
    torch.manual_seed(0)
    inputs = torch.LongTensor([np.asarray([NUMBER[n] for n in s.split()]) for s in SENTENCES])
    targets = torch.LongTensor([out for out in LABELS])
    if args.model == "skipgram":
        pairs = [(s.split()[1], w) for s in SENTENCES for w in (s.split()[0], s.split()[2])]
        inputs = torch.FloatTensor([np.eye(len(WORDS))[NUMBER[a]] for a, _ in pairs])
        targets = torch.LongTensor([NUMBER[b] for _, b in pairs])
        model = SkipGram()
    else:
        model = TextCNN() if args.model == "cnn" else BiLSTM(args.model == "attention")
    journal.begin(model)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for epoch in journal.steps():
        optimizer.zero_grad()
        output = model(inputs)
        loss = criterion(output, targets)
        if (epoch + 1) % 20 == 0:
            print("Epoch:", "%04d" % (epoch + 1), "cost =", "{:.6f}".format(loss))
        loss.backward()
        optimizer.step()
        journal.note(loss)
    predict = model(inputs).data.max(1, keepdim=True)[1]
    print(sum(int(p == t) for p, t in zip(predict.squeeze(), targets)), "of", len(targets), "right")
    journal.end()


if __name__ == "__main__":
    main()
