"""Optimizers compared with PyTorch: 50 steps in float64 with a save and a reload in the middle."""

import copy
import importlib
import inspect

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# The options of the first group; those of the next in the list are the second group's.
OPTIONS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05},
        {"momentum": 0.5, "dampening": 0, "nesterov": True, "maximize": True},
        {"momentum": 0.9, "dampening": 0, "weight_decay": 0.1, "nesterov": True},
    ],
    "Adam": [
        {},
        {"lr": 0.01, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.05},
        {"amsgrad": True, "maximize": True},
        {"amsgrad": True, "decoupled_weight_decay": True, "weight_decay": 0.3},
    ],
    "AdamW": [{}, {"lr": 0.01, "weight_decay": 0.3, "amsgrad": True}, {"maximize": True}],
    "Adamax": [{}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.05},
               {"maximize": True}],
    "NAdam": [
        {},
        {"lr": 0.01, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.05},
        {"momentum_decay": 0.1, "maximize": True},
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
    ],
    "RAdam": [
        {},
        {"lr": 0.01, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.05},
        {"maximize": True, "betas": (0.9, 0.9)},
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
    ],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.05, "eps": 0.1},
                {"initial_accumulator_value": 0.5, "maximize": True}],
    "Adadelta": [{}, {"lr": 0.1, "rho": 0.5, "eps": 0.1, "weight_decay": 0.05},
                 {"rho": 1, "maximize": True}],
    "RMSprop": [
        {},
        {"lr": 0.02, "alpha": 0.5, "eps": 0.1, "weight_decay": 0.05, "momentum": 0.9},
        {"centered": True, "maximize": True},
        {"centered": True, "momentum": 0.5},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 3), "step_sizes": (0.05, 0.2)}, {"maximize": True}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 10, "weight_decay": 0.05},
             {"maximize": True, "t0": 0}],
    "Adafactor": [
        {},
        {"lr": 0.5, "beta2_decay": -0.3, "eps": (0.01, 0.1), "d": 2.0, "weight_decay": 0.05},
        {"maximize": True},
    ],
    "Muon": [
        {},
        {"lr": 0.1, "momentum": 0.5, "nesterov": False, "adjust_lr_fn": "match_rms_adamw"},
        {"ns_steps": 3, "ns_coefficients": (3.0, -3.2, 1.2), "weight_decay": 0.5, "eps": 1.0},
    ],
}  # fmt: skip
CASES = [(name, i) for name, options in OPTIONS.items() for i in range(len(options))]
SHAPES = [(3, 5), (7,), (), (2, 3, 4), (33,), (5, 2)]
EMPTY = (0, 3)


def make(t, name, i, arrays, dtype="float64"):
    """Parameters and an optimizer with two groups; no gradient ever reaches the last of them."""
    params = []
    for array in arrays:
        p = t.tensor(array, dtype=getattr(t, dtype))
        params.append(p.T.contiguous().T.requires_grad_() if p.ndim == 2 else p.requires_grad_())
    options = OPTIONS[name]
    second = options[(i + 1) % len(options)]
    groups = [{"params": params[::2]}, {"params": params[1::2], **second}]
    return params, getattr(t.optim, name)(groups, **options[i])


def arrays_for(name, rng):
    shapes = [(3, 5), (6, 2), (4, 4), (2, 2)] if name == "Muon" else [*SHAPES, EMPTY]
    if name == "Adafactor":  # PyTorch's divides by the number of elements
        shapes = SHAPES
    return [rng.standard_normal(shape) for shape in shapes]


def steps(runs, rng, n):
    """Give all optimizers the same gradients; a parameter misses each fifth, the last one all."""
    for k in range(n):
        for i in range(len(runs[0][0]) - 1):
            grad = rng.standard_normal(tuple(runs[0][0][i].shape))
            for t, params, _ in [
                (ng if isinstance(r[0][0], ng.Tensor) else torch, *r) for r in runs
            ]:
                p = params[i]
                p.grad = None if (k + i) % 5 == 4 else t.tensor(grad, dtype=p.dtype)
        for _, optimizer in runs:
            optimizer.step()


