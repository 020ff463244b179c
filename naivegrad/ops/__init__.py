"""The operations: Function classes by family, and their functional names."""

from naivegrad.ops import index_in_place, memory, random_in_place  # which Tensor's methods call
from naivegrad.ops.activation import gelu, leaky_relu, relu, sigmoid, silu, softplus, tanh
from naivegrad.ops.adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    fractional_max_pool2d,
    fractional_max_pool3d,
)
from naivegrad.ops.attention import scaled_dot_product_attention
from naivegrad.ops.bilinear import bilinear
from naivegrad.ops.blend import addcdiv, addcmul, lerp
from naivegrad.ops.compare import (
    allclose,
    eq,
    equal,
    ge,
    greater,
    greater_equal,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    le,
    less,
    less_equal,
    lt,
    ne,
    not_equal,
    signbit,
)
from naivegrad.ops.complex import (
    angle,
    complex,
    conj,
    conj_physical,
    imag,
    is_conj,
    is_neg,
    isreal,
    polar,
    real,
    resolve_conj,
    resolve_neg,
    sgn,
    view_as_complex,
    view_as_real,
)
from naivegrad.ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    fold,
    unfold,
)
from naivegrad.ops.copying import clone
from naivegrad.ops.creation import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    frombuffer,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from naivegrad.ops.ctc import ctc_loss
from naivegrad.ops.decomposition import det, logdet, matrix_exp, slogdet
from naivegrad.ops.diagonal import (
    block_diag,
    diag,
    diag_embed,
    diagflat,
    diagonal,
    tril,
    tril_indices,
    triu,
    triu_indices,
)
from naivegrad.ops.distance import cdist, cosine_similarity, pairwise_distance, pdist
from naivegrad.ops.dropout import (
    alpha_dropout,
    alpha_dropout_,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    dropout_,
    feature_alpha_dropout,
    feature_alpha_dropout_,
    feature_dropout,
    feature_dropout_,
)
from naivegrad.ops.einsum import einsum, tensordot
from naivegrad.ops.elementwise import (
    abs,
    absolute,
    add,
    div,
    divide,
    mul,
    multiply,
    neg,
    negative,
    positive,
    rsub,
    sign,
    sub,
    subtract,
    true_divide,
)
from naivegrad.ops.embedding import embedding
from naivegrad.ops.embedding_bag import embedding_bag
from naivegrad.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10
from naivegrad.ops.extreme import amax, amin, aminmax, argmax, argmin, max, min
from naivegrad.ops.grid_sample import affine_grid, grid_sample
from naivegrad.ops.grids import cartesian_prod, combinations, meshgrid
from naivegrad.ops.index import index_put
from naivegrad.ops.interpolate import interpolate, upsample, upsample_bilinear, upsample_nearest
from naivegrad.ops.joining import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    cat,
    chunk,
    column_stack,
    concat,
    concatenate,
    dsplit,
    dstack,
    hsplit,
    hstack,
    row_stack,
    split,
    split_with_sizes,
    stack,
    tensor_split,
    unbind,
    vsplit,
    vstack,
)
from naivegrad.ops.linalg import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    dot,
    ger,
    inner,
    linear,
    matmul,
    mm,
    mv,
    outer,
    vdot,
)
from naivegrad.ops.linalg_older import cholesky, inverse, pca_lowrank, qr, svd, svd_lowrank
from naivegrad.ops.logic import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
)
from naivegrad.ops.loss import cross_entropy, linear_cross_entropy, nll_loss
from naivegrad.ops.lu import lu_of as lu
from naivegrad.ops.lu import lu_unpack
from naivegrad.ops.lu import solve_by_lu as lu_solve
from naivegrad.ops.margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from naivegrad.ops.mask import argwhere, masked_scatter, masked_select, nonzero
from naivegrad.ops.mask_fill import masked_fill
from naivegrad.ops.movement import (
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    expand,
    flatten,
    moveaxis,
    movedim,
    narrow,
    permute,
    ravel,
    reshape,
    select,
    squeeze,
    swapaxes,
    swapdims,
    t,
    transpose,
    unflatten,
    unsqueeze,
    view,
)
from naivegrad.ops.multi_head_attention import multi_head_attention_forward
from naivegrad.ops.norm import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    normalize,
    rms_norm,
)
from naivegrad.ops.padding import pad
from naivegrad.ops.pairs import (
    copysign,
    float_power,
    fmax,
    fmin,
    gcd,
    heaviside,
    hypot,
    lcm,
    ldexp,
    logaddexp,
    logaddexp2,
    nextafter,
    xlog1py,
    xlogy,
)
from naivegrad.ops.pixel import (
    channel_shuffle,
    native_channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
)
from naivegrad.ops.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from naivegrad.ops.pool_indices import (
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d_with_indices,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d_with_indices,
    max_pool1d_with_indices,
    max_pool2d_with_indices,
    max_pool3d_with_indices,
)
from naivegrad.ops.power import pow, reciprocal, rsqrt, sqrt, square
from naivegrad.ops.product import chain_matmul, kron, trace, vander
from naivegrad.ops.product import cross_of_first as cross
from naivegrad.ops.quantile import median, mode, nanmedian, nanquantile, quantile
from naivegrad.ops.random import (
    bernoulli,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)
