"""A folder that several processes see, on a disk and in real stores: whole files, and what is left of it."""

from __future__ import annotations

import pytest
import stores

import labellerr_ds as lds
from labellerr_ds.transfer.shared_folder import SharedFolder


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
    assert folder.names() == ["a.bin", "b.bin"]
    again, name = SharedFolder.of(folder.path_of("a.bin"))
    assert (again.path, name) == (folder.path, "a.bin")


def test_what_failed_half_way_is_not_there(folder):
    def fails():
        with folder.writing("a.bin") as path:
            path.write_bytes(b"half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fails()
    assert folder.names() == []


def test_a_folder_is_there_with_all_its_files(folder):
    with folder.writing_folder("yolo") as path:
        for name in ("labels/a.txt", "labels/b.txt", "data.yaml"):
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_text(name)
    assert folder.names() == ["yolo"]
    inside, _ = SharedFolder.of(folder.path_of("yolo/data.yaml"))
    assert inside.names() == ["data.yaml", "labels"]


def test_two_calls_have_two_folders_and_one_that_was_lent_is_gone(folder):
    assert folder.own("staged").path != folder.own("staged").path
    with folder.lent("staged") as lent:
        with lent.writing("a.bin") as path:
            path.write_bytes(b"a")
        with folder.writing("mine.bin") as path:
            path.write_bytes(b"b")
    assert "mine.bin" in folder.names()
    assert not [name for name in SharedFolder(folder.path).names() if name == lent.path.rpartition("/")[2]]


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
