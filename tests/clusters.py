"""A Dask cluster of two processes for the tests, and what the tests with one ignore of it."""

from __future__ import annotations

import contextlib

import pytest

MARKS = [
    pytest.mark.filterwarnings("ignore:Port .* is already in use:UserWarning"),
    # distributed looks for a free port with a socket that it leaves open
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@contextlib.contextmanager
def two_processes():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made,
        distributed.Client(made) as client,
    ):
        yield client
