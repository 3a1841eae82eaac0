"""What the typed lane of coco_json reads, and what the careful lane does: equal rows and issues, an equal object."""

from __future__ import annotations

import json
import warnings

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_paths import assert_lanes_agree, mutated, read
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.formats import coco_rows
from labellerr_ds.formats.coco_json import annotations as coco_annotations
from labellerr_ds.formats.coco_json import read as coco_json
from labellerr_ds.formats.decoding import decoder

sides = st.integers(0, 80).map(lambda number: number / 4)
whole_numbers = st.integers(0, 9)
words = st.sampled_from(["a", "a.jpg", "é/ü.PNG", ".hidden", "", "9"])
rings = st.lists(st.lists(sides, min_size=6, max_size=8).filter(lambda ring: not len(ring) % 2), max_size=2)
rle = st.sampled_from([{"size": [4, 4], "counts": [3, 5, 8]}, {"size": [4, 4], "counts": "358"}])
annotations = st.fixed_dictionaries(
    {"image_id": st.integers(0, 2), "category_id": st.integers(0, 2), "bbox": st.lists(sides, min_size=4, max_size=4)},
    optional={
        "id": whole_numbers, "segmentation": rings | rle | st.just([]), "area": sides, "iscrowd": st.integers(0, 1),
        "attributes": st.just([]) | st.just({"a": 1}), "labellerr_answer_id": words, "num_keypoints": whole_numbers,
        "keypoints": st.just([1, 2, 2]) | st.just([1, 2, 2, 0, 0, 0]) | st.just([]),
    },
)  # fmt: skip
images = st.fixed_dictionaries(
    {"id": st.integers(0, 4)},
    optional={
        "file_name": words, "width": st.just(20), "height": st.just(20), "date_created": st.just(1758605248989),
        "labellerr_file_id": words.filter(bool), "labellerr_file_status": words | st.none(),
        "labellerr_file_remarks": words,
    },
)  # fmt: skip
exports = st.fixed_dictionaries({
    "images": st.lists(images, max_size=4),
    "annotations": st.lists(annotations, max_size=5),
    "categories": st.just([{"id": 0, "name": "a"}, {"id": 1, "name": "b", "labellerr_question_id": "q"}]),
})  # fmt: skip
odd = st.one_of(
    st.none(), st.booleans(), st.just(-1), st.just(2**70), st.just(1.5), st.just("7"), st.just([]), st.just({}),
    st.just([[1, 2]]), st.just([1, 2, 3]), st.just([-4, 1, -2, 3]),
)  # fmt: skip
KEYS = ["zorp", "keypoints", "segmentation", "license", "file_metadata", "iscrowd", "id"]
LISTS = ("images", "annotations", "categories")


class Never(msgspec.Struct, forbid_unknown_fields=True):
    """What no entry is."""

    not_a_key: int


def carefully(patch):
    """Nothing fits the typed lane."""
    patch.setattr(coco_json, "Image", Never)
    patch.setattr(coco_json, "Annotation", Never)
    patch.setattr(coco_annotations, "_decode", decoder(Never))


usual_or_not = mutated(exports, odd, KEYS).filter(lambda export: all(type(export.get(key)) is list for key in LISTS))


@settings(max_examples=examples(120), deadline=None)
@given(export=usual_or_not, indent=st.sampled_from([None, 2]))
def test_both_lanes_read_the_same_of_a_coco_file_that_deviates(tmp_path_factory, export, indent):
    assert_lanes_agree(tmp_path_factory.mktemp("lanes"), export, indent, carefully)


@settings(max_examples=examples(80), deadline=None)
@given(export=usual_or_not)
def test_rows_that_are_alike_and_rows_one_by_one_give_the_same_object(tmp_path_factory, export):
    path = tmp_path_factory.mktemp("lanes") / "export.json"
    path.write_text(json.dumps(export))
    dataset = read(path)

    def told():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lds.LabellerrWarning)
            made = dataset.to_coco(negatives="all", classes="as_exported").dataset
            return json.dumps(made), dataset.to_coco_json(
                path.with_suffix(".out"), archive=True, overwrite=True
            ).read_text()

    at_once = told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coco_rows, "_usual_piece", lambda *_: None)
        assert told() == at_once
