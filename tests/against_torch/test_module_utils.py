"""Fusing of batch norms, functional_call and pruning against PyTorch."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn.utils import prune

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")  # not loaded with torch
pytestmark = pytest.mark.torch


def numpy(t):
    return t.detach().numpy()


def close(got, want):
    np.testing.assert_allclose(numpy(got), numpy(want), rtol=1e-10, atol=1e-10)


def twin(build):
    """A module of both libraries, with the same random state."""
    theirs = build(torch.nn).double()
    with torch.no_grad():
        for value in theirs.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape) + 0.5)
    return build(nn).double().init_from_torch(theirs), theirs


# ------------------------------------------------------------------------------------- fusing

FUSED = [
    ("Conv1d", (3, 4, 3), {"groups": 1}, "BatchNorm1d", {}, (2, 3, 6)),
    ("Conv2d", (4, 6, 3), {"groups": 2, "bias": False}, "BatchNorm2d", {}, (2, 4, 5, 6)),
    ("Conv2d", (3, 4, 2), {}, "BatchNorm2d", {"affine": False}, (2, 3, 5, 6)),
    ("Conv3d", (2, 3, 2), {}, "BatchNorm3d", {"bias": False}, (1, 2, 3, 4, 3)),
    ("ConvTranspose2d", (3, 4, 2), {}, "BatchNorm2d", {"eps": 0.1}, (2, 3, 4, 5)),
    ("Linear", (3, 4), {"bias": False}, "BatchNorm1d", {}, (5, 3)),
    ("Linear", (3, 4), {}, "BatchNorm1d", {}, (5, 3)),
]


@pytest.mark.parametrize(("layer", "args", "options", "norm", "norm_options", "shape"), FUSED)
def test_fused(layer, args, options, norm, norm_options, shape):
    layers, norms = (
        twin(lambda m: getattr(m, layer)(*args, **options)),
        twin(lambda m: getattr(m, norm)(args[1], **norm_options)),
    )
    fused = []
    for lib, one, other in zip((ng, torch), layers, norms, strict=True):
        one.weight.requires_grad_(False)
        u, rest = lib.nn.utils, ()
        if layer.startswith("ConvTranspose"):
            rest = (True,)
        fuse = u.fuse_linear_bn_eval if layer == "Linear" else u.fuse_conv_bn_eval
        fused.append(fuse(one.eval(), other.eval(), *rest))
    ours, theirs = fused
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    for (key, got), want in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        close(got, want)
        assert got.requires_grad == want.requires_grad, key
    x = np.random.default_rng(0).standard_normal(shape)
    close(ours(ng.tensor(x)), norms[0](layers[0](ng.tensor(x))))


def test_fusing_is_for_evaluation():
    conv, norm = nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)
    with pytest.raises(ValueError, match=r"fuse_conv_bn_eval: .* must be in evaluation mode"):
        nn.utils.fuse_conv_bn_eval(conv, norm)
    norm = nn.BatchNorm2d(2, track_running_stats=False).eval()
    with pytest.raises(ValueError, match="has no running statistics"):
        nn.utils.fuse_conv_bn_eval(conv.eval(), norm)
    with pytest.raises(ValueError, match="out_features=4, the batch norm num_features=3"):
        nn.utils.fuse_linear_bn_eval(nn.Linear(2, 4).eval(), nn.BatchNorm1d(3).eval())


def test_skip_init():
    layer = nn.utils.skip_init(nn.Linear, 3, 4, bias=False, dtype=ng.float64)
    assert layer.weight.shape == (4, 3) and layer.weight.dtype == ng.float64
    with pytest.raises(ValueError, match="ReLU takes no device"):
        nn.utils.skip_init(nn.ReLU)


# ---------------------------------------------------------------------------- functional_call


def both_calls(program):
    results = []
    for lib in (ng, torch):
        call = lib.nn.utils.stateless.functional_call if lib is ng else lib.func.functional_call
        results.append(program(lib, call))
    for got, want in zip(*results, strict=True):
        close(got, want)


def test_functional_call():
    nets = dict(zip((ng, torch), twin(lambda m: m.Sequential(m.Linear(2, 3), m.Linear(3, 1)))))

    def program(lib, call):
        net = nets[lib]
        before = net[0].weight
        w = lib.arange(6.0).double().reshape(3, 2).requires_grad_()
        x = lib.ones(4, 2, dtype=lib.float64)
        y = call(net, {"0.weight": w}, (x,))
        y.sum().backward()
        assert net[0].weight is before and before.grad is None
        return y, w.grad, net[1].weight.grad, call(net, {"1.bias": w[0, :1] + 3}, x)

    both_calls(program)


def test_functional_call_with_buffers_kwargs_and_an_exception():
    nets = dict(zip((ng, torch), twin(lambda m: m.BatchNorm1d(2))))

    def program(lib, call):
        norm = nets[lib]
        state = {"running_mean": lib.ones(2, dtype=lib.float64), "weight": norm.weight * 2}
        x = lib.arange(6.0).double().reshape(3, 2)
        y = call(norm, state, kwargs={"input": x})
        mean = norm.running_mean
        with pytest.raises(ValueError):
            call(norm, state, lib.ones(1, dtype=lib.float64).reshape(()))
        assert norm.running_mean is mean and isinstance(norm.weight, lib.nn.Parameter)
        return y, state["running_mean"], mean

    both_calls(program)


def test_functional_call_with_ties():
    def build(m):
        net = m.Sequential(m.Linear(2, 2, bias=False), m.Linear(2, 2, bias=False))
        net[1].weight = net[0].weight
        return net

    nets = dict(zip((ng, torch), twin(build)))

    def program(lib, call):
        net, x = nets[lib], lib.ones(1, 2, dtype=lib.float64)
        w = lib.arange(4.0).double().reshape(2, 2)
        with pytest.raises(ValueError):
            call(net, {"0.weight": w, "1.weight": w + 1}, x)
        with pytest.raises(RuntimeError):
            call(net, {"0.weight": w, "odd": w}, x, strict=True)
        tied, untied = (
            call(net, {"1.weight": w}, x),
            call(net, {"1.weight": w}, x, tie_weights=False),
        )
        return tied, untied, call(net, ({"0.weight": w}, {}), x)

    both_calls(program)


def test_functional_call_refuses():
    layer, call = nn.Linear(2, 1), nn.utils.stateless.functional_call
    with pytest.raises(TypeError, match="'weight' must be a Tensor, got int"):
        call(layer, {"weight": 3}, ng.ones(2))
    with pytest.raises(TypeError, match="expected dicts of Tensors, got 3"):
        call(layer, 3, ng.ones(2))
    with pytest.raises(ValueError, match=r"\['bias'\] are given more than once"):
        call(layer, ({"bias": ng.ones(1)}, {"bias": ng.ones(1)}), ng.ones(2))


# ------------------------------------------------------------------------------------ pruning


def pruned(lib, program):
    net = program(lib.nn.utils.prune)
    return {key: numpy(value) for key, value in net.state_dict().items()}, numpy(net.weight)


PROGRAMS = [
    lambda p, m: p.identity(m, "weight"),
    lambda p, m: p.l1_unstructured(m, "weight", 5),
    lambda p, m: p.l1_unstructured(m, "weight", 0.3),
    lambda p, m: p.l1_unstructured(p.l1_unstructured(m, "weight", 0.3), "weight", 0.5),
    lambda p, m: p.ln_structured(m, "weight", 2, n=2, dim=0),
    lambda p, m: p.ln_structured(m, "weight", 0.5, n=1, dim=-1),
    lambda p, m: p.ln_structured(m, "weight", 1, n=float("inf"), dim=1),
    lambda p, m: p.ln_structured(p.l1_unstructured(m, "weight", 7), "weight", 2, 2, 0),
    lambda p, m: p.l1_unstructured(p.ln_structured(m, "weight", 2, 2, 0), "weight", 4),
    lambda p, m: p.ln_structured(p.ln_structured(m, "weight", 1, 2, 0), "weight", 2, 2, 0),
    lambda p, m: p.remove(p.l1_unstructured(m, "weight", 5), "weight"),
    lambda p, m: p.l1_unstructured(p.identity(p.identity(m, "weight"), "weight"), "bias", 2),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_pruning(program):
    modules = dict(zip((ng, torch), twin(lambda m: m.Conv1d(4, 5, 3)), strict=True))
    with torch.no_grad():
        modules[torch].weight.copy_(torch.randn(5, 4, 3))
    modules[ng].init_from_torch(modules[torch])
    results = []
    for lib, module in modules.items():
        state, weight = pruned(lib, lambda p, m=module: program(p, m))
        module(lib.ones(1, 4, 6, dtype=lib.float64)).sin().sum().backward()
        gradients = {key: numpy(value.grad) for key, value in module.named_parameters()}
        assert lib.nn.utils.prune.is_pruned(lib.nn.Sequential(module)) == ("weight" not in state)
        results.append((state, {"weight": weight}, gradients))
    for got, want in zip(*results, strict=True):
        assert list(got) == list(want)
        for key, value in want.items():
            np.testing.assert_allclose(got[key], value, rtol=1e-12, atol=1e-12, err_msg=key)


def test_pruning_of_all_together():
    masks = []
    builds = twin(lambda m: m.Sequential(m.Linear(3, 4), m.Linear(4, 5)))
    scores = np.random.default_rng(0).standard_normal((5, 4))
    for lib, net in zip((ng, torch), builds, strict=True):
        p = lib.nn.utils.prune
        pairs = [(net[0], "weight"), (net[1], "weight")]
        for amount in (0.2, 6):
            p.global_unstructured(
                pairs,
                p.L1Unstructured,
                importance_scores={pairs[1]: lib.tensor(scores).abs()},
                amount=amount,
            )
        p.custom_from_mask(net[0], "bias", lib.tensor([1, 0, 1, 1]))
        masks.append({k: numpy(v) for k, v in net.state_dict().items()})
    assert list(masks[0]) == list(masks[1])
    for key in masks[0]:
        np.testing.assert_allclose(masks[0][key], masks[1][key], err_msg=key)


def test_random_pruning():
    for lib in (ng, torch):
        p = lib.nn.utils.prune
        layer = p.random_unstructured(lib.nn.Linear(8, 6), "weight", 0.25)
        assert (layer.weight == 0).sum().item() == 12
        p.random_structured(layer, "weight", 2, dim=0)
        rows = (layer.weight == 0).all(1)
        assert rows.sum().item() == 2


def test_a_method_of_ones_own():
    class EveryOther(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = nn.Linear(2, 2)
    EveryOther.apply(layer, "weight")
    assert layer.weight_mask.tolist() == [[0, 1], [0, 1]]
    EveryOther.apply(layer, "weight")
    assert layer.weight_mask.tolist() == [[0, 0], [0, 1]]
    hook = next(iter(layer._forward_pre_hooks.values()))
    assert isinstance(hook, prune.PruningContainer) and len(hook) == 2
    assert EveryOther().prune(ng.ones(4)).tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match=r"importance_scores have the shape \(3,\), the tensor"):
        prune.l1_unstructured(layer, "bias", 1, importance_scores=ng.ones(3))
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_mask"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p, m: p.l1_unstructured(m, "weight", 1.5), ValueError, "amount must be a fraction"),
        (lambda p, m: p.l1_unstructured(m, "weight", -1), ValueError, "amount must be a fraction"),
        (lambda p, m: p.l1_unstructured(m, "weight", "all"), TypeError, "amount must be a number"),
        (lambda p, m: p.l1_unstructured(m, "weight", 99), ValueError, "amount=99 of 12"),
        (lambda p, m: p.ln_structured(m, "bias", 1, 2, 0), ValueError, "2 or more dimensions"),
        (lambda p, m: p.ln_structured(m, "weight", 1, 2, 5), IndexError, "dim 5 is out of range"),
        (lambda p, m: p.remove(m, "weight"), ValueError, "'weight' of Linear is not pruned"),
        (
            lambda p, m: p.global_unstructured([(m, "weight")], p.RandomStructured, amount=1),
            TypeError,
            "must be of PRUNING_TYPE 'unstructured'",
        ),
    ],
)
def test_pruning_errors(call, error, message):
    layer = nn.Linear(4, 3)
    with pytest.raises(error, match=message):
        call(prune, layer)
    assert list(layer.state_dict()) == ["weight", "bias"]
    with pytest.raises(error):
        call(torch.nn.utils.prune, torch.nn.Linear(4, 3))
