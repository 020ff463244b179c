"""Every test starts from the same seed, recording on, and leaves the settings as they were."""

import os
import sys
from collections.abc import Iterator

import pytest

# One thread, unless a test asks for more: this process holds PyTorch's pool of threads, NumPy's and
# ours, and on a busy machine they cost each other ten times what a second thread gains.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import naivegrad as ng


@pytest.fixture(autouse=True)
def same_start() -> Iterator[None]:
    ng.manual_seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    threads = ng.get_num_threads()
    assert ng.is_grad_enabled(), "an earlier test left recording off"
    yield
    ng.set_num_threads(threads)
