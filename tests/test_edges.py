"""Inputs at the edges: without dimensions, without elements, infinite, of several types."""

import warnings

import numpy as np
import pytest

import naivegrad as ng

F = ng.nn.functional
HALF = [ng.float16, ng.bfloat16]


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (IndexError, lambda x: ng.flatten(x, 1)),
        (IndexError, lambda x: ng.repeat_interleave(x, 2, 0)),
        (ValueError, lambda x: ng.narrow(x, 0, 0, 1)),
        (IndexError, lambda x: ng.roll(x, 1, 0)),
        (ValueError, lambda x: ng.unflatten(x, 0, (1, 1))),
        (IndexError, lambda x: ng.tensordot(x, x, ([0], [0]))),
    ],
    ids=["flatten", "repeat_interleave", "narrow", "roll", "unflatten", "tensordot"],
)
def test_a_tensor_without_dimensions_is_refused_by_name(kind, call, request):
    name = request.node.callspec.id
    with pytest.raises(kind, match=f"^{name}: "):
        call(ng.tensor(1.0))


def test_a_tensor_without_dimensions_has_itself_as_transpose_and_as_window():
    x = ng.tensor(2.0)
    assert [y.shape for y in (x.mT, x.H, x.mH)] == [()] * 3
    assert x.unfold(0, 1, 1).tolist() == [2.0]
    assert ng.linalg.vector_norm(x, 0).item() == 1.0
    with pytest.raises(ValueError, match=r"^H: "):
        ng.ones(2, 3, 4).H


def test_a_tensor_that_cat_passes_over_counts_for_the_type():
    x = ng.arange(3)
    assert ng.cat([x, ng.empty(0)]).dtype == ng.float32
    assert ng.cat([ng.empty(0, dtype=ng.float64), x.float()]).dtype == ng.float64
    assert ng.cat([x, ng.empty(0, dtype=ng.int64)]).dtype == ng.int64


def test_infinities_cancel_to_nan_without_warnings():
    x = ng.tensor([[np.inf, -np.inf, 1.0], [0.0, np.inf, 2.0], [1.0, 1.0, -np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (x @ x, x @ x[0], F.linear(x, x), ng.linalg.cross(x, x), ng.fft.fft(x).real):
            assert ng.isnan(y).any()
        ng.linalg.det(x)
        ng.linalg.slogdet(x * np.nan)


@pytest.mark.parametrize("kind", HALF, ids=str)
@pytest.mark.parametrize(
    "norm",
    [
        lambda x, w: F.layer_norm(x.mT, (4,), w, w),
        lambda x, w: F.group_norm(x, 2, w, w),
        lambda x, w: F.batch_norm(x, ng.zeros(4), ng.ones(4), w, w, training=True),
        lambda x, w: F.instance_norm(x, None, None, w, w),
        lambda x, w: F.rms_norm(x.mT, (4,), w),
    ],
    ids=["layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm"],
)
def test_norms_of_half_precision_take_parameters_of_float32(norm, kind):
    x, w = ng.randn(2, 4, 3), ng.randn(4)
    half = x.to(kind).requires_grad_()
    w.requires_grad_()
    y = norm(half, w)
    assert y.dtype == kind
    assert ng.equal(y, norm(half.float(), w).to(kind))
    y.sum().backward()
    assert (half.grad.dtype, w.grad.dtype) == (kind, ng.float32)


def test_probabilities_of_no_classes_have_no_loss():
    x = ng.ones(3, 0)
    assert F.cross_entropy(x, x, label_smoothing=0.1).item() == 0.0


def test_embedding_looks_up_rows_of_integers_and_of_truth_values():
    table = ng.arange(6).reshape(3, 2)
    index = ng.tensor([2, 0])
    assert F.embedding(index, table).tolist() == [[4, 5], [0, 1]]
    assert F.embedding(index, table > 0).dtype == ng.bool
    with pytest.raises(TypeError, match=r"^embedding: "):
        F.embedding(index, table, max_norm=1.0)
    with pytest.raises(TypeError, match=r"^embedding: "):
        F.embedding(index, table.to(ng.complex64))


def test_lp_pool_of_infinite_power_is_the_extreme_magnitude():
    x = ng.tensor([[1.0, -3.0, 2.0, -0.5]], requires_grad=True)
    assert F.lp_pool1d(x, float("inf"), 2).tolist() == [[3.0, 2.0]]
    smallest = F.lp_pool1d(x, -float("inf"), 2)
    assert smallest.tolist() == [[1.0, 0.5]]
    smallest.sum().backward()
    assert x.grad.tolist() == [[1.0, 0.0, 0.0, -1.0]]
    assert F.lp_pool2d(x.reshape(1, 2, 2), float("inf"), 2).item() == 3.0
    with pytest.raises(TypeError, match=r"^lp_pool1d: "):
        F.lp_pool1d(ng.ones(1, 4, dtype=ng.int64), 2, 2)


def test_a_transposed_convolution_refuses_a_bias_of_another_type():
    x, w = ng.ones(1, 2, 4), ng.ones(2, 3, 2)
    with pytest.raises(TypeError, match=r"^conv_transpose1d: bias is naivegrad.float64"):
        F.conv_transpose1d(x, w, ng.ones(3, dtype=ng.float64))


def test_a_product_of_no_complex_numbers_goes_back():
    x = ng.zeros(0, dtype=ng.complex64, requires_grad=True)
    ng.view_as_real(ng.prod(x)).sum().backward()
    assert x.grad.shape == (0,)


def test_real_numbers_are_not_filled_with_complex_ones():
    x = ng.ones(2)
    for fill in (ng.masked_fill, ng.Tensor.masked_fill_):
        with pytest.raises(TypeError, match=r"^masked_fill: value 1j cannot be stored"):
            fill(x, x > 0, 1j)


def test_a_transform_along_no_axis_is_a_copy():
    x = ng.ones(2, dtype=ng.complex64)
    y = ng.fft.fftn(x, dim=())
    y.zero_()
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("kind", [ng.float16, ng.float32], ids=str)
def test_the_gradient_of_a_tiny_norm_is_finite(kind):
    x = ng.full((2, 3), 1e-6 if kind == ng.float16 else 1e-40, dtype=kind, requires_grad=True)
    ng.linalg.vector_norm(x, dim=1).sum().backward()
    assert ng.isfinite(x.grad).all()
