"""The sandbox itself: as documented, the same for the same seed, and open about being a simulation."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
import requests
from PIL import Image
from scipy import ndimage

from labellerr_ds.sandbox import VARIANTS, Sandbox, scene
from labellerr_ds.sandbox.world import STATUSES

pytestmark = pytest.mark.tells_keys  # the requests here are the tests' own


def ask(sandbox, method, path, *, headers=None, body=None, data=None, files=None, **params):
    keys = {"api_key": sandbox.api_key, "api_secret": sandbox.api_secret, "client_id": sandbox.client_id}
    query = {"client_id": sandbox.client_id, "uuid": "u", **params}
    told = keys if headers is None else headers
    return requests.request(
        method, sandbox.base_url + path, params=query, headers=told, json=body, data=data, files=files, timeout=10
    )


def body(**more):
    return {
        "export_name": "n", "export_description": "d", "export_format": "json", "statuses": ["accepted"],
        "question_ids": ["all"], "export_destination": "local", **more,
    }  # fmt: skip


def test_the_same_seed_gives_the_same_world_and_another_another():
    one, two, other = Sandbox(files=20, seed=3), Sandbox(files=20, seed=3), Sandbox(files=20, seed=4)
    assert one.project_ids == two.project_ids != other.project_ids
    for project_id in one.project_ids:
        mine, theirs = one.truth(project_id), two.truth(project_id)
        pd.testing.assert_frame_equal(mine["annotations"], theirs["annotations"])
        times = ["created_at", "updated_at"]
        pd.testing.assert_frame_equal(mine["files"].drop(columns=times), theirs["files"].drop(columns=times))
        shift = (theirs["files"]["created_at"] - mine["files"]["created_at"]).unique()
        assert len(shift) == 1


def test_files_are_in_all_fifteen_statuses(sandbox):
    files = sandbox.truth(sandbox.project_ids[0])["files"]
    assert set(files["status"]) == set(STATUSES)
    assert (files["updated_at"] < sandbox.now).all()
    assert files["file_name"].duplicated().any()


def test_the_clock_moves_by_advance_alone_and_in_any_steps():
    one, two = Sandbox(files=20), Sandbox(files=20)
    shift = two.now - one.now
    one.advance(days=9)
    for _ in range(18):
        two.advance(hours=12)
    assert two.now - one.now == shift
    for project_id in one.project_ids:
        mine, theirs = one.truth(project_id), two.truth(project_id)
        assert mine["annotations"]["annotation_id"].tolist() == theirs["annotations"]["annotation_id"].tolist()
        assert len(mine["deleted"]) == len(theirs["deleted"])
    with pytest.raises(ValueError, match="cannot go back"):
        one.advance(days=-1)


def test_in_half_a_year_everything_happens():
    sandbox = Sandbox(files=40)
    project_id = sandbox.project_ids[0]
    before = sandbox.truth(project_id)
    sandbox.advance(days=180)
    after = sandbox.truth(project_id)
    old, new = before["files"].set_index("file_id"), after["files"].set_index("file_id")
    assert set(new.index) - set(old.index)
    assert set(after["deleted"]["file_id"]) & set(old.index)
    both = old.index.intersection(new.index)
    assert (old.loc[both, "status"] != new.loc[both, "status"]).any()
    assert new["status"].isin(["rejected", "client_rejected"]).any()


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"api_key": "x", "api_secret": "y"}, 401)],
)
def test_wrong_keys_are_refused(sandbox, headers, status):
    assert ask(sandbox, "GET", "/project_drafts/projects/detailed_list", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"export_name": ""}, "export_name"),
        ({"export_description": None}, "export_description"),
        ({"export_format": "xml"}, "export_format"),
        ({"statuses": []}, "at least 1"),
        ({"statuses": ["acepted"]}, "unknown status"),
        ({"statuses": ["none"]}, "unknown status"),
        ({"question_ids": []}, "question_ids"),
        ({"updated_after_timestamp": 1734393600}, "milliseconds"),
        ({"export_destination": "ftp"}, "local or s3"),
        ({"export_destination": "s3"}, "connection_id"),
        ({"statuses": ["accepted"], "updated_after_timestamp": 99999999999999}, "No files found with the given status"),
    ],
)
def test_a_wrong_body_is_answered_with_words(sandbox, wrong, words):
    answer = ask(sandbox, "POST", "/sdk/export/files", project_id=sandbox.project_ids[0], body=body(**wrong))
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("path", ["/projects/project/nowhere", "/nowhere", "/annotations/get_template"])
def test_what_is_not_there_is_404(sandbox, path):
    assert ask(sandbox, "GET", path).status_code == 404


def test_it_says_that_it_is_a_simulation(sandbox):
    notice = ask(sandbox, "GET", "/project_drafts/projects/detailed_list").headers["X-Notice"]
    assert "simulation made from Labellerr's public documentation" in notice


def link_of(sandbox):
    project_id = sandbox.project_ids[0]
    report_id = ask(sandbox, "POST", "/sdk/export/files", project_id=project_id, body=body()).json()["response"][
        "report_id"
    ]
    return ask(sandbox, "GET", "/exports/download", project_id=project_id, report_id=report_id).json()["response"][
        "url"
    ]


def test_signed_links_expire_and_honour_range_and_if_match(fresh):
    url = link_of(fresh)
    whole = requests.get(url, timeout=10)
    assert whole.status_code == 200
    part = requests.get(url, headers={"Range": "bytes=2-5", "If-Match": whole.headers["ETag"]}, timeout=10)
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(whole.content)}"
    assert requests.get(url, headers={"If-Match": '"other"'}, timeout=10).status_code == 412
    assert requests.get(url + "0", timeout=10).status_code == 403
    assert requests.get(url, headers={"api_key": "k"}, timeout=10).status_code == 400
    fresh.advance(minutes=61)
    assert "Request has expired" in requests.get(url, timeout=10).text


def test_report_ids_never_repeat():
    ids = set()
    for _ in range(2):
        with Sandbox(files=15, export_seconds=0) as sandbox:
            answer = ask(sandbox, "POST", "/sdk/export/files", project_id=sandbox.project_ids[0], body=body())
            ids.add(answer.json()["response"]["report_id"])
    assert len(ids) == 2


def test_images_are_drawn_from_the_shapes_and_have_the_size_that_is_told(serve, monkeypatch):
    monkeypatch.setattr(scene, "finish", lambda picture, *_, **__: picture)  # weather and noise are everywhere
    empty = {}
    monkeypatch.setattr(
        scene, "ground", lambda wide, high, *_: empty.setdefault((wide, high), Image.new("RGB", (wide, high))).copy()
    )
    sandbox = serve("png-turned")
    project_id = sandbox.project_ids[0]
    files = sandbox.truth(project_id)["files"]
    answer = ask(
        sandbox, "POST", "/cdn-web/files_links", project_id=project_id, body={"file_ids": files["file_id"].tolist()}
    )
    masks = sandbox.masks(project_id)
    names = sandbox.truth(project_id)["categories"].set_index("question_id")["name"]
    classes = enumerate(sandbox.mask_classes(project_id), start=1)
    filled = [place for place, question in classes if names[question] in ("road", "building")]  # to their last pixel
    drawn = 0
    for link, file in zip(answer.json()["fileLinks"], files.itertuples(), strict=True):
        got = requests.get(link["url"], timeout=10).content
        assert len(got) == round(file.file_size_mb * 1_000_000)
        image = Image.open(io.BytesIO(got)).convert("RGB")
        assert image.size == (file.width, file.height)
        if file.file_format == "png":
            labels, painted = masks[file.file_id], (np.asarray(image) != 0).any(axis=2)
            whole = np.isin(labels, filled)
            assert painted[whole].all()
            if file.status not in ("none", "assigned"):  # else things are seen that nobody has labelled yet
                beside = painted & ~ndimage.binary_dilation(labels > 0, iterations=9)
                assert beside.mean() < 0.03  # lines and lights, which masks do not show
            drawn += whole.any()
    assert drawn


def test_s3_connections_are_told_without_their_keys_and_odd_requests_are_refused(sandbox, monkeypatch):
    form = {
        "credentials": '{"access_key_id": "canary-id", "secret_access_key": "canary-secret"}', "connector": "s3",
        "connection_type": "export", "name": "bucket", "description": "d", "path": "b/f/", "data_type": "image",
    }  # fmt: skip
    made = ask(sandbox, "POST", "/connectors/connections/create", data=form).json()["response"]["connection_id"]
    listed = ask(sandbox, "GET", "/connectors/connections/list", connector="s3", connection_type="export")
    assert [each["name"] for each in listed.json()["response"] if each["connection_id"] == made] == ["bucket"]
    assert "canary" not in listed.text
    s3 = {"export_destination": "s3", "connection_id": made}
    for path in ("b/f", "/b/f/", "gs://b/f/", "s3://", ""):
        asked = body(**s3, export_folder_path=path)
        wrong = ask(sandbox, "POST", "/sdk/export/files", project_id=sandbox.project_ids[0], body=asked)
        assert "bucket/path/to/folder/" in wrong.json()["error"]
        assert ask(sandbox, "POST", "/connectors/connections/test", data={**form, "path": path}).status_code == 400
    assert ask(sandbox, "POST", "/connectors/connections/test", data={**form, "credentials": "{}"}).status_code == 400
    assert ask(sandbox, "POST", "/connectors/connections/create", data={**form, "name": ""}).status_code == 400
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    told = ask(sandbox, "POST", "/connectors/connections/test", data=form).json()["error"]
    assert "labellerr-ds[s3]" in told


@pytest.mark.parametrize("variant", ["zorp", "body-zip,body-gzip"])
def test_a_variant_that_is_none_and_two_of_one_thing_are_refused(variant):
    with pytest.raises(ValueError, match="variant"):
        Sandbox(variant=variant)


def test_the_variants_are_those_of_the_table():
    table = {
        "list-snake", "list-flat", "list-404", "status-top", "status-null", "status-no-link", "link-text",
        "link-download-url", "link-late", "null-refused", "template-color", "body-zip", "body-zip-folder", "body-gzip",
        "empty-status", "empty-file", "answers-question", "answers-dict", "values-list", "video-list", "csv-answers",
        "csv-bom-semicolon", "parts", "png-id", "png-annotated", "png-class", "png-rgb", "png-grey16",
        "since-inclusive", "status-untouched", "ids-one", "ids-plain", "names-path", "contributor-email", "boxes-bare",
        "boxes-empty", "boxes-corners", "coco-turned", "png-turned", "rotation-ccw", "s3-plain", "s3-loose",
    }  # fmt: skip
    assert {name for names in VARIANTS.values() for name in names} == table | {"quarters"}
    assert Sandbox(files=15, variant="contributor-key").variants == Sandbox(files=15).variants == frozenset()


def test_the_vendors_own_sdk_works_as_far_as_it_works(sandbox):
    """Its requests, as it sends them: list of projects, one project, create, status."""
    keys = {"api_key": sandbox.api_key, "api_secret": sandbox.api_secret, "client_id": sandbox.client_id}
    headers = {**keys, "source": "sdk", "origin": "https://pro.labellerr.com", "Content-Type": "application/json"}
    listed = ask(sandbox, "GET", "/project_drafts/projects/detailed_list", headers=headers).json()["response"][
        "projects"
    ]
    project_id = listed[0]["project_id"]
    one = ask(sandbox, "GET", f"/projects/project/{project_id}", headers=headers).json()["response"]
    assert one["data_type"] == "image"
    made = ask(sandbox, "POST", "/sdk/export/files", headers=headers, project_id=project_id, body=body()).json()
    asked = {"report_ids": [made["response"]["report_id"]]}
    state = ask(sandbox, "POST", "/exports/status", headers=headers, project_id=project_id, body=asked).json()[
        "response"
    ][0]
    assert (state["is_completed"], state["export_status"]) == (True, "Created")


def test_other_clients_find_what_they_ask_for(sandbox):
    """A project by its short path, and a link under both names, also with the status."""
    project_id = sandbox.project_ids[0]
    assert ask(sandbox, "GET", f"/projects/{project_id}").json()["response"]["project_id"] == project_id
    report_id = ask(sandbox, "POST", "/sdk/export/files", project_id=project_id, body=body()).json()["response"][
        "report_id"
    ]
    link = ask(sandbox, "GET", "/exports/download", project_id=project_id, report_id=report_id).json()["response"]
    assert link["download_url"] == link["url"]
    told = ask(sandbox, "POST", "/exports/status", project_id=project_id, body={"report_ids": [report_id]}).json()
    assert requests.get(told["response"][0]["download_url"], timeout=10).json()


def test_files_are_listed_page_by_page_and_one_by_one(sandbox):
    project_id = sandbox.project_ids[0]
    known = sandbox.truth(project_id)["files"]["file_id"].tolist()
    listed, after = [], None
    while True:
        asked = {"search_queries": [], "size": 7, "next_search_after": after}
        page = ask(sandbox, "POST", "/search/project_files", project_id=project_id, body=asked).json()["response"]
        listed += [file["file_id"] for file in page["files"]]
        after = page["next_search_after"]
        if after is None:
            break
    assert listed == known
    one = ask(sandbox, "GET", "/data/file_data", project_id=project_id, file_id=known[3]).json()
    assert (one["file_id"], one["data_type"]) == (known[3], "image")
    assert ask(sandbox, "GET", "/data/file_data", project_id=project_id, file_id="nowhere").status_code == 404
    assert ask(sandbox, "POST", "/search/project_files", project_id=project_id, body={"size": 0}).status_code == 400


def test_answers_come_in_the_envelope_of_the_service(sandbox):
    answer = ask(sandbox, "GET", "/project_drafts/projects/detailed_list").json()
    assert answer.keys() == {"message", "response", "error"}
    assert (answer["message"], answer["error"]) == ("200: Success", None)


def test_the_key_of_the_caller_is_the_contributor_of_a_coco_json(sandbox, serve):
    for server, expected in ((sandbox, sandbox.api_key), (serve("contributor-email"), "sandbox@example.com")):
        project_id = server.project_ids[0]
        made = ask(server, "POST", "/sdk/export/files", project_id=project_id, body=body(export_format="coco_json"))
        report_id = made.json()["response"]["report_id"]
        link = ask(server, "GET", "/exports/download", project_id=project_id, report_id=report_id).json()["response"]
        assert requests.get(link["url"], timeout=10).json()["info"]["contributor"] == expected


def test_coordinates_are_integers_or_have_ten_decimals_and_quarters_where_they_are_asked_for(sandbox, serve):
    def numbers(server):
        shapes = server.truth(server.project_ids[0])["annotations"]["segmentation"].dropna()
        return [side for shape in shapes for ring in shape for side in (ring if isinstance(ring, list) else [ring])]

    noisy = numbers(sandbox)
    assert {type(number) for number in noisy} == {int, float}
    assert all(round(number, 10) == number for number in noisy)
    assert any(number * 4 % 1 for number in noisy)
    assert not any(number * 4 % 1 for number in numbers(serve("quarters")))


def test_a_connection_is_told_by_its_id_and_tested_without_its_keys(sandbox):
    keys = json.dumps({"access_key_id": "a", "secret_access_key": "b"})
    kind = {"connector": "s3", "connection_type": "export"}
    made = ask(
        sandbox, "POST", "/connectors/connections/create", files={"credentials": (None, keys), "name": (None, "mine"),
        **{name: (None, word) for name, word in kind.items()}},
    ).json()["response"]["connection_id"]  # fmt: skip
    path = f"/connectors/connections/{made}/details"
    told = ask(sandbox, "GET", path).json()["response"]
    assert {**kind, "name": "mine"}.items() <= told.items()
    assert "a" not in told.values()
    tested = ask(
        sandbox, "POST", "/connectors/connections/test",
        files={name: (None, word) for name, word in {**kind, "connection_id": made, "path": "nowhere/x/"}.items()},
    )  # fmt: skip
    assert tested.status_code == 400
    assert "access_key_id" not in tested.text
    ask(sandbox, "POST", "/connectors/connections/delete", body={"connection_id": made})
    assert ask(sandbox, "GET", path).status_code == 404


def test_a_world_of_100_000_files_starts_in_seconds():
    sandbox = Sandbox(files=100_000)
    assert len(sandbox._world.projects[sandbox.project_ids[0]].files) == 100_000
