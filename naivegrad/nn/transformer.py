"""Transformers: encoder and decoder, their layers, and the two together."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from naivegrad.nn import functional as F
from naivegrad.nn import init
from naivegrad.nn.container import ModuleList
from naivegrad.nn.dropout import Dropout
from naivegrad.nn.linear import Linear
from naivegrad.nn.module import Module
from naivegrad.nn.multi_head_attention import MultiheadAttention
from naivegrad.nn.norm import LayerNorm
from naivegrad.ops import full
from naivegrad.tensor import Tensor

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


class TransformerEncoderLayer(Module):
    """Attention of a sequence to itself, then two linear layers, each added to what came in.

        x = norm1(x + attention(x)),    y = norm2(x + linear2(activation(linear1(x))))

    or, with norm_first, x = x + attention(norm1(x)),    y = x + linear2(...(norm2(x))).

    Parameters
    ----------
    d_model : features of a position, E
    nhead : heads of the attention, which divide d_model
    dim_feedforward : features between linear1 and linear2
    dropout : probability, of the attention's weights, behind the activation and behind both parts
    activation : "relu", "gelu", or any function or module
    layer_norm_eps : of the norms
    batch_first : tensors are (N, L, E) instead of (L, N, E)
    norm_first : norms come before the parts, not after them
    bias : let linear layers, attention and norms have a bias

    Shapes: (L, N, E) or (L, E) -> the same. In forward src_mask is (L, L) or (N nhead, L, L), and
    src_key_padding_mask (N, L): True hides, floats are added to the scores. is_causal says that
    src_mask hides all later positions.

    Examples
    --------
    >>> import naivegrad as ng
    >>> layer = ng.nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(ng.randn(3, 5, 8)).shape
    (3, 5, 8)

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need". Xiong et al. 2020, "On layer normalization in
    the transformer architecture", of norm_first.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, batch_first=batch_first, **options
        )
        self.linear1 = Linear(d_model, dim_feedforward, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **options)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **options)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        x, masks = src, (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *masks)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, *masks))
        return self.norm2(x + self._ff_block(x))

    def _sa_block(
        self,
        x: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        y, _ = self.self_attn(
            x, x, x, key_padding_mask, False, attn_mask=attn_mask, is_causal=is_causal
        )
        return self.dropout1(y)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """Attention of a sequence to itself, attention to an encoder's result, and two linear layers.

        x = norm1(x + attention(x)),    x = norm2(x + attention(x, memory)),
        y = norm3(x + linear2(activation(linear1(x))))

    or, with norm_first, the norms before the parts. Parameters as `TransformerEncoderLayer`'s.

    Shapes: tgt (L, N, E), memory (S, N, E) -> (L, N, E); without N for single sequences. In forward
    tgt_mask is (L, L), memory_mask (L, S), or with N nhead in front; tgt_key_padding_mask (N, L),
    memory_key_padding_mask (N, S). The two is_causal say that a mask hides all later positions.

    Examples
    --------
    >>> import naivegrad as ng
    >>> layer = ng.nn.TransformerDecoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(ng.randn(3, 5, 8), memory=ng.randn(3, 7, 8)).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, batch_first=batch_first, **options
        )
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, batch_first=batch_first, **options
        )
        self.linear1 = Linear(d_model, dim_feedforward, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **options)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **options)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, **options)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        x, own = tgt, (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, *other))
        return self.norm3(x + self._ff_block(x))

    _sa_block = TransformerEncoderLayer._sa_block

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        y, _ = self.multihead_attn(
            x, mem, mem, key_padding_mask, False, attn_mask=attn_mask, is_causal=is_causal
        )
        return self.dropout2(y)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """A stack of encoder layers: num_layers copies of one, then a norm, if given.

    enable_nested_tensor and mask_check, which say how PyTorch skips padding at evaluation, change
    nothing. In forward, is_causal=None looks whether the mask is that of
    `Transformer.generate_square_subsequent_mask`.
    """

    norm: Module | None

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        causal = _is_causal(mask) if is_causal is None else is_causal
        y = src
        for layer in self.layers:
            y = layer(y, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return y if self.norm is None else self.norm(y)


class TransformerDecoder(Module):
    """A stack of decoder layers: num_layers copies of one, then a norm, if given.

    In forward, tgt_is_causal=None looks whether tgt_mask is that of
    `Transformer.generate_square_subsequent_mask`.
    """

    norm: Module | None

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        y = tgt
        options = {
            "tgt_mask": tgt_mask,
            "memory_mask": memory_mask,
            "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask,
            "tgt_is_causal": _is_causal(tgt_mask) if tgt_is_causal is None else tgt_is_causal,
            "memory_is_causal": memory_is_causal,
        }
        for layer in self.layers:
            y = layer(y, memory, **options)
        return y if self.norm is None else self.norm(y)


class Transformer(Module):
    """Encoder and decoder: a sequence in, and what follows the sequence put out so far.

    Matrices start as `init.xavier_uniform_`. custom_encoder and custom_decoder take the place of
    the stacks made here; the other parameters are as `TransformerEncoderLayer`'s.

    Shapes: src (S, N, E), tgt (L, N, E) -> (L, N, E); (N, S, E) and (N, L, E) with batch_first;
    without N for single sequences.

    Examples
    --------
    >>> import naivegrad as ng
    >>> model = ng.nn.Transformer(d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1)
    >>> causal = model.generate_square_subsequent_mask(5)
    >>> model(ng.randn(7, 3, 8), ng.randn(5, 3, 8), tgt_mask=causal).shape
    (5, 3, 8)

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need".
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        sizes = (d_model, nhead, dim_feedforward, dropout, activation)
        options = (layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)

        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*sizes, *options, **where)
            custom_encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm())
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*sizes, *options, **where)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm())
        self.encoder = custom_encoder
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        """Draw new matrices."""
        for param in self.parameters():
            if param.ndim > 1:
                init.xavier_uniform_(param)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        told = f"src {tuple(src.shape)}, tgt {tuple(tgt.shape)}"
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and (tgt.ndim != 3 or src.shape[batch] != tgt.shape[batch]):
            raise ValueError(f"Transformer: src and tgt must have one batch size N, got {told}")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ValueError(
                f"Transformer: src and tgt must have d_model={self.d_model} features, got {told}"
            )
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """(sz, sz): -inf above the diagonal, where a position would look at a later one, else 0."""
        return full((sz, sz), -np.inf, device=device, dtype=dtype).triu(1)


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _activation(activation: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise ValueError(f'Transformer: activation must be "relu" or "gelu", got {activation!r}')
    return F.relu if activation == "relu" else F.gelu


def _is_causal(mask: Tensor | None) -> bool:
    """Whether a mask is that of `Transformer.generate_square_subsequent_mask`."""
    if mask is None or mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        return False
    causal = Transformer.generate_square_subsequent_mask(mask.shape[0], mask.device, mask.dtype)
    return bool((mask == causal).all())
