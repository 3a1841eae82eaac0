"""Client and Project against the sandbox."""

from __future__ import annotations

import keyring
import pandas as pd
import pytest

import labellerr_ds as lds
from labellerr_ds.service.client import transport_of
from labellerr_ds.service.project_like import as_project


def test_the_projects_are_a_frame(client, sandbox):
    frame = client.projects()
    assert frame["project_id"].tolist() == sandbox.project_ids
    assert frame["data_type"].tolist() == ["image", "video", "document", "audio", "image"]
    assert frame["status"].unique().tolist() == ["ready"]
    assert str(frame["created_at"].dtype) == "datetime64[ns, UTC]"


def test_a_project_asks_nothing_until_it_is_asked(client, sandbox):
    before = len(sandbox.requests)
    project = client.project("nowhere")
    assert len(sandbox.requests) == before
    with pytest.raises(lds.NotFoundError, match="nowhere[\\s\\S]*client.projects"):
        project.categories()


def test_a_name_will_do_and_is_looked_up_only_where_it_is_no_id(client, sandbox):
    project = client.project("Street scenes")
    assert not project.categories().empty
    assert project.project_id == sandbox.project_ids[0]
    before = len(sandbox.requests)
    client.project(sandbox.project_ids[0]).categories()
    assert len(sandbox.requests) == before + 2
    assert (
        lds.export_to_dataframe("Street scenes", ["accepted"], client=client, progress=False)["file_id"].notna().all()
    )


def test_an_export_is_picked_up_by_the_name_of_its_project(client):
    report_id = lds.create_export(client.project("Street scenes"), "all").report_id
    assert lds.ExportJob("Street scenes", report_id, client=client).wait(progress=False).is_completed


def test_a_typo_gets_the_nearest_names(client):
    with pytest.raises(lds.NotFoundError, match="did you mean 'Street scenes'"):
        client.project("Street scene").exports()


def test_a_client_that_is_none_is_refused(sandbox):
    with pytest.raises(lds.InvalidArgumentError, match="client must be a Client, got str"):
        lds.create_export(sandbox.project_ids[0], "all", client="key")


def test_the_services_clock_comes_with_the_answers_that_were_had_already(client, sandbox):
    client.projects()
    before = len(sandbox.requests)
    assert abs((transport_of(client).now() - sandbox.now).total_seconds()) < 3
    assert len(sandbox.requests) == before


def test_the_template_is_a_categories_frame(project, sandbox):
    frame = project.categories()
    assert frame["category_id"].tolist() == sandbox.truth(project.project_id)["categories"]["category_id"].tolist()
    assert frame["color"].dropna().str.fullmatch("#[0-9a-f]{6}").all()


@pytest.mark.parametrize("variant", ["", "list-snake", "list-flat"])
def test_exports_are_listed_newest_first(serve, variant):
    sandbox = serve(variant)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[2])
    jobs = [lds.create_export(project, "all", name=f"export {number}") for number in range(2)]
    frame = project.exports()
    columns = ["report_id", "name", "state", "raw_state", "format", "destination", "statuses", "created_at"]
    assert frame.columns.tolist() == columns
    assert set(frame["report_id"]) >= {job.report_id for job in jobs}
    assert set(frame["state"]) == {"completed"}
    assert frame["created_at"].is_monotonic_decreasing
    assert lds.ExportJob(project, jobs[0].report_id).name == "export 0"


def test_without_a_list_of_exports_it_says_what_can_still_be_done(serve):
    sandbox = serve("list-404")
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    with pytest.raises(lds.NotFoundError, match=r"Hint: lds.ExportJob"):
        project.exports()
    assert lds.create_export(project, "all").name.startswith("labellerr-ds")


