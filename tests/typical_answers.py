"""Answers as native json and the cells of a csv have them, of every type."""

from __future__ import annotations

from hypothesis import strategies as st

numbers = st.integers(-50, 2000) | st.floats(-50, 2000).map(lambda value: round(value, 2))
point = st.fixed_dictionaries({"x": numbers, "y": numbers})
ring = st.lists(point, min_size=1, max_size=5)
box = st.fixed_dictionaries(
    dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), numbers), optional={"rotation": numbers | st.none()}
)
words = st.sampled_from(["", "sunny", "a b"])
ids = st.sampled_from([None, "", "a1", "a2", "a3"])
FORMS = {
    "BoundingBox": box, "polygon": ring | st.lists(ring, min_size=1, max_size=2), "polyline": ring, "dot": point,
}  # fmt: skip


@st.composite
def things(draw, kind, *, nested):
    """An object, or the track of one."""
    shape = FORMS[kind]
    still = {"answer": draw(shape)}
    if draw(st.integers(0, 3)) == 0:
        frame = st.fixed_dictionaries({"frame": st.integers(0, 9), "answer": shape}, optional={"timestamp": numbers})
        frames = st.lists(frame, max_size=2) | st.dictionaries(st.sampled_from("012"), frame, max_size=2)
        still = {"frames": draw(frames)}
    if draw(st.booleans()):
        still["answer_id"] = draw(ids)
    if draw(st.integers(0, 3)) == 0:
        still["attributes"] = [{"a": 1.0}]
    if nested and draw(st.integers(0, 2)) == 0:
        still["children"] = draw(st.lists(questions(nested=False), max_size=2))
    return still


@st.composite
def questions(draw, *, nested):
    """A question with its answer."""
    kind = draw(st.sampled_from([*FORMS, "radio", "input", "select", "stt", "Radio", "new"]))
    answer = words | st.booleans() | st.none() | st.lists(words, max_size=3)
    question = {
        "question_id": draw(st.sampled_from("pqr")), "question_name": draw(words | st.none()), "question_type": kind,
        "answer": draw(st.lists(things(kind, nested=nested), max_size=3) if kind in FORMS else answer),
    }  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        question["answer_id"] = draw(ids)
    return question
