"""Exports into S3, and back out of it, against two real stores."""

from __future__ import annotations

import contextlib
import uuid
import warnings

import pandas as pd
import pytest
import stores

import labellerr_ds as lds
from labellerr_ds.exports.s3_objects import Moment
from labellerr_ds.sandbox import Sandbox

FORMS = ["json", "coco_json", "csv", "png"]


@pytest.fixture(scope="module")
def world():
    """Sandboxes that write to a store, by store and variant, and a connection in each."""
    with contextlib.ExitStack() as opened:
        made = {}

        def of(store, variant=""):
            if (store.name, variant) not in made:
                sandbox = opened.enter_context(
                    Sandbox(files=24, variant=variant, export_seconds=0, s3_endpoint=store.endpoint)
                )
                client = lds.Client.sandbox(sandbox)
                keys = {"access_key": stores.ACCESS_KEY, "secret_key": stores.SECRET_KEY}
                connection = lds.create_s3_connection(client, **keys, name="mine", bucket_path="labels/nightly/")
                made[store.name, variant] = sandbox, client.project(sandbox.project_ids[0]), connection
            return made[store.name, variant]

        yield of


def folder_in(connection: str) -> lds.S3Destination:
    return lds.S3Destination(f"labels/{uuid.uuid4().hex[:8]}/nightly/", connection_id=connection)


def assert_same(ours: lds.Dataset, theirs: lds.Dataset, ordered: bool = True) -> None:
    keys = {"files": "file_id", "annotations": "annotation_id", "categories": "category_id", "issues": "id"}
    for name, key in keys.items():
        left, right = getattr(ours, name), getattr(theirs, name)
        if not ordered:
            left, right = (frame.sort_values(key, ignore_index=True) for frame in (left, right))
        pd.testing.assert_frame_equal(left, right)


@pytest.mark.parametrize("variant", ["", "s3-plain", "s3-loose"])
@pytest.mark.parametrize("form", FORMS)
def test_what_comes_from_s3_is_what_comes_from_a_local_export(store, world, form, variant):
    sandbox, project, connection = world(store, variant)
    moment = sandbox.truth(project.project_id)["files"]["updated_at"].median()
    for since in (None, moment):
        local = lds.export_dataset(project, "all", since, format=form, progress=False)
        theirs = lds.export_dataset(
            project, "all", since, format=form, destination=folder_in(connection), progress=False
        )
        assert len(local) > 0
        # masks that lie loose in a bucket come in the order of their names: a bucket has no other
        assert_same(theirs, local, ordered=(form, variant) != ("png", "s3-loose"))
        assert theirs.info["since"] == local.info["since"]


def test_the_three_doors_take_a_destination(store, world):
    _, project, connection = world(store)
    destination = folder_in(connection)
    df = lds.export_to_dataframe(project, ["accepted"], destination=destination, progress=False)
    assert set(df["status"]) == {"accepted"}
    coco = lds.export_to_coco(project, ["accepted"], destination=destination, progress=False)
    assert coco.getAnnIds()


def test_a_folder_that_holds_older_exports_gives_the_one_that_was_asked_for(store, world):
    _, project, connection = world(store)
    destination = folder_in(connection)
    older = lds.export_dataset(project, "all", destination=destination, progress=False)
    ours = lds.export_dataset(project, ["accepted"], destination=destination, progress=False)
    assert len(ours) < len(older)
    assert set(ours.files["status"]) == {"accepted"}


def test_without_an_id_in_its_name_an_export_is_known_by_when_it_was_written(store, world):
    _, project, connection = world(store, "s3-plain")
    destination = folder_in(connection)
    job = lds.create_export(project, ["accepted"], destination=destination, name="nightly 1")
    job.wait(progress=False)
    assert set(job.load(progress=False).files["status"]) == {"accepted"}
    job._sleep = lambda seconds: None
    job._started = job._finished = Moment(*(moment - 3600 for moment in job._started))  # as if an hour ago
    with pytest.raises(lds.NotFoundError, match=r"none was written between.*nightly 1.json"):
        job.load(progress=False)


def test_a_machine_that_slept_in_between_still_finds_its_export(moto, world, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto, "s3-plain")
    job = lds.create_export(project, ["accepted"], destination=folder_in(connection), name="slept")
    job._started = Moment(job._started[0] + 0.0, job._started[1] - 7200)  # the clock that goes on says two hours
    job.wait(progress=False)
    assert len(job.load(progress=False)) > 0