def test_credentials_come_from_the_environment(sandbox, monkeypatch):
    with pytest.raises(lds.AuthError, match=r"api_key \(LABELLERR_API_KEY\), api_secret [\s\S]*sandbox"):
        lds.Client()
    monkeypatch.setenv("LABELLERR_API_KEY", sandbox.api_key)
    monkeypatch.setenv("LABELLERR_API_SECRET", sandbox.api_secret)
    with pytest.raises(lds.AuthError, match="missing credentials: client_id"):
        lds.Client()
    monkeypatch.setenv("LABELLERR_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("LABELLERR_BASE_URL", sandbox.base_url + "/")
    assert lds.Client().base_url == sandbox.base_url
    df = lds.export_to_dataframe(sandbox.project_ids[0], "all", progress=False)
    assert len(df)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("api_key", "Hint: api_key= and api_secret="), ("api_secret", "api_key"), ("client_id", "client_id")],
)
def test_a_wrong_credential_stops_at_once(sandbox, wrong, words):
    keys = {name: getattr(sandbox, name) for name in ("api_key", "api_secret", "client_id")}
    client = lds.Client(**{**keys, wrong: "wrong-value"}, base_url=sandbox.base_url)
    before = len(sandbox.requests)
    with pytest.raises(lds.AuthError, match=words) as caught:
        lds.ExportJob(client.project(sandbox.project_ids[0]), "r").wait(progress=False)
    assert len(sandbox.requests) == before + 1
    assert "wrong-value" not in str(caught.value)


def test_the_vendors_own_project_object_will_do(sandbox):
    class TheirClient:
        api_key, api_secret, client_id = sandbox.api_key, sandbox.api_secret, sandbox.client_id
        base_url = sandbox.base_url

    class TheirProject:
        client, project_id = TheirClient(), sandbox.project_ids[0]

    frame = lds.export_to_dataframe(TheirProject(), ["accepted"], progress=False)
    assert set(frame["status"]) == {"accepted"}


@pytest.mark.parametrize("project", [None, 3, object(), pd.DataFrame()])
def test_what_is_no_project_is_refused(project):
    with pytest.raises(lds.InvalidArgumentError, match="project must be a Project"):
        as_project(project)


@pytest.mark.parametrize("project_id", ["", "  ", None, 7])
def test_what_is_no_project_id_is_refused(client, project_id):
    with pytest.raises(lds.InvalidArgumentError, match="project_id must be a non-empty str"):
        client.project(project_id)


def test_the_sandbox_without_arguments_is_one_a_process():
    assert lds.Client.sandbox().base_url == lds.Client.sandbox().base_url


class Keyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self, entries):
        self.entries = entries

    def get_password(self, service, username):
        if self.entries is None:
            raise keyring.errors.KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service, username, password): ...

    def delete_password(self, service, username): ...


@pytest.fixture
def keep():
    before = keyring.get_keyring()
    yield lambda entries: keyring.set_keyring(Keyring(entries))
    keyring.set_keyring(before)


def test_credentials_are_taken_from_the_keyring_after_arguments_and_environment(keep, monkeypatch):
    keep({("labellerr", name): f"{name}-kept" for name in ("api_key", "api_secret", "client_id")})
    client = lds.Client(api_key="given")
    assert (client.api_key, client.api_secret, client.client_id) == ("given", "api_secret-kept", "client_id-kept")
    monkeypatch.setenv("LABELLERR_API_SECRET", "of-the-environment")
    assert lds.Client().api_secret == "of-the-environment"
    assert "kept" not in repr(vars(lds.Client())).replace("client_id-kept", "")


@pytest.mark.parametrize("entries", [{}, None])
def test_a_keyring_without_them_or_a_locked_one_is_as_good_as_none(keep, entries):
    keep(entries)
    with pytest.raises(lds.AuthError, match="missing credentials: api_key .*, api_secret .*, client_id "):
        lds.Client()


def test_exports_of_one_state(project):
    lds.create_export(project, ["accepted"]).wait(progress=False)
    assert set(project.exports(state="completed")["state"]) == {"completed"}
    assert project.exports("failed").empty
    with pytest.raises(lds.InvalidArgumentError, match="state must be one of running"):
        project.exports("done")


def test_a_link_says_how_long_it_holds(project):
    job = lds.create_export(project, ["accepted"])
    job.wait(progress=False)
    assert 3_000 < job.link().seconds_left <= 3_700
    assert lds.SignedLink("https://store/x?sig=1").seconds_left is None
