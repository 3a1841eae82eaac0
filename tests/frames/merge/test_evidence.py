"""What is known about files without annotations, over several records, parts and datasets."""

from __future__ import annotations

import json
import warnings
import zipfile

import pytest

import labellerr_ds as lds

pytestmark = pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
BOX = {"xmin": 1, "ymin": 1, "xmax": 5, "ymax": 5}


def question(kind, answer):
    return {"question_id": "q", "question_name": "thing", "question_type": kind, "answer": answer}


GOOD = question("BoundingBox", [{"answer_id": "a", "answer": BOX}])
BAD = question("BoundingBox", [{"answer_id": "a", "answer": {**BOX, "z": 1}}])


def file(file_id, labels, status="accepted", **more):
    lists = {} if labels is None else {"latest_answer": labels}
    size = {"image_width": 9, "image_height": 9}
    about = {"file_id": file_id, "file_name": f"{file_id}.jpg", "file_status": status, "file_metadata": size}
    return {**about, **lists, **more}


def read(tmp_path, *parts):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, part in enumerate(parts):
            archive.writestr(f"{number}.json", json.dumps(part))
    return lds.read_export(path, progress=False)


def states(dataset):
    column = dataset.files["label_state"]
    pairs = zip(dataset.files["file_id"], column.astype(object).where(column.notna(), None), strict=True)
    return list(pairs)


@pytest.mark.parametrize(
    "parts",
    [
        [[file("f1", [])], [file("f1", None, answers=[GOOD])], [file("f2", [GOOD])]],
        [[file("f1", [BAD], "review"), file("f1", []), file("f2", [GOOD])]],
        [[file("f1", [])], [file("f1", [BAD])], [file("f2", [GOOD])]],
        [[file("f1", [], remarks="x")], [file("f1", [BAD])], [file("f2", [GOOD])]],
    ],
)
def test_a_file_is_empty_only_if_every_record_of_it_is(tmp_path, parts):
    dataset = read(tmp_path, *parts)
    assert [state for file_id, state in states(dataset) if file_id == "f1"] == [None] * (len(dataset) - 1)
    written = dataset.to_yolo(tmp_path / "yolo")
    assert [path.stem for path in (written.folder / "labels" / "train").iterdir()] == ["f2"]


def test_datasets_put_together_keep_what_is_not_known(tmp_path):
    bad, empty = (read(tmp_path, [file("f1", answers)]) for answers in ([BAD], []))
    assert {state for _, state in states(lds.concat([bad, empty]))} == {None}
    assert {state for _, state in states(lds.concat([empty, bad]))} == {None}
    assert states(lds.update(empty, bad)) == [("f1", None)]
    assert states(lds.update(bad, empty)) == [("f1", "negative")]
    frames = lds.concat([bad.files, empty.files])
    assert frames["label_state"].isna().all()
    again = lds.concat([bad, read(tmp_path, [file("f2", [])])])
    assert states(again) == [("f1", None), ("f2", "negative")]
    assert len(again.issues) == len(bad.issues)  # it is said once


@pytest.mark.parametrize(
    "answer",
    [
        question("radio", [{"answer": "", "frames": {"0": {"frame": 0, "answer": "yes"}}}]),
        question("radio", [{"answer": "", "answer_id": "A", "attributes": {"color": "red"}}]),
        question("select", [{"answer": [], "attributes": ["x"]}]),
        question("stt", [{"answer": "", "frames": {"0": {"frame": 0, "answer": "yes"}}}]),
        question("stt", [{"answer": {"text": "", "segments": []}, "attributes": {"color": "red"}}]),
    ],
)
def test_what_stands_next_to_an_empty_answer_is_kept(tmp_path, answer):
    dataset = read(tmp_path, [file("f1", [answer])])
    assert states(dataset) == [("f1", None)]
    assert json.loads(dataset.files["extra"][0])["latest_answer"] == [answer]
    assert len(dataset.issues)


def test_a_shape_next_to_the_frames_of_a_track_is_kept(tmp_path):
    item = {"answer_id": "a", "answer": BOX, "frames": {"0": {"frame": 0, "answer": BOX}}}
    dataset = read(tmp_path, [file("f1", [question("BoundingBox", [item])])])
    assert dataset.annotations["annotation_id"].tolist() == ["a@0"]
    assert json.loads(dataset.annotations["extra"][0])["answer"] == BOX
    assert dataset.issues["code"].tolist() == ["unparsed_answer"]


