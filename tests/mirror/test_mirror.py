"""A mirror: synced from the sandbox's changing world, and read at any of its versions."""

from __future__ import annotations

import json
import pathlib
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
from canary import leaks
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.core.backoff import COMMIT_TRIES
from labellerr_ds.frames import schema
from labellerr_ds.mirror.store import BusyError, Snapshot
from labellerr_ds.mirror.sync import committed
from labellerr_ds.sandbox import Sandbox


@pytest.fixture
def world(fresh):
    """A project that this test may change, and its sandbox."""
    return fresh, lds.Client.sandbox(fresh).project(fresh.project_ids[0])


@pytest.fixture
def mirror(tmp_path):
    return lds.Mirror(tmp_path / "mirror")


def sync(mirror, project, full=False, **more):
    return mirror.sync(project, full, progress=False, **more)


def rows(frame, *keys):
    """A frame with its rows in an order of their own, comparable by value."""
    plain = frame.labellerr.plain().sort_values(list(keys), ignore_index=True)
    return plain.astype(dict.fromkeys(plain.select_dtypes("category"), object)).reset_index(drop=True)


def same(one, other):
    pd.testing.assert_frame_equal(rows(one.files, "file_id"), rows(other.files, "file_id"))
    keys = ("file_id", "annotation_id")
    pd.testing.assert_frame_equal(rows(one.annotations, *keys), rows(other.annotations, *keys))


def exported(project, statuses="all"):
    return lds.export_dataset(project, statuses, progress=False, allow_empty=True)


# --- what a sync does


def test_the_first_sync_takes_every_file_of_every_status(world, mirror):
    _, project = world
    result = sync(mirror, project)
    assert (result.version, result.full, result.added, result.unchanged) == (0, True, 24, 0)
    same(mirror.dataset(), exported(project))


def test_a_sync_after_it_asks_for_what_changed_alone(world, mirror):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(days=2)
    result = sync(mirror, project)
    assert not result.full
    assert 0 < result.added + result.changed < 24
    assert set(result.files["change"]) <= {"added", "changed"}
    gone = set(sandbox.truth(project.project_id)["deleted"]["file_id"])
    mine = mirror.dataset()
    same(mine.where(~mine.files["file_id"].isin(gone).to_numpy(dtype=bool)), exported(project))


def test_nothing_new_makes_no_version(world, mirror):
    _, project = world
    sync(mirror, project)
    for full in (False, True):
        result = sync(mirror, project, full)
        assert (result.version, bool(result), result.unchanged) == (0, False, 24)
    assert mirror.versions()["version"].tolist() == [0]


def test_a_full_sync_finds_deleted_files_and_keeps_them_as_tombstones(world, mirror):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(days=40)
    result = sync(mirror, project, True)
    gone = result.files.loc[result.files["change"] == "removed", "file_id"].tolist()
    assert len(gone) == result.removed > 0
    same(mirror.dataset(), exported(project))
    assert set(gone) <= set(mirror.dataset(0).files["file_id"])
    assert not set(gone) & set(mirror.dataset().files["file_id"])


def test_a_full_export_without_a_file_removes_none_unless_that_is_meant(world, mirror, monkeypatch):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(hours=1)

    def nothing(*_, **more):
        raise lds.EmptyExportError("no file matched")

    monkeypatch.setattr("labellerr_ds.mirror.sync.create_job", nothing)
    assert not sync(mirror, project)  # of what changed there may be none
    with pytest.raises(lds.EmptyExportError, match=r"24 files [\s\S]*allow_empty=True"):
        sync(mirror, project, True)
    assert len(mirror.dataset().files) == 24
    assert sync(mirror, project, True, allow_empty=True).removed == 24


def test_a_full_sync_is_due_after_a_week_of_the_services_time(world, mirror):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(days=6)
    assert not sync(mirror, project).full
    sandbox.advance(days=2)
    assert sync(mirror, project).full
    sandbox.advance(days=9)
    assert not sync(mirror, project, full_every=None).full


def test_a_full_sync_that_found_nothing_new_is_not_due_again(serve, mirror):
    sandbox = serve("", 24)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    sync(mirror, project)
    assert not sync(mirror, project, True)
    checked = mirror._store.at().full_at
    assert checked >= mirror._store.at().latest.sync.full_at
    assert mirror.versions()["version"].tolist() == [0]


