"""What a profile records, and that it leaves no trace of itself."""

import gzip
import json
import threading
import time

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.autograd import Function
from naivegrad.autograd.profiler import _classes, emit_itt, emit_nvtx
from naivegrad.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


def names(recorded, kind=None):
    return [event.name for event in recorded.events() if kind in (None, event.kind)]


def methods():
    """What stands in every class under the names that a profile replaces."""
    return {
        (cls, name): vars(cls).get(name)
        for cls in _classes(Function)
        for name in ("apply", "backward", "forward")
    }


@pytest.fixture(autouse=True)
def _leaves_no_trace():
    before = methods()
    yield
    assert methods() == before


def work():
    x = ng.ones(3, 4, requires_grad=True)
    ((x * 2).exp().t() @ x).sum().backward()
    return x.grad


def test_operations_and_their_backwards_are_named():
    with profile() as recorded:
        work()
    forward = ["Mul", "Exp", "Permute", "MatMul", "Sum"]
    assert names(recorded, "forward")[:5] == forward
    backward = [name for name in names(recorded, "backward") if name != "AccumulateGrad"]
    assert backward == [f"{name}Backward" for name in reversed(forward)]
    assert names(recorded, "backward").count("AccumulateGrad") == 1
    with profile() as nothing:
        pass
    assert not nothing.events() and "nothing was recorded" in nothing.table()


def test_results_are_the_same():
    expected = work()
    with profile(record_shapes=True, profile_memory=True, with_stack=True):
        assert (work() == expected).all()


def test_times_nest():
    with profile() as recorded, record_function("outer"):
        with record_function("inner"):
            time.sleep(0.002)
            ng.ones(100).exp()
        ng.ones(100).sin()
    outer, inner, exp, sin = recorded.events()
    assert [e.name for e in (outer, inner, exp, sin)] == ["outer", "inner", "Exp", "Sin"]
    assert outer.start <= inner.start <= exp.start <= exp.end <= inner.end <= sin.start
    total = inner.cpu_time_total + sin.cpu_time_total
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - total)
    assert inner.self_cpu_time_total >= 2000
    assert exp.self_cpu_time_total == exp.cpu_time_total > 0
    own = sum(event.self_cpu_time_total for event in recorded.events())
    assert own == pytest.approx(outer.cpu_time_total) == recorded.self_cpu_time_total


def test_averages():
    with profile(profile_memory=True, record_shapes=True) as recorded:
        for n in (2, 2, 3):
            ng.ones(n, 4).exp().reshape(-1)
    averages = {row.key: row for row in recorded.key_averages()}
    assert averages["Exp"].count == 3
    assert averages["Exp"].cpu_memory_usage == (2 + 2 + 3) * 4 * 4
    assert averages["Reshape"].cpu_memory_usage == 0  # a view
    assert averages["Exp"].cpu_time == averages["Exp"].cpu_time_total / 3
    by_shape = recorded.key_averages(group_by_input_shape=True)
    shapes = [(row.key, row.input_shapes, row.count) for row in by_shape if row.key == "Exp"]
    assert shapes == [("Exp", [[2, 4]], 2), ("Exp", [[3, 4]], 1)]
    assert recorded.total_average().count == 6
    with pytest.raises(ValueError, match="record_shapes=True"):
        profile().key_averages(group_by_input_shape=True)
    with pytest.raises(ValueError, match="with_stack=True"):
        profile().key_averages(group_by_stack_n=5)


