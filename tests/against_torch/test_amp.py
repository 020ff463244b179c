"""GradScaler and the switches of autocast compared with PyTorch."""

import copy
import inspect
import pickle
import threading
import warnings

import numpy as np
import pytest

import naivegrad as ng

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*(CUDA|cuda|autocast|deprecated|GPU)"),
]


def pairs(**options):
    """Two optimizers and a scaler in each library."""
    runs = []
    for t in (ng, torch):
        start = [[[1.0, -2.0], [0.5, 3.0]], [[1.5, 2.0]], [1.0, 2.0, 3.0]]
        params = [t.tensor(x, dtype=t.float64, requires_grad=True) for x in start]
        optimizers = [t.optim.SGD(params[:1], lr=0.1), t.optim.Adam(params[1:], lr=0.1)]
        runs.append((t, params, optimizers, t.amp.GradScaler("cpu", **options)))
    return runs


def same(runs):
    (_, ps, _, a), (_, qs, _, b) = runs
    assert a.state_dict() == b.state_dict() and a.get_scale() == b.get_scale()
    for p, q in zip(ps, qs):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-6)


def iterate(runs, k, bad, clip):
    """One iteration; the gradient of parameter `bad` is not finite."""
    factor = {0: np.inf, 1: -np.inf, 2: np.nan}[k % 3]
    for t, params, optimizers, scaler in runs:
        for optimizer in optimizers:
            optimizer.zero_grad()
        losses = [(p * p).sum() * 0.5 for p in params]
        for scaled in scaler.scale(losses):
            scaled.backward()
        if bad is not None:
            params[bad].grad.reshape(-1)[1] = factor
        for optimizer in optimizers:
            if clip:
                scaler.unscale_(optimizer)
                t.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
            scaler.step(optimizer)
        scaler.update()
    same(runs)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"growth_interval": 3},
        {"init_scale": 3.0, "growth_factor": 1.7, "backoff_factor": 0.3, "growth_interval": 1},
        {"init_scale": 2.0**126, "growth_interval": 2},
    ],
)
def test_scaler(options, clip):
    runs = pairs(**options)
    for k, bad in enumerate([None, 0, None, None, None, 2, 1, None, None, None, None, 0, None]):
        iterate(runs, k, bad, clip)
        if k == 7:  # from the other's state, and through a pickle
            states = [copy.deepcopy(run[3].state_dict()) for run in runs]
            runs[0][3].load_state_dict(states[1])
            runs[1][3].load_state_dict(states[0])
        if k == 9:
            runs = [(*run[:3], pickle.loads(pickle.dumps(run[3]))) for run in runs]
    for _, _, _, scaler in runs:
        scaler.update(8.0)
        scaler.set_growth_factor(3.0)
        scaler.set_backoff_factor(0.25)
        scaler.set_growth_interval(7)
        settings = scaler.get_growth_factor(), scaler.get_backoff_factor()
        assert (*settings, scaler.get_growth_interval()) == (3.0, 0.25, 7)
    same(runs)


def test_what_a_scaler_returns():
    for t in (ng, torch):
        p = t.ones(2, requires_grad=True)
        optimizer = t.optim.SGD([p], lr=0.1)
        scaler = t.amp.GradScaler("cpu", init_scale=4.0)
        nested = scaler.scale((p, [p, (p,)]))
        assert nested[1][1][0].tolist() == [4.0, 4.0] and isinstance(nested, tuple)
        assert [x.tolist() for x in scaler.scale(iter([p]))] == [[4.0, 4.0]]
        p.grad = t.ones(2)
        assert scaler.step(optimizer) is None
        scaler.update(t.tensor(2.0))
        assert scaler.get_scale() == 2.0

        off = t.amp.GradScaler("cpu", enabled=False)
        assert off.scale(p) is p and off.get_scale() == 1.0 and not off.is_enabled()
        off.unscale_(optimizer)
        off.step(optimizer, lambda: 3.0)
        off.update()
        assert off.state_dict() == {}
        off.load_state_dict({})


def test_a_step_is_taken_once_and_in_order():
    for t, error in ((ng, RuntimeError), (torch, (RuntimeError, AssertionError))):
        p = t.ones(2, requires_grad=True)
        optimizer = t.optim.SGD([p], lr=0.1)
        scaler = t.amp.GradScaler("cpu")
        for method in (scaler.unscale_, scaler.step):
            with pytest.raises(error):
                method(optimizer)
        with pytest.raises(error):
            scaler.update()
        scaler.scale(p.sum())
        with pytest.raises(error):
            scaler.update()
        with pytest.raises(error):
            scaler.step(optimizer)  # no gradients
        scaler = t.amp.GradScaler("cpu")
        scaler.scale(p.sum()).backward()
        with pytest.raises(error):
            scaler.step(optimizer, closure=lambda: 1.0)
        scaler.unscale_(optimizer)
        with pytest.raises(error):
            scaler.unscale_(optimizer)
        with pytest.raises(error):
            pickle.dumps(scaler)
        scaler.step(optimizer)
        for method in (scaler.unscale_, scaler.step):
            with pytest.raises(error):
                method(optimizer)
        scaler.update()
        p.grad = None
        half = t.ones(2, dtype=t.float16, requires_grad=True)
        half.grad = t.ones(2, dtype=t.float16)
        with pytest.raises(ValueError, match=r"(?i)fp16|float16"):
            scaler.step(t.optim.SGD([half]))
        for options in ({"growth_factor": 1.0}, {"backoff_factor": 1.0}):
            with pytest.raises((ValueError, AssertionError)):
                t.amp.GradScaler("cpu", **options)
        with pytest.raises((ValueError, RuntimeError)):
            scaler.load_state_dict({})