def test_a_large_project_is_written_in_groups_of_few_rows(world, mirror, monkeypatch):
    """Arrow cannot read nested texts of more than 2 GB in one group."""
    monkeypatch.setattr("labellerr_ds.mirror.store.FILES_A_PIECE", 10)
    sync(mirror, world[1])
    (path,) = pathlib.Path(mirror.path).glob("*.parquet")
    held = pq.ParquetFile(path).metadata
    assert [held.row_group(number).num_rows for number in range(held.num_row_groups)] == [10, 10, 4]


def last_full(mirror):
    """The time of the last full sync, as the card has it."""
    return mirror._repr_html_().partition("last full sync</th>")[2].partition(">")[2].partition("<")[0]


def test_the_card_has_the_last_full_sync_also_one_that_changed_nothing(fresh, tmp_path):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")
    sync(mirror, project)
    before = last_full(mirror)
    fresh.advance(days=1)
    sync(mirror, project, full_every=None)
    sync(mirror, project, True)  # what was removed
    fresh.advance(seconds=1)
    result = sync(mirror, project, True)
    assert (bool(result), last_full(mirror)) == (False, result.watermark.isoformat())
    assert before < last_full(mirror)


def test_a_file_is_no_mirror(tmp_path):
    (tmp_path / "mirror").write_text("")
    with pytest.raises(lds.InvalidArgumentError, match="mirror. is a file; a folder is needed"):
        lds.Mirror(tmp_path / "mirror")


def test_a_mirror_is_of_one_project(client, mirror):
    sync(mirror, client.project("Phone calls"))
    with pytest.raises(lds.InvalidArgumentError, match="is a mirror of project 'calls_"):
        sync(mirror, client.project("Product reviews"))


def test_a_renamed_class_is_a_version_and_old_ones_keep_its_old_name(world, mirror, monkeypatch):
    sandbox, project = world
    sync(mirror, project)
    inside = sandbox._world.projects[project.project_id]
    renamed = [
        replace(question, name="tags") if question.name == "keywords" else question for question in inside.questions
    ]
    monkeypatch.setattr(inside, "questions", renamed)
    result = sync(mirror, lds.Client.sandbox(sandbox).project(project.project_id), True)
    assert (result.version, bool(result)) == (1, False)
    for version, name in ((1, "tags"), (0, "keywords")):
        dataset = mirror.dataset(version)
        assert name in dataset.categories["name"].tolist()
        assert name in dataset.annotations["category"].tolist()


def test_a_status_that_moved_untold_is_found_by_a_full_sync(mirror):
    with Sandbox(files=40, export_seconds=0, variant="status-untouched") as sandbox:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        sync(mirror, project)
        sandbox.advance(days=6)
        sync(mirror, project)
        mine, whole = (
            rows(dataset.files, "file_id").set_index("file_id") for dataset in (mirror.dataset(), exported(project))
        )
        both = mine.index.intersection(whole.index)
        missed = mine.loc[both].compare(whole.loc[both])
        assert {name for name, _ in missed.columns} == {"status", "label_state"}
        sync(mirror, project, True)
        same(mirror.dataset(), exported(project))


def test_a_mirror_that_was_read_otherwise_takes_one_full_sync_and_says_so_once(world, mirror, monkeypatch):
    sandbox, project = world
    with monkeypatch.context() as patch:
        patch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION - 1)
        assert sync(mirror, project).full
        assert not sync(mirror, project).full
    sandbox.advance(hours=1)
    with pytest.warns(lds.LabellerrWarning, match="all files are requested once"):
        assert sync(mirror, project).full
    assert not sync(mirror, project).full  # also if nothing had changed
    assert mirror.pin("train")["schema_version"] == schema.SCHEMA_VERSION


# --- several at once, and killed ones


def overtake(monkeypatch, other):
    """Let the other sync come between the export and the commit of the next one."""

    def overtaken(*arguments):
        monkeypatch.setattr("labellerr_ds.mirror.mirror.committed", committed)
        other()
        return committed(*arguments)

    monkeypatch.setattr("labellerr_ds.mirror.mirror.committed", overtaken)


