"""csv: text first, then understood."""

from __future__ import annotations

import csv as csv_module
import json
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_paths import assert_equal_frames
from thorough import examples
from typical_answers import questions

import labellerr_ds as lds
from labellerr_ds.formats.answers.questions import Answers, Question
from labellerr_ds.formats.answers.typed_answers import TypedAnswers
from labellerr_ds.formats.csv import cells as csv_cells
from labellerr_ds.formats.csv import read as csv
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.text import HEADER_BYTES
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import table

HEADER = "file_id,file_name,file_status"


def read(tmp_path, text, encoding="utf-8", **more):
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode(encoding))
    return lds.read_export(path, **more)


def template(**types):
    ids = [f"q{place}" for place in range(len(types))]
    columns = {"category_id": ids, "question_id": ids, "name": list(types), "question_type": list(types.values())}
    return schema.build("categories", columns, len(ids))


def test_ids_and_labels_stay_the_text_they_are(tmp_path):
    dataset = read(
        tmp_path, HEADER + ",mood\n007,a.jpg,accepted,NA\n1e5,b.jpg,accepted,None\n12345678901234567890,c.jpg,,null\n",
        categories=template(mood="radio"),
    )  # fmt: skip
    assert dataset.files["file_id"].tolist() == ["007", "1e5", "12345678901234567890"]
    assert dataset.files["status"].tolist() == ["accepted", "accepted", "none"]
    assert dataset.annotations["value"].tolist() == ["NA", "None", "null"]


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", ","), ("utf-8", "\t"), ("utf-8-sig", ",")],
)
def test_encodings_and_delimiters_are_recognised(tmp_path, encoding, delimiter):
    text = "file_id,file_name,remarks\n1,straße.jpg,größer\n".replace(",", delimiter)
    dataset = read(tmp_path, text, encoding)
    assert dataset.files[["file_id", "file_name", "remarks"]].values.tolist() == [["1", "straße.jpg", "größer"]]
    assert dataset.issues.empty


def test_cp1252_is_read_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="guessed_encoding"):
        dataset = read(tmp_path, "file_id,remarks\n1,größer\n", "cp1252")
    assert dataset.files["remarks"].tolist() == ["größer"]


def test_without_a_template_json_cells_are_known_by_what_is_in_them(tmp_path):
    box, dot = {"xmin": 0, "ymin": 0, "xmax": 2, "ymax": 1}, {"x": 1, "y": 2}
    ring = [{"x": 0, "y": 0}, {"x": 4, "y": 0}, {"x": 4, "y": 3}]
    cells = [json.dumps([{"answer": shape}]).replace('"', '""') for shape in (box, dot, ring)]
    dataset = read(
        tmp_path,
        'file_id,car,head,road,weather,tags\nf1,"{}","{}","{}",sunny,"[""a""]"\n'.format(*cells),
    )
    assert dataset.annotations["type"].tolist() == ["bbox", "point", "polygon"]
    assert dataset.annotations["category"].tolist() == ["car", "head", "road"]
    assert json.loads(dataset.files["extra"][0]) == {"weather": "sunny", "tags": '["a"]'}