def test_an_export_that_another_has_overwritten_is_not_taken_for_it(moto, world, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto, "s3-plain")
    destination = folder_in(connection)
    first = lds.create_export(project, ["accepted"], destination=destination, name="nightly")
    lds.create_export(project, ["review"], destination=destination, name="nightly").wait(progress=False)
    first.wait(progress=False)
    with pytest.raises(lds.AmbiguousObjectsError, match="status review, which was not asked for"):
        first.load(progress=False)


def test_a_picked_up_export_of_an_unknown_kind_is_never_several_objects(moto, world, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto, "s3-plain")
    destination = folder_in(connection)
    jobs = [lds.create_export(project, ["accepted"], destination=destination, name=name) for name in "ab"]
    again = lds.ExportJob(project, jobs[0].report_id, destination=destination)
    again.wait(progress=False)
    with pytest.raises(lds.AmbiguousObjectsError, match="several may be meant"):
        again.load(progress=False)


def test_where_nothing_tells_when_it_was_created_nothing_is_guessed(moto, world, own_keys, monkeypatch):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto, "s3-plain")
    destination = folder_in(connection)
    report_id = lds.create_export(project, ["accepted"], destination=destination, name="x").report_id

    def failing(self):
        raise lds.ConnectionFailedError("no connection")

    again = lds.ExportJob(project, report_id, destination=destination)
    with monkeypatch.context() as patched:
        patched.setattr(type(project), "exports", failing)
        with pytest.raises(lds.ConnectionFailedError):
            again.load(progress=False)

    def absent(self):
        raise lds.NotFoundError("no list")

    monkeypatch.setattr(type(project), "exports", absent)
    with pytest.raises(lds.AmbiguousObjectsError, match="not known when it was created"):
        again.load(progress=False)


def test_copies_of_an_export_and_what_lies_beside_it_are_not_read_with_it(moto, world, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto)
    destination = folder_in(connection)
    job = lds.create_export(project, ["accepted"], destination=destination)
    job.wait(progress=False)
    (key,) = moto.keys(destination.folder)
    count = len(job.load(progress=False))
    body = moto.s3.get_object(Bucket="labels", Key=key)["Body"].read()
    moto.put(f"{destination.folder}done/{job.report_id}_export.json", body)
    moto.put(f"{destination.folder}9{job.report_id}9_export.json", b"[]")
    assert len(job.load(progress=False)) == count
    moto.put(f"{destination.folder}{job.report_id}_log.csv", b"x")
    with pytest.raises(lds.AmbiguousObjectsError, match="_log.csv"):
        job.load(progress=False)


def test_several_that_may_be_meant_are_an_error_that_lists_them(store, world):
    _, project, connection = world(store, "s3-plain")
    destination = folder_in(connection)
    for name in ("first", "second"):
        job = lds.create_export(project, ["accepted"], destination=destination, name=name)
    job.wait(progress=False)
    with pytest.raises(lds.AmbiguousObjectsError, match="Hint: lds.read_export") as caught:
        job.load(progress=False)
    assert sorted(each.rsplit("/", 1)[-1] for each in caught.value.candidates) == ["first.json", "second.json"]
    assert len(lds.read_export(caught.value.candidates[1], progress=False)) > 0


def test_an_export_to_s3_is_picked_up_where_its_destination_is_told(store, world):
    _, project, connection = world(store)
    destination = folder_in(connection)
    report_id = lds.create_export(project, ["accepted"], destination=destination).report_id
    again = lds.ExportJob(project, report_id, destination=destination)
    assert again.wait(progress=False).is_completed
    assert set(again.load(progress=False).files["status"]) == {"accepted"}


def test_it_is_waited_for_like_a_local_one_and_has_no_link(moto, world, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto)
    job = lds.create_export(project, ["accepted"], destination=folder_in(connection))
    assert job.wait(progress=False).state == job.status().state == "completed"
    with pytest.raises(lds.InvalidArgumentError, match=r"to S3 and has no link; it is under labels/[\s\S]*load\(\)"):
        job.link()