# --- the archive form of COCO


def image(number, name, **more):
    return {"id": number, "width": 9, "height": 9, "file_name": f"{name}.jpg", "labellerr_file_status": "accepted",
            "labellerr_file_id": name, **more}  # fmt: skip


def coco(images, annotations):
    return {"images": images, "annotations": annotations, "categories": [{"id": 0, "name": "car"}]}


def annotation(number, image_id, **more):
    return {"id": number, "image_id": image_id, "category_id": 0, **more}


def unread(dataset):
    extras = dataset.files.set_index("file_id")["extra"].dropna()
    kept = {name: [item["id"] for item in json.loads(text)["unread"]] for name, text in extras.items()}
    return kept, [item["id"] for item in dataset.info.get("unread", [])]


BOXED = {"bbox": [1, 1, 2, 2]}
EXPORTS = {
    "unread annotations of shards": [
        coco([image(0, "a0"), image(1, "a1")], []),
        coco([image(0, "b0"), image(1, "b1")], [annotation(7, 1)]),
    ],
    "unread annotations of no file": [
        coco([image(0, "a0")], [annotation(5, 3)]),
        coco([image(0, "b0")], []),
    ],
    "ids that are texts": [
        coco([image("a", "a0"), image("b", "b0")], [annotation(1, "a"), annotation(2, "b", **BOXED)])
    ],
    "a shared number": [coco([image(0, "a"), image(0, "b"), image(1, "c")], [annotation(0, 0, **BOXED)])],
    "links that lead nowhere": [
        coco([image(0, "a0"), image(1, "a1")], [annotation(1, 3, **BOXED)]),
        coco([image(0, "b0"), image(1, "b1")], []),
    ],
}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_archive_reads_back_with_the_same_states_and_unread_annotations(tmp_path, name):
    dataset = read(tmp_path, *EXPORTS[name])
    back = lds.read_export(dataset.to_coco_json(tmp_path / "back.json", archive=True))
    assert states(back) == states(dataset)
    assert unread(back) == unread(dataset)
    assert len(back.annotations) == len(dataset.annotations)
    assert back.annotations["file_id"].isna().tolist() == dataset.annotations["file_id"].isna().tolist()


def test_a_key_of_the_file_itself_is_no_annotation(tmp_path):
    native = read(tmp_path, [file("f1", [], unread=[{"x": 1}]), file("f2", [])])
    back = lds.read_export(native.to_coco_json(tmp_path / "back.json", archive=True))
    assert states(back) == states(native) == [("f1", "negative"), ("f2", "negative")]
    assert json.loads(back.files["extra"][0])["unread"] == [{"x": 1}]


# --- a table with one row per answer


def test_cells_of_all_rows_of_a_file_are_kept(tmp_path):
    rows = ["file_id,file_status,question_id,answer,tags", "f1,accepted,,,", "f1,review,,,zz", "f2,accepted,,,"]
    (tmp_path / "in.csv").write_text("\n".join(rows))
    dataset = lds.read_export(tmp_path / "in.csv", "csv")
    assert json.loads(dataset.files["extra"][0]) == {"tags": ["", "zz"]}
    assert states(dataset) == [("f1", None), ("f2", "negative")]
    assert set(dataset.issues["code"]) == {"unparsed_answer", "duplicate_file_id"}
    assert dataset.issues["id"].tolist() == ["f1", "f1"]


def test_no_reader_can_leave_out_the_state_of_its_lists():
    from labellerr_ds.frames.merge import plan_merge
    from labellerr_ds.frames.tables import Tables, empty, table

    files = table("files", {"file_id": ["f1"]}, 1)
    with pytest.raises(ValueError, match="list_state"):
        plan_merge([Tables(files, empty("annotations"), empty("categories"), empty("issues"))])


def test_an_object_under_an_unknown_element_is_no_negative(tmp_path):
    for name, inner in (("a", "<Object><name>car</name></Object>"), ("b", "<source><database>x</database></source>")):
        (tmp_path / f"{name}.xml").write_text(f"<annotation><filename>{name}.jpg</filename>{inner}</annotation>")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = lds.read_voc(tmp_path)
    assert states(dataset) == [("a", None), ("b", "negative")]
