"""Schedules compared with PyTorch: 120 steps, several groups, saved and loaded in the middle."""

import copy
import inspect
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import naivegrad as ng
from naivegrad.optim import lr_scheduler

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class Decay:
    """A function with state."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, t):
        return 1 / (1 + self.rate * t)


SCHEDULES = [
    ("LambdaLR", {"lr_lambda": Decay(0.5)}),
    ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: 1.0]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9 if t % 2 else 1.05}),
    ("StepLR", {"step_size": 30, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [20, 70, 70, 90]}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.7, "total_iters": 80}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.8, "end_factor": 0.1, "total_iters": 90}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("PolynomialLR", {"total_iters": 70, "power": 2.0}),
    ("PolynomialLR", {}),
    ("CosineAnnealingLR", {"T_max": 50, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.5, "step_size_up": 11}),
    (
        "CyclicLR",
        {
            "base_lr": [0.01, 0.02], "max_lr": 0.5, "step_size_up": 7, "step_size_down": 16,
            "mode": "triangular2", "base_momentum": 0.5, "max_momentum": 0.8,
        },
    ),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 9, "mode": "exp_range",
                  "gamma": 0.98, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 9, "scale_fn": Decay(0.3)}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 9, "scale_fn": Decay(0.3),
                  "scale_mode": "iterations"}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 121}),
    ("OneCycleLR", {"max_lr": [1.0, 2.0], "total_steps": 130, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 1.0, "epochs": 2, "steps_per_epoch": 62, "three_phase": True,
                    "pct_start": 0.4, "div_factor": 10.0, "final_div_factor": 100.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 125, "cycle_momentum": False}),
]  # fmt: skip
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(SCHEDULES)]


def optimizer(t, kind="SGD", tensor_lr=False):
    a, b = (t.zeros(2, requires_grad=True) for _ in range(2))
    lrs = [t.tensor(lr, dtype=t.float64) for lr in (0.1, 0.3)] if tensor_lr else (0.1, 0.3)
    momentum = {"momentum": 0.5} if kind == "SGD" else {}
    groups = [{"params": [a]}, {"params": [b], "lr": lrs[1]}]
    return getattr(t.optim, kind)(groups, lr=lrs[0], **momentum)


def schedule(t, name, options, o):
    return getattr(t.optim.lr_scheduler, name)(o, **copy.deepcopy(options))


def numbers(o):
    """What a schedule may change."""
    rows = []
    for group in o.param_groups:
        lr = group["lr"]
        row = [lr.item() if hasattr(lr, "item") else lr, group.get("momentum", 0)]
        rows += [*row, *group.get("betas", ())]
    return rows


def same(a, b, ours=None, theirs=None):
    np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-9, atol=1e-15)
    if ours is not None:
        rates = [[float(lr) for lr in s.get_last_lr()] for s in (ours, theirs)]
        np.testing.assert_allclose(*rates, rtol=1e-9, atol=1e-15)


def advance(runs, n, step=lambda s, k: s.step()):
    for k in range(n):
        for o, s in runs:
            o.step()
            step(s, k)
        for o, s in runs[1:]:
            same(runs[0][0], o, runs[0][1], s)


def plain(value):
    """State without its rounding errors."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def reload(runs, make):
    """Each library goes on from its own state and from the other's."""
    states = [copy.deepcopy((o.state_dict(), s.state_dict())) for o, s in runs]
    assert states[0][1] == plain(states[1][1])
    result = []
    for t in (ng, torch):
        for o_state, s_state in states:
            o, s = make(t)
            o.load_state_dict(o_state)
            s.load_state_dict(s_state)
            result.append((o, s))
    return result


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=IDS)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_schedule(name, options, kind):
    def make(t):
        o = optimizer(t, kind)
        return o, schedule(t, name, options, o)

    runs = [make(t) for t in (ng, torch)]
    same(runs[0][0], runs[1][0])
    advance(runs, 60)
    advance(reload(runs, make), 60)


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=IDS)
def test_learning_rate_in_a_tensor(name, options):
    runs = []
    for t in (ng, torch):
        o = optimizer(t, tensor_lr=True)
        tensors = [group["lr"] for group in o.param_groups]
        runs.append((o, schedule(t, name, options, o)))
        assert all(group["lr"] is lr for group, lr in zip(o.param_groups, tensors))
    advance(runs, 30)


