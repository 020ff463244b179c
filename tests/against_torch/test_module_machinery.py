"""What surrounds forward: state dicts, hooks, containers; the same program run on both libraries.

A program gets `lib` (naivegrad or torch) and gives plain values, or raises.
"""

import copy
from collections import OrderedDict

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def plain(value):
    """Tensors as rounded lists, names without the library."""
    if isinstance(value, (ng.Tensor, torch.Tensor)):
        return np.round(value.detach().numpy().astype(np.float64), 9).tolist()
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, (nn.Module, torch.nn.Module)):
        return repr(value).replace("torch.", "naivegrad.")
    return value


def same(program):
    assert plain(program(ng)) == plain(program(torch))


def filled(lib, module):
    """The module in float64, its parameters made of sines."""
    for i, p in enumerate(module.double().parameters()):
        with lib.no_grad():
            p.copy_(lib.arange(p.numel()).double().add(i + 1).sin().reshape(p.shape))
    return module


def network(lib):
    m = lib.nn
    return filled(lib, m.Sequential(m.Linear(2, 3), m.Sequential(m.Tanh(), m.Linear(3, 2))))


def batch(lib, requires_grad=True):
    x = lib.tensor([[0.5, -1.0], [2.0, 0.25], [0.0, 1.0]], dtype=lib.float64)
    return x.requires_grad_(requires_grad)


# ------------------------------------------------------------------------------------- hooks


def test_order_of_hooks_and_their_arguments():
    def program(lib):
        log = []
        registry = lib.nn.modules.module

        def note(name):
            def hook(module, *args):
                log.append([name, type(module).__name__, plain(args)])

            return hook

        net = network(lib)
        handles = [
            registry.register_module_forward_pre_hook(note("all pre")),
            registry.register_module_forward_hook(note("all")),
            registry.register_module_full_backward_pre_hook(note("all backward pre")),
            registry.register_module_full_backward_hook(note("all backward")),
        ]
        for module in (net, net[0], net[1][1]):
            module.register_forward_pre_hook(note("pre"))
            module.register_forward_hook(note("first"))
            module.register_forward_hook(note("prepended"), prepend=True)
            module.register_forward_hook(note("kwargs"), with_kwargs=True)
            module.register_full_backward_pre_hook(note("backward pre"))
            module.register_full_backward_hook(note("backward"))
        x = batch(lib)
        net(x).sin().sum().backward()
        for handle in handles:
            handle.remove()
        log.append("removed")
        net(batch(lib, False)).sum().backward()
        return log, x.grad

    same(program)


def test_backward_hooks_are_those_of_the_forward():
    def program(lib):
        log = []
        net = network(lib)
        handle = net.register_full_backward_hook(lambda *args: log.append("gone"))
        y = net(batch(lib))
        handle.remove()
        net.register_full_backward_hook(lambda *args: log.append("late"))
        y.sum().backward()
        return log

    same(program)


def test_always_called_after_an_exception():
    def program(lib):
        log = []
        net = network(lib)

        def breaks(module, args, output):
            raise ValueError

        net.register_forward_hook(lambda m, a, out: log.append(["before", out.shape]))
        net.register_forward_hook(breaks)
        net.register_forward_hook(lambda m, a, out: log.append("never"))
        net.register_forward_hook(lambda m, a, out: log.append(out), always_call=True)
        with pytest.raises(ValueError):
            net(batch(lib))
        return log

    same(program)


def test_registration_hooks():
    def program(lib):
        log = []
        registry = lib.nn.modules.module
        kinds = ("buffer", "module", "parameter")
        handles = [
            getattr(registry, f"register_module_{kind}_registration_hook")(
                lambda m, name, value: log.append([type(m).__name__, name, type(value).__name__])
            )
            for kind in kinds
        ]
        net = lib.nn.Sequential(lib.nn.Linear(1, 1), lib.nn.BatchNorm1d(1))
        net.register_buffer("b", lib.ones(1))
        net.b = lib.zeros(1)
        net.extra = lib.nn.ReLU()
        for handle in handles:
            handle.remove()
        net.late = lib.nn.ReLU()
        return log

    same(program)


# -------------------------------------------------------------------------------- state dicts


