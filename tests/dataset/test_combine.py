"""concat and update: several exports as one."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import labellerr_ds as lds
from labellerr_ds.frames import schema


def box(own, x=1):
    return {"answer_id": own, "answer": {"xmin": x, "ymin": 2, "xmax": x + 4, "ymax": 9}}


def file(file_id, *boxes, **more):
    answers = [{"question_id": "q", "question_name": "car", "question_type": "BoundingBox", "answer": list(boxes)}]
    return {
        "file_id": file_id,
        "file_name": f"{file_id}.jpg",
        "file_status": "accepted",
        "latest_answer": answers,
        **more,
    }


def native(tmp_path, *files, at=None, name="export"):
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(files))
    dataset = lds.read_export(path)
    return lds.Dataset(dataset.files, dataset.annotations, dataset.categories, dataset.issues, {"exported_at": at})


def coco(tmp_path, name, *, image="a.jpg", **annotation):
    made = {"id": 0, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3, 4], **annotation}
    export = {
        "images": [{"id": 0, "file_name": image, "width": 20, "height": 20}],
        "annotations": [made],
        "categories": [{"id": 0, "name": "car"}],
    }
    (tmp_path / name).write_text(json.dumps(export))
    return tmp_path / name


# --- a file in several parts


def test_a_file_in_two_shards_is_one_file_with_the_annotations_of_both(tmp_path):
    for number, boxes in enumerate([[], [box("a"), box("b")]]):
        (tmp_path / f"{number}.json").write_text(json.dumps([file("f", *boxes)]))
    dataset = lds.read_export(tmp_path, strict=True)
    assert dataset.files[["file_id", "label_state", "annotation_count"]].values.tolist() == [["f", "labelled", 2]]
    assert dataset.annotations["annotation_id"].tolist() == ["a", "b"]


def test_records_that_differ_stay_and_have_the_counts_of_the_id_as_a_whole(tmp_path):
    for number, (boxes, remarks) in enumerate([([], "blurred"), ([box("a")], "")]):
        (tmp_path / f"{number}.json").write_text(json.dumps([file("f", *boxes, remarks=remarks)]))
    with pytest.warns(lds.LabellerrWarning, match=r"duplicate_file_id \(1\)"):
        dataset = lds.read_export(tmp_path)
    assert dataset.files["label_state"].tolist() == ["labelled", "labelled"]
    assert dataset.files["annotation_count"].tolist() == [1, 1]
    with pytest.raises(lds.ReadError, match="duplicate_file_id"):
        lds.read_export(tmp_path, strict=True)


def test_made_up_ids_count_over_all_parts(tmp_path):
    parts = [native(tmp_path, file("f", box(None, x), box(None, x + 10))) for x in (1, 50)]
    both = lds.concat(parts)
    assert both.annotations["annotation_id"].tolist() == ["f/q/0", "f/q/1", "f/q/2", "f/q/3"]
    assert both.issues.empty


def test_annotations_with_an_id_of_the_service_are_one_where_they_are_equal(tmp_path):
    one, same, moved = (native(tmp_path, file("f", box("a", x))) for x in (1, 1, 7))
    assert len(lds.concat([one, same]).annotations) == 1
    with pytest.warns(lds.LabellerrWarning, match="duplicate_annotation_id"):
        both = lds.concat([one, moved])
    assert both.annotations["bbox_x"].tolist() == [1, 7]
    assert both.files["annotation_count"].tolist() == [2]


def test_an_export_of_many_shards_warns_twice_at_most(tmp_path, recwarn):
    for number in range(12):
        (tmp_path / f"{number:02}.json").write_text(json.dumps([file(f"f{number}", file_status="frozen", zorp=1)]))
    lds.read_export(tmp_path)
    assert len(recwarn) == 2


def twice(project, folder):
    """An export, and the same as two shards of one folder."""
    whole = lds.export_dataset(project, "all", progress=False, download_to=folder)
    (path,) = folder.iterdir()
    (folder / "again.json").write_bytes(path.read_bytes())
    return whole, lambda: lds.read_export(folder, categories=project.categories())


def test_an_export_that_is_there_twice_has_its_files_and_its_rows_with_an_id_once(project, tmp_path):
    whole, read = twice(project, tmp_path)
    with pytest.warns(lds.LabellerrWarning, match="repeated_answers"):
        both = read()
    assert both.files["file_id"].tolist() == whole.files["file_id"].tolist()
    assert both.annotations["annotation_id"].is_unique
    once, twice_read = (dataset.annotations["annotation_id"].str.count("/").gt(0) for dataset in (whole, both))
    assert (~once).sum() == (~twice_read).sum() > 0
    assert twice_read.sum() == 2 * once.sum() > 0


def test_a_text_without_an_id_beside_a_box_that_is_there_again_stays_and_is_reported(tmp_path):
    text = {"question_id": "t", "question_type": "input", "answer": [{"answer": "clear"}]}
    one = file("f", box("A", 1))
    one["latest_answer"].append(text)
    with pytest.warns(lds.LabellerrWarning, match="repeated_answers"):
        both = lds.concat([native(tmp_path, one), native(tmp_path, one)])
    assert both.annotations["annotation_id"].tolist() == ["A", "f/t/0", "f/t/1"]
    assert both.issues["code"].tolist() == ["repeated_answers"]


def test_equal_answers_without_any_id_of_the_service_are_kept_and_reported(client, tmp_path):
    whole, read = twice(client.project("Product reviews"), tmp_path)
    with pytest.warns(lds.LabellerrWarning, match="repeated_answers"):
        both = read()
    assert len(both.annotations) == 2 * len(whole.annotations)
    assert set(both.issues["id"]) == set(whole.annotations["file_id"])


# --- the numbers of COCO


def test_the_second_of_two_shards_that_count_from_0_keeps_its_labels(tmp_path):
    (tmp_path / "shards").mkdir()
    coco(tmp_path / "shards", "1.json", image="a.jpg")
    coco(tmp_path / "shards", "2.json", image="b.jpg", bbox=[5, 5, 2, 2])
    with pytest.warns(lds.LabellerrWarning, match=r"reused_coco_id \(2\)"):
        dataset = lds.read_export(tmp_path / "shards")
    assert dataset.files[["file_id", "file_name", "coco_id"]].values.tolist() == [
        ["0", "a.jpg", 0],
        ["0-2", "b.jpg", 0],
    ]
    assert dataset.annotations[["annotation_id", "file_name"]].values.tolist() == [["0", "a.jpg"], ["0-2", "b.jpg"]]
    assert dataset.categories["category_id"].tolist() == ["0"]
    dataset.to_yolo(tmp_path / "yolo", task="detect")
    labels = {path.stem: path.read_text() for path in (tmp_path / "yolo" / "labels" / "train").iterdir()}
    assert labels == {"a": "0 0.125000 0.200000 0.150000 0.200000\n", "b": "0 0.300000 0.300000 0.100000 0.100000\n"}


@pytest.mark.parametrize("twice", [False, True], ids=["on columns", "one by one"])
def test_a_suffix_is_none_that_an_id_of_the_service_has_already(tmp_path, twice):
    parts = [lds.read_export(coco(tmp_path, f"{name}.json", image=f"{name}.jpg")) for name in "ab"]
    parts.append(native(tmp_path, file("f", box("0-2", 1))))
    if twice:
        parts.append(native(tmp_path, file("f", box("0-2", 1), box("B", 5))))
        parts.append(native(tmp_path, file("g", box("B", 5))))
    with pytest.warns(lds.LabellerrWarning, match="reused_coco_id") as warned:
        both = lds.concat(parts)
    pairs = both.annotations[["annotation_id", "file_name"]].drop_duplicates().values.tolist()
    assert len(warned) == 1
    owners = {}
    for row_id, name in pairs:
        owners.setdefault(row_id, set()).add(name)
    assert owners["0"] == {"a.jpg"}
    assert owners["0-2"] == {"f.jpg"}
    assert owners["0-3"] == {"b.jpg"}


def test_a_number_and_a_name_in_two_shards_are_one_image(tmp_path):
    parts = [lds.read_export(coco(tmp_path, f"{own}.json", id=own)) for own in (0, 1)]
    both = lds.concat(parts)
    assert both.files["annotation_count"].tolist() == [2]
    assert both.annotations["annotation_id"].tolist() == ["0", "1"]
    assert both.issues["code"].tolist() == []


def test_a_number_that_one_file_uses_twice_is_a_duplicate_and_keeps_its_number(tmp_path):
    export = json.loads(coco(tmp_path, "export.json").read_text())
    export["images"].append({"id": 1, "file_name": "b.jpg"})
    export["annotations"].append({**export["annotations"][0], "image_id": 1})
    (tmp_path / "export.json").write_text(json.dumps(export))
    with pytest.warns(lds.LabellerrWarning, match="duplicate_annotation_id"):
        dataset = lds.read_export(tmp_path / "export.json")
    assert dataset.annotations["annotation_id"].tolist() == ["0", "0"]


def test_a_category_of_two_formats_is_one(project):
    parts = [lds.export_dataset(project, ["accepted"], format=form, progress=False) for form in ("json", "coco_json")]
    with pytest.warns(lds.LabellerrWarning):
        both = lds.concat(parts)
    assert both.categories["category_id"].is_unique
    boxes = both.categories[both.categories["question_type"] == "BoundingBox"]
    assert boxes[["color", "supercategory", "coco_id"]].notna().all(axis=None)


# --- update


def test_an_update_replaces_the_rows_of_a_file_wholly(tmp_path):
    old = native(tmp_path, file("f", box("a"), box("b")), file("g", box("c")), at="2026-11-01T00:00:00+00:00")
    new = native(tmp_path, file("f", box("b", 9)), file("h"), at="2026-11-02T00:00:00+00:00")
    for updated in (lds.update(old, new), lds.update(new, old)):  # by the time of the export
        assert updated.files["file_id"].tolist() == ["g", "f", "h"]
        assert updated.annotations[["annotation_id", "bbox_x"]].values.tolist() == [["c", 1], ["b", 9]]
        assert updated.files["annotation_count"].tolist() == [1, 1, 0]
        assert updated.info["exported_at"] == "2026-11-02T00:00:00+00:00"
        assert updated.issues.empty


def test_an_update_goes_by_the_order_where_no_time_is_known(tmp_path):
    old, new = native(tmp_path, file("f", box("a"))), native(tmp_path, file("f"))
    assert lds.update(old, new).annotations.empty
    assert len(lds.update(new, old).annotations) == 1


def test_an_update_by_an_export_that_carries_other_things_warns(project):
    old = lds.export_dataset(project, ["accepted"], progress=False)
    new = lds.export_dataset(project, ["accepted"], format="png", progress=False)
    with pytest.warns(lds.LabellerrWarning, match=r"different format \('json', 'png'\)"):
        lds.update(old, new)


@pytest.mark.parametrize("level", ["annotation", "file"])
def test_frames_of_either_level_are_updated(tmp_path, level):
    old = native(tmp_path, file("f", box("a"), box("b")), file("g", box("c"))).to_frame(level)
    new = native(tmp_path, file("f", box("d"))).to_frame(level)
    updated = lds.update(old, new)
    key = "annotation_id" if level == "annotation" else "file_id"
    assert updated[key].tolist() == (["c", "d"] if level == "annotation" else ["g", "f"])
    assert updated.dtypes.astype(str).tolist() == old.dtypes.astype(str).tolist()


def test_an_increment_of_the_sandbox_brings_an_export_up_to_date(fresh):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    first = lds.export_dataset(project, "all", progress=False)
    since = fresh.now
    fresh.advance(days=3)
    increment = lds.export_dataset(project, "all", since=since, progress=False)
    updated, whole = lds.update(first, increment), lds.export_dataset(project, "all", progress=False)
    known = updated.files["file_id"].isin(whole.files["file_id"])  # an increment does not say what was deleted
    mine = updated.where(known.to_numpy(dtype=bool))
    for name, key in (("files", "file_id"), ("annotations", "annotation_id")):
        one, other = (getattr(each, name).sort_values(key, ignore_index=True) for each in (mine, whole))
        pd.testing.assert_frame_equal(one, other, check_categorical=False)


@pytest.mark.parametrize(
    "pair", [(1, 2), (pd.DataFrame(), pd.DataFrame()), (schema.empty("files"), schema.empty("annotations"))]
)
def test_what_cannot_be_updated_is_refused(pair):
    with pytest.raises(lds.InvalidArgumentError, match="update takes"):
        lds.update(*pair)


# --- frames


def test_frames_with_columns_of_the_users_own_are_put_below_each_other(tmp_path):
    frame = native(tmp_path, file("f", box("a"))).annotations.assign(score=0.5)
    both = lds.concat([frame, frame])
    assert both["score"].tolist() == [0.5, 0.5]
    assert both["category"].cat.categories.tolist() == ["car"]


# --- parts of a dataset


def odd(tmp_path):
    swapped = {"answer_id": "s", "answer": {"xmin": 9, "ymin": 2, "xmax": 1, "ymax": 9}}
    with pytest.warns(lds.LabellerrWarning):
        return native(tmp_path, file("f", box("a")), file("g", swapped), file("h", file_status="frozen"))


def test_the_issues_of_what_is_kept_stay_at_their_new_positions(tmp_path):
    dataset = odd(tmp_path)
    part = dataset.only(["g", "h"])
    assert part.issues[["code", "position"]].values.tolist() == [["swapped_corners", 0], ["unknown_status", 1]]
    assert dataset.only("f").issues.empty


def test_a_split_keeps_the_issues_of_its_files(tmp_path):
    dataset = odd(tmp_path)
    parts = list(dataset.split(0.4, 0.3, 0.3))
    assert sum(len(part.issues) for part in parts) == len(dataset.issues) == 2


def test_files_are_taken_by_id_or_name_and_one_that_is_not_there_is_an_error(tmp_path):
    dataset = native(tmp_path, file("f", box("a")), file("g"))
    assert dataset.only("f").files["file_id"].tolist() == ["f"]
    assert dataset.only(["g.jpg"]).files["file_id"].tolist() == ["g"]
    assert len(dataset.only([])) == 0
    with pytest.raises(lds.InvalidArgumentError, match="files must be ids or names"):
        dataset.only(None)
    with pytest.raises(lds.InvalidArgumentError, match=r"unknown file 'f\.jpeg'\.\nHint: did you mean 'f\.jpg'\?"):
        dataset.only(["f.jpeg"])
