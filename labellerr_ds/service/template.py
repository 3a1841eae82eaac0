"""A project's template as a `categories` frame: a row a question, which for shapes is a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.core.json_text import json_text
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import hex_color

_NAMED = frozenset({"question_id", "color", *vendor.TEMPLATE_QUESTION_KEYS, *vendor.TEMPLATE_TYPE_KEYS})


def categories(questions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A `categories` frame from a template's questions, in their order.

    Parameters
    ----------
    questions : sequence of mappings
        As the service has them; what has no column goes into `extra`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> categories([{"question_id": "q1", "question": "car", "option_type": "polygon"}])["name"].tolist()
    ['car']
    """
    rows = []
    for question in questions:
        question_id = question.get("question_id")
        color = _color_of(question)
        named = _NAMED if question.get("color") is not None or color is None else _NAMED | {"options"}
        rest = {key: value for key, value in question.items() if key not in named and value not in (None, [], {}, "")}
        rows.append(
            {
                "category_id": None if question_id is None else str(question_id),
                "question_id": None if question_id is None else str(question_id),
                "name": vendor.text_of(vendor.first_of(question, vendor.TEMPLATE_QUESTION_KEYS)),
                "color": color,
                "question_type": vendor.text_of(vendor.first_of(question, vendor.TEMPLATE_TYPE_KEYS)),
                "extra": json_text(rest) if rest else None,
            }
        )
    names = ("category_id", "question_id", "name", "color", "question_type", "extra")
    return schema.build("categories", {name: [row[name] for row in rows] for name in names}, len(rows))


def _color_of(question: Mapping[str, Any]) -> str | None:
    """Return the color of a class: that of its key, else the name of its only option if that is a color."""
    color, options = question.get("color"), question.get("options")
    if color is None and isinstance(options, list) and len(options) == 1 and isinstance(options[0], dict):
        name = options[0].get(vendor.TEMPLATE_COLOR_OPTION)
        kind = vendor.text_of(vendor.first_of(question, vendor.TEMPLATE_TYPE_KEYS))
        is_shape = vendor.QUESTION_TYPES.get((kind or "").lower()) in vendor.SHAPE_TYPES
        color = name if is_shape and isinstance(name, str) and name.startswith("#") else None
    return hex_color(color)
