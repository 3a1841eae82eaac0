"""The package as a whole: its names, its weight, its papers."""

from __future__ import annotations

import ast
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from canary import leaks

import labellerr_ds as lds

ROOT = pathlib.Path(__file__).parents[1]
HEAVY = ["matplotlib", "ipywidgets", "pycocotools", "requests", "msgspec", "IPython", "werkzeug", "typer", "boto3"]
FIXED = [
    "AmbiguousCreateError", "AnnotationViewer", "AuthError", "Client", "Dataset", "EmptyExportError",
    "ExportFailedError", "ExportFormat", "ExportJob", "ExportPicker", "ExportTimeoutError", "FileStatus",
    "InvalidArgumentError", "LabellerrError", "ReadError", "S3Destination", "__version__", "compare", "concat",
    "create_export", "create_s3_connection", "export_dataset", "export_to_coco", "export_to_dataframe",
    "read_export", "Comparison", "ConversionReport", "Sandbox", "Split", "SyncResult", "convert_exports", "open_image",
]  # fmt: skip


def test_importing_loads_nothing_heavy():
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, labellerr_ds; print([name for name in {HEAVY} if name in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_name_is_there(name):
    assert getattr(lds, name) is not None
    assert name in lds.__all__


def test_names_loaded_late_are_the_names_that_editors_see():
    tree = ast.parse((ROOT / "labellerr_ds" / "__init__.py").read_text())
    seen = {
        alias.asname: node.module.removeprefix("labellerr_ds.")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == lds._HOMES
    assert set(seen) <= set(dir(lds))


def test_no_public_name_is_the_name_of_a_module():
    modules = {path.stem for path in (ROOT / "labellerr_ds").iterdir()}
    assert not modules & set(lds._HOMES)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'export_to_datafame'"):
        lds.export_to_datafame  # noqa: B018


def test_dir_lists_the_public_names_alone():
    assert dir(lds) == sorted(lds.__all__)


@pytest.mark.parametrize(
    "door", ["export_dataset", "export_to_dataframe", "export_to_coco", "create_export", "read_export"]
)
def test_every_keyword_of_a_door_is_spelled_out_and_described(door):
    function = getattr(lds, door)
    parameters = inspect.signature(function).parameters
    assert not [name for name, each in parameters.items() if each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    section = function.__doc__.split("Parameters\n", 1)[1].split("Returns\n", 1)[0]
    described = {
        name.strip() for line in section.splitlines() if " : " in line for name in line.split(" : ")[0].split(",")
    }
    assert set(parameters) <= described


@pytest.mark.parametrize("name", [name for name in lds.__all__ if inspect.isfunction(getattr(lds, name))])
def test_every_public_function_says_what_it_takes_gives_and_shows_an_example(name):
    words = getattr(lds, name).__doc__
    assert all(f"{section}\n" in words for section in ("Parameters", "Returns", "Examples"))


def requirements(text: str) -> dict[str, str]:
    names = {"matplotlib-base": "matplotlib"}
    found = re.findall(r"^\s*[-\"]\s*\"?([a-z0-9-]+)([<>=!,.0-9]*)\"?,?$", text, re.MULTILINE)
    return {names.get(name, name): version for name, version in found if name not in ("pip", "python", "labellerr-ds")}


def test_the_conda_environment_has_the_dependencies_of_the_package():
    declared = (ROOT / "pyproject.toml").read_text().split("dependencies = [", 1)[1].split("\n]", 1)[0]
    ours = requirements(declared.replace('  "', "- ").replace('",', ""))
    assert ours
    assert requirements((ROOT / "environment.yml").read_text()) == ours


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_committed_with_outputs_and_without_secrets(path):
    text = path.read_text()
    notebook = json.loads(text)
    assert any(cell.get("outputs") for cell in notebook["cells"])
    assert "widgets" not in notebook["metadata"]
    assert not leaks(text)
    assert "Signature" not in text
    assert "api_secret" not in text


LEAKS = {
    "printed": "print(sandbox.api_secret)",
    "logged": "import logging; logging.getLogger('any').debug(sandbox.api_key)",
    "a link": "print('https://bucket/file?X-Amz-Signature=abc')",
}


@pytest.mark.parametrize("how", LEAKS)
def test_the_scan_for_secrets_finds_a_deliberate_leak(tmp_path, how):
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_leak.py").write_text(f"def test_leak(sandbox):\n    {LEAKS[how]}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    ran = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert "1 passed, 1 error" in ran.stdout, ran.stdout[-2000:]  # the scan comes after the test
    assert "assert not " in ran.stdout


def test_the_readme_names_every_command():
    from labellerr_ds.cli.app import app

    readme = (ROOT / "README.md").read_text()
    for command in app.registered_commands:
        assert f"labellerr-ds {command.callback.__name__}" in readme


@pytest.mark.parametrize("chosen", [(0, 1), (0, 3)])
def test_the_blocks_of_the_readme_run_as_they_stand(tmp_path, chosen):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4  # the third needs a bucket
    code = "\n".join(blocks[place] for place in chosen)
    command = [sys.executable, "-W", "ignore", "-c", code]
    environment = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_issue_code_that_is_told_has_its_sentence():
    from labellerr_ds.frames import schema

    source = "".join(path.read_text() for path in (ROOT / "labellerr_ds").rglob("*.py"))
    for code in schema.ISSUE_CODES:
        assert source.count(f'"{code}"') > 1, f"{code} is never told"


def test_work_markers_are_not_left_behind():
    # the marker words are put together here, so that this file holds none
    words = ["TO" + "DO", "FIX" + "ME", "X" * 3]
    for path in (ROOT / "labellerr_ds").rglob("*.py"):
        assert not [word for word in words if word in path.read_text()], path