def test_an_export_that_was_created_earlier_and_comes_later_changes_nothing(world, mirror, monkeypatch):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(days=1)
    late = lds.Mirror(mirror.path)
    overtake(monkeypatch, lambda: (sandbox.advance(days=3), sync(mirror, project)))
    result = sync(late, project)
    assert not result
    assert result.version == 1 == len(mirror.versions()) - 1
    sync(mirror, project, True)
    same(mirror.dataset(), exported(project))


def test_a_full_export_that_was_overtaken_is_asked_for_again(world, mirror, monkeypatch):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(days=20)
    overtake(monkeypatch, lambda: (sandbox.advance(days=1), sync(mirror, project, full_every=None)))
    assert sync(lds.Mirror(mirror.path), project, True).full
    same(mirror.dataset(), exported(project))


def test_the_services_time_is_asked_for_after_the_version_was_read(world, mirror, monkeypatch):
    sandbox, project = world
    sync(mirror, project)
    snapshot = lds.Mirror._snapshot

    def overtaken(self, project):
        monkeypatch.setattr(lds.Mirror, "_snapshot", snapshot)
        sandbox.advance(hours=20)
        assert sync(lds.Mirror(self.path), lds.Client.sandbox(sandbox).project(project.project_id))
        return snapshot(self, project)

    monkeypatch.setattr(lds.Mirror, "_snapshot", overtaken)
    sync(mirror, project)  # no warning of a time in the future
    same(mirror.dataset(), exported(project))


def test_two_writers_at_once_lose_nothing(world, mirror):
    sandbox, project = world
    problems = []

    def write(number):
        try:
            for _ in range(4):
                own = lds.Client.sandbox(sandbox).project(project.project_id)
                sync(lds.Mirror(mirror.path), own, full=number == 0)
                sandbox.advance(hours=random.Random(number).randint(1, 9))
        except Exception as problem:
            problems.append(problem)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert problems == []
    sync(mirror, project, True)
    same(mirror.dataset(), exported(project))
    assert mirror.dataset().files["file_id"].is_unique


def test_others_that_come_first_again_and_again_are_an_error(world, mirror, monkeypatch):
    sandbox, project = world
    sync(mirror, project)
    sandbox.advance(days=1)

    def busy(*_):
        raise BusyError("a commit came first")

    monkeypatch.setattr(Snapshot, "merge", busy)
    monkeypatch.setattr("labellerr_ds.mirror.mirror.time.sleep", lambda _: None)
    with pytest.raises(lds.MirrorError, match=f"{COMMIT_TRIES} commits conflicted"):
        sync(mirror, project)
    assert len(mirror.dataset().files) == 24


SYNCING = """
import sys, labellerr_ds as lds
path, url, key, secret, client = sys.argv[1:]
project = lds.Client(key, secret, client, base_url=url).project("Street scenes")
print("ready", flush=True)
lds.Mirror(path).sync(project, True, progress=False)
print("done", flush=True)
"""


