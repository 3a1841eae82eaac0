"""Errors at the shell: the message that Python has, with paths as they are, and a hint in options and commands."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from typer.testing import CliRunner

import labellerr_ds as lds
from labellerr_ds.cli.app import app

ODD = "PROJECT since=1 client.projects() lds.read_yolo(x) --images"
FILE = {"file_id": "f1", "file_name": "a.jpg", "file_status": "accepted", "latest_answer": []}
NATIVE = json.dumps([FILE])


def text(path, content, encoding="utf-8"):
    path.write_text(content, encoding=encoding)
    return path


def zipped(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def masks_beside_an_export(folder):
    from PIL import Image

    Image.new("L", (4, 4), 1).save(folder / "m.png")
    text(folder / "export.json", NATIVE)
    return folder


def yolo_without_images(folder):
    (folder / "labels").mkdir()
    text(folder / "labels" / "a.txt", "0 0.5 0.5 0.1 0.1")
    return folder


READ = {
    "nothing there": lambda home: home / "a since=1.json",
    "an empty file": lambda home: text(home / "empty.json", ""),
    "cut short": lambda home: text(home / "cut PROJECT.json", NATIVE[:-5]),
    "no JSON": lambda home: text(home / "a=b.json", "[1,,]"),
    "a web page": lambda home: text(home / "page.json", "<html>expired</html>"),
    "an object of something else": lambda home: text(home / "o.json", '{"error": "no"}'),
    "a table of rows": lambda home: text(home / "t.csv", "annotation_id,file_id,category\na,f,c\n"),
    "a table cut short": lambda home: text(home / "cut.csv", 'file_id,file_name,x\nf1,a.jpg,"1'),
    "a damaged ZIP": lambda home: text(home / "z.zip", "PK\x03\x04 not a zip"),
    "a ZIP with names that lead out": lambda home: zipped(home / "out.zip", **{"../x_json": NATIVE}),
    "several formats": lambda home: zipped(home / "two.zip", a_json=NATIVE, b_csv="file_id,file_name\nf,a\n"),
    "masks beside an export": masks_beside_an_export,
    "labels without images": yolo_without_images,
    "an empty folder": lambda home: home,
    "COCO of captions": lambda home: text(
        home / "captions.json",
        json.dumps(
            {"images": [{"id": 1}], "annotations": [{"id": 1, "image_id": 1, "caption": "x"}], "categories": []}
        ),
    ),
    "not UTF-8": lambda home: (
        home / "latin.json" if (home / "latin.json").write_bytes(b'[{"file_id": "\xe9"}]') else home
    ),
}


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def python_error(path):
    try:
        return lds.read_export(path, progress=False)
    except lds.ReadError as error:
        if error.reader is None:
            return error
    try:
        return lds.read_yolo(path, progress=False)
    except lds.LabellerrError as error:
        return error


@pytest.mark.parametrize("command", ["show", "check", "convert"])
@pytest.mark.parametrize("name", READ)
def test_what_cannot_be_read_says_the_same_in_python_and_at_the_shell(tmp_path, name, command):
    home = tmp_path / ODD
    home.mkdir()
    path = READ[name](home)
    error = python_error(path)
    assert isinstance(error, lds.LabellerrError), error
    more = ["--to", "yolo", "--out", home / "out"] if command == "convert" else []
    result = run(command, path, *more)
    if name == "a table of rows" and command == "show":
        assert result.exit_code == 0  # it is what `export --out` writes
        return
    assert result.exit_code == (2 if isinstance(error, lds.InvalidArgumentError) else 1), result.output
    said, _, hint = result.stderr.partition("\nhint: ")
    assert said.strip() == error.message
    assert not re.search(r"\blds\.|\b[a-z_]+=|client\.", hint)
    if error.hint is not None and hint == "":
        assert not [step for step in error.hint.steps if step.kind == "advice"]


WRITE = {
    "convert": lambda home, file: ["convert", file, "--to", "coco", "--out", home / "there"],
    "split": lambda home, file: ["split", file, "--out", home / "there"],
}


@pytest.mark.parametrize("command", WRITE)
def test_a_target_that_is_there_is_named_as_it_is(tmp_path, command):
    home = tmp_path / ODD
    home.mkdir()
    file = text(home / "in.json", NATIVE)
    text(home / "there", "mine")
    result = run(*WRITE[command](home, file))
    assert result.exit_code == 2
    assert result.stderr == f"the file {str(home / 'there')!r} exists already.\nhint: --overwrite\n"


@pytest.fixture
def at_the_shell(sandbox, monkeypatch):
    for name in ("api_key", "api_secret", "client_id", "base_url"):
        monkeypatch.setenv(f"LABELLERR_{name.upper()}", getattr(sandbox, name))
    return sandbox


OF_SERVICE = {
    "unknown status": (["export", "{project}", "--status", "acepted"], 2, "did you mean 'accepted'?"),
    "a number as time": (["export", "{project}", "--status", "all", "--since", "7"], 2, "--since 7d"),
    "no time": (
        ["export", "{project}", "--status", "all", "--since", "PROJECT"],
        2,
        "--since 2026-11-01 or --since 7d",
    ),
    "unknown format": (["export", "{project}", "--status", "all", "--format", "jsom"], 2, "did you mean 'json'"),
    "no files": (["export", "{project}", "--status", "accepted", "--since", "2099-01-01"], 2, "--since"),
    "unknown project": (["exports", "client.projects() PROJECT"], 1, "`labellerr-ds projects`"),
    "nearly a project": (["exports", "Street scene"], 1, "did you mean 'Street scenes'"),
    "unknown report": (["load", "{project}", "since=1"], 1, "`labellerr-ds exports {project}`"),
    "an S3 folder without a connection": (["export", "{project}", "--status", "all", "--to", "s3://b/c/"], 2, ""),
    "a mirror among other files": (["sync", "{project}", "--mirror", "{home}"], 2, "choose a new or an empty folder"),
    "a bad ending": (["export", "{project}", "--status", "all", "--out", "{home}/x.doc"], 2, ""),
    "a folder that is not there": (["export", "{project}", "--status", "all", "--out", "{home}/no/x.csv"], 2, ""),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OF_SERVICE)
def test_what_the_service_or_a_call_refuses_has_a_hint_of_the_shell(at_the_shell, tmp_path, monkeypatch, name):
    monkeypatch.setattr("labellerr_ds.exports.polling.intervals", lambda first=1: iter([0.01] * 50))
    home = tmp_path / ODD
    home.mkdir()
    text(home / "notes.txt", "mine")
    project = at_the_shell.project_ids[0]
    arguments, code, expected = OF_SERVICE[name]
    result = run(*(argument.format(project=project, home=home) for argument in arguments))
    assert result.exit_code == code, result.output
    said, _, hint = result.stderr.partition("\nhint: ")
    assert expected.format(project=project) in hint
    assert not re.search(r"\blds\.|\b[a-z_]+=(?!1)|client\.|project\.[a-z]", hint)
    for argument in arguments:
        if argument in ("PROJECT", "client.projects() PROJECT", "since=1"):
            assert argument in said


def test_missing_keys_are_named_as_variables(monkeypatch):
    for name in ("API_KEY", "API_SECRET", "CLIENT_ID", "BASE_URL"):
        monkeypatch.delenv(f"LABELLERR_{name}", raising=False)
    monkeypatch.setattr("labellerr_ds.service.client._kept", lambda name: None)
    result = run("projects")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "hint: set LABELLERR_API_KEY and set LABELLERR_API_SECRET and set LABELLERR_CLIENT_ID or `labellerr-ds sandbox`"
    )
