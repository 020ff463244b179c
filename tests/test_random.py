"""Random numbers: the generator's bits, their distributions, and what draws on them."""

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F
from naivegrad.ops import random_in_place
from naivegrad.random import philox
from numeric import levels

# Known answers published with Random123 (kat_vectors): counter, key, result of Philox4x32-10.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.fixture
def generator():
    return ng.Generator().manual_seed(1234)


@pytest.mark.parametrize("counter, key, result", KNOWN)
def test_philox_known_answers(counter, key, result):
    assert philox(counter, key) == result
    for kernel in levels("random"):
        assert kernel.philox4x32(counter, key) == result


def test_the_stream_is_philox_of_the_block_number():
    seed, offset = 0x0123456789ABCDEF, (1 << 32) - 3  # the block number passes 2^32 on the way
    want = []
    for block in range(offset, offset + 100):
        counter = (block & 0xFFFFFFFF, block >> 32, 0, 0)
        want.extend(philox(counter, (seed & 0xFFFFFFFF, seed >> 32)))
    for kernel in levels("random"):
        assert kernel.words(seed, offset, 400) == want
        out = np.empty(397, np.float32)
        kernel.fill(out, seed, offset, kernel.UNIFORM, 0.0, 1.0)
        assert (out == np.array([w >> 8 for w in want[:397]], np.float32) / 2**24).all()
        out = np.empty(199)
        kernel.fill(out, seed, offset, kernel.UNIFORM, 0.0, 1.0)
        pairs = zip(want[0:398:2], want[1:398:2], strict=True)
        assert (out == [((b >> 5) * 2**26 + (a >> 6)) / 2**53 for a, b in pairs]).all()
        bits = np.empty(100, np.int64)
        kernel.integers(bits, seed, offset, -5, 11)
        pairs = zip(want[0:200:2], want[1:200:2], strict=True)
        assert bits.tolist() == [-5 + ((b << 32 | a) * 11 >> 64) for a, b in pairs]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_levels_and_threads_give_the_same_bits(dtype):
    before = ng.get_num_threads()
    try:
        for kind, a, b in ((0, -2.0, 3.0), (1, 5.0, 2.0), (2, 0.3, 0.0)):
            for n in (1, 255, 257, 100_000):
                results = set()
                for kernel in levels("random"):
                    for threads in (1, 2, 3):
                        ng.set_num_threads(threads)
                        out = np.empty(n, dtype)
                        kernel.fill(out, 7, 3, kind, a, b)
                        results.add(out.tobytes())
                assert len(results) == 1
    finally:
        ng.set_num_threads(before)


def test_a_longer_array_begins_like_a_shorter_one():
    for draw in (
        ng.rand,
        ng.randn,
        lambda n, generator: ng.randint(0, 100, (n,), generator=generator),
    ):
        a = draw(1000, generator=ng.Generator().manual_seed(5)).numpy()
        b = draw(77, generator=ng.Generator().manual_seed(5)).numpy()
        assert (a[:77] == b).all()


# ---- distributions: seeds are fixed, so these pass or fail for ever ----------------------------


def ks_distance(samples, cdf):
    """Kolmogorov & Smirnov: the largest distance between two distributions, times sqrt(n)."""
    x = np.sort(np.asarray(samples, np.float64).ravel())
    n = len(x)
    c = cdf(x)
    return max((np.arange(1, n + 1) / n - c).max(), (c - np.arange(n) / n).max()) * math.sqrt(n)


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@pytest.mark.parametrize("dtype", [ng.float32, ng.float64])
def test_uniform(generator, dtype):
    x = ng.rand(200_000, generator=generator, dtype=dtype).numpy()
    assert x.min() >= 0 and x.max() < 1
    assert ks_distance(x, lambda v: v) < 1.6  # above it once in a hundred
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.01


@pytest.mark.parametrize("dtype", [ng.float32, ng.float64])
def test_normal(generator, dtype):
    x = ng.randn(200_000, generator=generator, dtype=dtype).numpy().astype(np.float64)
    assert ks_distance(x, normal_cdf) < 1.6
    assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    assert abs((x**3).mean()) < 0.03 and abs((x**4).mean() - 3) < 0.1
    assert np.isfinite(x).all() and abs(x).max() > 4
    assert abs(np.corrcoef(x[::2], x[1::2])[0, 1]) < 0.01  # the two of a pair


def test_normal_is_as_accurate_as_its_type():
    kernel = levels("random")[0]
    words = np.array(kernel.words(9, 0, 4000), np.uint64)
    u, v = ((words[::2] >> 1) + 0.5) / 2**31, (words[1::2] >> 8) / 2**24
    size = np.sqrt(-2 * np.log(u))
    want = np.stack([size * np.cos(2 * np.pi * v), size * np.sin(2 * np.pi * v)], 1).ravel()
    out = np.empty(4000, np.float32)
    kernel.fill(out, 9, 0, kernel.NORMAL, 0.0, 1.0)
    np.testing.assert_allclose(out, want, rtol=0, atol=1e-6)