def test_state_dict_hooks():
    def program(lib):
        log = []
        net = network(lib)
        net.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(["pre", prefix, keep]))
        for name, module in net.named_modules():
            module.register_state_dict_post_hook(
                lambda m, state, prefix, meta, name=name: log.append([name, list(state), meta])
            )
        net[0]._register_state_dict_hook(
            lambda m, state, prefix, meta: state.update({prefix + "more": lib.ones(1)})
        )
        state = net.state_dict(prefix="a.")
        return log, state, dict(state._metadata)

    same(program)


def test_load_hooks():
    def program(lib):
        log = []
        net = network(lib)

        def pre(module, state, prefix, meta, strict, missing, unexpected, errors):
            log.append([prefix, list(state), meta, strict])
            state.pop(prefix + "old", None)

        def post(module, keys):
            log.append([type(module).__name__, keys.missing_keys, keys.unexpected_keys])
            keys.missing_keys.clear()

        net[0].register_load_state_dict_pre_hook(pre)
        net[1]._register_load_state_dict_pre_hook(lambda *args: log.append(list(args[0])))
        net.register_load_state_dict_post_hook(post)
        state = net.state_dict()
        state["0.old"] = lib.ones(1)
        state["0.bias"] = lib.zeros(3)
        del state["1.1.bias"]
        log.append(tuple(net.load_state_dict(state)))
        return log, net[0].bias

    same(program)


@pytest.mark.parametrize("assign", [False, True])
def test_load_state_dict_keeps_what_it_should(assign):
    def program(lib):
        net = network(lib)
        net[0].weight.requires_grad_(False)
        state = {k: v.float() for k, v in net.state_dict().items()}
        before = net[0].bias
        keys = net.load_state_dict(state, assign=assign)
        kept = net[0].bias is before
        frozen = [p.requires_grad for p in net.parameters()]
        return kept, frozen, str(net[0].bias.dtype).split(".")[1], repr(keys)

    same(program)


def test_to_with_a_memory_format():
    def program(lib):
        net = network(lib).to("cpu", lib.float32, memory_format=lib.channels_last)
        return net.to(memory_format=lib.channels_last).state_dict()

    same(program)


def test_set_submodule_and_modules():
    def program(lib):
        net = network(lib)
        net.set_submodule("1.0", lib.nn.ReLU())
        net.set_submodule("1.new", net[0])
        with pytest.raises(AttributeError):
            net.set_submodule("1.none", lib.nn.ReLU(), strict=True)
        with pytest.raises(ValueError):
            net.set_submodule("", lib.nn.ReLU())
        with pytest.raises(AttributeError):
            net.set_submodule("0.weight", lib.nn.ReLU())
        once = [type(m).__name__ for m in net.modules()]
        return net, once, [type(m).__name__ for m in net.modules(remove_duplicate=False)]

    same(program)


def test_buffers():
    def program(lib):
        net = lib.nn.Module()
        net.mask = lib.nn.Buffer(lib.ones(2))
        net.scratch = lib.nn.Buffer(lib.zeros(2), persistent=False)
        net.mask = lib.zeros(1)
        twin = copy.deepcopy(net)
        names = [name for name, _ in twin.named_buffers()]
        return names, twin.state_dict(), isinstance(net.scratch, lib.nn.Buffer)

    same(program)


# --------------------------------------------------------------------------------- containers


def named(m):
    return m.Sequential(OrderedDict(a=m.ReLU(), b=m.Tanh(), c=m.Sigmoid()))


def deleted(m):
    net = named(m)
    del net[1]
    return net


def grown(m):
    net = m.Sequential(m.ReLU(), m.Tanh())
    net *= 2
    net += named(m)
    net.insert(1, m.Linear(2, 3))
    net[-1] = m.Identity()
    return net, net.pop(0), net.pop(slice(0, 2))


def listed(m):
    modules = m.ModuleList([m.ReLU(), m.ReLU(), m.Tanh()])
    modules.insert(1, m.Sigmoid())
    modules += [m.Linear(2, 2)]
    return modules, modules[::2], modules + [m.Identity()], modules.pop(-1), modules


def keyed(m):
    modules = m.ModuleDict({"z": m.ReLU(), "a": m.Tanh()})
    modules.update(m.ModuleDict({"b": m.Sigmoid()}))
    modules.update([("z", m.Identity())])
    return modules, modules.pop("a"), list(modules)


