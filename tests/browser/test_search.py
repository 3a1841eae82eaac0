"""The documentation site in a browser."""

from __future__ import annotations

import functools
import http.server
import threading

import pytest
from servers import Page


@pytest.fixture
def address(site):
    handler = functools.partial(_Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *told):
        pass


def test_it_is_searched_and_asks_for_nothing_elsewhere(address, browser, opened):
    found = Page(browser.new_page())
    opened.append(found)
    page = found.page
    page.goto(f"{address}/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("label_state")
    page.keyboard.press("Enter")
    page.wait_for_selector("ul.search li a")
    assert any("Frames" in hit for hit in page.locator("ul.search li a").all_inner_texts())
    page.goto(f"{address}/guide/panels.html")
    assert page.evaluate("() => [...document.images].every((image) => image.naturalWidth > 0)")
