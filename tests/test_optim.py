"""Optimizers against float64 NumPy formulas, step by step; options, state, errors."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn, optim
from naivegrad.backend import cpu

# ------------------------------------------------------------- the formulas, one step at a time


def sgd(p, g, s, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    g = -g if maximize else g
    g = g + weight_decay * p
    if momentum:
        s["b"] = momentum * s["b"] + (1 - dampening) * g if "b" in s else g
        g = g + momentum * s["b"] if nesterov else s["b"]
    return p - lr * g


def adam(
    p, g, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False,
    decoupled_weight_decay=False,
):  # fmt: skip
    b1, b2 = betas
    t = s["t"] = s.get("t", 0) + 1
    g = -g if maximize else g
    if decoupled_weight_decay:
        p = p * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    v = s["vmax"] = np.maximum(s.get("vmax", 0), s["v"]) if amsgrad else s["v"]
    return p - lr * (s["m"] / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)


def adamw(p, g, s, weight_decay=1e-2, **options):
    return adam(p, g, s, weight_decay=weight_decay, decoupled_weight_decay=True, **options)


def rmsprop(
    p,
    g,
    s,
    lr=1e-2,
    alpha=0.99,
    eps=1e-8,
    weight_decay=0,
    momentum=0,
    centered=False,
    maximize=False,
):
    g = -g if maximize else g
    g = g + weight_decay * p
    s["s"] = alpha * s.get("s", 0) + (1 - alpha) * g**2
    var = s["s"]
    if centered:
        s["m"] = alpha * s.get("m", 0) + (1 - alpha) * g
        var = var - s["m"] ** 2
    d = g / (np.sqrt(var) + eps)
    if momentum:
        d = s["b"] = momentum * s.get("b", 0) + d
    return p - lr * d


def adamax(p, g, s, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False):
    t = s["t"] = s.get("t", 0) + 1
    g = (-g if maximize else g) + weight_decay * p
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["u"] = np.maximum(betas[1] * s.get("u", 0), abs(g) + eps)
    return p - lr / (1 - betas[0] ** t) * s["m"] / s["u"]


def nadam(
    p, g, s, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
    decoupled_weight_decay=False, maximize=False,
):  # fmt: skip
    b1, b2 = betas
    t = s["t"] = s.get("t", 0) + 1
    g = -g if maximize else g
    if decoupled_weight_decay:
        p = p * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (n * momentum_decay)) for n in (t, t + 1))
    product = s["product"] = np.float32(s.get("product", 1) * np.float32(mu))  # as it is kept
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    d = mu_next * s["m"] / (1 - float(product) * mu_next) + (1 - mu) * g / (1 - float(product))
    return p - lr * d / (np.sqrt(s["v"] / (1 - b2**t)) + eps)


def radam(
    p, g, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False,
    maximize=False,
):  # fmt: skip
    b1, b2 = betas
    t = s["t"] = s.get("t", 0) + 1
    g = -g if maximize else g
    if decoupled_weight_decay:
        p = p * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    n = 2 / (1 - b2) - 1
    r = n - 2 * t * b2**t / (1 - b2**t)
    d = s["m"] / (1 - b1**t)
    if r > 5:
        d = d * np.sqrt((r - 4) * (r - 2) * n / ((n - 4) * (n - 2) * r))
        d = d * np.sqrt(1 - b2**t) / (np.sqrt(s["v"]) + eps)
    return p - lr * d


def adagrad(
    p, g, s, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10,
    maximize=False,
):  # fmt: skip
    t = s["t"] = s.get("t", 0) + 1
    g = (-g if maximize else g) + weight_decay * p
    s["s"] = s.get("s", initial_accumulator_value) + g**2
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s["s"]) + eps)


def adadelta(p, g, s, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
    g = (-g if maximize else g) + weight_decay * p
    s["s"] = rho * s.get("s", 0) + (1 - rho) * g**2
    d = g * np.sqrt(s.get("u", 0) + eps) / np.sqrt(s["s"] + eps)
    s["u"] = rho * s.get("u", 0) + (1 - rho) * d**2
    return p - lr * d


def rprop(p, g, s, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    g = -g if maximize else g
    product = g * s.get("g", 0)
    factor = np.where(product > 0, etas[1], np.where(product < 0, etas[0], 1))
    s["size"] = np.clip(s.get("size", lr) * factor, *step_sizes)
    s["g"] = np.where(product < 0, 0, g)
    return p - s["size"] * np.sign(s["g"])


def asgd(p, g, s, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, maximize=False):
    g = (-g if maximize else g) + weight_decay * p
    t = s["t"] = s.get("t", 0) + 1
    eta = float(np.float32(lr if t == 1 else lr / (1 + lambd * lr * (t - 1)) ** alpha))
    mu = 1 / max(1, t - 1 - t0)
    p = (1 - lambd * eta) * p - eta * g
    s["ax"] = s.get("ax", 0) + mu * (p - s.get("ax", 0))
    return p


def adafactor(
    p, g, s, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, maximize=False
):
    def rms(x):
        return np.sqrt(np.mean(np.square(x)))

    t = s["t"] = s.get("t", 0) + 1
    fresh, eps1 = t**beta2_decay, np.finfo(np.float32).eps if eps[0] is None else eps[0]
    rate = min(lr, t**-0.5) * max(eps[1], rms(p))
    if p.ndim > 1:
        for key, axis in (("r", -1), ("c", -2)):
            mean = np.mean(g**2, axis, keepdims=True)
            s[key] = (1 - fresh) * s.get(key, 0) + fresh * mean
        v = s["r"] * s["c"] / np.maximum(s["r"].mean(-2, keepdims=True), eps1)
    else:
        v = s["v"] = (1 - fresh) * s.get("v", 0) + fresh * g**2
    u = (-g if maximize else g) / np.sqrt(np.maximum(v, eps1**2))
    return p * (1 - lr * weight_decay) - rate / max(1, rms(u) / d) * u


def grid(**choices):
    return [dict(zip(choices, values)) for values in itertools.product(*choices.values())]


BOTH = {"maximize": [False, True]}
CASES = [
    *[
        (optim.SGD, sgd, o)
        for o in grid(
            lr=[0.1], momentum=[0, 0.9], dampening=[0, 0.3], weight_decay=[0, 0.05],
            nesterov=[False, True], maximize=[False, True],
        )
        if not o["nesterov"] or (o["momentum"] and not o["dampening"])
    ],
    *[
        (optim.Adam, adam, o)
        for o in grid(
            lr=[0.01], betas=[(0.9, 0.999), (0.5, 0.7)], eps=[1e-8, 0.1], weight_decay=[0, 0.05],
            amsgrad=[False, True], maximize=[False, True], decoupled_weight_decay=[False, True],
        )
    ],
    *[
        (optim.AdamW, adamw, o)
        for o in grid(weight_decay=[0, 0.05], amsgrad=[False, True], maximize=[False, True])
    ],
    *[
        (optim.RMSprop, rmsprop, o)
        for o in grid(
            lr=[0.01], alpha=[0.9], eps=[1e-8, 0.1], weight_decay=[0, 0.05], momentum=[0, 0.9],
            centered=[False, True], maximize=[False, True],
        )
    ],
    *[(optim.Adamax, adamax, o) for o in grid(lr=[0.1], weight_decay=[0, 0.05], **BOTH)],
    *[
        (cls, rule, o)
        for cls, rule in ((optim.NAdam, nadam), (optim.RAdam, radam))
        for o in grid(
            lr=[0.01], betas=[(0.9, 0.999), (0.5, 0.7)], weight_decay=[0, 0.05],
            decoupled_weight_decay=[False, True], **BOTH,
        )
    ],
    *[
        (optim.Adagrad, adagrad, o)
        for o in grid(
            lr_decay=[0, 0.1], weight_decay=[0, 0.05], initial_accumulator_value=[0, 0.5], **BOTH
        )
    ],
    *[
        (optim.Adadelta, adadelta, o)
        for o in grid(rho=[0.9, 0.5], eps=[1e-6, 0.1], weight_decay=[0, 0.05], **BOTH)
    ],
    *[
        (optim.Rprop, rprop, o)
        for o in grid(etas=[(0.5, 1.2), (0.3, 3)], step_sizes=[(1e-6, 50), (5e-3, 0.02)], **BOTH)
    ],
    *[
        (optim.ASGD, asgd, o)
        for o in grid(lambd=[1e-4, 0.3], t0=[1e6, 2], weight_decay=[0, 0.05], **BOTH)
    ],
    *[
        (optim.Adafactor, adafactor, o)
        for o in grid(
            lr=[0.5], beta2_decay=[-0.8, -0.3], eps=[(None, 1e-3), (0.5, 2.0)], d=[1.0, 3.0],
            weight_decay=[0, 0.05], **BOTH,
        )
    ],
]  # fmt: skip
IDS = [f"{cls.__name__}-{i}" for i, (cls, _, _) in enumerate(CASES)]
DEFAULTS = [
    (optim.SGD, sgd), (optim.Adam, adam), (optim.AdamW, adamw), (optim.RMSprop, rmsprop),
    (optim.Adamax, adamax), (optim.NAdam, nadam), (optim.RAdam, radam), (optim.Adagrad, adagrad),
    (optim.Adadelta, adadelta), (optim.Rprop, rprop), (optim.ASGD, asgd),
    (optim.Adafactor, adafactor),
]  # fmt: skip


def run(optimizer, params, rule, options, rng, steps=6):
    """Steps with random gradients; the parameters and what the formula makes of them."""
    expected = [p.detach().numpy().astype(np.float64) for p in params]
    states = [{} for _ in params]
    for _ in range(steps):
        for i, p in enumerate(params):
            grad = rng.standard_normal(p.shape).astype(p.detach().numpy().dtype)
            p.grad = ng.tensor(grad)
            expected[i] = rule(expected[i], grad.astype(np.float64), states[i], **options)
        optimizer.step()
    return expected


def leaf(array):
    return ng.tensor(array, requires_grad=True)


@pytest.mark.parametrize(("cls", "rule", "options"), CASES, ids=IDS)
def test_formula(cls, rule, options):
    rng = np.random.default_rng(0)
    for dtype, tolerance in [(np.float64, 1e-12), (np.float32, 2e-5)]:
        # Sizes around the width of a vector, and one element.
        params = [
            leaf(rng.standard_normal(shape).astype(dtype)) for shape in [(3, 7), (1,), (), (33,)]
        ]
        expected = run(cls(params, **options), params, rule, options, rng)
        for p, e in zip(params, expected):
            assert p.detach().numpy().dtype == dtype
            np.testing.assert_allclose(p.detach().numpy(), e, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("cls", "rule"), DEFAULTS)
def test_defaults(cls, rule):
    rng = np.random.default_rng(1)
    params = [leaf(rng.standard_normal((4, 5)))]
    expected = run(cls(params), params, rule, {}, rng)
    np.testing.assert_allclose(params[0].detach().numpy(), expected[0], rtol=1e-12)


@pytest.mark.parametrize(("cls", "rule"), DEFAULTS)
def test_strided_parameter_and_gradient(cls, rule):
    rng = np.random.default_rng(2)
    array = rng.standard_normal((5, 3))
    p = ng.tensor(array).t().requires_grad_()
    assert not p.is_contiguous()
    grad = rng.standard_normal((6, 5))
    p.grad = ng.tensor(grad)[::2]
    cls([p], lr=0.1).step()
    np.testing.assert_allclose(p.detach().numpy(), rule(array.T, grad[::2], {}, lr=0.1), rtol=1e-12)


@pytest.mark.parametrize(("cls", "rule"), DEFAULTS)
def test_half(cls, rule):
    rng = np.random.default_rng(3)
    p = leaf(rng.standard_normal(9).astype(np.float16))
    expected = run(cls([p], lr=0.1), [p], rule, {"lr": 0.1}, rng, steps=2)
    np.testing.assert_allclose(p.detach().numpy().astype(float), expected[0], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(("cls", "rule"), DEFAULTS)
def test_empty_parameter(cls, rule):
    p = leaf(np.zeros((0, 3), np.float32))
    p.grad = ng.zeros(0, 3)
    cls([p]).step()
    assert p.shape == (0, 3)


@pytest.mark.parametrize(("cls", "rule", "options"), CASES[:: len(CASES) // 12])
def test_threads_give_the_same_bits(cls, rule, options):
    start = np.random.default_rng(4).standard_normal(100_003).astype(np.float32)
    grads = np.random.default_rng(5).standard_normal((2, start.size)).astype(np.float32)
    results = []
    before = ng.get_num_threads()
    try:
        for threads in (1, 2, 3):
            ng.set_num_threads(threads)
            p = leaf(start.copy())
            optimizer = cls([p], **options)
            for grad in grads:
                p.grad = ng.tensor(grad)
                optimizer.step()
            results.append(p.detach().numpy())
    finally:
        ng.set_num_threads(before)
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


# Rprop goes by signs, and that of NaN is 0; Adafactor by the size of the whole update.
@pytest.mark.parametrize(
    ("cls", "rule"), [row for row in DEFAULTS if row[1] not in (rprop, adafactor)]
)
def test_nan_and_inf_stay_where_they_are(cls, rule):
    p = leaf(np.array([1.0, np.inf, 2.0, 3.0], np.float32))
    p.grad = ng.tensor([1.0, 0.5, np.nan, 1.0])
    cls([p], lr=0.1).step()
    values = p.detach().numpy()
    assert np.isfinite(values[[0, 3]]).all() and np.isnan(values[2]) and values[1] == np.inf


def test_step_only_changes_what_it_should():
    used, unused = leaf(np.ones(3)), leaf(np.ones(3))
    grad = ng.tensor(np.array([1.0, 2.0, 3.0]))
    used.grad = grad
    optimizer = optim.Adam([used, unused], lr=0.1)
    assert optimizer.step() is None
    assert np.array_equal(unused.detach().numpy(), np.ones(3))
    assert np.array_equal(grad.numpy(), [1, 2, 3])
    assert list(optimizer.state) == [used]


def test_step_is_in_place_and_counts_as_a_change():
    p = leaf(np.ones(3))
    alias = p.detach()
    y = (p * p).sum()
    p.grad = ng.ones(3, dtype=ng.float64)
    optim.SGD([p], lr=0.5).step()
    assert np.array_equal(alias.numpy(), [0.5, 0.5, 0.5])
    with pytest.raises(RuntimeError):  # p, saved for backward, has another value now
        y.backward()


def test_closure():
    p = leaf(np.array([3.0]))
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with ng.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 9.0
    np.testing.assert_allclose(p.detach().numpy(), [2.4])


def test_zero_grad():
    p = leaf(np.ones(2))
    optimizer = optim.SGD([p])
    p.grad = ng.ones(2, dtype=ng.float64)
    optimizer.zero_grad(set_to_none=False)
    assert np.array_equal(p.grad.numpy(), [0, 0])
    optimizer.zero_grad()
    assert p.grad is None


# --------------------------------------------------------------------------- groups and state


def test_groups():
    a, b = leaf(np.ones(2)), leaf(np.ones(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    a.grad = b.grad = ng.ones(2, dtype=ng.float64)
    optimizer.step()
    np.testing.assert_allclose(a.detach().numpy(), 0.9)
    np.testing.assert_allclose(b.detach().numpy(), 0.0)
    c = leaf(np.ones(2))
    optimizer.add_param_group({"params": [c], "momentum": 0.5})
    assert [group["momentum"] for group in optimizer.param_groups] == [0, 0, 0.5]
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 1.0, 0.1]
    state = optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0], [1], [2]]


def test_named_parameters():
    net = nn.Linear(2, 3)
    optimizer = optim.SGD(net.named_parameters(), lr=0.1)
    (group,) = optimizer.param_groups
    assert group["param_names"] == ["weight", "bias"]
    assert group["params"][0] is net.weight


@pytest.mark.parametrize(
    ("cls", "options", "keys"),
    [
        (optim.SGD, {}, set()),
        (optim.Adafactor, {}, {"step", "variance"}),
        (optim.SGD, {"momentum": 0.9}, {"momentum_buffer"}),
        (optim.Adam, {}, {"step", "exp_avg", "exp_avg_sq"}),
        (optim.AdamW, {"amsgrad": True}, {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}),
        (optim.RMSprop, {}, {"step", "square_avg"}),
        (
            optim.RMSprop,
            {"centered": True, "momentum": 0.9},
            {"step", "square_avg", "momentum_buffer", "grad_avg"},
        ),
    ],
)
def test_continue_from_state_dict(cls, options, keys):
    def steps(optimizer, p, rng, n):
        for _ in range(n):
            p.grad = ng.tensor(rng.standard_normal(5))
            optimizer.step()

    rng = np.random.default_rng(6)
    p = leaf(np.ones(5))
    optimizer = cls([p], lr=0.1, **options)
    steps(optimizer, p, rng, 3)
    saved, q = copy.deepcopy(optimizer.state_dict()), leaf(p.detach().numpy().copy())
    assert set(saved["state"].get(0, ())) == keys
    other = cls([q], lr=0.7)
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == 0.1
    state = rng.bit_generator.state
    steps(optimizer, p, rng, 3)
    rng.bit_generator.state = state
    steps(other, q, rng, 3)
    assert np.array_equal(p.detach().numpy(), q.detach().numpy())


def test_loaded_state_is_a_copy_in_the_dtype_of_the_parameter():
    p, q = leaf(np.ones(5)), leaf(np.ones(5, np.float32))
    source, target = optim.Adam([p]), optim.Adam([q])
    p.grad = ng.ones(5, dtype=ng.float64)
    source.step()
    target.load_state_dict(source.state_dict())
    state = target.state[q]
    assert state["exp_avg"].dtype == ng.float32 and state["step"].item() == 1
    q.grad = ng.ones(5)
    target.step()
    assert source.state[p]["step"].item() == 1
    np.testing.assert_allclose(source.state[p]["exp_avg"].numpy(), 0.1)


def test_state_dict_that_does_not_fit():
    one, two = [optim.SGD([leaf(np.ones(2)) for _ in range(n)], momentum=0.9) for n in (1, 2)]
    with pytest.raises(ValueError, match="group 0 has 1 parameters in the state dict, 2"):
        two.load_state_dict(one.state_dict())
    two.add_param_group({"params": [leaf(np.ones(2))]})
    with pytest.raises(ValueError, match="1 parameter groups, the optimizer 2"):
        two.load_state_dict(one.state_dict())
    large = leaf(np.ones(3))
    large.grad = ng.ones(3, dtype=ng.float64)
    other = optim.SGD([large], momentum=0.9)
    other.step()
    with pytest.raises(
        ValueError, match=r"'momentum_buffer' has shape \(3,\), its parameter \(2,\)"
    ):
        one.load_state_dict(other.state_dict())


def test_copy_and_pickle():
    p = leaf(np.ones(2))
    p.grad = ng.ones(2, dtype=ng.float64)
    optimizer = optim.Adam([p], lr=0.1)
    optimizer.step()
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (q,) = twin.param_groups[0]["params"]
        assert q is not p and twin.state[q]["step"].item() == 1
        q.grad = ng.ones(2, dtype=ng.float64)
        twin.step()
        assert optimizer.state[p]["step"].item() == 1


def test_repr():
    text = repr(optim.SGD([leaf(np.ones(2))], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.1\n" in text


# ------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (optim.SGD, {"lr": -1.0}, "SGD: lr must be a number of at least 0, got -1.0"),
        (optim.SGD, {"lr": float("nan")}, "SGD: lr"),
        (optim.SGD, {"momentum": -0.1}, "SGD: momentum"),
        (optim.SGD, {"weight_decay": -0.1}, "SGD: weight_decay"),
        (optim.SGD, {"nesterov": True}, "SGD: nesterov needs momentum > 0"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "SGD: nesterov"),
        (optim.Adam, {"lr": -1.0}, "Adam: lr"),
        (optim.Adam, {"eps": -1.0}, "Adam: eps"),
        (
            optim.Adam,
            {"betas": (1.0, 0.9)},
            "Adam: betas must be at least 0 and below 1, got 1.0 at 0",
        ),
        (optim.Adam, {"betas": (0.9, -0.9)}, "Adam: betas"),
        (optim.AdamW, {"weight_decay": -1}, "AdamW: weight_decay"),
        (optim.AdamW, {"differentiable": True}, "AdamW: differentiable"),
        (optim.RMSprop, {"alpha": -1}, "RMSprop: alpha"),
        (optim.RMSprop, {"momentum": -1}, "RMSprop: momentum"),
    ],
)
def test_options_out_of_range(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls([leaf(np.ones(2))], **options)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (optim.Adam, {"lr": "0.1"}, "Adam: lr must be a number of at least 0, got '0.1'"),
        (optim.SGD, {"momentum": None}, "SGD: momentum must be a number"),
        (optim.Adam, {"betas": 0.9}, r"Adam: betas must be two numbers, got 0\.9"),
        (optim.Rprop, {"etas": (0.5,)}, "Rprop: etas must be two numbers"),
        (optim.Adafactor, {"eps": 1e-3}, "Adafactor: eps must be two numbers"),
    ],
)
def test_options_of_another_type(cls, options, message):
    with pytest.raises(TypeError, match=message):
        cls([leaf(np.ones(2))], **options)


def test_state_that_lacks_something():
    p = leaf(np.ones(2))
    p.grad = ng.ones(2, dtype=ng.float64)
    optimizer = optim.Adam([p])
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    del state["state"][0]["exp_avg"]
    optimizer.load_state_dict(state)
    with pytest.raises(
        ValueError, match=r"Adam: 'exp_avg' is missing .* shape \(2,\); the state has"
    ):
        optimizer.step()
    with pytest.raises(TypeError, match="load_state_dict: expected a dict, got NoneType"):
        optimizer.load_state_dict(None)
    with pytest.raises(ValueError, match="has no 'state'"):
        optimizer.load_state_dict({})
    with pytest.raises(ValueError, match="group 0 has no 'params'"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"lr": 1}]})


def test_group_options_are_checked_too():
    with pytest.raises(ValueError, match="SGD: lr"):
        optim.SGD([{"params": [leaf(np.ones(2))], "lr": -1.0}])


def test_bad_parameters():
    p = leaf(np.ones(2))
    with pytest.raises(ValueError, match="SGD: got an empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="SGD: params must be an iterable of Tensors or dicts"):
        optim.SGD(p)
    with pytest.raises(TypeError, match=r"got Linear; call its parameters\(\)"):
        optim.SGD(nn.Linear(1, 1))
    with pytest.raises(TypeError, match="can only optimize Tensors, got int"):
        optim.SGD([1])
    with pytest.raises(TypeError, match="in an order, got a set"):
        optim.SGD([{"params": {p}}])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.SGD([p * 2])
    with pytest.warns(UserWarning, match="more than once"):
        optim.SGD([p, p])
    with pytest.raises(ValueError, match="in more than one group"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.raises(ValueError, match="needs 'params'"):
        optim.SGD([{"lr": 1.0}])
    with pytest.raises(TypeError, match="must be a dict"):
        optim.SGD([p]).add_param_group([p])


def test_backend_refuses_other_shapes_and_integers():
    a, b = np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)
    rest = ([(None,)], [(1, 0, 0.1, 0, 1, False, False)])
    with pytest.raises(ValueError, match=r"optimizer_step: .* shape \(2, 3\), got \(3, 2\)"):
        cpu.optimizer_step("sgd", [a], [b], *rest)
    with pytest.raises(TypeError, match=r"optimizer_step: a parameter must be .*, got int64"):
        cpu.optimizer_step("sgd", [np.ones(3, np.int64)], [np.ones(3, np.int64)], *rest)
    with pytest.raises(
        ValueError, match="sgd: expected 1 arrays of state and 7 numbers, got 1 and 2"
    ):
        cpu.optimizer_step("sgd", [a], [a], [(None,)], [(1, 0)])
    assert np.array_equal(a, np.ones((2, 3)))


def test_adafactor_refuses_state_of_another_shape():
    p, q = leaf(np.ones((2, 3))), leaf(np.ones((3, 2)))
    p.grad, q.grad = ng.ones(2, 3, dtype=ng.float64), ng.ones(3, 2, dtype=ng.float64)
    one, two = optim.Adafactor([p]), optim.Adafactor([q])
    one.step()
    two.load_state_dict(one.state_dict())
    with pytest.raises(ValueError, match=r"adafactor_step: a parameter of shape \(3, 2\) wants"):
        two.step()
    assert np.array_equal(q.detach().numpy(), np.ones((3, 2)))


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_lbfgs_on_a_slope_without_end(line_search_fn):
    p = leaf(np.array([1.0, -2.0, 3.0]))
    optimizer = optim.LBFGS([p], line_search_fn=line_search_fn)

    def closure():
        optimizer.zero_grad()
        loss = p.sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(4)]
    assert np.isfinite(losses).all() and losses == sorted(losses, reverse=True)
    with pytest.raises(TypeError, match="expected a closure, got None"):
        optimizer.step(None)


# ----------------------------------------------------------------------------------- clipping


def with_gradients(*arrays):
    params = []
    for array in arrays:
        p = leaf(np.zeros_like(array))
        p.grad = ng.tensor(np.array(array))
        params.append(p)
    return params


@pytest.mark.parametrize("norm_type", [1, 2, 2.0, 3.5, np.inf, 0])
@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clip_grad_norm(norm_type, max_norm):
    rng = np.random.default_rng(7)
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal(5), np.array(-2.0), np.zeros((0, 2))]
    params = with_gradients(*arrays)
    flat = np.concatenate([a.ravel() for a in arrays])
    total = np.linalg.norm(flat, norm_type)
    result = nn.utils.clip_grad_norm_(iter([*params, leaf(np.ones(2))]), max_norm, norm_type)
    assert result.shape == ()
    np.testing.assert_allclose(result.item(), total, rtol=1e-12)
    for p, a in zip(params, arrays):
        np.testing.assert_allclose(
            p.grad.numpy(), a * min(1, max_norm / (total + 1e-6)), rtol=1e-12
        )


def test_clip_grad_norm_of_other_types():
    half, strided = with_gradients(np.full(3, 6e4, np.float16), np.ones((4, 6)))
    strided.grad = strided.grad.t().contiguous().t()
    assert np.isinf(nn.utils.clip_grad_norm_(half, 1.0).item())
    assert nn.utils.clip_grad_norm_(strided, 1.0).item() == np.sqrt(24)
    np.testing.assert_allclose(strided.grad.numpy(), 1 / np.sqrt(24), rtol=1e-6)


def test_clip_grad_norm_special_cases():
    assert nn.utils.clip_grad_norm_([leaf(np.ones(2))], 1.0).item() == 0
    (p,) = with_gradients(np.array([np.nan, 1.0]))
    with pytest.raises(RuntimeError, match="not finite"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    assert p.grad.numpy()[1] == 1.0
    assert np.isnan(nn.utils.clip_grad_norm_(p, 1.0).item())


def test_clip_grad_value():
    (p,) = with_gradients(np.array([-3.0, 0.2, 3.0]))
    nn.utils.clip_grad_value_(p, 0.5)
    assert np.array_equal(p.grad.numpy(), [-0.5, 0.2, 0.5])


def test_parameters_as_a_vector():
    params = [leaf(np.arange(6.0).reshape(2, 3)), leaf(np.array([7.0, 8.0]))]
    vector = nn.utils.parameters_to_vector(params)
    assert np.array_equal(vector.detach().numpy(), [0, 1, 2, 3, 4, 5, 7, 8])
    nn.utils.vector_to_parameters(vector.detach() * 2, params)
    assert np.array_equal(params[0].detach().numpy(), [[0, 2, 4], [6, 8, 10]])
    assert np.array_equal(params[1].detach().numpy(), [14, 16])
    with pytest.raises(ValueError, match=r"a vector of 8 elements, got shape \(7,\)"):
        nn.utils.vector_to_parameters(ng.zeros(7), params)


def test_a_stand_in_that_never_calls_init():
    """Programs that only evaluate give their loops an optimizer that does nothing."""

    class Nothing(optim.Optimizer):
        def __init__(self):
            self.param_groups = [{"lr": 0}]

        def step(self):
            return "stepped"

        def zero_grad(self, set_to_none=False):
            pass

    nothing = Nothing()
    nothing.zero_grad()
    assert nothing.step() == nothing.step() == "stepped"