def convert(value, t):
    """State with its tensors made the other library's."""
    if isinstance(value, (ng.Tensor, torch.Tensor)):
        return t.tensor(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: convert(v, t) for key, v in value.items()}
    if isinstance(value, list):
        return [convert(v, t) for v in value]
    return value


def same_state(ours, theirs, tolerance):
    a, b = ours.state_dict(), theirs.state_dict()
    assert a["param_groups"] == b["param_groups"]
    assert a["state"].keys() == b["state"].keys()
    for number, entries in b["state"].items():
        assert a["state"][number].keys() == entries.keys()
        for key, value in entries.items():
            mine = a["state"][number][key]
            assert tuple(mine.shape) == tuple(value.shape), key
            assert str(mine.dtype).split(".")[1] == str(value.dtype).split(".")[1], key
            np.testing.assert_allclose(
                mine.numpy(), value.numpy(), rtol=tolerance, atol=tolerance, err_msg=key
            )


def same(runs, tolerance):
    for group in zip(*[params for params, _ in runs]):
        for p in group[1:]:
            np.testing.assert_allclose(
                p.detach().numpy(), group[0].detach().numpy(), rtol=tolerance, atol=tolerance
            )


@pytest.mark.parametrize(("name", "i"), CASES)
def test_trajectory(name, i, monkeypatch):
    if name == "Muon":  # PyTorch's rounds to bfloat16
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    rng = np.random.default_rng(i)
    arrays = arrays_for(name, rng)
    ours, theirs = make(ng, name, i, arrays), make(torch, name, i, arrays)
    assert repr(ours[1]) == repr(theirs[1])
    steps([ours, theirs], rng, 25)
    same([ours, theirs], 1e-6)
    same_state(ours[1], theirs[1], 1e-6)

    saved = [copy.deepcopy(run[1].state_dict()) for run in (ours, theirs)]
    here = [p.detach().numpy().copy() for p in theirs[0]]
    runs = []
    for t in (ng, torch):
        for state in saved:
            run = make(t, name, (i + 1) % len(OPTIONS[name]), here)  # other options, to be replaced
            run[1].load_state_dict(convert(state, t))
            runs.append(run)
    steps(runs, rng, 25)
    same(runs, 1e-6)
    same_state(runs[0][1], runs[2][1], 1e-6)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "Muon"])
def test_float32(name):
    rng = np.random.default_rng(1)
    arrays = arrays_for(name, rng)
    runs = [make(t, name, 0, arrays, "float32") for t in (ng, torch)]
    steps(runs, rng, 10)
    same(runs, 2e-5)


@pytest.mark.parametrize("name", [n for n in OPTIONS if n not in ("Adafactor", "Muon")])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64"])
def test_other_types(name, dtype):
    rng = np.random.default_rng(2)
    values = rng.standard_normal(9) + (1j * rng.standard_normal(9) if "complex" in dtype else 0)
    options = {"lr": 0.1, **({"eps": 1e-3} if name not in ("SGD", "Rprop", "ASGD") else {})}
    results = []
    for t in (ng, torch):
        p = t.tensor(values, dtype=getattr(t, dtype)).requires_grad_()
        optimizer = getattr(t.optim, name)([p], **options)
        for k in range(3):
            p.grad = t.tensor(values + k, dtype=p.dtype)
            optimizer.step()
        results.append((p.detach() + 0).to(t.complex64).numpy())
    tolerance = {"float16": 4e-3, "bfloat16": 4e-2, "complex64": 1e-5}[dtype]
    np.testing.assert_allclose(*results, rtol=tolerance, atol=tolerance)


# -------------------------------------------------------------------------------------- LBFGS


def rosenbrock(t, p, q):
    x = t.cat([p.reshape(-1), q])
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def lbfgs(t, **options):
    p = t.tensor([[-1.2, 1.0], [0.8, 1.1]], dtype=t.float64, requires_grad=True)
    q = t.tensor([0.5], dtype=t.float64, requires_grad=True)
    unused = t.zeros(2, dtype=t.float64, requires_grad=True)
    optimizer = t.optim.LBFGS([p, unused], **options)
    optimizer.param_groups[0]["params"].append(q)
    return p, q, unused, optimizer


