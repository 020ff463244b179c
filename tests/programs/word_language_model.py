"""Next-word prediction with an RNN, an LSTM, a GRU or a transformer, on a few lines of verse."""

import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from journal import Journal

VERSE = """
tyger tyger burning bright in the forests of the night
what immortal hand or eye could frame thy fearful symmetry
in what distant deeps or skies burnt the fire of thine eyes
on what wings dare he aspire what the hand dare seize the fire
and what shoulder and what art could twist the sinews of thy heart
and when thy heart began to beat what dread hand and what dread feet
what the hammer what the chain in what furnace was thy brain
what the anvil what dread grasp dare its deadly terrors clasp
when the stars threw down their spears and water'd heaven with their tears
did he smile his work to see did he who made the lamb make thee
"""


class Dictionary(object):
    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add_word(self, word):
        if word not in self.word2idx:
            self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]

    def __len__(self):
        return len(self.idx2word)


class Corpus(object):
    def __init__(self, text):
        self.dictionary = Dictionary()
        idss = []
        for line in text.strip().split("\n"):
            words = line.split() + ["<eos>"]
            idss.append(
                torch.tensor([self.dictionary.add_word(w) for w in words]).type(torch.int64)
            )
        self.train = torch.cat(idss)


class RNNModel(nn.Module):
    """An encoder, recurrent layers, and a decoder that may share the encoder's weights."""

    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, dropout, tie_weights):
        super(RNNModel, self).__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        if rnn_type in ["LSTM", "GRU"]:
            self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        else:
            nonlinearity = {"RNN_TANH": "tanh", "RNN_RELU": "relu"}[rnn_type]
            self.rnn = nn.RNN(ninp, nhid, nlayers, nonlinearity=nonlinearity, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError("with tied weights, nhid must be equal to emsize")
            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        self.rnn_type = rnn_type
        self.nhid = nhid
        self.nlayers = nlayers

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output)).view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        if self.rnn_type == "LSTM":
            return (
                weight.new_zeros(self.nlayers, bsz, self.nhid),
                weight.new_zeros(self.nlayers, bsz, self.nhid),
            )
        return weight.new_zeros(self.nlayers, bsz, self.nhid)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=500):
        super(PositionalEncoding, self).__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0).transpose(0, 1))

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(0), :])


class TransformerModel(nn.Transformer):
    """The encoder of a transformer, with a linear layer in the place of its decoder."""

    def __init__(self, ntoken, ninp, nhead, nhid, nlayers, dropout=0.5):
        super(TransformerModel, self).__init__(
            d_model=ninp, nhead=nhead, dim_feedforward=nhid, num_encoder_layers=nlayers,
            num_decoder_layers=1, dropout=dropout,
        )  # fmt: skip
        self.src_mask = None
        self.pos_encoder = PositionalEncoding(ninp, dropout)
        self.input_emb = nn.Embedding(ntoken, ninp)
        self.ninp = ninp
        self.decoder = nn.Linear(ninp, ntoken)
        nn.init.uniform_(self.input_emb.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)

    def _generate_square_subsequent_mask(self, sz):
        return torch.log(torch.tril(torch.ones(sz, sz)))

    def forward(self, src, has_mask=True):
        if has_mask:
            if self.src_mask is None or self.src_mask.size(0) != len(src):
                self.src_mask = self._generate_square_subsequent_mask(len(src)).to(src.device)
        else:
            self.src_mask = None
        src = self.input_emb(src) * math.sqrt(self.ninp)
        output = self.encoder(self.pos_encoder(src), mask=self.src_mask)
        return F.log_softmax(self.decoder(output), dim=-1)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data.narrow(0, 0, nbatch * bsz)
    return data.view(bsz, -1).t().contiguous()


def get_batch(source, i, bptt):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def repackage_hidden(h):
    """The same hidden state, without the history that made it."""
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def main():
    journal = Journal(
        __doc__, steps=60, model="LSTM", emsize=16, nhid=16, nlayers=2, lr=2.0, clip=0.25,
        bptt=8, dropout=0.0, tied=False, save="",
    )  # fmt: skip
    args = journal.options
    torch.manual_seed(1111)
    corpus = Corpus(VERSE)
    train_data = batchify(corpus.train, 5)
    ntokens = len(corpus.dictionary)
    if args.model == "Transformer":
        model = TransformerModel(ntokens, args.emsize, 2, args.nhid, args.nlayers, args.dropout)
    else:
        model = RNNModel(
            args.model, ntokens, args.emsize, args.nhid, args.nlayers, args.dropout, args.tied
        )
    journal.begin(model)
    criterion = nn.NLLLoss()

    model.train()
    while not journal.full():
        if args.model != "Transformer":
            hidden = model.init_hidden(5)
        for i in range(0, train_data.size(0) - 1, args.bptt):
            if journal.full():
                break
            data, targets = get_batch(train_data, i, args.bptt)
            model.zero_grad()
            if args.model == "Transformer":
                output = model(data).view(-1, ntokens)
            else:
                hidden = repackage_hidden(hidden)
                output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
            with torch.no_grad():
                for p in model.parameters():
                    if p.grad is not None:  # the transformer's own decoder is replaced
                        p.add_(p.grad, alpha=-args.lr)
            journal.note(loss)

    if args.save:
        # The model as a whole; only the classes named here are looked up when it is loaded.
        with open(args.save, "wb") as f:
            torch.save(model, f)
        known = [
            PositionalEncoding, RNNModel, TransformerModel, set, torch.nn.functional.relu,
            torch.nn.GRU, torch.nn.LSTM, torch.nn.RNN,
            torch.nn.modules.activation.MultiheadAttention,
            torch.nn.modules.container.ModuleList,
            torch.nn.modules.dropout.Dropout,
            torch.nn.modules.linear.Linear,
            torch.nn.modules.linear.NonDynamicallyQuantizableLinear,
            torch.nn.modules.normalization.LayerNorm,
            torch.nn.modules.sparse.Embedding,
            torch.nn.modules.transformer.TransformerEncoder,
            torch.nn.modules.transformer.TransformerEncoderLayer,
        ]  # fmt: skip
        with torch.serialization.safe_globals(known):
            with open(args.save, "rb") as f:
                model = torch.load(f)
        if args.model in ["RNN_TANH", "RNN_RELU", "LSTM", "GRU"]:
            model.rnn.flatten_parameters()
        os.remove(args.save)

    model.eval()
    input = torch.randint(ntokens, (1, 1), dtype=torch.long)
    hidden = model.init_hidden(1) if args.model != "Transformer" else None
    words = []
    with torch.no_grad():
        for _ in range(10):
            if args.model == "Transformer":
                output = model(input, False)
                weights = output[-1].squeeze().cpu().exp()
                word_idx = torch.multinomial(weights, 1)[0]
                input = torch.cat([input, torch.Tensor([[word_idx]]).long()], 0)
            else:
                output, hidden = model(input, hidden)
                word_idx = torch.multinomial(output.squeeze().div(0.8).exp().cpu(), 1)[0]
                input.fill_(word_idx)
            words.append(corpus.dictionary.idx2word[word_idx])
    print(" ".join(words))
    print("perplexity {:.2f}".format(math.exp(journal.losses[-1])))
    journal.end()


if __name__ == "__main__":
    main()
