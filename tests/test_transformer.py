"""Attention and transformers as modules: what they promise beyond PyTorch's numbers."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn


def randn(*shape):
    return ng.tensor(np.random.default_rng(0).standard_normal(shape))


def attention(*args, **options):
    ng.manual_seed(0)
    return nn.MultiheadAttention(*args, dtype=ng.float64, **options)


def test_heads_attend_alone():
    """Each head is softmax(q k^T / sqrt(D)) v of its own features: a loop in NumPy says so."""
    layer = attention(6, 3, batch_first=True)
    x, memory = randn(2, 4, 6), randn(2, 5, 6)
    y, weights = layer(x, memory, memory, average_attn_weights=False)
    wq, wk, wv = layer.in_proj_weight.detach().numpy().reshape(3, 3, 2, 6)
    for n in range(2):
        joined = []
        for h in range(3):
            q, k, v = (a.numpy()[n] @ w[h].T for a, w in zip((x, memory, memory), (wq, wk, wv)))
            p = np.exp(q @ k.T / np.sqrt(2))
            p /= p.sum(-1, keepdims=True)
            np.testing.assert_allclose(weights[n, h].detach().numpy(), p)
            joined.append(p @ v)
        expected = np.concatenate(joined, -1) @ layer.out_proj.weight.detach().numpy().T
        np.testing.assert_allclose(y[n].detach().numpy(), expected)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("extra", [{}, {"add_bias_kv": True, "add_zero_attn": True}])
def test_a_causal_hint_changes_nothing(need_weights, extra):
    """Nor does it hide the keys that were added, which come last."""
    layer, x = attention(6, 2, **extra), randn(5, 2, 6)
    mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=ng.float64)
    options = {"attn_mask": mask, "need_weights": need_weights}
    plain, hinted = (layer(x, x, x, is_causal=hint, **options)[0] for hint in (False, True))
    np.testing.assert_allclose(plain.detach().numpy(), hinted.detach().numpy())


def test_one_tensor_or_three_copies():
    """Query, key and value that are one tensor take one product, to the same result."""
    layer, x = attention(6, 2), randn(5, 2, 6)
    wanted = layer(x, x.clone(), x.clone())[0].detach().numpy()
    key = x.clone()
    for given in ((x, x, x), (x, key, key), (x, key, x)):
        np.testing.assert_allclose(layer(*given)[0].detach().numpy(), wanted)


def test_hidden_keys_have_no_influence():
    layer, x = attention(4, 2, batch_first=True), randn(2, 3, 4)
    other = x.clone()
    other[1, 2] = 99.0
    hidden = ng.tensor([[False] * 3, [False, False, True]])
    for need_weights in (True, False):
        ys = [
            layer(q, kv, kv, key_padding_mask=hidden, need_weights=need_weights)[0]
            for q, kv in ((x, x), (x, other))
        ]
        np.testing.assert_array_equal(*(y.detach().numpy() for y in ys))


def test_no_position_sees_a_later_one():
    ng.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, dtype=ng.float64)
    encoder = nn.TransformerEncoder(layer, 2)
    mask = nn.Transformer.generate_square_subsequent_mask(6, dtype=ng.float64)
    x = randn(6, 1, 8).requires_grad_()
    encoder(x, mask)[3].sum().backward()
    seen = abs(x.grad).sum((1, 2))
    assert (seen[:4] > 0).all() and (seen[4:] == 0).all()


def test_causal_masks_are_recognised(monkeypatch):
    """So that the fast way without a mask is taken; other masks are left as they are."""
    seen = []
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0)
    encoder = nn.TransformerEncoder(layer, 1)
    monkeypatch.setattr(
        encoder.layers[0], "forward", lambda x, is_causal, **_: seen.append(is_causal) or x
    )
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    x = ng.randn(3, 1, 4)
    for mask in (causal, causal < 0, causal.T, ng.zeros(3, 3), ng.zeros(2, 3, 3), None):
        encoder(x, mask)
    encoder(x, causal.T, is_causal=True)
    assert seen == [True, True, False, False, False, False, True]


def test_layers_of_a_stack_are_copies():
    layer = nn.TransformerDecoderLayer(4, 2, 8, activation=nn.GELU())
    decoder = nn.TransformerDecoder(layer, 3, nn.LayerNorm(4))
    assert len(decoder.layers) == 3 and layer not in set(decoder.layers)
    assert len(list(decoder.parameters())) == 3 * len(list(layer.parameters())) + 2
    assert "layers.2.multihead_attn.in_proj_weight" in decoder.state_dict()


def test_parts_may_be_overridden():
    class Silent(nn.TransformerEncoderLayer):
        def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
            return 0 * x

    layer = Silent(4, 2, 8, 0.0, norm_first=True)
    nn.init.zeros_(layer.linear2.weight), nn.init.zeros_(layer.linear2.bias)
    x = ng.randn(3, 1, 4)
    np.testing.assert_array_equal(layer(x).detach().numpy(), x.numpy())


def test_custom_stacks():
    class Sum(nn.Module):
        def forward(self, tgt, memory, **options):
            assert set(options) >= {"tgt_mask", "memory_is_causal"}
            return tgt + memory

    class Double(nn.Module):
        def forward(self, src, mask, src_key_padding_mask, is_causal):
            return 2 * src

    model = nn.Transformer(4, 2, custom_encoder=Double(), custom_decoder=Sum())
    assert not list(model.parameters())
    assert model(ng.ones(3, 1, 4), ng.ones(3, 1, 4))[0, 0].tolist() == [3.0] * 4


def test_training_learns_to_copy():
    """Two layers learn to say what stood at the position before."""
    ng.manual_seed(0)
    n, length, symbols = 32, 6, 5
    embed, place = nn.Embedding(symbols, 16), nn.Parameter(ng.randn(length, 16))
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(16, 2, 32, 0.1, "gelu", batch_first=True, norm_first=True), 2
    )
    head = nn.Linear(16, symbols)
    params = [place, *embed.parameters(), *encoder.parameters(), *head.parameters()]
    optimizer = ng.optim.AdamW(params, lr=1e-2)
    mask = nn.Transformer.generate_square_subsequent_mask(length)
    losses = []
    for _ in range(60):
        x = ng.randint(0, symbols, (n, length))
        scores = head(encoder(embed(x) + place, mask))[:, 1:]
        loss = nn.functional.cross_entropy(scores.reshape(-1, symbols), x[:, :-1].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1.4 and np.mean(losses[-5:]) < 0.4


def test_dropout_is_for_training():
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.5)
    x = ng.randn(3, 2, 4)
    assert not ng.equal(layer(x), layer(x))
    layer.eval()
    assert ng.equal(layer(x), layer(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.MultiheadAttention(6, 4), "embed_dim=6 must be a positive multiple"),
        (lambda: nn.MultiheadAttention(0, 1), "embed_dim=0"),
        (lambda: attention(4, 2)(*[ng.ones(3, 1, 5)] * 3), r"E=4 features in query .*\(3, 1, 5\)"),
        (lambda: attention(4, 2)(ng.ones(3, 4), *[ng.ones(3, 1, 4)] * 2), r"\(L, N, E\)"),
        (lambda: attention(4, 2, kdim=3)(*[randn(3, 1, 4)] * 3), r"k_proj_weight must be \(4, 4\)"),
        (
            lambda: attention(4, 2)(*[randn(3, 1, 4)] * 3, attn_mask=ng.ones(2, 3)),
            r"attn_mask must be \(3, 3\) or \(2, 3, 3\), got \(2, 3\)",
        ),
        (
            lambda: attention(4, 2)(*[randn(3, 1, 4)] * 3, key_padding_mask=ng.ones(3, 1)),
            r"key_padding_mask must be \(1, 3\), got \(3, 1\)",
        ),
        (lambda: attention(4, 2)(*[randn(3, 1, 4)] * 3, is_causal=True), "is_causal is a hint"),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"), "got 'tanh'"),
        (lambda: nn.Transformer(4, 2)(ng.ones(3, 1, 4), ng.ones(3, 2, 4)), "one batch size"),
        (lambda: nn.Transformer(4, 2)(ng.ones(3, 1, 5), ng.ones(3, 1, 4)), "d_model=4"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
