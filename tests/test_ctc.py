"""ctc_loss beyond the rows of the table: long sequences, forms of lengths, threads."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.nn import functional as F


def sample(seed=0, times=60, batch=5, classes=8, most=12):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((times, batch, classes))
    return x, rng.integers(1, classes, (batch, most)), rng.integers(30, times + 1, batch)


def loss_and_grad(x, targets, times, counts, **o):
    x = ng.tensor(x, requires_grad=True)
    loss = F.ctc_loss(x.log_softmax(-1), ng.tensor(targets), times, counts, **o)
    return loss.detach().numpy(), ng.autograd.grad(loss.sum(), x)[0].numpy()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_long_sequences_as_in_torch(dtype, reduction):
    torch = pytest.importorskip("torch")
    x, targets, times = sample()
    x, counts = x.astype(dtype), [12, 7, 0, 1, 9]
    loss, grad = loss_and_grad(x, targets, times.tolist(), counts, reduction=reduction)
    t = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.ctc_loss(
        t.log_softmax(-1), torch.tensor(targets), times.tolist(), counts, reduction=reduction
    )
    want.sum().backward()
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(loss, want.detach().numpy(), rtol=tolerance)
    np.testing.assert_allclose(grad, t.grad.numpy(), rtol=tolerance, atol=tolerance)


def test_lengths_in_every_form():
    x, targets, _ = sample(batch=2)
    want, _ = loss_and_grad(x, targets, [60, 50], [12, 3])
    for form in (tuple, ng.tensor):
        got, _ = loss_and_grad(x, targets, form([60, 50]), form([12, 3]))
        assert got == want
    flat = np.concatenate([targets[0], targets[1, :3]])
    assert loss_and_grad(x, flat, [60, 50], [12, 3])[0] == want
    alone = F.ctc_loss(ng.tensor(x[:, 0]).log_softmax(-1), ng.tensor(targets[0]), 60, 12)
    batch = F.ctc_loss(ng.tensor(x[:, :1]).log_softmax(-1), ng.tensor(targets[:1]), [60], [12])
    assert alone.shape == () and alone.item() == batch.item()


def test_the_same_bits_for_every_number_of_threads():
    x, targets, times = sample(times=100)
    before, results = ng.get_num_threads(), []
    for threads in (1, 2):
        ng.set_num_threads(threads)
        results.append(loss_and_grad(x, targets, times, [12] * 5))
    ng.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_labels_that_do_not_fit():
    x, targets = np.zeros((2, 2, 3)), np.array([[1, 1], [1, 2]])
    loss, _ = loss_and_grad(x, targets, [2, 2], [2, 2], reduction="none")
    assert loss[0] == np.inf and np.isfinite(loss[1])
    loss, grad = loss_and_grad(x, targets, [2, 2], [2, 2], zero_infinity=True)
    assert np.isfinite(loss) and not grad[:, 0].any() and grad[:, 1].any()


def test_once_differentiable():
    x, targets, times = sample()
    x = ng.tensor(x, requires_grad=True)
    loss = F.ctc_loss(x.log_softmax(-1), ng.tensor(targets), times.tolist(), [3] * 5)
    (grad,) = ng.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="only once"):
        grad.sum().backward()


def test_half_precision_and_module():
    x, targets, times = sample()
    want, _ = loss_and_grad(x, targets, times, [5] * 5)
    half = ng.tensor(x.astype(np.float16)).log_softmax(-1)
    got = ng.nn.CTCLoss()(half, ng.tensor(targets), ng.tensor(times), ng.tensor([5] * 5))
    assert got.dtype == ng.float16 and abs(got.item() / want - 1) < 1e-2
