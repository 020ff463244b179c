"""Batches made by worker processes: the same as without, whatever becomes of the workers."""

import gc
import multiprocessing
import os
import random
import resource
import select
import signal
import subprocess
import sys
import threading
from collections import Counter, namedtuple
from contextlib import closing
from multiprocessing import connection, resource_tracker
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naivegrad as ng
from naivegrad import multiprocessing as mp
from naivegrad.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    channel,
    default_collate,
    get_worker_info,
    pool,
)

# Python 3.12 warns of any fork in a process with threads, OpenMP's included.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


class Made(Dataset):
    """Sample i is f(i)."""

    def __init__(self, f, n=8):
        self.f = f
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.f(i)


class Share(IterableDataset):
    """A stream of n numbers, of which each worker gives those of its turn."""

    def __init__(self, n, shared=True):
        self.n = n
        self.shared = shared

    def __iter__(self):
        info = get_worker_info()
        if info is None or not self.shared:
            return iter(range(self.n))
        return iter(range(info.id, self.n, info.num_workers))


def flat(loader):
    return [i for batch in loader for i in batch.tolist()]


def batches(loader):
    return [batch.tolist() for batch in loader]


def workers():
    return {process.pid for process in multiprocessing.active_children()}


def mappings():
    """How many batches of workers this process holds."""
    with open("/proc/self/maps") as maps:
        return sum("memfd:naivegrad" in line for line in maps)


