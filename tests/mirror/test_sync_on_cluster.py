"""A mirror whose exports the workers of a Dask cluster read: every row is that of a sync in one process."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import zipfile
from datetime import timedelta
from functools import partial

import clusters
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import Source
from labellerr_ds.distributed import shards
from labellerr_ds.distributed.exports import lend_out, read_shards
from labellerr_ds.distributed.shards import cut
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.read import read_tables
from labellerr_ds.mirror.rows import rows_of
from labellerr_ds.mirror.staged import stage_rows, staged_rows
from labellerr_ds.mirror.sync import committed
from labellerr_ds.storage.s3 import Bucket

pytest.importorskip("distributed")
pytestmark = clusters.MARKS
NOW = 1_764_000_000_000


@pytest.fixture
def small_pieces(monkeypatch):
    """Exports of the sandbox are small: cut them as if they were not."""
    monkeypatch.setattr(shards, "ARRAY_BYTES", 4_000)


def stored(mirror, version=None):
    """The rows of a mirror, but for when they came."""
    snapshot = mirror._store.at(version)
    table = snapshot.rows(deleted=True).drop_columns(["exported_at", "deleted_at"])
    return table.sort_by("file_id").to_pylist()


@pytest.mark.parametrize("name", ["Street scenes", "Traffic videos", "Product reviews"])
def test_the_rows_are_those_of_a_sync_in_one_process(cluster, client, small_pieces, tmp_path, name):
    project = client.project(name)
    here, there = lds.Mirror(tmp_path / "here"), lds.Mirror(tmp_path / "there")
    plain = here.sync(project, progress=False)
    result = there.sync(project, client=cluster, progress=False)
    assert (result.added, result.full) == (plain.added, True)
    assert stored(there) == stored(here)
    assert there._store.at().categories() == here._store.at().categories()
    assert not here.sync(project, True, client=cluster, progress=False)  # one that the other made has nothing to change


def test_increments_and_full_syncs_change_what_they_change_in_one_process(cluster, fresh, small_pieces, tmp_path):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    here, there = lds.Mirror(tmp_path / "here"), lds.Mirror(tmp_path / "there")
    for days, full in ((0, True), (2, False), (40, True)):
        fresh.advance(days=days)
        plain = here.sync(project, full, progress=False, full_every=None)
        result = there.sync(project, full, client=cluster, progress=False, full_every=None)
        counts = [(one.version, one.added, one.changed, one.removed, one.unchanged) for one in (plain, result)]
        assert counts[0] == counts[1]
        assert stored(there) == stored(here)
    assert result.removed


def use(settings):
    """In a worker: its own AWS settings."""
    os.environ.update(settings)


def test_pieces_lie_in_a_bucket_and_are_gone_afterwards(cluster, fresh, small_pieces, moto, own_keys, tmp_path):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    cluster.run(use, {key: value for key, value in os.environ.items() if key.startswith("AWS_")})
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror("s3://labels/mirrored")
    assert mirror.sync(project, client=cluster, folder="s3://labels/pieces", progress=False).added == 24
    assert moto.keys("pieces") == []
    plain = lds.Mirror(tmp_path / "here")
    plain.sync(project, progress=False)
    assert stored(mirror) == stored(plain)


def test_one_that_another_overtook_is_committed_again(cluster, fresh, small_pieces, tmp_path, monkeypatch):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")
    mirror.sync(project, client=cluster, progress=False)
    fresh.advance(days=2)

    def overtaken(*given):
        monkeypatch.setattr("labellerr_ds.mirror.mirror.committed", committed)
        lds.Mirror(mirror.path).pin("first")  # a commit of another process in between
        return committed(*given)

    monkeypatch.setattr("labellerr_ds.mirror.mirror.committed", overtaken)
    assert mirror.sync(project, client=cluster, progress=False)
    plain = lds.Mirror(tmp_path / "here")
    plain.sync(project, progress=False)
    alive = {row["file_id"] for row in stored(plain)}
    assert [row for row in stored(mirror) if row["file_id"] in alive] == stored(plain)


# --- one export, cut anywhere: of records with one id the last, with the annotations of all

BOX = st.fixed_dictionaries({"xmin": st.integers(0, 20), "ymin": st.just(2), "xmax": st.just(9), "ymax": st.just(7)})
RECORD = st.fixed_dictionaries(
    {
        "file_id": st.sampled_from("abcde"),
        "file_name": st.just("x.jpg"),
        "file_status": st.sampled_from(["review", "accepted", "no such status"]),
        "answers": st.lists(st.tuples(st.none() | st.sampled_from("pqrst"), BOX), max_size=3),
    }
)


def exported(records):
    question = {"question_id": "q", "question_name": "car", "question_type": "BoundingBox"}
    made = []
    for record in records:
        answers = [{"answer": box, **({"answer_id": name} if name else {})} for name, box in record["answers"]]
        rest = {key: value for key, value in record.items() if key != "answers"}
        made.append({**rest, "latest_answer": [{**question, "answer": answers}] if answers else []})
    return made


def nested(rows):
    """Rows, with the issues of a file in an order of their own."""
    listed = rows.sort_by("file_id").to_pylist()
    return [{**row, "issues": sorted(row["issues"], key=repr)} for row in listed]


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@given(st.lists(st.lists(RECORD, max_size=3), min_size=1, max_size=5))
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_in_several_shards_is_one_row_as_of_one_reading(tmp_path_factory, parts):
    home = tmp_path_factory.mktemp("parts")
    files = []
    for number, part in enumerate(parts):
        files.append((f"{number}.json", home / f"{number}.json"))
        files[-1][1].write_text(json.dumps(exported(part)))
    options = ReadOptions(format="json", progress=False)
    whole = rows_of(read_tables(Source("export", tuple(files)), options), NOW)
    folder = SharedFolder(home).own("staged")
    united, _ = read_shards(
        shards.shards_of([path for _, path in files]), options, None, folder,
        name="export", shards_a_task=1, home="last",
    )  # fmt: skip
    lend_out(None, united, False)
    rows = staged_rows(folder, [stage_rows(partition, NOW) for partition in united.partitions])
    apart = pa.concat_tables([part.read() for part in rows.parts])
    assert nested(apart) == nested(whole)
    assert rows.keys.equals(apart.select(rows.keys.column_names))


def test_an_export_is_cut_between_its_records_whatever_it_is_packed_in(tmp_path, small_pieces):
    records = [{"file_id": f"f{number}", "remarks": "x" * 900 + "[{" + '"\\'} for number in range(2000)]
    (tmp_path / "export.json").write_text(json.dumps(records))
    source = Source("export.json", (("export.json", tmp_path / "export.json"),))
    pieces = cut(source, SharedFolder(tmp_path / "pieces"), Limits())
    assert len(pieces) > 5
    assert [record for piece in pieces for record in json.loads(pathlib.Path(piece.path).read_text())] == records


def packed(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name.replace("_", "."), body)
    return Source(path.name, ((path.name, path),))


@pytest.mark.parametrize(
    "beside",
    [{"manifest_json": "{}"}, {"errors_csv": "file_id,error\nf,none\n"}, {"a_md": "Labels"}],
    ids=["an object", "a csv", "a text"],
)
def test_what_is_beside_the_labels_in_a_zip_is_passed_over_as_in_one_process(tmp_path, beside):
    labels = {f"{name}_json": json.dumps([{"file_id": name}]) for name in "ab"}
    pieces = cut(packed(tmp_path / "e.zip", **labels, **beside), SharedFolder(tmp_path / "pieces"), Limits())
    read = [json.loads(pathlib.Path(piece.path).read_text()) for piece in pieces]
    assert read == [[{"file_id": "a"}], [{"file_id": "b"}]]


def test_an_export_without_a_file_is_cut_into_one_piece_without_any(tmp_path):
    for text in ("[]", "[ \n ]"):
        (tmp_path / "e.json").write_text(text)
        source = Source("e.json", (("e.json", tmp_path / "e.json"),))
        (piece,) = cut(source, SharedFolder(tmp_path / "pieces"), Limits())
        assert json.loads(pathlib.Path(piece.path).read_text()) == []
        whole, _ = read_shards(
            [piece], ReadOptions(format="json"), None, SharedFolder(tmp_path).own("staged"), name="e"
        )
        assert stage_rows(next(iter(whole.partitions)), NOW).keys.num_rows == 0


def test_a_damaged_member_is_named_as_in_one_process(tmp_path):
    with pytest.raises(lds.ReadError, match=r"e.zip: b.json in it is empty or damaged"):
        cut(packed(tmp_path / "e.zip", a_json="[]", b_json=""), SharedFolder(tmp_path / "pieces"), Limits())


def test_a_listing_that_lags_behind_loses_no_file(small_pieces, moto, own_keys, tmp_path, monkeypatch):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    (tmp_path / "e.json").write_text(
        json.dumps([{"file_id": f"{number:02}" * 300, "latest_answer": []} for number in range(40)])
    )
    source = Source("e.json", (("e.json", tmp_path / "e.json"),))
    monkeypatch.setattr(Bucket, "_list", lambda *_: [])
    folder = SharedFolder("s3://labels/lagging").own("staged")
    pieces = cut(source, folder, Limits())
    whole, _ = read_shards(pieces, ReadOptions(format="json"), None, folder, name="e", shards_a_task=1)
    assert len(pieces) >= 1
    assert sum(stage_rows(partition, NOW).keys.num_rows for partition in whole.partitions) == 40


# --- what goes wrong


def test_a_folder_that_cannot_be_written_to_is_known_before_an_export_is_created(
    cluster, fresh, moto, own_keys, tmp_path
):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")
    before = len(project.exports())
    with pytest.raises(lds.NotFoundError, match="no bucket 'nobucket'"):
        mirror.sync(project, client=cluster, folder="s3://nobucket/staged", progress=False)
    with pytest.raises(lds.InvalidArgumentError, match="folder must not be in the mirror"):
        mirror.sync(project, client=cluster, folder=tmp_path / "mirror" / "staged", progress=False)
    assert len(project.exports()) == before
    assert not (tmp_path / "mirror").exists()


def test_a_client_that_is_closed_is_known_before_an_export_is_created(fresh, tmp_path):
    with clusters.processes(0) as closed:
        pass
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    before = len(project.exports())
    with pytest.raises(lds.InvalidArgumentError, match="the client of Dask is closed"):
        lds.Mirror(tmp_path / "mirror").sync(project, client=closed, progress=False)
    assert len(project.exports()) == before


def test_rows_that_are_gone_before_the_commit_are_an_error_and_no_version(
    cluster, fresh, small_pieces, tmp_path, monkeypatch
):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")

    def removed(folder, files):
        rows = staged_rows(folder, files)
        pathlib.Path(folder.path_of(files[1].name)).unlink()
        return rows

    monkeypatch.setattr("labellerr_ds.mirror.sync.staged_rows", removed)
    with pytest.raises(lds.ReadError, match="rows.parquet.* is gone"):
        mirror.sync(project, client=cluster, progress=False)
    assert not mirror._store.exists()


def deadly(task, once):
    if not os.path.exists(once):
        open(once, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return task()


class Deadly:
    """A client whose first task kills its worker; with `always` the task of one piece does so each time."""

    def __init__(self, client, once):
        self._client, self._once = client, once

    def __getattr__(self, name):
        return getattr(self._client, name)

    def submit(self, task, **more):
        return self._client.submit(partial(deadly, task, self._once), **more)


def test_a_worker_that_is_killed_in_between_loses_nothing(cluster, client, small_pieces, tmp_path):
    project = client.project("Street scenes")
    here, there = lds.Mirror(tmp_path / "here"), lds.Mirror(tmp_path / "there")
    here.sync(project, progress=False)
    once = str(tmp_path / "died")
    there.sync(project, client=Deadly(cluster, once), progress=False)
    assert os.path.exists(once)
    assert stored(there) == stored(here)


def failing(*_):
    raise ValueError("a fault of the reader")


def test_a_piece_that_cannot_be_read_fails_the_sync_and_changes_nothing(
    cluster, fresh, small_pieces, tmp_path, monkeypatch
):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")
    mirror.sync(project, client=cluster, progress=False)
    before = stored(mirror)
    fresh.advance(days=3)
    monkeypatch.setattr("labellerr_ds.distributed.exports.stage", failing)
    with pytest.raises(lds.ReadError, match=r"shards could not be read: .*a fault of the reader.*was kept at ") as told:
        mirror.sync(project, True, client=cluster, progress=False)
    assert "on_error" not in str(told.value)
    kept = str(told.value).rpartition("kept at ")[2].rstrip(".")
    assert json.loads(pathlib.Path(kept).read_text())
    assert stored(mirror) == before
    assert mirror.versions()["version"].tolist() == [0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"client": object()}, "client must be a labellerr_ds.Client, .* or a dask.distributed.Client; got object"),
        ({"folder": "staged"}, "folder is for a cluster.\nHint: client="),
        ({"full_every": timedelta(-1)}, "full_every must be a timedelta"),
    ],
)
def test_a_wrong_call_says_what_is_expected(client, tmp_path, more, message):
    with pytest.raises(lds.InvalidArgumentError, match=message):
        lds.Mirror(tmp_path / "mirror").sync(client.project("Street scenes"), **more)
