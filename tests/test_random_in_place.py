"""Random fillers: their distributions, and memory taken, given and shared in place."""

import numpy as np
import pytest
from scipy import stats

import naivegrad as ng


@pytest.fixture(autouse=True)
def seed():
    ng.manual_seed(0)


@pytest.mark.parametrize(
    ("fill", "distribution"),
    [
        (lambda x: x.uniform_(-1, 3), stats.uniform(-1, 4)),
        (lambda x: x.normal_(2, 3), stats.norm(2, 3)),
        (lambda x: x.exponential_(2.0), stats.expon(scale=0.5)),
        (lambda x: x.cauchy_(1.0, 2.0), stats.cauchy(1, 2)),
        (lambda x: x.log_normal_(0.5, 0.25), stats.lognorm(0.25, scale=np.exp(0.5))),
    ],
)
def test_distribution(fill, distribution):
    x = fill(ng.empty(20_000, dtype=ng.float64))
    assert stats.kstest(x.numpy(), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda n: ng.zeros(n).geometric_(0.3), stats.geom(0.3)),
        (lambda n: ng.zeros(n, dtype=ng.int64).geometric_(0.3), stats.geom(0.3)),
        (lambda n: ng.poisson(ng.full((n,), 3.5)), stats.poisson(3.5)),
    ],
)
def test_counts(draw, distribution):
    n = 20_000
    got = np.bincount(draw(n).long().numpy(), minlength=12)[:12]
    want = n * distribution.pmf(np.arange(12))
    some = want > 5
    assert (
        stats.chisquare(
            np.append(got[some], n - got[some].sum()), np.append(want[some], n - want[some].sum())
        ).pvalue
        > 1e-3
    )


def test_integers():
    x = ng.empty(1000, dtype=ng.int64)
    assert set(x.random_(5).tolist()) == set(range(5))
    assert set(x.random_(-2, 2).tolist()) == {-2, -1, 0, 1}
    assert ng.empty(2000, dtype=ng.uint8).random_().max() > 200


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.exponential_(0),
        lambda x: x.geometric_(1.0),
        lambda x: x.cauchy_(0, 0),
        lambda x: x.log_normal_(0, -1),
        lambda x: ng.poisson(-x - 1),
    ],
)
def test_bad_parameters(call):
    with pytest.raises(ValueError, match=r"_: |poisson: "):
        call(ng.zeros(3))


def test_fork_rng():
    with ng.random.fork_rng():
        a = ng.rand(3)
    assert a.tolist() == ng.rand(3).tolist()
    with ng.random.fork_rng(enabled=False):
        a = ng.rand(3)
    assert a.tolist() != ng.rand(3).tolist()


def test_resize_and_set():
    x = ng.arange(6)
    y = x.view(2, 3)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_(8).shape == (8,) and x[:4].tolist() == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="resize_"):
        y.resize_(3)
    z = ng.zeros(2).set_(w := ng.ones(3))
    w.fill_(5)
    assert z.tolist() == [5, 5, 5]
    with pytest.raises(TypeError, match="set_: source is of type"):
        x.set_(w)


def test_python_functions_in_place():
    x = ng.tensor([1.0, 4.0])
    assert x.apply_(lambda v: v + 1).tolist() == [2, 5]
    assert x.map_(ng.tensor([10.0]), lambda a, b: a * b).tolist() == [20, 50]


def test_sum_to_size():
    assert ng.ones(2, 3, 4).sum_to_size(3, 1).tolist() == [[8], [8], [8]]
    with pytest.raises(ValueError, match="does not sum to"):
        ng.ones(2, 3).sum_to_size(2)


def test_typed_constructors():
    assert isinstance(ng.ones(1), ng.FloatTensor) and not isinstance(ng.ones(1), ng.LongTensor)
    assert ng.LongTensor(2, 3).shape == (2, 3) and ng.FloatTensor().shape == (0,)
    assert ng.FloatTensor((2.0, 1), device="cpu").tolist() == [2.0, 1.0]
    with pytest.raises(RuntimeError, match="no CUDA device"):
        ng.FloatTensor(2, device="cuda")
