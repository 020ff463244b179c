"""A full transformer copies sequences: encoder and decoder, label smoothing, a Noam schedule."""

import copy
import math

import torch
import torch.nn as nn
from journal import Journal
from torch.nn.functional import log_softmax
from torch.optim.lr_scheduler import LambdaLR


def clones(module, N):
    return nn.ModuleList([copy.deepcopy(module) for _ in range(N)])


def subsequent_mask(size):
    attn_shape = (1, size, size)
    return torch.triu(torch.ones(attn_shape), diagonal=1).type(torch.uint8) == 0


class LayerNorm(nn.Module):
    def __init__(self, features, eps=1e-6):
        super(LayerNorm, self).__init__()
        self.a_2 = nn.Parameter(torch.ones(features))
        self.b_2 = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2


class MultiHeadedAttention(nn.Module):
    def __init__(self, h, d_model):
        super(MultiHeadedAttention, self).__init__()
        self.d_k, self.h = d_model // h, h
        self.linears = clones(nn.Linear(d_model, d_model), 4)

    def forward(self, query, key, value, mask=None):
        if mask is not None:
            mask = mask.unsqueeze(1)
        nbatches = query.size(0)
        query, key, value = [
            lin(x).view(nbatches, -1, self.h, self.d_k).transpose(1, 2)
            for lin, x in zip(self.linears, (query, key, value))
        ]
        scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        x = torch.matmul(scores.softmax(dim=-1), value)
        x = x.transpose(1, 2).contiguous().view(nbatches, -1, self.h * self.d_k)
        return self.linears[-1](x)


class Layer(nn.Module):
    """Self-attention, attention to the memory if there is one, and a feed-forward network."""

    def __init__(self, size, memory):
        super(Layer, self).__init__()
        self.attns = clones(MultiHeadedAttention(2, size), 2 if memory else 1)
        self.norms = clones(LayerNorm(size), 3 if memory else 2)
        self.feed_forward = nn.Sequential(
            nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, size)
        )

    def forward(self, x, mask, memory=None, src_mask=None):
        y = self.norms[0](x)
        x = x + self.attns[0](y, y, y, mask)
        if memory is not None:
            x = x + self.attns[1](self.norms[1](x), memory, memory, src_mask)
        return x + self.feed_forward(self.norms[-1](x))


class Embeddings(nn.Module):
    def __init__(self, d_model, vocab, max_len=50):
        super(Embeddings, self).__init__()
        self.lut = nn.Embedding(vocab, d_model)
        self.d_model = d_model
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return self.lut(x) * math.sqrt(self.d_model) + self.pe[:, : x.size(1)].requires_grad_(False)


class EncoderDecoder(nn.Module):
    def __init__(self, vocab, d_model, N):
        super(EncoderDecoder, self).__init__()
        self.src_embed = Embeddings(d_model, vocab)
        self.tgt_embed = Embeddings(d_model, vocab)
        self.encoder = clones(Layer(d_model, memory=False), N)
        self.decoder = clones(Layer(d_model, memory=True), N)
        self.norms = clones(LayerNorm(d_model), 2)
        self.proj = nn.Linear(d_model, vocab)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def encode(self, src, src_mask):
        x = self.src_embed(src)
        for layer in self.encoder:
            x = layer(x, src_mask)
        return self.norms[0](x)

    def forward(self, src, tgt, src_mask, tgt_mask):
        memory = self.encode(src, src_mask)
        x = self.tgt_embed(tgt)
        for layer in self.decoder:
            x = layer(x, tgt_mask, memory, src_mask)
        return log_softmax(self.proj(self.norms[1](x)), dim=-1)


class LabelSmoothing(nn.Module):
    def __init__(self, size, padding_idx, smoothing=0.0):
        super(LabelSmoothing, self).__init__()
        self.criterion = nn.KLDivLoss(reduction="sum")
        self.padding_idx = padding_idx
        self.confidence, self.smoothing, self.size = 1.0 - smoothing, smoothing, size

    def forward(self, x, target):
        true_dist = x.data.clone()
        true_dist.fill_(self.smoothing / (self.size - 2))
        true_dist.scatter_(1, target.data.unsqueeze(1), self.confidence)
        true_dist[:, self.padding_idx] = 0
        mask = torch.nonzero(target.data == self.padding_idx)
        if mask.dim() > 0:
            true_dist.index_fill_(0, mask.squeeze(), 0.0)
        return self.criterion(x, true_dist.clone().detach())


def rate(step, model_size, factor, warmup):
    """Vaswani et al. 2017, eq. 3."""
    step = max(step, 1)
    return factor * model_size ** (-0.5) * min(step ** (-0.5), step * warmup ** (-1.5))


def main():
    journal = Journal(__doc__, steps=40)
    torch.manual_seed(0)
    V, d_model = 8, 16
    model = EncoderDecoder(V, d_model, 2)
    journal.begin(model)
    criterion = LabelSmoothing(size=V, padding_idx=0, smoothing=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5, betas=(0.9, 0.98), eps=1e-9)
    lr_scheduler = LambdaLR(optimizer, lr_lambda=lambda step: rate(step, d_model, 1.0, 20))
    for step in journal.steps():
        data = (torch.arange(8 * 9).view(8, 9) * (step + 3) // 2) % (V - 1) + 1
        data[:, 0] = 1
        data[0, -2:] = 0  # padding
        tgt, tgt_y = data[:, :-1], data[:, 1:]
        src_mask = (data != 0).unsqueeze(-2)
        tgt_mask = (tgt != 0).unsqueeze(-2)
        tgt_mask = tgt_mask & subsequent_mask(tgt.size(-1)).type_as(tgt_mask.data)
        ntokens = (tgt_y != 0).data.sum()
        out = model.forward(data, tgt, src_mask, tgt_mask)
        loss = criterion(out.contiguous().view(-1, out.size(-1)), tgt_y.contiguous().view(-1))
        loss = loss / ntokens
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        lr_scheduler.step()
        journal.note(loss)
    print("learning rate: %6.1e" % optimizer.param_groups[0]["lr"])
    journal.end()


if __name__ == "__main__":
    main()
