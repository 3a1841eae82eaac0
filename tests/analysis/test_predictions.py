"""Predictions beside labels: their counts, COCO's figures, and the label errors that they point at."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pycocotools.cocoeval import COCOeval

import labellerr_ds as lds

SIDES = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]


def box(own, x, y=10, side=20):
    return {"answer_id": own, "answer": {"xmin": x, "ymin": y, "xmax": x + side, "ymax": y + side}}


def dataset_of(tmp_path, **classes):
    """A file ``f`` of 200 x 100 with boxes by their class."""
    answers = [
        {"question_id": name, "question_name": name, "question_type": "BoundingBox", "answer": boxes}
        for name, boxes in classes.items()
    ]
    record = {
        "file_id": "f", "file_name": "f.jpg", "file_status": "accepted", "latest_answer": answers,
        "file_metadata": {"image_width": 200, "image_height": 100},
    }  # fmt: skip
    (tmp_path / "export.json").write_text(json.dumps([record]))
    return lds.read_export(tmp_path / "export.json")


def predicted(*rows):
    """Predictions of the file ``f``: class, score, x."""
    return pd.DataFrame(
        [
            {"file_id": "f", "category": name, "score": score, **dict(zip(SIDES, (x, 10, 20, 20), strict=True))}
            for name, score, x in rows
        ]
    )


@pytest.fixture(scope="module")
def flawed(serve):
    """The sandbox's project with wrong labels, and what is wrong with it."""
    sandbox = serve(files=300)
    project = lds.Client.sandbox(sandbox).project("Street scenes with errors")
    dataset = lds.export_dataset(project, "all", progress=False)
    return dataset.with_predictions(sandbox.predictions()), sandbox.planted()


# --- into the dataset


def test_a_frame_is_known_by_ids_or_by_names(tmp_path):
    dataset = dataset_of(tmp_path, car=[box("a", 0)])
    by_id = dataset.with_predictions(predicted(("car", 0.9, 1))).predictions
    named = predicted(("car", 0.9, 1)).drop(columns="file_id").assign(file_name="f.jpg")
    by_name = dataset.with_predictions(named).predictions
    pd.testing.assert_frame_equal(by_id, by_name)
    assert by_id[["file_name", "status", "category", "type", "score", *SIDES, "area"]].values.tolist() == [
        ["f.jpg", "accepted", "car", "bbox", 0.9, 1, 10, 20, 20, 400]
    ]
    assert by_id[["image_width", "image_height"]].values.tolist() == [[200, 100]]


@pytest.mark.parametrize("form", ["bytes", "text", "polygon", "bbox"])
def test_coco_results_have_the_numbers_of_the_coco_object(tmp_path, form):
    from pycocotools import mask

    dataset = dataset_of(tmp_path, car=[box("a", 0)])
    coco = dataset.to_coco()
    pixels = np.zeros((100, 200), dtype=np.uint8, order="F")
    pixels[10:30, 5:25] = 1
    rle = mask.encode(pixels)
    shapes = {
        "bytes": {"segmentation": rle},
        "text": {"segmentation": {**rle, "counts": rle["counts"].decode()}},
        "polygon": {"segmentation": [[5, 10, 25, 10, 25, 30, 5, 30]]},
        "bbox": {"bbox": [5, 10, 20, 20]},
    }
    numbers = {"image_id": coco.getImgIds()[0], "category_id": coco.getCatIds()[0], "score": 0.5}
    seen = dataset.with_predictions([{**numbers, **shapes[form]}]).predictions
    assert seen[[*SIDES, "area"]].values.tolist() == [[5, 10, 20, 20, 400]]
    assert seen["type"].tolist() == [{"bytes": "mask", "text": "mask"}.get(form, form)]