def test_every_other_column_stays_in_order_and_unchanged(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = read(tmp_path, "zeta,file_id,alpha\n 1 ,f1,\nx,f2,00\n")
    assert [json.loads(extra) for extra in dataset.files["extra"]] == [
        {"zeta": " 1 ", "alpha": ""},
        {"zeta": "x", "alpha": "00"},
    ]
    assert dataset.raw.columns.tolist() == ["zeta", "file_id", "alpha"]
    assert dataset.raw.values.tolist() == [[" 1 ", "f1", ""], ["x", "f2", "00"]]


@pytest.mark.parametrize("cell", ['["a","b"]', "[]", "[1]", "{}", "null", '"quoted"', "1"])
def test_what_somebody_typed_stays_what_it_is(tmp_path, cell):
    quoted = '"' + cell.replace('"', '""') + '"'
    dataset = read(tmp_path, f"file_id,note\nf1,{quoted}\n", categories=template(note="input"))
    assert dataset.annotations["value"].tolist() == [cell]


def test_a_column_in_which_each_cell_is_a_list_of_one_text_holds_these_texts(tmp_path):
    table = 'file_id,note\nf1,"[""a""]"\nf2,\nf3,"[""[1]""]"\n'
    dataset = read(tmp_path, table, categories=template(note="input"))
    assert dataset.annotations["value"].tolist() == ["a", "[1]"]
    table = 'file_id,note\nf1,"[""a""]"\nf2,plain\n'
    dataset = read(tmp_path, table, categories=template(note="input"))
    assert dataset.annotations["value"].tolist() == ['["a"]', "plain"]


@pytest.mark.parametrize("name", ["remarks", "file_name", "file_status", "created_at"])
def test_a_question_that_is_called_like_a_column_of_files_is_the_second_of_that_name(tmp_path, name):
    told = {"remarks": "blurred", "file_name": "a.jpg", "file_status": "accepted", "created_at": "1758605248989"}
    table = f"file_id,{','.join(told)},{name}\nf1,{','.join(told.values())},an answer\n"
    dataset = read(tmp_path, table, categories=template(**{name: "input"}))
    file = dataset.files.iloc[0]
    assert file[["remarks", "file_name", "status"]].tolist() == ["blurred", "a.jpg", "accepted"]
    assert file["created_at"] == pd.Timestamp(1758605248989, unit="ms", tz="UTC")
    assert dataset.annotations[["category", "value"]].values.tolist() == [[name, "an answer"]]


def test_two_columns_of_one_name_are_two_questions(tmp_path):
    categories = template(car="radio", van="radio")
    categories["name"] = "car"
    dataset = read(tmp_path, "file_id,car,car\nf1,red,blue\n", categories=categories)
    assert dataset.annotations[["question_id", "value"]].values.tolist() == [["q0", "red"], ["q1", "blue"]]
    assert dataset.raw.columns.tolist() == ["file_id", "car", "car"]


def test_a_row_an_answer_is_recognised_by_its_question_column(tmp_path):
    dataset = read(
        tmp_path,
        "file_id,file_status,question_name,question_type,answer\n"
        'f1,accepted,tags,select,"[""a"",""b""]"\nf2,review,,,\nf1,accepted,mood,radio,good\n',
    )
    assert dataset.files["file_id"].tolist() == ["f1", "f2"]
    assert dataset.annotations[["file_id", "category", "value"]].values.tolist() == [
        ["f1", "tags", "a"], ["f1", "tags", "b"], ["f1", "mood", "good"],
    ]  # fmt: skip


def test_a_row_longer_than_the_header_is_kept_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="more cells than the header"):
        dataset = read(tmp_path, HEADER + "\nf1,a.jpg,accepted\nf2,b.jpg,review,9,8\nf3,,\n")
    assert dataset.files["file_id"].tolist() == ["f1", "f2", "f3"]
    assert json.loads(dataset.files["extra"][1]) == {"surplus": ["9", "8"]}


def test_a_measure_that_is_none_is_kept_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="not_a_number"):
        dataset = read(tmp_path, "file_id,image_width,created_at\nf1,wide,1758605248989\n")
    assert dataset.files["width"].isna().all()
    assert json.loads(dataset.files["extra"][0]) == {"image_width": "wide"}
    assert dataset.files["created_at"][0] == pd.Timestamp(1758605248989, unit="ms", tz="UTC")


def test_a_cell_that_should_be_json_and_is_not_is_kept_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="bad_segmentation"):
        dataset = read(tmp_path, "file_id,car\nf1,[{broken\n", categories=template(car="polygon"))
    assert dataset.annotations.empty
    assert json.loads(dataset.files["extra"][0]) == {"car": "[{broken"}


BOXES = [{"answer_id": "a", "answer": {"xmin": 1, "ymin": 1, "xmax": 5, "ymax": 5}}]