def test_the_table():
    with profile(profile_memory=True) as recorded:
        for _ in range(3):
            ng.ones(300).exp()
        (ng.ones(2) + 1).sin()
    rows = recorded.key_averages()
    text = rows.table(sort_by="count", row_limit=2, header="A title")
    lines = text.splitlines()
    assert lines[0] == "A title"
    assert lines[2].split()[0] == "Name" and "Self CPU Mem" in lines[2] and "# of Calls" in lines[2]
    assert lines[4].startswith("Exp ") and lines[4].endswith(" 3") and "3.52 KB" in lines[4]
    assert len(lines) == 8 and lines[-1].startswith("Self CPU time total: ")
    assert "Input Shapes" not in text
    assert len(rows.table(row_limit=-1).splitlines()) == 8
    assert rows.table(sort_by="cuda_time_total", row_limit=1, time_unit="ms").count("ms") >= 3
    assert str(rows) == rows.table() == recorded.table() == recorded.events().table()
    assert rows.table(max_name_column_width=3).count("...") == 0
    for options, message in (
        ({"sort_by": "speed"}, "sort_by must be one of"),
        ({"time_unit": "h"}, "time_unit"),
        ({"top_level_events_only": True}, "top_level"),
    ):
        with pytest.raises(ValueError, match=message):
            rows.table(**options)


def test_lines_of_the_program():
    with profile(with_stack=True) as recorded:
        ng.nn.Linear(2, 2)(ng.ones(1, 2))
    [event] = [event for event in recorded.events() if event.name == "Linear"]
    assert event.source.startswith(__file__) and event.source.endswith("test_lines_of_the_program")
    table = recorded.key_averages(group_by_stack_n=1).table(max_src_column_width=10)
    assert "Source Location" in table and "..." in table


def test_a_users_function():
    x = ng.tensor([3.0], requires_grad=True)
    with profile() as recorded:
        Square.apply(x).backward()
    assert x.grad.item() == 6
    events = {event.name: event for event in recorded.events()}
    assert events["Square"].kind == "forward" and events["SquareBackward"].kind == "backward"
    assert names(recorded).count("SquareBackward") == 1
    assert events["Square"].children > 0  # the product inside


def test_what_computes_without_recording_is_timed_too():
    x = ng.ones(2, 3)
    with ng.no_grad(), profile(profile_memory=True) as recorded:
        y = x * 2 + x - x / 3
        y.amax(0)
    assert names(recorded) == ["Mul", "Add", "Div", "Sub", "Extremum"]
    assert [event.memory for event in recorded.events()] == [24] * 4 + [12]


def test_errors_end_their_events():
    with profile() as recorded:
        with pytest.raises(ValueError), record_function("bad"):
            ng.ones(2) + ng.ones(3)
        ng.ones(2).exp()
    assert names(recorded) == ["bad", "Add", "Exp"]
    bad, add, exp = recorded.events()
    assert bad.children >= add.end - add.start and exp.start > bad.end
    with pytest.raises(ZeroDivisionError), profile():
        raise ZeroDivisionError


def test_profiles_inside_one_another():
    with profile() as outer:
        ng.ones(1).exp()
        with profile() as inner:
            ng.ones(1).sin()
        ng.ones(1).cos()
    assert names(outer) == ["Exp", "Sin", "Cos"] and names(inner) == ["Sin"]
    with outer, pytest.raises(RuntimeError, match="running already"):
        outer._begin()


def test_threads_are_recorded_apart():
    both = threading.Barrier(2)

    def run(name):
        with record_function(name):
            both.wait()
            ng.ones(10).exp()
            both.wait()

    with profile() as recorded:
        threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    events = recorded.events()
    assert sorted(event.name for event in events) == ["Exp", "Exp", "a", "b"]
    assert len({event.thread for event in events}) == 2
    for name in "ab":
        [block] = [event for event in events if event.name == name]
        [exp] = [e for e in events if e.name == "Exp" and e.thread == block.thread]
        assert block.children == exp.end - exp.start


def test_record_function_as_a_decorator_and_without_a_profile():
    @record_function("twice")
    def twice(x):
        """Doc."""
        return x * 2

    assert twice(ng.ones(1)).item() == 2 and twice.__doc__ == "Doc."
    with profile() as recorded:
        twice(ng.ones(1))
    assert names(recorded, "user") == ["twice"]
    block = record_function("began before")
    with block, profile() as recorded:
        ng.ones(1).exp()
    assert names(recorded) == ["Exp"]


