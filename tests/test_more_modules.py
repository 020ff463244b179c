"""Modules that are more than one call: adaptive softmax, borders, batch norms of other names."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn


def test_adaptive_softmax_is_a_distribution():
    ng.manual_seed(0)
    softmax = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [3, 8], dtype=ng.float64)
    x = ng.randn(40, 16, dtype=ng.float64)
    y = ng.arange(40) % 20
    everything = softmax.log_prob(x)
    np.testing.assert_allclose(everything.exp().sum(1).detach().numpy(), 1)
    output, loss = softmax(x, y)
    picked = everything.gather(1, y.unsqueeze(1)).squeeze(1)
    np.testing.assert_allclose(output.detach().numpy(), picked.detach().numpy())
    np.testing.assert_allclose(loss.item(), -picked.mean().item())
    assert softmax.predict(x)[:3].shape == (3,)


def test_adaptive_softmax_predicts_the_likeliest():
    """Unless a frequent class comes before all clusters, it looks into the clusters."""
    ng.manual_seed(1)
    softmax = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [2, 6], div_value=2.0)
    x = 3 * ng.randn(60, 8)
    head, best = softmax.head(x).argmax(1), softmax.log_prob(x).argmax(1)
    expected = ng.where(head < 2, head, best)
    assert softmax.predict(x).tolist() == expected.tolist()
    assert len(set(expected.tolist())) > 4  # of all kinds


@pytest.mark.parametrize("cutoffs", [[], [0, 3], [3, 3], [5, 3], [3, 10], [2.5]])
def test_cutoffs_ascend(cutoffs):
    with pytest.raises(ValueError, match="cutoffs must be ascending"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs)


def test_adaptive_softmax_names_mistakes():
    softmax = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [2])
    with pytest.raises(IndexError, match=r"\[0, 10\), got values from 1 to 10"):
        softmax(ng.ones(2, 8), ng.tensor([1, 10]))
    with pytest.raises(ValueError, match=r"\(2, 7\) and \(2,\)"):
        softmax(ng.ones(2, 7), ng.tensor([1, 3]))


def test_batch_norms_are_replaced():
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4, eps=0.1)), nn.ReLU())
    net(ng.randn(5, 3))
    old = net[1][0]
    assert nn.SyncBatchNorm.convert_sync_batchnorm(net) is net
    new = net[1][0]
    assert type(new) is nn.SyncBatchNorm and new.eps == 0.1 and new.training
    assert new.weight is old.weight and new.running_mean is old.running_mean
    alone = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm2d(3, affine=False).eval())
    assert type(alone) is nn.SyncBatchNorm and alone.weight is None and not alone.training
    with pytest.raises(ValueError, match="at least 2D"):
        alone(ng.ones(3))


def test_borders():
    x = ng.arange(3.0).reshape(1, 3)
    assert nn.ZeroPad1d(1)(x).tolist() == [[0, 0, 1, 2, 0]]
    assert nn.ConstantPad1d((0, -1), 9.0)(x).tolist() == [[0, 1]]
    assert nn.ReflectionPad1d((2, 1))(x).tolist() == [[2, 1, 0, 1, 2, 1]]
    assert nn.ReplicationPad1d((1, 2))(x).tolist() == [[0, 0, 1, 2, 2, 2]]
    assert nn.CircularPad1d((1, 1))(x).tolist() == [[2, 0, 1, 2, 0]]
    with pytest.raises(
        ValueError, match=r"ReflectionPad2d: expected 3D or 4D input, got 2D \(1, 3"
    ):
        nn.ReflectionPad2d(1)(x)
    with pytest.raises(ValueError, match=r"padding must be an integer or 4 of them, got \(1, 2\)"):
        nn.ZeroPad2d((1, 2))
    with pytest.raises(TypeError, match="padding"):
        nn.CircularPad3d(1.5)


def test_pools_with_indices():
    x = ng.tensor([[[1.0, 5.0, 2.0, 3.0]]])
    for given in ({}, {"return_indices": False}):
        values, places = nn.functional.max_pool1d_with_indices(x, 2, **given)
        assert values.tolist() == [[[5.0, 3.0]]] and places.tolist() == [[[1, 3]]]
    assert nn.functional.adaptive_max_pool1d_with_indices(x, 1)[1].item() == 1


def test_losses_that_do_not_exist():
    for loss in (nn.MSELoss, nn.KLDivLoss, nn.CTCLoss):
        with pytest.raises(ValueError, match=f"{loss.__name__}: reduction must be"):
            loss(reduction="average")
    with pytest.raises(ValueError, match="reduction"):
        nn.MSELoss(reduction="batchmean")
    assert nn.KLDivLoss(reduction="batchmean").reduction == "batchmean"


def test_linear_cross_entropy_names_mistakes():
    with pytest.raises(ValueError, match=r"weight must be \(4,\), got \(3,\)"):
        nn.LinearCrossEntropyLoss(2, 4, weight=ng.ones(3))
    with pytest.raises(ValueError, match=r"label_smoothing .* got 2"):
        nn.LinearCrossEntropyLoss(2, 4, label_smoothing=2)
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    loss = nn.LinearCrossEntropyLoss(2, 4, options=options)
    assert loss(ng.ones(3, 2), ng.tensor([0, 1, 2])).shape == ()


def test_which_attention_is_used_says_nothing():
    from naivegrad.nn.attention import SDPBackend, sdpa_kernel

    q = ng.randn(1, 2, 4)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        inside = nn.functional.scaled_dot_product_attention(q, q, q)
    assert ng.equal(inside, nn.functional.scaled_dot_product_attention(q, q, q))