@pytest.mark.filterwarnings("ignore:.*epoch")
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=IDS)
def test_step_to_an_epoch(name, options):
    runs = []
    for t in (ng, torch):
        o = optimizer(t)
        runs.append((o, schedule(t, name, options, o)))
    epochs = [3, 4, 50, 20, 7, 8, 0, 60]
    advance(runs, len(epochs), lambda s, k: s.step(epochs[k]))
    if name == "CosineAnnealingWarmRestarts":
        advance(runs, 30, lambda s, k: s.step(k / 3))


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=IDS)
def test_resume_at_an_epoch(name, options):
    """As the older programs do: the options of the groups stay, the schedule is made anew."""
    results = []
    for t in (ng, torch):
        o = optimizer(t)
        s = schedule(t, name, options, o)
        for _ in range(10):
            o.step()
            s.step()
        s = schedule(t, name, {**options, "last_epoch": 10}, o)
        results.append((o, s))
        for _ in range(3):
            o.step()
            s.step()
    same(*[o for o, _ in results], *[s for _, s in results])


@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1, "min_lr": 1e-6},
        {"patience": 2, "cooldown": 2, "threshold": 0.3, "factor": 0.7, "min_lr": [1e-3, 1e-2]},
        {"patience": 0, "eps": 1e-2},
    ],
)
def test_plateau(options, mode, threshold_mode):
    options = {**options, "mode": mode, "threshold_mode": threshold_mode}
    measures = np.random.default_rng(0).standard_normal(120).cumsum()

    def make(t):
        o = optimizer(t, tensor_lr=options["patience"] == 2)
        return o, schedule(t, "ReduceLROnPlateau", options, o)

    runs = [make(t) for t in (ng, torch)]
    for k, measure in enumerate(measures):
        if k == 60 and options["patience"] != 2:
            runs = reload(runs, make)
        for _, s in runs:
            s.step(measure)
            assert s.num_bad_epochs == runs[0][1].num_bad_epochs
        for o, s in runs[1:]:
            same(runs[0][0], o, runs[0][1], s)


# ----------------------------------------------------------------------------- combinations

MEMBERS = [
    ("LambdaLR", {"lr_lambda": Decay(0.5)}),
    ("MultiplicativeLR", {"lr_lambda": Decay(0.01)}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5]}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 4}),
    ("LinearLR", {"start_factor": 0.3, "total_iters": 6}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"total_iters": 9, "power": 0.5}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2}),
]
members = st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=4)


def compare_combined(make):
    with warnings.catch_warnings():  # PyTorch's step a schedule at the wrong time themselves
        warnings.simplefilter("ignore")
        runs = [make(t) for t in (ng, torch)]
        same(runs[0][0], runs[1][0], runs[0][1], runs[1][1])
        advance(runs, 12)
        advance(reload(runs, make), 12)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(members, st.data())
def test_sequences(names, data):
    steps = data.draw(st.lists(st.integers(1, 9), min_size=len(names) - 1, max_size=len(names) - 1))

    def make(t):
        o = optimizer(t)
        parts = [schedule(t, name, options, o) for name, options in names]
        return o, t.optim.lr_scheduler.SequentialLR(o, parts, np.cumsum(steps, dtype=int).tolist())

    compare_combined(make)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(members)
def test_chains(names):
    def make(t):
        o = optimizer(t)
        parts = [schedule(t, name, options, o) for name, options in names]
        return o, t.optim.lr_scheduler.ChainedScheduler(parts)

    compare_combined(make)


def test_a_chain_in_a_sequence():
    def make(t):
        s = t.optim.lr_scheduler
        o = optimizer(t)
        chain = s.ChainedScheduler([s.LinearLR(o, total_iters=4), s.ExponentialLR(o, 0.9)])
        return o, s.SequentialLR(o, [chain, s.CosineAnnealingLR(o, 9)], [6])

    compare_combined(make)


# ------------------------------------------------------------------------------ what users write


def test_schedule_written_by_a_user():
    runs = []
    for t in (ng, torch):

        class Warmup(t.optim.lr_scheduler._LRScheduler):
            def __init__(self, optimizer, steps, after=None, last_epoch=-1):
                self.steps, self.after = steps, after
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                if self.last_epoch >= self.steps:
                    if self._step_count == self.steps + 1 and self.after:
                        self.after.base_lrs = list(self.base_lrs)
                    return self.after.get_last_lr()
                return [base * (self.last_epoch + 1) / self.steps for base in self.base_lrs]

            def step(self, epoch=None):
                if self.last_epoch >= self.steps and self.after:
                    self.after.step(None)
                    self._last_lr = self.after.get_last_lr()
                else:
                    super().step(epoch)

        o = optimizer(t)
        runs.append((o, Warmup(o, 5, t.optim.lr_scheduler.CosineAnnealingLR(o, 20))))
    advance(runs, 20)


@pytest.mark.parametrize("name", torch.optim.lr_scheduler.__all__)
def test_signature(name):
    ours, theirs = (
        inspect.signature(getattr(s, name)) for s in (lr_scheduler, torch.optim.lr_scheduler)
    )
    assert list(ours.parameters) == list(theirs.parameters)
    for a, b in zip(ours.parameters.values(), theirs.parameters.values()):
        assert (a.kind, a.default) == (b.kind, b.default), a.name
