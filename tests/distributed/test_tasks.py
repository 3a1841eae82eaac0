"""Tasks on a Dask cluster: what happens where it has no worker, and what a user is told of it."""

from __future__ import annotations

import threading

import clusters
import pytest

import labellerr_ds as lds
from labellerr_ds.distributed import tasks

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")
pytestmark = clusters.MARKS


def squared(number):
    return int(number) ** 2


def squares(client, count=3):
    return tasks.run_all(client, squared, {str(number): "same" for number in range(count)}, "squaring", False)


def test_a_cluster_without_a_worker_is_warned_of_once_and_waited_for(monkeypatch):
    monkeypatch.setattr(tasks, "NO_WORKER_S", 0.2)
    monkeypatch.setattr(tasks, "LOOK_S", 0.1)
    with clusters.processes(0) as client:
        later = threading.Timer(2, client.cluster.scale, [1])
        later.start()
        with pytest.warns(lds.LabellerrWarning) as caught:
            assert squares(client) == [0, 1, 4]
        later.join()
    (message,) = [str(one.message) for one in caught if one.category is lds.LabellerrWarning]
    assert message.startswith("the cluster has had no worker for ")


def test_a_scheduler_that_waits_no_longer_for_a_worker_is_an_error_of_ours():
    with (
        dask.config.set({"distributed.scheduler.no-workers-timeout": "200ms"}),
        clusters.processes(0) as client,
        pytest.raises(lds.ConnectionFailedError, match="the cluster has no worker.\nHint: start some"),
    ):
        squares(client)


def test_a_cluster_with_workers_is_waited_for_in_silence(cluster, monkeypatch):
    monkeypatch.setattr(tasks, "NO_WORKER_S", 0.0)
    monkeypatch.setattr(tasks, "LOOK_S", 0.0)
    assert squares(cluster, 200) == [number**2 for number in range(200)]


def test_tasks_end_in_any_order_and_come_back_in_theirs(cluster):
    assert squares(None) == squares(cluster) == [0, 1, 4]
    with pytest.raises(lds.ReadError, match=r"reading, the task of b.json: invalid literal"):
        tasks.run_all(cluster, int, {"7": "a.json", "seven": "b.json"}, "reading", False)


def test_a_client_that_is_closed_is_refused():
    with clusters.processes(0) as client:
        assert tasks.current(client) is client
    with pytest.raises(lds.InvalidArgumentError, match="the client of Dask is closed"):
        tasks.current(client)
