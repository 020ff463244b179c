"""Small programs as people write them for PyTorch, run with each library under the name `torch`."""

import math

import numpy as np
import pytest

import naivegrad

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def numbers(torch, *shape, seed=0, scale=1.0):
    """The same random numbers in both libraries."""
    rng = np.random.default_rng([seed, *shape])
    return torch.tensor((rng.normal(size=shape) * scale).astype(np.float32))


def fill(torch, module, scale=0.3):
    """The same weights in both libraries."""
    with torch.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(numbers(torch, *p.shape, seed=i, scale=scale))
    return module


def net_by_hand(torch):
    x, y = numbers(torch, 64, 20), numbers(torch, 64, 5, seed=1)
    w1, w2 = numbers(torch, 20, 30, scale=0.2), numbers(torch, 30, 5, scale=0.2)
    losses = []
    for _ in range(20):
        h = x.mm(w1)
        h_relu = h.clamp(min=0)
        y_pred = h_relu.mm(w2)
        losses.append((y_pred - y).pow(2).sum().item())
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.t().mm(grad_y_pred)
        grad_h = grad_y_pred.mm(w2.t())
        grad_h[h < 0] = 0
        w1 -= 1e-4 * x.t().mm(grad_h)
        w2 -= 1e-4 * grad_w2
    return losses


def polynomial(torch):
    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    coefficients = [torch.full((), 0.1 * k, requires_grad=True) for k in range(4)]
    losses = []
    for _ in range(30):
        a, b, c, d = coefficients
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for k in coefficients:
                k -= 1e-6 * k.grad
                k.grad = None
    return losses


def bigrams(torch):
    F = torch.nn.functional
    words = ["emma", "olivia", "ava", "mia", "zoe"]
    letters = sorted(set("".join(words)))
    index = {c: i + 1 for i, c in enumerate(letters)}
    index["."] = 0
    pairs = [(index[a], index[b]) for w in words for a, b in zip("." + w, w + ".", strict=True)]
    xs, ys = torch.tensor(pairs).unbind(1)
    n = len(index)
    counts = torch.zeros((n, n), dtype=torch.int32)
    for a, b in pairs:
        counts[a, b] += 1
    probabilities = (counts + 1).float()
    probabilities /= probabilities.sum(1, keepdim=True)
    nll = -probabilities[xs, ys].log().mean()
    w = numbers(torch, n, n).requires_grad_()
    losses = [nll.item()]
    for _ in range(10):
        logits = F.one_hot(xs, num_classes=n).float() @ w
        scores = logits.exp()
        probs = scores / scores.sum(1, keepdim=True)
        loss = -probs[torch.arange(xs.nelement()), ys].log().mean() + 0.01 * (w**2).mean()
        losses.append(loss.item())
        w.grad = None
        loss.backward()
        w.data += -5 * w.grad
    return losses


def character_mlp(torch):
    """An embedding table, batch norm by hand, gradients in place."""
    block, size, width, hidden = 3, 9, 4, 16
    data = (numbers(torch, 40) * 100).long().remainder(size)
    xs = torch.stack([data[i : i + block] for i in range(len(data) - block)])
    ys = data[block:]
    table, w1 = numbers(torch, size, width), numbers(torch, block * width, hidden, scale=0.3)
    gain, bias = torch.ones((1, hidden)), torch.zeros((1, hidden))
    w2, b2 = numbers(torch, hidden, size, scale=0.1), torch.zeros(size)
    parameters = [table, w1, gain, bias, w2, b2]
    for p in parameters:
        p.requires_grad = True
    running = torch.zeros((1, hidden))
    losses = []
    for _ in range(15):
        flat = table[xs].view(xs.shape[0], -1)
        pre = flat @ w1
        mean, std = pre.mean(0, keepdim=True), pre.std(0, keepdim=True)
        h = torch.tanh(gain * (pre - mean) / std + bias)
        loss = torch.nn.functional.cross_entropy(h @ w2 + b2, ys)
        with torch.no_grad():
            running.mul_(0.9).add_(mean, alpha=0.1)
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
        losses.append(loss.item())
    return [*losses, running.sum().item()]


