"""No error of a decoder reaches a user: every reader says which file and which byte."""

from __future__ import annotations

import ast
import json
import pathlib
import warnings

import pytest

import labellerr_ds as lds

FORMATS = pathlib.Path(lds.__file__).parent / "formats"
NUMBERS = ["1e999", "-1e999", "1E400", "9" * 5000, "NaN", "-Infinity"]
NATIVE = (
    '[{"file_id": "f", "file_name": "a.jpg", "file_status": "accepted", "created_at": @, "file_metadata": '
    '{"image_width": @, "additional_metadata": {"x": @}}, "latest_answer": [{"question_id": "q", "question_name": '
    '"car", "question_type": "BoundingBox", "answer": [{"answer_id": "a", "attributes": {"x": @}, "answer": '
    '{"xmin": 1, "ymin": 1, "xmax": 2, "ymax": 2, "rotation": @}}]}]}]'
)
COCO = (
    '{"info": {"year": @}, "year": @, "images": [{"id": 0, "width": @, "height": 9, "file_name": "a.jpg"}], '
    '"categories": [{"id": 0, "name": "car", "isthing": @}], "annotations": [{"id": 1, "image_id": 0, "category_id": '
    '0, "area": @, "attributes": {"x": @}, "segmentation": [[@, 1, 2, 2, 3, 3]], "bbox": [1, 1, 2, 2]}]}'
)


def places(document):
    """The document with ``@`` left in one of its places, and 1 in the others."""
    parts = document.split("@")
    for place in range(1, len(parts)):
        yield pytest.param("1".join(parts[:place]) + "@" + "1".join(parts[place:]), id=f"place {place}")


def used(dataset):
    """Everything that decodes shapes or attributes."""
    annotations = dataset.annotations
    shapes = annotations["segmentation"].tolist()
    checked = annotations.labellerr.check()
    masks = list(annotations.labellerr.masks())
    return shapes, checked, masks, dataset.to_coco(negatives="all"), json.dumps(dataset.info)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:9])
@pytest.mark.parametrize("document", [*places(NATIVE), *places(COCO)])
def test_a_number_that_no_float_holds_costs_nothing_else(tmp_path, document, number):
    path = tmp_path / "in.json"
    path.write_text(document.replace("@", number))
    if '"year": @, "images"' in document and number in ("NaN", "-Infinity"):  # beside the lists JSON is JSON
        with pytest.raises(lds.ReadError, match="not JSON from byte"):
            lds.read_export(path)
        return
    dataset = lds.read_export(path)
    assert len(dataset.annotations) == 1
    used(dataset)
    with lds.scan_export(path) as scan:
        assert sum(len(part.annotations) for part in scan) == 1


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:9])
def test_such_a_number_in_a_ring_is_reported(tmp_path, number):
    path = tmp_path / "in.json"
    path.write_text(list(places(COCO))[-1].values[0].replace("@", number))
    dataset = lds.read_export(path)
    assert {"bad_segmentation", "mended_json"} & set(dataset.issues["code"])
    assert list(dataset.annotations.labellerr.masks()) == [None]
    assert not dataset.to_yolo(tmp_path / "yolo").annotations


@pytest.mark.parametrize("form", ["json", "coco_json"])
@pytest.mark.parametrize("read", [lds.read_export, lambda path, form: list(lds.scan_export(path, form))])
def test_text_in_cp1252_is_refused_with_the_file_and_the_byte(tmp_path, form, read):
    text = NATIVE if form == "json" else COCO
    body = (text.replace("@", "1")).replace("a.jpg", "é.jpg").encode("cp1252")
    (tmp_path / "in.json").write_bytes(body)
    offset = body.index(b"\xe9")
    with pytest.raises(lds.ReadError, match=rf"in.json: expected UTF-8, got something else at byte {offset}") as caught:
        read(tmp_path / "in.json", form)
    assert caught.value.byte_offset == offset


def test_only_one_module_of_the_readers_calls_a_json_decoder():
    own = {"write.py", "coco_rows.py", "parquet"}  # decode JSON that the package wrote itself
    for path in sorted(path for path in FORMATS.rglob("*.py") if not own & {path.name, path.parent.name}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        decoders = {
            call for call in calls if call in ("json.loads", "json.load") or call.startswith("msgspec.json.Dec")
        }
        decoders |= {call for call in calls if call.startswith("msgspec.json.decode")}
        names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert path.name == "decoding.py" or not decoders, path.name
        assert path.name == "decoding.py" or "msgspec.DecodeError" not in names, path.name


@pytest.mark.parametrize("depth", [150, 890, 2_000, 100_000])
@pytest.mark.parametrize("where", ["attributes", "remarks"])
def test_what_is_nested_too_deep_is_refused(tmp_path, depth, where):
    nested = "[" * depth + "]" * depth
    (tmp_path / "in.json").write_text(f'[{{"file_id": "f", "latest_answer": [], "{where}": {nested}}}]')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        if depth < 200:
            assert len(lds.read_export(tmp_path / "in.json")) == 1
        else:
            with pytest.raises(lds.ReadError, match="in.json: .*nested too deep at byte"):
                lds.read_export(tmp_path / "in.json")


CRASHES = {  # minimal forms of inputs that a fuzzer found to end in an error of Python or of a decoder
    "a superscript in a time": ("csv", b"file_id,created_at\nf,1788767293900\xc2\xb2\n"),
    "a superscript in a native time": ("json", b'[{"file_id": "f", "created_at": "17\xc2\xb2", "latest_answer": []}]'),
    "a number with underscores": ("csv", b"file_id,image_width\nf,1_0\n"),
    "a cell that is not closed": ("csv", b'file_id,remarks\nf,"a\n'),
    "half of a surrogate pair in attributes": (
        "coco_json",
        b'{"images": [{"id": 0}], "annotations": [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 1, 2, 2], '
        b'"attributes": {"x": "\\ud800"}}], "categories": []}',
    ),
}


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@pytest.mark.parametrize("name", CRASHES)
def test_what_a_fuzzer_found_is_read_or_refused(tmp_path, name):
    form, body = CRASHES[name]
    (tmp_path / "in.bin").write_bytes(body)
    try:
        used(lds.read_export(tmp_path / "in.bin", form))
    except lds.LabellerrError as error:
        assert "in.bin" in str(error)
        return
    with lds.scan_export(tmp_path / "in.bin", form) as scan:
        assert sum(map(len, scan)) == 1
