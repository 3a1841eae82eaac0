"""A template as a frame."""

from __future__ import annotations

import pandas as pd
import pytest

import labellerr_ds as lds
from labellerr_ds.service import template


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


@pytest.mark.parametrize(
    ("kind", "options", "color"),
    [
        ("BoundingBox", [{"option_name": "#fe1236"}], "#fe1236"),
        ("polygon", [{"option_name": "#FE1236"}], "#fe1236"),
        ("polygon", [{"option_name": "teal"}], None),
        ("polygon", [{"option_name": "#fe1236"}, {"option_name": "#000000"}], None),
        ("polygon", [], None),
        ("polygon", None, None),
        ("radio", [{"option_name": "#fe1236"}], None),
    ],
)
def test_the_color_of_a_class_is_the_name_of_its_only_option(kind, options, color):
    row = template.categories([{"question_id": "q", "question": "car", "option_type": kind, "options": options}]).iloc[
        0
    ]
    assert (None if pd.isna(row["color"]) else row["color"]) == color
    assert pd.isna(row["extra"]) == (color is not None or not options)


@pytest.mark.parametrize("variant", ["", "template-color"])
def test_both_forms_of_a_template_give_the_colors_of_masks(serve, variant):
    sandbox = serve(variant)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    truth = sandbox.truth(sandbox.project_ids[0])["categories"]
    colors = project.categories()["color"].astype(object)
    assert colors.dropna().tolist() == truth["color"].dropna().tolist()