def test_results_of_a_trainer_have_the_numbers_of_the_file_that_it_read(tmp_path):
    dataset = dataset_of(tmp_path, lane=[], car=[box("a", 0)])
    path = dataset.to_coco_json(tmp_path / "labels.json")
    told = json.loads(path.read_text())
    numbers = {"image_id": told["images"][0]["id"], "category_id": told["categories"][-1]["id"]}
    (tmp_path / "results.json").write_text(json.dumps([{**numbers, "score": 0.5, "bbox": [1, 2, 3, 4]}]))
    seen = dataset.with_predictions(tmp_path / "results.json", coco=path).predictions
    assert seen[["file_id", "category"]].values.tolist() == [["f", told["categories"][-1]["name"]]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "must be a DataFrame, COCO results"),
        (pd.DataFrame({"score": [1.0]}), "need a column file_id or file_name"),
        (predicted(("car", 0.9, 1)).drop(columns="score"), "need the columns score"),
        (predicted(("car", 0.9, 1)).drop(columns=SIDES), "need the columns bbox_x"),
        (predicted(("car", 0.9, 1)).assign(file_id="g"), "1 predictions are of files that are not there: 'g'"),
        (predicted(("car", 1.9, 1)), "score must be a number from 0 to 1"),
        ([{"image_id": 77, "category_id": 1, "score": 1, "bbox": [1, 2, 3, 4]}], "image_id 77, which the COCO object"),
        ([{"image_id": 1, "category_id": 77, "score": 1, "bbox": [1, 2, 3, 4]}], "category_id 77"),
        ([{"image_id": 1, "category_id": 1, "score": 1}], "needs a bbox or a segmentation"),
        ([{"image_id": 1, "category_id": 1, "score": 1, "segmentation": [[1, 2, None]]}], "does not hold together"),
        (
            [{"image_id": 1, "category_id": 1, "score": 1, "segmentation": {"size": [9, 9], "counts": "x"}}],
            "does not hold",
        ),
    ],
)
def test_what_is_no_prediction_says_what_is_expected(tmp_path, given, message):
    with pytest.raises(lds.InvalidArgumentError, match=message):
        dataset_of(tmp_path, car=[box("a", 0)]).with_predictions(given)


def test_predictions_stay_with_their_files_and_classes(flawed):
    dataset, _ = flawed
    one = dataset.files["file_id"].iloc[0]
    assert set(dataset.only(one).predictions["file_id"]) <= {one}
    small = dataset.remap({"car": "vehicle", "road": None}).predictions
    assert {"vehicle"} <= set(small["category"]) <= {"vehicle", "pedestrian", "building"}


# --- counted


def test_matches_false_positives_and_misses_are_counted_by_class(tmp_path):
    dataset = dataset_of(tmp_path, car=[box("a", 0), box("b", 100)], bus=[box("c", 150)])
    seen = dataset.with_predictions(predicted(("car", 0.9, 1), ("car", 0.8, 60), ("car", 0.7, 150)))
    table = lds.compare(seen).figures.set_index("category")
    counted = table[["labels", "predictions", "matches", "false_positives", "misses"]]
    assert counted.loc["car"].tolist() == [2, 3, 1, 2, 1]
    assert counted.loc["bus"].tolist() == [1, 0, 0, 0, 1]
    assert counted.loc["(all)"].tolist() == [3, 3, 1, 2, 2]
    assert table.loc["car", ["precision", "recall"]].tolist() == [1 / 3, 1 / 2]


def test_the_figures_are_those_of_cocoeval(flawed):
    dataset, _ = flawed
    figures = lds.compare(dataset).figures.set_index("category")
    boxes = dataset.annotations[dataset.annotations["type"].isin(["bbox", "polygon"])]
    truth = lds.Dataset(dataset.files, boxes, dataset.categories, dataset.issues, dataset.info).to_coco(negatives="all")
    by_file = {image["labellerr_file_id"]: number for number, image in truth.imgs.items()}
    by_name = {category["name"]: number for number, category in truth.cats.items()}
    results = [
        {"image_id": by_file[row.file_id], "category_id": by_name[row.category], "score": row.score,
         "bbox": [getattr(row, side) for side in SIDES]}
        for row in dataset.predictions.itertuples()
    ]  # fmt: skip
    evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    np.testing.assert_allclose(figures.loc["(all)", ["ap", "ap50"]].astype(float), evaluation.stats[:2], atol=1e-9)


