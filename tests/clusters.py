"""Dask clusters of this machine for the tests, and what the tests with one ignore of it."""

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
def processes(count):
    """A client of a cluster of so many processes.

    15 s after a worker died LocalCluster closes its nanny for good, where the worker is just starting again: a task
    that kills its worker again and again could so leave no worker at all.
    """
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"}),
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as made,
        distributed.Client(made) as client,
    ):
        yield client
