"""Graph attention sorts the nodes of a small graph into its two communities."""

import torch
import torch.nn.functional as F
from journal import Journal
from torch import nn
from torch.optim import Adam


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, n_heads, concat=False, slope=0.2):
        super(GraphAttentionLayer, self).__init__()
        self.n_heads = n_heads
        self.concat = concat
        self.n_hidden = out_features // n_heads if concat else out_features
        self.W = nn.Parameter(torch.empty(size=(in_features, self.n_hidden * n_heads)))
        self.a = nn.Parameter(torch.empty(size=(n_heads, 2 * self.n_hidden, 1)))
        self.leakyrelu = nn.LeakyReLU(slope)
        self.softmax = nn.Softmax(dim=1)
        nn.init.xavier_normal_(self.W)
        nn.init.xavier_normal_(self.a)

    def _get_attention_scores(self, h):
        source = torch.matmul(h, self.a[:, : self.n_hidden, :])
        target = torch.matmul(h, self.a[:, self.n_hidden :, :])
        return self.leakyrelu(source + target.mT)

    def forward(self, h, adj_mat):
        n_nodes = h.shape[0]
        h = torch.mm(h, self.W).view(n_nodes, self.n_heads, self.n_hidden).permute(1, 0, 2)
        e = self._get_attention_scores(h)
        e = torch.where(adj_mat > 0, e, -9e16 * torch.ones_like(e))
        h_prime = torch.matmul(F.softmax(e, dim=-1), h)
        if self.concat:
            return h_prime.permute(1, 0, 2).contiguous().view(n_nodes, -1)
        return h_prime.mean(dim=0)


class GAT(nn.Module):
    def __init__(self, in_features):
        super(GAT, self).__init__()
        self.gat1 = GraphAttentionLayer(in_features, 8, 2, concat=True)
        self.gat2 = GraphAttentionLayer(8, 2, 1)

    def forward(self, x, adj_mat):
        x = F.elu(self.gat1(x, adj_mat))
        return F.log_softmax(self.gat2(x, adj_mat), dim=1)


def graph(n=24):
    """Two circles with a few edges between them, as a sparse matrix, and features of the nodes."""
    half = n // 2
    edges = [(i, (i + 1) % half) for i in range(half)]
    edges += [(half + i, half + (i + 3) % half) for i in range(half)] + [(0, half), (5, half + 7)]
    index = torch.tensor(edges, dtype=torch.long).t()
    adj = torch.sparse_coo_tensor(
        index, torch.ones(len(edges)), (n, n), dtype=torch.get_default_dtype()
    )
    adj = adj.to_dense()
    adj = adj + adj.t() + torch.eye(n)
    labels = (torch.arange(n) >= half).long()
    features = torch.sin(torch.arange(n * 6) * 1.3).view(n, 6)
    return features + 0.3 * labels[:, None], labels, adj


def main():
    journal = Journal(__doc__, steps=40)
    torch.manual_seed(13)
    features, labels, adj = graph()
    idx_train, idx_test = torch.arange(0, 24, 2), torch.arange(1, 24, 2)
    net = GAT(features.shape[1])
    journal.begin(net)
    optimizer = Adam(net.parameters(), lr=0.02, weight_decay=5e-4)
    criterion = nn.NLLLoss()
    for _ in journal.steps():
        net.train()
        optimizer.zero_grad()
        output = net(*(features, adj))
        loss = criterion(output[idx_train], labels[idx_train])
        loss.backward()
        optimizer.step()
        journal.note(loss)
    net.eval()
    output = net(features, adj)
    print("right:", output[idx_test].argmax(dim=1).eq(labels[idx_test]).sum().item())
    journal.end()


if __name__ == "__main__":
    main()
