"""What every test shares: sandboxes, and a look for secrets in everything that is printed."""

from __future__ import annotations

import logging
import os
import pathlib
import socket
import subprocess
import sys

import clusters
import hypothesis
import pytest
import stores
import thorough
from canary import leaks

import labellerr_ds as lds
from labellerr_ds.sandbox import Sandbox

# No deadline: these machines are noisy. Where CI runs, the examples are the same each time.
hypothesis.settings.register_profile(
    "ours",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("ours")


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="more examples in the long property tests")


def pytest_configure(config):
    thorough.is_thorough = config.getoption("--thorough")


collect_ignore = ["swift_server.py", "interop"]  # programs of their own

SAMPLES = pathlib.Path(__file__).parent / "samples"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """A cache of exports of these tests alone, in child processes too."""
    os.environ["LABELLERR_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def serve():
    """Sandboxes by their arguments, each started once and left as it is."""
    started: dict[tuple[object, ...], Sandbox] = {}

    def served(variant: str = "", files: int = 24, **more: object) -> Sandbox:
        key = (variant, files, *sorted(more.items()))
        if key not in started:
            started[key] = Sandbox(files=files, variant=variant, **{"export_seconds": 0, **more}).start()
        return started[key]

    served.started = started
    yield served
    for sandbox in started.values():
        sandbox.stop()


@pytest.fixture
def sandbox(serve):
    return serve()


@pytest.fixture
def fresh():
    """A sandbox of this test alone, to be changed."""
    with Sandbox(files=24, export_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    return lds.Client.sandbox(sandbox)


@pytest.fixture
def project(client, sandbox):
    return client.project(sandbox.project_ids[0])


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The documentation site, built with warnings as errors."""
    docs = pathlib.Path(__file__).parents[1] / "docs"
    folder = tmp_path_factory.mktemp("site") / "html"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(docs), str(folder)]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr[-4000:]
    return folder


@pytest.fixture(scope="module")
def cluster():
    with clusters.processes(2) as client:
        yield client


@pytest.fixture(scope="session")
def swift():
    with stores.swift() as store:
        yield store


@pytest.fixture(scope="session")
def moto():
    with stores.moto() as store:
        yield store


@pytest.fixture(params=["swift", "moto"])
def store(request, own_keys):
    """A store, and the user's own AWS settings for it."""
    store = request.getfixturevalue(request.param)
    own_keys(AWS_ENDPOINT_URL=store.endpoint)
    return store


@pytest.fixture
def own_keys(monkeypatch, tmp_path):
    """Sets the AWS settings of the user; without a call there are none."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def settings(**values: str) -> None:
        given = {"AWS_ACCESS_KEY_ID": stores.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": stores.SECRET_KEY, **values}
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    return settings


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing beyond loopback is reached."""
    connect = socket.socket.connect

    def only_loopback(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise OSError(f"a test must not reach {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    for name in ("KEY", "SECRET"):
        monkeypatch.delenv(f"LABELLERR_API_{name}", raising=False)
    monkeypatch.delenv("LABELLERR_CLIENT_ID", raising=False)
    monkeypatch.delenv("LABELLERR_BASE_URL", raising=False)


@pytest.fixture(autouse=True)
def no_secret_is_told(request, caplog, capsys):
    """No key, secret or signature is in what a test printed or logged, down to DEBUG."""
    caplog.set_level(logging.DEBUG)
    yield
    if request.node.get_closest_marker("tells_keys"):
        return
    logged = [
        record for phase in ("setup", "call") for record in caplog.get_records(phase)
    ]  # `text` has this phase alone
    told = "\n".join([*map(caplog.handler.format, logged), *capsys.readouterr()])
    assert not leaks(told)
    assert not [secret for secret in stores.SECRETS if secret in told]