def lbfgs_step(t, p, q, optimizer):
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = rosenbrock(t, p, q)
        loss.backward()
        return loss

    return optimizer.step(closure).item(), calls


@pytest.mark.parametrize(
    "options",
    [
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 2, "lr": 0.5},
        {"line_search_fn": "strong_wolfe", "max_eval": 4},
        {"lr": 1e-3, "max_iter": 4},
        {"lr": 0.1, "max_iter": 5, "history_size": 3},
        {"lr": 0.5, "tolerance_grad": 30.0},
        {"lr": 0.1, "tolerance_change": 0.5},
    ],
)
def test_lbfgs(options):
    ours, theirs = lbfgs(ng, **options), lbfgs(torch, **options)
    for k in range(12):
        if k == 3:  # on both sides from the other's state
            states = [copy.deepcopy(run[-1].state_dict()) for run in (ours, theirs)]
            assert states[0]["state"][0].keys() | {"al"} == states[1]["state"][0].keys() | {"al"}
            ours[-1].load_state_dict(convert(states[1], ng))
            theirs[-1].load_state_dict(convert(states[0], torch))
        a = lbfgs_step(ng, *ours[:2], ours[-1])
        b = lbfgs_step(torch, *theirs[:2], theirs[-1])
        assert a[1] == b[1]
        np.testing.assert_allclose(a[0], b[0], rtol=1e-6, atol=1e-12)
        for p, q in zip(ours[:3], theirs[:3]):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-6)
        state = theirs[-1].state_dict()["state"][0]
        for key in ("func_evals", "n_iter"):
            assert ours[-1].state_dict()["state"][0][key] == state[key]


@pytest.mark.parametrize("loss", [lambda p: (p**4).sum(), lambda p: -p.cos().sum()])
def test_lbfgs_on_other_functions(loss):
    results = []
    for t in (ng, torch):
        p = t.tensor([1.0, -2.0, 3.0], dtype=t.float64, requires_grad=True)
        optimizer = t.optim.LBFGS([p], line_search_fn="strong_wolfe", max_iter=6)

        def closure(p=p, optimizer=optimizer):
            optimizer.zero_grad()
            value = loss(p)
            value.backward()
            return value

        results.append([])
        for _ in range(4):
            optimizer.step(closure)
            results[-1].append(p.detach().numpy().copy())
    np.testing.assert_allclose(*results, rtol=1e-6, atol=1e-9)


# ----------------------------------------------------------------------- what programs may write


def module(t):
    return importlib.import_module(f"{t.__name__}.optim.optimizer")


def own_optimizer(t):
    """An optimizer as users write them: Adam with a clipped step, state of many kinds."""

    required = module(t).required

    class Own(t.optim.Optimizer):
        def __init__(self, params, lr=required, betas=(0.9, 0.99), wd=0.0):
            super().__init__(params, dict(lr=lr, betas=betas, wd=wd))

        def __setstate__(self, state):
            super().__setstate__(state)
            for group in self.param_groups:
                group.setdefault("wd", 0.0)

        @t.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with t.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    grad = p.grad.data
                    state = self.state[p]
                    if len(state) == 0:
                        state["step"] = 0
                        state["mean"] = t.zeros_like(p.data)
                        state["square"] = t.zeros_like(p, memory_format=t.preserve_format)
                        state["seen"] = []
                    state["step"] += 1
                    state["seen"] = [*state["seen"][-1:], grad.clone()]
                    state["mean"].mul_(beta1).add_(grad, alpha=1 - beta1)
                    state["square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
                    scale = (1 - beta2 ** state["step"]) ** 0.5 / (1 - beta1 ** state["step"])
                    p.data.mul_(1 - group["lr"] * group["wd"])
                    denominator = state["square"].sqrt().add_(1e-8)
                    p.addcdiv_(state["mean"], denominator, value=-group["lr"] * scale)
                    p.add_(state["seen"][0].clamp(-1, 1), alpha=-group["lr"])
            return loss

    return Own


def test_optimizer_written_by_a_user():
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal(shape) for shape in [(3, 2), (4,), (2,)]]
    runs = []
    for t in (ng, torch):
        params = [t.tensor(a, requires_grad=True) for a in arrays]
        groups = [{"params": params[:1], "wd": 0.1}, {"params": params[1:]}]
        runs.append((params, own_optimizer(t)(groups, lr=0.1)))
        with pytest.raises(ValueError, match="lr"):
            own_optimizer(t)(params)
    steps(runs, rng, 10)
    same(runs, 1e-9)
    for (params, optimizer), t in zip(runs, (ng, torch)):
        twin = own_optimizer(t)(params, lr=1.0)
        twin.add_param_group({"params": t.zeros(1, requires_grad=True)})
        with pytest.raises(ValueError, match="group"):
            twin.load_state_dict(optimizer.state_dict())
        state = copy.deepcopy(optimizer.state_dict())
        del state["param_groups"][0]["wd"]
        optimizer.load_state_dict(state)
        assert optimizer.param_groups[0]["wd"] == 0.0 and optimizer.state[params[0]]["step"] == 8
    steps(runs, rng, 10)
    same(runs, 1e-9)