CONTAINERS = [deleted, grown, listed, keyed, lambda m: named(m)[1:], lambda m: named(m) * 2]
CONTAINERS += [lambda m: named(m) + named(m), lambda m: 2 * named(m), lambda m: named(m).pop(0)]
WRONG = [
    lambda m: named(m)[5],
    lambda m: named(m) * 0,
    lambda m: named(m) * 1.5,
    lambda m: m.Sequential(m.ReLU()).insert(7, m.ReLU()),
    lambda m: m.ModuleDict([("a", m.ReLU()), ("b",)]),
    lambda m: m.ModuleDict([3]),
    lambda m: m.ModuleDict(3),
    lambda m: m.ModuleDict({"keys": m.ReLU()}),
    lambda m: m.ModuleDict({"a.b": m.ReLU()}),
    lambda m: m.ModuleList([m.ReLU()]).extend(3),
    lambda m: m.ModuleList([m.ReLU()]).append(3),
    lambda m: m.ParameterList(3),
    lambda m: m.ParameterList([])[0],
    lambda m: m.ParameterList([])(),
    lambda m: m.ParameterDict({3: None}),
    lambda m: m.ParameterDict([("a",)]),
    lambda m: m.ParameterDict().popitem(),
]


@pytest.mark.parametrize("build", CONTAINERS)
def test_containers(build):
    same(lambda lib: build(lib.nn))


@pytest.mark.parametrize("build", WRONG)
def test_containers_refuse(build):
    with pytest.raises(Exception) as theirs:
        build(torch.nn)
    with pytest.raises(theirs.type):
        build(nn)


def test_parameter_containers():
    def program(lib):
        m = lib.nn
        params = m.ParameterList([lib.ones(2), lib.zeros(2, 3), 3, None])
        params += [lib.ones(1)]
        params[0] = lib.ones(5)
        params[1] = m.Parameter(lib.zeros(2), requires_grad=False)
        table = m.ParameterDict({"b": lib.ones(2), "a": m.Parameter(lib.zeros(2, 3)), "c": 5})
        table.setdefault("q", lib.ones(1))
        table |= {"r": lib.ones(2)}
        parts = [params, params[1:3], list(params.state_dict()), len(params), table]
        parts += [list(reversed(table)), table.get("nope", 3), table.popitem()[0], table.copy()]
        parts += [table.fromkeys(["x", "y"], lib.ones(1)), list(table.state_dict())]
        return plain([*parts, table.pop("a"), len(table), m.ParameterDict([("k", 1)]) | table])

    same(program)


# ----------------------------------------------------------------------------- init_from_torch


def build(m):
    layers = [m.Conv2d(3, 4, 3), m.BatchNorm2d(4), m.Flatten(), m.Linear(16, 5)]
    return m.Sequential(*layers, m.LayerNorm(5))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_init_from_torch(dtype):
    theirs = build(torch.nn)
    theirs(torch.randn(4, 3, 4, 4))
    theirs = theirs.to(getattr(torch, dtype))
    ours = build(nn).to(getattr(ng, dtype))
    assert ours.init_from_torch(theirs) is ours
    for key, value in theirs.state_dict().items():
        assert np.array_equal(ours.state_dict()[key].double().numpy(), value.double().numpy())
    if dtype in ("bfloat16", "float16"):
        return
    back = build(torch.nn).to(getattr(torch, dtype))
    back.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    x = torch.randn(2, 3, 4, 4, dtype=getattr(torch, dtype))
    assert torch.equal(back.eval()(x), theirs.eval()(x))
    for mode in (False, True):
        want = theirs.train(mode)(x).detach().numpy()
        got = ours.train(mode)(ng.from_numpy(x.numpy())).detach().numpy()
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_init_from_torch_names_what_does_not_fit():
    theirs = build(torch.nn)
    theirs[3] = torch.nn.Linear(16, 6)
    with pytest.raises(RuntimeError, match=r"'3\.weight': shape \(6, 16\) in the state dict, "):
        build(nn).init_from_torch(theirs)
    theirs = build(torch.nn)
    theirs.register_buffer("odd", torch.ones(2, 2).to_sparse())
    with pytest.raises(TypeError, match=r"Sequential\.init_from_torch: 'odd' cannot be read"):
        build(nn).init_from_torch(theirs)
