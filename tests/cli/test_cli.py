"""The command line: data on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import io
import json
import pathlib
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

import labellerr_ds as lds
from labellerr_ds.cli.app import app
from labellerr_ds.sandbox import Sandbox

SAMPLES = pathlib.Path(__file__).parents[1] / "samples"


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def account(sandbox, monkeypatch):
    for name in ("api_key", "api_secret", "client_id", "base_url"):
        monkeypatch.setenv(f"LABELLERR_{name.upper()}", getattr(sandbox, name))
    return sandbox


def test_demo_prints_four_tables_and_where_the_files_are(tmp_path):
    result = run("demo", "--out", str(tmp_path), "--files", "20")
    assert result.exit_code == 0, result.output
    for form in lds.ExportFormat:
        assert f'format="{form}"' in result.stdout
    assert "simulation" in result.stderr
    assert len(list(tmp_path.iterdir())) == 4
    assert str(tmp_path) in result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        "street.json", "street.coco.json", "street.csv", "street.masks.zip",
    }  # fmt: skip
    assert run("demo", "--out", str(tmp_path), "--files", "20").exit_code == 0  # and once more, into the same
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_projects(account, form):
    result = run("projects", "--as", form)
    assert result.exit_code == 0
    assert "Street scenes" in result.stdout
    if form == "json":
        assert json.loads(result.stdout)[0]["project_id"] == account.project_ids[0]


@pytest.mark.parametrize("option", ["--out", "--coco"])
def test_export_refuses_a_file_that_exists_before_anything_is_asked_for(account, tmp_path, option):
    target = tmp_path / "labels.json"
    target.write_text("mine")
    project = lds.Client.sandbox(account).project(account.project_ids[0])
    count = len(project.exports())
    arguments = ["export", account.project_ids[0], "--status", "accepted", option, str(target), "--quiet"]
    result = run(*arguments)
    assert (result.exit_code, target.read_text(), len(project.exports())) == (2, "mine", count)
    assert "exists already. hint: --overwrite" in " ".join(result.stderr.split())
    assert run(*arguments, "--overwrite").exit_code == 0
    assert json.loads(target.read_text())


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_export_writes_a_frame(account, tmp_path, ending):
    out = tmp_path / f"labels.{ending}"
    arguments = ["--status", "accepted", "--since", "90d", "--format", "coco_json", "--out", str(out), "--quiet"]
    result = run("export", account.project_ids[0], *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out)
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "json": pd.read_json}[ending](out)
    assert set(read["status"]) == {"accepted"}
    if ending == "json":
        assert isinstance(json.loads(out.read_text())[0]["segmentation"], list | None)
    assert run("exports", account.project_ids[0]).exit_code == 0


def test_export_writes_coco_and_shows_a_table(account, tmp_path):
    coco = tmp_path / "coco.json"
    arguments = ["--status", "accepted,review", "--format", "coco_json", "--coco", str(coco)]
    assert run("export", account.project_ids[0], *arguments).exit_code == 0
    assert json.loads(coco.read_text())["images"]
    result = run("export", account.project_ids[0], "--status", "all", "--level", "file", "--keep", str(tmp_path))
    assert "file_name" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--status", "acepted"], 2, "did you mean 'accepted'"),
        (["--status", "all", "--format", "xml"], 2, "unknown export format"),
        (["--status", "all", "--since", "12"], 2, "hint: --since 12d"),
        (["--status", "all", "--out", "x.xlsx"], 2, "must end in .parquet"),
        (["--status", "all", "--out", "/nowhere/x.csv"], 2, "no folder"),
        (["--status", "all", "--since", "0s"], 3, "no files"),
    ],
)
def test_a_wrong_call_says_why_and_has_its_code(account, arguments, code, words):
    result = run("export", account.project_ids[0], *arguments)
    assert result.exit_code == code
    assert words in " ".join(result.stderr.split())
    assert result.stdout == ""


@pytest.mark.parametrize("to", ["s3://labels/cli/", "labels/cli"])
def test_an_export_goes_into_a_bucket_and_is_read_from_there(moto, own_keys, monkeypatch, to):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    with Sandbox(files=12, export_seconds=0) as served:  # it finds the store by AWS_ENDPOINT_URL, as boto3 does
        for name in ("api_key", "api_secret", "client_id", "base_url"):
            monkeypatch.setenv(f"LABELLERR_{name.upper()}", getattr(served, name))
        made = lds.create_s3_connection(lds.Client(), name="nightly", bucket_path="labels/cli/")
        assert made in run("connections", "--as", "csv").stdout
        result = run(
            "export", served.project_ids[0], "--status", "all", "--level", "file", "--to", to, "--connection", made
        )
        assert result.exit_code == 0, result.output
        assert "12 files" in result.stderr
        shown = run("show", "s3://labels/cli/")
        assert "12 files" in shown.stderr or "24 files" in shown.stderr  # the other case wrote there as well


def test_a_bucket_without_a_connection_is_a_wrong_call(account):
    for option in (["--to", "s3://labels/x/"], ["--connection", "c"]):
        result = run("export", account.project_ids[0], "--status", "all", *option)
        assert result.exit_code == 2
        assert "an export into S3 needs" in result.stderr


def test_without_keys_it_says_which_are_missing():
    result = run("projects")
    assert result.exit_code == 1
    assert "LABELLERR_API_KEY" in result.stderr


def test_show_reads_a_file_and_tells_its_issues(tmp_path):
    result = run("show", str(SAMPLES / "native_review.json"))
    assert "1000384.jpg" in result.stdout
    (tmp_path / "odd.json").write_text('[{"file_id": "f", "file_status": "frozen"}]')
    result = run("show", str(tmp_path / "odd.json"))
    assert "unknown_status" in result.stdout
    assert "warning" in result.stderr
    assert run("show", str(tmp_path / "none.json")).exit_code == 1


@pytest.mark.tells_keys
def test_sandbox_prints_the_lines_that_make_the_client_use_it(monkeypatch):
    process = subprocess.Popen(
        [sys.executable, "-m", "labellerr_ds", "sandbox", "--files", "15", "--variant", "list-flat"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        lines = [process.stdout.readline().strip() for _ in range(4)]
        for line in lines:
            name, value = line.removeprefix("export ").split("=", 1)
            monkeypatch.setenv(name, value)
        assert len(lds.Client().projects()) == 5
        process.terminate()


def test_sandbox_lists_its_variants_and_refuses_unknown_ones():
    assert "png-grey16" in run("sandbox", "--variants").stdout
    result = run("sandbox", "--variant", "png-grey17")
    assert result.exit_code == 2
    assert "unknown variant" in result.stderr


def test_help_names_the_commands():
    output = run("--help").output
    for name in ("demo", "projects", "exports", "connections", "export", "show", "sandbox"):
        assert name in output


def test_the_module_runs():
    told = subprocess.run([sys.executable, "-m", "labellerr_ds", "--help"], capture_output=True, text=True, check=True)
    assert "demo" in told.stdout


@pytest.fixture
def exported(account, tmp_path):
    """A project, and the report id and file of an export of it."""
    project = lds.Client.sandbox(account).project(account.project_ids[0])
    job = lds.create_export(project, "all", format="coco_json")
    job.wait(progress=False)
    return project.project_id, job.report_id, job.download(tmp_path / "served", progress=False)


def test_version():
    assert run("--version").stdout.strip() == f"labellerr-ds {lds.__version__}"


def test_an_export_that_was_created_before_is_picked_up(exported, tmp_path):
    project, report, served = exported
    assert run("status", project, report).stdout.strip() == "completed"
    unknown = run("status", project, "nothing")
    assert (unknown.exit_code, unknown.stdout) == (1, "unknown\n")
    assert "no export 'nothing' in this project" in unknown.stderr
    result = run("download", project, report, "--to", str(tmp_path / "again"), "--quiet")
    assert (tmp_path / "again" / served.name).read_bytes() == served.read_bytes()
    assert result.stdout.strip() == str(tmp_path / "again" / served.name)
    out = tmp_path / "labels.parquet"
    assert run("load", project, report, "--out", str(out), "--quiet").exit_code == 0
    assert len(pd.read_parquet(out)) == len(lds.read_export(served).annotations)
    assert run("load", project, report, "--out", str(out), "--quiet").exit_code == 2


def test_check_lists_the_problems_and_fails_where_there_are_some(exported, tmp_path):
    result = run("check", str(exported[2]), "--as", "json")
    problems = json.loads(result.stdout)
    assert result.exit_code == (1 if problems else 0)
    assert f"{len(problems):,} problems" in result.stderr
    clean = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 99, "height": 99}],
        "annotations": [],
        "categories": [],
    }
    (tmp_path / "clean.json").write_text(json.dumps(clean))
    assert run("check", str(tmp_path / "clean.json")).exit_code == 0


def test_compare_has_a_row_for_each_class(exported):
    result = run("compare", str(exported[2]), str(exported[2]), "--as", "json")
    assert result.exit_code == 0, result.output
    assert {row["category"] for row in json.loads(result.stdout)} >= {"car", "road"}
    assert " same, 0 moved" in result.stderr
    assert "Comparison(" not in result.stderr


@pytest.mark.parametrize("to", ["yolo", "voc", "coco", "panoptic", "hf"])
def test_convert_writes_what_trainers_read_and_replaces_nothing_by_itself(exported, account, tmp_path, to):
    project = lds.Client.sandbox(account).project(exported[0])
    images = tmp_path / "images"
    lds.read_export(exported[2]).download_images(images, project=project, progress=False)
    out = tmp_path / "out"
    arguments = ["convert", str(exported[2]), "--to", to, "--out", str(out), "--images", str(images)]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert out.exists()
    assert run(*arguments).exit_code == 2
    assert run(*arguments, "--overwrite").exit_code == 0


# --- a mirror


def test_the_command_syncs_and_says_what_it_did(account, tmp_path):
    project = account.project_ids[0]
    path = str(tmp_path / "mirror")
    out = tmp_path / "accepted.parquet"
    first = run("sync", project, "--mirror", path, "--json", "--quiet")
    assert first.exit_code == 0
    assert json.loads(first.stdout)["added"] == 24
    assert run("sync", project, "--mirror", path, "--quiet").exit_code == 0
    again = run(
        "sync", project, "--mirror", path, "--exit-code", "--statuses", "accepted", "--out", str(out), "--quiet"
    )
    assert again.exit_code == 3
    assert set(pd.read_parquet(out)["status"]) == {"accepted"}
    assert run("sync", "nope", "--mirror", path, "--quiet").exit_code == 1


def test_a_second_command_on_one_mirror_is_refused(account, tmp_path):
    mirror = lds.Mirror(tmp_path / "mirror")
    with mirror.alone():
        refused = run("sync", account.project_ids[0], "--mirror", mirror.path, "--quiet")
    assert refused.exit_code == 1
    assert "another sync is running" in refused.stderr


# --- for people and for other programs


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_has_the_columns_that_fit_and_cuts_and_wraps_nothing(account, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    result = run("projects")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == 6
    assert [line.split()[0] for line in lines[1:]] == account.project_ids
    assert ("hidden to fit" in result.stderr) == (width < 120)


def test_a_pipe_gets_every_column(account, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert run("projects").stdout.splitlines()[0].split()[-1] == "created_at"


def test_a_text_of_two_lines_is_one_row(account, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    result = run("export", account.project_ids[0], "--status", "all", "--quiet")
    assert len(result.stdout.splitlines()) == 21
    assert "20 of " in result.stderr


def test_no_name_in_an_export_steers_the_terminal(tmp_path):
    name = "a\x1b[31mb\x07\x08\x7f\x9b2Jc.jpg"
    (tmp_path / "e.json").write_text(json.dumps([{"file_id": "f", "file_name": name, "file_status": "no\x9b2J"}]))
    done = run("show", str(tmp_path / "e.json"), "--level", "file")
    assert r"a\e[31mb\x07\x08\x7f\x9b2Jc.jpg" in done.stdout
    assert not set("\x1b\x07\x08\x7f\x9b") & set(done.output)


def test_json_lines_have_a_row_each_with_its_shape(account):
    result = run("export", account.project_ids[0], "--status", "accepted", "--as", "jsonl", "--quiet")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    dataset = lds.export_dataset(
        lds.Client.sandbox(account).project(account.project_ids[0]), "accepted", progress=False
    )
    assert len(rows) == len(dataset.annotations)
    assert all(isinstance(row["segmentation"], list) for row in rows if row["type"] == "polygon")


def test_csv_and_parquet_go_to_stdout(account, tmp_path):
    project = account.project_ids[0]
    dash = run("export", project, "--status", "accepted", "--out", "-", "--quiet")
    assert dash.stdout == run("export", project, "--status", "accepted", "--as", "csv", "--quiet").stdout
    command = [sys.executable, "-m", "labellerr_ds", "export", project, "--status", "accepted", "--as", "parquet"]
    (tmp_path / "labels.parquet").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    assert len(pd.read_parquet(tmp_path / "labels.parquet")) == len(pd.read_csv(io.StringIO(dash.stdout)))


def test_a_reader_that_has_seen_enough_is_no_error(account):
    command = f"{sys.executable} -m labellerr_ds export {account.project_ids[0]} --status all --as jsonl | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "jsonl"])
def test_show_reads_what_export_wrote(account, tmp_path, ending):
    path = str(tmp_path / f"labels.{ending}")
    assert run("export", account.project_ids[0], "--status", "accepted", "--out", path, "--quiet").exit_code == 0
    result = run("show", path, "--rows", "3")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 4
    assert "3 of " in result.stderr


def test_out_and_as_together_are_a_wrong_call(account, tmp_path):
    path = str(tmp_path / "labels.csv")
    result = run("export", account.project_ids[0], "--status", "accepted", "--out", path, "--as", "json")
    assert result.exit_code == 2
    assert "--as is for stdout" in result.stderr


def test_no_message_speaks_python(account, tmp_path):
    project = account.project_ids[0]
    empty = run("export", project, "--status", "accepted", "--since", "1s", "--quiet")
    (tmp_path / "labels.csv").write_text("x")
    taken = run("export", project, "--status", "accepted", "--out", str(tmp_path / "labels.csv"), "--quiet")
    unknown = run("export", "nope", "--status", "accepted", "--quiet")
    assert [empty.exit_code, taken.exit_code, unknown.exit_code] == [3, 2, 1]
    for result in (empty, taken, unknown):
        assert not [word for word in ("=True", "()", "Client", "lds.") if word in result.stderr], result.stderr


# --- split, images, folders of others


@pytest.fixture
def served(account, tmp_path):
    """An export on disk."""
    project = account.project_ids[0]
    report = json.loads(run("exports", project, "--as", "json").stdout or "[]")
    if not report:
        run("export", project, "--status", "accepted", "--quiet")
        report = json.loads(run("exports", project, "--as", "json").stdout)
    done = run("download", project, report[0]["report_id"], "--to", str(tmp_path / "exports"), "--quiet")
    return done.stdout.strip()


def test_split_writes_which_file_is_where(served, tmp_path):
    out = tmp_path / "split.csv"
    assert run("split", served, "--out", str(out), "--shares", "0.5,0.25,0.25").exit_code == 0
    table = pd.read_csv(out)
    assert set(table["split"]) <= {"train", "val", "test"}
    again = tmp_path / "again.csv"
    assert run("split", served, "--out", str(again), "--previous", str(out), "--stratify").exit_code == 0
    assert pd.read_csv(again)["split"].tolist() == table["split"].tolist()
    shown = run("show", str(out))
    assert shown.stdout.splitlines()[0].split()[:3] == ["file_id", "file_name", "split"]
    assert "warning" not in shown.stderr
    wrong = run("split", served, "--out", str(tmp_path / "x.csv"), "--shares", "half")
    assert (wrong.exit_code, "three numbers" in wrong.stderr) == (2, True)


def test_images_are_downloaded_and_convert_and_show_take_the_folder(account, served, tmp_path):
    images = tmp_path / "images"
    result = run("images", account.project_ids[0], served, "--to", str(images), "--quiet")
    assert (result.exit_code, "downloaded" in result.stderr) == (0, True)
    yolo = str(tmp_path / "yolo")
    assert run("convert", served, "--to", "yolo", "--out", yolo, "--images", str(images)).exit_code == 0
    assert run("show", yolo).exit_code == 0
    assert run("convert", yolo, "--to", "voc", "--out", str(tmp_path / "voc")).exit_code == 0
    assert run("show", str(tmp_path / "voc")).exit_code == 0
    compared = run("compare", yolo, str(tmp_path / "voc"))
    assert compared.exit_code == 0, compared.output


def test_images_of_another_project_and_images_that_all_fail_are_one_line(account, served, tmp_path):
    other = run("images", account.project_ids[1], served, "--to", str(tmp_path / "images"), "--quiet")
    assert other.exit_code in (1, 2)
    assert len(other.stderr.splitlines()) <= 5, other.stderr
    assert f"is {account.project_ids[1]} the project of these files?" in other.stderr
    assert "Traceback" not in other.output


def test_what_is_said_of_a_result_has_no_words_of_python(served, tmp_path):
    results = [
        run("show", served),
        run("split", served, "--out", str(tmp_path / "s.csv")),
        run("convert", served, "--to", "coco", "--out", str(tmp_path / "c.json")),
        run("convert", served, "--to", "hf", "--out", str(tmp_path / "h")),
    ]
    said = "\n".join(result.stderr for result in results)
    for word in ("Dataset(", "Split(", "PosixPath", "Path(", "images="):
        assert word not in said
    assert "hint: --images" in said


def test_a_status_of_a_sync_is_checked_before_anything_is_asked_for(account, tmp_path):
    project, mirror = account.project_ids[0], tmp_path / "mirror"
    out = str(tmp_path / "rows.csv")
    result = run("sync", project, "--mirror", str(mirror), "--status", "accpeted", "--out", out)
    assert (result.exit_code, mirror.exists()) == (2, False)
    assert "did you mean" in result.stderr
    done = run("sync", project, "--mirror", str(mirror), "--statuses", "accepted,review", "--out", out, "--quiet")
    assert done.exit_code == 0, done.output
    assert set(pd.read_csv(out)["status"]) <= {"accepted", "review"}


def test_rows_are_counted_from_one(served):
    result = run("show", served, "--rows", "-3")
    assert (result.exit_code, "--rows" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["download", "images", "sync"])
def test_a_file_where_a_folder_is_needed_is_one_line(exported, tmp_path, command):
    project, report, served = exported
    target = tmp_path / "taken.txt"
    target.write_text("mine")
    arguments = {
        "download": [project, report, "--to", str(target)],
        "images": [project, str(served), "--to", str(target)],
        "sync": [project, "--mirror", str(target)],
    }
    result = run(command, *arguments[command])
    assert (result.exit_code, target.read_text()) == (2, "mine")
    assert "is a file; a folder is needed." in result.stderr.splitlines()[-1]


def test_a_mirror_is_not_made_among_other_files_and_is_shown_as_labels(account, tmp_path):
    project = account.project_ids[0]
    (tmp_path / "data.yaml").write_text("names: []")
    refused = run("sync", project, "--mirror", str(tmp_path), "--quiet")
    assert (refused.exit_code, "choose a new or an empty folder" in refused.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["data.yaml"]
    made = run("sync", project, "--mirror", str(tmp_path / "street"), "--quiet")
    assert (made.exit_code, "version 0, full: " in made.stderr, "SyncResult" in made.stderr) == (0, True, False)
    assert "file_name" in run("show", str(tmp_path / "street")).stdout.splitlines()[0]


def test_convert_takes_what_split_wrote(served, tmp_path):
    parts = tmp_path / "split.csv"
    run("split", served, "--out", str(parts), "--shares", "0.5,0.5,0")
    done = run("convert", served, "--to", "yolo", "--out", str(tmp_path / "yolo"), "--split", str(parts))
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "yolo" / "labels").iterdir()} <= {"train", "val"}
    assert "labels alone" in done.stderr
    assert "val in data.yaml is train" not in done.stderr
    alone = run("convert", served, "--to", "yolo", "--out", str(tmp_path / "alone"))
    assert "val in data.yaml is train" in alone.stderr
    wrong = run("convert", served, "--to", "voc", "--out", str(tmp_path / "voc"), "--split", str(tmp_path / "no.csv"))
    assert (wrong.exit_code, "--split: nothing exists" in wrong.stderr) == (2, True)


def test_rows_that_are_asked_for_hold_in_every_form(served):
    shown = run("show", served, "--as", "jsonl", "--rows", "2")
    assert len(shown.stdout.splitlines()) == 2
    assert len(run("show", served, "--as", "jsonl").stdout.splitlines()) > 2


@pytest.mark.parametrize("width", [60, 80])
def test_the_message_of_a_check_is_shortened_and_no_id_is(served, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("check", served).stdout.splitlines()
    assert all(len(line) <= width for line in lines)
    assert not lines or "message" in lines[0].split()


def test_ctrl_c_while_it_is_being_loaded_ends_without_a_traceback():
    code = "import builtins, labellerr_ds.__main__ as entry\nplain = builtins.__import__\n" + (
        "def stop(name, *rest, **more):\n"
        "    if name == 'labellerr_ds.cli.app':\n        raise KeyboardInterrupt\n"
        "    return plain(name, *rest, **more)\n"
        "builtins.__import__ = stop\nentry.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_words_of_a_path_are_left_as_they_are(account, tmp_path):
    path = tmp_path / "images=foo" / "since=7d.json"
    assert f"nothing exists at {str(path)!r}" in run("show", str(path)).stderr
    told = run("status", account.project_ids[0], "nothing").stderr
    assert f"labellerr-ds exports {account.project_ids[0]}" in told


def test_a_damaged_table_and_a_folder_that_is_not_there_are_one_line(served, tmp_path):
    (tmp_path / "b.parquet").write_bytes(b"PAR1 labellerr PAR1")
    for arguments in (
        ["show", str(tmp_path / "b.parquet")],
        ["split", served, "--out", str(tmp_path / "nowhere" / "x.csv")],
        ["convert", served, "--to", "coco", "--out", str(tmp_path / "nowhere" / "x.json")],
        ["demo", "--out", str(tmp_path / "b.parquet")],
    ):
        result = run(*arguments)
        assert result.exit_code in (1, 2), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), arguments
