"""Distributions: by formulas and by PyTorch; samples by statistics."""

import importlib
import inspect
import math

import numpy as np
import pytest
from scipy import stats

import naivegrad as ng
from naivegrad import distributions as D

# Parameters of each distribution: positive (p), any (r), probabilities (u), vectors of them (s),
# logits (r, v for vectors), matrices (m); with shapes that broadcast.
PARAMETERS = {
    "Normal": {"loc": ("r", (3, 1)), "scale": ("p", (4,))},
    "LogNormal": {"loc": ("r", (3, 1)), "scale": ("p", (4,))},
    "HalfNormal": {"scale": ("p", (3, 2))},
    "Uniform": {"low": ("r", (3, 1)), "high": ("high", (4,))},
    "Exponential": {"rate": ("p", (5,))},
    "Laplace": {"loc": ("r", ()), "scale": ("p", (2, 3))},
    "Gamma": {"concentration": ("p", (3, 1)), "rate": ("p", (2,))},
    "Beta": {"concentration1": ("p", (3, 1)), "concentration0": ("p", (2,))},
    "Dirichlet": {"concentration": ("p", (3, 4))},
    "Poisson": {"rate": ("p", (3,))},
    "Bernoulli": {"probs": ("u", (3, 2))},
    "Bernoulli ": {"logits": ("r", (3, 2))},
    "Geometric": {"probs": ("u", (4,))},
    "Geometric ": {"logits": ("r", (4,))},
    "Binomial": {"total_count": ("7", ()), "probs": ("u", (3, 2))},
    "Binomial ": {"total_count": ("7", ()), "logits": ("r", (3,))},
    "Categorical": {"probs": ("p", (3, 4))},
    "Categorical ": {"logits": ("r", (2, 3, 4))},
    "OneHotCategorical": {"probs": ("p", (3, 4))},
    "OneHotCategorical ": {"logits": ("r", (4,))},
    "Multinomial": {"total_count": ("7", ()), "probs": ("p", (3, 4))},
    "Multinomial ": {"total_count": ("7", ()), "logits": ("r", (4,))},
    "MultivariateNormal": {"loc": ("r", (2, 1, 3)), "covariance_matrix": ("m", (4, 3, 3))},
    "MultivariateNormal ": {"loc": ("r", (3,)), "precision_matrix": ("m", (4, 3, 3))},
    "MultivariateNormal  ": {"loc": ("r", (4, 3)), "scale_tril": ("l", (3, 3))},
}
NAMES = list(PARAMETERS)


def parameters(name, seed=0):
    random = np.random.default_rng(seed)
    values = {}
    for key, (kind, shape) in PARAMETERS[name].items():
        if kind == "7":
            values[key] = 7
            continue
        x = random.standard_normal(shape)
        x = {
            "r": lambda x: x,
            "p": lambda x: np.exp(x),
            "u": lambda x: 1 / (1 + np.exp(-x)),
            "high": lambda x: 4 + np.abs(x),
            "m": lambda x: x @ np.swapaxes(x, -1, -2) + np.eye(3),
            "l": lambda x: np.tril(x, -1) + np.eye(3) * 1.5,
        }[kind](x)
        values[key] = x
    return values


def make(module, convert, name, seed=0):
    values = {
        key: value if isinstance(value, int) else convert(value)
        for key, value in parameters(name, seed).items()
    }
    return getattr(module, name.strip())(**values), [v for v in values.values() if v is not int]


def ours(name, seed=0, grad=True):
    def convert(x):
        return ng.tensor(x, dtype=ng.float64, requires_grad=grad)

    return make(D, convert, name, seed)


def theirs(name, seed=0):
    torch = pytest.importorskip("torch")

    def convert(x):
        return torch.tensor(x, dtype=torch.float64, requires_grad=True)

    return make(torch.distributions, convert, name, seed)


def same(x, y, **tolerance):
    x, y = (t.detach().numpy() for t in (x, y))
    assert x.dtype == y.dtype
    np.testing.assert_allclose(x, y, **({"rtol": 1e-9, "atol": 1e-11} | tolerance))


