"""Exports of many shards on a Dask cluster of two processes: the rows are those of `read_export`."""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import signal
import time
import warnings
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import clusters
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.distributed import partition
from labellerr_ds.distributed.convert import Converted
from labellerr_ds.distributed.exports import convert_exports, read_shards
from labellerr_ds.distributed.pickles import load
from labellerr_ds.distributed.shards import shards_of
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.distributed.stage import stage
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.frames import merge, schema

distributed = pytest.importorskip("distributed")
pytestmark = clusters.MARKS


def rows(frame):
    """Rows as comparable text, in an order of their own."""
    plain = (
        frame if str(frame.dtypes.iloc[0]).startswith(("large_string", "string[pyarrow]")) else frame.labellerr.plain()
    )
    columns = {}
    for name in plain:
        values = plain[name].astype(object).where(plain[name].notna(), None)
        columns[name] = [
            None if value is None else value.isoformat() if isinstance(value, pd.Timestamp) else str(value)
            for value in values
        ]
    return sorted(map(repr, zip(*columns.values(), strict=True)))


def same(ddf, frame):
    assert rows(ddf.compute()) == rows(frame)


@pytest.fixture(scope="module")
def shards(tmp_path_factory, serve):
    """The sandbox's project in four formats, cut into shards that share files, ids and categories."""
    home = tmp_path_factory.mktemp("shards")
    sandbox = serve(files=120)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    exports = {}
    for form in ("json", "coco_json", "csv", "png"):
        job = lds.create_export(project, "all", format=form)
        job.wait(progress=False)
        exports[form] = job.download(home, progress=False)
        (home / form).mkdir()
    rng = random.Random(0)
    parts = [[] for _ in range(200)]
    for record in json.loads(exports["json"].read_text()):
        rng.choice(parts).append(record)
        if rng.random() < 0.3:  # in two shards, whole or in part
            rng.choice(parts).append({**record, "latest_answer": record["latest_answer"][: rng.choice((1, 99))]})
    for number, part in enumerate(parts):
        (home / "json" / f"{number:03}.json").write_text(json.dumps(part))
    coco = json.loads(exports["coco_json"].read_text())
    for number in range(200):  # each counts from 0, and an image is in one or two of them
        images = [coco["images"][place % 120] for place in range(number, number + 1 + number % 2)]
        new = {image["id"]: place for place, image in enumerate(images)}
        mine = [each for each in coco["annotations"] if each["image_id"] in new]
        shard = {
            **coco,
            "images": [{**image, "id": new[image["id"]]} for image in images],
            "annotations": [{**each, "id": n, "image_id": new[each["image_id"]]} for n, each in enumerate(mine)],
        }
        if number % 3 == 0:
            plain = lambda each: {key: value for key, value in each.items() if not key.startswith("labellerr")}  # noqa: E731
            shard["images"] = [plain(each) for each in shard["images"]]
            shard["annotations"] = [plain(each) for each in shard["annotations"]]
        (home / "coco_json" / f"{number:03}.json").write_text(json.dumps(shard))
    table = pd.read_csv(exports["csv"], dtype=str, keep_default_na=False)
    for number in range(30):
        table.iloc[4 * number : 4 * number + 4].to_csv(home / "csv" / f"{number:03}.csv", index=False)
    zipfile.ZipFile(exports["png"]).extractall(home / "png")
    return home, project.categories()


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@pytest.mark.parametrize(("table", "template"), [("annotations", True), ("annotations", False), ("files", False)])
@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_the_rows_are_those_of_read_export(cluster, shards, form, table, template):
    home, categories = shards
    known = categories if template else None
    plain = lds.read_export(home / form, categories=known, progress=False)
    ddf = lds.read_exports_dask(home / form, table, cluster, categories=known, shards_a_task=7 if form == "csv" else 30)
    assert ddf.npartitions > 1
    same(ddf, getattr(plain, table))


def label_files(folders, split="train"):
    """What is in the files of YOLO labels, whatever they are called."""
    paths = [path for folder in folders for path in (folder / "labels" / split).glob("*.txt")]
    return sorted(sorted(path.read_text().splitlines()) for path in paths)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@pytest.mark.parametrize("form", ["json", "coco_json"])
