"""Switching recording on and off, and threads."""

import threading

import numpy as np
import pytest

import naivegrad as ng
from harness import value
from naivegrad.autograd import Function
from numeric import leaf

# Recording on and off


def test_no_grad_and_its_nesting():
    x = leaf(1.0)
    with ng.no_grad():
        assert not ng.is_grad_enabled()
        assert not (x * 2).requires_grad
        with ng.enable_grad():
            assert (x * 2).requires_grad
            with ng.no_grad():
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_restores_instead_of_switching_on():
    with ng.no_grad():
        with ng.no_grad():
            pass
        assert not ng.is_grad_enabled()
        with ng.enable_grad():
            pass
        assert not ng.is_grad_enabled()
    assert ng.is_grad_enabled()


def test_no_grad_and_exceptions():
    with pytest.raises(KeyError), ng.no_grad():
        raise KeyError
    assert ng.is_grad_enabled()
    with ng.no_grad():
        with pytest.raises(KeyError), ng.enable_grad():
            raise KeyError
        assert not ng.is_grad_enabled()


def test_set_grad_enabled():
    x = leaf(1.0)
    for mode in (True, False):
        with ng.set_grad_enabled(mode):
            assert (x * 2).requires_grad is mode
        assert ng.is_grad_enabled()
    ng.set_grad_enabled(False)
    try:
        assert not (x * 2).requires_grad
    finally:
        ng.set_grad_enabled(True)
    assert ng.is_grad_enabled()


def test_one_switch_entered_again_inside_itself():
    switch = ng.no_grad()
    with switch:
        with switch:
            pass
        assert not ng.is_grad_enabled()
    assert ng.is_grad_enabled()


def test_switches_as_decorators():
    x = leaf(1.0)

    @ng.no_grad()
    def off(n):
        assert not ng.is_grad_enabled()
        return off(n - 1) if n else x * 2

    @ng.no_grad
    def bare():
        return x * 2

    @ng.enable_grad()
    def on():
        return x * 2

    @ng.set_grad_enabled(False)
    def set_off():
        return x * 2

    assert ng.is_grad_enabled(), "decorating must not switch"
    assert not off(3).requires_grad
    assert not bare().requires_grad
    assert not set_off().requires_grad
    assert off.__name__ == "off"
    with ng.no_grad():
        assert on().requires_grad
        assert not ng.is_grad_enabled()
    assert ng.is_grad_enabled()


def test_decorated_generators():
    """The mode holds inside the generator and not between its steps."""

    @ng.no_grad()
    def generate():
        assert not ng.is_grad_enabled()
        got = yield 1
        assert got == "sent" and not ng.is_grad_enabled()
        try:
            yield 2
        except KeyError:
            assert not ng.is_grad_enabled()
            yield 3
        return 4

    g = generate()
    assert next(g) == 1 and ng.is_grad_enabled()
    assert g.send("sent") == 2 and ng.is_grad_enabled()
    assert g.throw(KeyError()) == 3 and ng.is_grad_enabled()
    with pytest.raises(StopIteration) as stop:
        next(g)
    assert stop.value.value == 4 and ng.is_grad_enabled()
    g = generate()
    next(g)
    g.close()
    assert ng.is_grad_enabled()


def test_each_thread_has_its_own_mode():
    x = leaf(1.0)
    seen = {}
    inside, leave = threading.Event(), threading.Event()

    def other():
        seen["at start"] = ng.is_grad_enabled()
        with ng.no_grad():
            inside.set()
            leave.wait(5)
            seen["inside"] = (x * 2).requires_grad

    with ng.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(5)
    assert ng.is_grad_enabled() and (x * 2).requires_grad
    leave.set()
    thread.join()
    assert seen == {"at start": True, "inside": False}


def test_backward_runs_under_no_grad_and_leaves_the_mode():
    x = leaf(2.0)
    y = x * x
    with ng.no_grad():
        y.backward()
        assert not ng.is_grad_enabled()
    assert x.grad.item() == 4.0

    class Bad(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("mine")

    with pytest.raises(KeyError):
        Bad.apply(leaf(1.0)).backward()
    assert ng.is_grad_enabled()


# Threads


def test_backward_in_two_threads_on_different_graphs():
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(50):
            a = rng.normal(size=(20, 20))
            x = leaf(a)
            y = x
            for _ in range(20):
                y = ng.tanh(y @ x)
            y.sum().backward()
            (again,) = ng.autograd.grad(_tanh_chain(x), x)
            if not np.array_equal(value(again), value(x.grad)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def _tanh_chain(x):
    y = x
    for _ in range(20):
        y = ng.tanh(y @ x)
    return y.sum()
