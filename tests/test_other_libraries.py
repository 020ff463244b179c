"""einops and safetensors work on our tensors, under our name and under PyTorch's."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng

ROOT = Path(__file__).parent.parent
einops = pytest.importorskip("einops")
safetensors = pytest.importorskip("safetensors")


def values(*shape, requires_grad=False):
    x = np.random.default_rng(0).normal(size=shape)
    return ng.tensor(x, requires_grad=requires_grad), x


PATTERNS = [
    ("rearrange", "b c (h p) w -> b (c h) p w", {"p": 2}),
    ("rearrange", "b c h w -> (b h w) c", {}),
    ("rearrange", "b ... -> ... b", {}),
    ("reduce", "b c (h p) (w q) -> b c h w", {"p": 2, "q": 3, "reduction": "max"}),
    ("reduce", "b c h w -> b c 1 1", {"reduction": "mean"}),
    ("reduce", "b c h w -> c", {"reduction": "sum"}),
    ("reduce", "b c h w -> b h", {"reduction": "prod"}),
    ("repeat", "b c h w -> b (c p) h w n", {"p": 2, "n": 3}),
]


@pytest.mark.parametrize("name, pattern, options", PATTERNS)
def test_einops_is_numpys_and_gradients_flow(name, pattern, options):
    x, reference = values(2, 3, 4, 6, requires_grad=True)
    function = getattr(einops, name)
    y = function(x, pattern, **options)
    expected = function(reference, pattern, **options)
    assert type(y) is ng.Tensor and y.shape == expected.shape
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12)
    random = np.random.default_rng(1)
    u, v = random.normal(size=expected.shape), random.normal(size=reference.shape)
    (y * ng.tensor(u)).sum().backward()
    ahead, back = (function(reference + e * v, pattern, **options) for e in (1e-6, -1e-6))
    slope = ((ahead - back) * u).sum() / 2e-6
    np.testing.assert_allclose((x.grad.numpy() * v).sum(), slope, rtol=1e-6)


def test_einops_einsum_pack_and_shape():
    (x, a), (y, b) = values(2, 3, 4), values(2, 5, 4)
    z = einops.einsum(x, y, "b i d, b j d -> b i j")
    np.testing.assert_allclose(z.numpy(), np.einsum("bid,bjd->bij", a, b), rtol=1e-12)
    packed, shapes = einops.pack([x, y], "b * d")
    assert packed.shape == (2, 8, 4)
    for part, whole in zip(einops.unpack(packed, shapes, "b * d"), (x, y), strict=True):
        assert part.tolist() == whole.tolist()
    assert einops.parse_shape(x, "b _ d") == {"b": 2, "d": 4}
    assert einops.asnumpy(x) is not None
    with pytest.raises(einops.EinopsError, match="rearrange"):
        einops.rearrange(x, "a b -> b a")


def test_safetensors_numpy(tmp_path):
    from safetensors.numpy import load_file, save_file

    x, _ = values(3, 4)
    save_file({"x": x.numpy()}, tmp_path / "a.safetensors")
    assert ng.from_numpy(load_file(tmp_path / "a.safetensors")["x"]).tolist() == x.tolist()
    assert ng.load(tmp_path / "a.safetensors")["x"].tolist() == x.tolist()


SAFETENSORS = """
import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, load_model, save, save_file, save_model

names = ("float64", "float32", "float16", "bfloat16", "int64", "int8", "uint8", "bool", "complex64")
x = {name: torch.arange(6).reshape(2, 3).to(getattr(torch, name)) for name in names}
x["empty"], x["scalar"] = torch.zeros(0, 3), torch.tensor(2.5)
save_file(x, "a.safetensors", {"note": "text"})
for back in (load_file("a.safetensors"), load(save(x)), torch.load("a.safetensors")):
    assert back.keys() == x.keys()
    for name, y in back.items():
        assert y.dtype is x[name].dtype and y.shape == x[name].shape, name
        assert y.tolist() == x[name].tolist(), name
        y.add_(y)  # it can be written to
with safe_open("a.safetensors", framework="pt", device="cpu") as file:
    assert file.metadata() == {"note": "text"} and set(file.keys()) == x.keys()
    assert file.get_slice("float32")[1:, :2].tolist() == [[3, 4]]
torch.save({"w": torch.ones(2)}, "b.safetensors")
assert load_file("b.safetensors")["w"].tolist() == [1, 1]

def tied():
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    net[1].weight = net[0].weight
    return net

net, other = tied(), tied()
save_model(net, "net.safetensors")
assert load_model(other, "net.safetensors") == (set(), [])
assert (net[0].weight == other[1].weight).all()
shared, transposed = {"a": x["int8"], "b": x["int8"][1:]}, {"a": x["int8"].t()}
for bad, error in ((shared, RuntimeError), (transposed, ValueError)):
    try:
        save_file(bad, "c.safetensors")
    except error:
        continue
    raise AssertionError(bad)
"""
EINOPS = """
import torch
from einops import rearrange, reduce
from einops.layers.torch import EinMix, Rearrange, Reduce

torch.manual_seed(0)
net = torch.nn.Sequential(
    Rearrange("b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2),
    EinMix("b n d -> b n e", weight_shape="d e", bias_shape="e", d=12, e=5),
    Reduce("b n e -> b e", "mean"),
)
x = torch.randn(4, 3, 6, 6)
y = net(x)
patches = rearrange(x, "b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2)
assert torch.allclose(y, (patches @ net[1].weight + net[1].bias).mean(1), atol=1e-6)
y.sum().backward()
assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
assert list(net.state_dict()) == ["1.weight", "1.bias"]
assert "EinMix" in repr(net)
"""


@pytest.mark.parametrize("program", [SAFETENSORS, EINOPS], ids=["safetensors", "einops"])
def test_under_the_name_torch(tmp_path, program):
    (tmp_path / "program.py").write_text(program)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "naivegrad", "run", "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("first", ["einops", "naivegrad"])
def test_the_order_of_imports_does_not_matter(first):
    second = {"einops": "naivegrad", "naivegrad": "einops"}[first]
    program = (
        f"import {first}, {second}, sys\n"
        "x = einops.rearrange(naivegrad.ones(2, 3), 'a b -> b a')\n"
        "assert x.shape == (3, 2) and 'torch' not in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
