"""The servers and the browser, each started once; at the end of a test nobody may have complained."""

from __future__ import annotations

import re

import pytest
from canary import leaks
from servers import KINDS, Notebook, Page, chromium, serving, write


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Addresses and folders of servers by their kind."""
    started, running = {}, []

    def start(kind):
        if kind not in started:
            root = tmp_path_factory.mktemp("notebooks")
            context = serving(kind, tmp_path_factory.mktemp(kind), root)
            started[kind] = (context.__enter__(), root)
            running.append(context)
        return started[kind]

    yield start
    for context in running:
        context.__exit__(None, None, None)
    for _, root in started.values():
        for path in root.rglob("*.ipynb"):
            assert not leaks(path.read_text()), path.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Of a test that fails, what was seen is saved where pictures are asked for."""
    report = yield
    if report.when == "call" and report.failed:
        for number, each in enumerate(item.funcargs.get("opened", [])):
            each.picture(f"failed_{item.name}_{number}")
    return report


@pytest.fixture(scope="session")
def own_words(server, browser):
    """What each kind complains of, and asks other hosts for, in a notebook without a panel."""
    known = {}

    def told(kind):
        if kind not in known:
            address, root = server(kind)
            write(root / "plain.ipynb", "print('ready' + ' to go')")
            found = (Page if kind == "voila" else Notebook)(browser.new_page())
            found.page.goto(f"{address}/{KINDS[kind][1].format('plain.ipynb')}")
            if kind != "voila":
                found.run()
            found.page.get_by_text("ready to go").wait_for(timeout=60000)
            known[kind] = ({_words(text) for text in found.complaints}, set(found.away))
            found.page.close()
        return known[kind]

    return told


def _expected(told, page, known):
    return _words(told) in known or any(word in told for word in ("favicon", *page.expected))


def _words(complaint):
    return re.sub(r"[^A-Za-z ]+", " ", complaint)[:80]


@pytest.fixture
def opened(own_words):
    """Pages that are closed at the end; nothing was complained of, and nothing asked for elsewhere."""
    pages = []
    yield pages
    for each in pages:
        assert not leaks(each.page.content())
        each.page.close()
        complaints, away = own_words(each.kind) if each.kind in KINDS and each.kind != "lab" else (set(), set())
        assert [url for url in each.away if url not in away] == []
        # a browser asks for an icon of the page by itself
        assert [told for told in each.complaints if not _expected(told, each, complaints)] == []


@pytest.fixture
def notebook(server, browser, request, opened):
    """Opens a notebook of some cells, and runs them."""

    def open_one(*cells, kind="lab", theme="JupyterLab Light"):
        address, root = server(kind)
        name = re.sub(r"\W+", "_", f"{request.node.name}_{len(opened)}") + ".ipynb"  # a kernel stays with its name
        write(root / name, *cells)
        page = browser.new_page()
        found = (Page if kind == "voila" else Notebook)(page)
        found.kind, found.path, found.address = kind, root / name, f"{address}/{KINDS[kind][1].format(name)}"
        opened.append(found)
        page.goto(found.address)
        if kind != "voila":
            found.run()
        if kind == "lab":
            found.command("apputils:change-theme", theme=theme)
        return found

    return open_one