def wait_for_end(pid, seconds=20):
    """Wait until a process is gone, child of ours or not."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], seconds)[0], f"process {pid} is still there"
    finally:
        os.close(handle)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    """No process, no open file, no mapped memory. (The shared memory has no names to be left.)"""

    def held():
        return len(os.listdir("/proc/self/fd")), mappings(), workers()

    resource_tracker.ensure_running()  # Python's own, for "spawn": it stays
    before = held()
    yield
    if held() != before:
        gc.collect()
    assert held() == before


# ---- the same batches as without workers ----


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(0, 23),
    batch_size=st.integers(1, 7),
    drop_last=st.booleans(),
    num_workers=st.integers(0, 4),
    shuffle=st.booleans(),
    keep=st.booleans(),
    ahead=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_no_sample_is_lost_or_doubled(
    n, batch_size, drop_last, num_workers, shuffle, keep, ahead, seed
):
    def epochs(**options):
        ng.manual_seed(seed)
        loader = DataLoader(range(n), batch_size, shuffle, drop_last=drop_last, **options)
        return [batches(loader) for _ in range(2)], ng.get_rng_state()

    options = {"num_workers": num_workers}
    if num_workers:
        options |= {"persistent_workers": keep, "prefetch_factor": ahead}
    given, state = epochs(**options)
    assert (given, state) == epochs()
    for epoch in given:
        seen = [i for batch in epoch for i in batch]
        assert len(seen) == len(set(seen)) == (n - n % batch_size if drop_last else n)
        assert shuffle or seen == list(range(len(seen)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_every_way_to_start_a_process(method):
    data = TensorDataset(ng.randn(50, 3, 40, 40), ng.arange(50))
    for context in (method, multiprocessing.get_context(method))[: 1 + (method == "fork")]:
        loader = DataLoader(data, 8, num_workers=2, multiprocessing_context=context)
        for (x, y), (x0, y0) in zip(loader, DataLoader(data, 8), strict=True):
            np.testing.assert_array_equal(x.numpy(), x0.numpy())
            assert y.tolist() == y0.tolist()
    if method == "forkserver":
        multiprocessing.forkserver._forkserver._stop()


Point = namedtuple("Point", "x y")


def test_everything_that_a_batch_can_hold():
    def sample(i):
        big = np.random.default_rng(i).standard_normal((60, 70))
        return {
            "float": ng.from_numpy(big.astype(np.float32)),
            "half": ng.from_numpy(big.astype(np.float16)),
            "bfloat16": ng.from_numpy(big.astype(ml_dtypes.bfloat16)),
            "complex": big + 1j * big.T[:60, :60].sum(),
            "bool": big > 0,
            "turned": ng.from_numpy(big).T,
            "empty": ng.zeros(0, 5),
            "point": Point(i, [float(i), "text " * 3000]),
            "number": np.int16(i),
        }

    data = Made(sample, 4)

    def compare(x, y):
        assert type(x) is type(y)
        if isinstance(y, ng.Tensor):
            assert (x.dtype, x.shape) == (y.dtype, y.shape)
            assert x.numpy().tobytes() == y.numpy().tobytes()
        elif isinstance(y, dict):
            assert list(x) == list(y)
            compare(list(x.values()), list(y.values()))
        elif isinstance(y, list | tuple):
            for pair in zip(x, y, strict=True):
                compare(*pair)
        elif isinstance(y, np.ndarray):
            np.testing.assert_array_equal(x, y)
        else:
            assert x == y

    for collate in (default_collate, list):  # lists: views, transposed tensors
        loader = DataLoader(data, 2, collate_fn=collate, num_workers=2)
        for pair in zip(loader, DataLoader(data, 2, collate_fn=collate), strict=True):
            compare(*pair)
    single = next(iter(DataLoader(data, batch_size=None, num_workers=1)))
    compare(single["bool"], ng.from_numpy(sample(0)["bool"]))
    assert single["point"] == Point(0, [0.0, "text " * 3000])


def test_a_batch_is_ones_own():
    """Writable, apart from all others, and there when the workers are gone."""
    loader = DataLoader(TensorDataset(ng.ones(6, 30_000)), 2, num_workers=2)
    first, second, third = (x for (x,) in loader)
    assert mappings() == 3
    first += 1
    assert first.sum().item() == 2 * second.sum().item() == 2 * third.sum().item() == 120_000
    x = second.requires_grad_()
    (x * x).sum().backward()
    assert x.grad.sum().item() == 120_000


def test_a_view_travels_without_what_it_is_a_view_of():
    data = TensorDataset(ng.arange(4_000_000).reshape(4, 1_000_000))
    (row,) = list(DataLoader(Made(lambda i: data[i][0][7::200_000], 1), None, num_workers=1))
    assert row.tolist() == [7, 200_007, 400_007, 600_007, 800_007]
    assert row.untyped_storage().nbytes() == 40
    assert mappings() == 0


@pytest.mark.parametrize("n", range(300, 500, 20))
def test_many_small_arrays_are_one_message(n):
    """Around the size at which a message goes through shared memory."""
    here, there = channel.Channel.pair()
    here.send([np.full(1, i % 256, np.uint8) for i in range(n)])
    assert [int(x[0]) for x in there.receive()] == [i % 256 for i in range(n)]
    here.close(), there.close()


def test_nothing_is_called_when_a_batch_is_freed():
    """In a finalizer written in Python a Ctrl-C would be lost."""
    calls = []
    batches = list(DataLoader(TensorDataset(ng.ones(6, 30_000)), num_workers=1))
    assert mappings() == 6
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name))
    batches.clear()
    sys.setprofile(None)
    assert set(calls) == {"test_nothing_is_called_when_a_batch_is_freed"}  # clear, setprofile
    assert mappings() == 0


def test_tensors_keep_what_they_are():
    weight = ng.nn.Parameter(ng.randn(300, 300))
    got = next(iter(DataLoader(Made(lambda i: weight), None, num_workers=1)))
    assert isinstance(got, ng.nn.Parameter) and got.requires_grad
    assert (got.detach() == weight.detach()).all().item()

    def sample(i):
        return (weight * i).sum(0)

    with pytest.raises(RuntimeError, match="only for leaf tensors"):
        list(DataLoader(Made(sample), None, num_workers=1))


def test_batches_may_be_kept_though_files_are_few():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    data = TensorDataset(ng.ones(80, 10_000))
    with_some = max(map(int, os.listdir("/proc/self/fd"))) + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (with_some, hard))
    try:
        assert len(list(DataLoader(data, num_workers=2))) == 80
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_much_ahead_and_much_in_a_message_is_no_deadlock():
    text = "x" * 50_000
    data = Made(lambda i: text, 100_000)
    got = list(DataLoader(data, 20_000, num_workers=2, collate_fn=lambda b: b[:20]))
    assert [len(batch) for batch in got] == [20] * 5
    loader = DataLoader(range(3000), num_workers=2, prefetch_factor=1000)
    assert flat(loader) == list(range(3000))
    for _ in loader:
        break  # with a full channel
    loader = DataLoader(range(20_000), 5000, num_workers=1, prefetch_factor=4)
    assert flat(loader) == list(range(20_000))


def test_batches_as_they_are_ready():
    slow = multiprocessing.Event()

    def sample(i):
        if i == 0:
            assert slow.wait(60)
        return i

    loader = DataLoader(Made(sample, 6), num_workers=2, in_order=False, prefetch_factor=1)
    it = iter(loader)
    assert [next(it).item() for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="in_order=False"):
        loader.state_dict()
    slow.set()
    assert sorted(flat(it)) == [0, 5]


# ---- streams ----


@pytest.mark.parametrize("num_workers", [0, 1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams(num_workers, drop_last):
    loader = DataLoader(Share(11), 2, num_workers=num_workers, drop_last=drop_last)
    seen = Counter(flat(loader))
    assert set(seen.values()) == {1}
    assert len(seen) == 11 if not drop_last else 11 - 2 * max(1, num_workers) <= len(seen) <= 10
    if num_workers:
        whole = DataLoader(Share(11, shared=False), 2, num_workers=num_workers)
        assert Counter(flat(whole)) == Counter(list(range(11)) * num_workers)
        keep = DataLoader(Share(5), None, num_workers=num_workers, persistent_workers=True)
        assert sorted(keep) == sorted(keep) == list(range(5))


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker")
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("n", [0, 5, 12])
def test_batches_of_streams_come_as_in_pytorch(n, shared):
    theirs = pytest.importorskip("torch.utils.data")

    class Stream(theirs.IterableDataset):
        def __iter__(self):
            info = theirs.get_worker_info()
            step, start = (info.num_workers, info.id) if shared else (1, info.id * 4)
            return iter(range(start, n, step))

    class Ours(IterableDataset):
        def __iter__(self):
            info = get_worker_info()
            step, start = (info.num_workers, info.id) if shared else (1, info.id * 4)
            return iter(range(start, n, step))

    options = {"batch_size": 2, "num_workers": 3}
    assert batches(DataLoader(Ours(), **options)) == batches(theirs.DataLoader(Stream(), **options))


# ---- who a worker is; random numbers ----


def test_a_worker_knows_itself():
    assert get_worker_info() is None
    called = multiprocessing.SimpleQueue()

    def sample(i):
        info = get_worker_info()
        threads = ng.get_num_threads()
        return info.id, info.num_workers, info.seed, len(info.dataset), threads, os.getpid()

    loader = DataLoader(Made(sample), num_workers=2, collate_fn=lambda b: b[0],
                        worker_init_fn=called.put, persistent_workers=True)  # fmt: skip
    rows = list(loader)
    assert [row[0] for row in rows] == [0, 1] * 4
    assert {row[1:5:2] for row in rows} == {(2, 8)}
    assert {row[4] for row in rows} == {1}
    assert rows[1][2] == rows[0][2] + 1
    assert sorted([called.get(), called.get()]) == [0, 1]
    assert [row[5] for row in loader] == [row[5] for row in rows]
    assert called.empty()
    called.close()
    with pytest.raises(AttributeError):
        pool.worker.WorkerInfo(0, 1, 2, None).id = 3


def draws(i):
    legacy = np.random.rand()  # noqa: NPY002
    return get_worker_info().seed, ng.rand(()).item(), random.random(), legacy


def test_workers_draw_numbers_of_their_own_from_the_seed():
    def epochs(seed):
        ng.manual_seed(seed)
        loader = DataLoader(Made(draws, 2), num_workers=2, collate_fn=lambda b: b[0])
        return list(loader) + list(loader)

    rows = epochs(5)
    assert rows == epochs(5) != epochs(6)
    for column in zip(*rows, strict=True):
        assert len(set(column)) == 4  # by worker, and by epoch
    for seed, drawn, python, _ in rows:
        assert ng.rand((), generator=ng.Generator().manual_seed(seed)).item() == drawn
        assert random.Random(seed).random() == python


@pytest.mark.torch
def test_numpy_is_seeded_as_in_pytorch():
    theirs = pytest.importorskip("torch.utils.data._utils.worker")
    for base, number in ((0, 0), (12345, 3), (2**62 + 7, 1)):
        assert pool.worker.numpy_seed(base, number).tolist() == theirs._generate_state(base, number)


# ---- going on in the middle ----


@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize(("before", "after"), [(2, 0), (0, 3), (3, 2)])
def test_a_loader_with_workers_goes_on_where_it_stopped(own_generator, before, after):
    def new(num_workers):
        generator = ng.Generator().manual_seed(8) if own_generator else None
        return DataLoader(range(34), 7, True, generator=generator, num_workers=num_workers)

    for stop in (0, 2, 5):
        ng.manual_seed(4)
        loader = new(before)
        flat(loader)
        it = iter(loader)
        for _ in range(stop):
            next(it)
        state = loader.state_dict()
        assert state["batch"] == stop  # not what the workers have made ahead
        rest = batches(it)
        ng.manual_seed(99)
        other = new(after)
        other.load_state_dict(state)
        assert batches(other) == rest


def test_a_stream_with_workers_goes_on_where_it_stopped():
    loader = DataLoader(Share(20), 3, num_workers=2)
    it = iter(loader)
    next(it), next(it)
    other = DataLoader(Share(20), 3, num_workers=2)
    other.load_state_dict(loader.state_dict())
    assert batches(other) == batches(it)


# ---- what goes wrong in a worker ----


class OwnError(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


@pytest.mark.parametrize("method", ["sample", "collate", "init"])
def test_errors_have_their_type_and_the_workers_traceback(method):
    def fail_here(i):
        raise OwnError(7, "no such luck")

    options = {"collate_fn": fail_here} if method == "collate" else {}
    options |= {"worker_init_fn": fail_here} if method == "init" else {}
    data = Made(fail_here if method == "sample" else abs)
    with pytest.raises(OwnError, match="no such luck") as caught:
        list(DataLoader(data, num_workers=2, **options))
    assert caught.value.code == 7
    (note,) = caught.value.__notes__
    assert "DataLoader worker 0 (pid" in note and "in fail_here" in note


def test_an_error_ends_the_epoch_after_the_batches_before_it():
    def sample(i):
        if i == 5:
            raise ConnectionResetError("the server is gone")  # no different from other errors
        return i

    loader = DataLoader(Made(sample), num_workers=2, persistent_workers=True)
    for _ in range(2):  # the workers live on
        it, seen = map(int, loader), []
        with pytest.raises(ConnectionResetError, match="the server is gone"):
            seen.extend(it)
        assert seen == [0, 1, 2, 3, 4]
        assert next(it, "over") == "over"


def test_errors_that_cannot_travel():
    class Local(Exception):
        pass

    class Odd(ValueError):
        def __init__(self, a, b):
            super().__init__(f"{a} and {b}")

    globals()["Odd"] = Odd
    for error, text in ((Local("here"), "Local .*worker 0.*: here"), (Odd(1, 2), "Odd .*1 and 2")):

        def sample(i, error=error):
            raise error

        with pytest.raises(RuntimeError, match=text) as caught:
            list(DataLoader(Made(sample), num_workers=1))
        assert "in sample" in caught.value.__notes__[0]
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        list(DataLoader(Made(lambda i: lambda: i), None, num_workers=1))
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Made(lambda i: next(iter(()))), None, num_workers=1))


def stop_here(how):
    if how == "hang":
        threading.Event().wait()
    elif how == "_exit":
        os._exit(3)
    elif how == "exit":
        sys.exit(4)
    else:
        os.kill(os.getpid(), getattr(signal, how))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("SIGKILL", r"ended by signal 9 \(Killed\)"),
        ("SIGTERM", "ended by signal 15"),
        ("_exit", "exit code 3"),
        ("exit", "exit code 4"),
        ("hang", "gave no batch in 0.3 seconds"),
        ("SIGSTOP", "gave no batch in 0.3 seconds"),
    ],
)
@pytest.mark.parametrize("in_order", [True, False])
def test_a_worker_that_is_no_more_ends_the_epoch(how, text, in_order, monkeypatch):
    mended = multiprocessing.Event()
    seen = []

    def sample(i):
        if i == 3 and not mended.is_set():
            stop_here(how)
        return i

    timeout = 0.3 if "0.3" in text else 0
    if timeout:  # for the worker that hangs; those that are slow to begin have all the time

        def patient(channels, seconds):
            hangs = len(seen) == 3 if in_order else 1 in seen and len(channels) == 1
            return connection.wait(channels, seconds if hangs else 60)

        monkeypatch.setattr(pool, "connection", SimpleNamespace(wait=patient))
    loader = DataLoader(Made(sample), num_workers=2, in_order=in_order, timeout=timeout,
                        persistent_workers=in_order)  # fmt: skip
    before = workers()
    it = map(int, loader)
    pids = workers() - before
    with pytest.raises(RuntimeError, match=rf"DataLoader worker 1 \(pid \d+\).* {text}"):
        seen.extend(it)
    assert 3 not in seen and (not in_order or seen == [0, 1, 2])
    assert not workers() & pids
    assert next(it, "over") == "over"
    mended.set()
    loader.timeout = 0
    monkeypatch.undo()
    assert sorted(flat(loader)) == list(range(8))


def test_a_worker_that_dies_while_another_holds_its_channel_is_missed():
    """Here a process of the data set's own inherits the worker's end."""

    def sample(i):
        if os.fork() == 0:
            signal.pause()
        os._exit(3)

    def end_group(number):
        os.setpgrp()

    loader = DataLoader(Made(sample), num_workers=1, worker_init_fn=end_group)
    it = iter(loader)
    (pid,) = workers()
    old, pool.LOOK = pool.LOOK, 0.1
    try:
        with pytest.raises(RuntimeError, match="exit code 3"):
            next(it)
    finally:
        pool.LOOK = old
        os.killpg(pid, signal.SIGKILL)


def test_an_epoch_left_early_ends_the_workers():
    before = workers()
    loader = DataLoader(range(100), num_workers=2)
    for _ in loader:
        pids = workers() - before
        assert len(pids) == 2
        break
    assert workers() == before
    it = iter(loader)  # begun, and nothing asked for
    assert len(workers() - before) == 2
    del it
    assert workers() == before
    with closing(iter(loader)) as it:
        next(it)
    assert workers() == before


def test_persistent_workers_go_on_after_an_epoch_left_early():
    loader = DataLoader(range(40), 4, num_workers=2, persistent_workers=True)
    old = iter(loader)
    next(old), next(old)
    pids = workers()
    assert flat(loader) == list(range(40))
    assert workers() == pids
    with pytest.raises(RuntimeError, match="another epoch"):
        next(old)


def test_a_hanging_worker_does_not_keep_the_epoch_from_ending(monkeypatch):
    monkeypatch.setattr(pool, "GRACE", 0.2)
    before = workers()
    loader = DataLoader(Made(lambda i: i or stop_here("hang")), num_workers=2)
    del loader
    it = iter(DataLoader(Made(lambda i: stop_here("hang") if i == 1 else i), num_workers=2))
    next(it)
    del it
    assert workers() == before


def test_a_worker_has_no_workers():
    def sample(i):
        return flat(DataLoader(range(2), num_workers=1))

    with pytest.raises(RuntimeError, match="cannot have workers of its own; use num_workers=0"):
        list(DataLoader(Made(sample), num_workers=1))
    nested = Made(lambda i: flat(DataLoader(range(2))), 2)
    assert list(DataLoader(nested, None, num_workers=1)) == [[0, 1]] * 2


# ---- what becomes of the workers when the main process ends ----

PROGRAM = """
import multiprocessing, os, signal, sys, threading
import naivegrad as ng

