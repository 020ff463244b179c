"""Recurrent layers, whole sequences at once, and cells, one step at a time."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from naivegrad.nn import init
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.nn.utils.rnn import PackedSequence
from naivegrad.ops import empty, gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from naivegrad.ops._args import require_tensor
from naivegrad.ops.rnn_layers import recurrent_layers
from naivegrad.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


class RNNBase(Module):
    """What RNN, LSTM and GRU share.

    Layer k has weight_ih_l{k} (G, I), weight_hh_l{k} (G, S), bias_ih_l{k} and bias_hh_l{k} (G,),
    weight_hr_l{k} (S, D), and the same with the ending _reverse for the second direction; D =
    hidden_size, S = proj_size or D, G = D for each gate. All start uniform within 1/sqrt(D) of 0.

    Parameters
    ----------
    mode : "RNN_TANH", "RNN_RELU", "LSTM" or "GRU"
    input_size, hidden_size : int
    num_layers : int        each layer takes the states of the one below
    bias : bool
    batch_first : bool      input and output are (N, L, ...); the states never
    dropout : float         what part of the states is dropped between layers in training
    bidirectional : bool    a second direction goes through the sequence from its end
    proj_size : int         LSTM: the hidden state is projected to so many features
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options()
        self.dropout = float(dropout)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for ending in ("", "_reverse")[: self._directions]:
                self._add_direction(layer, ending, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _check_options(self) -> None:
        who = type(self).__name__
        if self.mode not in GATES:
            raise ValueError(f"{who}: mode must be one of {', '.join(GATES)}, got {self.mode!r}")
        for name in ("bias", "batch_first"):
            if not isinstance(value := getattr(self, name), bool):
                raise TypeError(f"{who}: {name} must be a bool, got {value!r}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if not isinstance(value := getattr(self, name), int):
                raise TypeError(f"{who}: {name} must be an integer, got {value!r}")
            if value <= 0:
                raise ValueError(f"{who}: {name} must be positive, got {value}")
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(
                f"{who}: proj_size must be 0 or less than hidden_size={self.hidden_size}, "
                f"got {self.proj_size}"
            )
        p: Any = self.dropout
        if isinstance(p, bool) or not isinstance(p, numbers.Number) or not 0 <= p <= 1:
            raise ValueError(f"{who}: dropout must be a number in [0, 1], got {p!r}")
        if p > 0 and self.num_layers == 1:
            warnings.warn(
                f"{who}: dropout={p} acts between layers, and there is only one", stacklevel=4
            )

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _state_size(self) -> int:
        """S, the features of the hidden state."""
        return self.proj_size or self.hidden_size

    def _add_direction(self, layer: int, ending: str, options: dict[str, Any]) -> None:
        rows, state = GATES[self.mode] * self.hidden_size, self._state_size
        shapes = {
            "weight_ih": (rows, state * self._directions if layer else self.input_size),
            "weight_hh": (rows, state),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (state, self.hidden_size)
        names = {name: f"{name}_l{layer}{ending}" for name in shapes}
        for name, shape in shapes.items():
            self.register_parameter(names[name], Parameter(empty(shape, **options)))
        self._all_weights.append(list(names.values()))

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each direction of each layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def _weights(self) -> list[list[list[Tensor | None]]]:
        """All weights, by layer and direction, as `recurrent_layers` takes them."""
        has = {"bias_ih": self.bias, "bias_hh": self.bias, "weight_hr": self.proj_size > 0}
        endings = ("", "_reverse")[: self._directions]
        return [
            [
                [getattr(self, f"{n}_l{k}{e}") if has.get(n, True) else None for n in NAMES]
                for e in endings
            ]
            for k in range(self.num_layers)
        ]

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: the weights need not lie in one piece of memory."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            self._check_input(data, (2,), "a packed sequence's data (rows, I)")
            sizes = self._sizes(batch_sizes, len(data))
            states = self._first_states(hx, data, sizes[0], order, True)
            out, states = self._run(data, sizes, states)
            packed = PackedSequence(out, batch_sizes, order, back)
            return packed, self._result(s if back is None else s[:, back] for s in states)
        self._check_input(input, (2, 3), "(L, I), (N, L, I) or (L, N, I)")
        batched = input.ndim == 3
        x = input if batched else input.unsqueeze(1)
        x = x.transpose(0, 1) if batched and self.batch_first else x
        length, batch, _ = x.shape
        if not length:
            raise ValueError(
                f"{type(self).__name__}: expected a sequence of at least one step, got an input of "
                f"{tuple(input.shape)}"
            )
        states = self._first_states(hx, x, batch, None, batched)
        out, states = self._run(
            x.reshape(length * batch, self.input_size), (batch,) * length, states
        )
        out = out.reshape(length, batch, out.shape[1])
        if not batched:
            return out.squeeze(1), self._result(s.squeeze(1) for s in states)
        return out.transpose(0, 1) if self.batch_first else out, self._result(states)

    def _sizes(self, batch_sizes: Tensor, rows: int) -> tuple[int, ...]:
        sizes = tuple(batch_sizes.tolist())
        falling = sizes == tuple(sorted(sizes, reverse=True)) and min(sizes, default=0) > 0
        if not falling or sum(sizes) != rows:
            raise ValueError(
                f"{type(self).__name__}: expected batch_sizes that do not rise and add up to the "
                f"{rows} rows of data, got {sizes}"
            )
        return sizes

    def _run(self, data: Tensor, sizes: tuple[int, ...], states: list[Tensor]) -> Any:
        h, c = (*states, None)[:2]
        out, h, c = recurrent_layers(
            self.mode, data, sizes, h, c, self._weights(), self.dropout, self.training
        )
        return out, [h] if c is None else [h, c]

    def _result(self, states: Any) -> Any:
        """The last states, as hx is given."""
        states = tuple(states)
        return states if self.mode == "LSTM" else states[0]

    def _check_input(self, x: Any, dims: tuple[int, ...], wanted: str) -> None:
        who = type(self).__name__
        if require_tensor(x, who).ndim not in dims:
            raise ValueError(f"{who}: expected {wanted}, got {tuple(x.shape)}")
        if x.shape[-1] != self.input_size:
            raise ValueError(
                f"{who}: input must have input_size={self.input_size} features, got "
                f"{tuple(x.shape)}"
            )
        weight = getattr(self, self._all_weights[0][0])
        if x.dtype != weight.dtype:
            raise TypeError(f"{who}: input is of {x.dtype}, but the weights are of {weight.dtype}")

    def _first_states(
        self, hx: Any, x: Tensor, batch: int, order: Tensor | None, batched: bool
    ) -> list[Tensor]:
        """h, and c of an LSTM, (layers * directions, N, features), the sequences in `order`."""
        lead = self.num_layers * self._directions
        sizes = [self._state_size, *([self.hidden_size] if self.mode == "LSTM" else [])]
        if hx is None:
            return [x.new_zeros((lead, batch, n)) for n in sizes]
        who = type(self).__name__
        given = _states(who, hx, len(sizes))
        states = []
        for name, state, n in zip(("h_0", "c_0"), given, sizes, strict=False):
            shape = (lead, batch, n) if batched else (lead, n)
            if tuple(state.shape) != shape:
                raise ValueError(f"{who}: {name} must be {shape}, got {tuple(state.shape)}")
            if state.dtype != x.dtype:
                raise TypeError(f"{who}: {name} must be of {x.dtype}, as input, got {state.dtype}")
            state = state if batched else state.unsqueeze(1)
            states.append(state if order is None else state.index_select(1, order))
        return states

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, usual in defaults.items():
            if (value := getattr(self, name)) != usual:
                text += f", {name}={value}"
        return text


def _states(who: str, hx: Any, count: int) -> tuple[Tensor, ...]:
    """hx, one tensor or a pair, as so many tensors."""
    given = (hx,) if count == 1 else hx
    if not isinstance(given, tuple | list) or len(given) != count:
        many = f"{len(given)} of them" if isinstance(given, tuple | list) else type(hx).__name__
        raise TypeError(f"{who}: hx must be two tensors, (h_0, c_0), got {many}")
    return tuple(require_tensor(state, who, "hx") for state in given)


class RNN(RNNBase):
    """A plain recurrent network: h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh).

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers, bias, batch_first, dropout, bidirectional : as for `RNNBase`
    nonlinearity : "tanh" or "relu"

    Shapes: input (L, N, I), (N, L, I) if batch_first, (L, I) for one sequence, or a
    `PackedSequence`; h_0 (layers * directions, N, D), zeros if left out
    -> output (L, N, directions * D), the states of the last layer; h_n as h_0, the last of all

    References
    ----------
    Elman 1990, "Finding structure in time".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device=device, dtype=dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: c_t = f c_{t-1} + i g,  h_t = o tanh(c_t), gates as in `lstm_cell`.

    With proj_size, h_t = W_hr (o tanh(c_t)), of S = proj_size features; otherwise S = D.

    Parameters
    ----------
    as for `RNNBase`, without the mode

    Shapes: input (L, N, I), (N, L, I) if batch_first, (L, I) for one sequence, or a
    `PackedSequence`; (h_0, c_0), (layers * directions, N, S) and (layers * directions, N, D), zeros
    if left out
    -> output (L, N, directions * S), the states of the last layer; (h_n, c_n), the last of all

    Examples
    --------
    >>> import naivegrad as ng
    >>> lstm = ng.nn.LSTM(4, 8, num_layers=2)
    >>> output, (h, c) = lstm(ng.zeros(5, 3, 4))
    >>> output.shape, h.shape
    ((5, 3, 8), (2, 3, 8))

    References
    ----------
    Hochreiter & Schmidhuber 1997, "Long short-term memory". Sak, Senior & Beaufays 2014, "Long
    short-term memory based recurrent neural network architectures ..." (projection).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            proj_size, device, dtype,
        )  # fmt: skip


class GRU(RNNBase):
    """Gated recurrent units: h_t = (1 - z) m + z h_{t-1}, gates as in `gru_cell`.

    Parameters
    ----------
    as for `RNNBase`, without mode and proj_size

    Shapes: as for `RNN`

    References
    ----------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder ...".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device=device, dtype=dtype,
        )  # fmt: skip


class RNNCellBase(Module):
    """What the cells share: weight_ih (G, I), weight_hh (G, D), bias_ih and bias_hh (G,).

    G = num_chunks * D. All start uniform within 1/sqrt(hidden_size) of 0.
    """

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            vector = Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, vector)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _step(self, function: Any, input: Tensor, hx: Any, states: int) -> Any:
        """function on a batch, which may be one sample without the axis of the batch."""
        who = type(self).__name__
        if require_tensor(input, who).ndim not in (1, 2):
            raise ValueError(f"{who}: input must be (N, I) or (I,), got {tuple(input.shape)}")
        x = input if input.ndim == 2 else input.unsqueeze(0)
        if hx is None:
            hx = (x.new_zeros((len(x), self.hidden_size)),) * states
        else:
            hx = _states(who, hx, states)
            hx = tuple(h if input.ndim == 2 else h.unsqueeze(0) for h in hx)
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        result = function(x, hx if states > 1 else hx[0], *weights)
        if input.ndim == 2:
            return result
        return tuple(h.squeeze(0) for h in result) if states > 1 else result.squeeze(0)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias else f", bias={self.bias}"
        kind = getattr(self, "nonlinearity", "tanh")
        return text + ("" if kind == "tanh" else f", nonlinearity={kind}")


class RNNCell(RNNCellBase):
    """One step of a plain recurrent network, `rnn_tanh_cell` or `rnn_relu_cell`.

    Shapes: input (N, I), hx (N, D), zeros if left out -> (N, D); or all without N
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}"
            )
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        function = rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell
        return self._step(function, input, hx, 1)


class LSTMCell(RNNCellBase):
    """One step of an LSTM, `lstm_cell`.

    Shapes: input (N, I), (h, c), (N, D) both, zeros if left out -> (h', c'); or all without N
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        return self._step(lstm_cell, input, hx, 2)


class GRUCell(RNNCellBase):
    """One step of gated recurrent units, `gru_cell`.

    Shapes: input (N, I), hx (N, D), zeros if left out -> (N, D); or all without N
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(gru_cell, input, hx, 1)