def killed_syncs(sandbox, path, count, rng):
    """Syncs of processes that are killed at a random moment; whether each was, before it had ended."""
    keys = (sandbox.base_url, sandbox.api_key, sandbox.api_secret, sandbox.client_id)
    longest_s = 1.3
    for _ in range(count):
        sandbox.advance(hours=12)
        child = subprocess.Popen([sys.executable, "-c", SYNCING, path, *keys], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        timer = threading.Timer(rng.uniform(0, longest_s), child.kill)
        timer.start()
        started = time.monotonic()
        was_killed = "done" not in child.stdout.read()
        if not was_killed:
            longest_s = min(longest_s, time.monotonic() - started)  # on a fast machine a sync takes a moment
        child.wait()
        timer.cancel()
        child.stdout.close()
        yield was_killed


def test_a_sync_that_is_killed_leaves_the_version_of_before(world, mirror):
    sandbox, project = world
    sync(mirror, project)
    before = mirror.versions()["version"].max()
    kills = 0
    for was_killed in killed_syncs(sandbox, mirror.path, 4, random.Random(0)):
        kills += was_killed
        dataset = mirror.dataset()
        assert dataset.files["file_id"].is_unique
        assert dataset.files["annotation_count"].sum() == len(dataset.annotations)
        assert mirror.versions()["version"].max() >= before
        before = mirror.versions()["version"].max()
    assert kills > 0
    sync(mirror, project, True)
    same(mirror.dataset(), exported(project))


# --- any schedule


@settings(max_examples=examples(6, 3))
@given(
    st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.booleans()), min_size=2, max_size=6),
    st.sampled_from(["", "since-inclusive", "list-404"]),
    st.integers(0, 3),
)
def test_after_any_schedule_the_mirror_is_the_project(tmp_path_factory, schedule, variant, seed):
    with Sandbox(files=16, seed=seed, export_seconds=0, variant=variant) as sandbox:
        mirror = lds.Mirror(tmp_path_factory.mktemp("mirror"))
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        past = []
        for hours, full, again in schedule:
            sandbox.advance(hours=hours)
            result = sync(mirror, project, full, full_every=None)
            if again:
                assert not sync(mirror, project, full_every=None)
            gone = set(sandbox.truth(project.project_id)["deleted"]["file_id"])
            mine, whole = mirror.dataset(), exported(project)
            if result.full:
                same(mine, whole)
            else:
                same(mine.where(~mine.files["file_id"].isin(gone).to_numpy(dtype=bool)), whole)
            past.append((result, mine))
        for result, then in past:
            same(mirror.dataset(as_of=result.watermark), then)
            same(mirror.dataset(result.version), then)
        words = ["annotated", "reviewed", "all", *schema.STATUSES]
        sync(mirror, project, True)
        for asked in (*words, random.Random(seed).sample(schema.STATUSES, 4)):
            same(mirror.dataset(statuses=asked), exported(project, asked))


