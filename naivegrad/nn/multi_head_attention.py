"""Multi-head attention as a module."""

from __future__ import annotations

from typing import Any

from naivegrad.nn import functional as F
from naivegrad.nn import init
from naivegrad.nn.linear import NonDynamicallyQuantizableLinear
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import empty
from naivegrad.tensor import Tensor

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Each of several heads looks for what its queries match: `multi_head_attention_forward`.

        head_i = softmax(Q_i K_i^T / sqrt(D)) V_i,    y = [head_1 ... head_H] Wo^T + bo

    with Q_i = query Wq_i^T + bq_i, and K_i, V_i in the same way. in_proj_weight (3 E, E) holds Wq,
    Wk and Wv; with a kdim or vdim of another size these are q_proj_weight, k_proj_weight and
    v_proj_weight. The weights start as `init.xavier_uniform_`, the biases at 0.

    Parameters
    ----------
    embed_dim : E, the features of query and result
    num_heads : H, which divides E: each head has D = E / H features
    dropout : probability to drop a weight of the attention, in training
    bias : add a bias to the projections
    add_bias_kv : learn one more key and value, bias_k and bias_v (1, 1, E)
    add_zero_attn : one more key and value of zeros
    kdim, vdim : the features of key and value; by default E
    batch_first : tensors are (N, L, E) instead of (L, N, E)

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> (L, N, E) and, with
    need_weights, the weights (N, L, S), or (N, H, L, S) with average_attn_weights=False. All
    without N for a single sequence.

    Notes
    -----
    need_weights=False is much faster: the weights are then never in memory.

    Examples
    --------
    >>> import naivegrad as ng
    >>> attention = ng.nn.MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = ng.randn(3, 5, 8)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2.
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: embed_dim={embed_dim} must be a positive multiple of "
                f"num_heads={num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn

        def parameter(wanted: bool, *shape: int) -> Parameter | None:
            return Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None

        same = self._qkv_same_embed_dim
        shapes = {
            "q_proj_weight": (not same, embed_dim, embed_dim),
            "k_proj_weight": (not same, embed_dim, self.kdim),
            "v_proj_weight": (not same, embed_dim, self.vdim),
            "in_proj_weight": (same, 3 * embed_dim, embed_dim),
            "in_proj_bias": (bias, 3 * embed_dim),
            "bias_k": (add_bias_kv, 1, 1, embed_dim),
            "bias_v": (add_bias_kv, 1, 1, embed_dim),
        }
        for name, (wanted, *shape) in shapes.items():
            self.register_parameter(name, parameter(bool(wanted), *shape))
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw new weights."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        return F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
        )