# ------------------------------------------------------------------------------------ autocast


def switches(t):
    name = str(t.get_autocast_dtype("cpu")).split(".")[1]
    return (
        t.is_autocast_enabled("cpu"), t.is_autocast_enabled(), name, t.is_autocast_cache_enabled(),
    )  # fmt: skip


def walk(t):
    """What the switches say in nested blocks."""
    seen = [switches(t)]
    outer = t.autocast("cpu", dtype=t.float16, cache_enabled=False)
    with outer:
        seen.append(switches(t))
        with t.autocast(device_type="cpu", enabled=False):
            seen.append(switches(t))
            with outer if t is ng else t.autocast("cpu", dtype=t.float16, cache_enabled=False):
                seen.append(switches(t))
        with t.amp.autocast("cpu", t.bfloat16):
            seen.append(switches(t))
        thread = threading.Thread(target=lambda: seen.append(switches(t)))
        thread.start()
        thread.join()

    @t.autocast("cpu")
    def inside(x):
        """Say so."""
        seen.append(switches(t))
        return x

    assert inside(3) == 3 and inside.__doc__ == "Say so."
    with pytest.raises(KeyError), t.autocast("cpu"):
        raise KeyError
    with t.autocast("cuda"), t.cuda.amp.autocast(), t.autocast("cpu", dtype=t.float32):
        seen.append(switches(t))
    t.set_autocast_enabled("cpu", True)
    t.set_autocast_dtype("cpu", t.float16)
    t.set_autocast_cache_enabled(False)
    seen.append(switches(t))
    t.set_autocast_enabled("cpu", False)
    t.set_autocast_dtype("cpu", t.bfloat16)
    t.set_autocast_cache_enabled(True)
    t.clear_autocast_cache()
    seen.append((t.autocast_increment_nesting(), t.autocast_decrement_nesting()))
    seen.append((t.amp.is_autocast_available("cpu"), t.amp.is_autocast_available("cuda")))
    return [*seen, switches(t)]


def test_switches():
    assert walk(ng) == walk(torch)


def test_autocast_changes_nothing():
    model = ng.nn.Sequential(ng.nn.Linear(3, 4), ng.nn.ReLU(), ng.nn.Linear(4, 2))
    x = ng.randn(5, 3)
    expected = model(x)
    with ng.autocast("cpu", dtype=ng.bfloat16):
        y = model(x)
        y.sum().backward()
    assert y.dtype is ng.float32 and ng.equal(y, expected)


def run_function(t, cast, enabled):
    seen = []
    wish = None if cast is None else getattr(t, cast)

    class Double(t.autograd.Function):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu", cast_inputs=wish)
        def forward(ctx, x, rest):
            seen.append((switches(t), *[str(v.dtype).split(".")[1] for v in (x, *rest)]))
            return x * 2

        @staticmethod
        @t.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            seen.append(switches(t))
            return grad * 2, None

    x = t.ones(2, requires_grad=True)
    rest = [t.ones(1, dtype=t.float64), t.ones(1, dtype=t.int64), t.ones(1)]
    with t.autocast("cpu", enabled=enabled):
        y = Double.apply(x, rest)
    y.sum().backward()
    return [*seen, str(y.dtype).split(".")[1], x.grad.tolist()]


@pytest.mark.parametrize("cast", [None, "float16"])
@pytest.mark.parametrize("enabled", [False, True])
def test_own_function(cast, enabled):
    assert run_function(ng, cast, enabled) == run_function(torch, cast, enabled)


def test_mistakes():
    with pytest.raises(ValueError, match="device_type must be one of"):
        ng.autocast("tpu")
    with pytest.raises(TypeError, match="device_type must be a str, got dtype"):
        ng.autocast(ng.float16)
    with pytest.raises(TypeError, match="expected a function to decorate, got int"):
        ng.autocast("cpu")(3)
    with pytest.raises(ValueError, match="device must be 'cpu' or 'cuda', got 'tpu'"):
        ng.amp.GradScaler("tpu")
    with pytest.raises(TypeError, match="expected a Tensor or an iterable of them"):
        ng.amp.GradScaler("cpu").scale(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="there is no GPU"):
            ng.autocast("cuda")
        with pytest.raises(UserWarning, match="there is no GPU"):
            ng.cuda.amp.GradScaler()
        with pytest.raises(UserWarning, match=r"must be bfloat16 or float16, got .*float32"):
            ng.autocast("cpu", dtype=ng.float32)
        assert not ng.cuda.amp.GradScaler(enabled=False).is_enabled()
        ng.cuda.amp.autocast(enabled=False)


@pytest.mark.parametrize(
    "name", ["amp.autocast", "amp.GradScaler", "amp.custom_fwd", "cuda.amp.GradScaler"]
)
def test_signature(name):
    ours, theirs = ng, torch
    for part in name.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