def test_half_precision_stays_below_one(generator):
    x = ng.rand(100_000, generator=generator, dtype=ng.float16)
    assert x.dtype == ng.float16
    assert x.numpy().max() < 1
    assert len(np.unique(x.numpy())) == 2048


def test_integers(generator):
    x = ng.randint(-3, 4, (70_000,), generator=generator)
    assert x.dtype == ng.int64
    values, counts = np.unique(x.numpy(), return_counts=True)
    assert values.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 16.8  # chi square, 6 degrees, 1 %
    wide = ng.randint(-(2**63), 2**63 - 1, (10_000,), generator=generator).numpy() / 2**63
    assert ks_distance(wide, lambda v: (v + 1) / 2) < 1.6
    assert ng.randint(5, 6, (3,)).tolist() == [5, 5, 5]
    assert ng.randint(7, (2, 0)).shape == (2, 0)
    assert ng.randint(high=3, size=(4,)).shape == (4,)
    assert ng.randint(0, 256, (50,), dtype=ng.uint8).dtype == ng.uint8


def test_permutations_are_uniform(generator):
    counts = {}
    for _ in range(24_000):
        p = tuple(ng.randperm(4, generator=generator).tolist())
        counts[p] = counts.get(p, 0) + 1
    assert len(counts) == 24
    assert (
        sum((c - 1000) ** 2 / 1000 for c in counts.values()) < 41.6
    )  # chi square, 23 degrees, 1 %
    for n in (0, 1, 2, 1000):
        assert sorted(ng.randperm(n).tolist()) == list(range(n))
    assert ng.randperm(5, dtype=ng.int32).dtype == ng.int32


def test_bernoulli(generator):
    for p in (0.0, 0.2, 1.0):
        x = ng.bernoulli(ng.full((50_000,), p), generator=generator)
        assert x.dtype == ng.float32
        assert abs(x.numpy().mean() - p) < 0.01 and set(np.unique(x.numpy())) <= {0, 1}
    x = ng.bernoulli(ng.zeros(50_000), 0.3, generator=generator)
    assert abs(x.numpy().mean() - 0.3) < 0.01
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="bernoulli"):
            ng.bernoulli(ng.full((3,), bad))
        with pytest.raises(ValueError, match="bernoulli"):
            ng.bernoulli(ng.zeros(3), bad)


def test_normal_with_tensors(generator):
    mean, std = ng.tensor([0.0, 100.0]), ng.tensor([1.0, 0.0])
    x = ng.normal(mean.expand(1000, 2), std, generator=generator).numpy()
    assert abs(x[:, 0].mean()) < 0.1 and (x[:, 1] == 100).all()
    assert ng.normal(2.0, 3.0, (4, 5), generator=generator).shape == (4, 5)
    with pytest.raises(ValueError, match="normal: std must not be negative"):
        ng.normal(0.0, -1.0, (3,))
    with pytest.raises(ValueError, match="normal: std must not be negative"):
        ng.normal(mean, ng.tensor([1.0, -1.0]))


def test_multinomial_forms():
    weights, out = ng.tensor([0.0, 1.0]), ng.empty(0, dtype=ng.int64)
    assert weights.multinomial(2, replacement=True).tolist() == [1, 1]
    assert ng.multinomial(weights, 1, out=out) is out and out.tolist() == [1]


def test_multinomial(generator):
    weights = ng.tensor([0.0, 1.0, 3.0, 0.0, 4.0])
    x = ng.multinomial(weights, 40_000, replacement=True, generator=generator).numpy()
    share = np.bincount(x, minlength=5) / 40_000
    np.testing.assert_allclose(share, [0, 1 / 8, 3 / 8, 0, 1 / 2], atol=0.01)
    first = []
    for _ in range(4000):
        picks = ng.multinomial(weights, 3, generator=generator).tolist()
        assert sorted(picks) == [1, 2, 4]
        first.append(picks[0])
    np.testing.assert_allclose(np.bincount(first) / 4000, [0, 1 / 8, 3 / 8, 0, 1 / 2], atol=0.03)
    rows = ng.multinomial(ng.tensor([[1.0, 0.0], [0.0, 1.0]]), 2, replacement=True)
    assert rows.tolist() == [[0, 0], [1, 1]]
    for bad in ([-1.0, 2.0], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]):
        with pytest.raises(ValueError, match="multinomial"):
            ng.multinomial(ng.tensor(bad), 1, replacement=True)
    with pytest.raises(ValueError, match="multinomial: 3 different"):
        ng.multinomial(ng.tensor([1.0, 0.0, 1.0]), 3)


