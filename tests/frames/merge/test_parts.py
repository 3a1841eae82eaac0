"""An export in parts is the export: cut at random, read from a folder, a ZIP or S3, in batches of random size."""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile
from contextlib import ExitStack

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.dataset.dataset import dataset_of_tables
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.read import read_tables
from labellerr_ds.storage.source import locate

ANY = ["", "parts"]
VARIANTS = {
    "json": [*ANY, "answers-question", "answers-dict", "values-list", "video-list"],
    "coco_json": [*ANY, "ids-one", "ids-plain", "boxes-corners", "boxes-corners,ids-plain"],
    "csv": [*ANY, "csv-answers", "csv-bom-semicolon", "csv-answers,parts"],
    "png": [*ANY, "png-id", "png-annotated", "png-class", "png-rgb", "png-grey16"],
}
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # whole exports shrink slowly; a failure names its draws
FORMS = [(form, variant) for form, variants in VARIANTS.items() for variant in variants]


@pytest.fixture(scope="session")
def exports(serve, tmp_path_factory):
    """Exports as they were served, with their templates, by format, variant and project."""
    made = {}

    def exported(form, variant, place):
        key = (form, variant, place)
        if key not in made:
            sandbox = serve(variant, 16)
            project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[place])
            job = lds.create_export(project, "all", format=form)
            job.wait(progress=False)
            path = job.download(tmp_path_factory.mktemp("export"), progress=False)
            made[key] = path.read_bytes(), project.categories()
        return made[key]

    return exported


# --- cutting


