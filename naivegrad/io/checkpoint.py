"""Checkpoints: nested state in one safetensors file, which any safetensors reader can open.

Tensors and arrays are stored under their path in the tree ("model.fc1.weight"); the tree itself is
JSON in the metadata, with a tagged object wherever JSON has no word of its own:

    {"$tensor": name}           a Tensor
    {"$array": name}            an ndarray
    {"$float": "nan"}           nan, inf, -inf
    {"$tuple": [...]}           a tuple
    {"$dict": [[key, value]]}   a dict with other keys than text

Reading builds dicts, lists, numbers, text and arrays, and can build nothing else: no code of the
file is run, no class of the file is looked up.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from naivegrad.io.safetensors import DamagedFileError, load_arrays, read_arrays, save_arrays
from naivegrad.ops import from_numpy
from naivegrad.tensor import Tensor

KEY = "naivegrad.state"  # the entry of the metadata that holds the tree
TAGS = ("$tensor", "$array", "$tuple", "$dict", "$float")


def save_checkpoint(path: str | os.PathLike[str], state: Any) -> None:
    """Write nested state to one file, all or nothing.

    Parameters
    ----------
    path : path
        The file to make or to replace. If writing fails at any point, what was there stays.
    state : nested dicts, lists and tuples
        Of tensors, NumPy arrays, numbers, text, booleans and None; what `state_dict()` of modules,
        optimizers and loaders gives. Keys may be text, int, float, bool, None or tuples of these.

    Raises
    ------
    TypeError
        If something else is in it: the message says where.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/a.safetensors", {"epoch": 3, "lr": [0.1, float("inf")]})
    ...     load_checkpoint(f"{folder}/a.safetensors")
    {'epoch': 3, 'lr': [0.1, inf]}
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        encoded = _encode(state, "", arrays)
    except RecursionError:
        raise ValueError("save_checkpoint: the values are nested too deeply") from None
    tree = json.dumps(encoded, separators=(",", ":"), allow_nan=False)
    save_arrays(arrays, path, {KEY: tree})


def load_checkpoint(path: str | os.PathLike[str], device: Any = None) -> Any:
    """Read what `save_checkpoint` wrote: the same structure, the same bits.

    Parameters
    ----------
    path : path
        The file.
    device : device, optional
        Where the tensors go; the CPU by default.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFileError
        If the file is damaged or is no checkpoint of ours. The message names it.
    """
    path = Path(path)
    arrays, metadata = load_arrays(path)
    if KEY not in metadata:
        raise DamagedFileError(f"{path}: a safetensors file, but not a checkpoint of naivegrad")
    return _state(arrays, metadata, path, device)


def read_state(file: IO[bytes], path: Any, device: Any = None) -> Any:
    """The state in an open safetensors file; of one that is not ours, its tensors by name."""
    arrays, metadata = read_arrays(file, path)
    if KEY not in metadata:
        return {name: to_tensor(array, device) for name, array in arrays.items()}
    return _state(arrays, metadata, path, device)


def _state(arrays: dict[str, np.ndarray], metadata: dict[str, str], path: Any, device: Any) -> Any:
    try:
        return _decode(json.loads(metadata[KEY]), arrays, device)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedFileError(f"{path}: the state cannot be read: {error}") from None


def save_file(
    tensors: Mapping[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named tensors as a plain safetensors file, as `safetensors.torch.save_file` does."""
    save_arrays({name: to_array(tensor) for name, tensor in tensors.items()}, filename, metadata)


def load_file(filename: str | os.PathLike[str], device: Any = None) -> dict[str, Tensor]:
    """Read a plain safetensors file as tensors, as `safetensors.torch.load_file` does."""
    arrays, _ = load_arrays(filename)
    return {name: to_tensor(array, device) for name, array in arrays.items()}


def to_array(tensor: Tensor) -> np.ndarray:
    """The values of a tensor on any device, as a NumPy array."""
    return tensor.detach().cpu().numpy()


def to_tensor(array: np.ndarray, device: Any = None) -> Tensor:
    """A tensor of these values on `device`."""
    tensor = from_numpy(array)
    return tensor if device is None else tensor.to(device)


def _encode(value: Any, place: str, arrays: dict[str, np.ndarray]) -> Any:
    """`value` as JSON; its arrays go to `arrays` under their path."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, Tensor | np.ndarray):
        name = place or "value"
        while name in arrays:  # {"a": {"b": x}, "a.b": y}
            name += "'"
        arrays[name] = to_array(value) if isinstance(value, Tensor) else value
        return {"$tensor" if isinstance(value, Tensor) else "$array": name}
    if isinstance(value, list | tuple):
        items = [_encode(item, _join(place, i), arrays) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, Mapping):
        plain = all(isinstance(key, str) and key not in TAGS for key in value)
        items = [(key, _encode(item, _join(place, key), arrays)) for key, item in value.items()]
        return dict(items) if plain else {"$dict": [[_key(k, place), v] for k, v in items]}
    raise TypeError(
        f"save_checkpoint: {place or 'the state'} is a {type(value).__name__}; only tensors, "
        "arrays, numbers, text, None, and dicts, lists and tuples of them can be saved"
    )


def _key(key: Any, place: str) -> Any:
    if key is None or isinstance(key, bool | str | int | float | tuple):
        return _encode(key, place, {})
    raise TypeError(f"save_checkpoint: {place or 'the state'} has the key {key!r}, which has no "
                    "place in a file")  # fmt: skip


def _join(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _decode(value: Any, arrays: dict[str, np.ndarray], device: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays, device) for item in value]
    if not isinstance(value, dict):
        return value
    content: Any
    tag, content = next(iter(value.items()), ("", None))
    if len(value) != 1 or tag not in TAGS:
        return {key: _decode(item, arrays, device) for key, item in value.items()}
    if tag == "$float":
        return float(content)
    if tag == "$tensor":
        return to_tensor(arrays[content], device)
    if tag == "$array":
        return arrays[content]
    if tag == "$tuple":
        return tuple(_decode(content, arrays, device))
    return {_decode(k, arrays, device): _decode(v, arrays, device) for k, v in content}
