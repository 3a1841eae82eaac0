"""S3 connections: tested before they are made, and their keys never told."""

from __future__ import annotations

import json

import pytest
import stores

import labellerr_ds as lds
from labellerr_ds.sandbox import Sandbox
from labellerr_ds.service.client import transport_of
from labellerr_ds.service.connections import send_form

KEYS = {"access_key": stores.ACCESS_KEY, "secret_key": stores.SECRET_KEY}


@pytest.fixture
def bucketed(store):
    with Sandbox(files=12, export_seconds=0, s3_endpoint=store.endpoint) as sandbox:
        yield lds.Client.sandbox(sandbox)


def test_a_connection_is_made_listed_and_deleted(bucketed, store):
    assert bucketed.s3_connections().empty
    made = lds.create_s3_connection(
        bucketed, **KEYS, name="nightly", description="the labels", bucket_path="labels/nightly/"
    )
    listed = bucketed.s3_connections()
    assert listed[["connection_id", "name", "description"]].to_numpy().tolist() == [[made, "nightly", "the labels"]]
    assert listed["created_at"].notna().all()
    assert store.keys("nightly/.labellerr") == []  # what the test wrote is gone
    bucketed.delete_s3_connection(made)
    assert bucketed.s3_connections().empty
    with pytest.raises(lds.NotFoundError, match="connection not found"):
        bucketed.delete_s3_connection(made)


def test_the_keys_may_be_the_users_own(bucketed):
    assert lds.create_s3_connection(bucketed, name="mine", bucket_path="s3://labels/nightly")


def test_a_bucket_that_is_not_there_is_told(bucketed):
    with pytest.raises(lds.StorageError, match="NoSuchBucket.*was not created"):
        lds.create_s3_connection(bucketed, **KEYS, name="mine", bucket_path="nowhere/nightly/")
    assert bucketed.s3_connections().empty


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"secret_key": "wrong-canary-secret"}, "SignatureDoesNotMatch"),
        ({"access_key": "wrong-canary-access"}, "SignatureDoesNotMatch|InvalidAccessKeyId"),
        ({"access_key": stores.READER_KEY, "secret_key": stores.READER_SECRET}, "AccessDenied"),
    ],
)
def test_wrong_keys_and_no_permission_are_told_without_the_keys(swift, own_keys, keys, words):
    with Sandbox(files=12, s3_endpoint=swift.endpoint) as sandbox:
        client = lds.Client.sandbox(sandbox)
        with pytest.raises(lds.StorageError, match=words) as caught:
            lds.create_s3_connection(client, **{**KEYS, **keys}, name="mine", bucket_path="labels/nightly/")
        assert not [key for key in (*KEYS.values(), *keys.values()) if key in str(caught.value)]
        assert client.s3_connections().empty


def test_a_wrong_region_is_told(swift, own_keys):
    with Sandbox(files=12, s3_endpoint=swift.endpoint, s3_region="eu-west-1") as sandbox:
        with pytest.raises(lds.StorageError, match="AuthorizationHeaderMalformed|region"):
            lds.create_s3_connection(lds.Client.sandbox(sandbox), **KEYS, name="mine", bucket_path="labels/")


def test_an_endpoint_that_is_down_is_told(own_keys):
    with Sandbox(files=12, s3_endpoint=f"http://127.0.0.1:{stores.free_port()}") as sandbox:
        with pytest.raises(lds.StorageError, match="could not be reached"):
            lds.create_s3_connection(lds.Client.sandbox(sandbox), **KEYS, name="mine", bucket_path="labels/")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"access_key": "only"}, "access_key without secret_key"),
        ({"secret_key": "only"}, "secret_key without access_key"),
        ({"name": " "}, "at least 1 character"),
        ({"bucket_path": "labels/../b/"}, "without"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_before_anything_is_sent(client, sandbox, arguments, words):
    before = len(sandbox.requests)
    with pytest.raises(lds.InvalidArgumentError, match=words):
        lds.create_s3_connection(client, **{"name": "x", "bucket_path": "labels/", **arguments})
    assert len(sandbox.requests) == before


def test_without_any_keys_it_says_where_they_are_looked_for(client, own_keys):
    with pytest.raises(lds.AuthError, match=r"~/\.aws[\s\S]*access_key= and secret_key="):
        lds.create_s3_connection(client, name="x", bucket_path="labels/")


def test_temporary_keys_are_not_handed_over(client, own_keys):
    own_keys(AWS_SESSION_TOKEN="canary-token")
    with pytest.raises(lds.AuthError, match="temporary"):
        lds.create_s3_connection(client, name="x", bucket_path="labels/")


def test_the_api_key_goes_along_as_the_service_wants_it(client, sandbox, moto, own_keys):
    client.s3_connections()
    assert "email_id" in sandbox.requests[-1].headers


def test_what_holds_keys_does_not_show_them(bucketed):
    lds.create_s3_connection(bucketed, **KEYS, name="mine", bucket_path="labels/")
    told = json.dumps(bucketed.s3_connections().astype(str).to_dict("records")) + repr(bucketed)
    assert not [key for key in KEYS.values() if key in told]


@pytest.mark.parametrize("scheme", ["", "s3://"])
def test_the_service_takes_a_path_with_and_without_its_scheme(moto, scheme):
    keys = json.dumps({"access_key_id": stores.ACCESS_KEY, "secret_access_key": stores.SECRET_KEY})
    with Sandbox(files=12, export_seconds=0, s3_endpoint=moto.endpoint) as sandbox:
        client = lds.Client.sandbox(sandbox)
        fields = {"credentials": keys, "connector": "s3", "connection_type": "export", "data_type": "image"}
        form = {**fields, "path": f"{scheme}labels/any/", "name": "any", "description": "d"}
        tested = send_form(transport_of(client), "/connectors/connections/test", "testing", form, ())
        assert tested["response"]
        made = send_form(transport_of(client), "/connectors/connections/create", "creating", form, ())["response"]
        body = {
            "export_name": "n", "export_description": "d", "export_format": "json", "statuses": ["accepted"],
            "question_ids": ["all"], "export_destination": "s3", **made,
            "export_folder_path": f"{scheme}labels/any{len(scheme)}/",
        }  # fmt: skip
        project_id = sandbox.project_ids[0]
        created = transport_of(client).post("/sdk/export/files", "creating", body, {"project_id": project_id})
        assert moto.keys(f"any{len(scheme)}/") == [f"any{len(scheme)}/{created['response']['report_id']}_export.json"]
