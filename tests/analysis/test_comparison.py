"""compare(): what differs between two sets of annotations."""

from __future__ import annotations

import pytest
from shapes_of import read

import labellerr_ds as lds
from labellerr_ds.sandbox import Sandbox

SQUARE = [10, 10, 30, 10, 30, 30, 10, 30]


@pytest.fixture
def sides(tmp_path):
    def of(*annotations, **image):
        told = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100, "labellerr_file_id": "f", **image}],
            "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "van"}],
            "annotations": [
                {"id": number, "image_id": 1, "iscrowd": 0, **each} for number, each in enumerate(annotations, start=1)
            ],
        }
        return read(tmp_path, told)

    return of


def box(x, y, width=20, height=20, category_id=1, **more):
    return {"bbox": [x, y, width, height], "category_id": category_id, **more}


def test_each_kind_of_change_is_told(sides):
    a = sides(box(0, 0), box(30, 0), box(60, 0), box(0, 50), box(70, 70, category_id=2))
    b = sides(box(0, 0), box(32, 0), box(60, 0, category_id=2), box(50, 50), box(72, 70, category_id=1))
    told = lds.compare(a, b)
    rows = {row.row_a: (row.change, row.category_a, row.category_b) for row in told.annotations.itertuples()}
    assert rows[0] == ("same", "car", "car")
    assert rows[1] == ("moved", "car", "car")
    assert rows[2] == ("reclassified", "car", "van")
    assert rows[3][0] == "removed"
    assert rows[4] == ("changed", "van", "car")
    assert (told.annotations["change"] == "added").sum() == 1
    (file,) = told.files.to_dict("records")
    counts = ("same", "moved", "reclassified", "changed", "added", "removed")
    assert [file[name] for name in counts] == [1] * 6
    assert told.confusion.loc["car", "van"] == told.confusion.loc["van", "car"] == 1
    assert told.confusion.loc["car", "(none)"] == told.confusion.loc["(none)", "car"] == 1
    per = told.per_class.set_index("category")
    assert per.loc["car", ["a", "b", "matched"]].tolist() == [4, 4, 2]
    assert per.loc["car", "agreement"] == pytest.approx(0.5)
    assert repr(told) == "Comparison(1 files: 1 same, 1 moved, 1 reclassified, 1 changed, 1 added, 1 removed)"


def test_iou_is_that_of_the_pixels_where_there_are_any(sides):
    half = [10, 10, 30, 10, 30, 20, 10, 20]
    told = lds.compare(
        sides({"segmentation": [SQUARE], "category_id": 1}), sides({"segmentation": [half], "category_id": 1}), iou=0.4
    )
    assert told.annotations["iou"].tolist() == [0.5]
    triangle = [10, 10, 30, 10, 10, 30]
    told = lds.compare(
        sides({"segmentation": [SQUARE], "category_id": 1}),
        sides({"segmentation": [triangle], "category_id": 1}),
        iou=0.4,
    )
    assert 0.45 < told.annotations["iou"][0] < 0.55  # the boxes are the same


def test_one_pairs_with_one_the_best_first(sides):
    a, b = sides(box(0, 0), box(4, 0)), sides(box(3, 0))
    told = lds.compare(a, b).annotations
    assert told.loc[told["row_b"].notna(), "row_a"].tolist() == [1]


def test_of_equal_overlap_the_same_class_wins(sides):
    a = sides(box(0, 0, category_id=2), box(0, 0, category_id=1))
    b = sides(box(0, 0, category_id=1), box(0, 0, category_id=2))
    assert set(lds.compare(a, b).annotations["change"]) == {"same"}


def test_versions_of_one_answer_are_one_however_far_it_moved(sides):
    a = sides(box(0, 0, labellerr_answer_id="one"))
    b = sides(box(70, 70, labellerr_answer_id="one"))
    assert lds.compare(a, b).annotations["change"].tolist() == ["moved"]


def test_keypoints_and_points_are_compared_by_what_they_are(sides):
    pose = {"keypoints": [5, 5, 2, 9, 9, 2], "category_id": 1}
    assert lds.compare(sides(pose), sides(pose)).annotations["change"].tolist() == ["same"]
    other = {"keypoints": [5, 5, 2, 9, 12, 2], "category_id": 1}
    assert lds.compare(sides(pose), sides(other)).annotations["change"].tolist() == ["moved"]
    dot = {"keypoints": [50, 50, 2], "category_id": 1}
    near, far = {**dot, "keypoints": [50.5, 50, 2]}, {**dot, "keypoints": [90, 90, 2]}
    assert lds.compare(sides(dot), sides(near)).annotations["change"].tolist() == ["moved"]
    assert set(lds.compare(sides(dot), sides(far)).annotations["change"]) == {"added", "removed"}


