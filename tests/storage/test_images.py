"""Images through signed links: all of them, each once, none over another."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.images.files import locate
from labellerr_ds.images.pixels import open_image
from labellerr_ds.sandbox import Sandbox


@pytest.fixture
def dataset(project):
    return lds.export_dataset(project, "all", progress=False)


def test_every_image_comes_once_and_names_never_collide(dataset, tmp_path, sandbox):
    assert dataset.files["file_name"].duplicated().any()
    told = dataset.download_images(tmp_path, progress=False)
    assert (told["state"] == "downloaded").all()
    assert told["path"].is_unique
    assert told["message"].isna().all()
    assert told["size"].tolist() == [round(size * 1e6) for size in dataset.files["file_size_mb"]]
    for row in dataset.files.itertuples():
        path = told.loc[told["file_id"] == row.file_id, "path"].iloc[0]
        with Image.open(path) as image:
            assert image.size == (row.width, row.height)
    store = [seen for seen in sandbox.requests if seen.server == "store"]
    assert not [seen for seen in store if {"api_key", "api_secret", "client_id"} & seen.headers]


def test_what_is_there_stays_and_what_is_missing_is_fetched(dataset, tmp_path, sandbox):
    first = dataset.download_images(tmp_path, progress=False)
    gone = first.sample(3, random_state=0)
    for path in gone["path"]:
        (tmp_path / path).unlink()
    before = len(sandbox.requests)
    again = dataset.download_images(tmp_path, progress=False)
    assert (again["state"] == "downloaded").sum() == 3
    assert set(again.loc[again["state"] == "downloaded", "file_id"]) == set(gone["file_id"])
    assert again["path"].tolist() == first["path"].tolist()
    assert len([seen for seen in sandbox.requests[before:] if seen.server == "store"]) == 3


def test_a_later_export_with_a_file_of_the_same_name_overwrites_nothing(dataset, tmp_path, project):
    shared = dataset.files[dataset.files["file_name"].duplicated(keep=False)].sort_values("file_name")
    one, other = shared["file_id"].iloc[:2]
    first = dataset.only([one]).download_images(tmp_path, project, progress=False)
    second = dataset.only([other]).download_images(tmp_path, project, progress=False)
    assert first["path"][0] != second["path"][0]
    assert other in second["path"][0]
    both = dataset.only([one, other])
    assert set(locate(both.files, tmp_path)) == {one, other}
    assert (both.download_images(tmp_path, project, progress=False)["state"] == "kept").all()


def test_a_file_that_somebody_else_put_there_is_left_alone(dataset, tmp_path):
    name = dataset.files["file_name"].iloc[0]
    (tmp_path / name).write_bytes(b"mine")
    dataset.download_images(tmp_path, progress=False)
    assert (tmp_path / name).read_bytes() == b"mine"


def test_one_that_is_gone_at_the_service_costs_the_others_nothing(tmp_path):
    with Sandbox(files=20, export_seconds=0) as sandbox:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        dataset = lds.export_dataset(project, "all", progress=False)
        while not len(sandbox.truth(project.project_id)["deleted"]):
            sandbox.advance(days=10)
        gone = set(sandbox.truth(project.project_id)["deleted"]["file_id"])
        with pytest.warns(lds.LabellerrWarning, match="could not be downloaded.*Hint: call again"):
            told = dataset.download_images(tmp_path, progress=False)
        failed = told[told["state"] == "failed"]
        assert set(failed["file_id"]) == gone & set(dataset.files["file_id"])
        assert failed["path"].isna().all()
        assert failed["message"].str.contains("file not found").all()


def test_a_size_that_is_not_the_exports_is_told(dataset, tmp_path):
    odd = dataset.only(dataset.files["file_id"].iloc[:2])
    odd.files.loc[0, "file_size_mb"] += 1
    with pytest.warns(lds.LabellerrWarning, match="1 images do not have the size in the export"):
        told = odd.download_images(tmp_path, progress=False)
    assert told["message"].notna().tolist() == [True, False]


def test_a_dataset_knows_its_project_in_this_process_alone(dataset, tmp_path, sandbox):
    assert sandbox.api_secret not in str(vars(pickle.loads(pickle.dumps(dataset))))
    copied = pickle.loads(pickle.dumps(dataset))
    with pytest.raises(lds.AuthError):
        copied.download_images(tmp_path, progress=False)
    with pytest.raises(lds.InvalidArgumentError, match="made by hand and cannot download images"):
        lds.read_export(dataset.to_parquet(tmp_path / "frames")).only([]).__class__(
            dataset.files, dataset.annotations, dataset.categories, dataset.issues
        ).download_images(tmp_path)


# --- opening them


@pytest.fixture
def turned(tmp_path):
    """A picture of 40 x 20 pixels as stored, that its camera says to turn by a quarter."""
    image = Image.new("RGB", (40, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    return tmp_path / "turned.jpg"


@pytest.mark.parametrize(("told", "size"), [((20, 40), (20, 40)), ((None, None), (20, 40)), ((40, 20), (40, 20))])
def test_the_orientation_of_a_camera_is_heeded_once_in_the_frame_of_the_labels(turned, told, size):
    assert open_image(turned, *told).size == size


def test_images_are_found_by_index_name_or_mapping(tmp_path):
    files = pd.DataFrame({"file_id": ["a", "b", "c"], "file_name": ["x.jpg", "x.jpg", "y.jpg"]})
    (tmp_path / "x.jpg").write_bytes(b"1")
    (tmp_path / "x_b.jpg").write_bytes(b"2")
    (tmp_path / "y.jpg").write_bytes(b"3")
    assert locate(files, tmp_path) == {"b": tmp_path / "x_b.jpg", "c": tmp_path / "y.jpg"}
    assert locate(files, {"a": tmp_path / "x.jpg", "c": tmp_path / "none"}) == {"a": tmp_path / "x.jpg"}
    with pytest.raises(lds.InvalidArgumentError, match="no folder"):
        locate(files, tmp_path / "nowhere")


def test_without_keys_it_is_told_that_a_project_may_be_passed(project, tmp_path):
    lds.export_dataset(project, ["accepted"], progress=False).to_parquet(tmp_path / "labels")
    with pytest.raises(lds.AuthError, match="or project="):
        lds.read_export(tmp_path / "labels").download_images(tmp_path / "images")