def dealt(draw, items, count):
    """Items in as many parts, in order; some parts may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(items)), min_size=count - 1, max_size=count - 1)))
    return [items[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(items)], strict=True)]


def divided(draw, parts, halves):
    """Some items as two records, the first where it was and the other in a later part."""
    out = [[] for _ in parts]
    for place, part in enumerate(parts):
        for item in part:
            if not draw(st.booleans()):
                out[place].append(item)
                continue
            one, other = halves(draw, item)
            out[place].append(one)
            out[draw(st.integers(place, len(parts) - 1))].append(other)
    return out


def cut_json(draw, body, count):
    def halves(draw, file):
        answers = file["latest_answer"]
        if isinstance(answers, dict):
            keys = list(answers)
            at = draw(st.integers(0, len(keys)))
            pieces = [{key: answers[key] for key in half} for half in (keys[:at], keys[at:])]
        else:
            at = draw(st.integers(0, len(answers)))
            pieces = [answers[:at], answers[at:]]
            if answers and at < len(answers) and isinstance(whole := answers[at].get("answer"), list) and whole:
                within = draw(st.integers(0, len(whole)))  # within the answers to one question
                pieces[0] = [*pieces[0], {**answers[at], "answer": whole[:within]}]
                pieces[1] = [{**answers[at], "answer": whole[within:]}, *answers[at + 1 :]]
        return [{**file, "latest_answer": piece} for piece in pieces]

    parts = divided(draw, dealt(draw, json.loads(body), count), halves)
    return [(f"{place:02}.json", json.dumps(part).encode()) for place, part in enumerate(parts)]


def cut_coco(draw, body, count):
    export = json.loads(body)

    def halves(draw, pair):
        image, mine = pair
        at = draw(st.integers(0, len(mine)))
        return (image, mine[:at]), (image, mine[at:])

    by_image = {image["id"]: [] for image in export["images"]}
    for annotation in export["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    pairs = [(image, by_image[image["id"]]) for image in export["images"]]
    made = []
    for place, part in enumerate(divided(draw, dealt(draw, pairs, count), halves)):
        keys = list(draw(st.permutations(["images", "annotations", "categories", "info"])))
        lists = {
            **export,
            "images": list({image["id"]: image for image, _ in part}.values()),
            "annotations": [annotation for _, mine in part for annotation in mine],
        }
        indent = draw(st.sampled_from([None, 1]))
        made.append((f"{place:02}.json", json.dumps({key: lists[key] for key in keys}, indent=indent).encode()))
    return made


def cut_csv(draw, body, count, *, by_answer, template):
    text = body.decode("utf-8-sig")
    delimiter = ";" if text.split("\n", 1)[0].count(";") > 3 else ","
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    own = {"file_id", "file_name", "file_status", "remarks", "created_at", "image_width", "image_height"}
    own |= {"file_size", "file_format"}

    def halves(draw, row):
        answered = [place for place, name in enumerate(header) if name not in own]
        at = draw(st.integers(0, len(answered)))
        return [
            ["" if place in blank else cell for place, cell in enumerate(row)]
            for blank in (answered[at:], answered[:at])
        ]

    parts = dealt(draw, rows, count)
    if template is not None and not by_answer:  # without a template nothing says which columns are answers
        parts = divided(draw, parts, halves)
    made = []
    for place, part in enumerate(parts):
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter).writerows([header, *part])
        made.append((f"{place:02}.csv", out.getvalue().encode()))
    return made


def cut_png(draw, body, count):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist() if not name.endswith("/")]
    masks = [entry for entry in entries if entry[0].endswith(".png")]
    others = [entry for entry in entries if not entry[0].endswith(".png")]
    parts = dealt(draw, masks, count)
    parts[0] = [*others, *parts[0]]
    return [(f"{place:02}.zip", zipped(part)) for place, part in enumerate(parts) if part]


def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return out.getvalue()


CUTS = {"json": cut_json, "coco_json": cut_coco, "png": cut_png}


# --- reading and comparing


def read(path_or_url, template, **sizes):
    with warnings.catch_warnings(record=True) as warned, ExitStack() as kept:
        warnings.simplefilter("always")
        source = locate(path_or_url, kept, progress=False)
        tables = read_tables(source, ReadOptions(categories=template, progress=False, **sizes))
    assert len(warned) <= 2
    return dataset_of_tables(tables)


def rows_of(frame):
    plain = frame.labellerr.plain() if "segmentation" in frame else frame.copy()
    for name in {"segmentation", "keypoints", "attributes", "extra"} & set(plain):  # by value: spaces say nothing
        plain[name] = [None if pd.isna(text) else json.dumps(json.loads(text)) for text in plain[name]]
    plain = plain.astype(object).where(plain.notna(), None).astype(str)
    return plain.sort_values(list(plain.columns), ignore_index=True)


def assert_same(parts, whole):
    for name in ("files", "annotations", "categories"):
        mine, theirs = getattr(parts, name), getattr(whole, name)
        pd.testing.assert_frame_equal(rows_of(mine), rows_of(theirs))
        assert [str(dtype) for dtype in mine.dtypes] == [str(dtype) for dtype in theirs.dtypes]
    told = [sorted(map(tuple, each.issues[["code", "table", "id"]].astype(str).values)) for each in (parts, whole)]
    assert told[0] == told[1]


@settings(max_examples=examples(60), phases=PHASES)
@given(data=st.data())
@pytest.mark.parametrize("where", ["folder", "zip", "concat"])
def test_an_export_in_parts_is_the_export(exports, tmp_path_factory, where, data):
    # a part alone of a csv does not tell which of its columns are questions, nor one of masks what is in another's map
    apart = where == "concat"
    form, variant = data.draw(st.sampled_from([each for each in FORMS if not (apart and each[1] == "png-grey16")]))
    place = data.draw(st.integers(0, 3)) if form in ("json", "csv") else 0
    body, template = exports(form, variant, place)
    needed = form == "png" or (form == "csv" and apart)
    template = template if needed else data.draw(st.sampled_from([None, template]))
    check(data, tmp_path_factory.mktemp("parts"), body, template, form, variant, where)


@settings(max_examples=examples(15), phases=PHASES)
@given(data=st.data())
def test_an_export_in_parts_in_a_bucket_is_the_export(exports, tmp_path_factory, moto, own_keys, data):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    form, variant = data.draw(st.sampled_from(FORMS))
    body, template = exports(form, variant, 0)
    check(data, tmp_path_factory.mktemp("parts"), body, template, form, variant, moto)


def check(data, folder, body, template, form, variant, where):
    count = data.draw(st.integers(1, 20))
    sizes = {"batch_bytes": data.draw(st.integers(16, 40_000)), "batch_rows": data.draw(st.integers(1, 60))}
    if form == "csv":
        parts = cut_csv(data.draw, body, count, by_answer="csv-answers" in variant, template=template)
    else:
        parts = CUTS[form](data.draw, body, count)
    (folder / "whole").write_bytes(body)
    whole = read(folder / "whole", template)
    if where == "zip":
        (folder / "parts.zip").write_bytes(zipped(parts))
        cut = read(folder / "parts.zip", template, **sizes)
    elif where == "concat":
        read_apart = []
        for name, part in parts:
            (folder / name).write_bytes(part)
            read_apart.append(read(folder / name, template, **sizes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lds.LabellerrWarning)
            cut = lds.concat(read_apart)
    elif where == "folder":
        (folder / "parts").mkdir()
        for name, part in parts:
            (folder / "parts" / name).write_bytes(part)
        cut = read(folder / "parts", template, **sizes)
    else:
        prefix = f"parts/{folder.name}"
        for name, part in parts:
            where.put(f"{prefix}/{name}", part)
        cut = read(f"s3://labels/{prefix}/", template, **sizes)
    assert_same(cut, whole)


# --- odd exports, which no service may ever make

boxes = st.builds(  # each another one: equal answers without an id in two records are reported
    lambda x: {"xmin": x, "ymin": 2, "xmax": x + 5, "ymax": 9}, st.integers(0, 10**9)
)
own_ids = st.none() | st.uuids().map(str)
words = st.lists(st.one_of(st.just(""), st.integers(0, 10**9).map(str)), max_size=3)
values = st.builds(
    lambda answer: {"question_id": "v", "question_name": "v", "question_type": "select", "answer": answer}, words
)
things = st.builds(
    lambda own, box, video, children: {
        **({"answer_id": own} if own else {}),
        **({"frames": {"0": {"answer": box}, "7": {"answer": box}}} if video else {"answer": box}),
        "children": children,
    },
    own_ids,
    boxes,
    st.booleans(),
    st.lists(values, max_size=2),
)
shapes = st.builds(
    lambda name, answer: {"question_id": name, "question_type": "BoundingBox", "answer": answer},
    st.sampled_from(["car", "tree"]),
    st.lists(things, max_size=3),
)
files = st.lists(
    st.builds(
        lambda status, answers: {"file_status": status, "latest_answer": answers},
        st.sampled_from(["accepted", "frozen", None]),
        st.lists(values | shapes, max_size=3, unique_by=json.dumps),  # equal ones in two records are reported too
    ),
    max_size=6,
)


@settings(max_examples=examples(80), phases=PHASES)
@given(data=st.data(), entries=files, with_id=st.lists(st.booleans(), min_size=6, max_size=6))
def test_an_odd_native_export_in_parts_is_the_export(tmp_path_factory, data, entries, with_id):
    export = [
        {**({"file_id": f"f{place}"} if has_id else {}), "file_name": f"{place}.jpg", **entry}
        for place, (entry, has_id) in enumerate(zip(entries, with_id, strict=False))
    ]
    identified = [file for file in export if "file_id" in file]
    export = export if data.draw(st.booleans()) else identified  # records without an id are never the same file
    body = json.dumps(export).encode()
    if export == identified:
        check(data, tmp_path_factory.mktemp("odd"), body, None, "json", "", "folder")
        return
    folder = tmp_path_factory.mktemp("odd")
    (folder / "whole").write_bytes(body)
    (folder / "parts").mkdir()
    for place, part in enumerate(dealt(data.draw, export, data.draw(st.integers(1, 5)))):
        (folder / "parts" / f"{place:02}").write_text(json.dumps(part))
    assert_same(read(folder / "parts", None, batch_bytes=data.draw(st.integers(16, 900))), read(folder / "whole", None))


annotations = st.builds(
    lambda image, category, own: {
        "image_id": image,
        "category_id": category,
        "bbox": [1, 2, 3, 4],
        **({} if own is None else {"id": own}),
    },
    st.integers(0, 4),
    st.sampled_from([0, 1, 9]),
    st.none() | st.integers(0, 10**6),
)


@settings(max_examples=examples(80), phases=PHASES)
@given(data=st.data(), listed=st.lists(annotations, max_size=12, unique_by=lambda each: each.get("id", object())))
def test_an_odd_coco_export_in_parts_is_the_export(tmp_path_factory, data, listed):
    export = {
        "images": [{"id": number, "file_name": f"{number}.jpg"} for number in range(5)],
        "annotations": sorted(listed, key=lambda each: each["image_id"]),
        "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "tree"}],
        "info": {},
    }
    check(data, tmp_path_factory.mktemp("odd"), json.dumps(export).encode(), None, "coco_json", "", "zip")