class Data(ng.data.Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        if i == 3:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            threading.Event().wait()  # for ever
        return i

signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
it = iter(ng.data.DataLoader(Data(), num_workers=3))
next(it)
print(*[p.pid for p in multiprocessing.active_children()], flush=True)
"""


@pytest.mark.parametrize(
    ("how", "last", "code"),
    [
        ("Ctrl-C", "list(it)", -signal.SIGINT),
        ("SIGKILL", "list(it)", -signal.SIGKILL),
        ("SIGKILL", "signal.pause()", -signal.SIGKILL),
        ("end", "", 0),
        ("raise", "1 / 0", 1),
        ("_exit", "os._exit(5)", 5),
    ],
)
def test_no_worker_outlives_the_main_process(how, last, code):
    start = "import naivegrad.data.pool; naivegrad.data.pool.GRACE = 0.2" + PROGRAM + last
    with subprocess.Popen(
        [sys.executable, "-c", start],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as main:
        try:
            pids = [int(word) for word in main.stdout.readline().split()]
            assert len(pids) == 3
            if how == "Ctrl-C":
                os.killpg(main.pid, signal.SIGINT)  # what a terminal does: to all of them
            elif how == "SIGKILL":
                main.kill()
            _, errors = main.communicate(timeout=60)
        finally:
            main.kill()  # the `with` would wait for it
        assert main.returncode == code
        for pid in pids:
            wait_for_end(pid)
    assert errors.count("Traceback") == (how in ("Ctrl-C", "raise")), errors


# ---- threads ----


@pytest.mark.parametrize("wish", [None, 2])
def test_a_worker_computes_though_threads_were_used_before_the_fork(wish):
    before = ng.get_num_threads()
    x = ng.ones(1000, 1000)

    def sample(i):
        if wish:
            ng.set_num_threads(wish)
        return (x.exp() @ x).sum().item()

    try:
        ng.set_num_threads(2)
        expected = (x.exp() @ x).sum().item()
        got = list(DataLoader(Made(sample, 4), None, num_workers=2, timeout=60))
        assert got == pytest.approx([expected] * 4, rel=1e-5)
    finally:
        ng.set_num_threads(before)


def test_a_fork_while_another_thread_draws():
    loader = DataLoader(
        Made(draws, 2), None, num_workers=1, timeout=60, generator=ng.Generator()
    )  # fmt: skip
    with ng.default_generator._lock:
        assert len(list(loader)) == 2


# ---- mistakes ----


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"num_workers": -1}, "num_workers"),
        ({"num_workers": 1.5}, "num_workers"),
        ({"timeout": -1}, "timeout"),
        ({"prefetch_factor": 2}, "prefetch_factor needs num_workers"),
        ({"persistent_workers": True}, "persistent_workers needs num_workers"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context needs num_workers"),
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor must be positive"),
        ({"num_workers": 1, "multiprocessing_context": "knife"}, "one of .*not 'knife'"),
    ],
)
def test_mistakes_are_refused(options, text):
    with pytest.raises(ValueError, match=f"DataLoader: .*{text}"):
        DataLoader(range(3), **options)


def test_more_mistakes():
    with pytest.raises(TypeError, match=r"multiprocessing_context .* got int"):
        DataLoader(range(3), num_workers=1, multiprocessing_context=3)
    loader = DataLoader(range(3), num_workers=1)
    for name in ("batch_size", "dataset", "sampler", "drop_last"):
        with pytest.raises(ValueError, match=f"{name} cannot be changed"):
            setattr(loader, name, 1)
    loader.collate_fn = sum
    assert list(loader) == [0, 1, 2]
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        iter(DataLoader(Made(lambda i: i), num_workers=1, multiprocessing_context="spawn"))


# ---- naivegrad.multiprocessing ----


def test_spawn():
    queue = mp.get_context("fork").SimpleQueue()

    def work(i, tensor):
        queue.put((i, tensor * i))

    mp.spawn(work, (ng.ones(2),), 3, start_method="fork")
    assert {i: x.tolist() for i, x in (queue.get() for _ in range(3))} == {
        0: [0, 0], 1: [1, 1], 2: [2, 2]}  # fmt: skip
    queue.close()
    mp.spawn(abs, nprocs=2)
    with pytest.raises(
        mp.ProcessRaisedException, match=r"process \d raised(.|\n)*ZeroDivisionError"
    ) as e:
        mp.spawn(divmod, (0,), 1)
    assert e.value.error_index == 0


def test_a_spawned_process_that_ends_ends_the_others():
    def work(i):
        if i == 1:
            os._exit(9)
        signal.pause()

    with pytest.raises(mp.ProcessExitedException, match="process 1 ended with exit code 9") as e:
        mp.start_processes(work, nprocs=3, start_method="fork")
    assert (e.value.error_index, e.value.exit_code) == (1, 9)
    context = mp.start_processes(work, nprocs=2, start_method="fork", join=False)
    context.processes[1].join()  # ended before anybody waited
    with pytest.raises(mp.ProcessExitedException, match="process 1 ended with exit code 9"):
        context.join()
    context = mp.start_processes(work, nprocs=1, start_method="fork", join=False)
    (pid,) = context.pids()
    assert not context.join(0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(mp.ProcessExitedException, match="signal 9"):
        context.join()