def wrappers(t):
    """Optimizers around an optimizer: one that calls Optimizer.__init__, and one that does not."""

    class Sharp(t.optim.Optimizer):
        def __init__(self, params, base, rho=0.1, **options):
            super().__init__(params, dict(rho=rho, **options))
            self.base = base(self.param_groups, **options)
            self.param_groups = self.base.param_groups
            self.defaults.update(self.base.defaults)

        @t.no_grad()
        def step(self, closure=None):
            closure = t.enable_grad()(closure)
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["move"] = p.grad * group["rho"]
                    p.add_(self.state[p]["move"])
            self.zero_grad()
            closure()
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(self.state[p]["move"])
            self.base.step()

    class Ahead(t.optim.Optimizer):
        def __init__(self, optimizer, k=3, alpha=0.5):
            self.optimizer, self.k, self.alpha, self.count = optimizer, k, alpha, 0
            self.param_groups, self.state = optimizer.param_groups, optimizer.state
            self.slow = [[p.detach().clone() for p in g["params"]] for g in self.param_groups]

        def step(self, closure=None):
            self.optimizer.step(closure)
            self.count += 1
            if self.count % self.k == 0:
                for group, slow in zip(self.param_groups, self.slow):
                    for p, q in zip(group["params"], slow):
                        q.add_(p.data - q, alpha=self.alpha)
                        p.data.copy_(q)

    return Sharp, Ahead


def test_optimizers_around_optimizers():
    results = []
    for t in (ng, torch):
        p = t.tensor([1.0, -2.0], dtype=t.float64, requires_grad=True)
        sharp, ahead = wrappers(t)
        inner = sharp([p], t.optim.SGD, lr=0.1, momentum=0.9)
        optimizer = ahead(inner)
        schedule = t.optim.lr_scheduler.ExponentialLR(inner, 0.9)

        def closure(p=p):
            loss = (p**4).sum()
            loss.backward()
            return loss

        for _ in range(7):
            inner.zero_grad()
            closure()
            optimizer.step(closure)
            schedule.step()
        results.append(p.detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-12)


def test_hooks():
    results = []
    for t in (ng, torch):
        seen = []
        p = t.ones(2, requires_grad=True)
        p.grad = t.ones(2)
        o = t.optim.SGD([p], lr=0.1)

        def log(name, seen=seen):
            return lambda *args: seen.append((name, len(args), type(args[0]).__name__))

        handles = [
            module(t).register_optimizer_step_pre_hook(log("all before")),
            module(t).register_optimizer_step_post_hook(log("all after")),
            o.register_step_pre_hook(log("before")),
            o.register_step_post_hook(log("after")),
            o.register_state_dict_pre_hook(log("save")),
            o.register_state_dict_pre_hook(log("save first"), prepend=True),
            o.register_load_state_dict_post_hook(log("loaded")),
            o.register_load_state_dict_pre_hook(log("load")),
        ]
        more = o.register_state_dict_post_hook(lambda o, state: {**state, "note": 7})
        change = o.register_step_pre_hook(
            lambda o, args, kwargs: ((args[0], lambda: 3.0), kwargs) if len(args) == 1 else None
        )
        seen.append(o.step())
        state = o.state_dict()
        seen.append(state["note"])
        o.load_state_dict(state)
        more.remove()
        change.remove()
        seen.append(sorted(o.state_dict()))
        for handle in handles:
            handle.remove()
        count = len(seen)
        o.step()
        assert len(seen) == count
        results.append(seen)
    assert results[0] == results[1]