def test_a_partition_is_converted_to_yolo_with_the_numbers_of_the_whole(cluster, shards, tmp_path, form):
    home, categories = shards
    template = categories if form == "json" else None
    made = convert_exports(home / form, tmp_path / "yolo", "yolo", cluster, categories=template, shards_a_task=30)
    whole = lds.read_export(home / form, categories=template, progress=False).to_yolo(tmp_path / "one")
    assert len(made) > 5
    assert label_files(made) == label_files([whole.folder])
    settings = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert settings["names"] == yaml.safe_load((whole.folder / "data.yaml").read_text())["names"]
    assert settings["train"] == [f"{at.name}/images/train" for at in made if (at / "labels" / "train").is_dir()]
    assert settings["val"] == settings["train"]


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_partitions_are_split_as_the_whole_would_be(cluster, shards, tmp_path):
    home, categories = shards
    shares = {"train": 0.7, "val": 0.2, "test": 0.1}
    made = convert_exports(
        home / "json", tmp_path / "yolo", "yolo", cluster, categories=categories, split=shares, seed=7, shards_a_task=30
    )
    whole = lds.read_export(home / "json", categories=categories, progress=False)
    one = whole.to_yolo(tmp_path / "one", split=whole.split(**shares, seed=7))
    settings = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    for split in shares:
        assert label_files(made, split) == label_files([one.folder], split) != []
        assert settings[split] == [f"{at.name}/images/{split}" for at in made if (at / "labels" / split).is_dir()]


@pytest.mark.parametrize(
    ("to", "split", "message"),
    [
        ("yolo", {"train": 0.8}, "the shares must sum to 1; train 0.8 is 0.8"),
        ("yolo", {"train": 0.8, "../val": 0.2}, "the name of a split must do for a folder"),
        ("yolo", {}, "the shares must sum to 1; there are none"),
        ("yolo", {"train": 0.5, "names": 0.5}, "a split cannot be called 'names', which is another key of data.yaml"),
        ("yolo", 0.8, "split must be shares, such as .*; got float"),
        ("coco", {"train": 1.0}, r"split is for YOLO[\s\S]*split\(\)"),
    ],
)
def test_a_wrong_split_is_known_before_a_shard_is_read(tmp_path, to, split, message):
    with pytest.raises(lds.InvalidArgumentError, match=message):
        convert_exports("nowhere", tmp_path / "out", to, split=split)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_partition_is_converted_to_coco_that_reads_as_one(cluster, shards, tmp_path):
    home, _ = shards
    made = convert_exports(home / "coco_json", tmp_path / "coco", "coco", cluster, shards_a_task=30)
    again, whole = lds.read_export(tmp_path / "coco"), lds.read_export(home / "coco_json", progress=False)
    assert len(made) > 5
    columns = ["file_name", "category", "type", "bbox_x", "bbox_y", "area"]
    one, other = (sorted(map(repr, dataset.annotations[columns].itertuples(index=False))) for dataset in (again, whole))
    assert one == other
    assert sorted(again.files["file_name"]) == sorted(whole.files["file_name"])


def test_a_partition_that_lends_to_many_is_finished_once_for_all_of_them(tmp_path, monkeypatch):
    rng, count = random.Random(0), 12
    parts = [[] for _ in range(count)]
    for image in range(400):  # two annotators an image
        for annotator, part in enumerate(rng.sample(parts, 2)):
            part.append({"id": 2 * image + annotator, "image_id": image, "category_id": 1, "bbox": [1, 1, 4, 4]})
    for number, part in enumerate(parts):
        images = [{"id": each["image_id"], "file_name": f"{each['image_id']}.jpg"} for each in part]
        labels = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": part}
        (tmp_path / f"{number:02}.json").write_text(json.dumps(labels))
    applied = []
    monkeypatch.setattr(
        "labellerr_ds.distributed.exports.current", lambda _: None
    )  # in this process, where it is counted
    monkeypatch.setattr(partition, "apply", lambda *given: applied.append(given[1].part) or merge.apply(*given))
    made = convert_exports(tmp_path, tmp_path / "coco", "coco", shards_a_task=1)
    assert len(applied) == 2 * count - 1  # all but the first lend, and all write
    counts = Counter(each["image_id"] for path in made for each in json.loads(path.read_text())["annotations"])
    assert sum(counts.values()) == 800


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_what_partitions_write_for_each_other_has_the_size_of_what_it_says(tmp_path):
    parts = [(range(5_000), "no such status"), *(((-number, -number - 1), "accepted") for number in range(1, 5))]
    for number, (ids, status) in enumerate(parts):
        records = [{"file_id": f"f{name}", "file_name": "a.jpg", "file_status": status} for name in ids]
        (tmp_path / f"{number}.json").write_text(json.dumps(records))
    folder = SharedFolder(tmp_path).own("staged")
    shards = shards_of(sorted(tmp_path.glob("*.json")))
    whole, _ = read_shards(shards, ReadOptions(), None, folder, name="e", shards_a_task=1)
    assert len(whole.issues) >= 5_000
    sizes = [pathlib.Path(path).stat().st_size for path in whole.partitions]
    assert max(sizes[1:]) < sizes[0] / 10