# --- reading


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A mirror of three versions, and how the project was at each."""
    with Sandbox(files=24, export_seconds=0) as sandbox:
        mirror = lds.Mirror(tmp_path_factory.mktemp("mirror"))
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        past = []
        for _ in range(3):
            sync(mirror, project, True)
            past.append(exported(project))
            sandbox.advance(days=3)
        yield mirror, past


def test_versions_are_listed_the_newest_first(read):
    mirror, past = read
    versions = mirror.versions()
    assert versions["version"].tolist() == [2, 1, 0]
    assert versions["watermark"].is_monotonic_decreasing
    assert versions["added"].iloc[-1] == len(past[0].files)
    assert versions["report_id"].notna().all()


def test_as_of_a_moment_between_two_syncs_is_the_earlier(read):
    mirror, past = read
    marks = mirror.versions()["watermark"]
    same(mirror.dataset(as_of=marks.iloc[1] + timedelta(hours=30)), past[1])
    with pytest.raises(lds.InvalidArgumentError, match="before the first sync"):
        mirror.dataset(as_of=marks.iloc[-1] - timedelta(hours=1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"version": 7}, "unknown version 7; there are 0, 1, 2"),
        ({"version": "train"}, "unknown pin 'train'; there are none"),
        ({"version": 1, "as_of": "2026-01-01"}, "version and as_of exclude each other"),
        ({"statuses": ["acepted"]}, "accepted"),
        ({"columns": ["bbox"]}, "unknown column 'bbox'"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(read, call, message):
    with pytest.raises(lds.InvalidArgumentError, match=message):
        read[0].dataset(**call)


def test_a_mirror_without_a_sync_says_so(mirror):
    for look in (mirror.dataset, mirror.versions, mirror.scan):
        with pytest.raises(lds.InvalidArgumentError, match="no mirror exists at"):
            look()


def test_columns_are_those_that_were_asked_for(read):
    dataset = read[0].dataset(columns=["category", "area"])
    assert dataset.annotations.columns.tolist() == ["category", "area", "file_id"]
    whole = read[0].dataset()
    pd.testing.assert_frame_equal(dataset.annotations, whole.annotations[["category", "area", "file_id"]])
    assert read[0].dataset(columns=[]).annotations.empty
    assert len(read[0].dataset(columns=[]).files) == len(whole.files)


def test_a_diff_is_of_the_files_that_differ_and_the_viewer_takes_it(read):
    mirror, past = read
    comparison = mirror.diff(0, 2)
    whole = lds.compare(past[0], past[2])
    changed = lambda made: made.annotations[made.annotations["change"] != "same"]  # noqa: E731
    assert len(changed(comparison)) == len(changed(whole)) > 0
    assert len(comparison.files) < len(whole.files)
    viewer = lds.AnnotationViewer(comparison)
    assert viewer.count > 0
    with pytest.raises(lds.InvalidArgumentError, match="has both sides already"):
        lds.AnnotationViewer(comparison, compare=past[0])


def test_duckdb_and_polars_filter_a_scan(read):
    import duckdb
    import polars

    mirror, past = read
    rows = mirror.scan()
    expected = past[2].files["status"].eq("accepted").sum()
    assert duckdb.sql("select count(*) from rows where status = 'accepted'").fetchall() == [(expected,)]
    lazy = polars.scan_pyarrow_dataset(rows).filter(polars.col("status") == "accepted").select(polars.len())
    assert lazy.collect().item() == expected
    assert mirror.scan(0, statuses=["accepted"]).count_rows() == past[0].files["status"].eq("accepted").sum()


def test_no_key_is_in_what_a_mirror_prints_or_keeps(read, tmp_path):
    import pathlib

    mirror, _ = read
    written = b"".join(path.read_bytes() for path in pathlib.Path(mirror.path).rglob("*.json"))
    assert not leaks((written + repr(mirror).encode() + mirror._repr_html_().encode()).decode())


# --- pins


def test_a_pinned_version_outlives_the_clean_up(world, mirror, tmp_path):
    sandbox, project = world
    sync(mirror, project)
    lock = mirror.pin("train-2026-11", statuses=["accepted"], lock_file=tmp_path / "train.lock.json")
    then = exported(project, ["accepted"])
    for _ in range(2):
        sandbox.advance(days=10)
        sync(mirror, project, True)
    assert mirror.vacuum(timedelta(0)) > 0
    same(mirror.dataset("train-2026-11"), then)
    same(mirror.dataset(), exported(project))
    assert json.loads((tmp_path / "train.lock.json").read_text()) == lock
    assert (lock["version"], lock["files"], lock["annotations"]) == (0, len(then.files), len(then.annotations))
    versions = mirror.versions()
    assert versions["version"].tolist()[-1] == 0
    assert len(versions) == 3
    assert versions["pins"].tolist()[-1] == "train-2026-11"
    with pytest.raises(lds.MirrorError, match="was removed by a vacuum"):
        mirror.dataset(int(versions["version"].iloc[1]))


def test_a_pin_of_another_content_is_refused_until_it_is_taken_off(world, mirror):
    sandbox, project = world
    sync(mirror, project)
    mirror.pin("train")
    assert mirror.pin("train")["version"] == 0  # once more is no harm
    sandbox.advance(days=3)
    sync(mirror, project)
    with pytest.raises(lds.InvalidArgumentError, match="is on version 0"):
        mirror.pin("train")
    mirror.unpin("train")
    assert mirror.pin("train")["version"] == mirror.versions()["version"].max()
    with pytest.raises(lds.InvalidArgumentError, match="letters, digits"):
        mirror.pin("a b")
    with pytest.raises(lds.InvalidArgumentError, match="unknown pin 'test'"):
        mirror.unpin("test")


def test_a_pin_whose_data_was_changed_is_an_error(world, mirror):
    _, project = world
    sync(mirror, project)
    lock = mirror.pin("train")
    mirror._store.at().set_pin("train", {**lock, "digest": "0" * 64})
    with pytest.raises(lds.MirrorError, match="checksum mismatch"):
        mirror.dataset("train")


# --- in a bucket


def test_a_mirror_in_a_bucket(moto, world, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    sandbox, project = world
    mirror = lds.Mirror("s3://labels/mirror")
    sync(mirror, project)
    sandbox.advance(days=2)
    assert sync(mirror, project, True)
    same(mirror.dataset(), exported(project))
    assert mirror.pin("train")["version"] == 1
    assert mirror.versions()["version"].tolist() == [1, 0]


def test_what_another_first_sync_is_writing_is_no_reason_to_refuse_the_folder(world, tmp_path):
    _, project = world
    folder = tmp_path / "begun"
    folder.mkdir()
    (folder / "part-00000-0b110fe8-c000.zstd.parquet#1").write_bytes(b"PAR1")
    assert sync(lds.Mirror(folder), project).added == 24