def test_optimizers_and_loaders_of_the_usual_loop():
    net = ng.nn.Linear(2, 1)
    optimizer = ng.optim.SGD(net.parameters(), lr=0.1)
    with profile() as recorded:
        net(ng.ones(1, 2)).sum().backward()
        optimizer.step()
    assert "Optimizer.step#SGD.step" in names(recorded, "user")


def test_a_trace_for_the_browser(tmp_path):
    with profile(record_shapes=True) as recorded, record_function("outer"):
        ng.ones(2, 3).exp()
    recorded.export_chrome_trace(tmp_path / "a.json")
    recorded.export_chrome_trace(str(tmp_path / "a.json.gz"))
    trace = json.loads((tmp_path / "a.json").read_text())
    assert json.loads(gzip.decompress((tmp_path / "a.json.gz").read_bytes())) == trace
    outer, exp = trace["traceEvents"]
    assert (outer["name"], outer["cat"], outer["ph"], outer["ts"]) == (
        *("outer", "user_annotation", "X", 0),
    )
    assert exp["name"] == "Exp" and exp["args"]["Input Dims"] == [[2, 3]]
    assert exp["ts"] + exp["dur"] <= outer["dur"]


def test_steps(tmp_path):
    ready = []
    when = schedule(wait=1, warmup=1, active=2, repeat=2)
    with profile(
        schedule=when,
        on_trace_ready=lambda p: ready.append(names(p)),
        activities=list(ProfilerActivity),
    ) as recorded:
        for i in range(10):
            ng.ones(1).exp() if i % 2 else ng.ones(1).sin()
            recorded.step()
    assert ready == [
        ["ProfilerStep#2", "Sin", "ProfilerStep#3", "Exp"],
        ["ProfilerStep#6", "Sin", "ProfilerStep#7", "Exp"],
    ]
    # without a schedule: once, at the end
    with profile(on_trace_ready=tensorboard_trace_handler(tmp_path / "log", "me")) as recorded:
        ng.ones(1).exp()
        recorded.step()
        ng.ones(1).sin()
    [path] = (tmp_path / "log").iterdir()
    assert path.name.startswith("me.") and path.name.endswith(".pt.trace.json")
    assert [e["name"] for e in json.loads(path.read_text())["traceEvents"]] == ["Exp", "Sin"]
    recorded = profile()
    recorded.start()
    ng.ones(1).exp()
    recorded.stop()
    recorded.stop()
    assert names(recorded) == ["Exp"] and supported_activities() == {ProfilerActivity.CPU}


def test_what_is_refused():
    with pytest.raises(ValueError, match="with_flops"):
        profile(with_flops=True)
    with pytest.raises(ValueError, match="schedule: expects"):
        schedule(wait=0, warmup=1, active=0)
    with pytest.warns(UserWarning, match="warmup"):
        schedule(wait=0, warmup=0, active=1)
    with pytest.raises(TypeError, match="activities"):
        profile(activities=["cpu"])
    for mark in (emit_nvtx, emit_itt):
        with pytest.raises(RuntimeError, match="use profile"), mark():
            pass
        with mark(enabled=False):
            pass
    with ng.autograd.profiler.profile(enabled=False) as recorded:
        ng.ones(1).exp()
    assert not recorded.events()


def test_only_the_gpu_is_asked_for():
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        ng.ones(1).exp()
    assert not recorded.events()


@pytest.mark.torch
def test_schedules_are_pytorchs():
    theirs = pytest.importorskip("torch").profiler
    random = np.random.default_rng(0)
    for _ in range(50):
        wait, skip, wait_first = (int(n) for n in random.integers(0, 4, 3))
        warmup, active, repeat = (int(n) for n in random.integers(1, 4, 3))
        options = {"wait": wait, "warmup": warmup, "active": active, "repeat": repeat - 1,
                   "skip_first": skip, "skip_first_wait": wait_first % 2}  # fmt: skip
        ours, reference = schedule(**options), theirs.schedule(**options)
        assert [ours(i).name for i in range(30)] == [reference(i).name for i in range(30)], options
    assert [a.value for a in ProfilerAction] == [a.value for a in theirs.ProfilerAction]
