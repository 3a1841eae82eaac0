"""Exports that once lost something, or put it on the wrong object."""

from __future__ import annotations

import json
import zipfile

import pandas as pd
import pytest

import labellerr_ds as lds
from labellerr_ds.frames import schema

BOX = {"xmin": 1, "ymin": 2, "xmax": 5, "ymax": 9}


def read(tmp_path, told, **more):
    path = tmp_path / "export"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return lds.read_export(path, **more)


def native(kind, answer, **more):
    question = {"question_id": "q", "question_name": "thing", "question_type": kind, "answer": answer, **more}
    return [{"file_id": "f", "latest_answer": [question]}]


def coco(**annotation):
    images = [{"id": 0, "file_name": "a.jpg", "labellerr_file_id": "a"}]
    told = {"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3, 4], "area": 12, **annotation}
    return {"images": images, "annotations": [told], "categories": [{"id": 0, "name": "car"}]}


@pytest.mark.parametrize("second", [b"", b"<Error>x</Error>"])
def test_an_unreadable_shard_is_an_error(tmp_path, second):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.json", '[{"file_id": "f"}]')
        archive.writestr("2.json", second)
    with pytest.raises(lds.ReadError, match=r"2\.json in it is empty or damaged"):
        lds.read_export(tmp_path / "a.zip")


def test_a_key_named_like_one_of_ours_stays_where_it_came(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="'extra'"):
        dataset = read(tmp_path, coco(extra={"id": 44, "bbox": [9, 9, 9, 9]}))
    assert json.loads(dataset.annotations["extra"][0]) == {"extra": {"id": 44, "bbox": [9, 9, 9, 9]}}
    written = json.loads(dataset.to_coco_json(tmp_path / "w.json", archive=True).read_text())["annotations"][0]
    assert (written["id"], written["bbox"]) == (1, [1, 2, 3, 4])


def test_two_images_of_one_id_are_told(tmp_path):
    told = coco()
    told["images"].append({"id": 0, "file_name": "b.jpg", "labellerr_file_id": "b"})
    with pytest.warns(lds.LabellerrWarning, match="duplicate_file_id"):
        read(tmp_path, told)


def test_coco_of_two_shards_keeps_their_images_apart(tmp_path):
    parts = []
    for name in ("a", "b"):
        told = coco()
        told["images"][0].update(labellerr_file_id=name, file_name=f"{name}.jpg")
        told["categories"][0].update(name=name, labellerr_question_id=f"q-{name}")
        told["annotations"][0]["labellerr_answer_id"] = f"answer-{name}"
        parts.append(read(tmp_path, told))
    made = lds.concat(parts).to_coco()
    assert [made.imgs[each["image_id"]]["file_name"] for each in made.anns.values()] == ["a.jpg", "b.jpg"]
    assert [made.cats[each["category_id"]]["name"] for each in made.anns.values()] == ["a", "b"]


@pytest.mark.filterwarnings("ignore:.*question 'c' has no type")
@pytest.mark.parametrize("children", [{"c": "yes"}, {"question_id": "c", "question_type": "radio", "answer": "yes"}])
def test_children_in_any_form_are_rows(tmp_path, children):
    frame = read(tmp_path, native("BoundingBox", [{"answer_id": "a", "answer": BOX, "children": children}])).annotations
    assert frame["value"].tolist()[1:] == ["yes"]
    assert frame["parent_id"].tolist()[1:] == ["a"]


def test_a_list_of_dots_is_several_dots(tmp_path):
    frame = read(tmp_path, native("dot", [{"x": 1, "y": 2}, {"x": 3, "y": 4}])).annotations
    assert frame["segmentation"].tolist() == [[1, 2], [3, 4]]


def test_frames_that_are_null_do_not_hide_the_shape(tmp_path):
    frame = read(tmp_path, native("BoundingBox", [{"answer": BOX, "frames": None}])).annotations
    assert frame["bbox_width"].tolist() == [4]


def test_a_frame_without_a_number_has_that_of_its_key(tmp_path):
    frames = {"30": {"frame": None, "answer": BOX}, "60": {"frame": None, "answer": BOX}}
    assert read(tmp_path, native("BoundingBox", [{"frames": frames}])).annotations["frame"].tolist() == [30, 60]


@pytest.mark.parametrize("told", ["{}", '{"info": {"error": "x"}}'])
def test_an_object_without_a_list_of_coco_is_no_empty_dataset(tmp_path, told):
    with pytest.raises(lds.ReadError, match="is not a coco_json export"):
        read(tmp_path, told)


def test_a_list_that_is_null_was_not_found(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="no file of 1 has a list of labels"):
        dataset = read(tmp_path, coco() | {"annotations": None})
    assert dataset.files["label_state"].isna().all()


def test_iso_times_are_exact_and_those_beyond_nanoseconds_are_told(tmp_path):
    stamp = pd.Timestamp(1075161068353, unit="ms", tz="UTC")
    assert (
        read(tmp_path, [{"file_id": "f", "created_at": stamp.isoformat(), "latest_answer": []}]).files["created_at"][0]
        == stamp
    )
    with pytest.warns(lds.LabellerrWarning, match="not_a_number"):
        read(tmp_path, [{"file_id": "f", "created_at": "9999-12-31T00:00:00Z", "latest_answer": []}])


def test_a_long_cell_in_the_last_row_is_read(tmp_path):
    assert read(tmp_path, "file_id,remarks\nf," + "x" * 200_000 + "\n").files["remarks"].str.len().tolist() == [200_000]


def test_categories_with_the_least_columns_will_do(tmp_path):
    least = pd.DataFrame({"category_id": ["q"], "name": ["thing"], "color": [None]})
    dataset = read(tmp_path, "file_id,thing\nf,x\n", categories=least)
    assert dataset.categories.columns.tolist() == schema.empty("categories").columns.tolist()


WRITERS = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".json": lambda frame, path: frame.to_json(path, orient="records", date_format="iso"),
    ".parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.mark.parametrize("level", ["annotation", "file"])
@pytest.mark.parametrize("ending", WRITERS)
def test_a_table_that_was_written_from_a_frame_is_no_export(project, tmp_path, ending, level):
    frame = lds.export_to_dataframe(project, ["accepted"], level=level, progress=False)
    WRITERS[ending](frame.labellerr.plain() if level == "annotation" else frame, tmp_path / f"labels{ending}")
    with pytest.raises(lds.ReadError, match="is a table of rows.*not an export"):
        lds.read_export(tmp_path / f"labels{ending}")


def test_what_is_asked_about_an_answer_in_speech_and_its_attributes_are_kept(tmp_path):
    child = {"question_id": "q-mood", "question_name": "mood", "question_type": "radio", "answer": "happy"}
    segments = [
        {"start": 0, "end": 1, "text": "hel", "attributes": {"tone": "low"}},
        {"start": 1, "end": 2, "text": "lo"},
    ]
    spoken = {
        "answer_id": "a1", "answer": {"text": "hello", "segments": segments}, "children": [child],
        "attributes": {"language": "en"},
    }  # fmt: skip
    rows = read(tmp_path, native("stt", [spoken, {"answer": "no id"}])).annotations.set_index("annotation_id")
    assert rows["value"].tolist() == ["hello", "happy", "hel", "lo", "no id"]
    assert rows.index.tolist() == ["a1/0", "a1/0/q-mood/0", "a1/1", "a1/2", "f/q/3"]
    assert rows["attributes"].isna().tolist() == [False, True, False, False, True]
    assert json.loads(rows["attributes"]["a1/1"]) == {"tone": "low"}
    assert json.loads(rows["attributes"]["a1/2"]) == {"language": "en"}
    assert rows["parent_id"].dropna().to_dict() == {"a1/0/q-mood/0": "a1/0"}