def same_gradients(x, y, leaves, others):
    """Of random cotangents; what does not depend on a parameter has no gradient in either."""
    torch = pytest.importorskip("torch")
    if not y.requires_grad:
        assert not x.requires_grad
        return
    u = np.random.default_rng(3).standard_normal(y.shape)
    leaves = [leaf for leaf in leaves if isinstance(leaf, ng.Tensor)]
    others = [leaf for leaf in others if isinstance(leaf, torch.Tensor)]
    mine = ng.autograd.grad(x, leaves, ng.tensor(u), True, allow_unused=True)
    other = torch.autograd.grad(y, others, torch.tensor(u), True, allow_unused=True)
    for a, b in zip(mine, other, strict=True):
        a, b = (0.0 if g is None else g.numpy() for g in (a, b))
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_as_pytorch(name):
    torch = pytest.importorskip("torch")
    p, leaves = ours(name)
    q, others = theirs(name)
    assert (tuple(p.batch_shape), tuple(p.event_shape)) == (
        tuple(q.batch_shape),
        tuple(q.event_shape),
    )
    value = q.sample((5,))
    mine = ng.tensor(value.numpy())
    for shape in ((), (5,), (2, 1)):
        assert tuple(p.sample(shape).shape) == tuple(q.sample(shape).shape)
    a, b = p.log_prob(mine), q.log_prob(value)
    same(a, b)
    same_gradients(a, b, leaves, others)
    for function in ("entropy", "perplexity"):
        try:
            b = getattr(q, function)()
        except NotImplementedError:
            with pytest.raises(NotImplementedError, match=f"{name.strip()} has no entropy"):
                getattr(p, function)()
            continue
        a = getattr(p, function)()
        if "Multinomial" in name:  # PyTorch computes log n! in float32
            continue
        same(a, b)
        same_gradients(a, b, leaves, others)
    for attribute in ("mean", "variance", "stddev", "mode"):
        try:
            b = getattr(q, attribute)
        except NotImplementedError:
            with pytest.raises(NotImplementedError, match=f"has no {attribute}"):
                getattr(p, attribute)
            continue
        a = getattr(p, attribute)
        same(a, b)
        if b.dtype == torch.float64:
            same_gradients(a, b, leaves, others)
    small, big = p.expand((6, *p.batch_shape)), q.expand((6, *q.batch_shape))
    assert type(small) is type(p) and tuple(small.batch_shape) == tuple(big.batch_shape)
    same(small.log_prob(mine[0]), big.log_prob(value[0]))
    assert tuple(small.sample().shape) == tuple(big.sample().shape)
    signature = inspect.signature(getattr(torch.distributions, name.strip()))
    assert list(inspect.signature(type(p)).parameters) == list(signature.parameters)


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_distribution_functions_as_pytorch(name):
    torch = pytest.importorskip("torch")
    (p, leaves), (q, others) = ours(name), theirs(name)
    value = q.sample((5,))
    u = np.random.default_rng(1).random((5, *q.batch_shape))
    for function, at in (("cdf", value.numpy()), ("icdf", u)):
        try:
            b = getattr(q, function)(torch.tensor(at))
        except NotImplementedError:
            continue
        if name == "Gamma" and function == "cdf":
            with pytest.raises(NotImplementedError, match="Gamma has no cdf"):
                p.cdf(ng.tensor(at))
            continue
        a = getattr(p, function)(ng.tensor(at))
        same(a, b)
        same_gradients(a, b, leaves, others)


@pytest.mark.torch
@pytest.mark.parametrize("name", [n for n in NAMES if n.strip() != "Multinomial"])
def test_divergence_as_pytorch(name):
    torch = pytest.importorskip("torch")
    (p, leaves), (q, others) = ours(name), theirs(name)
    (p2, more), (q2, rest) = ours(name, 1), theirs(name, 1)
    a, b = D.kl_divergence(p, p2), torch.distributions.kl_divergence(q, q2)
    same(a, b)
    same_gradients(a, b, leaves + more, others + rest)


