"""A JupyterLab of the tests' own, and a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stores import free_port

TOKEN = "testtoken"
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = pathlib.Path(os.environ.get("LABELLERR_PICTURES", ""))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The address of a JupyterLab, and the folder of its notebooks."""
    home, root = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    told = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(told))
    environment = {**os.environ, "JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(home / name.lower())
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(home / "workspaces")
    environment["IPYTHONDIR"] = str(home / "ipython")
    (home / "ipython").mkdir()
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
        "--expose-app-in-browser", "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address, root
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    assert found, "the browser tests need Debian's chromium; scripts/test installs it where it may"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")), executable_path=found, headless=True, args=FLAGS,
            viewport={"width": 1300, "height": 1000},
        )  # fmt: skip
        yield context
        context.close()


class Notebook:
    """An open notebook: its page, and what the browser complained of and asked for."""

    def __init__(self, page, name):
        self.page, self.name = page, name
        self.complaints, self.away = [], []
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("a dialog opened"), dialog.dismiss()))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url):
        if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:")):
            self.away.append(url)

    def run(self):
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady", timeout=60000
        )
        self.page.evaluate(
            """async () => {
              const panel = window.jupyterapp.shell.currentWidget;
              await panel.sessionContext.ready;
              await panel.sessionContext.session.kernel.info;
              await window.jupyterapp.commands.execute('notebook:run-all-cells');
            }"""
        )

    def cells(self):
        """The sources and types of all cells, as the notebook's model has them."""
        return self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map(
              (cell) => [cell.type, cell.sharedModel.getSource()])"""
        )

    def execute(self, code):
        """Run code in the notebook's kernel; what it printed."""
        return self.page.evaluate(
            """async (code) => {
              const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
              let told = '';
              const future = kernel.requestExecute({ code });
              future.onIOPub = (message) => {
                if (message.header.msg_type === 'stream') told += message.content.text;
                if (message.header.msg_type === 'error') told += message.content.traceback.join('\\n');
              };
              await future.done;
              return told;
            }""",
            code,
        )

    def told(self, expression, expected, seconds=10):
        """Whether an expression comes to have a value: what a widget says takes a moment to arrive."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.execute(f"print(({expression}))").strip()
            if found == expected:
                return True
            time.sleep(0.2)
        raise AssertionError(f"{expression} is {found}, not {expected}")

    def picture(self, name):
        if str(PICTURES) != ".":
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(PICTURES / f"{name}.png"))


@pytest.fixture
def notebook(lab, browser, request):
    """Opens a notebook of some cells; at the end nothing was complained of, and nothing asked for elsewhere."""
    address, root = lab
    opened = []

    def open_one(*cells, theme=None):
        name = f"{request.node.name.split('[')[0]}.ipynb"
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(made, root / name)
        page = browser.new_page()
        found = Notebook(page, name)
        opened.append(found)
        page.goto(f"{address}/lab/tree/{name}?reset&token={TOKEN}")
        found.run()
        if theme:
            page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        return found

    yield open_one
    for found in opened:
        found.page.close()
        assert found.away == []
        assert [told for told in found.complaints if "favicon" not in told] == []
