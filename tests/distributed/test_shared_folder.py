"""A folder that several processes see, on a disk and in real stores: whole files, and what is left of it."""

from __future__ import annotations

import threading

import pytest
import stores

import labellerr_ds as lds
from labellerr_ds.distributed import shared_folder
from labellerr_ds.distributed.shared_folder import SharedFolder


@pytest.fixture(params=["disk", "moto", "swift"])
def folder(request, tmp_path):
    if request.param == "disk":
        return SharedFolder(tmp_path / "shared")
    running = request.getfixturevalue(request.param)
    request.getfixturevalue("own_keys")(AWS_ENDPOINT_URL=running.endpoint)
    return SharedFolder(f"s3://labels/{request.node.name}")


def test_a_file_comes_back_as_it_was_written(folder):
    for name in ("a.bin", "b.bin"):
        with folder.writing(name) as path:
            path.write_bytes(name.encode() * 1000)
    with folder.reading(["b.bin", "a.bin"]) as paths:
        assert [path.read_bytes()[:5] for path in paths] == [b"b.bin", b"a.bin"]
    again, name = SharedFolder.of(folder.path_of("a.bin"))
    assert (again.path, name) == (folder.path, "a.bin")


def test_what_failed_half_way_is_not_there(folder):
    def fails():
        with folder.writing("a.bin") as path:
            path.write_bytes(b"half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fails()
    assert folder.is_empty()


def test_a_folder_is_there_with_all_its_files(folder):
    names = ["labels/a.txt", "labels/b.txt", "data.yaml"]
    with folder.publishing_folder("yolo") as path:
        for name in names:
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_text(name)
    with folder.reading([f"yolo/{name}" for name in names]) as paths:
        assert [path.read_text() for path in paths] == names


def test_two_calls_have_two_folders_and_one_that_was_lent_is_gone(folder):
    with folder.lent("staged") as other, folder.lent("staged") as lent:
        assert other.path != lent.path
        with lent.writing("a.bin") as path:
            path.write_bytes(b"a")
        with folder.writing("mine.bin") as path:
            path.write_bytes(b"b")
    assert SharedFolder(lent.path).is_empty()
    assert not folder.is_empty()


def test_what_a_worker_writes_after_the_folder_was_removed_does_not_stay(folder):
    own = folder.own("staged")
    worker = SharedFolder.lent_by(own.path)
    with worker.writing("early.bin") as path:
        path.write_bytes(b"a")

    def write_late():
        with worker.writing("late.bin") as path:
            path.write_bytes(b"a")
            own.remove()

    with pytest.raises(lds.LabellerrError, match="staged-.* (is gone|was removed)"):
        write_late()
    assert folder.is_empty()


def test_a_file_that_is_gone_is_an_error_that_names_it(folder):
    with pytest.raises(lds.LabellerrError, match=r"a\.bin"):
        with folder.reading(["a.bin"]) as paths:
            paths[0].read_bytes()


def test_a_folder_that_is_gone_is_not_made_by_who_reads(tmp_path):
    with pytest.raises(lds.DiskError, match="is gone, or a worker does not see it"):
        SharedFolder.of(str(tmp_path / "removed" / "a.plan"))
    assert not (tmp_path / "removed").exists()


def test_a_file_of_another_machine_may_come_later(tmp_path, monkeypatch):
    folder = SharedFolder(tmp_path)
    timer = threading.Timer(0.4, (tmp_path / "late.bin").touch)
    timer.start()
    assert not folder.lacks(["late.bin"])
    monkeypatch.setattr(shared_folder, "PATIENCE_S", 0.1)
    assert folder.lacks(["late.bin", "never.bin"])
    timer.join()


def test_what_may_not_be_removed_is_named(moto, own_keys, monkeypatch):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    folder = SharedFolder("s3://labels/locked")
    denied = {"Errors": [{"Key": "locked/staged-1/a.bin", "Code": "AccessDenied", "Message": "denied"}]}
    monkeypatch.setattr(folder._bucket._s3, "delete_objects", lambda **_: denied)
    with pytest.warns(
        lds.LabellerrWarning, match=r"locked/staged-\w+ was not removed: .*AccessDenied.*s3:DeleteObject"
    ):
        with folder.lent("staged"):
            pass


def test_who_may_only_read_is_told_what_writing_needs(swift, own_keys):
    own_keys(
        AWS_ENDPOINT_URL=swift.endpoint, AWS_ACCESS_KEY_ID=stores.READER_KEY, AWS_SECRET_ACCESS_KEY=stores.READER_SECRET
    )
    with pytest.raises(lds.AuthError, match=r"writing s3://labels/shared/a.bin.*s3:PutObject"):
        with SharedFolder("s3://labels/shared").writing("a.bin") as path:
            path.write_bytes(b"a")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "shared").write_text("")
    with pytest.raises(lds.InvalidArgumentError, match="is a file; a folder is needed"):
        SharedFolder(tmp_path / "shared")