@pytest.mark.parametrize("variant", ["", "s3-loose"])
def test_what_was_written_is_kept_where_it_is_asked_for(moto, world, own_keys, tmp_path, variant):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    _, project, connection = world(moto, variant)
    job = lds.create_export(project, ["accepted"], format="png", destination=folder_in(connection))
    job.wait(progress=False)
    kept = job.download(tmp_path / "kept", progress=False)
    assert kept.is_dir() == bool(variant)
    found = lds.read_export(kept, categories=project.categories())
    loaded = job.load(progress=False)
    pd.testing.assert_frame_equal(found.annotations[["category", "area"]], loaded.annotations[["category", "area"]])
    with pytest.MonkeyPatch.context() as patched:  # one that fails later leaves what was there

        def failing(*arguments):
            raise lds.ConnectionFailedError("gone")

        patched.setattr("labellerr_ds.storage.s3.Bucket.open", failing)
        with pytest.raises(lds.ConnectionFailedError):
            job.download(tmp_path / "kept", progress=False)
    assert len(lds.read_export(kept, categories=project.categories()).annotations) == len(loaded.annotations)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [kept.name]


def test_an_export_that_is_not_done_is_not_looked_for(moto, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    with Sandbox(files=12, export_seconds=30, s3_endpoint=moto.endpoint) as sandbox:
        client = lds.Client.sandbox(sandbox)
        keys = {"access_key": stores.ACCESS_KEY, "secret_key": stores.SECRET_KEY}
        connection = lds.create_s3_connection(client, **keys, name="mine", bucket_path="labels/")
        project = client.project(sandbox.project_ids[0])
        job = lds.create_export(project, "all", destination=lds.S3Destination("labels/", connection_id=connection))
        with pytest.raises(lds.NotFoundError, match=r"'Processing', not completed.\nHint: job.wait\(\)"):
            job.load(progress=False)


def test_the_report_fails_in_the_services_words_where_the_bucket_refuses(swift, world):
    sandbox, project, connection = world(swift)
    client = lds.Client.sandbox(sandbox)
    reader = {"access_key": stores.READER_KEY, "secret_key": stores.READER_SECRET}
    # may read, may not write: the test of a connection says so, and an export through one that slipped by as well
    with pytest.raises(lds.StorageError, match="AccessDenied.*not created"):
        lds.create_s3_connection(client, **reader, name="reader", bucket_path="labels/nightly/")
    from labellerr_ds.sandbox.bucket import Keys

    sandbox._exports.keys[connection], kept = Keys(*reader.values()), sandbox._exports.keys[connection]
    try:
        with pytest.raises(lds.ExportFailedError, match="AccessDenied"):
            lds.export_dataset(project, "all", destination=folder_in(connection), progress=False)
    finally:
        sandbox._exports.keys[connection] = kept


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "bucket is empty"), ("/", "bucket is empty"), ("s3://", "bucket is empty"),
        ("/folder/", "bucket is empty"),
        ("s3:///folder", "bucket is empty"), ("labels/../other/", r"without '\.\.'"), ("labels//x/", "empty folders"),
        ("labels/./x/", "without"), ("https://labels.s3.amazonaws.com/x/", "not a valid bucket name"),
        (None, "must be a str"),
        ("labels/a\\b/", "backslashes"), ("labels/a\nb/", "without"),
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_meant_is_refused(path, words):
    with pytest.raises(lds.InvalidArgumentError, match=words):
        lds.S3Destination(path, connection_id="c")


@pytest.mark.parametrize("path", ["labels/nightly", "s3://labels/nightly/", "S3://labels/nightly", " labels/nightly/"])
def test_a_path_that_can_be_put_right_is_and_it_is_said(path):
    with pytest.warns(lds.LabellerrWarning, match="was corrected to 'labels/nightly/'"):
        destination = lds.S3Destination(path, connection_id="c")
    assert (destination.bucket, destination.folder) == ("labels", "nightly/")


def test_a_path_that_is_right_is_left_alone():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lds.S3Destination("labels/", connection_id="c").folder == ""


@pytest.mark.parametrize("connection_id", ["", "  ", None])
def test_a_destination_needs_a_connection(connection_id):
    with pytest.raises(lds.InvalidArgumentError, match="s3_connections"):
        lds.S3Destination("labels/", connection_id=connection_id)


def test_a_connection_that_nobody_knows_is_refused_in_the_services_words(moto, world):
    _, project, _ = world(moto)
    with pytest.raises(lds.ServiceError, match="not a known connection"):
        lds.create_export(project, "all", destination=folder_in("none"))
