"""Native json beyond what is well: odd rows are kept, counted and told."""

from __future__ import annotations

import json
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import examples

import labellerr_ds as lds


def read(tmp_path, *files, **more):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(list(files)))
    return lds.read_export(path, **more)


def file(answers=(), **more):
    return {"file_id": "f1", "file_name": "a.jpg", "latest_answer": list(answers), **more}


def question(kind, answer, **more):
    return {"question_id": "q1", "question_name": "thing", "question_type": kind, "answer": answer, **more}


def test_keys_that_nobody_knows_go_to_extra_with_one_warning_that_counts(tmp_path):
    box = {"answer": {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1}, "score": 0.5}
    with pytest.warns(lds.LabellerrWarning, match=r"4 values under unknown keys.*'camera' \(2\)") as warned:
        dataset = read(
            tmp_path,
            file([question("BoundingBox", [box], required=True)], camera={"lens": [1, 2]}),
            {"file_id": "f2", "camera": None, "latest_answer": []},
        )
    assert len(warned) == 1
    assert json.loads(dataset.files["extra"][0]) == {"camera": {"lens": [1, 2]}}
    assert json.loads(dataset.files["extra"][1]) == {"camera": None}
    assert json.loads(dataset.annotations["extra"][0]) == {"required": True, "score": 0.5}


def test_keys_that_are_known_go_to_extra_in_silence_where_they_hold_something(tmp_path):
    metadata = {"image_width": 4, "additional_metadata": {"gps": 1}}
    dataset = read(
        tmp_path, file(file_metadata=metadata, activities=[{"updated_at": 1758605248989}]), file(file_id="f2")
    )
    told = json.loads(dataset.files["extra"][0])
    assert told == {
        "activities": [{"updated_at": 1758605248989}],
        "file_metadata": {"additional_metadata": {"gps": 1}},
    }
    assert dataset.files["updated_at"][0] == pd.Timestamp(1758605248989, unit="ms", tz="UTC")
    assert dataset.files["extra"].isna()[1]


@pytest.mark.parametrize(
    ("kind", "answer", "code"),
    [
        ("BoundingBox", [{"answer": {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1, "rotation": "x"}}], "not_a_number"),
        ("BoundingBox", [{"answer": {"xmin": 5, "ymin": 0, "xmax": 1, "ymax": 1}}], "swapped_corners"),
        ("stt", {"segments": [{"start": "soon"}]}, "not_a_number"),
        ("hologram", "blue", "unknown_question_type"),
    ],
)
def test_a_row_that_cannot_be_understood_is_kept_and_told(tmp_path, kind, answer, code):
    with pytest.warns(lds.LabellerrWarning, match=code):
        dataset = read(tmp_path, file([question(kind, answer)]))
    assert len(dataset.annotations) == 1
    assert dataset.issues["code"].tolist() == [code]
    if code not in ("swapped_corners", "unknown_question_type"):
        kept = json.loads(dataset.annotations["extra"][0])["answer"]
        assert json.dumps(kept) in json.dumps(answer)
    with pytest.raises(lds.ReadError, match=code):
        read(tmp_path, file([question(kind, answer)]), strict=True)


BOX = {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1}
RING = [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 1, "y": 1}]