def accepted(*cells):
    """A table without a template: a cell of boxes, and a word, in the columns `car` and `weather`."""
    quoted = ['"' + cell.replace('"', '""') + '"' for pair in cells for cell in pair]
    rows = [f"f{row},accepted,{quoted[2 * row]},{quoted[2 * row + 1]}\n" for row in range(len(cells))]
    return "file_id,file_status,car,weather\n" + "".join(rows)


def test_a_file_of_words_that_nobody_understands_is_no_negative(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = read(tmp_path, accepted((json.dumps(BOXES), "sunny"), ("", "sunny"), ("", "")))
    states = dataset.files["label_state"]
    assert states.isna().tolist() == [False, True, False]
    assert states.dropna().tolist() == ["labelled", "negative"]
    assert dataset.issues[["code", "table", "id", "position"]].values.tolist() == [
        ["unparsed_answer", "files", "f1", 1],
    ]
    with pytest.warns(lds.LabellerrWarning, match="label_state is unknown"):
        written = dataset.to_yolo(tmp_path / "yolo")
    assert "f1" not in {path.stem for path in (written.folder / "labels").rglob("*.txt")}


def test_a_cell_that_was_cut_is_no_answer_and_its_file_no_negative(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = read(tmp_path, accepted((json.dumps(BOXES), ""), (json.dumps(BOXES)[:-9], "")))
    assert dataset.annotations["file_id"].tolist() == ["f0"]
    assert dataset.files["label_state"].isna().tolist() == [False, True]
    assert json.loads(dataset.files["extra"][1])["car"] == json.dumps(BOXES)[:-9]


def test_cells_in_pythons_own_writing_are_read(tmp_path):
    dataset = read(tmp_path, accepted((str(BOXES), ""), (str([{**BOXES[0], "answer_id": None}]), "")))
    assert dataset.annotations["bbox_width"].tolist() == [4, 4]
    assert dataset.issues.empty


def test_newlines_in_cells_and_long_cells_are_kept(tmp_path):
    long = "x" * 200_000
    dataset = read(tmp_path, f'file_id,remarks\nf1,"two\nlines"\nf2,{long}\n')
    assert dataset.files["remarks"].tolist() == ["two\nlines", long]


def test_only_a_header_is_a_dataset_of_no_files(tmp_path):
    assert len(read(tmp_path, HEADER + "\n")) == 0


def test_a_question_named_like_a_file_column_is_the_question(tmp_path):
    dataset = read(tmp_path, "file_id,status\nf1,happy\n", categories=template(status="radio"))
    assert dataset.annotations["value"].tolist() == ["happy"]
    assert dataset.files["status"].isna().all()


def test_a_table_cut_short_within_a_cell_is_an_error(tmp_path):
    with pytest.raises(lds.ReadError, match="cut short"):
        read(tmp_path, HEADER + '\nf1,a.jpg,accepted\nf2,"b, cut')


def test_a_row_shorter_than_the_header_is_kept_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="fewer cells than the header"):
        dataset = read(tmp_path, HEADER + "\nf1,a.jpg,accepted\nf2,b.j")
    assert dataset.files["file_id"].tolist() == ["f1", "f2"]
    assert dataset.issues["id"].tolist() == ["f2"]


def test_a_warning_points_at_the_call(tmp_path):
    with pytest.warns(lds.LabellerrWarning) as warned:
        read(tmp_path, "file_id,status\nf1,frozen\n")
    assert warned[0].filename == __file__


def test_a_letter_of_two_bytes_where_the_look_at_the_header_ends_leaves_the_header_as_it_is(tmp_path):
    header = "file_id,größe\n"
    filler = "f1," + "x" * (HEADER_BYTES - len(header.encode()) - len("f1,") - 1)
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = read(tmp_path, header + filler + "é\n")  # its first byte is the last one that is looked at
    assert list(dataset.raw.columns) == ["file_id", "größe"]


pieces = st.lists(
    st.sampled_from(["a", '"', '""', ",", "\n", " ", "\r\n", "\r", '"q"', '"q,"', "é", '"\n"']), max_size=9
)


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(pieces.map("".join), min_size=1, max_size=4))
def test_the_quick_reader_of_cells_takes_a_table_only_where_it_gives_what_the_careful_one_gives(rows):
    body = "a,b\n" + "\n".join(rows)
    quick = csv_cells.even_cells(body.encode(), ",", 2)
    if quick is None:
        return
    _, columns, odd_rows = csv_cells.careful_cells(body)
    assert [column.to_pylist() for column in quick] == columns
    assert odd_rows == {}