# ---- generators --------------------------------------------------------------------------------


def test_seeds():
    ng.manual_seed(0)
    a = ng.randn(5).tolist(), ng.rand(3).tolist(), ng.randperm(6).tolist()
    ng.manual_seed(0)
    assert (ng.randn(5).tolist(), ng.rand(3).tolist(), ng.randperm(6).tolist()) == a
    ng.manual_seed(1)
    assert ng.randn(5).tolist() != a[0]
    assert ng.initial_seed() == 1
    assert ng.Generator().manual_seed(-1).initial_seed() == 2**64 - 1
    assert ng.Generator().seed() != ng.Generator().seed()
    assert ng.seed() == ng.initial_seed()
    for bad in (1 << 64, -(1 << 63) - 1):
        with pytest.raises(ValueError, match="manual_seed: a seed has 64 bits"):
            ng.manual_seed(bad)
    with pytest.raises(TypeError, match="manual_seed"):
        ng.manual_seed(1.5)
    assert ng.manual_seed(np.int64(3)).initial_seed() == 3


def test_states(generator):
    ng.rand(3, generator=generator)
    state = generator.get_state()
    a = ng.rand(10, generator=generator).tolist()
    assert ng.rand(10, generator=generator).tolist() != a
    generator.set_state(state)
    assert ng.rand(10, generator=generator).tolist() == a
    state = ng.get_rng_state()
    a = ng.rand(4).tolist()
    ng.set_rng_state(state)
    assert ng.rand(4).tolist() == a
    for other in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        assert other.get_state() == generator.get_state()
    with pytest.raises(ValueError, match="set_state"):
        generator.set_state((-1, 0))


def test_forks_are_reproducible_and_independent():
    def family():
        parent = ng.Generator().manual_seed(7)
        return parent, [parent.fork() for _ in range(4)]

    parent, children = family()
    streams = [ng.randn(5000, generator=g).numpy() for g in (parent, *children, children[0].fork())]
    _, again = family()
    assert (ng.randn(5000, generator=again[2]).numpy() == streams[3]).all()
    correlation = np.corrcoef(np.stack(streams)) - np.eye(len(streams))
    assert abs(correlation).max() < 0.06


def test_threads_share_a_generator_without_sharing_numbers(generator):
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: ng.rand(100, generator=generator).numpy(), range(64)))
    got = sorted(tuple(p) for p in parts)
    whole = ng.rand(6400, generator=ng.Generator().manual_seed(1234)).numpy()
    assert got == sorted(tuple(p) for p in whole.reshape(64, 100))


def test_arguments(generator):
    x = ng.rand(2, 3, dtype=ng.float64, requires_grad=True, generator=generator)
    assert x.requires_grad and x.dtype == ng.float64 and x.is_leaf
    assert ng.rand((2, 3)).shape == ng.rand([2, 3]).shape == (2, 3)
    assert ng.rand(()).shape == ng.rand().shape == ()
    assert ng.randn(0, 3).shape == (0, 3)
    for like in (ng.rand_like, ng.randn_like):
        y = like(x)
        assert y.shape == x.shape and y.dtype == x.dtype and not y.requires_grad
    assert ng.rand_like(x, dtype=ng.float32).dtype == ng.float32
    assert ng.randint_like(x, 5, 6).tolist() == [[5.0] * 3] * 2
    with pytest.raises(TypeError, match="rand: a floating-point or complex dtype"):
        ng.rand(2, dtype=ng.int64)
    with pytest.raises(ValueError, match="randn: sizes must not be negative"):
        ng.randn(2, -1)
    with pytest.raises(ValueError, match=r"randint: no integer lies in \[3, 3\)"):
        ng.randint(3, 3, (2,))
    with pytest.raises(ValueError, match=r"randint: .*uint8 cannot hold"):
        ng.randint(0, 300, (2,), dtype=ng.uint8)
    with pytest.raises(TypeError, match="randint: expects"):
        ng.randint(3)
    with pytest.raises(RuntimeError, match="no CUDA device"):
        ng.rand(2, device="cuda")


