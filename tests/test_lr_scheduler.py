"""Learning-rate schedules against their formulas."""

import copy
import math

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import optim
from naivegrad.optim import lr_scheduler as S


def optimizer(*rates, cls=optim.SGD, **options):
    groups = [{"params": [ng.ones(1, requires_grad=True)], "lr": lr} for lr in rates or (1.0,)]
    return cls(groups, **options)


def rates(scheduler, steps):
    """The first group's rate before each step."""
    result = []
    for _ in range(steps):
        result.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return result


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda o: S.LambdaLR(o, lambda t: 0.5 + t), lambda t: 0.5 + t),
        (lambda o: S.StepLR(o, 3, gamma=0.5), lambda t: 0.5 ** (t // 3)),
        (lambda o: S.MultiStepLR(o, [2, 5, 5]), lambda t: 0.1 ** ((t >= 2) + 2 * (t >= 5))),
        (lambda o: S.ExponentialLR(o, 0.9), lambda t: 0.9**t),
        (
            lambda o: S.CosineAnnealingLR(o, 5, eta_min=0.2),
            lambda t: 0.2 + 0.8 * (1 + math.cos(math.pi * t / 5)) / 2,
        ),
    ],
)
def test_formula(make, formula):
    np.testing.assert_allclose(
        rates(make(optimizer()), 17), [formula(t) for t in range(17)], rtol=1e-9
    )


def test_sequence_of_warmup_and_decay():
    o = optimizer()
    warmup = S.LinearLR(o, start_factor=0.1, total_iters=4)
    schedule = S.SequentialLR(o, [warmup, S.StepLR(o, 3, 0.5)], [4])
    np.testing.assert_allclose(
        rates(schedule, 11), [0.1, 0.325, 0.55, 0.775, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    )


def test_every_group_has_its_rate():
    o = optimizer(1.0, 3.0)
    scheduler = S.LambdaLR(o, [lambda t: 2.0, lambda t: 0.5])
    assert [group["lr"] for group in o.param_groups] == scheduler.get_last_lr() == [2.0, 1.5]
    assert [group["initial_lr"] for group in o.param_groups] == [1.0, 3.0]


def test_one_cycle():
    o = optimizer(cls=optim.Adam)
    lr = rates(S.OneCycleLR(o, max_lr=1.0, total_steps=10), 10)
    assert lr[0] == pytest.approx(1 / 25) and lr[2] == pytest.approx(1.0)
    assert lr[9] == pytest.approx(1 / 25 / 1e4)
    assert lr[:3] == sorted(lr[:3]) and lr[2:] == sorted(lr[2:], reverse=True)
    assert o.param_groups[0]["betas"][1] == 0.999
    with pytest.raises(ValueError, match="no momentum"):
        S.OneCycleLR(optimizer(cls=optim.Adagrad), 1.0, 10)


def test_one_cycle_ends():
    scheduler = S.OneCycleLR(optimizer(momentum=0.9), 1.0, epochs=2, steps_per_epoch=2)
    rates(scheduler, 4)
    with pytest.raises(ValueError, match="step 5, but total_steps is 4"):
        scheduler.step()


def test_plateau():
    o = optimizer()
    scheduler = S.ReduceLROnPlateau(o, patience=1, factor=0.5, cooldown=1, min_lr=0.2)
    seen = []
    for measure in [3.0, 2.0, ng.tensor(2.0), 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]:
        scheduler.step(measure)
        seen.append(o.param_groups[0]["lr"])
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]
    best = S.ReduceLROnPlateau(
        optimizer(), mode="max", threshold_mode="abs", threshold=0.5, patience=0
    )
    for measure in [1.0, 1.4, 2.0]:
        best.step(measure)
    assert best.get_last_lr() == [0.1]


def test_continue_from_state_dict():
    def make(o):
        return [S.CosineAnnealingLR(o, 6), S.ReduceLROnPlateau(o, patience=0)]

    o = optimizer()
    cosine, plateau = make(o)
    rates(cosine, 3)
    plateau.step(1.0)
    saved = copy.deepcopy([o.state_dict(), cosine.state_dict(), plateau.state_dict()])
    assert "optimizer" not in saved[1]
    other = optimizer(0.7)
    cosine2, plateau2 = make(other)
    for target, state in zip([other, cosine2, plateau2], saved):
        target.load_state_dict(state)
    plateau.step(2.0), plateau2.step(2.0)
    assert rates(cosine, 5)[1:] == rates(cosine2, 5)[1:]