answer_cells = st.one_of(
    st.sampled_from(["", "null", "[]", "[{}]", '"word"', "sunny", "true", "5", "[[", "{}", '["a","b"]', '["a", 1]']),
    questions(nested=True).map(lambda question: json.dumps(question["answer"])),
)


@settings(max_examples=examples(200), deadline=None)
@given(
    cells=st.lists(answer_cells, min_size=1, max_size=5),
    kind=st.sampled_from([None, "BoundingBox", "polygon", "polyline", "dot", "radio", "select", "input", "stt", "new"]),
)
def test_both_lanes_read_the_same_of_a_cell(cells, kind):
    def read(typed):
        answers = Answers(IssueLog(), reports_missing_types=False)
        question = Question("q", "car", kind)
        for row, cell in enumerate(cells):
            answers.rows.begin(row, f"f{row}")
            if not typed or not TypedAnswers(answers).answer(question, cell):
                answers.answer(question, csv._answer(cell, kind))
        columns, length = answers.rows.take()
        issues, keys = answers.rows.issues.take()
        return table("annotations", columns, length), issues, keys, answers.questions

    (quick, *rest), (careful, *careful_rest) = read(typed=True), read(typed=False)
    assert rest == careful_rest
    assert [by_value(row) for row in quick.to_pylist()] == [by_value(row) for row in careful.to_pylist()]


def by_value(row):
    return {**row, "extra": row["extra"] and json.loads(row["extra"])}


KINDS = ["BoundingBox", "polygon", "polyline", "dot", "radio", "select", "input", "stt"]


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=3).flatmap(
        lambda kinds: st.tuples(
            st.just(kinds), st.lists(st.tuples(*(usual_cells(kind) for kind in kinds)), min_size=1, max_size=5)
        )
    ),
    st.booleans(),
)
def test_whole_columns_and_cell_by_cell_give_the_same(tmp_path_factory, kinds_and_rows, with_template):
    kinds, rows = kinds_and_rows
    path = tmp_path_factory.mktemp("columns") / "export.csv"
    names = [f"c{place}" for place in range(len(kinds))]
    with path.open("w", newline="", encoding="utf-8") as out:
        table_of_all = csv_module.writer(out)
        table_of_all.writerow(["file_id", "file_status", *names])
        table_of_all.writerows([f"f{row}", "accepted", *cells] for row, cells in enumerate(rows))
    categories = template(**dict(zip(names, kinds, strict=True))) if with_template else None

    def read_all():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lds.LabellerrWarning)
            return lds.read_export(path, categories=categories)

    at_once = read_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TypedAnswers, "table", lambda *_: None)
        assert_equal_frames(at_once, read_all())


def usual_cells(kind):
    return st.just("") | questions(nested=False).filter(lambda question: question["question_type"] == kind).map(
        lambda question: question["answer"] if isinstance(question["answer"], str) else json.dumps(question["answer"])
    )


@pytest.mark.parametrize(
    "header",
    [
        'file_id;file_name;"what, when, where, who, why"',
        "file_id;file_name;what, when, where, who, why",
        '"what, when, where, who, why";file_name;file_id',
    ],
)
@pytest.mark.parametrize("form", [None, "csv"])
def test_a_table_with_semicolons_may_have_commas_in_the_names_of_its_columns(tmp_path, header, form):
    cells = {"file_id": "f1", "file_name": "a.jpg"}
    row = ";".join(cells.get(name, "x") for name in header.split(";"))
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n")
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = lds.read_export(tmp_path / "t.csv", format=form)
    assert dataset.files["file_name"].tolist() == ["a.jpg"]
    assert json.loads(dataset.files["extra"][0]) == {"what, when, where, who, why": "x"}
