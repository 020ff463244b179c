"""Activations where chance or memory is involved: what no row of the table can say."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F


def same(x, y):
    return np.array_equal(x.array, y.array)


INPLACE = {
    "relu_": (),
    "leaky_relu_": (0.2,),
    "hardtanh_": (-0.5, 0.5),
    "threshold_": (0.1, 3.0),
    "elu_": (0.5,),
    "celu_": (0.5,),
    "selu_": (),
    "rrelu_": (0.1, 0.3),
}


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_is_the_function_in_the_same_memory(name):
    x = ng.linspace(-2, 2, 9, dtype=ng.float64).requires_grad_()
    y = x * 1.0
    z, address = getattr(F, name)(y, *INPLACE[name]), y.array
    assert z is y and z.array is address
    z.backward(ng.ones_like(z))
    w = x.detach().requires_grad_()
    want = getattr(F, name[:-1])(w, *INPLACE[name])
    want.backward(ng.ones_like(want))
    assert same(z, want) and same(x.grad, w.grad)


@pytest.mark.parametrize("name", ["relu6", "silu", "mish", "hardswish", "hardsigmoid", "selu"])
def test_inplace_argument(name):
    x = ng.linspace(-4, 7, 12)
    want = getattr(F, name)(x)
    assert getattr(F, name)(x, inplace=True) is x
    assert same(x, want)


def test_a_leaf_is_refused_in_place():
    with pytest.raises(RuntimeError, match=r"elu_.*leaf"):
        F.elu_(ng.zeros(3, requires_grad=True))


def test_rrelu_draws_slopes_between_its_bounds():
    ng.manual_seed(0)
    x = ng.full((1000,), -1.0).requires_grad_()
    y = F.rrelu(x, 0.25, 0.75, training=True)
    y.sum().backward()
    assert -0.75 <= y.min().item() < -0.74 and -0.26 < y.max().item() <= -0.25
    assert same(x.grad, -y.detach())


def test_gumbel_softmax_draws_classes_by_their_probability():
    ng.manual_seed(0)
    logits = ng.tensor([0.1, 0.2, 0.7]).log().expand(20000, 3)
    hard = F.gumbel_softmax(logits, tau=0.5, hard=True)
    assert ((hard == 0) | ((hard - 1).abs() < 1e-6)).all()
    assert (hard.mean(0) - ng.tensor([0.1, 0.2, 0.7])).abs().max().item() < 0.02
    soft = F.gumbel_softmax(logits, tau=0.5)
    assert (soft.sum(1) - 1).abs().max().item() < 1e-5


def test_gumbel_softmax_hard_has_the_gradient_of_the_soft_sample():
    x, u = ng.randn(5, 3, requires_grad=True), ng.randn(5, 3)
    grads = []
    for hard in (False, True):
        ng.manual_seed(1)
        grads.append(ng.autograd.grad((F.gumbel_softmax(x, 0.7, hard) * u).sum(), x)[0])
    assert (grads[0] - grads[1]).abs().max().item() < 1e-6


def test_softmax_chooses_a_dimension_with_a_warning():
    for shape, dim in (((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        x = ng.randn(*shape)
        with pytest.warns(UserWarning, match=f"dim={dim}"):
            y = F.softmax(x)
        assert same(y, F.softmax(x, dim))


def test_softmax_into_out():
    x, out = ng.randn(2, 3), ng.zeros(2, 3)
    assert ng.softmax(x, 1, out=out) is out
    assert same(out, x.softmax(1))


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name):
    ng.manual_seed(0)
    x = F.selu(ng.randn(400, 500, dtype=ng.float64))
    y = getattr(F, name)(x, 0.3, training=True)
    assert abs(y.mean().item() - x.mean().item()) < 0.02
    assert abs(y.std().item() - x.std().item()) < 0.02
    assert getattr(F, name)(x, 0.3) is x
    assert getattr(F, name)(x, 1.0, training=True).abs().max().item() == 0
    z = x.clone()
    assert getattr(F, name)(z, 0.5, training=True, inplace=True) is z


def test_feature_alpha_dropout_drops_whole_channels():
    y = F.feature_alpha_dropout(ng.ones(20, 30, 4), 0.5, training=True)
    assert (y == y[:, :, :1]).all()
    assert len(set(y.flatten().tolist())) == 2


@pytest.mark.parametrize(
    "name", ["dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"]
)
def test_dropouts_in_place(name):
    x = ng.randn(4, 5, 6)
    ng.manual_seed(3)
    want = getattr(ng, name)(x.clone(), 0.5, True)
    ng.manual_seed(3)
    assert getattr(ng, name + "_")(x, 0.5, True) is x
    assert same(x, want)
