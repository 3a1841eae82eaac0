"""The documentation site: complete, and of this host alone."""

from __future__ import annotations

import html
import pathlib
import re
from html.parser import HTMLParser

import pytest

import labellerr_ds as lds
from labellerr_ds.analysis.quality import PROBLEMS
from labellerr_ds.core import errors
from labellerr_ds.frames import schema

DOCS = pathlib.Path(__file__).parents[2] / "docs"
GUIDES = sorted((DOCS / "guide").glob("*.md"))
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


class Fetched(HTMLParser):
    """What a page makes a browser fetch, and the texts that alternatives hold."""

    def __init__(self):
        super().__init__()
        self.addresses, self.unnamed = [], []

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        if tag in FETCHED and told.get(FETCHED[tag]):
            self.addresses.append(told[FETCHED[tag]])
        if tag == "img" and "alt" not in told:
            self.unnamed.append(told.get("src"))


def text(site, page):
    body = (site / page).read_text(encoding="utf-8")
    return html.unescape(re.sub(r"<[^>]+>", "", body))


def test_no_script_style_font_or_picture_is_of_another_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        found = Fetched()
        found.feed(page.read_text(encoding="utf-8"))
        assert [each for each in found.addresses if re.match(r"(https?:)?//", each)] == [], page
        assert found.unnamed == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import\s+[\"'](https?:)?//", style.read_text("utf-8")), style


def test_every_column_of_every_frame_is_told_with_its_dtype(site):
    page = text(site, "reference/frames.html")
    for table, columns in schema.TABLES.items():
        assert table in page
        for column in columns:
            assert column.name in page
            assert column.doc.replace("`", "") in page


def test_every_error_is_told_with_what_to_do(site):
    source = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    for name in lds.__all__:
        found = getattr(lds, name)
        told = isinstance(found, type) and issubclass(found, errors.LabellerrError | errors.LabellerrWarning)
        if told and found is not lds.LabellerrError:
            assert f"## {name}\n" in source
            assert "**" in source.split(f"## {name}\n")[1].split("\n## ")[0], f"{name}: what to do is not told"


def test_every_issue_and_problem_is_told(site):
    page = text(site, "reference/issues.html")
    for word in (*schema.ISSUE_CODES, *PROBLEMS):
        assert word in page


def test_every_public_name_is_in_the_reference(site):
    page = (site / "reference" / "api.html").read_text(encoding="utf-8") + text(site, "reference/errors.html")
    for name in lds.__all__:
        assert name == "__version__" or f'id="labellerr_ds.{name}"' in page or name in page


def test_every_command_and_notebook_is_there(site):
    page = text(site, "reference/commands.html")
    for command in ("demo", "projects", "exports", "export", "connections", "show", "sandbox"):
        assert f"labellerr-ds {command}" in page
    assert "--allow-empty" in page
    for notebook in (DOCS.parent / "notebooks").glob("*.ipynb"):
        assert (site / "notebooks" / f"{notebook.stem}.html").is_file()


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_the_python_of_a_guide_runs(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, guide.name, "exec"), names)