@pytest.mark.torch
@pytest.mark.parametrize("name", [n for n in NAMES if getattr(D, n.strip()).has_rsample])
def test_gradients_of_samples_as_pytorch(name):
    """The gradient at the same draws: which numbers were drawn follows from the sample."""
    torch = pytest.importorskip("torch")
    (p, leaves), (q, others) = ours(name), theirs(name)
    x = p.rsample((3,))
    value = torch.tensor(x.detach().numpy())
    if "Multivariate" in name:
        off = torch.linalg.solve_triangular(
            q.scale_tril, (value - q.loc).unsqueeze(-1), upper=False
        )
        y = q.loc + (q.scale_tril @ off.detach()).squeeze(-1)
    else:
        y = q.icdf(q.cdf(value).detach())
    same(x, y, rtol=1e-6)
    u = np.random.default_rng(3).standard_normal(y.shape)
    mine = ng.autograd.grad(x, leaves, ng.tensor(u))
    other = torch.autograd.grad(y, others, torch.tensor(u))
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-8)
    assert not p.sample().requires_grad


@pytest.mark.torch
@pytest.mark.parametrize("n", [0, 1, 2])
def test_independent_as_pytorch(n):
    torch = pytest.importorskip("torch")
    for name in ("Normal", "Bernoulli", "Categorical "):
        (base, leaves), (other, others) = ours(name), theirs(name)
        p, q = D.Independent(base, n), torch.distributions.Independent(other, n)
        assert tuple(p.batch_shape) == tuple(q.batch_shape)
        assert tuple(p.event_shape) == tuple(q.event_shape)
        assert (p.has_rsample, p.has_enumerate_support) == (q.has_rsample, q.has_enumerate_support)
        value = q.sample((5,))
        a, b = p.log_prob(ng.tensor(value.numpy())), q.log_prob(value)
        same(a, b)
        same_gradients(a, b, leaves, others)
        same(p.entropy(), q.entropy())
        same(D.kl_divergence(p, p), torch.distributions.kl_divergence(q, q))
        wide = p.expand((2, *p.batch_shape))
        assert tuple(wide.sample((3,)).shape) == tuple(
            q.expand((2, *q.batch_shape)).sample((3,)).shape
        )


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["Bernoulli", "Binomial", "Categorical", "OneHotCategorical", "OneHotCategorical "]
)
def test_all_values_as_pytorch(name):
    pytest.importorskip("torch")
    (p, _), (q, _) = ours(name), theirs(name)
    for expand in (True, False):
        same(p.enumerate_support(expand), q.enumerate_support(expand))
    np.testing.assert_allclose(
        p.log_prob(p.enumerate_support()).exp().sum(0).detach().numpy(), 1, rtol=1e-12
    )


# ---- samples ----

SCIPY = {
    "Normal": lambda loc, scale: stats.norm(loc, scale),
    "LogNormal": lambda loc, scale: stats.lognorm(scale, scale=np.exp(loc)),
    "HalfNormal": lambda scale: stats.halfnorm(scale=scale),
    "Uniform": lambda low, high: stats.uniform(low, high - low),
    "Exponential": lambda rate: stats.expon(scale=1 / rate),
    "Laplace": lambda loc, scale: stats.laplace(loc, scale),
    "Gamma": lambda concentration, rate: stats.gamma(concentration, scale=1 / rate),
    "Beta": lambda concentration1, concentration0: stats.beta(concentration1, concentration0),
    "Poisson": lambda rate: stats.poisson(rate),
    "Geometric": lambda probs: stats.geom(probs, loc=-1),
    "Binomial": lambda total_count, probs: stats.binom(total_count, probs),
    "Bernoulli": lambda probs: stats.bernoulli(probs),
}


@pytest.mark.parametrize("name", SCIPY)
def test_samples_are_distributed_as_they_should_be(name):
    ng.manual_seed(11)
    p, _ = ours(name, grad=False)
    first = {key: value if isinstance(value, int) else np.broadcast_to(
        value, p.batch_shape).flat[0] for key, value in parameters(name).items()}  # fmt: skip
    reference = SCIPY[name](**first)
    drawn = p.sample((4000,)).numpy().reshape(4000, -1)[:, 0]
    if name in ("Poisson", "Geometric", "Binomial", "Bernoulli"):
        ends = np.unique(reference.ppf([0.1, 0.3, 0.5, 0.7, 0.9]))
        counts = np.diff([0, *[(drawn <= end).sum() for end in ends], 4000])
        expected = np.diff([0, *reference.cdf(ends), 1]) * 4000
        keep = expected > 0
        assert not counts[~keep].any()
        assert stats.chisquare(counts[keep], expected[keep]).pvalue > 1e-3
    else:
        assert stats.kstest(drawn, reference.cdf).pvalue > 1e-3