def test_a_perfect_detector_has_an_ap_of_1(flawed):
    dataset, _ = flawed
    shapes = dataset.annotations[dataset.annotations["type"].isin(["bbox", "polygon"])]
    figures = lds.compare(dataset.annotations, shapes.assign(score=0.9)).figures
    assert figures["ap"].round(6).tolist() == [1.0] * len(figures)


def test_answers_points_and_lines_are_no_misses(flawed):
    dataset, _ = flawed
    told = lds.compare(dataset).annotations
    rows = dataset.annotations.iloc[told["row_a"].dropna().astype(int)]
    assert set(rows["type"]) == {"bbox", "polygon"}


def test_sides_that_share_names_alone_are_matched_by_them(tmp_path):
    dataset = dataset_of(tmp_path, car=[box("a", 0)])
    other = dataset.annotations.assign(file_id="train/f")
    with pytest.warns(lds.LabellerrWarning, match="1 files were matched by their names"):
        found = lds.compare(dataset.annotations, other)
    assert found.annotations["change"].tolist() == ["same"]


# --- what they say about labels


def problems(dataset, predictions):
    seen = dataset.with_predictions(predictions)
    found = dataset.annotations.labellerr.check(predictions=seen.predictions)
    return found[found["likelihood"].notna()]


@pytest.mark.parametrize(
    ("rows", "problem", "about"),
    [
        ((("car", 0.9, 0), ("car", 0.9, 100), ("car", 0.9, 160)), "missing_label", None),
        ((("car", 0.9, 0), ("bus", 0.9, 100)), "other_class", "b"),
        ((("car", 0.9, 0), ("car", 0.9, 112)), "misplaced", "b"),
        ((("car", 0.9, 0),), "unconfirmed_label", "b"),
    ],
)
def test_each_kind_of_label_error_has_its_name(tmp_path, rows, problem, about):
    found = problems(dataset_of(tmp_path, car=[box("a", 0), box("b", 100)]), predicted(*rows))
    assert found["problem"].tolist() == [problem]
    assert found["annotation_id"].dropna().tolist() == ([about] if about else [])
    assert found["file_id"].tolist() == ["f"]


def test_labels_that_predictions_meet_are_no_problem(tmp_path):
    dataset = dataset_of(tmp_path, car=[box("a", 0), box("b", 100)])
    assert problems(dataset, predicted(("car", 0.9, 1), ("car", 0.4, 101))).empty


def test_the_surer_a_prediction_the_likelier_is_the_error(tmp_path):
    dataset = dataset_of(tmp_path, car=[])
    found = problems(dataset, predicted(("car", 0.4, 0), ("car", 0.9, 50), ("car", 0.6, 100)))
    assert found["likelihood"].tolist() == [0.9, 0.6, 0.4]


def test_of_the_planted_errors_nine_in_ten_are_among_as_many_first_rows(flawed):
    dataset, planted = flawed
    found = dataset.annotations.labellerr.check(predictions=dataset.predictions)
    first = found[found["likelihood"].notna()].head(len(planted))
    missing = first[first["problem"] == "missing_label"]
    places = set(zip(missing["file_id"], missing["category"], strict=True))
    told = {*first["annotation_id"].dropna(), *found.loc[found["problem"] == "duplicate", "annotation_id"]}
    caught = [
        (each.file_id, each.category) in places if each.error == "missing" else each.annotation_id in told
        for each in planted.itertuples()
    ]
    assert np.mean(caught) >= 0.9
    assert set(planted["error"]) == {"shifted", "duplicate", "missing", "swapped"}


def test_a_frame_without_scores_is_refused(flawed):
    dataset, _ = flawed
    with pytest.raises(lds.InvalidArgumentError, match="need a column score"):
        dataset.annotations.labellerr.check(predictions=dataset.annotations)
