"""The two lanes of a reader: exports of the usual form that were changed here and there, and frames compared."""

from __future__ import annotations

import copy
import json
import warnings

import pandas as pd
import pytest
from hypothesis import strategies as st

import labellerr_ds as lds


def places(value, path=()):
    """The paths to everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


@st.composite
def mutated(draw, exports, odd, keys):
    """An export with up to three of its values replaced by odd ones, left out, or added under one of the keys."""
    export = copy.deepcopy(draw(exports))
    for _ in range(draw(st.integers(0, 3))):
        paths = list(places(export))
        if not paths:
            break
        path = paths[draw(st.integers(0, len(paths) - 1))]
        home = export
        for key in path[:-1]:
            home = home[key]
        what = draw(st.sampled_from(["replace", "delete", "add"]))
        if what == "replace":
            home[path[-1]] = copy.deepcopy(draw(odd))
        elif what == "delete":
            del home[path[-1]]
        elif isinstance(home, dict):
            home[draw(st.sampled_from(keys))] = copy.deepcopy(draw(odd))
    return export


def read(path):
    """The dataset of an export in which much is odd."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        return lds.read_export(path)


def assert_equal_frames(typed, careful):
    """Equal files, annotations, categories and issues."""
    for name in ("files", "annotations", "categories", "issues"):
        pd.testing.assert_frame_equal(*(by_value(getattr(each, name)) for each in (typed, careful)))


def by_value(frame):
    """The keys of JSON objects have no order."""
    if "extra" not in frame:
        return frame
    extras = [None if pd.isna(text) else json.dumps(json.loads(text), sort_keys=True) for text in frame["extra"]]
    return frame.assign(extra=pd.array(extras, dtype=frame["extra"].dtype))


def assert_lanes_agree(folder, export, indent, carefully):
    """An export reads the same by the typed lane and, where `carefully` leaves nothing for that, by the careful one."""
    path = folder / "export.json"
    path.write_text(json.dumps(export, indent=indent))
    typed = read(path)
    with pytest.MonkeyPatch.context() as patch:
        carefully(patch)
        careful = read(path)
    assert_equal_frames(typed, careful)
