"""Every test starts from the same seed, recording on, and leaves the settings as they were."""

from collections.abc import Iterator

import pytest

import naivegrad as ng


@pytest.fixture(autouse=True)
def same_start() -> Iterator[None]:
    ng.manual_seed(0)
    threads = ng.get_num_threads()
    assert ng.is_grad_enabled(), "an earlier test left recording off"
    yield
    ng.set_num_threads(threads)