def test_samples_of_vectors():
    ng.manual_seed(3)
    p, _ = ours("Categorical", grad=False)
    drawn = p.sample((5000,))
    assert drawn.dtype == ng.int64
    frequency = ng.stack([(drawn == k).double().mean(0) for k in range(4)], -1)
    np.testing.assert_allclose(frequency.numpy(), p.probs.numpy(), atol=0.03)
    for name in ("OneHotCategorical", "Multinomial", "Dirichlet", "MultivariateNormal "):
        p, _ = ours(name, grad=False)
        drawn = p.sample((4000,)).numpy()
        spread = np.sqrt(p.variance.numpy())
        assert (np.abs(drawn.mean(0) - p.mean.numpy()) < 0.08 * spread + 1e-9).all()
        np.testing.assert_allclose(drawn.std(0), spread, rtol=0.1)
        p.log_prob(ng.tensor(drawn))  # all of them possible
    covariance = np.cov(drawn[:, 0].T)
    np.testing.assert_allclose(covariance, p.covariance_matrix[0].numpy(), atol=0.05)


def test_samples_follow_the_seed():
    for name in NAMES:
        p, _ = ours(name)
        ng.manual_seed(5)
        first, second = p.sample((3,)), p.sample((3,))
        ng.manual_seed(5)
        assert (p.sample((3,)) == first).all().item() and (p.sample((3,)) == second).all().item()
        assert not first.requires_grad
    assert D.Categorical(ng.ones(3)).sample((0, 2)).shape == (0, 2)


# ---- single things ----


def test_numbers_as_parameters():
    assert D.Normal(0, 1).log_prob(ng.tensor(0.0)).item() == pytest.approx(-0.9189385)
    assert D.Normal(0, ng.tensor([1.0, 2.0], dtype=ng.float64)).loc.dtype == ng.float64
    assert D.Bernoulli(0.3).sample((4,)).shape == (4,)
    assert repr(D.Normal(0.0, 2.0)) == "Normal(loc: 0.0, scale: 2.0)"
    assert repr(D.Categorical(ng.ones(2, 3))) == "Categorical(probs: (2, 3))"
    assert D.Independent(D.Normal(ng.zeros(2), 1.0), 1).support.event_dim == 1


def test_logits_and_probs_at_the_ends():
    coin = D.Bernoulli(ng.tensor([0.0, 1.0], dtype=ng.float64))
    assert np.isfinite(coin.entropy().numpy()).all()
    one = D.Categorical(logits=ng.tensor([0.0, -math.inf]))
    assert (one.entropy().item(), one.log_prob(ng.tensor(1)).item()) == (0.0, -math.inf)
    other = D.Categorical(logits=ng.tensor([0.0, 0.0]))
    assert D.kl_divergence(one, other).item() == pytest.approx(math.log(2))
    assert D.kl_divergence(other, one).item() == math.inf
    assert D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0)).item() == math.inf
    assert D.kl_divergence(D.Uniform(0.0, 2.0), D.Normal(1.0, 1.0)).item() == pytest.approx(
        1 / 6 + 0.9189385 - math.log(2)
    )


def test_entropy_of_multinomial():
    p, _ = ours("Multinomial", grad=False)
    expected = [stats.multinomial(7, row).entropy() for row in p.probs.numpy()]
    np.testing.assert_allclose(p.entropy().numpy(), expected, rtol=1e-9)


def test_what_a_sample_makes_keeps_its_gradient():
    """The probs that a draw asked for first, and the matrix."""
    logits = ng.zeros(3, requires_grad=True)
    for p in (D.Categorical(logits=logits), D.Bernoulli(logits=logits)):
        p.sample()
        (p.probs * ng.arange(3)).sum().backward()
        assert logits.grad.abs().sum().item() > 0
        logits.grad = None
    matrix = ng.eye(2).requires_grad_()
    p = D.MultivariateNormal(ng.zeros(2), matrix)
    p.sample()
    p.entropy().backward()
    np.testing.assert_allclose(matrix.grad.numpy(), np.eye(2) / 2, atol=1e-6)


