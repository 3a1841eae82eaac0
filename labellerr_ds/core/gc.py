"""The garbage collector, held off while millions of objects are made: it would walk them again and again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_held = 0
_was_on = False


@contextmanager
def collector_off() -> Iterator[None]:
    """Hold the garbage collector off; the last one to leave gives it back, as the first one met it.

    Examples
    --------
    >>> import gc
    >>> with collector_off():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    global _held, _was_on
    with _lock:
        if not _held:
            _was_on = gc.isenabled()
        _held += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _held -= 1
            if not _held and _was_on:
                if not gc.get_freeze_count():  # nobody holds objects frozen that would be thawed here
                    gc.freeze()  # all that was made goes to the oldest generation,
                    gc.unfreeze()  # else the next new object would have it walked at once
                gc.enable()
