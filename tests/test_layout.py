"""The layout of the package: its rooms, what they import, and what users see of them."""

from __future__ import annotations

import ast
import json
import pathlib
import re

import pytest
from import_graph import PACKAGE, cycles, import_graph

import labellerr_ds as lds

ROOT = pathlib.Path(__file__).parents[1]
ROOMS = {
    "api", "cli", "widgets", "mirror", "distributed", "exports", "dataset", "analysis", "formats", "storage", "service",
    "frames", "images", "shapes", "core", "sandbox",
}  # fmt: skip
OF_TESTS = {"browser", "docs", "faults", "hand", "interop", "samples", "typing"}
SHARED_BY_FORMATS = {"answers"}


def folders(path: pathlib.Path) -> set[str]:
    return {inside.name for inside in path.iterdir() if inside.is_dir() and inside.name != "__pycache__"}


def test_the_root_of_the_package_has_its_rooms_alone():
    assert folders(PACKAGE) == ROOMS
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "py.typed"}


def test_no_module_imports_itself_through_others():
    graph = import_graph()
    assert len(graph) > 150
    assert cycles(graph) == []


def test_a_circle_would_be_noticed():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_says_what_it_is_in_eight_lines(room):
    text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    assert text
    assert 2 <= len(text.splitlines()) <= 8


def test_formats_do_not_import_each_other():
    formats = folders(PACKAGE / "formats")
    assert len(formats) == 10
    for module, imported in import_graph().items():
        own = re.match(r"labellerr_ds\.formats\.(\w+)\.", module)
        for name in imported if own else ():
            other = re.match(r"labellerr_ds\.formats\.(\w+)(\.|$)", name)
            if other and other[1] in formats - SHARED_BY_FORMATS:
                assert other[1] == own[1], f"{module} imports {name}"


def test_the_tests_mirror_the_package():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        folder = path.parent.relative_to(ROOT / "tests")
        if folder.parts and folder.parts[0] not in OF_TESTS:
            assert (PACKAGE / folder).is_dir(), f"{folder} is no folder of the package"


# --- what users see

PUBLIC = {
    lds.Client: {
        "api_key", "api_secret", "base_url", "client_id", "delete_s3_connection", "project", "projects",
        "s3_connections", "sandbox",
    },
    lds.Project: {"categories", "data_type", "exports", "name", "project_id"},
    lds.Dataset: {
        "annotations", "categories", "download_images", "draw", "files", "info", "issues", "only", "plot",
        "predictions", "raw", "remap", "split", "to_coco", "to_coco_json", "to_frame", "to_huggingface", "to_panoptic",
        "to_parquet", "to_pascal_voc", "to_yolo", "where", "with_predictions",
    },
    lds.ExportJob: {
        "created_at", "dashboard_url", "destination", "download", "link", "load", "name", "project", "report_id",
        "request", "status", "wait",
    },
    lds.Split: {"balance", "files", "leaks", "save"},
}  # fmt: skip


def test_completion_shows_what_users_call_and_nothing_else(client, project):
    dataset = lds.export_dataset(project, ["accepted"], progress=False)
    job = lds.create_export(project, ["accepted"])
    for shown in (client, project, dataset, job, dataset.split()):
        assert {name for name in dir(shown) if not name.startswith("_")} == PUBLIC[type(shown)]


def sources() -> dict[str, str]:
    """The Python of the README, the guides and the notebooks."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
    found = {
        path.name: "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL))
        for path in pages
    }
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        found[path.name] = "\n".join(re.sub(r"^[%!].*$", "", text, flags=re.MULTILINE) for text in code)
    return found


@pytest.mark.parametrize("name", sources())
def test_the_docs_and_notebooks_import_public_names_alone(name):
    modules = re.findall(r"^\s*(?:from|import) (labellerr_ds\.[\w.]+)", sources()[name], re.MULTILINE)
    assert modules == []
    for names in re.findall(r"^\s*from labellerr_ds import ([^\n(]+)", sources()[name], re.MULTILINE):
        assert {part.split(" as ")[0].strip() for part in names.split(",")} <= set(lds.__all__)
