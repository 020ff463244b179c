"""Random number generators: a seed, and how far its stream has been used.

The stream is counter-based (Philox4x32-10): block b of it is a fixed scrambling of the number b
under the seed. So the numbers do not depend on the device, the number of threads, or the order in
which an array is filled, and a generator is nothing but two integers.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

_WORD = 0xFFFFFFFF
_LONG = 0xFFFFFFFFFFFFFFFF


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10: four counter words scrambled under a key of two; all 32 bits.

    The same function as in kernels/random.pyx, to read and to test against.

    References
    ----------
    Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p = 0xD2511F53 * c0
        q = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & _WORD, (p >> 32) ^ c3 ^ k1, p & _WORD
        k0 = (k0 + 0x9E3779B9) & _WORD
        k1 = (k1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


class Generator:
    """A stream of random numbers.

    Parameters
    ----------
    device : ignored; the stream is the same on every device

    A new generator starts from a fixed seed, as PyTorch's: call `seed` for a different stream in
    each run. Several threads may draw from one generator: each gets numbers of its own.

    Examples
    --------
    >>> import naivegrad as ng
    >>> a, b = ng.Generator().manual_seed(7), ng.Generator().manual_seed(7)
    >>> bool((ng.rand(3, generator=a) == ng.rand(3, generator=b)).all())
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device
        self._lock = threading.Lock()
        self._seed = 67280421310721
        self._offset = 0

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of a seed (64 bits; negative ones wrap around) from its beginning."""
        if not isinstance(seed, int):
            try:
                seed = seed.__index__()
            except AttributeError:
                raise TypeError(f"manual_seed: an integer is needed, got {seed!r}") from None
        if not -(1 << 63) <= seed <= _LONG:
            raise ValueError(f"manual_seed: a seed has 64 bits, got {seed}")
        with self._lock:
            self._seed = seed & _LONG
            self._offset = 0
        return self

    def seed(self) -> int:
        """Start a stream that nobody can foresee; returns its seed."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed of the stream."""
        return self._seed

    def get_state(self) -> tuple[int, int]:
        """(seed, offset): with `set_state`, the numbers from here on come again."""
        with self._lock:
            return self._seed, self._offset

    def set_state(self, state: tuple[int, int]) -> Generator:
        """Go on from a state that `get_state` gave."""
        seed, offset = (int(number) for number in state)
        if not (0 <= seed <= _LONG and 0 <= offset <= _LONG):
            raise ValueError(f"set_state: (seed, offset) must be of 64 bits each, got {state!r}")
        with self._lock:
            self._seed, self._offset = seed, offset
        return self

    def fork(self) -> Generator:
        """A generator with a stream of its own, independent of this one.

        Its seed is drawn from this stream, by a counter that no number is made from: forks of equal
        generators are equal, and each further fork is another stream.
        """
        seed, offset = self.reserve(1)
        # Arrays are made from counters (.., .., 0, 0).
        counter = (offset & _WORD, offset >> 32, 0, 1)
        low, high, _, _ = philox(counter, (seed & _WORD, seed >> 32))
        return Generator(self.device).manual_seed(low | high << 32)

    def reserve(self, words: int) -> tuple[int, int]:
        """Take the next words, in whole blocks of four: (seed, offset of the first block)."""
        with self._lock:
            offset = self._offset
            self._offset = (offset + (words + 3) // 4) & _LONG
            return self._seed, offset

    def __repr__(self) -> str:
        return f"Generator(seed={self._seed}, offset={self._offset})"

    def __getstate__(self) -> tuple[Any, int, int]:
        return self.device, *self.get_state()

    def __setstate__(self, state: tuple[Any, int, int]) -> None:
        self.device, self._seed, self._offset = state
        self._lock = threading.Lock()


default_generator = Generator()
default_generator.seed()


def _after_fork() -> None:
    """Another thread may have been drawing at the moment of the fork: it is not in the child."""
    default_generator._lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, which all random functions use unless given another.

    Examples
    --------
    >>> import naivegrad as ng
    >>> _ = ng.manual_seed(0)
    >>> x = ng.rand(2)
    >>> _ = ng.manual_seed(0)
    >>> bool((ng.rand(2) == x).all())
    True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start an unforeseeable stream in the default generator; returns its seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> tuple[int, int]:
    """The state of the default generator."""
    return default_generator.get_state()


def set_rng_state(state: tuple[int, int]) -> None:
    """Put the default generator back into a state."""
    default_generator.set_state(state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """A block after which the default generator goes on as if nothing had been drawn in it.

    devices is ignored: the stream is the same on every device.

    Examples
    --------
    >>> import naivegrad as ng
    >>> before = ng.get_rng_state()
    >>> with ng.random.fork_rng():
    ...     _ = ng.rand(3)
    >>> ng.get_rng_state() == before
    True
    """
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)
