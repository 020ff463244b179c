"""The models of the example programs, trained beside themselves with PyTorch underneath."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

WORKLOADS = Path(__file__).parent.parent.parent / "benchmarks" / "workloads.py"
example = runpy.run_path(str(WORKLOADS))["example"]
STEPS = 5


def scores_of(t, model, batch):
    inputs, targets = (t.tensor(x) for x in batch)
    scores = model(inputs)
    return t.nn.functional.cross_entropy(scores.flatten(0, -2), targets.flatten())


def codes_of(t, model, batch):
    return sum(model.losses(t.tensor(batch[0])))


def images(random):
    return random.random((6, 1, 12, 12)), random.integers(0, 10, 6)


def text(random):
    numbers = random.integers(0, 11, (3, 9))
    return numbers[:, :-1], numbers[:, 1:]


PROGRAMS = {
    "mnist_cnn": (lambda m: m.CNN(12), images, scores_of),
    "mnist_mlp": (lambda m: m.MLP(12, 7), images, scores_of),
    "mnist_vit": (lambda m: m.ViT(12, 3, 16, 4, 2), images, scores_of),
    "vae": (lambda m: m.VAE(12, 9, 4), images, codes_of),
    "char_gpt": (lambda m: m.GPT(11, 8, 16, 4, 2), text, scores_of),
    "lstm": (lambda m: m.CharLSTM(11, 6, 2), text, scores_of),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_losses_are_those_of_pytorch(monkeypatch, name):
    make, data, loss_of = PROGRAMS[name]
    noise = np.random.default_rng(1).standard_normal((6, 4))
    for t in (ng, torch):
        monkeypatch.setattr(t, "randn_like", lambda x, t=t: t.tensor(noise))
    ours, theirs = (make(example(t, name)).double().eval() for t in (ng, torch))
    weights = {key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()}
    theirs.load_state_dict(weights)
    losses = []
    for t, model in ((ng, ours), (torch, theirs)):
        optimizer = t.optim.AdamW(model.parameters(), lr=0.01)
        random = np.random.default_rng(0)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = loss_of(t, model, data(random))
            loss.backward()
            t.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
    assert len(set(losses[:STEPS])) == STEPS  # it moves
    np.testing.assert_allclose(losses[:STEPS], losses[STEPS:], rtol=1e-9)


@pytest.mark.parametrize("name", ["char_gpt", "lstm"])
def test_the_likeliest_text_is_that_of_pytorch(name):
    make, _, _ = PROGRAMS[name]
    ours, theirs = (make(example(t, name)).double().eval() for t in (ng, torch))
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    with ng.no_grad(), torch.no_grad():
        written = ours.generate(ng.tensor([3, 1]), 20, 0.0)
        expected = theirs.generate(torch.tensor([3, 1]), 20, 0.0)
    assert written.tolist() == expected.tolist()