def combined(kind):
    o = optimizer()
    return S.SequentialLR(o, [S.ConstantLR(o), kind(o)], [2])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: S.StepLR(3, 1), TypeError, "StepLR: expected an Optimizer, got int"),
        (lambda: S.StepLR(optimizer(), 0), ValueError, "StepLR: step_size"),
        (lambda: S.StepLR(optimizer(), "3"), TypeError, "step_size must be positive, got '3'"),
        (
            lambda: S.StepLR(optimizer(), 1, last_epoch=3),
            KeyError,
            "'initial_lr', group 0 has none",
        ),
        (
            lambda: S.LambdaLR(optimizer(), [abs, abs]),
            ValueError,
            "lr_lambda must have 1 values, got 2",
        ),
        (lambda: S.CosineAnnealingLR(optimizer(), 0), ValueError, "T_max must be positive"),
        (lambda: S.OneCycleLR(optimizer(), 1.0), ValueError, "give total_steps"),
        (lambda: S.OneCycleLR(optimizer(), 1.0, 0), ValueError, "positive, got 0"),
        (lambda: S.OneCycleLR(optimizer(), 1.0, 9, pct_start=2), ValueError, "pct_start"),
        (lambda: S.OneCycleLR(optimizer(), [1.0, 2.0], 9), ValueError, "max_lr must have 1 values"),
        (
            lambda: S.ReduceLROnPlateau(optimizer(), factor=1.0),
            ValueError,
            "factor must be below 1",
        ),
        (lambda: S.ReduceLROnPlateau(optimizer(), mode="up"), ValueError, "mode must be"),
        (lambda: S.MultiplicativeLR(optimizer(), 3.0), TypeError, "must be a function, got 3.0"),
        (lambda: S.ConstantLR(optimizer(), 1.5), ValueError, "factor must be between 0 and 1"),
        (lambda: S.LinearLR(optimizer(), 0.0), ValueError, "start_factor must be above 0"),
        (lambda: S.LinearLR(optimizer(), 0.5, 1.5), ValueError, "end_factor must be between"),
        (lambda: S.CyclicLR(optimizer(), 0.1, 1.0, mode="up"), ValueError, "mode must be"),
        (lambda: S.CyclicLR(optimizer(), [0.1, 0.1], 1.0), ValueError, "base_lr must have 1"),
        (lambda: S.CosineAnnealingWarmRestarts(optimizer(), 2.5), ValueError, "T_0 must be a pos"),
        (lambda: S.CosineAnnealingWarmRestarts(optimizer(), 2, 0), ValueError, "T_mult must be"),
        (lambda: S.SequentialLR(optimizer(), [], []), ValueError, "at least one scheduler"),
        (lambda: S.ChainedScheduler([3]), TypeError, "expected schedulers, got int at 0"),
        (lambda: combined(S.ReduceLROnPlateau), ValueError, "needs a measure at each step"),
        (
            lambda: S.ChainedScheduler([S.ExponentialLR(optimizer(), 0.5) for _ in range(2)]),
            ValueError,
            "ExponentialLR at 1 belongs to another",
        ),
        (lambda: S.LRScheduler(optimizer()), NotImplementedError, "LRScheduler has no get_lr"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_milestones_are_one_fewer():
    o = optimizer()
    with pytest.raises(ValueError, match="2 schedulers need 1 milestones, got 2"):
        S.SequentialLR(o, [S.ConstantLR(o), S.ConstantLR(o)], [2, 3])


def test_warnings():
    o = optimizer()
    scheduler = S.ExponentialLR(o, 0.5)
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()
    with pytest.warns(UserWarning, match=r"before the first optimizer\.step"):
        scheduler.step()
    with pytest.warns(UserWarning, match="epoch"):
        scheduler.step(5)
    assert scheduler.get_last_lr() == [0.5**5]


def test_milestones_from_a_file():
    o = optimizer()
    schedule = S.MultiStepLR(o, [2, 3], gamma=0.5)
    schedule.load_state_dict({**schedule.state_dict(), "milestones": {1: 1, 4: 2}})
    np.testing.assert_allclose(rates(schedule, 6), [1, 0.5, 0.5, 0.5, 0.125, 0.125])


def test_a_group_added_later():
    o = optimizer()
    scheduler = S.ReduceLROnPlateau(o, patience=0, min_lr=[0.0])
    o.add_param_group({"params": ng.ones(1, requires_grad=True)})
    scheduler.step(1.0)
    with pytest.raises(RuntimeError, match="2 parameter groups now, min_lrs 1"):
        scheduler.step(1.0)