def tiny_gpt(torch):
    """Attention by masks, and the fused one; pre-norm blocks; tied weights; sampling by topk."""
    nn, F = torch.nn, torch.nn.functional
    size, block, width, heads = 11, 8, 16, 2

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)
            self.proj = nn.Linear(width, width)
            mask = torch.tril(torch.ones(block, block)).view(1, 1, block, block)
            self.register_buffer("mask", mask)

        def forward(self, x, fused):
            B, T, C = x.size()
            q, k, v = self.qkv(x).split(C, dim=2)
            q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in (q, k, v))
            if fused:
                y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, is_causal=True)
            else:
                att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
                att = att.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf"))
                y = F.softmax(att, dim=-1) @ v
            return self.proj(y.transpose(1, 2).contiguous().view(B, T, C))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(size, width), nn.Embedding(block, width)
            self.ln1, self.ln2, self.ln3 = (nn.LayerNorm(width) for _ in range(3))
            self.attention = Attention()
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.0)
            )
            self.head = nn.Linear(width, size, bias=False)
            self.wte.weight = self.head.weight

        def forward(self, idx, targets=None, fused=False):
            pos = torch.arange(0, idx.size(1), dtype=torch.long, device=idx.device)
            x = self.wte(idx) + self.wpe(pos)
            x = x + self.attention(self.ln1(x), fused)
            x = x + self.mlp(self.ln2(x))
            logits = self.head(self.ln3(x))
            if targets is None:
                return logits[:, [-1], :]
            return F.cross_entropy(
                logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1
            )

    model = fill(torch, GPT(), 0.2)
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
    data = (numbers(torch, 4, block + 1) * 100).long().remainder(size)
    losses = []
    for step in range(8):
        loss = model(data[:, :-1].contiguous(), data[:, 1:].contiguous(), fused=step % 2 == 1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    idx = torch.zeros((1, 1), dtype=torch.long)
    with torch.no_grad():
        for _ in range(6):
            logits = model(idx[:, -block:])[:, -1, :] / 0.8
            v, _ = torch.topk(logits, 3)
            logits[logits < v[:, [-1]]] = -float("Inf")
            _, best = torch.topk(F.softmax(logits, dim=-1), k=1, dim=-1)
            idx = torch.cat((idx, best), dim=1)
    return [*losses, *idx[0].tolist()]


def rotary(torch):
    """Rotary embeddings in the manner of complex numbers and of halves, with repeated heads."""
    q = numbers(torch, 2, 5, 4, 6).requires_grad_()
    freqs = 1.0 / (100.0 ** (torch.arange(0, 6, 2)[:3].float() / 6))
    angles = torch.outer(torch.arange(5), freqs).float()
    turns = torch.polar(torch.ones_like(angles), angles)
    q_ = torch.view_as_complex(q.float().reshape(*q.shape[:-1], -1, 2))
    out = torch.view_as_real(q_ * turns[None, :, None, :]).flatten(3).type_as(q)
    real, imag = q.reshape(q.shape[:-1] + (-1, 2)).unbind(-1)
    cos, sin = (f(angles).view(1, 5, 1, 3) for f in (torch.cos, torch.sin))
    pair = torch.stack([real * cos - imag * sin, real * sin + imag * cos], dim=-1).flatten(3)
    kv = q[:, :, :2, None, :].expand(2, 5, 2, 2, 6).reshape(2, 5, 4, 6)
    ((out * kv).sum() + (pair * out).pow(2).mean()).backward()
    return [*out.detach().flatten().tolist()[:20], *q.grad.flatten().tolist()[:40]]


def vae(torch):
    nn, F = torch.nn, torch.nn.functional

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(20, 12), nn.Linear(12, 3), nn.Linear(12, 3)
            self.fc3, self.fc4 = nn.Linear(3, 12), nn.Linear(12, 20)

        def forward(self, x, eps):
            h = F.relu(self.fc1(x.view(-1, 20)))
            mu, logvar = self.fc21(h), self.fc22(h)
            z = mu + eps * torch.exp(0.5 * logvar)
            return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar

    model = fill(torch, VAE())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, eps = numbers(torch, 16, 4, 5).sigmoid(), numbers(torch, 16, 3, seed=5)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        recon, mu, logvar = model(x, eps)
        bce = F.binary_cross_entropy(recon, x.view(-1, 20), reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        (bce + kld).backward()
        optimizer.step()
        losses.append((bce + kld).item())
    return losses


def gradient_penalty(torch):
    """A critic whose gradient is trained to norm 1: second order through autograd.grad."""
    critic = fill(
        torch,
        torch.nn.Sequential(
            torch.nn.Linear(6, 12), torch.nn.LeakyReLU(0.2, inplace=True), torch.nn.Linear(12, 1)
        ),
    )
    optimizer = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
    real, fake, alpha = (
        numbers(torch, 8, 6),
        numbers(torch, 8, 6, seed=1),
        numbers(torch, 8, 1).sigmoid(),
    )
    losses = []
    for _ in range(8):
        mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
        score = critic(mixed)
        (gradients,) = torch.autograd.grad(
            outputs=score,
            inputs=mixed,
            grad_outputs=torch.ones_like(score),
            create_graph=True,
            retain_graph=True,
        )
        penalty = ((gradients.view(8, -1).norm(2, dim=1) - 1) ** 2).mean()
        loss = -torch.mean(critic(real)) + torch.mean(critic(fake)) + 10 * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def residual_network(torch):
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, inside, outside, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False)
            self.bn1, self.bn2 = nn.BatchNorm2d(outside), nn.BatchNorm2d(outside)
            self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
            self.shortcut = nn.Sequential()
            if stride != 1 or inside != outside:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inside, outside, 1, stride=stride, bias=False),
                    nn.BatchNorm2d(outside),
                )

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.shortcut(x)
            return F.relu(out)

    class UNetHead(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Sequential(Block(3, 4, 1), nn.MaxPool2d(2), Block(4, 8, 1))
            self.up = nn.ConvTranspose2d(8, 4, kernel_size=2, stride=2)
            self.out = nn.Conv2d(7, 2, kernel_size=1)

        def forward(self, x):
            up = self.up(self.down(x))
            dy, dx = x.size()[2] - up.size()[2], x.size()[3] - up.size()[3]
            up = F.pad(up, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            return self.out(torch.cat([x, up], dim=1))

    model = fill(torch, UNetHead(), 0.2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    x = numbers(torch, 2, 3, 9, 7)
    y = (numbers(torch, 2, 9, 7) > 0).long()
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        scores = model(x)
        loss = F.cross_entropy(scores, y)
        masks = F.one_hot(y, 2).permute(0, 3, 1, 2).float()
        probs = F.softmax(scores, dim=1).float()
        inter = 2 * (probs * masks).sum(dim=(-1, -2))
        sets = probs.sum(dim=(-1, -2)) + masks.sum(dim=(-1, -2))
        sets = torch.where(sets == 0, inter, sets)
        loss = loss + 1 - ((inter + 1e-6) / (sets + 1e-6)).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        losses.append(model(x).abs().sum().item())
    return losses


def graph_attention(torch):
    """Edges by gather, scatter and masks, in the manner of message passing."""
    F = torch.nn.functional
    h, a = numbers(torch, 6, 4).requires_grad_(), numbers(torch, 8, 1, seed=2)
    source = torch.tensor([0, 1, 2, 3, 4, 5, 0, 2])
    target = torch.tensor([1, 2, 3, 4, 5, 0, 3, 5])
    edges = torch.cat([h[source], h.index_select(0, target)], dim=1)
    e = F.leaky_relu(edges @ a, 0.2).squeeze(1)
    top = torch.full((6,), -1e9).scatter_reduce(0, target, e, reduce="amax", include_self=False)
    w = torch.exp(e - top[target])
    total = torch.zeros(6).scatter_add(0, target, w)
    w = w / (total[target] + 1e-9)
    out = torch.zeros(6, 4).index_add(0, target, w.unsqueeze(-1) * h[source])
    adjacency = torch.zeros(6, 6)
    adjacency[source, target] = 1.0
    dense = torch.where(adjacency > 0, h @ h.T, torch.tensor(-9e15))
    out = F.elu(out) + F.softmax(dense, dim=1).mm(h)
    out.pow(2).sum().backward()
    return [*out.detach().flatten().tolist(), *h.grad.flatten().tolist()]


def policy_gradient(torch):
    """Discounted returns, log-probabilities of actions taken, entropy."""
    nn, F = torch.nn, torch.nn.functional
    model = fill(torch, nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    states, rewards = numbers(torch, 12, 4), numbers(torch, 12)
    actions = (numbers(torch, 12, seed=3) * 50).long() % 3
    losses = []
    for _ in range(6):
        returns, R = [], 0.0
        for r in rewards.tolist()[::-1]:
            R = r + 0.99 * R
            returns.insert(0, R)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + np.finfo(np.float32).eps.item())
        logp = F.log_softmax(model(states), dim=-1)
        chosen = logp.gather(1, actions.unsqueeze(1)).squeeze(1)
        entropy = -(logp.exp() * logp).sum(-1).mean()
        loss = torch.stack([-lp * r for lp, r in zip(chosen, returns)]).sum() - 0.01 * entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def vision_transformer(torch):
    """Patches by reshape and permute, by unfold and by convolution; a class token; pooling."""
    F = torch.nn.functional
    images = numbers(torch, 2, 3, 8, 8).requires_grad_()
    patches = images.view(2, 3, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(2, 4, 48)
    same = F.unfold(images, 4, stride=4).transpose(1, 2)
    windows = (
        images.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
    )
    token = numbers(torch, 1, 1, 48).expand(2, -1, -1)
    x = torch.cat((token, patches), dim=1)
    x = F.layer_norm(x, (48,))
    q, k, v = x.chunk(3, dim=-1)
    att = torch.einsum("bid,bjd->bij", q, k).mul(16**-0.5).softmax(-1)
    out = torch.einsum("bij,bjd->bid", att, v)[:, 0]
    (
        out.sum() + (same * windows).mean() + torch.nn.functional.normalize(same, dim=-1).std()
    ).backward()
    return [*out.detach().flatten().tolist(), *images.grad.flatten().tolist()[:60]]


PROGRAMS = [
    net_by_hand, polynomial, bigrams, character_mlp, tiny_gpt, rotary, vae, gradient_penalty,
    residual_network, graph_attention, policy_gradient, vision_transformer,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_program_gives_the_same_numbers(program):
    torch.set_num_threads(1)
    got, want = np.array(program(naivegrad)), np.array(program(torch))
    np.testing.assert_allclose(got, want, rtol=2e-3, atol=2e-4 * np.abs(want).max())
