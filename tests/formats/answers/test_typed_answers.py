"""What the typed lane reads, and what the careful lane reads of the same file: equal rows, equal issues."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading_paths import assert_equal_frames, assert_lanes_agree, mutated, read
from thorough import examples
from typical_answers import box, numbers, point, questions, words

from labellerr_ds.core import vendor
from labellerr_ds.formats.answers import typed_answers
from labellerr_ds.formats.native_json import read as native_json

answers = st.lists(questions(nested=True), max_size=4)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "image_width": st.just(20),
        "file_size": numbers,
        "file_format": words,
        "additional_metadata": st.just([1]) | st.none(),
    },
)  # fmt: skip
exports = st.lists(
    st.fixed_dictionaries(
        {"file_id": st.sampled_from(["f1", "f2", "f3"]), "latest_answer": answers},
        optional={
            "file_name": words, "file_metadata": metadata, "created_at": st.just(1758605248989),
            "file_status": words | st.none(), "remarks": words,
            "activities": st.just([]) | st.just([{"updated_at": 1758605248989}]),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each["file_id"],
)  # fmt: skip
odd = st.one_of(
    st.none(), st.booleans(), st.just(-1), st.just(2**70), st.just(1.5), st.just("7"), st.just([]), st.just({}),
    st.just([[1, 2]]), point, box,
)  # fmt: skip


KEYS = ["zorp", "answer", "frames", "children", "answer_id", "question"]


def carefully(patch):
    """Nothing fits the typed lane."""
    patch.setattr(native_json, "_FILES", ())
    patch.setattr(native_json, "_decode_file", ())
    for name in ("_decode_questions", "_decode_one"):
        patch.setattr(typed_answers, name, ())
    patch.setattr(typed_answers, "_decode_answer", {})


def named(*names):
    """A file with a question asked under several names."""
    asked = {"question_id": "p", "question_type": "BoundingBox", "answer": []}
    return [{"file_id": "f1", "latest_answer": [{**asked, "question_name": name} for name in names]}]


@settings(max_examples=examples(120), deadline=None)
@given(export=mutated(exports, odd, KEYS), indent=st.sampled_from([None, 2]))
@example(export=named(None, "", None), indent=None)
def test_both_lanes_read_the_same_of_an_export_that_deviates(tmp_path_factory, export, indent):
    assert_lanes_agree(tmp_path_factory.mktemp("lanes"), export, indent, carefully)


@settings(max_examples=examples(60), deadline=None)
@given(exports)
def test_a_dict_of_questions_by_id_is_read_alike_by_both_lanes(tmp_path_factory, export):
    for file in export:
        file["latest_answer"] = {each.pop("question_id"): each for each in file["latest_answer"]}
    path = tmp_path_factory.mktemp("lanes") / "export.json"
    path.write_text(json.dumps(export))
    typed = read(path)
    with pytest.MonkeyPatch.context() as patch:
        carefully(patch)
        assert_equal_frames(typed, read(path))


def test_each_type_of_the_vendor_has_a_struct_in_both_spellings_of_its_key():
    tags = {(kind, tag) for kind, tag in typed_answers._KINDS.values()}
    assert {tag.lower() for _, tag in tags} == set(vendor.QUESTION_TYPES)
    assert len(typed_answers.QUESTIONS) == len(vendor.ANSWER_TYPE_KEYS)


def test_a_file_of_the_usual_form_never_meets_the_careful_lane(tmp_path, monkeypatch):
    path = tmp_path / "export.json"
    shape = {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4, "rotation": 0}
    question = {
        "question_id": "q",
        "question_name": "car",
        "question_type": "BoundingBox",
        "answer": [{"answer": shape}],
    }
    path.write_text(json.dumps([{"file_id": "f", "latest_answer": [question]}]))
    monkeypatch.setattr(
        "labellerr_ds.formats.answers.questions.Answers.answer", lambda *_: pytest.fail("the careful lane")
    )
    assert read(path).annotations["bbox_width"].tolist() == [2.0]