def test_a_point_whose_flag_changed_has_moved_though_its_place_is_the_same(sides):
    dot = {"keypoints": [50, 50, 2], "category_id": 1}
    hidden = {**dot, "keypoints": [50, 50, 1]}
    assert lds.compare(sides(dot), sides(hidden)).annotations["change"].tolist() == ["moved"]


def test_files_that_one_side_alone_has_and_statuses_are_told(sides):
    a = sides(labellerr_file_status="review")
    b = sides(labellerr_file_status="accepted")
    assert lds.compare(a, b).files[["status_a", "status_b"]].to_numpy().tolist() == [["review", "accepted"]]
    other = sides(labellerr_file_id="g", file_name="g.jpg")
    with pytest.warns(lds.LabellerrWarning, match="no file_id is in both"):
        files = lds.compare(a, other).files
    assert files[["file_id", "in_a", "in_b"]].to_numpy().tolist() == [["f", True, False], ["g", False, True]]


def test_a_dataset_is_the_same_as_itself_in_every_project(serve):
    sandbox = serve()
    for project_id in sandbox.project_ids:
        dataset = lds.export_dataset(lds.Client.sandbox(sandbox).project(project_id), "all", progress=False)
        told = lds.compare(dataset, dataset)
        assert set(told.annotations["change"]) == {"same"}
        assert len(told.annotations) == len(dataset.annotations)
        assert lds.compare(dataset.annotations, dataset.annotations).annotations.equals(told.annotations)


def test_what_happened_between_two_exports_is_told_file_by_file():
    with Sandbox(files=40, export_seconds=0) as sandbox:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        before = lds.export_dataset(project, "all", progress=False)
        mark = sandbox.now
        sandbox.advance(days=10)
        after = lds.export_dataset(project, "all", progress=False)
        told = lds.compare(before, after)
        files = told.files.set_index("file_id")
        truth = sandbox.truth(project.project_id)
        changed = files[["moved", "reclassified", "changed", "added", "removed"]].sum(axis=1) > 0
        touched = set(truth["files"].loc[truth["files"]["updated_at"] >= mark, "file_id"]) | set(
            truth["deleted"]["file_id"]
        )
        assert set(files.index[changed]) <= touched
        assert changed.any()
        assert not files.loc[list(set(truth["deleted"]["file_id"]) & set(files.index)), "in_b"].any()


@pytest.mark.parametrize("iou", [0, -1, 2])
def test_a_limit_that_is_none_is_refused(sides, iou):
    with pytest.raises(lds.InvalidArgumentError, match="iou must be"):
        lds.compare(sides(), sides(), iou=iou)
    with pytest.raises(lds.InvalidArgumentError, match="compare takes"):
        lds.compare(sides(), 3)


def test_nothing_compared_with_nothing_has_all_columns(sides):
    told = lds.compare(sides(), sides())
    assert told.annotations.empty
    assert told.per_class.empty
    assert told.files["added"].tolist() == [0]


def test_a_json_and_a_coco_json_of_one_project_show_the_same_shapes(project):
    one, other = (lds.export_dataset(project, "all", format=form, progress=False) for form in ("json", "coco_json"))
    told = lds.compare(one, other).annotations
    kinds = one.annotations["type"].astype(object).to_numpy()
    in_both = told[told["row_a"].notna()]
    shapes = in_both[[kinds[row] in ("bbox", "polygon", "point") for row in in_both["row_a"]]]
    assert "point" in {kinds[row] for row in shapes["row_a"]}
    assert set(shapes["change"]) == {"same"}
    assert not (told["change"] == "added").any()


def test_two_projects_without_a_file_in_common_are_told(sides):
    a, b = sides(box(0, 0)), sides(box(0, 0), labellerr_file_id="g", file_name="b.jpg")
    with pytest.warns(lds.LabellerrWarning, match="exports of one project"):
        lds.compare(a, b)
    with pytest.warns(lds.LabellerrWarning, match="reused_coco_id"):
        twice = lds.concat([b, sides(box(0, 0), labellerr_file_id="h", file_name="b.jpg")])
    mine = sides(box(0, 0), file_name="b.jpg")
    with pytest.warns(lds.LabellerrWarning, match="no file_id is in both.*names are not unique"):
        lds.compare(mine, twice)
