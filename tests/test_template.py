"""A template as a frame."""

from __future__ import annotations

from labellerr_ds import template


def test_a_template_keeps_what_has_no_column():
    questions = [
        {
            "question_id": "q1",
            "question": "car",
            "option_type": "BoundingBox",
            "color": "#F00",
            "options": [{"option_name": "a"}],
        }
    ]
    row = template.categories(questions).iloc[0]
    assert row["color"] == "#ff0000"
    assert row["extra"] == '{"options":[{"option_name":"a"}]}'
    assert template.categories([]).empty