def test_what_an_earlier_conversion_wrote_is_gone_and_rows_without_a_file_stay(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(4):
        labels = {
            "images": [{"id": 1, "file_name": f"{number}.jpg", "width": 8, "height": 8}],
            "categories": [{"id": 1, "name": "car"}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]},
                {"id": 2, "image_id": 99, "category_id": 1, "bbox": [1, 1, 4, 4]},  # equal in all: one
            ],
        }
        (source / f"{number}.json").write_text(json.dumps(labels))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(convert_exports(source, out, "yolo", shards_a_task=1)) == 4
    assert "1 annotations: its file is not in the dataset" in str(caught[-1].message)
    for number in (1, 2, 3):
        (source / f"{number}.json").unlink()
    with pytest.warns(lds.LabellerrWarning):
        convert_exports(source, out, "yolo", shards_a_task=1, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["00000000", "data.yaml"]
    with pytest.raises(lds.InvalidArgumentError, match="exists already.\nHint: overwrite=True"):
        convert_exports(source, out, "yolo")
    with pytest.raises(lds.InvalidArgumentError, match="out must not be the folder of the shards"):
        convert_exports(source, source, "coco", overwrite=True)
    assert [path.name for path in source.iterdir()] == ["0.json"]
    with pytest.warns(lds.LabellerrWarning):
        (path,) = convert_exports(source, tmp_path / "coco", "coco")
    assert len(json.loads(path.read_text())["annotations"]) == 2
    with pytest.raises(lds.InvalidArgumentError, match="images must be a folder"):
        convert_exports(source, out, "yolo", images=tmp_path / "nowhere", overwrite=True)


def test_without_a_cluster_it_runs_here(shards):
    home, _ = shards
    with pytest.warns(lds.LabellerrWarning):
        ddf = lds.read_exports_dask(home / "json", "files")
    with pytest.warns(lds.LabellerrWarning):
        same(ddf, lds.read_export(home / "json", progress=False).files)


def test_the_meta_is_what_partitions_have(cluster, shards):
    home, _ = shards
    with pytest.warns(lds.LabellerrWarning):
        ddf = lds.read_exports_dask(home / "json", client=cluster)
    assert ddf.dtypes.equals(ddf.get_partition(1).compute().dtypes)
    assert "string" in str(ddf.dtypes["segmentation"])
    counted = ddf.groupby("category")["annotation_id"].count().compute()
    assert counted.sum() == ddf["category"].count().compute() > 0
    assert ddf.attrs["labellerr"]["failed"] == []


def use(settings):
    """In a worker: its own AWS settings."""
    os.environ.update(settings)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_shards_in_a_bucket(cluster, shards, store, tmp_path):
    home, _ = shards
    cluster.run(use, {key: value for key, value in os.environ.items() if key.startswith("AWS_")})
    for form in ("json", "png"):
        paths = sorted(path for path in (home / form).iterdir() if path.is_file())
        paths = paths[:40] if store.name == "swift" else paths  # it takes its time for each
        (tmp_path / form).mkdir()
        for path in paths:
            shutil.copy(path, tmp_path / form)
        keys = [f"cluster/{form}/{path.name}" for path in paths]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(store.put, keys, [path.read_bytes() for path in paths]))
        ddf = lds.read_exports_dask(f"s3://labels/cluster/{form}", client=cluster, shards_a_task=50)
        same(ddf, lds.read_export(tmp_path / form, progress=False).annotations)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_workers_that_share_no_disk_stage_and_convert_in_a_bucket(cluster, shards, store, tmp_path):
    home, _ = shards
    cluster.run(use, {key: value for key, value in os.environ.items() if key.startswith("AWS_")})
    paths = sorted((home / "coco_json").iterdir())[:9]
    ddf = lds.read_exports_dask(paths, client=cluster, folder="s3://labels/staged", shards_a_task=3)
    whole = lds.concat([lds.read_export(path, progress=False) for path in paths])
    same(ddf, whole.annotations)
    more = {"client": cluster, "folder": "s3://labels/near", "shards_a_task": 3}
    made = convert_exports(paths, "s3://labels/coco", "coco", **more)
    assert made == [f"s3://labels/coco/{place:08}.json" for place in (0, 3, 6)]
    assert store.keys("near") == []
    assert len(lds.read_export("s3://labels/coco", progress=False).annotations) == len(whole.annotations)
    with pytest.raises(lds.InvalidArgumentError, match=r"objects below s3://labels/coco[\s\S]*choose another"):
        convert_exports(paths, "s3://labels/coco/", "coco")


