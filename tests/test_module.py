"""Module: registration, walking, state, modes, hooks, repr."""

import copy
import pickle

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn.hooks import Hooks


class Net(nn.Module):
    """Something of everything, three deep."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(ng.ones(3))
        self.register_buffer("count", ng.tensor(0))
        self.register_buffer("scratch", ng.zeros(2), persistent=False)
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ModuleList([nn.Dropout(0.5)]))
        self.absent = None
        self.name = "net"

    def forward(self, x):
        return self.body[0](x * self.scale)


NAMES = ["scale", "body.0.weight", "body.0.bias"]


# ------------------------------------------------------------------------------- registration


def test_registration():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_buffers()] == ["count", "scratch"]
    assert [name for name, _ in net.named_modules()] == ["", "body", "body.0", "body.1", "body.1.0"]
    assert [name for name, _ in net.named_children()] == ["body"]
    assert list(net.children()) == [net.body]
    assert len(list(net.modules())) == 5
    assert net.name == "net" and net.absent is None
    assert [name for name, _ in net.named_parameters(prefix="net")] == [f"net.{n}" for n in NAMES]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert next(net.buffers()) is net.count


def test_shared_members_are_counted_once():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    net.c = nn.Linear(2, 2)
    net.c.weight = net.a.weight
    assert [n for n, _ in net.named_parameters()] == ["a.weight", "a.bias", "c.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 6
    assert len(list(net.modules())) == 3
    assert len(list(net.children())) == 2
    assert len(net.state_dict()) == 6
    other = copy.deepcopy(net)
    assert other.a is other.b and other.c.weight is other.a.weight is not net.a.weight


def test_assigning_over_a_parameter():
    layer = nn.Linear(2, 3)
    with pytest.raises(
        TypeError, match=r"Linear\.weight is a parameter: expected a Parameter or None"
    ):
        layer.weight = ng.ones(3, 2)
    with pytest.raises(TypeError, match="got float"):
        layer.weight = 1.0
    layer.bias = None
    assert layer.bias is None
    assert [n for n, _ in layer.named_parameters()] == ["weight"]
    layer.weight = nn.Parameter(ng.ones(1))
    assert layer.weight.shape == (1,)


def test_assigning_over_a_module_or_buffer():
    net = Net()
    with pytest.raises(
        TypeError, match=r"Net\.body is a module: expected a Module or None, got int"
    ):
        net.body = 3
    with pytest.raises(
        TypeError, match=r"Net\.count is a buffer: expected a Tensor or None, got str"
    ):
        net.count = "three"
    net.count = ng.tensor(3)
    assert dict(net.named_buffers())["count"].item() == 3
    net.body = None
    assert [n for n, _ in net.named_modules()] == [""]


def test_a_name_means_one_thing():
    net = nn.Module()
    net.x = 3
    net.x = nn.Parameter(ng.ones(1))
    net.x = nn.Linear(1, 1)
    assert "x" not in net._parameters and isinstance(net.x, nn.Linear)
    net.x = nn.Parameter(ng.ones(2))
    assert "x" not in net._modules and net.x.shape == (2,)


def test_register_errors():
    net = Net()
    for register in (net.register_parameter, net.register_buffer, net.register_module):
        with pytest.raises(KeyError, match=r"contain '\.'"):
            register("a.b", None)
        with pytest.raises(KeyError, match="can't be empty"):
            register("", None)
        with pytest.raises(TypeError, match="must be a string"):
            register(3, None)
        with pytest.raises(KeyError, match="exists already"):
            register("forward", None)
        with pytest.raises(TypeError, match="expected a"):
            register("fresh", 3)
    with pytest.raises(ValueError, match="must be a leaf"):
        net.register_parameter("fresh", computed_parameter())


def computed_parameter():
    p = nn.Parameter(ng.ones(2))
    with ng.no_grad():
        p.requires_grad_(False)
    p.mul_(nn.Parameter(ng.ones(2)))
    assert not p.is_leaf
    return p


def test_forgotten_super_init():
    class Forgetful(nn.Module):
        def __init__(self, kind):
            if kind == "module":
                self.layer = nn.Linear(1, 1)
            elif kind == "parameter":
                self.p = nn.Parameter(ng.ones(1))
            elif kind == "buffer":
                self.register_buffer("b", ng.ones(1))

        def forward(self, x):
            return self.layer(x)

    for kind in ("module", "parameter", "buffer"):
        with pytest.raises(AttributeError, match=r"super\(\)\.__init__\(\)"):
            Forgetful(kind)
    with pytest.raises(AttributeError, match=r"has not called super\(\)\.__init__\(\)"):
        Forgetful("none")(3)


def test_attribute_errors_and_deletion():
    net = Net()
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nothing'"):
        net.nothing
    assert {"scale", "count", "body", "forward"} <= set(dir(net))
    del net.scale, net.scratch, net.body, net.name
    for name in ("scale", "scratch", "body", "name"):
        assert not hasattr(net, name)
    with pytest.raises(AttributeError):
        del net.scale
    assert list(net.state_dict()) == ["count"]


def test_forward_missing():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)


def test_get_by_name():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("body.1.0") is net.body[1][0]
    assert net.get_parameter("body.0.weight") is net.body[0].weight
    assert net.get_buffer("count") is net.count
    for get, name in [
        (net.get_submodule, "body.7"),
        (net.get_parameter, "body.0.count"),
        (net.get_buffer, "scale"),
    ]:
        with pytest.raises(AttributeError, match=name.split(".")[-1]):
            get(name)


# ----------------------------------------------------------------------------- all at once


def test_train_and_eval_reach_three_deep():
    net = nn.Sequential(nn.Sequential(nn.Sequential(nn.Dropout(0.5))))
    x = ng.ones(1000)
    assert all(m.training for m in net.modules())
    assert 300 < (net(x) == 0).sum().item() < 700
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert (net(x) == x).all().item()
    net.train()
    assert all(m.training for m in net.modules())
    assert (net(x) == 0).any().item()
    with pytest.raises(ValueError, match="mode must be a bool"):
        net.train("yes")


def test_requires_grad_zero_grad_apply():
    net = Net()
    net(ng.ones(2, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all().item() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    seen = []
    assert net.apply(seen.append) is net
    assert seen[-1] is net and seen[0] is net.body[0] and len(seen) == 5


def test_to():
    net = Net()
    net(ng.ones(1, 3)).sum().backward()
    params = list(net.parameters())
    for change, dtype in [
        (net.double, ng.float64),
        (net.float, ng.float32),
        (net.half, ng.float16),
        (lambda: net.to(ng.float64), ng.float64),
        (lambda: net.to("cpu", ng.float32), ng.float32),
        (lambda: net.to(dtype=ng.float64), ng.float64),
        (lambda: net.to(ng.zeros(1)), ng.float32),
    ]:
        assert change() is net
        assert all(p is q for p, q in zip(params, net.parameters()))
        assert all(p.dtype == dtype and p.grad.dtype == dtype for p in net.parameters())
        assert all(p.is_leaf and p.requires_grad for p in net.parameters())
        assert net.scratch.dtype == dtype and net.count.dtype == ng.int64
    before = net.scale.detach()
    net.to("cpu")
    assert np.shares_memory(before.numpy(), net.scale.detach().numpy())
    with pytest.raises(TypeError, match=r"Net\.to: expected a floating or complex dtype, got"):
        net.to(ng.int64)
    with pytest.raises(TypeError, match=r"expected a device, a dtype or a Tensor, got 3\.5"):
        net.to(3.5)


def test_dtype_and_device_arguments():
    layer = nn.Linear(2, 3, device="cpu", dtype=ng.float64)
    assert layer.weight.dtype == layer.bias.dtype == ng.float64
    norm = nn.BatchNorm1d(2, dtype=ng.float64)
    assert norm.running_mean.dtype == ng.float64 and norm.num_batches_tracked.dtype == ng.int64


# ------------------------------------------------------------------------------------- state


def test_state_dict():
    net = Net()
    state = net.state_dict()
    assert list(state) == ["scale", "count", "body.0.weight", "body.0.bias"]
    assert not any(value.requires_grad for value in state.values())
    with ng.no_grad():
        net.scale.fill_(7)
    assert (state["scale"] == 7).all().item()
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    assert next(iter(net.state_dict(prefix="a."))) == "a.scale"


def test_load_state_dict():
    a, b = Net(), Net()
    a.count.fill_(5)
    keys = b.load_state_dict(a.state_dict())
    assert keys.missing_keys == [] == keys.unexpected_keys
    for key, value in b.state_dict().items():
        assert np.array_equal(value.numpy(), a.state_dict()[key].numpy())
        assert not np.shares_memory(value.numpy(), a.state_dict()[key].numpy())
    assert all(p.requires_grad for p in b.parameters())
    b.load_state_dict({key: value.numpy() for key, value in a.state_dict().items()})


def test_state_goes_by_name_not_position():
    a = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    state = dict(reversed(a.state_dict().items()))
    b = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    b.load_state_dict(state)
    assert np.array_equal(b[0].weight.detach().numpy(), a[0].weight.detach().numpy())


def test_load_state_dict_names_what_does_not_fit():
    net = Net()
    state = net.state_dict()
    before = net.scale.detach().clone()
    del state["body.0.bias"]
    state["extra.weight"] = ng.ones(1)
    state["body.0.weight"] = ng.ones(4, 2)
    state["scale"] = ng.zeros(3)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state)
    text = str(error.value)
    assert "Net.load_state_dict" in text
    assert "missing: 'body.0.bias'" in text
    assert "unexpected: 'extra.weight'" in text
    assert "'body.0.weight': shape (4, 2) in the state dict, (4, 3) in the module" in text
    assert (net.scale == before).all().item()  # nothing is loaded in part

    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state, strict=False)
    assert "missing" not in str(error.value) and "'body.0.weight': shape" in str(error.value)

    del state["body.0.weight"]
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert missing == ["body.0.weight", "body.0.bias"] and unexpected == ["extra.weight"]
    assert (net.scale == 0).all().item()


def test_load_state_dict_refuses_what_is_no_tensor():
    net = Net()
    with pytest.raises(TypeError, match="expected a dict, got list"):
        net.load_state_dict([])
    with pytest.raises(TypeError, match="names must be strings, got 3"):
        net.load_state_dict({3: ng.ones(1)})
    with pytest.raises(RuntimeError, match="'scale': expected a Tensor, got float"):
        net.load_state_dict({**net.state_dict(), "scale": 1.0})
    words = {"body.0.bias": np.array(["a"] * 4), "scale": np.zeros(3, dtype=np.float32)}
    with pytest.raises(RuntimeError, match=r"'body\.0\.bias': no tensor can hold"):
        net.load_state_dict({**net.state_dict(), **words})
    assert (net.scale == 1).all()


def test_load_state_dict_casts_or_assigns():
    net = Net()
    state = {key: v.double() if v.is_floating_point() else v for key, v in net.state_dict().items()}
    scale = net.scale
    net.load_state_dict(state)
    assert net.scale is scale and scale.dtype == ng.float32
    net.load_state_dict(state, assign=True)
    assert net.scale.dtype == ng.float64 and isinstance(net.scale, nn.Parameter)
    assert net.scale.requires_grad and net.count is state["count"]


def test_extra_state():
    class Counter(nn.Module):
        n = 0

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    a, b = nn.Sequential(Counter()), nn.Sequential(Counter())
    a[0].n = 3
    assert a.state_dict() == {"0._extra_state": {"n": 3}}
    b.load_state_dict(a.state_dict())
    assert b[0].n == 3


def test_running_statistics_are_saved():
    rng = np.random.default_rng(0)
    a, b = [nn.Sequential(nn.BatchNorm2d(3)) for _ in range(2)]
    for _ in range(3):
        a(ng.tensor(rng.standard_normal((4, 3, 2, 2)).astype(np.float32) + 2))
    state = a.state_dict()
    assert list(state) == [
        f"0.{name}"
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    ]
    assert state["0.num_batches_tracked"].item() == 3
    b.load_state_dict(state)
    x = ng.tensor(rng.standard_normal((4, 3, 2, 2)).astype(np.float32))
    assert (a.eval()(x) == b.eval()(x)).all().item()


def test_copy_and_pickle():
    net = Net()
    net(ng.ones(1, 3)).sum().backward()
    x = ng.ones(2, 3)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in twin.parameters())
        assert (twin(x) == net(x)).all().item()
        with ng.no_grad():
            twin.scale.fill_(0)
        assert (net.scale == 1).all().item()
        assert [n for n, _ in twin.named_parameters()] == NAMES


def test_loading_in_a_way_of_its_own():
    """Overridden as public programs do: an old name is renamed, a buffer is resized."""

    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *args):
            if prefix + "kernel" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel")
            super()._load_from_state_dict(state_dict, prefix, *args)

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "more"] = ng.ones(1)

    net = nn.Sequential(Renamed(2, 3), nn.Linear(3, 1))
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0.more", "1.weight", "1.bias"]
    del state["0.more"]
    state["0.kernel"] = ng.zeros(3, 2)
    del state["0.weight"]
    net.load_state_dict(state)
    assert (net[0].weight == 0).all() and "0.kernel" in state
    state["0.other"] = ng.ones(1)
    with pytest.raises(RuntimeError, match=r"unexpected: '0\.other'"):
        net.load_state_dict(state)


def test_version_of_the_state():
    norm = nn.BatchNorm1d(2)
    norm.num_batches_tracked.fill_(7)
    state = norm.state_dict()
    assert state._metadata == {"": {"version": 2}}
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="missing: 'num_batches_tracked'"):
        norm.load_state_dict(state)
    norm.load_state_dict(dict(state))  # no version: older than that buffer
    assert norm.num_batches_tracked.item() == 7


def test_pickled_hooks_keep_their_numbers_apart():
    net = nn.Sequential(nn.ReLU())
    net.register_forward_hook(double)
    data = pickle.dumps(net)
    twin = pickle.loads(data)
    twin.register_forward_hook(double)
    assert twin(ng.ones(1)).item() == 4 and net(ng.ones(1)).item() == 2
    assert copy.deepcopy(twin)(ng.ones(1)).item() == 4


def double(module, args, output):
    return output * 2


def test_hooks_of_all_modules():
    from naivegrad.nn.modules.module import (
        register_module_forward_hook,
        register_module_parameter_registration_hook,
    )

    seen = []
    net = nn.Sequential(nn.ReLU())
    with register_module_forward_hook(lambda m, args, out: seen.append(type(m).__name__)):
        net(ng.ones(1))
    net(ng.ones(1))
    assert seen == ["ReLU", "Sequential"] and Hooks.everywhere is None
    with register_module_parameter_registration_hook(lambda m, name, p: seen.append(name)):
        nn.Linear(1, 1)
    assert seen[2:] == ["weight", "bias"]


def test_module_takes_no_arguments():
    with pytest.raises(TypeError, match=r"Module: Module\.__init__ takes no arguments, got 3, a=1"):
        nn.Module(3, a=1)


def test_call_super_init_and_setstate():
    class Named:
        def __init__(self, name):
            self.name = name

    class Part(nn.Module, Named):
        call_super_init = True

        def __setstate__(self, state):
            super().__setstate__({**state, "name": "copied"})

    part = Part("first")
    assert part.name == "first" and copy.deepcopy(part).name == "copied"


def test_init_from_torch_refuses_what_is_no_module():
    with pytest.raises(TypeError, match=r"Linear\.init_from_torch: expected a PyTorch module, got"):
        nn.Linear(1, 1).init_from_torch({"weight": 3})


# ------------------------------------------------------------------------------------- hooks


def test_forward_hooks():
    calls = []
    net = nn.Sequential(nn.Identity())

    def pre(module, args):
        calls.append("pre")
        return args[0] + 1

    def post(module, args, output):
        calls.append("post")
        assert (args[0] == output).all().item()
        return output * 10

    first = net.register_forward_pre_hook(pre)
    with net.register_forward_hook(post):
        net.register_forward_pre_hook(lambda m, args: calls.append("first"), prepend=True)
        assert net(ng.ones(1)).item() == 20
        assert calls == ["first", "pre", "post"]
    assert net(ng.ones(1)).item() == 2
    first.remove()
    first.remove()
    assert net(ng.ones(1)).item() == 1


def test_forward_hooks_with_kwargs():
    class Add(nn.Module):
        def forward(self, x, by=0):
            return x + by

    add = Add()
    add.register_forward_pre_hook(lambda m, args, kwargs: (args, {"by": 5}), with_kwargs=True)
    seen = []
    add.register_forward_hook(lambda m, a, k, out: seen.append((a, k, out)), with_kwargs=True)
    assert add(1, by=2) == 6
    assert seen == [((1,), {"by": 5}, 6)]
    add.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or \(args, kwargs\)"):
        add(1)


def test_forward_hook_always_called():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("broken")

    net, seen = Broken(), []
    net.register_forward_hook(lambda m, a, out: seen.append("never"))
    net.register_forward_hook(lambda m, a, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="broken"):
        net(1)
    assert seen == [None]


def test_backward_hooks():
    layer = nn.Linear(3, 2, bias=False)
    seen = []

    def hook(module, grad_input, grad_output):
        seen.append((module, grad_input, grad_output))
        return tuple(g * 2 for g in grad_input)

    layer.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 3,))
    handle = layer.register_full_backward_hook(hook)
    x = ng.ones(4, 3, requires_grad=True)
    weight = layer.weight.detach().numpy()
    layer(x).sum().backward()
    ((module, grad_input, grad_output),) = seen
    assert module is layer
    np.testing.assert_allclose(grad_output[0].numpy(), 3)
    expected = np.broadcast_to(3 * weight.sum(0), (4, 3))
    np.testing.assert_allclose(grad_input[0].numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), 2 * expected, rtol=1e-6)
    np.testing.assert_allclose(layer.weight.grad.numpy(), 12)
    handle.remove()
    layer(x).sum().backward()
    assert len(seen) == 1


def test_backward_hook_without_input_gradients():
    layer = nn.Linear(3, 2)
    seen = []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].shape)))
    layer(ng.ones(4, 3)).sum().backward()
    assert seen == [((None,), (4, 2))]
    with ng.no_grad():
        layer(ng.ones(4, 3))
    assert len(seen) == 1


def test_backward_hook_that_returns_too_little():
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda m, gi, go: ())
    with pytest.raises(
        RuntimeError, match="Linear: a backward hook must return 1 gradients, got 0"
    ):
        layer(ng.ones(4, 3, requires_grad=True)).sum().backward()


# -------------------------------------------------------------------------------------- repr


def test_repr():
    assert repr(nn.Sequential()) == "Sequential()"
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Dropout(0.1)))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Dropout(p=0.1, inplace=False)\n"
        "  )\n"
        ")"
    )
    alike = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])
    assert repr(alike) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"


# -------------------------------------------------------------------------------- containers


def test_sequential():
    a, b, c = nn.ReLU(), nn.Tanh(), nn.Identity()
    net = nn.Sequential(a, b)
    assert len(net) == 2 and list(net) == [a, b] and a in net and c not in net
    assert net[0] is a and net[-1] is b
    assert list(net[1:]) == [b] and isinstance(net[1:], nn.Sequential)
    assert net.append(c) is net and net[2] is c
    net[1] = c
    assert list(net) == [a, c, c]
    del net[0]
    assert list(net._modules) == ["0", "1"] and list(net) == [c, c]
    net.insert(0, a)
    net.extend([b])
    assert list(net) == [a, c, c, b] and net.pop(-1) is b and len(net) == 3
    assert len(net + nn.Sequential(b)) == 4 and len(net) == 3
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"index {index} is out of range, length is 3"):
            net[index]
    with pytest.raises(TypeError, match="expected a Module or None, got function"):
        nn.Sequential(lambda x: x)
    assert nn.Sequential()(3) == 3


def test_sequential_with_names():
    net = nn.Sequential({"lin": nn.Linear(2, 3), "act": nn.ReLU()})
    assert list(net.state_dict()) == ["lin.weight", "lin.bias"]
    assert net.lin is net[0] and list(net[1:]._modules) == ["act"]
    assert net(ng.ones(1, 2)).shape == (1, 3)


def test_module_list_and_dict():
    layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    assert len(layers) == 3 and len(list(layers.parameters())) == 6
    assert isinstance(layers[:2], nn.ModuleList)
    layers += [nn.ReLU()]
    assert len(layers) == 4
    with pytest.raises(NotImplementedError):
        layers(1)
    table = nn.ModuleDict({"a": nn.Linear(1, 1)})
    table["b"] = nn.ReLU()
    table.update([("c", nn.Tanh())])
    assert list(table) == ["a", "b", "c"] and "b" in table and len(table) == 3
    assert list(table.state_dict()) == ["a.weight", "a.bias"]
    assert isinstance(table.pop("b"), nn.ReLU) and list(table.keys()) == ["a", "c"]
    del table["a"]
    assert [k for k, _ in table.items()] == ["c"] and len(list(table.values())) == 1
    table.clear()
    assert len(table) == 0


def test_parameter_list_and_dict():
    params = nn.ParameterList([ng.ones(2), nn.Parameter(ng.zeros(3))])
    params.append(ng.ones(1))
    assert len(params) == 3 and all(isinstance(p, nn.Parameter) for p in params)
    assert list(params.state_dict()) == ["0", "1", "2"] and params[-1].shape == (1,)
    assert len(params[1:]) == 2
    params[0] = ng.zeros(4)
    assert params[0].shape == (4,) and params[0].requires_grad
    assert "(0): Parameter containing: [naivegrad.float32 of size 4]" in repr(params)
    table = nn.ParameterDict({"a": ng.ones(2)})
    table["b"] = ng.ones(3)
    assert list(table.state_dict()) == ["a", "b"] and "a" in table and table["b"].shape == (3,)
    del table["a"]
    assert list(table.keys()) == ["b"] and len(table) == 1
    table["c"] = 3
    assert table["c"] == 3 and list(table.state_dict()) == ["b"]
    with pytest.raises(TypeError, match="ParameterDict: keys must be strings, got int"):
        table[3] = ng.ones(1)
    with pytest.raises(KeyError, match="nothing"):
        table["nothing"]


def test_parameter():
    p = nn.Parameter(ng.ones(2))
    assert isinstance(p, ng.Tensor) and p.requires_grad and p.is_leaf
    assert not nn.Parameter(ng.ones(2), requires_grad=False).requires_grad
    assert not nn.Parameter(ng.tensor([1, 2]), requires_grad=False).is_floating_point()
    assert repr(p).startswith("Parameter containing:\ntensor(")
    data = ng.ones(2)
    q = nn.Parameter(data)
    assert np.shares_memory(q.detach().numpy(), data.numpy())
    assert not isinstance(p * 2, nn.Parameter)
    for cls in (nn.Parameter, nn.Buffer):
        with pytest.raises(TypeError, match=f"{cls.__name__}: expected a Tensor, got int"):
            cls(3)