def test_policy_gradient():
    """What reinforcement learning does: the gradient of log_prob of a draw."""
    logits = ng.zeros(3, requires_grad=True)
    policy = D.Categorical(logits=logits)
    action = policy.sample()
    (-policy.log_prob(action)).backward()
    expected = np.full(3, 1 / 3)
    expected[action.item()] -= 1
    np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (lambda: D.Normal(0.0, -1.0), r"Normal: parameter scale .* GreaterThan\(lower_bound=0.0\)"),
        (lambda: D.Normal(math.nan, 1.0), "parameter loc .* Real"),
        (lambda: D.Normal(ng.zeros(2), ng.ones(3)), "broadcast"),
        (lambda: D.Uniform(1.0, 1.0), "low must be below high"),
        (lambda: D.Bernoulli(1.5), "parameter probs .* Interval"),
        (lambda: D.Bernoulli(), "either probs or logits"),
        (lambda: D.Bernoulli(0.5, 0.5), "either probs or logits"),
        (lambda: D.Geometric(0.0), "probs must be above 0"),
        (lambda: D.Categorical(ng.tensor([1.0, -1.0])), "parameter probs .* Simplex"),
        (lambda: D.Categorical(ng.tensor(1.0)), "one dimension or more"),
        (lambda: D.Categorical(logits=ng.tensor([math.nan, 1.0])), "parameter logits"),
        (lambda: D.Dirichlet(ng.tensor([1.0, 0.0])), "parameter concentration"),
        (lambda: D.Dirichlet(ng.tensor(1.0)), "one dimension or more"),
        (lambda: D.Independent(D.Normal(ng.zeros(2), 1.0), 2), "from 0 to 1"),
        (lambda: D.Binomial(2, 0.5).log_prob(ng.tensor(3.0)), "values must satisfy IntegerInt"),
        (lambda: D.MultivariateNormal(ng.zeros(2)), "exactly one of"),
        (lambda: D.MultivariateNormal(ng.zeros(2), ng.eye(3)), r"\(2,\) and \(3, 3\)"),
        (lambda: D.MultivariateNormal(ng.zeros(2), -ng.eye(2)), "PositiveDefinite"),
        (lambda: D.MultivariateNormal(ng.zeros(2), scale_tril=ng.ones(2, 2)), "LowerCholesky"),
        (lambda: D.Exponential(1.0).log_prob(ng.tensor(-1.0)), "Exponential: values must satisfy"),
        (lambda: D.Categorical(ng.ones(3)).log_prob(ng.tensor(3)), "IntegerInterval"),
        (lambda: D.OneHotCategorical(ng.ones(3)).log_prob(ng.ones(3)), "OneHot"),
        (lambda: D.OneHotCategorical(ng.ones(3)).log_prob(ng.ones(2)), "does not fit"),
        (lambda: D.Normal(ng.zeros(3), 1.0).log_prob(ng.zeros(2)), r"\(2,\) does not fit batch"),
        (lambda: D.Distribution.set_default_validate_args(3), "True or False"),
    ],
)
def test_mistakes_are_refused(mistake, text):
    with pytest.raises(ValueError, match=f"(?s){text}"):
        mistake()


def test_more_mistakes():
    with pytest.raises(TypeError, match="Normal: a value must be a tensor, got float"):
        D.Normal(0.0, 1.0).log_prob(1.0)
    with pytest.raises(TypeError, match="total_count must be an int"):
        D.Multinomial(2.5, ng.ones(2))
    with pytest.raises(NotImplementedError, match="no rule for Normal and Gamma"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Gamma(1.0, 1.0))
    with pytest.raises(NotImplementedError, match="Gamma has no rsample"):
        D.Gamma(1.0, 1.0).rsample()
    with pytest.raises(TypeError, match="classes of distributions"):
        D.register_kl(int, D.Normal)
    wrong = D.Normal(0.0, -1.0, validate_args=False)
    assert wrong.log_prob(ng.tensor(0.0)).isnan().item()
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    for module in ("normal", "categorical", "bernoulli", "uniform", "independent", "kl"):
        importlib.import_module(f"naivegrad.distributions.{module}")