@pytest.mark.parametrize(
    ("kind", "item", "code"),
    [
        ("BoundingBox", {"answer": {"xmin": 1}}, "bad_segmentation"),
        ("BoundingBox", {"answer": {**BOX, "z": 9}}, "bad_segmentation"),
        ("BoundingBox", {"answer": {**BOX, "xmin": "wide"}}, "bad_segmentation"),
        ("BoundingBox", {"answer": {**BOX, "ymax": None}}, "bad_segmentation"),
        ("BoundingBox", {"Answer": BOX}, "bad_segmentation"),
        ("BoundingBox", {"answer_id": "a"}, "bad_segmentation"),
        ("BoundingBox", {"answer_id": "a", "frames": {}}, "bad_segmentation"),
        ("BoundingBox", {"answer_id": "a", "frames": {"0": {"frame": 0, "Answer": BOX}}}, "bad_segmentation"),
        ("BoundingBox", "here", "bad_segmentation"),
        ("polygon", {"answer": [{"x": 1}]}, "bad_segmentation"),
        ("polygon", {"answer": [{"x": "a", "y": 1}]}, "bad_segmentation"),
        ("polygon", {"answer": RING[:2]}, "bad_segmentation"),
        ("polygon", {"answer": [{**point, "z": 1} for point in RING]}, "bad_segmentation"),
        ("polyline", {"answer": [[{"x": 1, "y": 1}], [{"x": 2, "y": 2}]]}, "bad_segmentation"),
        ("dot", {"answer": 3}, "bad_segmentation"),
        ("dot", {"answer": {"x": 1, "y": 1, "width": 2, "height": 2}}, "bad_segmentation"),
        ("radio", {"Answer": "red"}, "unparsed_answer"),
        ("select", {"answer": None, "values": ["a"]}, "unparsed_answer"),
        ("stt", 3, "unparsed_answer"),
        ("stt", {"Text": "hello"}, "unparsed_answer"),
        ("stt", {"answer": "", "spoken": "hello"}, "unparsed_answer"),
    ],
)
def test_what_has_neither_a_shape_nor_a_value_gets_no_row_and_is_kept_on_its_file(tmp_path, kind, item, code):
    asked = question(kind, [item])
    with pytest.warns(lds.LabellerrWarning, match=code):
        dataset = read(tmp_path, file([asked], file_status="accepted"))
    assert dataset.annotations.empty
    assert json.loads(dataset.files["extra"][0]) == {"latest_answer": [asked]}
    assert dataset.files["label_state"].isna().all()
    assert dataset.issues[["code", "table", "id", "position"]].values.tolist() == [[code, "files", "f1", 0]]
    with pytest.raises(lds.ReadError, match=code):
        read(tmp_path, file([asked]), strict=True)


@pytest.mark.parametrize(
    "answers", [[], {}, [question("polygon", [])], [question("radio", None), question("stt", {"text": ""})]]
)
def test_a_file_whose_answers_are_all_unanswered_is_empty(tmp_path, answers):
    dataset = read(tmp_path, file(file_status="accepted") | {"latest_answer": answers})
    assert dataset.files["label_state"].tolist() == ["negative"]
    assert dataset.issues.empty


@pytest.mark.filterwarnings("ignore:.*values under unknown keys")
@pytest.mark.parametrize("key", ["answers", "latestAnswer", "annotations", None])
@pytest.mark.parametrize("labels", [[question("BoundingBox", [{"answer": BOX}])], []])
def test_a_file_whose_list_is_not_under_its_key_is_not_empty(tmp_path, key, labels):
    found = file(file_id="f2", file_status="accepted")
    lost = {name: value for name, value in file(file_status="accepted").items() if name != "latest_answer"}
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = read(tmp_path, lost if key is None else lost | {key: labels}, found)
    assert dataset.files["label_state"].astype(object).where(dataset.files["label_state"].notna(), None).tolist() == [
        None, "negative",
    ]  # fmt: skip
    assert dataset.issues[["code", "table", "id"]].values.tolist() == [["unparsed_answer", "files", "f1"]]
    with pytest.warns(lds.LabellerrWarning, match="no file of 1 has a list"):
        assert read(tmp_path, lost).issues["table"].tolist() == ["export"]


def test_corners_the_wrong_way_round_are_put_right(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="swapped_corners"):
        row = read(
            tmp_path, file([question("BoundingBox", {"xmin": 9, "ymin": 8, "xmax": 1, "ymax": 2})])
        ).annotations.iloc[0]
    assert row[["bbox_x", "bbox_y", "bbox_width", "bbox_height", "area"]].tolist() == [1, 2, 8, 6, 48]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ([{"answer": {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1}}], "bbox"),
        ([{"answer": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 1, "y": 1}]}], "polygon"),
        ([{"answer": {"x": 0, "y": 0}}], "point"),
        ({"text": "hello"}, "text"),
        ("blue", "text"),
        ({"hue": 3}, "text"),
    ],
)
def test_a_type_that_nobody_knows_is_read_by_what_its_answer_looks_like(tmp_path, answer, kind):
    with pytest.warns(lds.LabellerrWarning, match="unknown_question_type"):
        dataset = read(tmp_path, file([question("hologram", answer)]))
    assert dataset.annotations["type"].tolist() == [kind]


