"""`to_coco_json(archive=True)` read back: equal frames, in all that COCO or keys of our own can hold."""

from __future__ import annotations

import json
import warnings

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_paths import read
from thorough import examples

import labellerr_ds as lds

FILE_COLUMNS = [
    "file_name", "status", "width", "height", "file_format", "file_size_mb", "remarks", "created_at", "file_id",
]  # fmt: skip
CATEGORY_COLUMNS = ["name", "question_type", "category_id", "question_id"]
NOT_HELD = ["keypoints", "value", "track_id", "frame", "time", "end_time", "coco_id", "coco_image_id"]

sides = st.integers(-20, 200).map(lambda number: number / 4)
points = st.fixed_dictionaries({"x": sides, "y": sides})
boxes = st.tuples(sides, sides, st.integers(1, 40), st.integers(1, 40)).flatmap(
    lambda box: st.fixed_dictionaries(
        {
            "xmin": st.just(box[0]), "ymin": st.just(box[1]), "xmax": st.just(box[0] + box[2]),
            "ymax": st.just(box[1] + box[3]),
        },
        optional={"rotation": st.sampled_from([0, 30, 359.5])},
    )
)  # fmt: skip
SHAPES = {
    "BoundingBox": boxes, "polygon": st.lists(points, min_size=3, max_size=5), "dot": points,
    "polyline": st.lists(points, min_size=2, max_size=4),
}  # fmt: skip


attributes = st.sampled_from([{}, {"attributes": {"k": 1}}])
file_sizes = st.sampled_from([{}, {"file_size": 0.5}])


@st.composite
def exports(draw):
    count = iter(range(1000))
    files = []
    for number in range(draw(st.integers(1, 4))):
        answers = []
        for kind, shape in SHAPES.items():
            objects = [
                {
                    "answer_id": f"a{next(count)}",
                    "answer": each,
                    **draw(st.sampled_from([{}, {"attributes": {"k": 1}}])),
                }
                for each in draw(st.lists(shape, max_size=2))
            ]
            answers.append(
                {"question_id": f"q-{kind}", "question_name": kind, "question_type": kind, "answer": objects}
            )
        name = draw(st.sampled_from(["a.jpg", "b/c.PNG", "ü.webp"]))
        metadata = {
            "image_width": 100, "image_height": 80, "file_format": name.rpartition(".")[2].lower(), **draw(file_sizes),
        }  # fmt: skip
        files.append({
            "file_id": f"f{number}", "file_name": name,
            "file_status": draw(st.sampled_from(["accepted", "review", None, "skipped"])),
            "file_metadata": metadata,
            "created_at": 1758605248989 + number, "remarks": draw(st.sampled_from(["", "blurred"])),
            "latest_answer": answers,
        })  # fmt: skip
    return files


@settings(max_examples=examples(60), deadline=None)
@given(exports())
def test_an_archive_read_back_gives_equal_frames(tmp_path_factory, export):
    folder = tmp_path_factory.mktemp("archive")
    (folder / "in.json").write_text(json.dumps(export))
    dataset = read(folder / "in.json")
    back = read(dataset.to_coco_json(folder / "out.json", archive=True))
    pd.testing.assert_frame_equal(back.files[FILE_COLUMNS], dataset.files[FILE_COLUMNS])
    pd.testing.assert_frame_equal(back.categories[CATEGORY_COLUMNS], dataset.categories[CATEGORY_COLUMNS])
    held = dataset.annotations.columns.difference(NOT_HELD, sort=False)
    pd.testing.assert_frame_equal(back.annotations[held], dataset.annotations[held])
    assert back.issues.empty


def test_answers_that_are_no_shapes_are_named_as_left_out(project, tmp_path):
    dataset = lds.export_dataset(project, "all", progress=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        dataset.to_coco_json(tmp_path / "out.json", archive=True)
    assert ["no shapes, as answers" in str(each.message) for each in told] == [True]