from naivegrad.ops.rearrange import (
    adjoint,
    flip,
    fliplr,
    flipud,
    repeat_interleave,
    roll,
    rot90,
    tile,
)
from naivegrad.ops.rectifier import (
    celu,
    celu_,
    elu,
    elu_,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu_,
    prelu,
    relu6,
    relu_,
    rrelu,
    rrelu_,
    selu,
    selu_,
    softshrink,
    threshold,
    threshold_,
)
from naivegrad.ops.reduce import (
    all,
    any,
    count_nonzero,
    logsumexp,
    mean,
    nanmean,
    nansum,
    prod,
    sum,
)
from naivegrad.ops.regression import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from naivegrad.ops.rnn_layers import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from naivegrad.ops.rounding import (
    ceil,
    fix,
    floor,
    floor_divide,
    fmod,
    frac,
    frexp,
    remainder,
    round,
    trunc,
)
from naivegrad.ops.scan import (
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_trapezoid,
    diff,
    logcumsumexp,
    trapezoid,
    trapz,
)
from naivegrad.ops.scatter import gather, scatter, scatter_add, scatter_reduce, take_along_dim
from naivegrad.ops.search import bucketize, isin, one_hot, searchsorted, unravel_index
from naivegrad.ops.select import (
    clamp,
    clamp_max,
    clamp_min,
    clip,
    maximum,
    minimum,
    nan_to_num,
    where,
)
from naivegrad.ops.slices import (
    diagonal_scatter,
    index_add,
    index_copy,
    index_fill,
    index_reduce,
    index_select,
    put,
    select_scatter,
    slice_scatter,
    take,
)
from naivegrad.ops.smooth import glu, logsigmoid, mish, softsign, tanhshrink
from naivegrad.ops.softmax import gumbel_softmax, log_softmax, softmax, softmin
from naivegrad.ops.solve import (
    cholesky_inverse,
    cholesky_solve,
    matrix_power,
    pinverse,
    triangular_solve,
)
from naivegrad.ops.sort import argsort, kthvalue, msort, sort, topk
from naivegrad.ops.special import digamma, erf, erfc, erfinv, i0, lgamma, logit, mvlgamma, polygamma
from naivegrad.ops.spectral import (
    bartlett_window,
    blackman_window,
    hamming_window,
    hann_window,
    istft,
    kaiser_window,
    stft,
)
from naivegrad.ops.statistics import (
    bincount,
    corrcoef,
    cov,
    histc,
    histogram,
    std,
    std_mean,
    var,
    var_mean,
)
from naivegrad.ops.strided import as_strided
from naivegrad.ops.trigonometry import (
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    deg2rad,
    rad2deg,
    sin,
    sinc,
    sinh,
    tan,
)
from naivegrad.ops.types import (
    can_cast,
    is_complex,
    is_floating_point,
    is_nonzero,
    is_same_size,
    is_tensor,
    numel,
    promote_types,
    result_type,
    set_default_tensor_type,
    typename,
)
from naivegrad.ops.unique import unique, unique_consecutive
from naivegrad.ops.vector_norm import dist, norm, renorm

# Functions only, without the modules they come from, some of which bear the same names.
__all__ = sorted(name for name, value in globals().items() if callable(value))