def test_hidden_objects_of_a_bucket_are_no_shards(moto, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    for name in ("000.json", "._000.json", "in/.hidden/001.json", "in/001.json"):
        moto.put(f"hidden/{name}", b"[]")
    assert [shard.name for shard in shards_of("s3://labels/hidden")] == ["000.json", "in/001.json"]


def written_to(folder, count, start=0):
    for number in range(start, start + count):
        (folder / f"{number:03}.json").write_text(
            json.dumps([{"file_id": f"f{number}", "file_name": "a.jpg", "latest_answer": []}])
        )


def test_what_is_no_export_among_the_shards_is_passed_over_wherever_it_falls(tmp_path):
    written_to(tmp_path, 4)
    for name in ("0 read me.txt", "zz.md"):
        (tmp_path / name).write_text("Labels of November.")
    assert len(lds.read_exports_dask(tmp_path, "files", shards_a_task=1)) == 4
    (tmp_path / "004.json").write_text("")
    with pytest.raises(lds.ReadError, match=r"1 of 7 shards could not be read: .*004.json"):
        lds.read_exports_dask(tmp_path, "files", shards_a_task=1)
    for path in tmp_path.glob("*.json"):
        path.unlink()
    with pytest.raises(lds.ReadError, match="expected json, coco_json, csv, PNG masks"):
        lds.read_exports_dask(tmp_path, "files")


def test_two_frames_that_share_a_folder_keep_their_rows(tmp_path):
    for name in ("one", "other", "staged"):
        (tmp_path / name).mkdir()
    written_to(tmp_path / "one", 2)
    written_to(tmp_path / "other", 3, start=10)
    one = lds.read_exports_dask(tmp_path / "one", "files", folder=tmp_path / "staged")
    other = lds.read_exports_dask(tmp_path / "other", "files", folder=tmp_path / "staged")
    assert one.compute()["file_id"].tolist() == ["f0", "f1"]
    assert other.compute()["file_id"].tolist() == ["f10", "f11", "f12"]


def test_several_formats_are_refused_and_the_one_that_is_asked_for_is_read(tmp_path):
    written_to(tmp_path, 3)
    (tmp_path / "manifest.json").write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(lds.ReadError, match=r"several formats \(coco_json, json\).\nHint: format="):
        lds.read_exports_dask(tmp_path, "files", shards_a_task=1)
    assert len(lds.read_exports_dask(tmp_path, "files", format="json", shards_a_task=1)) == 3
    with pytest.raises(lds.ReadError, match="expected csv, got"):
        lds.read_exports_dask(tmp_path, "files", format="csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(lds.ReadError, match="empty' holds no files"):
        lds.read_exports_dask(tmp_path / "empty")
    with pytest.raises(lds.InvalidArgumentError, match="shards_a_task must be an int, 1 or more; got 0"):
        lds.read_exports_dask(tmp_path, format="json", shards_a_task=0)


def test_masks_by_the_thousand_go_in_tasks(cluster, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(2_000):
        pixels = np.zeros((24, 32), dtype=np.uint8)
        pixels[rng.integers(0, 12) : 20, 4 : rng.integers(8, 30)] = rng.integers(1, 4)
        Image.fromarray(pixels).save(tmp_path / f"{number:05}.png")
    categories = schema.build(
        "categories", {"category_id": ["a", "b", "c"], "name": ["car", "bus", "van"], "coco_id": [1, 2, 3]}, 3
    )
    ddf = lds.read_exports_dask(tmp_path, client=cluster, categories=categories, shards_a_task=300)
    assert ddf.npartitions == 7
    same(ddf, lds.read_export(tmp_path, categories=categories, progress=False).annotations)


# --- what dies, and what cannot be read


def deadly(task, word, once):
    """A task that kills its worker where it has this shard; once alone, or each time."""
    if any(word in str(shard) for shard in task.args[0].args[1]) and (not once or not os.path.exists(once)):
        if once:
            open(once, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return task()


class Deadly:
    """A client whose tasks die at a shard."""

    def __init__(self, client, word, once=""):
        self._client, self._word, self._once = client, word, once

    def __getattr__(self, name):
        return getattr(self._client, name)

    def submit(self, task, **more):
        return self._client.submit(partial(deadly, task, self._word, self._once), **more)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_worker_that_is_killed_in_between_loses_nothing(cluster, shards, tmp_path):
    home, _ = shards
    once = str(tmp_path / "died")
    ddf = lds.read_exports_dask(home / "json", client=Deadly(cluster, "030.json", once), shards_a_task=20)
    assert os.path.exists(once)
    same(ddf, lds.read_export(home / "json", progress=False).annotations)


def test_a_shard_that_kills_each_worker_is_named_and_the_others_are_there(cluster, shards, tmp_path):
    home, _ = shards
    with pytest.warns(lds.LabellerrWarning) as told:
        ddf = lds.read_exports_dask(
            home / "json", client=Deadly(cluster, "030.json"), shards_a_task=20, on_error="collect"
        )
    message = str(told[0].message)
    assert message.startswith("1 of 200 shards could not be read: ")
    assert "030.json: its worker died each time" in message
    assert [name.rsplit("/", 1)[-1] for name in ddf.attrs["labellerr"]["failed"]] == ["030.json"]
    (tmp_path / "others").mkdir()
    for path in (home / "json").iterdir():
        if path.name != "030.json":
            (tmp_path / "others" / path.name).write_bytes(path.read_bytes())
    with pytest.warns(lds.LabellerrWarning):
        same(ddf, lds.read_export(tmp_path / "others", progress=False).annotations)


def test_a_shard_that_waited_beside_a_deadly_one_is_not_blamed(tmp_path, monkeypatch):
    """Dask blames all tasks that a worker had when it died, again and again."""
    written_to(tmp_path, 6)
    tries = Counter()

    def dying(first, some, *more):
        tries.update(shard.name for shard in some)
        for shard in some:
            if shard.name == "002.json" or (shard.name == "003.json" and tries[shard.name] < 3):
                raise distributed.KilledWorker("task", None, 3)
        return stage(first, some, *more)

    monkeypatch.setattr("labellerr_ds.distributed.exports.current", lambda _: None)
    monkeypatch.setattr("labellerr_ds.distributed.exports.stage", dying)
    with pytest.warns(lds.LabellerrWarning, match=r"1 of 6 shards could not be read: .*002.json: its worker died"):
        ddf = lds.read_exports_dask(tmp_path, "files", shards_a_task=3, on_error="collect")
    assert ddf.compute()["file_id"].tolist() == ["f0", "f1", "f3", "f4", "f5"]


def elsewhere(task):
    """A task on a machine that has a disk of its own."""
    staged = task()
    for path in pathlib.Path(task.args[0].args[2]).glob("*.parquet"):
        path.unlink()
    return staged


class Elsewhere(Deadly):
    """A client whose workers do not see the disk of this process."""

    def submit(self, task, **more):
        return self._client.submit(partial(elsewhere, task), **more)


def test_a_folder_that_the_workers_have_to_themselves_is_refused(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("labellerr_ds.distributed.shared_folder.PATIENCE_S", 0.1)
    written_to(tmp_path, 2)
    with pytest.raises(lds.InvalidArgumentError, match=r"workers do not see the folder [\s\S]*folder="):
        lds.read_exports_dask(tmp_path, client=Elsewhere(cluster, ""))


class Gone(Deadly):
    """A client whose cluster goes away."""

    def submit(self, task, **more):
        future = self._client.submit(time.sleep, 5, pure=False)
        future.cancel()
        return future


def test_a_cluster_that_goes_away_is_an_error_of_ours(cluster, tmp_path):
    written_to(tmp_path, 2)
    with pytest.raises(lds.LabellerrError, match="the cluster went away"):
        lds.read_exports_dask(tmp_path, client=Gone(cluster, ""))


def no_keys(*_):
    raise lds.AuthError("no AWS keys.")


def test_a_reason_that_is_about_no_shard_is_raised_as_it_is(tmp_path, monkeypatch):
    written_to(tmp_path, 3)
    monkeypatch.setattr("labellerr_ds.distributed.exports.stage", no_keys)
    with pytest.raises(lds.AuthError, match="^no AWS keys"):
        lds.read_exports_dask(tmp_path, shards_a_task=1)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_file_without_an_id_does_not_make_each_process_hold_all_files(tmp_path):
    corners = {"xmin": 1, "ymin": 1, "xmax": 2, "ymax": 2}
    box = {"question_id": "q", "question_type": "BoundingBox", "answer": [{"answer": corners}]}
    (tmp_path / "shards").mkdir()
    for number in range(9):
        records = [{"file_id": f"f{number}-{place}", "latest_answer": [box]} for place in range(10)]
        if number % 4 == 1:
            records.append({"file_name": f"{number}.jpg", "latest_answer": [box]})
        (tmp_path / "shards" / f"{number}.json").write_text(json.dumps(records))
    ddf = lds.read_exports_dask(tmp_path / "shards", folder=tmp_path / "staged", shards_a_task=1)
    paths = [*(tmp_path / "staged").rglob("*.plan")]
    plans = [made.plan for made in load(SharedFolder(paths[0].parent), [path.name for path in paths])]
    assert max(plan.files.num_rows for plan in plans) <= 11
    same(ddf, lds.read_export(tmp_path / "shards").annotations)


def test_an_out_that_the_workers_have_to_themselves_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("labellerr_ds.distributed.shared_folder.PATIENCE_S", 0.1)
    monkeypatch.setattr(
        "labellerr_ds.distributed.exports.convert", lambda *_, **__: Converted("elsewhere", Counter(), [])
    )
    (tmp_path / "shards").mkdir()
    written_to(tmp_path / "shards", 2)
    with pytest.raises(lds.InvalidArgumentError, match="workers do not see .* out must be"):
        convert_exports(tmp_path / "shards", tmp_path / "yolo", "yolo")


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_damaged_shard_is_named(shards, tmp_path):
    home, _ = shards
    for path in sorted((home / "json").iterdir())[:6]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "003.json").write_text('[{"file_id": "f"')
    with pytest.raises(lds.ReadError, match=r"1 of 6 shards could not be read: .*003.json[\s\S]*on_error=\"collect\""):
        lds.read_exports_dask(tmp_path, folder=tmp_path / ".staged")
    assert not [*(tmp_path / ".staged").iterdir()]
    ddf = lds.read_exports_dask(tmp_path, "files", on_error="collect")
    assert len(ddf.attrs["labellerr"]["failed"]) == 1
    assert len(ddf) > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("nowhere",), "nothing exists at 'nowhere'"),
        (("nowhere/*.json",), "Hint: pass the folder or glob"),
        (([],), "urls must be a path .* got an empty list"),
        ((".", "files", "tcp://scheduler:8786"), "client must be a dask.distributed.Client, got builtins.str"),
        (
            (".", "files", lds.Client("k", "s", "c")),
            "client must be a dask.distributed.Client, got labellerr_ds.Client",
        ),
        ((".", "issues"), "table must be 'annotations' or 'files'"),
    ],
)
def test_a_wrong_call_says_what_is_expected(call, message):
    with pytest.raises(lds.LabellerrError, match=message):
        lds.read_exports_dask(*call)