def test_learning_rate_in_a_tensor():
    runs = []
    for t in (ng, torch):
        p = t.tensor([1.0, -2.0], dtype=t.float64, requires_grad=True)
        lr = t.tensor(0.5)
        optimizer = t.optim.SGD([p], lr=lr, momentum=0.5)
        for _ in range(3):
            p.grad = p.detach() * 2
            optimizer.step()
            lr.mul_(0.5)
        runs.append(p.detach().numpy())
        with pytest.raises(ValueError, match="element"):
            t.optim.Adam([p], lr=t.ones(2))
    np.testing.assert_allclose(*runs, rtol=1e-12)


@pytest.mark.parametrize("name", [*OPTIONS, "LBFGS", "Optimizer"])
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(t.optim, name)) for t in (ng, torch))
    assert list(ours.parameters) == list(theirs.parameters)
    for a, b in zip(ours.parameters.values(), theirs.parameters.values()):
        assert (a.kind, a.default) == (b.kind, b.default), a.name


def test_every_optimizer_is_here():
    theirs = {name for name in torch.optim.__all__ if name != "swap_in_optimizer_params_and_state"}
    assert theirs - set(optim.__all__) == {"SparseAdam"}  # there are no sparse tensors


# Options that both refuse.
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": -1.0}), ("SGD", {"momentum": -1.0}), ("SGD", {"nesterov": True}),
        ("Adam", {"betas": (0.5, 1.0)}), ("Adam", {"eps": -1.0}), ("Adam", {"weight_decay": -1}),
        ("AdamW", {"betas": (-0.1, 0.9)}), ("Adamax", {"eps": -1.0}), ("Adamax", {"lr": -1.0}),
        ("NAdam", {"momentum_decay": -1.0}), ("RAdam", {"betas": (1.0, 0.9)}),
        ("Adagrad", {"lr_decay": -1.0}), ("Adagrad", {"initial_accumulator_value": -1.0}),
        ("Adadelta", {"rho": 1.1}), ("Adadelta", {"eps": -1.0}), ("RMSprop", {"alpha": -1.0}),
        ("Rprop", {"etas": (1.2, 0.5)}), ("Rprop", {"lr": -1.0}), ("ASGD", {"weight_decay": -1.0}),
        ("Adafactor", {"beta2_decay": 0.1}), ("Adafactor", {"d": 0.5}),
        ("Adafactor", {"eps": (-1.0, 0.1)}), ("Adafactor", {"eps": (None, -0.1)}),
        ("Muon", {"adjust_lr_fn": "other"}), ("Muon", {"momentum": -1.0}), ("LBFGS", {"lr": -1}),
    ],
)  # fmt: skip
def test_options_out_of_range(name, options):
    for t in (ng, torch):
        with pytest.raises(ValueError):
            getattr(t.optim, name)([t.ones(2, 2, requires_grad=True)], **options)


def test_groups_that_do_not_fit():
    for t in (ng, torch):
        p, q = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
        with pytest.raises(ValueError):
            t.optim.Muon([p])
        with pytest.raises(ValueError):
            t.optim.LBFGS([{"params": [p]}, {"params": [q]}])
        named = t.optim.SGD([("p", p)])
        with pytest.raises(ValueError):
            named.add_param_group({"params": [q]})
        with pytest.raises(ValueError):
            t.optim.SGD([("p", p), q])
        with pytest.warns(UserWarning, match="parameter group"):
            t.optim.SGD([p, p])
        group = {"params": q}
        plain = t.optim.SGD([p], lr=0.5)
        plain.add_param_group(group)
        assert plain.param_groups[1] is group and group["lr"] == 0.5
