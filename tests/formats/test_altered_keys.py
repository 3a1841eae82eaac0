"""One key of a valid export renamed, removed or of another type: nothing misunderstood passes for "no labels"."""

from __future__ import annotations

import copy
import csv
import io
import json
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_paths import places
from thorough import examples

import labellerr_ds as lds

FORMS = [
    *(("json", variant, place) for variant in ("", "answers-dict,video-list", "parts") for place in range(4)),
    *(("coco_json", variant, 0) for variant in ("", "ids-plain", "boxes-corners,parts", "boxes-bare")),
    *(("csv", variant, place) for variant in ("", "csv-answers") for place in range(4)),
]
MAY_BE_ABSENT = {"children", "segments", "text", "attributes", "start", "end"}
"""Keys of parts of an answer that a valid export may lack."""


@pytest.fixture(scope="session")
def valid(serve, tmp_path_factory):
    """Exports of all statuses, with their templates and what is read of them."""
    known = {}

    def exported(form, variant, place):
        if (form, variant, place) not in known:
            sandbox = serve(variant, 40)
            project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[place])
            job = lds.create_export(project, "all", format=form)
            job.wait(progress=False)
            path = job.download(tmp_path_factory.mktemp("valid"), progress=False)
            template = project.categories()
            dataset = lds.read_export(path, form, categories=template, progress=False)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", lds.LabellerrWarning)  # a table without a template
                bare = lds.read_export(path, form, progress=False)
            known[form, variant, place] = path.read_text(encoding="utf-8"), template, dataset, bare
        return known[form, variant, place]

    return exported


def altered(draw, document):
    """A JSON document with one of its keys renamed, removed, or with a value of another type."""
    paths = [path for path in places(document) if isinstance(path[-1], str)]
    path = draw(st.sampled_from(paths))
    changed = copy.deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    key, value = path[-1], parent[path[-1]]
    is_content = len(path) > 1 and path[-2] in (
        "frames",
        "latest_answer",
    )  # the number of a frame, the id of a question
    is_all = len(parent) == 1  # an empty object is an unanswered question
    removable = [] if key in MAY_BE_ABSENT or is_content or is_all else ["remove"]
    what = draw(st.sampled_from(["rename", "retype", *removable]))
    if what == "rename":
        items = [
            (draw(st.sampled_from([f"{key}s", key.title()])) if own == key else own, parent[own]) for own in parent
        ]
        parent.clear()
        parent.update(items)
    elif what == "remove":
        del parent[key]
    else:
        is_speech = isinstance(value, dict) and value.keys() <= {"text", "segments"}  # which may be its text alone
        others = [{"was": value}, [value, {"was": 1}], 7.5, True, *([] if is_speech else ["text"])]
        others += [str(value)] if isinstance(value, int | float | bool) else []
        parent[key] = draw(st.sampled_from([other for other in others if type(other) is not type(value)]))
    return changed


def altered_table(draw, body):
    """A csv with one of its headers renamed, or one key within a cell altered."""
    rows = list(csv.reader(io.StringIO(body)))
    cells = [
        (y, x) for y, row in enumerate(rows) for x, cell in enumerate(row) if y == 0 or cell.startswith(("[{", "{"))
    ]
    y, x = draw(st.sampled_from(cells))
    rows[y][x] = rows[y][x] + "_" if y == 0 else json.dumps(altered(draw, json.loads(rows[y][x])))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def states_of(dataset):
    states = dataset.files["label_state"]
    return states.astype(object).where(states.notna(), None).tolist()


def reported_files(dataset):
    """The files with an issue, and None where an issue is about none in particular."""
    issues, annotations = dataset.issues, dataset.annotations
    of_files = issues.loc[issues["table"] == "files", "id"]
    of_rows = issues.loc[(issues["table"] == "annotations") & issues["position"].notna(), "position"]
    ids = annotations["file_id"].iloc[of_rows.astype(int)]
    of_none = ids.isna().any() or (issues["table"] == "export").any() or issues["id"].isna().any()
    return {*of_files.dropna(), *ids.dropna()} | ({None} if of_none else set())


@settings(max_examples=examples(500))
@given(st.data())
def test_nothing_misunderstood_passes_for_no_labels(valid, tmp_path_factory, data):
    form, variant, place = data.draw(st.sampled_from(FORMS))
    body, template, known, bare = valid(form, variant, place)
    has_template = form != "csv" or data.draw(st.booleans())
    is_table = form == "csv"
    changed = altered_table(data.draw, body) if is_table else json.dumps(altered(data.draw, json.loads(body)))
    path = tmp_path_factory.mktemp("altered") / "export"
    path.write_text(changed, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        try:
            dataset = lds.read_export(path, form, categories=template if has_template else None, progress=False)
        except lds.LabellerrError:
            return  # it said what it did not understand
    before = known if has_template else bare
    if len(dataset) != len(before):
        assert len(dataset.issues)
        return
    reported = reported_files(dataset)
    counts = zip(
        before.files["annotation_count"], dataset.files["annotation_count"], dataset.files["file_id"], strict=True
    )
    for was, state in zip(states_of(before), states_of(dataset), strict=True):
        assert state == was or state not in ("negative", "labelled")
    for had, has, file_id in counts:
        assert has >= had or {None, file_id} & reported
    columns = ["bbox_x", "segmentation", "keypoints", "value", "time"]
    assert dataset.annotations[columns].notna().any(axis=1).all()


def test_the_valid_exports_have_what_could_be_lost(valid):
    states = pd.Series([state for form in FORMS for state in states_of(valid(*form)[2])])
    assert {"negative", "labelled"} <= set(states.dropna())