def test_in_place(generator):
    x = ng.zeros(1000, 2)
    assert random_in_place.uniform_(x, -1, 2, generator) is x
    assert x.numpy().min() >= -1 and x.numpy().max() < 2 and x.numpy().std() > 0.8
    x.normal_(5, 0.1, generator=generator)
    assert abs(x.numpy().mean() - 5) < 0.02
    random_in_place.exponential_(x, 2.0, generator)
    assert abs(x.numpy().mean() - 0.5) < 0.05 and x.numpy().min() >= 0
    x.bernoulli_(0.25, generator=generator)
    assert set(np.unique(x.numpy())) == {0, 1}
    random_in_place.bernoulli_(x, ng.tensor([0.0, 1.0]), generator)
    assert (x.numpy() == [0, 1]).all()
    random_in_place.random_(x, 3, 5, generator)
    assert set(np.unique(x.numpy())) == {3, 4}
    flags = ng.zeros(1000, dtype=ng.bool)
    random_in_place.random_(flags, generator=generator)
    assert 400 < flags.numpy().sum() < 600
    half = ng.zeros(10, 4)
    half[:, ::2].uniform_(1, 2, generator=generator)  # a view: the rest stays
    assert (half.numpy()[:, 1::2] == 0).all() and (half.numpy()[:, ::2] >= 1).all()
    leaf = ng.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.uniform_()
    with ng.no_grad():
        leaf.uniform_()
    with pytest.raises(TypeError, match="uniform_"):
        ng.zeros(3, dtype=ng.int64).uniform_()
    with pytest.raises(ValueError, match="uniform_: no number lies in"):
        x.uniform_(1, 0)


# ---- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [ng.float16, ng.float32, ng.float64])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout(dtype, p):
    ng.manual_seed(3)
    x = ng.ones(200, 300, dtype=dtype, requires_grad=True)
    y = F.dropout(x, p)
    assert y.dtype == dtype
    kept = y.detach().numpy() != 0
    assert abs(kept.mean() - (1 - p)) < 0.01
    np.testing.assert_allclose(y.detach().numpy()[kept], 1 / (1 - p), rtol=1e-3)
    y.backward(2 * ng.ones_like(y))
    np.testing.assert_array_equal(x.grad.numpy(), 2 * y.detach().numpy())
    assert (F.dropout(x, p).detach().numpy() != y.detach().numpy()).any()  # another mask each time


def test_dropout_edges():
    x = ng.tensor([1.0, float("inf"), float("nan"), -2.0], requires_grad=True)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    y = F.dropout(x, 1.0)
    assert y.tolist() == [0, 0, 0, 0]
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 0]
    assert F.dropout(ng.zeros(0, 3)).shape == (0, 3)
    assert F.dropout(ng.ones(()), 0.5).item() in (0, 2)
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="dropout: the probability must be in"):
            F.dropout(x, p)
    with pytest.raises(TypeError, match="dropout: a floating-point tensor"):
        F.dropout(ng.zeros(3, dtype=ng.int64), 0.5)


def test_dropout_of_a_strided_tensor_masks_by_position():
    x = np.ones((30, 40), np.float32)
    ng.manual_seed(0)
    a = F.dropout(ng.from_numpy(x), 0.5).numpy()
    ng.manual_seed(0)
    b = F.dropout(ng.from_numpy(x.T.copy().T), 0.5).numpy()
    assert (a == b).all()


def test_dropout_in_place_and_second_order():
    ng.manual_seed(0)
    x = ng.randn(1000, requires_grad=True)
    y = x * 1
    z = F.dropout(y, 0.5, inplace=True)
    assert z is y
    (z * z).sum().backward()
    mask = (y.detach().numpy() != 0) * 2.0
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy() * mask**2, rtol=1e-5)
    (g,) = ng.autograd.grad((F.dropout(x, 0.5) ** 3).sum(), x, create_graph=True)
    (h,) = ng.autograd.grad(g.sum(), x)
    kept = h.numpy() != 0
    np.testing.assert_allclose(h.numpy()[kept], 48 * x.detach().numpy()[kept], rtol=1e-5)


def test_dropout_is_the_same_for_every_number_of_threads():
    before = ng.get_num_threads()
    results = set()
    try:
        for n in (1, 2, 3):
            ng.set_num_threads(n)
            ng.manual_seed(5)
            results.add(F.dropout(ng.ones(100_001), 0.3).numpy().tobytes())
    finally:
        ng.set_num_threads(before)
    assert len(results) == 1


def test_dropout_of_channels():
    x = ng.ones(50, 20, 3, 4, requires_grad=True)
    y = F.dropout2d(x, 0.25)
    flat = y.detach().numpy().reshape(1000, 12)
    assert ((flat == 0).all(1) | (flat == np.float32(1 / 0.75)).all(1)).all()
    assert 0.2 < (flat[:, 0] == 0).mean() < 0.3
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
    assert F.dropout1d(ng.ones(7, 5), 0.5).shape == (7, 5)
    assert F.dropout3d(ng.ones(2, 3, 2, 2), 1.0).numpy().sum() == 0
    with pytest.raises(ValueError, match="dropout2d: the probability"):
        F.dropout2d(x, 2.0)
