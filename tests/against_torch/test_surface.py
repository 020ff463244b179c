"""The names that a PyTorch program reaches for are here: functions, methods, in place, out=."""

import inspect

import pytest

import naivegrad as ng
from naivegrad.nn import functional

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def listed(names):
    return names.split()


POINTWISE = listed(
    """
    abs neg sign sgn signbit reciprocal square sqrt rsqrt exp exp2 expm1 log log2 log10 log1p
    pow float_power sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc
    erfinv lgamma digamma polygamma sigmoid logit floor ceil round trunc frac fmod remainder
    floor_divide true_divide div clamp clamp_min clamp_max clip lerp addcmul addcdiv hypot
    copysign nextafter maximum minimum fmax fmin xlogy logaddexp logaddexp2 nan_to_num isnan
    isinf isfinite isposinf isneginf isclose allclose equal eq ne lt le gt ge logical_and
    logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not
    bitwise_left_shift bitwise_right_shift where heaviside sinc deg2rad rad2deg absolute
    negative subtract multiply divide arcsin arccos arctan arctan2 arcsinh arccosh arctanh fix
    greater greater_equal less less_equal not_equal add sub mul rsub positive
    """
)
REDUCTIONS = listed(
    """
    sum mean prod max min amax amin aminmax argmax argmin all any var std var_mean std_mean norm
    logsumexp logcumsumexp cumsum cumprod cummax cummin median nanmedian nanmean nansum mode
    quantile nanquantile count_nonzero unique unique_consecutive bincount histc trace diff dist
    """
)
MOVEMENT = listed(
    """
    reshape flatten unflatten ravel transpose t permute movedim moveaxis swapaxes swapdims
    squeeze unsqueeze broadcast_to repeat_interleave tile cat concat concatenate stack hstack
    vstack dstack column_stack row_stack split tensor_split hsplit vsplit dsplit chunk unbind
    select narrow flip fliplr flipud roll rot90 diag diagonal diag_embed diagflat tril triu
    tril_indices triu_indices as_strided clone block_diag meshgrid cartesian_prod combinations
    atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_shapes adjoint
    """
)
METHODS = listed(
    """
    view view_as reshape_as expand expand_as repeat contiguous unfold T mT H mH split_with_sizes
    type type_as to float double half bfloat16 int long short byte char bool cpu cuda item
    tolist numpy new_tensor new_zeros new_ones new_full new_empty element_size nelement dim ndim
    size stride storage_offset is_contiguous data_ptr detach requires_grad_ retain_grad backward
    register_hook index_fill index_fill_ index_copy_ index_add_ index_put index_put_ scatter_
    scatter_add_ scatter_reduce_ masked_fill masked_fill_ masked_scatter masked_scatter_ copy_
    fill_ zero_ uniform_ normal_ random_ bernoulli_ exponential_ geometric_ cauchy_ log_normal_
    fill_diagonal_ squeeze_ unsqueeze_ t_ transpose_ resize_ set_ sum_to_size is_floating_point
    is_complex nbytes is_cuda clone where map_ apply_
    """
)
INDEXING = listed(
    """
    gather scatter scatter_add scatter_reduce index_select index_add index_copy index_fill
    index_put masked_fill masked_scatter masked_select take take_along_dim nonzero argwhere sort
    argsort msort topk kthvalue searchsorted bucketize isin multinomial select_scatter
    slice_scatter diagonal_scatter
    """
)
LINALG = listed(
    """
    matmul mm bmm mv dot vdot inner outer ger addmm addmv addr baddbmm addbmm einsum tensordot
    kron cross cdist det slogdet logdet inverse pinverse cholesky cholesky_solve qr svd
    matrix_power chain_matmul vander
    """
)
LINALG_MODULE = listed(
    """
    solve solve_triangular inv pinv det slogdet cholesky qr eigh eigvalsh svd svdvals lstsq
    matrix_power norm vector_norm matrix_norm cross matrix_rank cond multi_dot vecdot diagonal
    LinAlgError
    """
)
FFT_MODULE = listed(
    """
    fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftfreq
    rfftfreq fftshift ifftshift
    """
)
NEURAL = listed(
    """
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d unfold fold
    max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
    adaptive_max_pool3d lp_pool1d lp_pool2d lp_pool3d max_unpool1d max_unpool2d max_unpool3d
    interpolate upsample grid_sample affine_grid pixel_shuffle pixel_unshuffle channel_shuffle
    batch_norm layer_norm instance_norm group_norm rms_norm local_response_norm normalize relu
    relu_ relu6 leaky_relu leaky_relu_ prelu rrelu elu elu_ celu selu selu_ gelu silu mish
    hardtanh hardtanh_ hardswish hardsigmoid hardshrink softshrink softplus softsign logsigmoid
    tanhshrink threshold threshold_ glu softmax log_softmax softmin gumbel_softmax sigmoid tanh
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout linear bilinear
    embedding embedding_bag one_hot pad scaled_dot_product_attention
    multi_head_attention_forward cross_entropy nll_loss l1_loss mse_loss smooth_l1_loss
    huber_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div gaussian_nll_loss
    poisson_nll_loss cosine_embedding_loss hinge_embedding_loss margin_ranking_loss
    triplet_margin_loss triplet_margin_with_distance_loss multi_margin_loss
    multilabel_margin_loss multilabel_soft_margin_loss soft_margin_loss ctc_loss
    cosine_similarity pairwise_distance pdist
    """
)
CREATION = listed(
    """
    tensor as_tensor asarray from_numpy zeros ones empty full eye arange linspace logspace
    zeros_like ones_like empty_like full_like rand randn randint randperm rand_like randn_like
    randint_like normal bernoulli poisson manual_seed seed initial_seed get_rng_state
    set_rng_state Generator scalar_tensor complex polar view_as_real view_as_complex real imag
    angle conj hann_window hamming_window stft
    """
)
TYPES = listed(
    """
    float64 float32 float16 bfloat16 double half int8 int16 int32 int64 short long uint8
    complex64 complex128 cfloat cdouble result_type can_cast promote_types finfo iinfo
    set_default_dtype get_default_dtype is_tensor is_floating_point is_complex numel Tensor
    FloatTensor LongTensor DoubleTensor IntTensor ByteTensor BoolTensor strided
    contiguous_format inf nan pi e newaxis no_grad enable_grad set_grad_enabled is_grad_enabled
    inference_mode device dtype set_num_threads get_num_threads set_printoptions typename
    """
)
TORCH = [*POINTWISE, *REDUCTIONS, *MOVEMENT, *INDEXING, *LINALG]


