"""A JupyterLab, Notebook 7 or Voila of one's own, and a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import nbformat

TOKEN = "testtoken"
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = os.environ.get("LABELLERR_PICTURES")
OWN = [
    "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser", "--allow-root",
    "--no-browser", "--ip=127.0.0.1",
]  # fmt: skip
KINDS = {  # how each is started, and where it shows a notebook
    "lab": (["jupyterlab", *OWN, "--LabApp.extension_manager=readonly"], "lab/tree/{}?reset&token=" + TOKEN),
    "notebook": (["notebook", *OWN], "notebooks/{}?token=" + TOKEN),
    "voila": (["voila", "--no-browser", "--Voila.ip=127.0.0.1"], "voila/render/{}"),
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def serving(kind, home, root):
    """Start one with folders of its own in `home`, its notebooks in `root`; gives its address."""
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
    module, *flags = KINDS[kind][0]
    place = (
        [f"--ServerApp.root_dir={root}", f"--port={port}"]
        if kind != "voila"
        else [f"--Voila.root_dir={root}", f"--Voila.port={port}", str(root)]
    )
    command = [sys.executable, "-m", module, *flags, *place]
    log = (home / "log").open("w")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/{'voila' if kind == 'voila' else 'api'}", timeout=1).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@contextmanager
def chromium(profile):
    """Debian's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    assert found, "the browser tests need Debian's chromium; scripts/test installs it where it may"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=found, headless=True, args=FLAGS, viewport={"width": 1300, "height": 1000},
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        yield context
        context.close()


def write(path, *cells, kernel="python3"):
    """A notebook of these cells."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": kernel, "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)


class Page:
    """An open page, and what the browser complained of and asked for."""

    kind = ""
    expected: tuple[str, ...] = ()  # words of complaints that a test brings about

    def __init__(self, page):
        self.page = page
        self.complaints, self.away = [], []
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("a dialog opened"), dialog.dismiss()))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url):
        if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:", "file:")):
            self.away.append(url)

    def said(self, text, seconds=30):
        """Wait until a picker says this."""
        self.page.wait_for_function(
            """(text) => [...document.querySelectorAll('.labellerr-live')].some(
                 (line) => line.textContent.includes(text))""",
            arg=text,
            timeout=seconds * 1000,
        )

    def drawn(self, what):
        """Wait until a viewer has drawn this page: its number and name."""
        self.page.wait_for_selector(f".labellerr-viewer canvas[data-drawn='{what}']", timeout=30000)

    def pixel(self, x, y, canvas=0):
        """What a viewer has drawn at a place of the image, `[r, g, b]`."""
        return self.page.evaluate(
            """([x, y, at]) => {
              const canvas = document.querySelectorAll('.labellerr-viewer .stage canvas')[at];
              const scale = Number(canvas.dataset.scale);
              return [...canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data].slice(0, 3);
            }""",
            [x, y, canvas],
        )

    def picture(self, name, selector=None):
        """Save what is seen, where pictures are asked for."""
        if PICTURES:
            pathlib.Path(PICTURES).mkdir(parents=True, exist_ok=True)
            seen = self.page.locator(selector).first if selector else self.page
            seen.screenshot(path=f"{PICTURES}/{name}.png")


class Notebook(Page):
    """A notebook that is open in JupyterLab or Notebook 7."""

    def ready(self):
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady", timeout=60000
        )
        self.page.evaluate(
            """async () => {
              const panel = window.jupyterapp.shell.currentWidget;
              await panel.sessionContext.ready;
              await panel.sessionContext.session.kernel.info;
            }"""
        )

    def command(self, name, **arguments):
        return self.page.evaluate(
            "([name, told]) => window.jupyterapp.commands.execute(name, told).then(() => null)", [name, arguments]
        )

    def run(self):
        """Run all cells, without waiting for them."""
        self.ready()
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

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

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