def test_an_entry_that_is_no_file_and_answers_that_are_none_are_kept(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match=r"unparsed_answer \(3\), bad_row \(1\)"):
        dataset = read(tmp_path, 3, file(["odd", {"answer": 1}]), file(file_id="f2") | {"latest_answer": "none yet"})
    assert len(dataset) == 3
    extras = [json.loads(extra) for extra in dataset.files["extra"]]
    assert extras == [{"entry": 3}, {"latest_answer": ["odd", {"answer": 1}]}, {"latest_answer": "none yet"}]


def test_records_that_are_equal_are_one(tmp_path):
    answers = [question("input", [{"answer_id": "a", "answer": "x"}])]
    dataset = read(tmp_path, file(answers), file(answers))
    assert dataset.files["annotation_count"].tolist() == [1]
    assert dataset.annotations["annotation_id"].tolist() == ["a"]
    assert dataset.issues.empty


def test_records_of_one_id_that_differ_stay_and_are_reported(tmp_path):
    answers = [question("input", [{"answer_id": "a", "answer": word}]) for word in "xy"]
    with pytest.warns(lds.LabellerrWarning, match="duplicate_file_id"):
        dataset = read(tmp_path, file(answers[:1]), file(answers[1:], file_status="accepted"))
    assert dataset.files["file_id"].tolist() == ["f1", "f1"]
    assert dataset.files["annotation_count"].tolist() == [2, 2]
    assert sorted(dataset.issues["code"]) == ["duplicate_annotation_id", "duplicate_file_id"]


@pytest.mark.parametrize("status", [None, "", "None", "none"])
def test_files_without_a_status_are_none(tmp_path, status):
    row = read(tmp_path, file(file_status=status)).files.iloc[0]
    assert (row["status"], row["label_state"]) == ("none", "unlabelled")


def test_no_status_at_all_is_missing(tmp_path):
    row = read(tmp_path, file()).files.iloc[0]
    assert row[["status", "label_state"]].isna().all()


def test_an_unknown_status_is_kept_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="unknown_status"):
        row = read(tmp_path, file(file_status="frozen")).files.iloc[0]
    assert row["status"] == "frozen"
    assert pd.isna(row["label_state"])


def test_several_values_under_one_id(tmp_path):
    dataset = read(tmp_path, file([question("select", ["a", "", "b"], answer_id="w")]))
    assert dataset.annotations["annotation_id"].tolist() == ["w/0", "w/1"]
    dataset = read(tmp_path, file([question("radio", ["a"], answer_id="w")]))
    assert dataset.annotations["annotation_id"].tolist() == ["w"]


def test_labels_that_look_like_nothing_stay_labels(tmp_path):
    dataset = read(tmp_path, file([question("select", ["NA", "None", "null", "nan", "007"])]))
    assert dataset.annotations["value"].tolist() == ["NA", "None", "null", "nan", "007"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["answer", "answer_id", "x", "y", "xmin", "ymin", "xmax", "ymax", "frames", "frame", "children", "text",
             "segments", "attributes", "question_id", "question_type", "zorp"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=14,
)  # fmt: skip
kinds = st.sampled_from(["BoundingBox", "polygon", "polyline", "dot", "radio", "select", "stt", "zorp", None])


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(kinds, values), max_size=4), values)
def test_nothing_breaks_the_reader_and_no_file_is_lost(tmp_path_factory, answers, metadata):
    files = [
        file([question(kind, answer)], file_id=str(place), file_metadata=metadata)
        for place, (kind, answer) in enumerate(answers)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset = read(tmp_path_factory.mktemp("any"), *files, file(file_id="last"))
    assert len(dataset) == len(answers) + 1