@pytest.mark.parametrize("name", [*TORCH, *CREATION, *TYPES])
def test_name(name):
    assert hasattr(torch, name)
    assert hasattr(ng, name)


@pytest.mark.parametrize("name", NEURAL)
def test_neural_name(name):
    assert hasattr(torch.nn.functional, name)
    assert hasattr(functional, name)


@pytest.mark.parametrize(
    ("space", "name"),
    [("linalg", n) for n in LINALG_MODULE] + [("fft", n) for n in FFT_MODULE],
)
def test_name_in_a_namespace(space, name):
    assert hasattr(getattr(torch, space), name)
    assert hasattr(getattr(ng, space), name)


@pytest.mark.parametrize(
    "name", METHODS + [n for n in TORCH if hasattr(torch.Tensor, n)] + ["is_contiguous"]
)
def test_method(name):
    assert hasattr(torch.Tensor, name)
    assert hasattr(ng.Tensor, name)


@pytest.mark.parametrize("name", [n + "_" for n in TORCH if hasattr(torch.Tensor, n + "_")])
def test_in_place_method(name):
    assert hasattr(ng.Tensor, name)


def takes_out(name):
    return " out=" in (getattr(torch, name).__doc__ or "").replace("*, out", " out")


@pytest.mark.parametrize("name", [n for n in TORCH if takes_out(n)])
def test_out(name):
    assert "out" in inspect.signature(getattr(ng, name)).parameters
