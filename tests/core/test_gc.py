"""The garbage collector comes back as it was."""

from __future__ import annotations

import gc
import threading

import pytest

from labellerr_ds.core.gc import collector_off


@pytest.fixture(autouse=True)
def on():
    gc.enable()
    yield
    gc.enable()


def test_it_is_off_within_and_on_again_after_an_error():
    def work():
        with collector_off():
            assert not gc.isenabled()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert gc.isenabled()


def test_who_had_it_off_keeps_it_off():
    gc.disable()
    with collector_off():
        pass
    assert not gc.isenabled()


def test_within_another_it_stays_off_until_the_outer_one_ends():
    with collector_off():
        with collector_off():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_of_two_threads_the_last_to_leave_gives_it_back():
    entered, leave = threading.Event(), threading.Event()

    def other():
        with collector_off():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with collector_off():
        thread.start()
        assert entered.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_many_threads_leave_it_on():
    def work():
        for _ in range(200):
            with collector_off():
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()


def test_what_somebody_froze_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with collector_off():
            pass
        assert gc.get_freeze_count() > frozen * 0.9  # some of them may have ended meanwhile
    finally:
        gc.unfreeze()
