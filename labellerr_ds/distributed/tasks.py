"""Tasks, on a Dask cluster or in this process: what each gave, or why it did not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from labellerr_ds.core.errors import ConnectionFailedError, InvalidArgumentError, LabellerrError, ReadError, warn
from labellerr_ds.core.hint import argument, call
from labellerr_ds.core.progress import ProgressOption, tracked

T = TypeVar("T")
Task = Callable[[], T]

POLL_S = 0.02
LOOK_S = 1.0  # a look at the cluster is a request
NO_WORKER_S = 30.0  # without a worker, before a warning: one that died needs some seconds to start again


def current(client: Any) -> Any:
    """The client that is given, or the one that is open here; None for this process.

    Raises
    ------
    InvalidArgumentError
        Where it is no client of Dask's, or a closed one.
    """
    if client is not None:
        if is_cluster(client):
            return opened(client)
        kind = f"{type(client).__module__.partition('.')[0]}.{type(client).__name__}"
        raise InvalidArgumentError(
            f"client must be a dask.distributed.Client, got {kind}.",
            hint=call("dask.distributed.Client('tcp://scheduler:8786')"),
        )
    try:
        from distributed import get_client

        return get_client()
    except (ImportError, ValueError):
        return None


def is_cluster(client: Any) -> bool:
    """Whether it is a client of Dask's."""
    return hasattr(client, "scheduler") and hasattr(client, "submit")


def opened(client: Any) -> Any:
    """A client of Dask's, refused where it is closed."""
    if client.status in ("closing", "closed"):
        raise InvalidArgumentError("the client of Dask is closed.", hint="make a new client")
    return client


def run(
    client: Any, tasks: Mapping[int, Task[T]], what: str, progress: ProgressOption
) -> tuple[dict[int, T], dict[int, BaseException]]:
    """What tasks gave, and why others did not; a bar where it takes over a second."""
    done: dict[int, T] = {}
    failed: dict[int, BaseException] = {}
    with tracked(len(tasks), what, progress, "tasks", leave=False) as advance:
        for key, result, problem in _here(tasks) if client is None else _on(client, tasks):
            if problem is None:
                done[key] = result
            else:
                failed[key] = problem
            advance(1)
    return done, failed


def run_all(
    client: Any, task: Callable[[str], T], partitions: Mapping[str, str], what: str, progress: ProgressOption
) -> list[T]:
    """What a task gave for all partitions, in order; the first problem is raised, with the partition's name."""
    names = list(partitions.values())
    done, failed = run(client, {place: partial(task, path) for place, path in enumerate(partitions)}, what, progress)
    for place in sorted(failed):
        problem = failed[place]
        if isinstance(problem, LabellerrError):
            raise problem
        hint = argument("shards_a_task") if is_killed(problem) else None
        raise ReadError(f"{what}, the task of {names[place]}: {reason(problem)}.", hint=hint) from problem
    return [done[place] for place in range(len(names))]


def is_killed(problem: BaseException) -> bool:
    """Whether a task killed each worker that had it."""
    return type(problem).__name__ == "KilledWorker"


def reason(problem: BaseException) -> str:
    """Why a task gave nothing, without a dot."""
    if is_killed(problem):
        return "its worker died each time"
    if isinstance(problem, FileNotFoundError):
        return "its worker does not see it; a disk that all workers see is needed, or S3"
    return (problem.message if isinstance(problem, LabellerrError) else str(problem)).rstrip(".")


def _here(tasks: Mapping[int, Task[Any]]) -> Iterator[tuple[int, Any, BaseException | None]]:
    for key, task in tasks.items():
        try:
            yield key, task(), None
        except Exception as raised:
            yield key, None, raised


def _on(client: Any, tasks: Mapping[int, Task[Any]]) -> Iterator[tuple[int, Any, BaseException | None]]:
    """Of each task its key, and what it gave or why it did not, as they end."""
    futures = {client.submit(partial(_attempt, task), pure=False): key for key, task in tasks.items()}
    try:
        for future in _ended(client, list(futures)):
            died = future.exception()
            if type(died).__name__ == "NoWorkerError":  # after no-workers-timeout, which is unset by default
                raise ConnectionFailedError("the cluster has no worker.", hint="start some workers, and try again")
            yield futures[future], *((None, died) if died else future.result())
    except CancelledError:
        raise ConnectionFailedError(
            "the cluster went away, or cancelled a task.", hint="start the cluster, and try again"
        ) from None
    except BaseException:  # also Ctrl-C: what has not begun need not
        with suppress(Exception):
            client.cancel(list(futures))
        raise


def _ended(client: Any, futures: Sequence[Any]) -> Iterator[Any]:
    """Futures as they end, and a warning where the cluster has no worker for them: Dask itself waits in silence."""
    from distributed import as_completed

    pending = as_completed(futures)
    looked = seen = time.monotonic()
    warned = False
    while not pending.is_empty():
        if ready := pending.next_batch(block=False):
            yield from ready
            continue
        time.sleep(POLL_S)
        now = time.monotonic()
        if warned or now - looked < LOOK_S:
            continue
        looked = now
        if client.scheduler_info()["workers"]:
            seen = now
        elif now - seen > NO_WORKER_S:
            warned = True
            warn(
                f"the cluster has had no worker for {now - seen:.0f} s: still waiting",
                hint="start some workers, or interrupt",
            )


def _attempt(task: Task[T]) -> tuple[T | None, LabellerrError | None]:
    """In a worker: an error of ours is a value, which no worker writes a traceback of to its log."""
    try:
        return task(), None
    except LabellerrError as problem:
        return None, problem
